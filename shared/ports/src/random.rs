//! Randomness as a port: one seed gives one history.

/// A source of random numbers: the operating system's in life, a seeded generator in tests.
pub trait Random: Send + Sync {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;

    /// A number in `0..bound`; 0 when `bound` is 0.
    fn below(&self, bound: u64) -> u64 {
        // The bias of a plain remainder over 64 bits is far below anything jitter needs.
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// 128 random bits, for ids.
    fn next_u128(&self) -> u128 {
        (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64())
    }
}
