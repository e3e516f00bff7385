//! The engine: runs the steps of users, one baton at a time, on any host.
//!
//! - [`apply`] starts, stops and resets; the state table decides.
//! - [`handle`] runs the step that a baton asks for: at least once delivered, exactly once
//!   recorded, every effect convergent.
//! - [`StepContext`] is what a step sees; [`Outcome`] what it answers.
//! - [`plan_action`] runs the same step code with writes recorded and not made (GEN-7).
//! - [`sweep`] brings back what was lost.
//!
//! Deliberately absent: AWS, HTTP-library and storage types, sleeping, spawning, the steps
//! themselves (functions/*).

mod apply;
mod context;
mod effect;
mod host;
mod journal;
pub mod notify;
mod outcome;
mod person;
mod plan;
pub mod records;
mod run;
mod scripts;
mod side;
mod sweep;
mod unique;

pub use apply::{Applied, Apply, ApplyError, apply, open_gate, profile_of};
pub use context::StepContext;
pub use effect::{Effect, Write, change};
pub use host::{Host, HostIdentity, NoWebhooks, Steps, TenantPair, Tenants, Webhooks};
pub use journal::load_journal;
pub use outcome::{Failure, Outcome, Receipt, StepError, StepResult, Wake};
pub use person::{
    ContactPlace, ContactReceipt, Mapped, Match, RecipientEdit, SourceEntry, UpdateOutcome,
    attributes_of, ensure_contact, find_contact, find_match, map_contact, map_user, policy_of,
    update_user,
};
pub use plan::{Planned, StepPlan, UserPlan, plan_action};
pub use records::EngineError;
pub use run::{Verdict, handle};
pub use scripts::{
    ScriptPins, Scripts, StoredScripts, load_tables, load_version, pins_of, put_version,
    shipped_version, version_of,
};
pub use side::TenantSide;
pub use sweep::{STALE_AFTER, sweep};
pub use unique::reservations;
