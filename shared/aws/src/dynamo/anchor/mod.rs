//! Anchors: records of one partition share one item.
//!
//! A commit of several records is a transaction, at two write units for each record and each further
//! KiB. Where a layout names an *anchor* for a partition, the partition's other records are its
//! *riders*: they are kept in the anchor's own item as long as there is room. A commit is then one
//! conditional write, at one unit for a KiB of everything together, deflated.
//!
//! Every commit to such a partition writes the anchor's item, and its mark decides who may: an attempt
//! that was worked out from another state than the one it meets does nothing, and is worked out anew.
//! When room is short, riders move to items of their own, in a transaction with the anchor, which lists
//! them. A rider goes before such an item of its key.

mod commit;
mod content;
mod read;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ports::{Key, StoreError};

use self::content::Content;
use super::{DynamoStore, item::Mark};

/// So many anchors are remembered.
const REMEMBERED: usize = 64;

/// An anchor's item as it was read or written last.
#[derive(Clone, Debug)]
struct Anchor {
    /// The mark of the commit that wrote it.
    mark: Mark,
    content: Content,
}

/// The anchors that this process has seen last. Reads do not trust them; a commit does, because it
/// writes on condition that they are still so.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<BTreeMap<Key, Anchor>>);

impl Remembered {
    fn find(&self, key: &Key) -> Option<Anchor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: &Key, anchor: Anchor) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(key) {
            all.pop_first();
        }
        all.insert(key.clone(), anchor);
    }

    fn forget(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl DynamoStore {
    /// The anchor of a partition, where the layout has one.
    pub(super) fn anchor_of(&self, partition: &str) -> Option<Key> {
        let sort = self.layout.anchor.and_then(|anchor| anchor(partition))?;
        Some(Key::new(partition, sort))
    }

    /// Reads an anchor's item.
    async fn read_anchor(&self, key: &Key) -> Result<Option<Anchor>, StoreError> {
        let Some(item) = self.fetch(key).await? else {
            self.anchors.forget(key);
            return Ok(None);
        };
        let anchor = content::anchor(key, &item)?;
        self.anchors.keep(key, anchor.clone());
        Ok(Some(anchor))
    }
}
