//! What Crosswave talks about: ids, users, waves, states, jobs, journal, usage. Types and rules,
//! no I/O.
//!
//! Records are stored in versioned wire forms (`wire`), at the places that `keys` names.

mod ids;
mod job;
mod journal;
mod keys;
mod matching;
mod notification;
mod profile;
mod project;
mod schedule;
mod script;
mod state;
mod usage;
mod user;
mod wave;
mod wire;

pub use ids::{BadId, CustomerId, JobId, ProjectId, UserId, UserKey, WaveId};
pub use job::{Baton, Branch, Job, JobKind, JobStatus, Lease, Memory, Problem};
pub use journal::{Change, Cost, JournalEntry, JournalEvent, JournalPage, WriteRecord};
pub use keys::Keys;
pub use matching::{Candidate, Decision, Doubt, MatchRule, pair};
pub use notification::{DeliveryState, Event, EventKind, Given, Later, Notification};
pub use profile::{
    CutoverOptions, MappingOptions, OutlookGate, PrepareOptions, Profile, SyncOptions, UnitSeconds,
};
pub use project::{
    Capabilities, GroupAttribute, GroupMatching, Project, QuietHours, ScriptPolicy, TenantFacts,
};
pub use schedule::{Blackout, LocalTime, Repeat, Schedule, ScheduleError};
pub use script::{
    BaseScript, Publication, PublishedScript, ScriptKind, ScriptTable, ScriptTablePart,
    ScriptVersion,
};
pub use state::{
    Action, Admitted, Refusal, Request, ResetTo, STATE_TABLE, StateRule, UserState, admit,
};
pub use usage::UsageRecord;
pub use user::{AwaitedRights, Blocker, MailboxFacts, SourceIdentity, TargetIdentity, User};
pub use wave::{Wave, WaveRun};
pub use wire::{Stored, WireError};
