//! Clauses about the limits of a commit.

use ports::{
    Change, CommitError, Expect, Key, MAX_CHANGES, MAX_COMMIT_BYTES, MAX_PARTITION_BYTES,
    MAX_RECORD_BYTES, MAX_SORT_BYTES,
};

use super::{PARTITION, Subject, commit, get, key};
use crate::verdict::{Verdict, ensure_eq};

async fn refused(store: &Subject, changes: &[Change]) -> Verdict {
    match store.commit(changes).await {
        Err(CommitError::OutsideLimits(_)) => Ok(()),
        other => Err(format!("`OutsideLimits` was expected, found {other:?}")),
    }
}

fn many(count: usize) -> Vec<Change> {
    (0..count).map(|number| Change::create(key(&format!("{number:04}")), vec![])).collect()
}

/// A put whose key and value have `bytes` together.
fn sized(sort: &str, bytes: usize) -> Change {
    let value = vec![0x5A; bytes - PARTITION.len() - sort.len()];
    Change::put(key(sort), value)
}

pub(super) async fn changes(store: Subject) -> Verdict {
    refused(&store, &many(MAX_CHANGES + 1)).await?;
    commit(&*store, &many(MAX_CHANGES)).await?;
    let last = key(&format!("{:04}", MAX_CHANGES - 1));
    ensure_eq!(get(&*store, &last).await?, Some((1, vec![])), "the last of the records");
    Ok(())
}

pub(super) async fn empty(store: Subject) -> Verdict {
    refused(&store, &[]).await
}

pub(super) async fn duplicates(store: Subject) -> Verdict {
    let check = Change::Check { key: key("a"), expect: Expect::Absent };
    refused(&store, &[Change::create(key("a"), vec![]), check.clone()]).await?;
    refused(&store, &[check.clone(), Change::create(key("b"), vec![]), check]).await
}

pub(super) async fn empty_keys(store: Subject) -> Verdict {
    for key in [Key::new("", "a"), Key::new("a", ""), Key::new("", "")] {
        refused(&store, &[Change::put(key, vec![1])]).await?;
    }
    Ok(())
}

pub(super) async fn key_size(store: Subject) -> Verdict {
    let longest = Key::new("p".repeat(MAX_PARTITION_BYTES), "s".repeat(MAX_SORT_BYTES));
    commit(&*store, &[Change::create(longest.clone(), vec![1])]).await?;
    ensure_eq!(get(&*store, &longest).await?, Some((1, vec![1])), "the record at the longest key");
    let (partition, sort) = (longest.partition, longest.sort);
    for key in [Key::new(format!("{partition}p"), "s"), Key::new("p", format!("{sort}s"))] {
        refused(&store, &[Change::put(key.clone(), vec![1])]).await?;
        ensure_eq!(get(&*store, &key).await?, None, "the record at a key that is too long");
    }
    Ok(())
}

pub(super) async fn record_size(store: Subject) -> Verdict {
    commit(&*store, &[sized("a", MAX_RECORD_BYTES)]).await?;
    let length = get(&*store, &key("a")).await?.map(|(_, value)| value.len());
    let expected = MAX_RECORD_BYTES - PARTITION.len() - 1;
    ensure_eq!(length, Some(expected), "the length of the value");
    refused(&store, &[sized("b", MAX_RECORD_BYTES + 1)]).await
}

pub(super) async fn commit_size(store: Subject) -> Verdict {
    let part = MAX_COMMIT_BYTES / 20;
    let mut changes: Vec<_> = (10..30).map(|number| sized(&number.to_string(), part)).collect();
    commit(&*store, &changes).await?;
    changes.push(Change::put(key("more"), vec![]));
    refused(&store, &changes).await
}

pub(super) async fn refused_wholly(store: Subject) -> Verdict {
    refused(&store, &[Change::put(key("a"), vec![1]), sized("b", MAX_RECORD_BYTES + 1)]).await?;
    refused(&store, &many(MAX_CHANGES + 1)).await?;
    for sort in ["a", "b", "0000"] {
        ensure_eq!(get(&*store, &key(sort)).await?, None, "the record `{sort}`");
    }
    Ok(())
}
