//! A small HTTP server: one handler, whole bodies.

use std::{convert::Infallible, future::Future, net::Ipv4Addr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

/// Largest request body: a batch of messages has 1 MiB, a commit 4 MB in base 64.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A handler's answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Serves on a free port of this machine until the process ends; gives the address.
pub(crate) async fn serve<H, F>(handle: H) -> std::io::Result<String>
where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?.to_string();
    let handle = Arc::new(handle);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handle = Arc::clone(&handle);
            let service = service_fn(move |request: Request<Incoming>| {
                let handle = Arc::clone(&handle);
                async move {
                    let (parts, body) = request.into_parts();
                    let answer = match Limited::new(body, MOST_BYTES).collect().await {
                        Ok(body) => handle(Request::from_parts(parts, body.to_bytes())).await,
                        Err(_) => text(StatusCode::PAYLOAD_TOO_LARGE, String::new()),
                    };
                    Ok::<_, Infallible>(answer)
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away is no matter: processes are killed here on purpose.
            spawn(async move { drop(connection.await) });
        }
    });
    Ok(address)
}

/// Runs beside everything else.
#[expect(clippy::disallowed_methods, reason = "the local cloud is a host, and owns its tasks")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

/// A refusal as the JSON protocols have it.
pub(crate) fn refusal(status: StatusCode, code: &str, why: &str) -> Answer {
    let mut answer = text(status, json!({ "__type": code, "message": why }).to_string());
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    answer.headers_mut().insert("content-type", kind);
    if let Ok(code) = HeaderValue::from_str(code) {
        answer.headers_mut().insert("x-amzn-errortype", code);
    }
    answer
}

/// An answer of text.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
}
