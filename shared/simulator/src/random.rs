//! The one source of chance: a seeded generator, so that a run replays from its seed.

use std::time::Duration;

use uuid::Uuid;

use crate::config::Lag;

/// A small seeded generator (SplitMix64). One lives in the world and every draw goes through it.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// A generator of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// An index into something of `len` parts; 0 when it is empty.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// True with a probability from 0.0 to 1.0.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        let draw = u32::try_from(self.next_u64() >> 32).unwrap_or(u32::MAX);
        f64::from(draw) < probability * f64::from(u32::MAX)
    }

    /// One of the items; `None` when there is none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.index(items.len());
        items.get(index)
    }

    /// A random GUID (version 4).
    pub(crate) fn guid(&mut self) -> Uuid {
        let bits = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// `bytes` random bytes as lower-case hex digits.
    pub(crate) fn hex(&mut self, bytes: usize) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(bytes.saturating_mul(2));
        for _ in 0..bytes {
            // Writing to a String cannot fail.
            if write!(text, "{:02x}", self.below(256)).is_err() {
                break;
            }
        }
        text
    }

    /// A duration between the lag's bounds, both included.
    pub(crate) fn lag(&mut self, lag: Lag) -> Duration {
        let width = lag.most.saturating_sub(lag.least);
        let millis = u64::try_from(width.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return lag.least;
        }
        lag.least.saturating_add(Duration::from_millis(self.below(millis.saturating_add(1))))
    }
}
