//! Records that share their anchor's item: the port's contract, with other prices.

use std::{future::Future as _, sync::Arc, task::Poll};

use aws::{Access, DynamoStore, Layout, Operation};
use conformance::reference::{ModelStore, SeededRandom};
use ports::{Change, CommitError, Expect, Key, Query, Random as _, Store};

use crate::support::{Impatient, access, create_table, random, shared_double, unique};

const PARTITION: &str = "C#acme#COPY";

fn key(sort: &str) -> Key {
    Key::new(PARTITION, sort)
}

/// Stores of so many processes on one table.
async fn processes(access: &Access, count: usize) -> Vec<DynamoStore> {
    let name = unique("anchored");
    create_table(&access.dynamo(), &name).await;
    let layout = Layout {
        anchor: Some(|partition| partition.ends_with("#COPY").then_some("checkpoint")),
        ..Layout::default()
    };
    let store = || {
        let clock = Arc::new(Impatient::default());
        DynamoStore::new(access.dynamo(), &name, clock, random()).with_layout(layout)
    };
    (0..count).map(|_| store()).collect()
}

/// The anchor over a version, with riders.
fn anchored(version: u64, riders: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<Change> {
    let expect = if version == 0 { Expect::Absent } else { Expect::Version(version) };
    let value = format!("state {version}").into_bytes();
    let anchor = Change::Put { key: key("checkpoint"), value, expect };
    let riders = riders.into_iter().map(|(sort, value)| Change::put(key(&sort), value));
    riders.chain([anchor]).collect()
}

fn noise(random: &SeededRandom, length: u64) -> Vec<u8> {
    (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
}

async fn query(store: &dyn Store, prefix: &str, limit: usize) -> Vec<ports::Record> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (partition, prefix) = (PARTITION.to_owned(), prefix.to_owned());
        let page = store.query(&Query { partition, prefix, after, limit }).await.unwrap();
        assert!(page.records.len() <= limit);
        all.extend(page.records);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Two processes that know nothing of each other's commits, and the model: the same outcomes, the same
/// versions, the same pages, whether a record is short or does not fit into any anchor's item.
#[tokio::test]
async fn random_histories_of_two_processes_give_the_same_answers_as_the_model() {
    let access = access(shared_double());
    for seed in 0..5 {
        let (model, stores) = (ModelStore::new(), processes(&access, 2).await);
        let random = SeededRandom::new(seed);
        for _ in 0..20 {
            let store = &stores[usize::try_from(random.below(2)).unwrap()];
            let version = |sort: &str| {
                let records = model.records();
                records.iter().find(|one| one.key == key(sort)).map_or(0, |one| one.version)
            };
            let expect = |sort: &str| match random.below(8) {
                0 => Expect::Absent,
                1 => Expect::Version(1),
                2 | 3 => match version(sort) {
                    0 => Expect::Absent,
                    version => Expect::Version(version),
                },
                _ => Expect::Anything,
            };
            let mut changes = anchored(version("checkpoint"), []);
            for n in 0..12 {
                let sort = format!("F/{n:02}");
                let change = match random.below(8) {
                    0 => Change::Delete { key: key(&sort), expect: expect(&sort) },
                    1 => Change::Check { key: key(&sort), expect: expect(&sort) },
                    2 | 3 => {
                        let length =
                            [30, 300, 2_000, 9_000][usize::try_from(random.below(4)).unwrap()];
                        let value = noise(&random, length);
                        Change::Put { key: key(&sort), value, expect: expect(&sort) }
                    }
                    _ => continue,
                };
                changes.push(change);
            }
            let (of_model, of_store) = (model.commit(&changes).await, store.commit(&changes).await);
            assert_eq!(of_store, of_model, "seed {seed}");
            let sort = format!("F/{:02}", random.below(12));
            for store in &stores {
                let (found, expected) =
                    (store.get(&key(&sort)).await, model.get(&key(&sort)).await);
                assert_eq!(found, expected, "seed {seed} {sort}");
            }
            for (prefix, limit) in [("", 100), ("F/", 4), ("c", 2)] {
                let expected = query(&model, prefix, limit).await;
                assert_eq!(query(store, prefix, limit).await, expected, "seed {seed} {prefix}");
            }
        }
    }
}

/// GEN-4: of two writers who read the same anchor one advances, also when each remembers it.
#[tokio::test]
async fn of_writers_at_once_one_wins_and_the_other_learns_why() {
    let stores = processes(&access(shared_double()), 2).await;
    stores[0].commit(&anchored(0, [])).await.unwrap();
    for version in 1..20 {
        let rider = |who: u8| [("F/1".to_owned(), vec![who; 50])];
        let (first, second) = (anchored(version, rider(1)), anchored(version, rider(2)));
        let (mut first, mut second) =
            (Box::pin(stores[0].commit(&first)), Box::pin(stores[1].commit(&second)));
        let (mut one, mut other) = (None, None);
        std::future::poll_fn(|cx| {
            for (commit, outcome) in [(&mut first, &mut one), (&mut second, &mut other)] {
                if outcome.is_none()
                    && let Poll::Ready(ready) = commit.as_mut().poll(cx)
                {
                    *outcome = Some(ready);
                }
            }
            if one.is_some() && other.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let winner = match (one.unwrap(), other.unwrap()) {
            (Ok(()), Err(CommitError::Conflict { keys })) => (1, keys),
            (Err(CommitError::Conflict { keys }), Ok(())) => (2, keys),
            outcome => panic!("{outcome:?}"),
        };
        assert_eq!(winner.1, [key("checkpoint")]);
        for store in &stores {
            let found = store.get(&key("F/1")).await.unwrap().unwrap();
            assert_eq!(found.value, vec![winner.0; 50]);
        }
    }
}

/// What the anchor is for: a commit of ten records at the price of one, and one read for all of them.
#[tokio::test]
async fn records_that_fit_beside_their_anchor_cost_one_unit_together() {
    let stores = processes(&access(shared_double()), 1).await;
    let store = &stores[0];
    let riders = || (0..9).map(|n| (format!("F/{n}"), vec![b'x'; 200]));
    store.commit(&anchored(0, riders())).await.unwrap();
    store.commit(&anchored(1, riders())).await.unwrap();
    assert_eq!(query(store, "F/", 100).await.len(), 9);
    let spent = store.meter().take();
    assert_eq!(spent.keys().copied().collect::<Vec<_>>(), [Operation::GetItem, Operation::PutItem]);
    assert_eq!(format!("{:.1}", spent[&Operation::PutItem].write_units), "2.0");
    // Once for the first commit, which knows nothing, and once for the query.
    assert!(spent[&Operation::GetItem].requests <= 2);
}

/// A deployment that is older than anchors wrote each record to its own item.
#[tokio::test]
async fn records_of_an_older_deployment_are_found_and_written_over() {
    let access = access(shared_double());
    let stores = processes(&access, 2).await;
    let clock = Arc::new(Impatient::default());
    let older = DynamoStore::new(access.dynamo(), stores[0].table(), clock, random());
    let riders = (0..5).map(|n| (format!("F/{n}"), vec![n; 20]));
    older.commit(&anchored(0, riders)).await.unwrap();
    assert_eq!(query(&stores[0], "", 2).await.len(), 6);
    let mut changes = anchored(1, [("F/1".to_owned(), vec![9; 20])]);
    changes.push(Change::Delete { key: key("F/2"), expect: Expect::Version(1) });
    changes.push(Change::update(key("F/3"), vec![8; 20], 1));
    stores[0].commit(&changes).await.unwrap();
    let found = query(&stores[1], "F/", 100).await;
    let found: Vec<_> =
        found.iter().map(|one| (one.key.sort.as_str(), one.version, one.value[0])).collect();
    assert_eq!(found, [("F/0", 1, 0), ("F/1", 2, 9), ("F/3", 2, 8), ("F/4", 1, 4)]);
}

/// Where every partition has an anchor the port's contract holds all the same, whatever is written with
/// or without the anchor's own record.
#[tokio::test]
async fn a_store_of_anchors_keeps_the_contract_of_every_store() {
    let access = access(shared_double());
    let fresh = async || Arc::new(anchored_everywhere(&access).await) as Arc<dyn Store>;
    conformance::store::suite(fresh).await.unwrap();
    for seed in 0..8 {
        let adapter = anchored_everywhere(&access).await;
        let model = ModelStore::new();
        conformance::differential::store(&model, &adapter, seed, 30).await.unwrap();
    }
}

async fn anchored_everywhere(access: &Access) -> DynamoStore {
    let name = unique("anchored");
    create_table(&access.dynamo(), &name).await;
    let layout = Layout { anchor: Some(|_| Some("a")), ..Layout::default() };
    let clock = Arc::new(Impatient::default());
    DynamoStore::new(access.dynamo(), &name, clock, random()).with_layout(layout)
}
