//! The transport of real life, against a socket.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use ports::{HttpRequest, Transport as _, TransportErrorKind};
use tenant::{ReqwestTransport, TransportSettings};
use url::Url;

/// A server that gives one answer to one connection and returns what it was sent.
fn server(answer: &'static [u8]) -> (Url, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/path?key=secret", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        stream.write_all(answer).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        request
    });
    (Url::parse(&url).unwrap(), thread)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn transport() -> ReqwestTransport {
    ReqwestTransport::new(&TransportSettings::default()).unwrap()
}

fn request(url: Url) -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.insert("accept-encoding", HeaderValue::from_static("identity"));
    let timeout = Duration::from_secs(5);
    HttpRequest { method: Method::GET, url, headers, body: Bytes::new(), timeout }
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let (url, server) =
        server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    let response = transport().send(request(url)).await.unwrap();
    assert_eq!(response.status, http::StatusCode::FOUND);
    assert_eq!(response.headers["location"], "http://127.0.0.1:1/");
    let sent = server.join().unwrap();
    assert!(sent.starts_with("GET /path?key=secret HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("accept-encoding: identity"), "{sent}");
}

/// The falsely gzip-labelled 403 of Exchange arrives as it is.
#[tokio::test]
async fn a_body_that_says_gzip_is_not_decoded() {
    let (url, _server) = server(
        b"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\0\0\0",
    );
    let response = transport().send(request(url)).await.unwrap();
    assert_eq!(response.status, http::StatusCode::FORBIDDEN);
    assert_eq!(response.read(10).await.unwrap(), &b"\0\0\0"[..]);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_body_is_broken() {
    let (url, _server) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    let response = transport().send(request(url)).await.unwrap();
    let error = response.read(100).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken);
    assert!(!error.text.contains("secret"), "{}", error.text);
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_broken() {
    let (url, _server) = server(b"");
    let error = transport().send(request(url)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken, "{}", error.text);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_connection() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{free}/x?key=secret")).unwrap();
    let error = transport().send(request(url)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(!error.text.contains("secret"), "{}", error.text);
}

#[tokio::test]
async fn a_silent_server_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let mut request = request(url);
    request.timeout = Duration::from_millis(20);
    let error = transport().send(request).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
}

/// The contract of the port, on the adapter of real life.
#[tokio::test]
async fn the_transport_keeps_the_contract() {
    conformance::transport::suite(std::sync::Arc::new(transport())).await.unwrap();
}
