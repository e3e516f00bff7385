//! ERR-2: what became of a wave: per step counts and times, who is parked and how to go on, what did
//! not apply and why, who was told, usage. Made from the users' records, journals and delivery records alone.

mod assemble;
mod messages;
mod tally;
mod text;

use std::collections::BTreeMap;

use catalogue::{Meter, Step};
use content::WaitingRight;
use jiff::Timestamp;
use model::UserState;
use serde::Serialize;

pub use self::{
    assemble::report,
    messages::{MessageOutcome, Messages},
    tally::Tally,
};

/// A report over some users: a wave's, or those that were asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What the report is about, for instance `wave finance`.
    pub about: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many people.
    pub people: usize,
    /// How many stand where.
    pub states: BTreeMap<UserState, usize>,
    /// From the first job's start to the last entry of any journal.
    pub span: Option<Span>,
    /// The steps that anyone has reached, in the catalogue's order.
    pub steps: Vec<StepLine>,
    /// Who is parked.
    pub parked: Vec<Parked>,
    /// What did not apply, and why.
    pub not_applicable: Vec<NotApplicable>,
    /// What was done with a warning.
    pub warnings: Vec<Warning>,
    /// Source users whose match is in doubt (MAT-2).
    pub unclear_matches: Vec<UnclearMatch>,
    /// Rights that wait for a holder who has no account in the target yet (SYN-2).
    pub waiting_rights: Vec<WaitingRights>,
    /// What became of messages (NOT-2).
    pub messages: Vec<Messages>,
    /// What is billed, by meter.
    pub usage: BTreeMap<Meter, usize>,
    /// Requests to both tenants.
    pub requests: u64,
}

/// From when to when work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first journal entry.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepLine {
    /// The step.
    pub step: Step,
    /// People for whom it is done.
    pub done: usize,
    /// People to whom it does not apply.
    pub not_applicable: usize,
    /// People who are parked at it.
    pub parked: usize,
    /// How often it was tried again.
    pub retries: usize,
    /// How often it was done, restarts of a cutover counted.
    pub runs: usize,
    /// Half of the runs took less from reaching the step to its end, in milliseconds.
    pub typical_ms: u64,
    /// The longest, in milliseconds.
    pub longest_ms: u64,
    /// Requests to the tenants.
    pub requests: u64,
}

/// One parked user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// The user's id.
    pub user: String,
    /// The display name.
    pub name: String,
    /// The user principal name in the source.
    pub user_principal_name: String,
    /// The state.
    pub state: UserState,
    /// The step.
    pub step: Step,
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// The command that tries it again.
    pub retry: String,
    /// Since when.
    pub since: Timestamp,
}

/// A step that did not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotApplicable {
    /// The step.
    pub step: Step,
    /// Why.
    pub cause: String,
    /// To how many people.
    pub people: usize,
}

/// Something that a person should know although the step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The step.
    pub step: Step,
    /// In words.
    pub text: String,
    /// For how many people.
    pub people: usize,
    /// The first of them.
    pub example: String,
}

/// A source user whose match is in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnclearMatch {
    /// The user principal name in the source.
    pub user_principal_name: String,
    /// Why.
    pub note: String,
}

/// The rights on one person's mailbox and drive that wait for their holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingRights {
    /// The user principal name in the source of whose mailbox and drive it is.
    pub user_principal_name: String,
    /// Which, and for whom.
    pub rights: Vec<WaitingRight>,
}

impl Report {
    /// Whether nobody is parked.
    pub fn all_well(&self) -> bool {
        self.parked.is_empty()
    }
}
