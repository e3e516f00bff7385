//! The adapters keep the contracts of their ports, and answer as the models do.

use std::{sync::Arc, time::Duration};

use aws::{DynamoStore, SqsQueues};
use conformance::{
    differential,
    queue::{self, Bench},
    reference::{ModelQueue, ModelStore, VirtualClock},
    store,
};
use double::{Double, Mode};
use ports::Store;

use crate::support::{
    self, Impatient, MAX_RECEIVES, access, create_queues, create_table, new_double, random,
    shared_double, unique,
};

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let access = access(shared_double());
    let fresh = async || Arc::new(support::store(&access).await) as Arc<dyn Store>;
    store::suite(fresh).await.unwrap();
}

#[tokio::test]
async fn the_store_outlives_its_process() {
    let (client, table) = (access(shared_double()).dynamo(), unique("outlives"));
    create_table(&client, &table).await;
    let clock = Arc::new(Impatient::default());
    let open = async || {
        let (client, clock) = (client.clone(), Arc::clone(&clock));
        Arc::new(DynamoStore::new(client, &table, clock, random())) as Arc<dyn Store>
    };
    store::durability(open).await.unwrap();
}

fn bench(queue: SqsQueues, double: &Arc<Double>) -> Bench {
    let double = Arc::clone(double);
    Bench {
        queue: Arc::new(queue),
        advance: Box::new(move |duration| double.advance(duration).unwrap()),
        max_receives: MAX_RECEIVES,
    }
}

#[tokio::test]
async fn the_queue_keeps_the_contract() {
    let double = Arc::new(new_double(Mode::Frozen));
    let access = access(&double);
    let fresh = async || bench(support::queues(&double, &access).await, &double);
    queue::suite(fresh).await.unwrap();
}

#[tokio::test]
async fn the_queue_outlives_its_process() {
    let double = Arc::new(new_double(Mode::Frozen));
    let (client, prefix) = (access(&double).sqs(), unique("outlives"));
    create_queues(&client, &prefix).await;
    let base = format!("{}{prefix}-", double.queues());
    let clock = Arc::new(Impatient::default());
    let open = async || {
        let (client, clock) = (client.clone(), Arc::clone(&clock));
        bench(SqsQueues::new(client, &base, clock, random()), &double)
    };
    queue::durability(open).await.unwrap();
}

#[tokio::test]
async fn random_histories_give_the_same_answers_as_the_model_store() {
    let access = access(shared_double());
    for seed in 0..40 {
        let adapter = support::store(&access).await;
        differential::store(&ModelStore::new(), &adapter, seed, 40).await.unwrap();
    }
}

#[tokio::test]
async fn random_histories_give_the_same_answers_as_the_model_queue() {
    let double = new_double(Mode::Frozen);
    let access = access(&double);
    for seed in 0..40 {
        let clock = VirtualClock::new();
        let model = ModelQueue::new(Arc::new(clock.clone()), MAX_RECEIVES);
        let adapter = support::queues(&double, &access).await;
        let advance = |duration: Duration| {
            clock.advance(duration);
            double.advance(duration).unwrap();
        };
        let sides = differential::Sides { model: &model, adapter: &adapter, advance: &advance };
        differential::queue(&sides, seed, 25).await.unwrap();
    }
}
