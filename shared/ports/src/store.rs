//! The store: the truth. A get, an ordered query and one atomic conditional commit.

use async_trait::async_trait;
use thiserror::Error;

/// Most changes in one commit (DynamoDB: `TransactWriteItems` takes at most 100 actions).
pub const MAX_CHANGES: usize = 100;
/// Longest partition in bytes (DynamoDB: partition keys of up to 2,048 bytes).
pub const MAX_PARTITION_BYTES: usize = 2_048;
/// Longest sort key in bytes (DynamoDB: sort keys of up to 1,024 bytes).
pub const MAX_SORT_BYTES: usize = 1_024;
/// Largest record, key and value together, in bytes (DynamoDB: items up to 400 KB), less room for
/// the adapter's own attributes.
pub const MAX_RECORD_BYTES: usize = 400_000 - 1_024;
/// Largest commit, all keys and values together, in bytes (DynamoDB: 4 MB a transaction; a quarter is
/// left because doubles of it count the bytes on the wire, where a value is a third longer).
pub const MAX_COMMIT_BYTES: usize = 3_000_000;

/// Where a record lives: a partition and a sort key inside it. Partitions start with the customer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition, for instance `C#local#P#merger`. Not empty, at most [`MAX_PARTITION_BYTES`].
    pub partition: String,
    /// The place inside the partition; queries are in its byte order. Not empty, at most
    /// [`MAX_SORT_BYTES`].
    pub sort: String,
}

impl Key {
    /// A key of a partition and a sort key.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it lives.
    pub key: Key,
    /// 1 when it was first put, one more with each put. A record that was deleted and put again
    /// starts at 1.
    pub version: u64,
    /// The bytes as they were put.
    pub value: Vec<u8>,
}

/// What a change expects to find; if it finds something else, the whole commit does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no record at the key.
    Absent,
    /// There is one, with this version.
    Version(u64),
    /// Nothing is expected. For records that have one writer or whose last writer may win.
    Anything,
}

/// One part of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write a record.
    Put {
        /// Where.
        key: Key,
        /// What.
        value: Vec<u8>,
        /// On what condition.
        expect: Expect,
    },
    /// Remove a record; removing an absent one is no error unless it was expected.
    Delete {
        /// Where.
        key: Key,
        /// On what condition.
        expect: Expect,
    },
    /// Write nothing, but let the commit fail if the expectation does not hold.
    Check {
        /// Where.
        key: Key,
        /// The condition.
        expect: Expect,
    },
}

impl Change {
    /// Puts a record that must not be there yet.
    pub fn create(key: Key, value: Vec<u8>) -> Self {
        Self::Put { key, value, expect: Expect::Absent }
    }

    /// Puts a record over the version that was read.
    pub fn update(key: Key, value: Vec<u8>, version: u64) -> Self {
        Self::Put { key, value, expect: Expect::Version(version) }
    }

    /// Puts a record whatever is there.
    pub fn put(key: Key, value: Vec<u8>) -> Self {
        Self::Put { key, value, expect: Expect::Anything }
    }

    /// The key that this change is about.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Check { key, .. } => key,
        }
    }
}

/// An ordered look at one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The partition.
    pub partition: String,
    /// Only sort keys that start so; empty for all.
    pub prefix: String,
    /// Only sort keys after this one (exclusive): the cursor of the page before.
    pub after: Option<String>,
    /// At most so many records; 0 counts as 1.
    pub limit: usize,
}

/// One page of a query, in the byte order of the sort keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records; may be fewer than the limit although more follow.
    pub records: Vec<Record>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<String>,
}

/// Why a read failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The store is busy; the same call may work in a moment.
    #[error("the store is throttled: {0}")]
    Throttled(String),
    /// The store cannot be reached or failed inside.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What was read is no record of ours: another program's file, or damage.
    #[error("the store holds something unreadable: {0}")]
    Damaged(String),
}

/// Why a commit did nothing, or may have done something.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitError {
    /// An expectation did not hold; nothing was written.
    #[error("another writer was first at {}", keys.iter().map(|key| format!("{}/{}", key.partition, key.sort)).collect::<Vec<_>>().join(", "))]
    Conflict {
        /// The keys whose expectation failed, in the commit's order.
        keys: Vec<Key>,
    },
    /// The commit breaks a limit of the port; nothing was written. A fault of the caller.
    #[error("the commit is outside the store's limits: {0}")]
    OutsideLimits(String),
    /// The store was busy; nothing was written.
    #[error("the store is throttled: {0}")]
    Throttled(String),
    /// The store refused it and will again until somebody mends the cause, for instance a missing
    /// permission; nothing was written.
    #[error("the store refuses the commit: {0}")]
    Refused(String),
    /// The reply was lost: it may have been written or not. Read before deciding.
    #[error("the outcome of the commit is not known: {0}")]
    Unknown(String),
}

/// The store port.
#[async_trait]
pub trait Store: Send + Sync {
    /// The record at a key, as of the last commit (strongly consistent).
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError>;

    /// A page of a partition, strongly consistent, in the byte order of the sort keys.
    async fn query(&self, query: &Query) -> Result<Page, StoreError>;

    /// Applies all changes or none. When it returns `Ok` the changes are durable.
    ///
    /// A commit has 1 to [`MAX_CHANGES`] changes, no two on one key, each key and record within
    /// [`MAX_RECORD_BYTES`], all within [`MAX_COMMIT_BYTES`]; every adapter refuses others with
    /// [`CommitError::OutsideLimits`].
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError>;
}

impl dyn Store + '_ {
    /// Every record of a partition under a prefix, page after page.
    pub async fn query_all(
        &self,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut after = None;
        loop {
            let query = Query {
                partition: partition.to_owned(),
                prefix: prefix.to_owned(),
                after,
                limit: 500,
            };
            let page = self.query(&query).await?;
            records.extend(page.records);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(records),
            }
        }
    }
}

/// Whether a commit keeps the limits of [`Store::commit`]; every adapter asks before it writes.
pub fn within_limits(changes: &[Change]) -> Result<(), CommitError> {
    let outside = |text: String| Err(CommitError::OutsideLimits(text));
    if changes.is_empty() || changes.len() > MAX_CHANGES {
        return outside(format!("{} changes; 1 to {MAX_CHANGES} are allowed", changes.len()));
    }
    let mut keys = std::collections::BTreeSet::new();
    let mut total = 0;
    for change in changes {
        let key = change.key();
        if key.partition.is_empty() || key.sort.is_empty() {
            return outside("a key with an empty part".to_owned());
        }
        if key.partition.len() > MAX_PARTITION_BYTES || key.sort.len() > MAX_SORT_BYTES {
            return outside(format!(
                "a key of {} and {} bytes; at most {MAX_PARTITION_BYTES} and {MAX_SORT_BYTES} are allowed",
                key.partition.len(),
                key.sort.len()
            ));
        }
        if !keys.insert(key) {
            return outside(format!("two changes of {}/{}", key.partition, key.sort));
        }
        let value = if let Change::Put { value, .. } = change { value.len() } else { 0 };
        let size = key.partition.len() + key.sort.len() + value;
        if size > MAX_RECORD_BYTES {
            return outside(format!(
                "{}/{} has {size} bytes; at most {MAX_RECORD_BYTES} are allowed",
                key.partition, key.sort
            ));
        }
        total += size;
    }
    if total > MAX_COMMIT_BYTES {
        return outside(format!("{total} bytes; at most {MAX_COMMIT_BYTES} are allowed"));
    }
    Ok(())
}
