//! Notifications: an event, and the delivery record that makes it at most one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{JobId, Stored, UserId, WaveId};

/// What people are told about (NOT-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A wave has a date.
    WaveScheduled,
    /// Prepare is done.
    PrepareDone,
    /// The first sync is done.
    InitialSyncDone,
    /// The user has something to do (before T10).
    ActionRequired,
    /// The cutover is complete (S7).
    CutoverComplete,
    /// A user is parked.
    Error,
    /// A wave's report is there.
    WaveReport,
}

impl EventKind {
    /// The name that scripts and keys use.
    pub fn name(self) -> &'static str {
        match self {
            Self::WaveScheduled => "wave_scheduled",
            Self::PrepareDone => "prepare_done",
            Self::InitialSyncDone => "initial_sync_done",
            Self::ActionRequired => "action_required",
            Self::CutoverComplete => "cutover_complete",
            Self::Error => "error",
            Self::WaveReport => "wave_report",
        }
    }
}

/// Something that people may be told about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// About which user.
    pub user: Option<UserId>,
    /// About which wave.
    pub wave: Option<WaveId>,
    /// In which job.
    pub job: Option<JobId>,
    /// When.
    pub at: Timestamp,
    /// More, for the script: a problem's message, a date.
    pub details: BTreeMap<String, String>,
}

/// The delivery record of one event (NOT-2). The first writer of its key wins, so an event that is
/// raised twice is sent once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The event.
    pub event: Event,
    /// How it stands.
    pub delivery: DeliveryState,
    /// How often sending was refused.
    pub attempts: u32,
    /// The messages that have been accepted so far: recipient and subject.
    pub accepted: Vec<(String, String)>,
    /// What the script is given, from when it is first asked until all is decided: it then decides the
    /// same each time, however long that takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// The one message that this record is about, where that waits for a date of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

impl Notification {
    /// The record of an event of which nobody has been told yet.
    pub fn new(event: Event) -> Self {
        Self {
            event,
            delivery: DeliveryState::Pending,
            attempts: 0,
            accepted: Vec::new(),
            given: None,
            later: None,
        }
    }

    /// Since when it is to be delivered; none when that is over.
    pub fn due(&self) -> Option<Timestamp> {
        let open = matches!(self.delivery, DeliveryState::Pending | DeliveryState::Sending { .. });
        let later = self.later.as_ref().map_or(self.event.at, |later| later.at);
        open.then(|| later.max(self.event.at))
    }
}

/// What a notification script is given besides the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The versions of the scripts, by kind.
    pub scripts: BTreeMap<String, String>,
    /// The source user's attributes as discovered, by name; none for an event of a wave.
    pub attributes: Option<serde_json::Value>,
    /// The user's address before the move.
    pub old_address: Option<String>,
    /// The user's address after the move.
    pub new_address: Option<String>,
}

/// A message that is not to be sent before a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// Which of the script's messages, from 0.
    pub message: u32,
    /// The date.
    pub at: Timestamp,
}

impl Stored for Notification {
    const KIND: &'static str = "notification";
}

/// How a notification stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum DeliveryState {
    /// Not sent yet.
    Pending,
    /// Message number `message` is being sent. Found so after a crash, it may have been sent or
    /// not; it is not sent again (at most once).
    Sending {
        /// Which of the script's messages, from 0.
        message: u32,
        /// Since when.
        since: Timestamp,
        /// By which run of the host: a sole host knows that an earlier one is dead.
        #[serde(default)]
        by: String,
    },
    /// Accepted.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// The script asks for no message.
    Nothing,
    /// It may have been sent: the process died between sending and noting it.
    Uncertain,
    /// What it tells of is no longer so: it was to be sent later, and is not.
    Void {
        /// What has changed.
        why: String,
    },
    /// It cannot be sent.
    Failed {
        /// Why.
        why: String,
    },
}
