//! What became of messages, by the delivery records (NOT-2): who was told, and who was not and why.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Host, records::EngineError};
use model::{DeliveryState, EventKind, Keys, Notification, Stored, UserId};
use serde::Serialize;

use super::Tally;
use crate::{ControlError, Scope, Selection, directory::page_of};

/// Messages about one kind of event that went the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// What they tell of.
    pub event: EventKind,
    /// What became of them.
    pub outcome: MessageOutcome,
    /// Why, or until when; empty for those that were sent.
    pub why: String,
    /// How many.
    pub messages: usize,
    /// About how many people; none for a wave's.
    pub people: usize,
    /// The first of them, by the user principal name in the source.
    pub example: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageOutcome {
    /// Accepted by the server or the webhook's receiver.
    Sent,
    /// Not sent yet.
    Waiting,
    /// It may have been sent: the process died between sending it and noting that.
    Uncertain,
    /// Not sent, since what it tells of is no longer so.
    Void,
    /// It cannot be sent.
    Failed,
}

impl MessageOutcome {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Uncertain => "uncertain",
            Self::Void => "void",
            Self::Failed => "failed",
        }
    }
}

/// Messages that went the same way, in the making.
#[derive(Debug, Default)]
pub(super) struct Count {
    messages: usize,
    people: BTreeSet<String>,
}

/// Messages by event, outcome and reason.
pub(super) type Counts = BTreeMap<(EventKind, MessageOutcome, String), Count>;

/// The counts as lines.
pub(super) fn lines(counts: Counts) -> Vec<Messages> {
    let line = |((event, outcome, why), Count { messages, people })| Messages {
        event,
        outcome,
        why,
        messages,
        people: people.len(),
        example: people.into_iter().next().unwrap_or_default(),
    };
    counts.into_iter().map(line).collect()
}

impl Tally {
    /// Adds a delivery record; `about` is the person's user principal name, empty for a wave's event.
    pub fn add_delivery(&mut self, record: &Notification, about: &str) {
        let mut add = |outcome: MessageOutcome, why: &str, messages: usize| {
            let key = (record.event.kind, outcome, why.to_owned());
            let count = self.messages.entry(key).or_default();
            count.messages = count.messages.saturating_add(messages);
            count.people.extend((!about.is_empty()).then(|| about.to_owned()));
        };
        if !record.accepted.is_empty() {
            add(MessageOutcome::Sent, "", record.accepted.len());
        }
        match &record.delivery {
            DeliveryState::Sent { .. } | DeliveryState::Nothing => {}
            DeliveryState::Pending | DeliveryState::Sending { .. } => {
                let until = record.later.map(|later| format!("until {}", later.at));
                add(MessageOutcome::Waiting, &until.unwrap_or_default(), 1);
            }
            DeliveryState::Uncertain => {
                let why = "a process died while it sent it; it is not sent twice";
                add(MessageOutcome::Uncertain, why, 1);
            }
            DeliveryState::Void { why } => add(MessageOutcome::Void, why, 1),
            DeliveryState::Failed { why } => add(MessageOutcome::Failed, why, 1),
        }
    }
}

/// Adds the delivery records about these people (id to user principal name), and those of their wave.
pub(super) async fn add_messages(
    tally: &mut Tally,
    host: &Host,
    scope: &Scope,
    selection: &Selection,
    people: &BTreeMap<UserId, String>,
) -> Result<(), ControlError> {
    let mut after = None;
    loop {
        let query = page_of(&scope.partition(), Keys::NOTIFICATIONS, after);
        let page = host.store.query(&query).await?;
        for record in page.records {
            let record = Notification::from_bytes(&record.value).map_err(EngineError::from)?;
            match &record.event.user {
                Some(user) => {
                    if let Some(name) = people.get(user) {
                        tally.add_delivery(&record, name);
                    }
                }
                None if !selection.users.is_empty() => {}
                None if selection.wave.is_none() || selection.wave == record.event.wave => {
                    tally.add_delivery(&record, "");
                }
                None => {}
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
