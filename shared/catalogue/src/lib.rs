//! Every step of the specification, once, as typed data.
//!
//! Functions, queues, the template, cloud roles, the permission table, docs, dashboard columns,
//! metering and the generic tests are derived from [`CATALOGUE`]. To add a step: a variant of
//! [`Step`], a row here, a file in its phase's crate, an arm in that crate's `match`. The compiler
//! names what is missing.

mod docs;
mod function;
pub mod metrics;
mod plan;
mod spec;
mod step;
pub mod table;

pub use docs::steps_page;
pub use function::{Function, NOTIFICATIONS, successors};
pub use plan::{CATALOGUE_VERSION, plan_of};
pub use spec::{CATALOGUE, Meter, Need, Phase, ProjectType, Side, StepSpec};
pub use step::{Step, UnknownStep};
