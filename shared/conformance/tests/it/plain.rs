//! A transport over a bare socket, without any HTTP library: shows that the suite asks for nothing
//! but the contract. It blocks its thread, reads slowly and knows one connection per request.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ports::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};

pub(crate) struct PlainTransport;

fn failure(kind: TransportErrorKind) -> TransportError {
    TransportError { kind, text: format!("{kind:?}") }
}

fn of_io(error: &std::io::Error) -> TransportError {
    failure(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => TransportErrorKind::Timeout,
        _ => TransportErrorKind::Broken,
    })
}

fn broken() -> TransportError {
    failure(TransportErrorKind::Broken)
}

#[async_trait]
impl Transport for PlainTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let stream = connect(&request)?;
        stream.set_read_timeout(Some(request.timeout)).map_err(|error| of_io(&error))?;
        write(&stream, &request).map_err(|error| of_io(&error))?;
        let mut reader = BufReader::new(stream);
        let (status, headers) = head(&mut reader)?;
        let patience = Some(Duration::from_secs(20));
        reader.get_ref().set_read_timeout(patience).map_err(|error| of_io(&error))?;
        let mut framing = Some(Framing::of(status, &headers));
        let chunks = std::iter::from_fn(move || match next(&mut reader, framing.take()?) {
            Ok(piece) => piece.map(|(bytes, rest)| {
                framing = Some(rest);
                Ok(bytes)
            }),
            Err(error) => Some(Err(error)),
        });
        Ok(HttpResponse { status, headers, body: Box::pin(futures_util::stream::iter(chunks)) })
    }
}

fn connect(request: &HttpRequest) -> Result<TcpStream, TransportError> {
    let addresses = request.url.socket_addrs(|| None).unwrap_or_default();
    let stream = TcpStream::connect(&*addresses);
    stream.map_err(|_refused| failure(TransportErrorKind::Connect))
}

fn write(mut stream: &TcpStream, request: &HttpRequest) -> std::io::Result<()> {
    let target = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = request.url.authority();
    write!(stream, "{} {target} HTTP/1.1\r\nhost: {authority}\r\n", request.method)?;
    for (name, value) in &request.headers {
        write!(stream, "{name}: ")?;
        stream.write_all(value.as_bytes())?;
        stream.write_all(b"\r\n")?;
    }
    write!(stream, "content-length: {}\r\n\r\n", request.body.len())?;
    stream.write_all(&request.body)
}

fn line(reader: &mut BufReader<TcpStream>) -> Result<String, TransportError> {
    let mut line = String::new();
    reader.read_line(&mut line).map_err(|error| of_io(&error))?;
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(broken)
}

fn head(reader: &mut BufReader<TcpStream>) -> Result<(StatusCode, HeaderMap), TransportError> {
    let status = line(reader)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let mut headers = HeaderMap::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(broken)?;
        let name: HeaderName = name.parse().map_err(|_illegal| broken())?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_illegal| broken())?);
    }
}

/// How much of the body is still to come.
#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunks,
}

impl Framing {
    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        if headers.contains_key("transfer-encoding") {
            return Self::Chunks;
        }
        let length =
            headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        Self::Length(if status == StatusCode::NO_CONTENT { 0 } else { length.unwrap_or(0) })
    }
}

/// The next piece and what follows it, or `None` at the end.
fn next(
    reader: &mut BufReader<TcpStream>,
    framing: Framing,
) -> Result<Option<(Bytes, Framing)>, TransportError> {
    match framing {
        Framing::Length(0) => Ok(None),
        Framing::Length(left) => {
            let mut buffer = vec![0; left.min(16 << 10)];
            let count = reader.read(&mut buffer).map_err(|error| of_io(&error))?;
            buffer.truncate(count);
            let rest = Framing::Length(left - count);
            if count == 0 { Err(broken()) } else { Ok(Some((buffer.into(), rest))) }
        }
        Framing::Chunks => {
            let length = usize::from_str_radix(&line(reader)?, 16).map_err(|_illegal| broken())?;
            let mut chunk = vec![0; length];
            reader.read_exact(&mut chunk).map_err(|error| of_io(&error))?;
            line(reader)?;
            Ok((length > 0).then(|| (chunk.into(), Framing::Chunks)))
        }
    }
}
