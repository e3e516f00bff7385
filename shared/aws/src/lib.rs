//! The adapters for AWS: the store on one DynamoDB table, the queue on SQS, and the secrets, the
//! identity, the events, the schedules and the files that a deployment takes from its account.
//!
//! ```text
//! engine, steps ──ports──> DynamoStore ──TransactWriteItems, PutItem, Query──> one table
//!                          SqsQueues   ──batches of ten──> one queue a step, one of dead letters
//!                            │ both count what they ask for: Meter
//! ```
//!
//! What holds, and is tested against a double of the wire:
//!
//! - A commit whose reply was lost is asked for again and is applied once: a transaction carries a
//!   request token, a single write leaves its own mark in the item.
//! - What the service refuses for a moment (throttling, a transaction in the way) is asked for again
//!   after a pause that grows and is random; the pause comes from the ports `Clock` and `Random`.
//! - The SDK itself never retries: it does not know what may be repeated.
//! - No secret is in an error, a log or a `Debug` form.

mod access;
mod call;
mod connection;
mod dynamo;
mod events;
mod functions;
mod identity;
mod meter;
mod objects;
mod polling;
mod retry;
mod schedules;
mod secrets;
mod sqs;
mod trouble;

pub use access::Access;
pub use call::{Ask, AwsError, Caller};
pub use connection::{ConnectionError, Connections};
pub use dynamo::{DynamoStore, Layout, value::inflate};
pub use events::{Event, EventBus};
pub use functions::Functions;
pub use identity::RoleIdentity;
pub use meter::{Meter, Operation, Spent};
pub use objects::{Object, Objects};
pub use polling::Polling;
pub use schedules::{NewSchedule, ScheduleTarget, Schedules};
pub use secrets::Secrets;
pub use sqs::SqsQueues;
