//! The operating system's random numbers.

use ports::Random;

/// The operating system's cryptographic random source, asked anew for every number.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(
        clippy::expect_used,
        reason = "the system's source cannot fail on a machine that has booted; ids must not be guessable instead"
    )]
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("the operating system gives random numbers")
    }
}
