//! quickXorHash, the content hash of OneDrive for Business.
//!
//! A register of 160 bits; byte `i` is XORed in at bit `11 * i mod 160`, wrapping around; at the end
//! the length, 64 bits little-endian, is XORed into bytes 12 to 19
//! (OneDrive developer documentation, "QuickXorHash Algorithm").

use base64::{Engine as _, engine::general_purpose::STANDARD};

const BYTES: usize = 20;
const BITS: u64 = 160;
const PERIOD: usize = 160;
const SHIFT: u64 = 11;

/// The hash of a stream of bytes, fed piece by piece.
///
/// Byte `i` and byte `i + 160` meet the register at the same bit, so bytes are first XORed into a
/// period of 160 and only the period is shifted in, at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuickXorHash {
    period: [u8; PERIOD],
    length: u64,
}

impl Default for QuickXorHash {
    fn default() -> Self {
        Self { period: [0; PERIOD], length: 0 }
    }
}

impl QuickXorHash {
    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let at = usize::try_from(self.length % BITS).unwrap_or(0);
        let (head, rest) = bytes.split_at(bytes.len().min(PERIOD - at));
        for (cell, byte) in self.period.iter_mut().skip(at).zip(head) {
            *cell ^= byte;
        }
        for chunk in rest.chunks(PERIOD) {
            for (cell, byte) in self.period.iter_mut().zip(chunk) {
                *cell ^= byte;
            }
        }
        let fed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.wrapping_add(fed);
    }

    /// How many bytes were fed.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash as Graph writes it: Base64 of 20 bytes.
    pub fn finish(&self) -> String {
        let mut register = [0_u8; BYTES];
        let mut mix = |at: u64, byte: u8| {
            let cell = usize::try_from(at).ok().and_then(|at| register.get_mut(at));
            if let Some(cell) = cell {
                *cell ^= byte;
            }
        };
        for (place, byte) in (0_u64..).zip(self.period) {
            let bit = place * SHIFT % BITS;
            let [low, high] = (u16::from(byte) << (bit % 8)).to_le_bytes();
            mix(bit / 8, low);
            mix((bit / 8 + 1) % 20, high);
        }
        for (cell, byte) in register.iter_mut().skip(12).zip(self.length.to_le_bytes()) {
            *cell ^= byte;
        }
        STANDARD.encode(register)
    }

    /// The period and the length, to go on in another process.
    pub fn state(&self) -> String {
        let mut state = self.period.to_vec();
        state.extend(self.length.to_le_bytes());
        STANDARD.encode(state)
    }

    /// Goes on from [`QuickXorHash::state`]; `None` when the text is no state.
    pub fn resume(state: &str) -> Option<Self> {
        let bytes = STANDARD.decode(state).ok()?;
        let (period, length) = bytes.split_at_checked(PERIOD)?;
        Some(Self {
            period: period.try_into().ok()?,
            length: u64::from_le_bytes(length.try_into().ok()?),
        })
    }
}

/// The hash of bytes in memory.
pub fn quick_xor_hash(bytes: &[u8]) -> String {
    let mut hash = QuickXorHash::default();
    hash.update(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of rclone's own tests.
    #[test]
    fn the_hash_equals_the_published_vectors() {
        let vectors = [
            ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
            ("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA="),
            ("2fuxhBJXtpWFe8dOfdGeHw==", "O9tHLAghgSvYohKFyMMxnNCHaHg="),
        ];
        for (data, hash) in vectors {
            assert_eq!(quick_xor_hash(&STANDARD.decode(data).unwrap()), hash, "{data}");
        }
    }

    #[test]
    fn pieces_and_resumption_give_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let mut hash = QuickXorHash::default();
        for piece in bytes.chunks(333) {
            hash.update(piece);
            hash = QuickXorHash::resume(&hash.state()).unwrap();
        }
        assert_eq!(hash.finish(), quick_xor_hash(&bytes));
        assert_eq!(hash.length(), 5000);
        assert_eq!(QuickXorHash::resume("nonsense"), None);
    }
}
