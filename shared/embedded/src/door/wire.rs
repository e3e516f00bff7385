//! What goes through the door: the calls of the two ports, and their answers.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ports::{
    Change, CommitError, Delivery, Expect, Key, Outgoing, Page, Query, QueueError, QueueName,
    Receipt, Record, StoreError,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Depth;

/// A page is cut where its records have so many bytes, so that it fits into a frame.
const PAGE_BYTES: usize = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    Get(WireKey),
    Query(WireQuery),
    Commit(Vec<WireChange>),
    Send(Vec<WireMessage>),
    Receive { queue: String, max: usize, visibility: Duration },
    Acknowledge { queue: String, receipt: String },
    Defer { queue: String, receipt: String, delay: Duration },
    Depths,
    NextDue(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Done,
    Record(Option<WireRecord>),
    Page { records: Vec<WireRecord>, next: Option<String> },
    Deliveries(Vec<WireDelivery>),
    Depths(Vec<Depth>),
    Due(Option<Timestamp>),
    Conflict(Vec<WireKey>),
    OutsideLimits(String),
    Throttled(String),
    Unavailable(String),
    Damaged(String),
    Refused(String),
    Unknown(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireKey(String, String);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireQuery {
    partition: String,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WireExpect {
    Absent,
    Version(u64),
    Anything,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WireChange {
    Put(WireKey, Bytes, WireExpect),
    Delete(WireKey, WireExpect),
    Check(WireKey, WireExpect),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireRecord(WireKey, u64, Bytes);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireMessage {
    queue: String,
    body: String,
    delay: Duration,
    group: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireDelivery(String, String, u32);

/// Bytes as base64.
#[derive(Debug)]
pub(super) struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

pub(super) fn name(text: &str) -> Result<QueueName, QueueError> {
    QueueName::parse(text)
}

impl Reply {
    pub(super) fn record(got: Result<Option<Record>, StoreError>) -> Self {
        got.map_or_else(Self::of_store, |record| Self::Record(record.map(Into::into)))
    }

    pub(super) fn page(got: Result<Page, StoreError>) -> Self {
        let Page { records, mut next } = match got {
            Ok(page) => page,
            Err(error) => return Self::of_store(error),
        };
        let (mut kept, mut bytes) = (Vec::new(), 0);
        for record in records {
            bytes += record.value.len();
            if bytes > PAGE_BYTES && !kept.is_empty() {
                next = kept.last().map(|WireRecord(key, ..)| key.1.clone());
                break;
            }
            kept.push(record.into());
        }
        Self::Page { records: kept, next }
    }

    pub(super) fn committed(done: Result<(), CommitError>) -> Self {
        match done {
            Ok(()) => Self::Done,
            Err(CommitError::Conflict { keys }) => {
                Self::Conflict(keys.iter().map(Into::into).collect())
            }
            Err(CommitError::OutsideLimits(text)) => Self::OutsideLimits(text),
            Err(CommitError::Throttled(text)) => Self::Throttled(text),
            Err(CommitError::Refused(text)) => Self::Refused(text),
            Err(CommitError::Unknown(text)) => Self::Unknown(text),
        }
    }

    pub(super) fn queued(done: Result<(), QueueError>) -> Self {
        done.map_or_else(Self::of_queue, |()| Self::Done)
    }

    pub(super) fn deliveries(got: Result<Vec<Delivery>, QueueError>) -> Self {
        got.map_or_else(Self::of_queue, |all| {
            Self::Deliveries(all.into_iter().map(Into::into).collect())
        })
    }

    pub(super) fn depths(got: Result<Vec<Depth>, QueueError>) -> Self {
        got.map_or_else(Self::of_queue, Self::Depths)
    }

    pub(super) fn due(got: Result<Option<Timestamp>, QueueError>) -> Self {
        got.map_or_else(Self::of_queue, Self::Due)
    }

    fn of_store(error: StoreError) -> Self {
        match error {
            StoreError::Throttled(text) => Self::Throttled(text),
            StoreError::Unavailable(text) => Self::Unavailable(text),
            StoreError::Damaged(text) => Self::Damaged(text),
        }
    }

    fn of_queue(error: QueueError) -> Self {
        match error {
            QueueError::OutsideLimits(text) => Self::OutsideLimits(text),
            QueueError::Unavailable(text) => Self::Unavailable(text),
        }
    }

    /// What this answer means where a store's answer was due.
    pub(super) fn store_error(self) -> StoreError {
        match self {
            Self::Throttled(text) => StoreError::Throttled(text),
            Self::Damaged(text) => StoreError::Damaged(text),
            other => StoreError::Unavailable(other.words()),
        }
    }

    /// What this answer means where a commit's answer was due.
    pub(super) fn commit_error(self) -> CommitError {
        match self {
            Self::Conflict(keys) => {
                CommitError::Conflict { keys: keys.into_iter().map(Into::into).collect() }
            }
            Self::OutsideLimits(text) => CommitError::OutsideLimits(text),
            Self::Throttled(text) => CommitError::Throttled(text),
            Self::Refused(text) => CommitError::Refused(text),
            other => CommitError::Unknown(other.words()),
        }
    }

    /// What this answer means where a queue's answer was due.
    pub(super) fn queue_error(self) -> QueueError {
        match self {
            Self::OutsideLimits(text) => QueueError::OutsideLimits(text),
            other => QueueError::Unavailable(other.words()),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Unavailable(text) | Self::Unknown(text) => text,
            _ => "the other crosswave gave an answer that was not asked for".to_owned(),
        }
    }
}

impl From<&Key> for WireKey {
    fn from(key: &Key) -> Self {
        Self(key.partition.clone(), key.sort.clone())
    }
}

impl From<WireKey> for Key {
    fn from(WireKey(partition, sort): WireKey) -> Self {
        Self { partition, sort }
    }
}

impl From<&Query> for WireQuery {
    fn from(query: &Query) -> Self {
        let Query { partition, prefix, after, limit } = query.clone();
        Self { partition, prefix, after, limit }
    }
}

impl From<WireQuery> for Query {
    fn from(WireQuery { partition, prefix, after, limit }: WireQuery) -> Self {
        Self { partition, prefix, after, limit }
    }
}

impl From<Expect> for WireExpect {
    fn from(expect: Expect) -> Self {
        match expect {
            Expect::Absent => Self::Absent,
            Expect::Version(version) => Self::Version(version),
            Expect::Anything => Self::Anything,
        }
    }
}

impl From<WireExpect> for Expect {
    fn from(expect: WireExpect) -> Self {
        match expect {
            WireExpect::Absent => Self::Absent,
            WireExpect::Version(version) => Self::Version(version),
            WireExpect::Anything => Self::Anything,
        }
    }
}

impl From<&Change> for WireChange {
    fn from(change: &Change) -> Self {
        match change {
            Change::Put { key, value, expect } => {
                Self::Put(key.into(), Bytes(value.clone()), (*expect).into())
            }
            Change::Delete { key, expect } => Self::Delete(key.into(), (*expect).into()),
            Change::Check { key, expect } => Self::Check(key.into(), (*expect).into()),
        }
    }
}

impl From<WireChange> for Change {
    fn from(change: WireChange) -> Self {
        match change {
            WireChange::Put(key, value, expect) => {
                Self::Put { key: key.into(), value: value.0, expect: expect.into() }
            }
            WireChange::Delete(key, expect) => {
                Self::Delete { key: key.into(), expect: expect.into() }
            }
            WireChange::Check(key, expect) => {
                Self::Check { key: key.into(), expect: expect.into() }
            }
        }
    }
}

impl From<Record> for WireRecord {
    fn from(record: Record) -> Self {
        Self((&record.key).into(), record.version, Bytes(record.value))
    }
}

impl From<WireRecord> for Record {
    fn from(WireRecord(key, version, value): WireRecord) -> Self {
        Self { key: key.into(), version, value: value.0 }
    }
}

impl From<&Outgoing> for WireMessage {
    fn from(message: &Outgoing) -> Self {
        Self {
            queue: message.queue.to_string(),
            body: message.body.clone(),
            delay: message.delay,
            group: message.group.clone(),
        }
    }
}

impl TryFrom<WireMessage> for Outgoing {
    type Error = QueueError;

    fn try_from(message: WireMessage) -> Result<Self, QueueError> {
        let WireMessage { queue, body, delay, group } = message;
        Ok(Self { queue: name(&queue)?, body, delay, group })
    }
}

impl From<Delivery> for WireDelivery {
    fn from(delivery: Delivery) -> Self {
        Self(delivery.body, delivery.receipt.0, delivery.receive_count)
    }
}

impl From<WireDelivery> for Delivery {
    fn from(WireDelivery(body, receipt, receive_count): WireDelivery) -> Self {
        Self { body, receipt: Receipt(receipt), receive_count }
    }
}
