//! What must hold: at every commit and request, and after every run.

mod at_events;
mod at_rest;
mod bad;
mod content;
mod rights;
mod verified;

pub(crate) use at_events::{Effect, Pair, committed, requested, routed, signed_in};
pub(crate) use at_rest::at_rest;
pub(crate) use content::{Ledger, Letter};

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{JobId, JournalEntry, UserId, UserState, WaveId};

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The specification's id, or a word.
    pub rule: &'static str,
    /// What happened, in plain words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// What the checks remember of a run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Where each user stands.
    pub(crate) states: BTreeMap<UserId, UserState>,
    /// The wave of each user.
    pub(crate) waves: BTreeMap<UserId, Option<WaveId>>,
    /// The cursor of each job and branch in flight.
    pub(crate) cursors: BTreeMap<(UserId, JobId), usize>,
    /// The journal of each job and branch.
    pub(crate) journal: BTreeMap<(UserId, JobId), Vec<JournalEntry>>,
    /// How many entries of each are in pages.
    pub(crate) pages: BTreeMap<(UserId, JobId), u32>,
    /// Users who have just been prepared.
    pub(crate) prepared: Vec<UserId>,
    /// When each user was prepared first.
    pub(crate) prepared_at: BTreeMap<UserId, Timestamp>,
    /// Since when a user's job is to stop.
    pub(crate) stops: BTreeMap<UserId, (JobId, Timestamp)>,
    /// The tenant of each access token.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Mails that were accepted, by the notification that they belong to and their subject.
    pub(crate) mails: BTreeMap<(String, String), u32>,
    /// The source tenant's id.
    pub(crate) source: String,
    /// How often each usage record was written with another job than before.
    pub(crate) usage: BTreeMap<String, u32>,
}
