//! What the queues hold, read without touching it.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use crate::tables::{DUE, MESSAGES, STATES, State};

/// How many messages a queue holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// The queue's name.
    pub queue: String,
    /// Messages that a receive would take now.
    pub due: u64,
    /// Messages that wait for their time.
    pub waiting: u64,
    /// Messages that a receiver has.
    pub in_flight: u64,
}

/// A message that was received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The text.
    pub body: String,
    /// Whose message it is.
    pub group: String,
}

/// The earliest due time in the queues with a prefix, in nanoseconds since 1970.
pub(crate) fn next_due(
    transaction: &ReadTransaction,
    prefix: &str,
) -> Result<Option<i128>, redb::Error> {
    let due = transaction.open_table(DUE)?;
    let mut earliest: Option<i128> = None;
    let mut queue = prefix.to_owned();
    loop {
        let Some(first) = due.range((&*queue, i128::MIN, 0)..)?.next().transpose()? else { break };
        let (name, time, _) = first.0.value();
        if !name.starts_with(prefix) {
            break;
        }
        if !name.ends_with("-dead") {
            earliest = Some(earliest.map_or(time, |earliest| earliest.min(time)));
        }
        // The least name after this one.
        queue = format!("{name}\0");
    }
    Ok(earliest)
}

/// All queues that hold anything.
pub(crate) fn depths(transaction: &ReadTransaction, now: i128) -> Result<Vec<Depth>, redb::Error> {
    let states = transaction.open_table(STATES)?;
    let mut depths = BTreeMap::new();
    for entry in states.iter()? {
        let (key, state) = entry?;
        let queue = key.value().0;
        let state = State::from(state.value());
        let depth = depths.entry(queue.to_owned()).or_insert_with(|| Depth {
            queue: queue.to_owned(),
            due: 0,
            waiting: 0,
            in_flight: 0,
        });
        if state.due <= now {
            depth.due += 1;
        } else if state.in_flight {
            depth.in_flight += 1;
        } else {
            depth.waiting += 1;
        }
    }
    Ok(depths.into_values().collect())
}

/// The texts of a dead-letter queue, oldest first.
pub(crate) fn dead_letters(
    transaction: &ReadTransaction,
    queue: &str,
    limit: usize,
) -> Result<Vec<DeadLetter>, redb::Error> {
    let due = transaction.open_table(DUE)?;
    let messages = transaction.open_table(MESSAGES)?;
    let mut letters = Vec::new();
    for entry in due.range((queue, i128::MIN, 0)..=(queue, i128::MAX, u64::MAX))?.take(limit) {
        let (key, _) = entry?;
        let (_, _, number) = key.value();
        if let Some(text) = messages.get(number)? {
            let (body, group) = text.value();
            letters.push(DeadLetter { body: body.to_owned(), group: group.to_owned() });
        }
    }
    Ok(letters)
}
