//! The local cloud: a whole deployment on this machine, without an account.
//!
//! ```text
//!                 template ──> tables, queues (a double of DynamoDB, SQS, CloudFormation: MiniStack)
//!                    │
//!  schedules ──>  fleet of the real `crosswave-lambda` processes <──> Runtime API (ours)
//!  mappings  ──>     │ every request to AWS
//!                    v
//!                  gate: the role of the template decides; faults are put in; requests are counted
//!                    │
//!                    └──> the double                       tenants: the simulator, over HTTP
//! ```
//!
//! The double was chosen because it is one package of PyPI without a container, keeps conditional
//! writes and request tokens under concurrency, and reads CloudFormation; others lose updates or
//! cannot run here.

mod bucket;
mod calls;
mod changes;
mod clockwork;
mod cloud;
mod deliveries;
mod double;
mod environment;
mod failure;
mod fault;
mod figures;
mod fleet;
mod gate;
mod identity;
mod mapping;
mod measure;
mod operator;
mod pace;
mod place;
mod policy;
mod price;
mod probe;
mod records;
mod scheduler;
mod serve;
mod stack;
mod switches;

pub use cloud::{Cloud, Options, build};
pub use failure::CloudError;
pub use fault::Fault;
pub use figures::{Asked, Figures, Phase};
pub use measure::{Measured, measure};
pub use pace::Pace;
pub use place::{InTheCloud, Kills, Played, rehearse};
pub use probe::{Start, probe};
pub use records::Written;
