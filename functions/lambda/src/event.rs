//! The events of Lambda, as far as they are read. Unknown fields are let through: the service adds
//! some now and then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A batch of messages of one queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueEvent {
    /// The messages.
    pub records: Vec<QueueRecord>,
}

/// One message as it was delivered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRecord {
    /// Names the message in the answer.
    pub message_id: String,
    /// Defers the delivery.
    pub receipt_handle: String,
    /// The text.
    pub body: String,
    /// What the queue says about it.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl QueueRecord {
    /// How often it has been delivered, this time included.
    pub fn receives(&self) -> u32 {
        let count = self.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }
}

/// Which messages of a batch come again. All others are removed from the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Those that failed.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// One message that comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The message, or the sequence number of a stream's record.
    pub item_identifier: String,
}

impl BatchResponse {
    /// Lets a message come again.
    pub(crate) fn fail(&mut self, id: &str) {
        self.batch_item_failures.push(ItemFailure { item_identifier: id.to_owned() });
    }
}
