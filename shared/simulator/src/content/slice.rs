//! A part of a content that is made while it is sent.

use bytes::Bytes;
use futures_util::stream;
use ports::BodyStream;

use super::Content;

/// Bytes of one chunk.
const CHUNK: u64 = 1 << 20;

/// Bytes `start..end` of a content.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    content: Content,
    start: u64,
    end: u64,
}

impl Slice {
    /// A part of a content; `end` is the first byte after it.
    pub(crate) fn new(content: &Content, start: u64, end: u64) -> Self {
        Self { content: content.clone(), start, end }
    }

    /// How many bytes it is.
    pub(crate) fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The first half of it.
    pub(crate) fn first_half(self) -> Self {
        let end = self.start.saturating_add(self.length() / 2);
        Self { end, ..self }
    }

    /// The bytes, chunk by chunk.
    pub(crate) fn stream(self) -> BodyStream {
        Box::pin(stream::unfold(self, |slice| async move {
            let length = slice.length().min(CHUNK);
            if length == 0 {
                return None;
            }
            let chunk = Bytes::from(slice.content.read(slice.start, length));
            let start = slice.start.saturating_add(length);
            Some((Ok(chunk), Self { start, ..slice }))
        }))
    }
}
