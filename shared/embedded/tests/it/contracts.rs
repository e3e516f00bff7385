//! The embedded adapters keep the contracts of their ports, and answer as the models do.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::Arc,
};

use conformance::{
    differential,
    queue::{self, Bench},
    reference::{ModelQueue, ModelStore, VirtualClock},
    store,
};
use embedded::Embedded;
use futures_util::future::join_all;
use ports::Store;

use crate::{folder, options};

/// Paths of files that are not there yet.
struct Fresh<'a>(&'a Path, Cell<u32>);

impl Fresh<'_> {
    fn path(&self) -> PathBuf {
        self.1.set(self.1.get() + 1);
        self.0.join(self.1.get().to_string())
    }
}

fn bench(path: PathBuf, clock: &VirtualClock) -> Bench {
    let queue = Embedded::open_with(path, options(clock)).unwrap().queue();
    let clock = clock.clone();
    Bench { queue, advance: Box::new(move |duration| clock.advance(duration)), max_receives: 3 }
}

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let folder = folder();
    let fresh = Fresh(folder.path(), Cell::new(0));
    let open = async || Embedded::open(fresh.path()).unwrap().store() as Arc<dyn Store>;
    store::suite(open).await.unwrap();
}

#[tokio::test]
async fn the_store_outlives_its_process() {
    let folder = folder();
    let path = folder.path().join("state");
    let open = async || Embedded::open(&path).unwrap().store() as Arc<dyn Store>;
    store::durability(open).await.unwrap();
}

#[tokio::test]
async fn the_queue_keeps_the_contract() {
    let folder = folder();
    let fresh = Fresh(folder.path(), Cell::new(0));
    queue::suite(async || bench(fresh.path(), &VirtualClock::new())).await.unwrap();
}

#[tokio::test]
async fn the_queue_outlives_its_process() {
    let (folder, clock) = (folder(), VirtualClock::new());
    let path = folder.path().join("state");
    queue::durability(async || bench(path.clone(), &clock)).await.unwrap();
}

/// Runs a history per seed, side by side so that they wait for the disk together.
async fn each_seed(history: impl AsyncFn(u64)) {
    let seeds: Vec<u64> = (0..200).collect();
    for seeds in seeds.chunks(25) {
        join_all(seeds.iter().map(|seed| history(*seed))).await;
    }
}

#[tokio::test]
async fn random_histories_give_the_same_answers_as_the_model_store() {
    let folder = folder();
    each_seed(async |seed| {
        let file = Embedded::open(folder.path().join(seed.to_string())).unwrap();
        differential::store(&ModelStore::new(), &*file.store(), seed, 40).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn random_histories_give_the_same_answers_as_the_model_queue() {
    let folder = folder();
    each_seed(async |seed| {
        let clock = VirtualClock::new();
        let model = ModelQueue::new(Arc::new(clock.clone()), 3);
        let path = folder.path().join(seed.to_string());
        let adapter = Embedded::open_with(path, options(&clock)).unwrap().queue();
        let advance = |duration| clock.advance(duration);
        let sides = differential::Sides { model: &model, adapter: &*adapter, advance: &advance };
        differential::queue(&sides, seed, 25).await.unwrap();
    })
    .await;
}
