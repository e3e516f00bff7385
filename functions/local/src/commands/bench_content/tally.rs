//! What a copy asks of the store, counted on its way there.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ports::{Change, CommitError, Key, Page, Query, Record, Store, StoreError};
use serde::{Deserialize, Serialize};

/// Sort keys of the item map.
const MAP: &str = "M/";

/// Counts of one round, and what is there at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Commits.
    pub(super) commits: u64,
    /// Records that were put.
    pub(super) puts: u64,
    /// Records of the item map that were put.
    pub(super) map_puts: u64,
    /// Bytes of all records that are there, keys included.
    pub(super) bytes: u64,
    /// Bytes of the item map's records, keys included.
    pub(super) map_bytes: u64,
}

/// A store that counts.
pub(super) struct Tallied {
    inner: Arc<dyn Store>,
    tally: Mutex<Tally>,
}

impl Tallied {
    /// Counts what goes to a store.
    pub(super) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, tally: Mutex::default() }
    }

    /// The counts, with what the partition holds now.
    pub(super) async fn settle(
        &self,
        store: &dyn Store,
        partition: &str,
    ) -> Result<Tally, StoreError> {
        let mut tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        for Record { key, value, .. } in store.query_all(partition, "").await? {
            let length = key.partition.len() + key.sort.len() + value.len();
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            tally.bytes = tally.bytes.saturating_add(length);
            if key.sort.starts_with(MAP) {
                tally.map_bytes = tally.map_bytes.saturating_add(length);
            }
        }
        Ok(tally)
    }
}

#[async_trait]
impl Store for Tallied {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.inner.commit(changes).await?;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.commits += 1;
        for change in changes {
            if let Change::Put { key, .. } = change {
                tally.puts += 1;
                tally.map_puts += u64::from(key.sort.starts_with(MAP));
            }
        }
        Ok(())
    }
}
