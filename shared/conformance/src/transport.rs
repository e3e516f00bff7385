//! The contract of the transport, against servers on this machine's loopback address.
//!
//! It waits in earnest where the contract is about time: about a second in all.

mod server;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ports::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use url::Url;

use self::server::{Loopback, Wire, pause};
use crate::verdict::{Broken, Clause, Verdict, clauses, ensure, ensure_eq, judge, unexpected};

type Subject = Arc<dyn Transport>;

/// Every clause of the contract. The transport must allow plain HTTP to 127.0.0.1, and its own
/// time-outs must be longer than two seconds.
pub async fn suite(transport: Arc<dyn Transport>) -> Result<(), Broken> {
    const CLAUSES: &[Clause<Subject>] = clauses![
        "a request arrives as it was given" => request_as_given,
        "the adapter adds no wish for compression" => no_compression_asked,
        "status and headers come as they were sent" => response_as_sent,
        "an error status is a response like any other" => error_statuses,
        "a redirect is not followed" => redirect_not_followed,
        "nothing is sent twice" => nothing_twice,
        "a body that claims to be compressed comes as it was sent" => raw_body,
        "an empty body is a body" => empty_body,
        "a chunked body comes without its framing" => chunked_body,
        "a body streams while the server is still writing it" => streams,
        "a large body comes whole" => large_body,
        "no connection is `Connect`" => refused,
        "a connection that breaks before the head is `Broken`" => broken_head,
        "a body that is cut off is `Broken`, after what had come" => broken_body,
        "a head that does not come in time is `Timeout`" => late_head,
        "the time-out ends with the head" => late_body,
        "an error's words hold no address, header or body" => no_secrets,
    ];
    judge("transport", CLAUSES, async || Arc::clone(&transport)).await
}

/// Long enough for a machine under load to answer; nobody waits for its end when all is well.
const AMPLE: Duration = Duration::from_secs(20);
/// How long the server of a streamed body waits for its client to read the first half.
const GIVE_UP: Duration = Duration::from_secs(3);
/// A time-out that is meant to pass.
const SHORT: Duration = Duration::from_millis(200);

fn request(method: Method, url: Url) -> HttpRequest {
    let headers = HeaderMap::new();
    HttpRequest { method, url, headers, body: Bytes::new(), tail: None, timeout: AMPLE }
}

fn get(server: &Loopback, path: &str) -> Result<HttpRequest, String> {
    Ok(request(Method::GET, server.url(path)?))
}

async fn send(transport: &Subject, request: HttpRequest) -> Result<HttpResponse, String> {
    transport.send(request).await.map_err(unexpected)
}

async fn body(response: HttpResponse) -> Result<Bytes, String> {
    response.read(64 << 20).await.map_err(unexpected)
}

/// The whole exchange with a server that answers with these bytes.
async fn answer(transport: &Subject, bytes: &'static [u8]) -> Result<HttpResponse, String> {
    let server = Loopback::answering(bytes)?;
    send(transport, get(&server, "/")?).await
}

