//! The simulator behind a real port: HTTP/1.1, plain or inside TLS, or reached as a proxy.

mod tls;
mod tunnel;

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
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use url::Url;

pub use self::tls::{Authority, AuthorityError};

/// Largest body that is read from the wire, in bytes.
const MOST_BODY: usize = 256 * 1024 * 1024;

type Body = UnsyncBoxBody<Bytes, TransportError>;

/// How a port is served, besides plain HTTP.
#[derive(Clone, Debug, Default)]
pub enum Front {
    /// Plain HTTP only.
    #[default]
    Plain,
    /// TLS too: a connection's first byte tells which it is.
    Tls(Authority),
    /// TLS too, and CONNECT: an HTTP proxy that leads Microsoft's own host names to the simulator.
    Proxy(Authority),
}

/// Serves simulated tenants on a listener, plain HTTP, until the future is dropped. They are a
/// [`Simulator`](crate::Simulator), or one behind something that watches its exchanges.
pub async fn serve<T>(tenants: T, listener: TcpListener) -> std::io::Result<()>
where
    T: Transport + Clone,
{
    serve_behind(Front::Plain, tenants, listener).await
}

/// Serves simulated tenants on a listener until the future is dropped. Connections are served beside
/// each other inside this one future.
pub async fn serve_behind<T: Transport + Clone>(
    front: Front,
    tenants: T,
    listener: TcpListener,
) -> std::io::Result<()> {
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
        let (front, tenants) = (front.clone(), tenants.clone());
        // An error here is a connection that broke, by a fault or by the peer.
        connections.push(async move { drop(Box::pin(greet(front, tenants, stream)).await) });
    }
}

/// First byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

/// Finds out what a connection speaks, and serves it.
async fn greet<T: Transport + Clone>(
    front: Front,
    tenants: T,
    mut stream: TcpStream,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let authority = match &front {
        Front::Plain => return http(tenants, stream, "http").await,
        Front::Tls(authority) | Front::Proxy(authority) => authority,
    };
    let mut first = [0];
    stream.peek(&mut first).await?;
    let [first] = first;
    match (first, &front) {
        (HANDSHAKE, _) => http(tenants, authority.accept(stream).await?, "https").await,
        // No other method that is served begins so.
        (b'C', Front::Proxy(_)) => {
            if tunnel::open(&mut stream).await? {
                http(tenants, authority.accept(stream).await?, "https").await?;
            }
            Ok(())
        }
        _ => http(tenants, stream, "http").await,
    }
}

/// Speaks HTTP/1.1 until the peer ends it.
async fn http<T, S>(
    tenants: T,
    stream: S,
    scheme: &'static str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    T: Transport + Clone,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(tenants.clone(), scheme, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_mins(1))
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

async fn answer<T: Transport>(
    tenants: T,
    scheme: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, TransportError> {
    let (head, body) = request.into_parts();
    let host = head.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(url) = Url::parse(&format!("{scheme}://{host}{path}")) else {
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
        tail: None,
        timeout: Duration::from_mins(16),
    };
    // An error breaks the connection: that is what a reset looks like.
    let reply = tenants.send(request).await?;
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
