//! Bytes of items and files: kept, or made anew from a seed whenever they are read.
//!
//! A file of 10 GB or an item of 150 MB costs no memory: its content is a function of seed and
//! offset. When such bytes are uploaded again they are recognised by their first sixteen and
//! compared one by one, and only the seed is kept.

mod quickxor;
mod rules;
mod select;
mod slice;
pub(crate) mod token;

use std::sync::OnceLock;

use bytes::Bytes;

pub(crate) use quickxor::QuickXor;
pub use rules::ContentRules;
pub(crate) use select::{keep_selected, set};
pub(crate) use slice::Slice;

/// A content that was made up starts with this, then its seed.
const MAGIC: [u8; 8] = *b"SYNTHTC1";
const HEAD: u64 = 16;
/// Bytes of a block. An odd multiple of 160, the period of quickXorHash, so that a whole block's
/// share in the hash is its mask's alone; a multiple of 8, the mask's length.
const BLOCK: u64 = 160 * 409;

/// The content of an item or a file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Bytes as they came.
    Kept(Bytes),
    /// `length` bytes of the stream of `seed`.
    Made { seed: u64, length: u64 },
}

impl Content {
    /// Made-up content; too short for a seed of its own it is kept.
    pub(crate) fn made(seed: u64, length: u64) -> Self {
        let made = Self::Made { seed, length };
        if length < HEAD { Self::Kept(Bytes::from(made.read(0, length))) } else { made }
    }

    /// The length in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Kept(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Made { length, .. } => *length,
        }
    }

    /// Up to `length` bytes from `start` on.
    pub(crate) fn read(&self, start: u64, length: u64) -> Vec<u8> {
        let end = start.saturating_add(length).min(self.length());
        let start = start.min(end);
        match self {
            Self::Kept(bytes) => bytes.get(place(start)..place(end)).unwrap_or_default().to_vec(),
            Self::Made { seed, .. } => make(*seed, start, end),
        }
    }

    /// quickXorHash of the whole.
    pub(crate) fn hash(&self) -> QuickXor {
        let mut hash = QuickXor::default();
        match self {
            Self::Kept(bytes) => hash.update(bytes),
            Self::Made { seed, length } => {
                let mut start = 0;
                while start < *length {
                    let end = start.saturating_add(BLOCK).min(*length);
                    if start > 0 && end - start == BLOCK {
                        // The base block's share is the same in every block.
                        hash.update_periodic(base_share(), mask(*seed, start / BLOCK), BLOCK);
                    } else {
                        hash.update(&make(*seed, start, end));
                    }
                    start = end;
                }
            }
        }
        hash
    }
}

/// Content as it arrives, in order, piece by piece.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    content: Content,
    hash: QuickXor,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { content: Content::Kept(Bytes::new()), hash: QuickXor::default() }
    }
}

impl Incoming {
    /// The next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let start = self.content.length();
        self.hash.update(bytes);
        let length = start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let seed = match &self.content {
            Content::Made { seed, .. } => Some(*seed),
            Content::Kept(_) if start == 0 => seed_of(bytes),
            Content::Kept(_) => None,
        };
        if let Some(seed) = seed
            && make(seed, start, length) == bytes
        {
            self.content = Content::Made { seed, length };
            return;
        }
        let mut whole = self.content.read(0, start);
        whole.extend_from_slice(bytes);
        self.content = Content::Kept(Bytes::from(whole));
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.content.length()
    }

    /// What arrived, and its hash.
    pub(crate) fn finish(self) -> (Content, QuickXor) {
        (self.content, self.hash)
    }
}

/// The content of bytes at hand.
pub(crate) fn recognise(bytes: &[u8]) -> Content {
    let mut incoming = Incoming::default();
    incoming.push(bytes);
    incoming.finish().0
}

fn seed_of(bytes: &[u8]) -> Option<u64> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (seed, _) = rest.split_first_chunk::<8>()?;
    (*magic == MAGIC).then(|| u64::from_le_bytes(*seed))
}