async fn request_as_given(transport: Subject) -> Verdict {
    let server = Loopback::answering(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    let mut request = request(
        Method::PATCH,
        server.url("/v1.0/users/zo%C3%AB%40example.com?$select=id,mail&a=%2B")?,
    );
    request.body = Bytes::from_static(b"{\"a\":1}\r\n\0\xFF");
    request.headers.insert("content-type", HeaderValue::from_static("application/json"));
    request.headers.append("prefer", HeaderValue::from_static("one"));
    request.headers.append("prefer", HeaderValue::from_static("two"));
    request.headers.insert("authorization", HeaderValue::from_static("Bearer abc"));
    send(&transport, request.clone()).await?;
    let heard = server.heard()?;
    ensure_eq!(heard.len(), 1, "the count of requests");
    for heard in heard {
        ensure_eq!(heard.method, "PATCH", "the method");
        let path = "/v1.0/users/zo%C3%AB%40example.com?$select=id,mail&a=%2B";
        ensure_eq!(heard.target, path, "the path and query");
        ensure_eq!(heard.body, request.body, "the body");
        for (name, values) in [
            ("content-type", &["application/json"][..]),
            ("prefer", &["one", "two"]),
            ("authorization", &["Bearer abc"]),
            ("content-length", &["11"]),
            ("host", &[&*server.host()]),
        ] {
            ensure_eq!(heard.all(name), values, "the header `{name}`");
        }
    }
    Ok(())
}

async fn no_compression_asked(transport: Subject) -> Verdict {
    let server = Loopback::answering(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    send(&transport, get(&server, "/")?).await?;
    for heard in server.heard()? {
        ensure_eq!(heard.all("accept-encoding"), [""; 0], "the header `accept-encoding`");
    }
    Ok(())
}

async fn response_as_sent(transport: Subject) -> Verdict {
    let response = answer(
        &transport,
        b"HTTP/1.1 207 Multi-Status\r\nX-One: a\r\nx-one:  b c \r\nReTry-AFTER: 7\r\n\
          Set-Cookie: k=v; Path=/\r\nContent-Length: 2\r\n\r\nok",
    )
    .await?;
    ensure_eq!(response.status, StatusCode::MULTI_STATUS, "the status");
    for (name, expected) in [
        ("x-one", &["a", "b c"][..]),
        ("retry-after", &["7"]),
        ("set-cookie", &["k=v; Path=/"]),
        ("content-length", &["2"]),
    ] {
        let found: Vec<_> =
            response.headers.get_all(name).iter().map(HeaderValue::to_str).collect();
        let found: Result<Vec<_>, _> = found.into_iter().collect();
        ensure_eq!(found.map_err(unexpected)?, expected, "the header `{name}`");
    }
    ensure_eq!(body(response).await?, "ok", "the body");
    Ok(())
}

async fn error_statuses(transport: Subject) -> Verdict {
    for (bytes, status) in [
        (&b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx"[..], 404),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 1\r\n\r\nx", 429),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1\r\n\r\nx", 503),
    ] {
        let response = answer(&transport, bytes).await?;
        ensure_eq!(response.status.as_u16(), status, "the status");
        ensure_eq!(body(response).await?, "x", "the body");
    }
    Ok(())
}

async fn redirect_not_followed(transport: Subject) -> Verdict {
    let server = Loopback::answering(
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    )?;
    let response = send(&transport, get(&server, "/")?).await?;
    ensure_eq!(response.status, StatusCode::FOUND, "the status");
    let location = response.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
    ensure_eq!(location, Some(&b"/elsewhere"[..]), "the header `location`");
    ensure_eq!(server.heard()?.len(), 1, "the count of requests");
    Ok(())
}

async fn nothing_twice(transport: Subject) -> Verdict {
    for bytes in [
        &b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"[..],
        b"",
    ] {
        let server = Loopback::answering(bytes)?;
        let outcome = transport.send(get(&server, "/")?).await;
        ensure_eq!(outcome.is_ok(), !bytes.is_empty(), "whether there is a response");
        ensure_eq!(server.heard()?.len(), 1, "the count of requests");
    }
    Ok(())
}

async fn raw_body(transport: Subject) -> Verdict {
    // Exchange Online labels some of its plain 403 bodies so.
    let response = answer(
        &transport,
        b"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nForbidden",
    )
    .await?;
    let encoding = response.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    ensure_eq!(encoding, Some(&b"gzip"[..]), "the header `content-encoding`");
    ensure_eq!(body(response).await?, "Forbidden", "the body");
    Ok(())
}

async fn empty_body(transport: Subject) -> Verdict {
    for bytes in [
        &b"HTTP/1.1 204 No Content\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        ensure_eq!(body(answer(&transport, bytes).await?).await?, "", "the body");
    }
    Ok(())
}

async fn chunked_body(transport: Subject) -> Verdict {
    let response = answer(
        &transport,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n",
    )
    .await?;
    ensure_eq!(body(response).await?, "abc\r\n", "the body");
    Ok(())
}

async fn streams(transport: Subject) -> Verdict {
    let (go_on, wait) = std::sync::mpsc::channel();
    let server = Loopback::start(move |wire| {
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
        // Only the client that has read the first half says go on.
        if wait.recv_timeout(GIVE_UP).is_ok() {
            wire.write(b"later");
        }
    })?;
    let mut response = send(&transport, get(&server, "/")?).await?;
    let mut first = Vec::new();
    while first.len() < 5 {
        let chunk = response.body.next().await.ok_or("the body ended early")?;
        first.extend_from_slice(&chunk.map_err(unexpected)?);
    }
    ensure_eq!(first, b"first", "the first half");
    go_on.send(()).map_err(unexpected)?;
    ensure_eq!(body(response).await?, "later", "the second half");
    Ok(())
}

async fn large_body(transport: Subject) -> Verdict {
    const LENGTH: usize = 5 << 20;
    let server = Loopback::start(|wire| {
        wire.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes());
        wire.write(&(0..=250).cycle().take(LENGTH).collect::<Vec<u8>>());
    })?;
    let found = body(send(&transport, get(&server, "/")?).await?).await?;
    ensure_eq!(found.len(), LENGTH, "the length of the body");
    ensure!(found.iter().copied().eq((0..=250).cycle().take(LENGTH)), "the body is another");
    Ok(())
}

async fn fails(transport: &Subject, request: HttpRequest, kind: TransportErrorKind) -> Verdict {
    match transport.send(request).await {
        Err(error) => {
            ensure_eq!(error.kind, kind, "the kind of `{error}`");
            Ok(())
        }
        Ok(response) => Err(format!("an error was expected, found {response:?}")),
    }
}

async fn refused(transport: Subject) -> Verdict {
    let request = request(Method::GET, Loopback::nobody_there()?);
    fails(&transport, request, TransportErrorKind::Connect).await
}

async fn broken_head(transport: Subject) -> Verdict {
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-"] {
        let server = Loopback::answering(bytes)?;
        fails(&transport, get(&server, "/")?, TransportErrorKind::Broken).await?;
    }
    Ok(())
}

