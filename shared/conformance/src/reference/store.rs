//! The store in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use ports::{
    Change, CommitError, Expect, Key, Page, Query, Record, Store, StoreError, within_limits,
};

use super::lock;

/// A store that is a map.
#[derive(Debug, Default)]
pub struct ModelStore {
    records: Mutex<BTreeMap<Key, (u64, Vec<u8>)>>,
    commits: AtomicU64,
}

impl ModelStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every record, by key: what a checker looks at after a run.
    pub fn records(&self) -> Vec<Record> {
        let record = |(key, (version, value)): (&Key, &(u64, Vec<u8>))| Record {
            key: key.clone(),
            version: *version,
            value: value.clone(),
        };
        lock(&self.records).iter().map(record).collect()
    }

    /// How many commits were applied.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Store for ModelStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let records = lock(&self.records);
        Ok(records.get(key).map(|(version, value)| Record {
            key: key.clone(),
            version: *version,
            value: value.clone(),
        }))
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let records = lock(&self.records);
        let from = query.prefix.as_str().max(query.after.as_deref().unwrap_or(""));
        let matching = records
            .range(Key::new(&query.partition, from)..)
            .take_while(|(key, _)| key.partition == query.partition)
            .take_while(|(key, _)| key.sort.starts_with(&query.prefix))
            .filter(|(key, _)| query.after.as_ref() != Some(&key.sort))
            .map(|(key, (version, value))| Record {
                key: key.clone(),
                version: *version,
                value: value.clone(),
            });
        let limit = query.limit.max(1);
        let mut page =
            Page { records: matching.take(limit.saturating_add(1)).collect(), next: None };
        if page.records.len() > limit {
            page.records.truncate(limit);
            page.next = page.records.last().map(|record| record.key.sort.clone());
        }
        Ok(page)
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        within_limits(changes)?;
        let mut records = lock(&self.records);
        let failed: Vec<Key> = changes
            .iter()
            .filter(|change| !holds(change, records.get(change.key()).map(|record| record.0)))
            .map(|change| change.key().clone())
            .collect();
        if !failed.is_empty() {
            return Err(CommitError::Conflict { keys: failed });
        }
        for change in changes {
            match change {
                Change::Put { key, value, .. } => {
                    let (version, stored) = records.entry(key.clone()).or_default();
                    *version += 1;
                    stored.clone_from(value);
                }
                Change::Delete { key, .. } => {
                    records.remove(key);
                }
                Change::Check { .. } => {}
            }
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn holds(change: &Change, version: Option<u64>) -> bool {
    let (Change::Put { expect, .. } | Change::Delete { expect, .. } | Change::Check { expect, .. }) =
        change;
    match expect {
        Expect::Absent => version.is_none(),
        Expect::Version(expected) => version == Some(*expected),
        Expect::Anything => true,
    }
}