/// Bytes `start..end` of the stream of a seed.
fn make(seed: u64, start: u64, end: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(place(end.saturating_sub(start)));
    let mut at = start;
    while at < end {
        let block = at / BLOCK;
        let stop = end.min((block + 1) * BLOCK);
        let mask = mask(seed, block);
        let (from, to) = (place(at % BLOCK), place(at % BLOCK + (stop - at)));
        let base = base().get(from..to).unwrap_or_default();
        // Eight at a time: the mask as it lies over the first of them lies over every eight.
        let mut over = mask;
        over.rotate_left(from % 8);
        let (words, rest) = base.as_chunks::<8>();
        let over_all = u64::from_ne_bytes(over);
        let masked = |word: &[u8; 8]| (u64::from_ne_bytes(*word) ^ over_all).to_ne_bytes();
        bytes.extend(words.iter().flat_map(masked));
        bytes.extend(rest.iter().zip(over).map(|(a, b)| a ^ b));
        at = stop;
    }
    let head = MAGIC.into_iter().chain(seed.to_le_bytes());
    for (byte, head) in bytes.iter_mut().zip(head.skip(place(start))) {
        *byte = head;
    }
    bytes
}

/// What is XORed over a block.
fn mask(seed: u64, block: u64) -> [u8; 8] {
    mix(seed ^ block.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_le_bytes()
}

/// The block under all masks.
fn base() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| (0..BLOCK / 8).flat_map(|n| mix(n).to_le_bytes()).collect())
}

/// The base block's share in a hash, from a start that is a multiple of its length.
fn base_share() -> &'static QuickXor {
    static SHARE: OnceLock<QuickXor> = OnceLock::new();
    SHARE.get_or_init(|| {
        let mut hash = QuickXor::default();
        hash.update(base());
        hash
    })
}

fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// An offset in memory.
fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_made_content_is_the_same_part_of_the_whole() {
        let content = Content::made(7, 3 * BLOCK + 77);
        let whole = content.read(0, u64::MAX);
        assert_eq!(whole.len(), place(3 * BLOCK + 77));
        for (start, length) in [(0, 5), (9, 20), (BLOCK - 3, 10), (2 * BLOCK + 1, 2 * BLOCK)] {
            let part = content.read(start, length);
            let end = whole.len().min(place(start + length));
            assert_eq!(part, whole[place(start)..end], "{start}+{length}");
        }
    }

    #[test]
    fn the_hash_of_made_content_is_the_hash_of_its_bytes() {
        for length in [16, 160, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 123] {
            let content = Content::made(42, length);
            let mut plain = QuickXor::default();
            plain.update(&content.read(0, length));
            assert_eq!(content.hash().text(), plain.text(), "{length}");
        }
    }

    #[test]
    fn made_content_is_recognised_when_it_comes_back() {
        let content = Content::made(9, 2 * BLOCK + 5);
        let bytes = content.read(0, u64::MAX);
        let mut incoming = Incoming::default();
        for piece in bytes.chunks(50_000) {
            incoming.push(piece);
        }
        let (back, hash) = incoming.finish();
        assert!(matches!(back, Content::Made { seed: 9, .. }));
        assert_eq!(back.length(), content.length());
        assert_eq!(hash.text(), content.hash().text());
    }

    #[test]
    fn content_that_was_damaged_on_the_way_is_kept_as_it_is() {
        let mut bytes = Content::made(9, BLOCK).read(0, u64::MAX);
        bytes[1_000] ^= 1;
        let mut incoming = Incoming::default();
        incoming.push(&bytes[..500]);
        incoming.push(&bytes[500..]);
        let (back, _) = incoming.finish();
        assert_eq!(back.read(0, u64::MAX), bytes);
        assert!(matches!(back, Content::Kept(_)));
    }

    #[test]
    fn short_content_is_kept() {
        assert!(matches!(Content::made(1, 0), Content::Kept(_)));
        assert_eq!(Content::made(1, 15).length(), 15);
    }
}
