//! One large item on its way from an export into an import, without ever being in memory whole.
//!
//! An export's reply is JSON with the item's Base64 in it, and so is an import's request. The scanner
//! finds where the Base64 begins; from there on the bytes pass through. What follows them is read
//! before the import's request is closed, so that a reply that breaks off, or turns out to be a
//! refusal, leaves a request that nobody takes for whole.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use ports::{BodyStream, TransportError, TransportErrorKind};

use super::{EXPORT, ExportedItem, exported};
use crate::{Streamed, TenantError, error::Class};

/// Most bytes of a reply before and after the data; a refusal is far shorter.
const FRAME_MAX: usize = 256 * 1024;

/// An item whose export has begun.
pub struct ItemStream {
    /// The first data, which came with the head.
    first: Bytes,
    body: BodyStream,
    /// The reply up to the data, then from its end on.
    frame: BytesMut,
    end: Arc<Mutex<End>>,
}

/// How the export of a streamed item ended.
#[derive(Debug, Default)]
enum End {
    /// It has not.
    #[default]
    Open,
    /// All data came, of this version of the item.
    Whole { change_key: String },
    /// It broke off, or was a refusal after all.
    Failed(TenantError),
}

/// What is known of a streamed item once its import has ended.
#[derive(Clone, Debug)]
pub(super) struct StreamEnd(Arc<Mutex<End>>);

impl StreamEnd {
    /// The version of the item that went through, or why not all of it did; `None` when the import
    /// ended before the export.
    pub(super) fn outcome(&self) -> Option<Result<String, TenantError>> {
        match &*lock(&self.0) {
            End::Open => None,
            End::Whole { change_key } => Some(Ok(change_key.clone())),
            End::Failed(error) => Some(Err(error.clone())),
        }
    }
}

fn lock(end: &Mutex<End>) -> MutexGuard<'_, End> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for ItemStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemStream").finish_non_exhaustive()
    }
}

impl ItemStream {
    /// Reads the reply of an export of one item up to its data. A reply without data is small, and is
    /// returned as the refusal that it is.
    pub(super) async fn open(reply: Streamed) -> Result<Self, TenantError> {
        let mut body = reply.body;
        let mut frame = BytesMut::new();
        let mut scanner = Scanner::default();
        while let Some(chunk) = futures_util::StreamExt::next(&mut body).await {
            let chunk = chunk.map_err(|error| broke_off(&error.text))?;
            if let Some(at) = scanner.scan(&chunk) {
                let (head, first) = (chunk.slice(..at), chunk.slice(at..));
                frame.extend_from_slice(&head);
                return Ok(Self { first, body, frame, end: Arc::default() });
            }
            frame.extend_from_slice(&chunk);
            if frame.len() > FRAME_MAX {
                return Err(unexpected("its head does not end"));
            }
        }
        match refusal(&frame.freeze()) {
            Ok(_no_data) => Err(unexpected("it holds no data")),
            Err(error) => Err(error),
        }
    }

    /// The import's body from its data on, closed by `close`, and what is known when it has been sent.
    pub(super) fn into_tail(self, close: &'static [u8]) -> (BodyStream, StreamEnd) {
        let end = StreamEnd(Arc::clone(&self.end));
        let first = Some(self.first);
        let frame = self.frame;
        let tail = Tail { first, body: self.body, frame, end: self.end, close, state: State::Data };
        (Box::pin(tail), end)
    }
}

/// The data of the item, then the end of the import's body.
struct Tail {
    first: Option<Bytes>,
    body: BodyStream,
    frame: BytesMut,
    end: Arc<Mutex<End>>,
    close: &'static [u8],
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Inside the Base64.
    Data,
    /// Inside it, behind a backslash.
    Escaped,
    /// Behind it.
    Frame,
    /// All is sent, or failed.
    Over,
}

