//! The copy of a person's content from tenant to tenant: mailbox, archive, OneDrive, permissions
//! and side data.
//!
//! Start at [`CopyJob::run_unit`]. A round is a sequence of units; each is bounded by a budget, ends
//! with a checkpoint, and may be followed by the next one in another process. The source is only
//! read. Importing an item cannot be repeated safely, so a unit commits an intent before it imports,
//! and the unit that finds an open intent looks into the target first: every item is there once.
//!
//! Deliberately absent: steps and users (the engine's), any HTTP (the tenant client's), sleeping
//! (a throttled unit says [`UnitOutcome::Wait`]).

mod bad;
mod checkpoint;
mod drive;
mod error;
mod forecast;
mod job;
mod mailbox;
mod map;
mod pages;
mod permissions;
mod principals;
mod progress;
mod quickxor;
mod settings;
mod side;
mod store;
mod unit;
mod verify;

pub use bad::BadItem;
pub use error::ContentError;
pub use forecast::{Budgets, Forecast, Pace, Round, last_round};
pub use job::{CopyJob, CopySubject, Granted};
pub use permissions::{WaitingRight, waiting_rights};
pub use principals::{Principals, SourcePrincipal, TargetPrincipal, Translation};
pub use progress::{CopyMode, CopySummary, Counts, Note, Progress, UnitOutcome, Workload};
pub use quickxor::{QuickXorHash, quick_xor_hash};
pub use settings::{ArchiveCapability, CopySettings, FRAGMENT_UNIT, UnitBudget};
pub use store::CHECKPOINT;
pub use verify::{Difference, DifferenceReason, VerifiedPlace, VerifyOutcome, VerifyReport};
