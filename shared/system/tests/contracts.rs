//! The system's clock and randomness keep the contracts of their ports.

#![cfg(test)]

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use conformance::{clock, random};
use ports::Clock as _;
use system::{FasterClock, OsRandom, SystemClock};

#[tokio::test]
async fn the_system_clock_keeps_the_contract() {
    // The one test that waits in earnest: some ten milliseconds.
    let pass = async |duration: Duration| SystemClock.sleep(duration).await;
    clock::suite(Arc::new(SystemClock), pass).await.unwrap();
}

/// Its sleeps end by its own time: an hour of it would take two minutes.
#[tokio::test]
async fn a_faster_clock_keeps_the_contract() {
    let faster = FasterClock::new(NonZeroU32::new(30).unwrap());
    let pass = async |duration: Duration| faster.sleep(duration).await;
    clock::suite(Arc::new(faster), pass).await.unwrap();
}

#[test]
fn the_systems_random_numbers_keep_the_contract() {
    random::suite(&OsRandom).unwrap();
}
