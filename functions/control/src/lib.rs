//! What runs a project beside the steps: discovery, matching, waves and their schedules, reports,
//! pre-flight, notifications.
//!
//! Everything here works on an [`engine::Host`] and holds nothing itself: the store is the truth,
//! and each function can be called again after a crash.

mod copies;
mod directory;
mod discover;
mod error;
mod fault;
mod matching;
mod patience;
mod preflight;
mod report;
mod scope;
pub mod scripts;
mod select;
mod status;
pub mod users_file;
pub mod waves;

#[cfg(test)]
mod tests;

pub use copies::{Copies, PersonCopy, copies};
pub use directory::{discover_target, keep_source};
pub use discover::{Discovered, discover};
pub use error::ControlError;
pub use fault::{FileFault, FileFaults};
pub use matching::{Matched, MatchedPair, Unclear, match_users};
pub use preflight::{Finding, Preflight, Severity, preflight};
pub use report::{
    MessageOutcome, Messages, NotApplicable, Parked, Report, Span, StepLine, Tally, UnclearMatch,
    WaitingRights, Warning, report,
};
pub use scope::{Scope, store_project};
pub use select::Selection;
pub use status::{Status, UserLine, status, users};
