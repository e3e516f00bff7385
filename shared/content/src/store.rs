//! The copy's records in the store, and the checkpoint that guards them.
//!
//! | sort key | what |
//! | --- | --- |
//! | `checkpoint` | where the round stands; its version makes one writer of many |
//! | `F/{workload}/{ordinal}` | a folder of a mailbox |
//! | `M/{workload}/{group}/{n}` | packed item map |
//! | `W/{workload}` | the page of changes being worked on, packed |
//! | `R/{workload}/{n}` | deletions found, applied after everything else, packed |
//! | `Q/{workload}/{n}` | ids that an incomplete listing has not shown: to be asked for, packed |
//! | `K/{workload}/{group}/{hash}` | a deletion that waits, since its copy is the only one |
//! | `A/{workload}` | changes left something out: the next round lists everything anew |
//! | `S/{workload}/{n}` | ids seen while a folder is enumerated anew, and counts of folders, packed |
//! | `C/{workload}/{n}` | folders whose count is not what is listed of them, packed |
//! | `H/{workload}/{n}` | shared items whose permissions are to be copied, packed |
//! | `B/{workload}/{group}/{hash}` | a bad item |
//! | `P/{hash}` | a permission that waits for its principal |
//! | `G/{hash}` | a permission that was granted |

use ports::{Change, Expect, Key, Store};
use serde::{Serialize, de::DeserializeOwned};

use crate::{ContentError, Workload, checkpoint::Checkpoint};

/// A record that cannot be read.
pub(crate) fn damaged(place: &str, reason: &str) -> ContentError {
    ContentError::Damaged { place: place.to_owned(), reason: reason.to_owned() }
}

/// Reads a JSON record.
pub(crate) fn decode<T: DeserializeOwned>(place: &str, value: &[u8]) -> Result<T, ContentError> {
    serde_json::from_slice(value).map_err(|error| damaged(place, &error.to_string()))
}

/// Writes a JSON record.
pub(crate) fn encode<T: Serialize>(place: &str, value: &T) -> Result<Vec<u8>, ContentError> {
    serde_json::to_vec(value).map_err(|error| damaged(place, &error.to_string()))
}

/// Changes of one commit besides the checkpoint. More are put off to a further commit.
const CHANGES: usize = ports::MAX_CHANGES - 1;

/// The open state of one user's copy: the checkpoint as last read, and changes not yet committed.
pub(crate) struct State<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) partition: String,
    pub(crate) checkpoint: Checkpoint,
    version: Option<u64>,
    changes: Vec<Change>,
}

/// The sort key of the checkpoint. All records of a copy have one writer at a time: a store may keep
/// them in one place with it.
pub const CHECKPOINT: &str = "checkpoint";

impl<'a> State<'a> {
    /// Reads the checkpoint; a user without one has an empty one.
    pub(crate) async fn load(store: &'a dyn Store, partition: &str) -> Result<Self, ContentError> {
        let record = store.get(&Key::new(partition, CHECKPOINT)).await?;
        let (checkpoint, version) = match record {
            Some(record) => (Checkpoint::read(CHECKPOINT, &record.value)?, Some(record.version)),
            None => (Checkpoint::default(), None),
        };
        let partition = partition.to_owned();
        Ok(Self { store, partition, checkpoint, version, changes: Vec::new() })
    }

    /// A key of this copy.
    pub(crate) fn key(&self, sort: impl Into<String>) -> Key {
        Key::new(self.partition.clone(), sort)
    }

    /// Adds a change to the next commit; a later one of the same key replaces an earlier one.
    pub(crate) fn change(&mut self, change: Change) {
        self.changes.retain(|earlier| earlier.key() != change.key());
        self.changes.push(change);
    }

    /// Adds a JSON record to the next commit.
    pub(crate) fn put<T: Serialize>(&mut self, sort: &str, value: &T) -> Result<(), ContentError> {
        let change = Change::put(self.key(sort), encode(sort, value)?);
        self.change(change);
        Ok(())
    }

    /// Removes a record with the next commit.
    pub(crate) fn delete(&mut self, sort: impl Into<String>) {
        let change = Change::Delete { key: self.key(sort), expect: Expect::Anything };
        self.change(change);
    }

    /// How many changes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// Commits the checkpoint and everything that waits. The checkpoint's version is the condition:
    /// of two units of one user only one advances.
    pub(crate) async fn commit(&mut self) -> Result<(), ContentError> {
        let value = encode(CHECKPOINT, &self.checkpoint)?;
        let key = self.key(CHECKPOINT);
        let put = match self.version {
            Some(version) => Change::update(key, value, version),
            None => Change::create(key, value),
        };
        let mut changes = std::mem::take(&mut self.changes);
        if changes.len() > CHANGES {
            return Err(ContentError::Commit(ports::CommitError::OutsideLimits(format!(
                "{} changes in one unit",
                changes.len()
            ))));
        }
        changes.push(put);
        if let Err(error) = self.store.commit(&changes).await {
            // The unit may end with another commit: what was to be written still waits for it.
            changes.pop();
            self.changes = changes;
            return Err(error.into());
        }
        self.version = Some(self.version.unwrap_or(0) + 1);
        Ok(())
    }
}

/// The sort keys.
pub(crate) mod keys {
    use super::Workload;
    use crate::map::fingerprint;

