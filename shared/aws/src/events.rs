//! Events on a bus: what a customer builds on.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// Most events in one request.
const BATCH: usize = 10;
/// Attempts for the events of one request that fail in it; the request itself has its own.
const ROUNDS: u32 = 4;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What kind, for instance `User state changed`.
    pub detail_type: String,
    /// The documented content. It holds an id by which a receiver knows an event that comes twice.
    pub detail: Value,
    /// When it happened.
    pub at: Timestamp,
    /// What it is about, in words that a rule can match.
    pub resources: Vec<String>,
}

/// A bus to which events are put, at least once each.
#[derive(Clone)]
pub struct EventBus {
    caller: Caller,
    bus: String,
    source: String,
}

impl EventBus {
    /// The bus of this name or ARN; events name `source` as where they come from.
    pub fn new(caller: Caller, bus: impl Into<String>, source: impl Into<String>) -> Self {
        Self { caller, bus: bus.into(), source: source.into() }
    }

    /// Puts events, ten a request; of a request that failed in part only the failed ones go again.
    pub async fn put(&self, events: &[Event]) -> Result<(), AwsError> {
        for batch in events.chunks(BATCH) {
            self.put_batch(batch.iter().collect()).await?;
        }
        Ok(())
    }

    async fn put_batch(&self, mut batch: Vec<&Event>) -> Result<(), AwsError> {
        let mut last = String::new();
        for _ in 0..ROUNDS {
            let entries: Vec<Value> = batch.iter().map(|event| self.entry(event)).collect();
            let ask = Ask::json(
                "events",
                Operation::PutEvents,
                "AWSEvents",
                &json!({ "Entries": entries }),
            );
            let reply: Reply =
                serde_json::from_str(&self.caller.ask(&ask).await?).map_err(|error| {
                    AwsError::Unavailable(format!("PutEvents of events: the reply: {error}"))
                })?;
            batch = batch
                .into_iter()
                .zip(&reply.entries)
                .filter(|(_, entry)| entry.error_code.is_some())
                .map(|(event, _)| event)
                .collect();
            if batch.is_empty() {
                return Ok(());
            }
            last = reply
                .entries
                .into_iter()
                .filter_map(|entry| entry.error_code)
                .collect::<Vec<_>>()
                .join(", ");
        }
        Err(AwsError::Unavailable(format!(
            "PutEvents on {}: {} events were not taken: {last}",
            self.bus,
            batch.len()
        )))
    }

    fn entry(&self, event: &Event) -> Value {
        json!({
            "EventBusName": self.bus,
            "Source": self.source,
            "DetailType": event.detail_type,
            "Detail": event.detail.to_string(),
            "Time": event.at.as_second(),
            "Resources": event.resources,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    entries: Vec<ReplyEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyEntry {
    #[serde(default)]
    error_code: Option<String>,
}
