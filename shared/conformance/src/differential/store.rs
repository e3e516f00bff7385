//! Random histories of a store.

use ports::{
    Change, CommitError, Expect, Key, MAX_RECORD_BYTES, Query, Random, Record, Store, StoreError,
};

use super::{Log, Mismatch};
use crate::reference::SeededRandom;

/// Drives `steps` random commits, gets and queries through both stores, which start equal (empty,
/// as a rule), and compares every answer; at the end all that the history can have touched.
///
/// Few keys and short values, so that writers meet: about half of the expectations fail.
pub async fn store(
    model: &dyn Store,
    adapter: &dyn Store,
    seed: u64,
    steps: usize,
) -> Result<(), Mismatch> {
    let random = SeededRandom::new(seed);
    let mut log = Log::new(seed);
    for _ in 0..steps {
        match random.below(10) {
            0..=4 => commit(model, adapter, &changes(&random), &mut log).await?,
            5..=6 => get(model, adapter, &key(&random), &mut log).await?,
            _ => query(model, adapter, query_of(&random), &mut log).await?,
        }
    }
    for partition in PARTITIONS {
        let all = Query {
            partition: partition.to_owned(),
            prefix: String::new(),
            after: None,
            limit: 100,
        };
        query(model, adapter, all, &mut log).await?;
    }
    Ok(())
}

const PARTITIONS: [&str; 3] = ["C#1", "C#1#P", "C#2"];
const SORTS: [&str; 9] = ["U", "U#", "U#1", "U#1#J#1", "U#10", "U#2", "V", "é", "\u{10FFFF}"];
const PREFIXES: [&str; 6] = ["", "U", "U#", "U#1", "é", "W"];

fn pick<'a>(random: &SeededRandom, choices: &[&'a str]) -> &'a str {
    let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
    let index = usize::try_from(random.below(count)).unwrap_or(0);
    choices.get(index).copied().unwrap_or("")
}

fn key(random: &SeededRandom) -> Key {
    Key::new(pick(random, &PARTITIONS), pick(random, &SORTS))
}

fn expectation(random: &SeededRandom) -> Expect {
    match random.below(8) {
        0..=1 => Expect::Absent,
        2 => Expect::Version(1),
        3 => Expect::Version(random.below(4)),
        _ => Expect::Anything,
    }
}

/// Mostly legal commits of a few changes; now and then one that breaks a limit.
fn changes(random: &SeededRandom) -> Vec<Change> {
    let mut changes = Vec::new();
    for _ in 0..=random.below(4) {
        let (key, expect) = (key(random), expectation(random));
        changes.push(match random.below(10) {
            0..=5 => Change::Put { key, value: value(random), expect },
            6..=7 => Change::Delete { key, expect },
            _ => Change::Check { key, expect },
        });
    }
    match random.below(40) {
        0 => changes.clear(),
        1 => changes.push(Change::put(Key::new("C#1", ""), vec![])),
        2 => changes.push(Change::put(Key::new("C#1", "U"), vec![0; MAX_RECORD_BYTES])),
        // Duplicates stay as they come: some commits are refused for them.
        3..=9 => {}
        _ => {
            changes.sort_by(|one, other| one.key().cmp(other.key()));
            changes.dedup_by(|one, other| one.key() == other.key());
        }
    }
    changes
}

fn value(random: &SeededRandom) -> Vec<u8> {
    let length = usize::try_from(random.below(9)).unwrap_or(0);
    random.next_u64().to_le_bytes().into_iter().take(length).collect()
}

fn query_of(random: &SeededRandom) -> Query {
    Query {
        partition: pick(random, &PARTITIONS).to_owned(),
        prefix: pick(random, &PREFIXES).to_owned(),
        after: (random.below(3) == 0).then(|| pick(random, &SORTS).to_owned()),
        limit: usize::try_from(random.below(5)).unwrap_or(0),
    }
}

async fn commit(
    model: &dyn Store,
    adapter: &dyn Store,
    changes: &[Change],
    log: &mut Log,
) -> Result<(), Mismatch> {
    log.add(format!("commit {}", changes.iter().map(in_words).collect::<Vec<_>>().join(", ")));
    let (model, adapter) = (model.commit(changes).await, adapter.commit(changes).await);
    log.compare(&model.map_err(without_words), &adapter.map_err(without_words))
}

fn in_words(change: &Change) -> String {
    let key = change.key();
    let at = format!("{}/{}", key.partition, key.sort);
    match change {
        Change::Put { value, expect, .. } => {
            format!("put {at} {} bytes if {expect:?}", value.len())
        }
        Change::Delete { expect, .. } => format!("delete {at} if {expect:?}"),
        Change::Check { expect, .. } => format!("check {at} is {expect:?}"),
    }
}

/// The words of an error are each adapter's own.
fn without_words(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict { keys } => CommitError::Conflict { keys },
        CommitError::OutsideLimits(_) => CommitError::OutsideLimits(String::new()),
        CommitError::Throttled(_) => CommitError::Throttled(String::new()),
        CommitError::Refused(_) => CommitError::Refused(String::new()),
        CommitError::Unknown(_) => CommitError::Unknown(String::new()),
    }
}

async fn get(
    model: &dyn Store,
    adapter: &dyn Store,
    key: &Key,
    log: &mut Log,
) -> Result<(), Mismatch> {
    log.add(format!("get {}/{}", key.partition, key.sort));
    log.compare(&model.get(key).await, &adapter.get(key).await)
}

/// Adapters may cut pages differently, so whole answers are compared.
async fn query(
    model: &dyn Store,
    adapter: &dyn Store,
    query: Query,
    log: &mut Log,
) -> Result<(), Mismatch> {
    log.add(format!("{query:?}"));
    log.compare(&pages(model, query.clone()).await, &pages(adapter, query).await)
}

async fn pages(store: &dyn Store, mut query: Query) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    loop {
        let page = store.query(&query).await?;
        records.extend(page.records);
        match page.next {
            Some(next) if query.after.as_ref() < Some(&next) => query.after = Some(next),
            Some(next) => return Err(StoreError::Damaged(format!("the cursor stays at {next}"))),
            None => return Ok(records),
        }
    }
}
