//! What runs a project beside the steps: discovery, matching, waves and their schedules, reports,
//! pre-flight, notifications.
//!
//! Everything here works on an [`engine::Host`] and holds nothing itself: the store is the truth,
//! and each function can be called again after a crash.

mod fault;
mod report;
pub mod users_file;

#[cfg(test)]
mod tests;

pub use fault::{FileFault, FileFaults};
pub use report::{NotApplicable, Parked, Report, Span, StepLine, Tally, UnclearMatch, Warning};
