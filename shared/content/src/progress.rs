//! What a copy has done and what is left, in numbers and in lists.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A part of a person's content. Copied one after the other (SYN-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// The primary mailbox.
    Mailbox,
    /// The archive mailbox.
    Archive,
    /// The OneDrive.
    OneDrive,
    /// Mailbox, folder and file permissions.
    Permissions,
    /// Regional settings, rules, categories, automatic replies.
    SideData,
}

impl Workload {
    /// The word for a person.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Archive => "archive",
            Self::OneDrive => "OneDrive",
            Self::Permissions => "permissions",
            Self::SideData => "side data",
        }
    }

    /// The short tag in store keys.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Mailbox => "m",
            Self::Archive => "a",
            Self::OneDrive => "d",
            Self::Permissions => "p",
            Self::SideData => "s",
        }
    }
}

/// Whether a round copies everything or what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyMode {
    /// Everything; what an earlier round already copied is not copied again.
    Initial,
    /// Only what changed since the last round (SYN-D1).
    Delta,
}

/// Counters of one workload in one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Folders created, renamed or moved.
    pub folders: u64,
    /// Items created in the target.
    pub created: u64,
    /// Items updated in place, renamed or moved.
    pub updated: u64,
    /// Items deleted from the target because they are gone from the source.
    pub deleted: u64,
    /// Items left out for a documented reason.
    pub skipped: u64,
    /// Items that could not be copied.
    pub bad: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Items found so far that the round has to look at.
    pub found: u64,
    /// Items looked at.
    pub seen: u64,
    /// Bytes found so far.
    pub found_bytes: u64,
    /// Bytes dealt with, copied or not.
    pub seen_bytes: u64,
}

/// Where a round stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Counters of each workload that has begun.
    pub counts: BTreeMap<Workload, Counts>,
    /// What is being copied, in words.
    pub doing: String,
    /// Items expected in all, as far as the folders' own counts say; 0 while unknown.
    pub expected_items: u64,
    /// Bytes expected in all, as far as known; 0 while unknown.
    pub expected_bytes: u64,
    /// Requests made to both tenants in this round: round trips.
    pub requests: u64,
    /// The same as throttling counts them: each request of a batch is one.
    #[serde(default)]
    pub logical_requests: u64,
    /// Units run in this round.
    pub units: u64,
    /// When the round began.
    pub started: Option<Timestamp>,
}

impl Progress {
    /// Items dealt with over all workloads.
    pub fn items(&self) -> u64 {
        self.counts.values().map(|counts| counts.seen).sum()
    }

    /// Bytes dealt with over all workloads.
    pub fn bytes(&self) -> u64 {
        self.counts.values().map(|counts| counts.seen_bytes).sum()
    }
}

/// A line of the report about something that is not an item: a thing not copied, a right dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// About which part.
    pub workload: Workload,
    /// In words for a person.
    pub text: String,
}

/// The end of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopySummary {
    /// Counters of each workload.
    pub counts: BTreeMap<Workload, Counts>,
    /// What was not copied or dropped, and why.
    pub notes: Vec<Note>,
    /// Bad items that are open after this round.
    pub bad_items: u32,
    /// Permissions that wait for their principal to be matched.
    pub pending_permissions: u32,
    /// Requests made to both tenants: round trips.
    pub requests: u64,
    /// The same as throttling counts them: each request of a batch is one.
    #[serde(default)]
    pub logical_requests: u64,
    /// Units run.
    pub units: u64,
}

impl CopySummary {
    /// Whether the round changed nothing in the target.
    pub fn is_still(&self) -> bool {
        let changes = |counts: &Counts| {
            [counts.folders, counts.created, counts.updated, counts.deleted].iter().any(|n| *n > 0)
        };
        let content = [Workload::Mailbox, Workload::Archive, Workload::OneDrive];
        !content.iter().filter_map(|workload| self.counts.get(workload)).any(changes)
    }
}

/// How a unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitOutcome {
    /// There is more to do: run another unit.
    More(Progress),
    /// The round is complete.
    Finished(CopySummary),
    /// Nothing can be done before so long; what was done is committed.
    Wait {
        /// How long.
        after: Duration,
        /// Why, in words for a person.
        why: String,
    },
}
