//! The reference adapters keep every contract, and the suites notice who does not.

#![cfg(test)]

mod mistakes;
mod plain;

use std::sync::Arc;

use conformance::{
    clock, differential,
    queue::{self, Bench},
    random,
    reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock},
    store, transport,
};
use ports::Store;

fn model_queue(max_receives: u32) -> Bench {
    let clock = VirtualClock::new();
    let queue = Arc::new(ModelQueue::new(Arc::new(clock.clone()), max_receives));
    Bench { queue, advance: Box::new(move |duration| clock.advance(duration)), max_receives }
}

#[tokio::test]
async fn the_model_store_keeps_the_contract() {
    store::suite(async || Arc::new(ModelStore::new()) as Arc<dyn Store>).await.unwrap();
}

#[tokio::test]
async fn the_model_queue_keeps_the_contract() {
    queue::suite(async || model_queue(3)).await.unwrap();
}

#[tokio::test]
async fn the_virtual_clock_keeps_the_contract() {
    let time = VirtualClock::new();
    let passing = time.clone();
    clock::suite(Arc::new(time), async |duration| passing.advance(duration)).await.unwrap();
}

#[tokio::test]
async fn a_transport_over_a_bare_socket_keeps_the_contract() {
    transport::suite(Arc::new(plain::PlainTransport)).await.unwrap();
}

#[test]
fn the_seeded_generator_keeps_the_contract() {
    for seed in [0, 1, u64::MAX] {
        random::suite(&SeededRandom::new(seed)).unwrap();
    }
}

#[test]
fn one_seed_gives_one_history() {
    use ports::Random;
    let draw = |seed| {
        let random = SeededRandom::new(seed);
        (0..8).map(|_| random.next_u64()).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[tokio::test]
async fn a_model_does_not_differ_from_itself() {
    for seed in 0..20 {
        differential::store(&ModelStore::new(), &ModelStore::new(), seed, 60).await.unwrap();
        let (model, adapter) = (model_queue(3), model_queue(3));
        let advance = |duration| {
            (model.advance)(duration);
            (adapter.advance)(duration);
        };
        let sides = differential::Sides {
            model: &*model.queue,
            adapter: &*adapter.queue,
            advance: &advance,
        };
        differential::queue(&sides, seed, 60).await.unwrap();
    }
}
