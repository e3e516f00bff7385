//! Typed records over the store port: load, and one commit of several.

use model::{Baton, Branch, Job, Keys, Memory, Project, Stored, User, UserKey, WireError};
use ports::{
    Change, CommitError, Expect, Key, Outgoing, Queue, QueueError, QueueName, Store, StoreError,
};
use thiserror::Error;

use std::time::Duration;

/// A record and the version that was read; version 0 means that there is none yet.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The record.
    pub value: T,
    /// Its version.
    pub version: u64,
}

/// Why the engine could not go on. The message stays in its queue and is delivered again.
#[derive(Clone, Debug, Error)]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit failed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A record cannot be read or written.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Something that must be there is not.
    #[error("{what} is not in the store; {advice}")]
    Missing {
        /// What.
        what: String,
        /// What to do.
        advice: &'static str,
    },
}

fn key((partition, sort): (String, String)) -> Key {
    Key { partition, sort }
}

/// Loads a record.
pub async fn load<T: Stored>(
    store: &dyn Store,
    place: (String, String),
) -> Result<Option<Loaded<T>>, EngineError> {
    let Some(record) = store.get(&key(place)).await? else { return Ok(None) };
    Ok(Some(Loaded { value: T::from_bytes(&record.value)?, version: record.version }))
}

/// Loads every record under a prefix, in the order of their keys.
pub async fn load_all<T: Stored>(
    store: &dyn Store,
    partition: &str,
    prefix: &str,
) -> Result<Vec<Loaded<T>>, EngineError> {
    let records = store.query_all(partition, prefix).await?;
    records
        .into_iter()
        .map(|record| Ok(Loaded { value: T::from_bytes(&record.value)?, version: record.version }))
        .collect()
}

/// Loads a user.
pub async fn load_user(store: &dyn Store, user: &UserKey) -> Result<Loaded<User>, EngineError> {
    load(store, Keys::user(user)).await?.ok_or_else(|| EngineError::Missing {
        what: format!("user {}", user.user),
        advice: "run discover, or check the id",
    })
}

/// Loads a user's project.
pub async fn load_project(store: &dyn Store, user: &UserKey) -> Result<Project, EngineError> {
    let place = Keys::project(&user.customer, &user.project);
    let project: Option<Loaded<Project>> = load(store, place).await?;
    project.map(|loaded| loaded.value).ok_or_else(|| EngineError::Missing {
        what: format!("project {}", user.project),
        advice: "check the name; a project is stored by its first command",
    })
}

/// Loads a job in flight.
pub async fn load_job(
    store: &dyn Store,
    user: &UserKey,
    branch: Branch,
) -> Result<Option<Loaded<Job>>, EngineError> {
    load(store, Keys::job(user, branch)).await
}

/// Loads what is remembered about a user; an empty memory of version 0 when there is none.
pub async fn load_memory(store: &dyn Store, user: &UserKey) -> Result<Loaded<Memory>, EngineError> {
    let memory = load(store, Keys::memory(user)).await?;
    Ok(memory.unwrap_or_else(|| Loaded { value: Memory::default(), version: 0 }))
}

/// Several changes that happen together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to commit yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Writes a record over the version that was read (0: there must be none).
    pub fn put<T: Stored>(
        &mut self,
        place: (String, String),
        value: &T,
        version: u64,
    ) -> Result<(), EngineError> {
        let expect = if version == 0 { Expect::Absent } else { Expect::Version(version) };
        self.changes.push(Change::Put { key: key(place), value: value.to_bytes()?, expect });
        Ok(())
    }

    /// Writes a record whatever is there.
    pub fn overwrite<T: Stored>(
        &mut self,
        place: (String, String),
        value: &T,
    ) -> Result<(), EngineError> {
        self.changes.push(Change::put(key(place), value.to_bytes()?));
        Ok(())
    }

    /// Removes a record of the version that was read.
    pub fn delete(&mut self, place: (String, String), version: u64) {
        self.changes.push(Change::Delete { key: key(place), expect: Expect::Version(version) });
    }

    /// Commits.
    pub async fn commit(self, store: &dyn Store) -> Result<(), CommitError> {
        store.commit(&self.changes).await
    }
}

/// The queue of a baton's step.
pub fn queue_of(step: catalogue::Step) -> Result<QueueName, QueueError> {
    QueueName::parse(&step.spec().queue())
}

/// Sends a baton to its step's queue, not to be delivered before `delay`; a longer delay than the
/// queue knows is cut, and the receiver sends the baton on.
pub async fn send_baton(
    queue: &dyn Queue,
    baton: &Baton,
    delay: Duration,
) -> Result<(), EngineError> {
    let body = String::from_utf8(baton.to_bytes()?)
        .map_err(|error| WireError::Unreadable { kind: Baton::KIND, text: error.to_string() })?;
    let message = Outgoing {
        queue: queue_of(baton.step)?,
        body,
        delay: delay.min(ports::MAX_DELAY),
        group: baton.user.customer.to_string(),
    };
    Ok(queue.send(&[message]).await?)
}
