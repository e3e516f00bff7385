//! The transport of real life, against a socket.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use ports::{BodyTail, HttpRequest, Transport as _, TransportError, TransportErrorKind};
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
    HttpRequest { method: Method::GET, url, headers, body: Bytes::new(), tail: None, timeout }
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

/// Reads one chunked request whole, and answers it.
fn chunked_server() -> (Url, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let heard = std::thread::spawn(move || {
        let (mut stream, _peer) = listener.accept().unwrap();
        let (mut heard, mut piece) = (Vec::new(), [0; 512]);
        while !heard.ends_with(b"0\r\n\r\n") {
            match stream.read(&mut piece).unwrap() {
                0 => return format!("{} (cut off)", String::from_utf8_lossy(&heard)),
                length => heard.extend_from_slice(&piece[..length]),
            }
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    });
    (url, heard)
}

fn with_tail(url: Url, tail: Vec<Result<Bytes, TransportError>>) -> HttpRequest {
    let body = Bytes::from_static(b"head,");
    let tail = BodyTail::new(Box::pin(futures_util::stream::iter(tail)));
    HttpRequest { method: Method::POST, body, tail: Some(tail), ..request(url) }
}

/// What follows a body is sent while it is made.
#[tokio::test]
async fn the_tail_of_a_body_follows_its_head() {
    let (url, server) = chunked_server();
    let tail = vec![Ok(Bytes::from_static(b"one,")), Ok(Bytes::from_static(b"two"))];
    let response = transport().send(with_tail(url, tail)).await.unwrap();
    assert_eq!(response.status, http::StatusCode::NO_CONTENT);
    let heard = server.join().unwrap();
    let body = heard.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body, "5\r\nhead,\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n");
}

/// A tail that breaks leaves a request without its end, which nobody takes for whole.
#[tokio::test]
async fn a_tail_that_breaks_off_ends_the_request_before_its_end() {
    let (url, server) = chunked_server();
    let broken = TransportError { kind: TransportErrorKind::Broken, text: "gone".to_owned() };
    let tail = vec![Ok(Bytes::from_static(b"one,")), Err(broken)];
    let error = transport().send(with_tail(url, tail)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken);
    assert!(server.join().unwrap().ends_with("(cut off)"));
}