impl Stream for Tail {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.state == State::Over {
                return Poll::Ready(None);
            }
            let chunk = match this.first.take() {
                Some(first) => Some(Ok(first)),
                None => match this.body.as_mut().poll_next(cx) {
                    Poll::Ready(chunk) => chunk,
                    Poll::Pending => return Poll::Pending,
                },
            };
            let passed = match chunk {
                Some(Ok(chunk)) => this.pass(chunk),
                Some(Err(error)) => Err(broke_off(&error.text)),
                None => return Poll::Ready(Some(this.close())),
            };
            match passed {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(data))),
                Err(error) => return Poll::Ready(Some(Err(this.fail(error)))),
            }
        }
    }
}

impl Tail {
    /// The data in a chunk; what is not data goes to the frame.
    fn pass(&mut self, mut chunk: Bytes) -> Result<Bytes, TenantError> {
        let mut data = BytesMut::new();
        loop {
            match self.state {
                State::Data => {
                    let special = chunk.iter().position(|byte| !is_base64(*byte));
                    let Some(at) = special else { return Ok(joined(data, chunk)) };
                    let plain = chunk.split_to(at);
                    let mark = chunk.split_to(1);
                    self.state = match &*mark {
                        b"\"" => State::Frame,
                        b"\\" => State::Escaped,
                        _ => return Err(unexpected("its data are no Base64")),
                    };
                    if self.state == State::Frame {
                        self.frame.extend_from_slice(b"\"");
                        self.keep(&chunk)?;
                        return Ok(joined(data, plain));
                    }
                    data.extend_from_slice(&plain);
                }
                State::Escaped => {
                    let Some(escaped) = chunk.first().copied() else { return Ok(data.freeze()) };
                    if escaped != b'/' {
                        return Err(unexpected("its data are no Base64"));
                    }
                    let mark = chunk.split_to(1);
                    data.extend_from_slice(&mark);
                    self.state = State::Data;
                }
                State::Frame | State::Over => {
                    self.keep(&chunk)?;
                    return Ok(data.freeze());
                }
            }
        }
    }

    fn keep(&mut self, chunk: &[u8]) -> Result<(), TenantError> {
        if self.frame.len().saturating_add(chunk.len()) > FRAME_MAX {
            return Err(unexpected("its end does not end"));
        }
        self.frame.extend_from_slice(chunk);
        Ok(())
    }

