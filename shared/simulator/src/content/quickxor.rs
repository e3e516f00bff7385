//! quickXorHash, the content hash of OneDrive for Business: a register of 160 bits, byte `i` XORed
//! in at bit `11 * i mod 160`, at last the length XORed into the last eight bytes.

use base64::{Engine, engine::general_purpose::STANDARD};

const BYTES: usize = 20;
const PERIOD: u64 = 160;

/// The hash as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QuickXor {
    register: [u8; BYTES],
    length: u64,
}

impl QuickXor {
    /// The next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // Bytes a period apart meet in the same bits, so they are XORed with each other first.
        let mut columns = [0_u8; 160];
        for chunk in bytes.chunks(columns.len()) {
            for (column, byte) in columns.iter_mut().zip(chunk) {
                *column ^= byte;
            }
        }
        let mut position = self.length;
        for byte in columns.into_iter().take(bytes.len()) {
            let bit = position % PERIOD * 11 % PERIOD;
            let [low, high] = (u16::from(byte) << (bit % 8)).to_le_bytes();
            self.put(bit / 8, low);
            self.put((bit / 8 + 1) % 20, high);
            position = position.wrapping_add(1);
        }
        self.length = self.length.wrapping_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// `length` bytes more, an odd multiple of 160, of a block whose own share is known and over
    /// which a mask lies. Everything is XOR, so shares add up and even repetitions cancel out.
    pub(super) fn update_periodic(&mut self, block: &Self, mask: [u8; 8], length: u64) {
        let mut share = Self { length: self.length, ..Self::default() };
        for _ in 0..PERIOD / 8 {
            share.update(&mask);
        }
        let shares = block.register.iter().zip(share.register);
        for (cell, (block, mask)) in self.register.iter_mut().zip(shares) {
            *cell ^= block ^ mask;
        }
        self.length = self.length.wrapping_add(length);
    }

    fn put(&mut self, at: u64, byte: u8) {
        let cell = usize::try_from(at).ok().and_then(|at| self.register.get_mut(at));
        if let Some(cell) = cell {
            *cell ^= byte;
        }
    }

    /// As Graph writes it.
    pub(crate) fn text(&self) -> String {
        let mut register = self.register;
        for (cell, byte) in register.iter_mut().skip(12).zip(self.length.to_le_bytes()) {
            *cell ^= byte;
        }
        STANDARD.encode(register)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of rclone's own tests.
    #[test]
    fn the_hash_agrees_with_known_vectors() {
        for (bytes, hash) in [
            ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
            ("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA="),
            ("2fuxhBJXtpWFe8dOfdGeHw==", "O9tHLAghgSvYohKFyMMxnNCHaHg="),
        ] {
            let mut quick = QuickXor::default();
            quick.update(&STANDARD.decode(bytes).unwrap());
            assert_eq!(quick.text(), hash);
        }
    }
}
