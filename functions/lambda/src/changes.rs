//! Changes of users and waves as events, from the table's stream: what is in the store is published,
//! and only that. The stream delivers at least once; an event's id is the same each time.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use model::{Stored, User, WaveRun};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Deployment, WaveFile, event::BatchResponse, projects::scope_of};

/// The detail type of a user's change.
pub const STATE_CHANGED: &str = "Crosswave User Changed";
/// The detail type of a wave's run.
const RUN_CHANGED: &str = "Crosswave Wave Changed";
/// The detail type of a file of users.
const FILE_CHANGED: &str = "Crosswave File Changed";
/// Entries of one PutEvents.
const PER_REQUEST: usize = 10;

/// An event as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// What kind.
    pub detail_type: String,
    /// When the change was written, to the second.
    pub time: Timestamp,
    /// The event; its `id` is the same when it is published again.
    pub detail: Value,
}

/// Where events go.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes at most ten events. Says in words why it could not.
    async fn publish(&self, events: &[ChangeEvent]) -> Result<(), String>;
}

/// A batch of the table's changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamEvent {
    records: Vec<StreamRecord>,
}

#[derive(Clone, Debug, Deserialize)]
struct StreamRecord {
    #[serde(rename = "eventID")]
    id: String,
    dynamodb: Change,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Item,
    #[serde(default)]
    new_image: Option<Item>,
    #[serde(default)]
    old_image: Option<Item>,
    sequence_number: String,
    /// Seconds since 1970; some doubles give fractions.
    #[serde(default)]
    approximate_creation_date_time: Option<f64>,
}

/// The attributes of the store's adapter that are looked at.
#[derive(Clone, Debug, Default, Deserialize)]
struct Item {
    #[serde(default)]
    pk: Attribute,
    #[serde(default)]
    sk: Attribute,
    #[serde(default)]
    d: Attribute,
    #[serde(default)]
    z: Attribute,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    #[serde(default)]
    s: String,
    /// Bytes in base 64.
    #[serde(default)]
    b: String,
}

impl Item {
    /// The record. One that cannot be read is told in the log: there is no event of it.
    fn record<T: Stored>(&self) -> Option<T> {
        let read = self.bytes().ok_or_else(|| "its value is damaged".to_owned());
        let read = read.and_then(|bytes| T::from_bytes(&bytes).map_err(|error| error.to_string()));
        let told = |why: &String| {
            tracing::error!(
                partition = self.pk.s,
                record = self.sk.s,
                why,
                "a change is not published"
            );
        };
        read.inspect_err(told).ok()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        if self.z.b.is_empty() {
            STANDARD.decode(&self.d.b).ok()
        } else {
            aws::inflate(&STANDARD.decode(&self.z.b).ok()?)
        }
    }
}

/// Publishes what a batch of the stream tells. From the first record that could not be published on,
/// the stream delivers again.
pub(crate) async fn publish(deployment: &Deployment, event: StreamEvent) -> BatchResponse {
    let mut response = BatchResponse::default();
    let changes: Vec<(&str, ChangeEvent)> = event
        .records
        .iter()
        .filter_map(|record| Some((record.dynamodb.sequence_number.as_str(), told_by(record)?)))
        .collect();
    for part in changes.chunks(PER_REQUEST) {
        let events: Vec<ChangeEvent> = part.iter().map(|(_, event)| event.clone()).collect();
        if let Err(why) = deployment.bus.publish(&events).await {
            tracing::warn!(why, "changes could not be published; they come again");
            if let Some((sequence, _)) = part.first() {
                response.fail(sequence);
            }
            break;
        }
    }
    response
}

/// The event of a change; most changes of a record are none.
fn told_by(record: &StreamRecord) -> Option<ChangeEvent> {
    let change = &record.dynamodb;
    let scope = scope_of(&change.keys.pk.s)?;
    let seconds = change.approximate_creation_date_time.unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are wanted")]
    let time = Timestamp::from_second(seconds as i64).ok()?;
    let new = change.new_image.as_ref()?;
    let old = change.old_image.as_ref();
    let kind = change.keys.sk.s.split('#').next()?;
    let (detail_type, mut detail) = match kind {
        "U" => {
            let user: User = new.record()?;
            let before = old.and_then(Item::record::<User>).map(|user| user.state);
            if before == Some(user.state) {
                return None;
            }
            let problem = user.problem.as_ref().map(|problem| problem.message.clone());
            (
                STATE_CHANGED,
                json!({
                    "user": user.id, "userPrincipalName": user.source.user_principal_name,
                    "wave": user.wave, "from": before, "to": user.state, "problem": problem,
                }),
            )
        }
        "R" => {
            let run: WaveRun = new.record()?;
            let state = |run: &WaveRun| match (run.done, run.reported) {
                (false, _) => "starting",
                (true, false) => "started",
                // Of a cutover: everybody has come to rest.
                (true, true) => "ended",
            };
            let to = state(&run);
            if old.and_then(Item::record::<WaveRun>).is_some_and(|before| state(&before) == to) {
                return None;
            }
            (
                RUN_CHANGED,
                json!({
                    "wave": run.wave, "action": run.action, "planned": run.planned, "to": to,
                    "started": run.started, "refused": run.refused.len(),
                }),
            )
        }
        "F" => {
            let file: WaveFile = new.record()?;
            let before = old.and_then(Item::record::<WaveFile>).map(|file| file.state);
            if before.as_ref() == Some(&file.state) {
                return None;
            }
            (FILE_CHANGED, json!(file))
        }
        _ => return None,
    };
    let whole = detail.as_object_mut()?;
    whole.insert("id".to_owned(), json!(record.id));
    whole.insert("customer".to_owned(), json!(scope.customer));
    whole.insert("project".to_owned(), json!(scope.project));
    Some(ChangeEvent { detail_type: detail_type.to_owned(), time, detail })
}
