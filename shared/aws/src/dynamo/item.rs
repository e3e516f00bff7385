//! How a record is an item.

use std::time::Duration;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use catalogue::table::{PARTITION, SORT};
use ports::{Key, Record, StoreError};

use super::value;

/// The SDK's own form of an item.
#[expect(clippy::disallowed_types, reason = "the SDK asks for it; nothing iterates over it")]
pub(crate) type Item = std::collections::HashMap<String, AttributeValue>;

/// The version, a number.
pub(crate) const VERSION: &str = "v";
/// The value, bytes; or [`DEFLATED`] in its place.
pub(crate) const VALUE: &str = "d";
/// The value in the shorter form of [`super::value`], bytes.
pub(crate) const DEFLATED: &str = "z";
/// The mark of the commit that wrote the item, bytes: by it a writer whose reply was lost
/// recognises its own work.
pub(crate) const WRITER: &str = "w";

/// The mark of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) u128);

impl Mark {
    pub(crate) fn value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self.0.to_be_bytes()))
    }

    /// The mark on an item.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let Some(AttributeValue::B(mark)) = item.get(WRITER) else { return None };
        Some(Self(u128::from_be_bytes(mark.as_ref().try_into().ok()?)))
    }

    /// Whether an item was written by this commit.
    pub(crate) fn is_on(self, item: &Item) -> bool {
        Self::of(item) == Some(self)
    }
}

pub(crate) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// The key's two attributes.
pub(crate) fn key(key: &Key) -> Item {
    Item::from([(PARTITION.to_owned(), text(&key.partition)), (SORT.to_owned(), text(&key.sort))])
}

/// The record of an item.
pub(crate) fn record(mut item: Item) -> Result<Record, StoreError> {
    let key = place(&mut item)?;
    let damaged = |what: &str| {
        StoreError::Damaged(format!("{}/{} has no readable {what}", key.partition, key.sort))
    };
    let version = match item.get(VERSION) {
        Some(AttributeValue::N(version)) => version.parse().ok(),
        _ => None,
    };
    let version = version.ok_or_else(|| damaged("version"))?;
    let value = match (item.remove(VALUE), item.remove(DEFLATED)) {
        (Some(AttributeValue::B(value)), None) => Some(value.into_inner()),
        (None, Some(AttributeValue::B(short))) => value::inflate(short.as_ref()),
        _ => None,
    };
    Ok(Record { version, value: value.ok_or_else(|| damaged("value"))?, key })
}

/// Where an item lives.
pub(crate) fn place(item: &mut Item) -> Result<Key, StoreError> {
    match (item.remove(PARTITION), item.remove(SORT)) {
        (Some(AttributeValue::S(partition)), Some(AttributeValue::S(sort))) => {
            Ok(Key { partition, sort })
        }
        _ => Err(StoreError::Damaged("an item of the table has no key of ours".to_owned())),
    }
}

/// When a record that is put now may go.
pub(crate) fn expires(now: jiff::Timestamp, lifetime: Duration) -> AttributeValue {
    let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    AttributeValue::N(now.as_second().saturating_add(lifetime).to_string())
}
