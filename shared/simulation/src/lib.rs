//! Fault simulation: a whole migration from one 64-bit seed, with everything that can go wrong.
//!
//! The real engine, steps, copier, scripts and tenant client run on two simulated tenants, in one
//! thread and in virtual time. Store, queue and transport have faults in front of them; operators and
//! people interfere. The seed decides which kinds of fault a run has and where each happens, and
//! which of the invocations at work goes on next, so that a run replays byte for byte.
//!
//! What must hold is in `check`; [`Bug`] lists mistakes that are made on purpose, so that the
//! simulation proves that it can fail.

mod agenda;
mod check;
mod delivery;
mod executor;
mod fault;
mod fuzz;
mod host;
mod planted;
mod ports;
mod report;
mod rules;
mod run;
mod runner;
mod schedule;
mod seed;
mod shrink;
mod stage;
mod trace;
mod world;

pub use check::Violation;
pub use fault::{FaultKind, Faults, Occurrence};
pub use fuzz::{Garbled, fuzz};
pub use planted::Bug;
pub use report::{Totals, matrix};
pub use run::{RunReport, Settings, run};
pub use shrink::{Shrunk, shrink};
pub use stage::{Coverage, Outcome};
pub use trace::Trace;
