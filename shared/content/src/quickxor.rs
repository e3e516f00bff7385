//! quickXorHash, the content hash of OneDrive for Business.
//!
//! A register of 160 bits; byte `i` is XORed in at bit `11 * i mod 160`, wrapping around; at the end
//! the length, 64 bits little-endian, is XORed into bytes 12 to 19
//! (OneDrive developer documentation, "QuickXorHash Algorithm").

use base64::{Engine as _, engine::general_purpose::STANDARD};

const BYTES: usize = 20;
const BITS: u64 = 160;
const SHIFT: u64 = 11;

/// The hash of a stream of bytes, fed piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuickXorHash {
    register: [u8; BYTES],
    length: u64,
}

impl QuickXorHash {
    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let bit = (self.length % BITS) * SHIFT % BITS;
            let wide = u16::from(byte) << (bit % 8);
            let [low, high] = wide.to_le_bytes();
            self.mix(bit / 8, low);
            self.mix((bit / 8 + 1) % 20, high);
            self.length = self.length.wrapping_add(1);
        }
    }

    fn mix(&mut self, at: u64, byte: u8) {
        let cell = usize::try_from(at).ok().and_then(|at| self.register.get_mut(at));
        if let Some(cell) = cell {
            *cell ^= byte;
        }
    }

    /// How many bytes were fed.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash as Graph writes it: Base64 of 20 bytes.
    pub fn finish(&self) -> String {
        let mut register = self.register;
        for (cell, byte) in register.iter_mut().skip(12).zip(self.length.to_le_bytes()) {
            *cell ^= byte;
        }
        STANDARD.encode(register)
    }

    /// The register and the length, to go on in another process.
    pub fn state(&self) -> String {
        let mut state = self.register.to_vec();
        state.extend(self.length.to_le_bytes());
        STANDARD.encode(state)
    }

    /// Goes on from [`QuickXorHash::state`]; `None` when the text is no state.
    pub fn resume(state: &str) -> Option<Self> {
        let bytes = STANDARD.decode(state).ok()?;
        let (register, length) = bytes.split_at_checked(BYTES)?;
        Some(Self {
            register: register.try_into().ok()?,
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
