//! The machine's clock and randomness: the two ports that every host takes from the operating
//! system, whatever it stores its records in.

mod clock;
mod random;

pub use clock::{FasterClock, SystemClock};
pub use random::OsRandom;
