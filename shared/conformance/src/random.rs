//! The contract of the source of random numbers.

use std::collections::BTreeSet;

use ports::Random;

use crate::verdict::{Breach, Broken, Verdict, ensure, ensure_eq};

/// How many numbers the suite draws.
const DRAWS: u32 = 1_000;

/// Every clause. A source of true random numbers fails it about never (once in 10^290 runs).
pub fn suite(random: &dyn Random) -> Result<(), Broken> {
    let broken = |found| {
        let clause = "numbers are within their bounds, and no bit or number is always the same";
        Broken { port: "random source", breaches: vec![Breach { clause, found }] }
    };
    draws(random).map_err(broken)
}

fn draws(random: &dyn Random) -> Verdict {
    ensure_eq!(random.below(0), 0, "a number below 0");
    ensure_eq!(random.below(1), 0, "a number below 1");
    let mut seen = BTreeSet::new();
    let (mut ever, mut always) = (0, u64::MAX);
    let mut digits = BTreeSet::new();
    for _ in 0..DRAWS {
        let number = random.next_u64();
        ever |= number;
        always &= number;
        ensure!(seen.insert(random.next_u128()), "128 random bits came twice");
        let digit = random.below(10);
        ensure!(digit < 10, "{digit} is not below 10");
        digits.insert(digit);
    }
    ensure_eq!(ever, u64::MAX, "the bits that were ever set");
    ensure_eq!(always, 0, "the bits that were always set");
    ensure_eq!(digits.len(), 10, "the count of different numbers below 10");
    Ok(())
}