async fn broken_body(transport: Subject) -> Verdict {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let mut response = answer(&transport, bytes).await?;
        let mut came = Vec::new();
        let end = loop {
            match response.body.next().await {
                Some(Ok(chunk)) => came.extend_from_slice(&chunk),
                Some(Err(error)) => break error,
                None => return Err(format!("the body ended without an error after {came:?}")),
            }
        };
        ensure_eq!(end.kind, TransportErrorKind::Broken, "the kind of `{end}`");
        ensure_eq!(came, b"half", "what had come");
    }
    Ok(())
}

async fn late_head(transport: Subject) -> Verdict {
    let server = Loopback::start(Wire::wait_for_hang_up)?;
    let request = HttpRequest { timeout: SHORT, ..get(&server, "/")? };
    fails(&transport, request, TransportErrorKind::Timeout).await
}

async fn late_body(transport: Subject) -> Verdict {
    let server = Loopback::start(|wire| {
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        pause(SHORT * 2);
        wire.write(b"late");
    })?;
    let request = HttpRequest { timeout: SHORT, ..get(&server, "/")? };
    let response = send(&transport, request).await?;
    ensure_eq!(body(response).await?, "late", "the body");
    Ok(())
}

async fn no_secrets(transport: Subject) -> Verdict {
    let hushed = Loopback::start(Wire::wait_for_hang_up)?;
    let breaking = Loopback::answering(b"HTTP/1.1 200 OK\r\nX-Secret: s3cret\r\nContent-")?;
    let urls = [Loopback::nobody_there()?, hushed.url("/")?, breaking.url("/")?];
    for mut url in urls {
        url.set_path("/s3cret");
        url.set_query(Some("token=s3cret"));
        let mut request = HttpRequest { timeout: SHORT, ..request(Method::POST, url) };
        request.headers.insert("authorization", HeaderValue::from_static("Bearer s3cret"));
        request.body = Bytes::from_static(b"client_secret=s3cret");
        let error: TransportError = match transport.send(request).await {
            Err(error) => error,
            Ok(response) => return Err(format!("an error was expected, found {response:?}")),
        };
        ensure!(
            !format!("{error} {error:?}").contains("s3cret"),
            "the words hold the secret: {error:?}"
        );
    }
    Ok(())
}
