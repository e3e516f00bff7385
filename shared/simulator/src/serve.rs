//! The simulator behind a real port, HTTP/1.1.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::HOST};
use http_body_util::{BodyExt, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ports::{HttpRequest, Transport, TransportError};
use tokio::net::TcpListener;
use url::Url;

use crate::Simulator;

/// Largest body that is read from the wire, in bytes.
const MOST_BODY: usize = 256 * 1024 * 1024;

type Body = UnsyncBoxBody<Bytes, TransportError>;

/// Serves the simulator on a listener until the future is dropped. Connections are served beside
/// each other inside this one future.
pub async fn serve(simulator: Simulator, listener: TcpListener) -> std::io::Result<()> {
    use futures_util::{StreamExt, future::Either, stream::FuturesUnordered};
    let mut connections = FuturesUnordered::new();
    loop {
        let accepted = {
            let accept = std::pin::pin!(listener.accept());
            if connections.is_empty() {
                accept.await
            } else {
                match futures_util::future::select(accept, connections.next()).await {
                    Either::Left((accepted, _)) => accepted,
                    Either::Right(_) => continue,
                }
            }
        };
        // A peer that went away while it was being accepted is no reason to stop.
        let Ok((stream, _peer)) = accepted else { continue };
        let simulator = simulator.clone();
        connections.push(async move {
            let service = service_fn(move |request| answer(simulator.clone(), request));
            // An error here is a connection that broke, by a fault or by the peer.
            let ended = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_mins(1))
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(ended);
        });
    }
}

async fn answer(
    simulator: Simulator,
    request: Request<Incoming>,
) -> Result<Response<Body>, TransportError> {
    let (head, body) = request.into_parts();
    let host = head.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(url) = Url::parse(&format!("http://{host}{path}")) else {
        return Ok(refuse(StatusCode::BAD_REQUEST));
    };
    let Ok(body) = Limited::new(body, MOST_BODY).collect().await else {
        return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let request = HttpRequest {
        method: head.method,
        url,
        headers: head.headers,
        body: body.to_bytes(),
        timeout: Duration::from_mins(16),
    };
    // An error breaks the connection: that is what a reset looks like.
    let reply = simulator.send(request).await?;
    let stream = futures_util::StreamExt::map(reply.body, |chunk| chunk.map(Frame::data));
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(stream)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

fn refuse(status: StatusCode) -> Response<Body> {
    let body = http_body_util::Empty::new().map_err(|never: Infallible| match never {});
    let mut response = Response::new(BodyExt::boxed_unsync(body));
    *response.status_mut() = status;
    response
}