    pub(crate) fn folders(workload: Workload) -> String {
        format!("F/{}/", workload.tag())
    }

    pub(crate) fn folder(workload: Workload, ordinal: u32) -> String {
        format!("F/{}/{ordinal:08}", workload.tag())
    }

    pub(crate) fn map(workload: Workload, group: u32) -> String {
        format!("M/{}/{group:08}/", workload.tag())
    }

    pub(crate) fn work(workload: Workload) -> String {
        format!("W/{}", workload.tag())
    }

    pub(crate) fn removals(workload: Workload) -> String {
        format!("R/{}/", workload.tag())
    }

    pub(crate) fn removal(workload: Workload, number: u32) -> String {
        format!("R/{}/{number:08}", workload.tag())
    }

    pub(crate) fn all_unseen(workload: Workload) -> String {
        format!("Q/{}/", workload.tag())
    }

    pub(crate) fn unseen(workload: Workload, number: u32) -> String {
        format!("Q/{}/{number:08}", workload.tag())
    }

    pub(crate) fn all_replaced(workload: Workload) -> String {
        format!("D/{}/", workload.tag())
    }

    pub(crate) fn replaced(workload: Workload, number: u32) -> String {
        format!("D/{}/{number:08}", workload.tag())
    }

    pub(crate) fn seen(workload: Workload, number: u32) -> String {
        format!("S/{}/{number:08}", workload.tag())
    }

    pub(crate) fn all_shared(workload: Workload) -> String {
        format!("H/{}/", workload.tag())
    }

    pub(crate) fn shared(workload: Workload, number: u32) -> String {
        format!("H/{}/{number:08}", workload.tag())
    }

    pub(crate) fn all_short(workload: Workload) -> String {
        format!("C/{}/", workload.tag())
    }

    pub(crate) fn short(workload: Workload, number: u32) -> String {
        format!("C/{}/{number:08}", workload.tag())
    }

    pub(crate) fn all_kept(workload: Workload) -> String {
        format!("K/{}/", workload.tag())
    }

    pub(crate) fn kept(workload: Workload, group: u32, id: &str) -> String {
        format!("{}{:016x}", kept_in(workload, group), fingerprint(id))
    }

    pub(crate) fn kept_in(workload: Workload, group: u32) -> String {
        format!("K/{}/{group:08}/", workload.tag())
    }

    pub(crate) fn all_bad_items(workload: Workload) -> String {
        format!("B/{}/", workload.tag())
    }

    pub(crate) fn bad_items(workload: Workload, group: u32) -> String {
        format!("B/{}/{group:08}/", workload.tag())
    }

    pub(crate) fn bad_item(workload: Workload, group: u32, id: &str) -> String {
        format!("B/{}/{group:08}/{:016x}", workload.tag(), fingerprint(id))
    }

    pub(crate) fn skipped(workload: Workload) -> String {
        format!("A/{}", workload.tag())
    }

    pub(crate) const PENDING: &str = "P/";

    pub(crate) fn pending(grant: &str) -> String {
        format!("{PENDING}{:016x}", fingerprint(grant))
    }

    pub(crate) fn granted(grant: &str) -> String {
        format!("G/{:016x}", fingerprint(grant))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use conformance::reference::ModelStore;
    use futures_util::FutureExt;
    use ports::{CommitError, Page, Query, Record, StoreError};

    use super::*;

    /// A store that is too busy for the first commit.
    #[derive(Default)]
    struct BusyOnce(ModelStore, AtomicBool);

    #[async_trait]
    impl Store for BusyOnce {
        async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
            self.0.get(key).await
        }

        async fn query(&self, query: &Query) -> Result<Page, StoreError> {
            self.0.query(query).await
        }

        async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
            if self.1.swap(true, Ordering::Relaxed) {
                self.0.commit(changes).await
            } else {
                Err(CommitError::Throttled("busy".to_owned()))
            }
        }
    }

    /// ERR-4: a busy store ends the unit, whose last commit must not name a page that was never
    /// written.
    #[test]
    fn what_a_busy_store_refused_goes_with_the_next_commit() {
        let store = BusyOnce::default();
        let mut state = State::load(&store, "p").now_or_never().unwrap().unwrap();
        state.put("W/m", &"the page").unwrap();
        state.commit().now_or_never().unwrap().unwrap_err();
        state.commit().now_or_never().unwrap().unwrap();
        let keys: Vec<String> = store.0.records().into_iter().map(|it| it.key.sort).collect();
        assert_eq!(keys, ["W/m", "checkpoint"]);
    }

    /// GEN-4: of two units of one user only one advances.
    #[test]
    fn a_second_writer_gives_way_and_writes_nothing() {
        let store = ModelStore::new();
        let load = || State::load(&store, "p").now_or_never().unwrap().unwrap();
        let (mut first, mut second) = (load(), load());
        first.commit().now_or_never().unwrap().unwrap();
        second.put("F/m/00000001", &"late").unwrap();
        let error = second.commit().now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, ContentError::Superseded), "{error}");
        assert_eq!(store.records().len(), 1);
        let mut third = load();
        third.commit().now_or_never().unwrap().unwrap();
        first.commit().now_or_never().unwrap().unwrap_err();
    }
}