    /// Ends the import's body, if the export's reply was whole and no refusal.
    fn close(&mut self) -> Result<Bytes, TransportError> {
        if self.state != State::Frame {
            return Err(self.fail(broke_off("its data do not end")));
        }
        match refusal(&std::mem::take(&mut self.frame).freeze()) {
            Ok(change_key) => {
                self.state = State::Over;
                *lock(&self.end) = End::Whole { change_key };
                Ok(Bytes::from_static(self.close))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn fail(&mut self, error: TenantError) -> TransportError {
        self.state = State::Over;
        let text = "the item that was to be sent broke off in its source".to_owned();
        *lock(&self.end) = End::Failed(error);
        TransportError { kind: TransportErrorKind::Broken, text }
    }
}

fn joined(mut data: BytesMut, rest: Bytes) -> Bytes {
    if data.is_empty() {
        return rest;
    }
    data.extend_from_slice(&rest);
    data.freeze()
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The change key that the frame of a reply tells, or the refusal in it.
fn refusal(frame: &Bytes) -> Result<String, TenantError> {
    let items = exported(frame).map_err(|error| unexpected(&error.to_string()))?;
    let Some(ExportedItem { outcome, .. }) = items.into_iter().next() else {
        return Err(unexpected("it holds no item"));
    };
    outcome.map(|data| data.change_key)
}

fn broke_off(text: &str) -> TenantError {
    let text = format!("the reply broke off: {text}");
    TenantError {
        class: Class::Transient,
        code: "transport".into(),
        ..TenantError::refused(EXPORT, text)
    }
}

fn unexpected(text: &str) -> TenantError {
    let text = format!("the reply is no export: {text}");
    TenantError {
        class: Class::Unexpected,
        code: "reply".into(),
        ..TenantError::refused(EXPORT, text)
    }
}

/// Finds the first byte of the data in a reply: behind the quote that follows the member `data` of an
/// object in the list. Strings are passed over as strings, so no text can look like a member.
#[derive(Debug, Default)]
struct Scanner {
    depth: u32,
    /// The string being read, shortened.
    string: Option<String>,
    escaped: bool,
    /// The last string that ended, if nothing but a colon followed.
    last: String,
    colon: bool,
}

impl Scanner {
    fn scan(&mut self, chunk: &[u8]) -> Option<usize> {
        for (place, byte) in chunk.iter().copied().enumerate() {
            if let Some(text) = &mut self.string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.last = self.string.take().unwrap_or_default();
                        self.colon = false;
                    }
                    _ if text.len() < 8 => text.push(char::from(byte)),
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' if self.colon && self.depth == 3 && self.last == "data" => {
                    return Some(place.saturating_add(1));
                }
                b'"' => self.string = Some(String::new()),
                b':' => self.colon = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => self.colon = false,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};
    use http::{HeaderMap, StatusCode};

    use super::*;

    const REPLY: &str = r#"{"@odata.context":"x\"data\":\"no","value":[{"itemId":"data","data" : "QUJDRA\/=","changeKey":"k"}]}"#;

    fn open(text: &str, size: usize) -> Result<ItemStream, TenantError> {
        let pieces: Vec<Result<Bytes, TransportError>> =
            text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body: BodyStream = Box::pin(futures_util::stream::iter(pieces));
        let reply = Streamed { status: StatusCode::OK, headers: HeaderMap::new(), body };
        ItemStream::open(reply).now_or_never().unwrap()
    }

    fn sent(text: &str, size: usize) -> (Result<String, TransportError>, StreamEnd) {
        let (mut tail, end) = open(text, size).unwrap().into_tail(b"\"}");
        let mut all = String::new();
        while let Some(piece) = tail.next().now_or_never().unwrap() {
            match piece {
                Ok(piece) => all.push_str(std::str::from_utf8(&piece).unwrap()),
                Err(error) => return (Err(error), end),
            }
        }
        (Ok(all), end)
    }

    #[test]
    fn the_data_pass_through_however_the_reply_is_cut() {
        for size in 1..REPLY.len() {
            let (body, end) = sent(REPLY, size);
            assert_eq!(body.unwrap(), "QUJDRA/=\"}", "pieces of {size}");
            assert_eq!(end.outcome().unwrap().unwrap(), "k");
        }
    }

    #[test]
    fn a_refused_item_is_its_refusal() {
        let text =
            r#"{"value":[{"itemId":"a","error":{"code":"ErrorCorruptData","message":"data"}}]}"#;
        let error = open(text, 7).unwrap_err();
        assert_eq!((error.class, &*error.code), (Class::Unreadable, "ErrorCorruptData"));
    }

    #[test]
    fn a_reply_that_breaks_off_leaves_a_body_without_its_end() {
        for cut in REPLY.find("QUJD").unwrap()..REPLY.len() {
            let (body, end) = sent(REPLY.get(..cut).unwrap(), 5);
            assert!(body.is_err(), "cut at {cut}");
            assert!(end.outcome().unwrap().is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn data_that_would_break_out_of_the_import_are_refused() {
        for bad in [r#"A\"B"#, r"A\u0022", "A B", "A,B"] {
            let text = format!(r#"{{"value":[{{"itemId":"a","changeKey":"k","data":"{bad}"}}]}}"#);
            let (body, end) = sent(&text, 9);
            assert!(body.is_err(), "{bad}");
            assert_eq!(end.outcome().unwrap().unwrap_err().class, Class::Unexpected);
        }
    }
}
