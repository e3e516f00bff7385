//! What every function of a deployment does with its event, apart from AWS.
//!
//! ```text
//! SQS ──batch──> deliver ──engine::handle──> acknowledge | send again with a delay | dead letter
//! schedule, bus, file, API ──> start, tick, sweep, collect, roll up
//! stream ──> publish
//! ```
//!
//! Everything here works on the ports, so it is tested against their models; `main.rs` binds the
//! adapters and speaks to Lambda.

mod api;
mod changes;
mod dead;
mod deliver;
mod deployment;
mod due;
mod event;
mod files;
mod gather;
mod layout;
mod people;
mod plan;
mod polling;
mod projects;
mod start;
mod sweep;
mod tick;
mod turns;
mod usage;

pub use changes::{Bus, ChangeEvent, STATE_CHANGED, StreamEvent};
pub use dead::{Collected, DeadLetter, Redriven, collect, list_dead, redrive};
pub use deliver::deliver;
pub use deployment::{Calls, Deployment, FunctionError, Switch};
pub use event::{BatchResponse, ItemFailure, QueueEvent, QueueRecord};
pub use files::{FileState, Files, WaveFile};
pub use layout::layout;
pub use plan::{PlannedStart, Planner};
pub use projects::{Projects, project_of};
pub use start::StartWave;
pub use usage::Hour;

#[cfg(test)]
mod tests;
