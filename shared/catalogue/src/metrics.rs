//! The metrics of a deployment: functions write them, alarms and the dashboard name them.
//!
//! `CloudWatch` takes money for each metric of one's own, and for each value of each dimension again; ten
//! are free. So these are of the whole stack; what a single function did stands beside them in its log,
//! and `CloudWatch` counts invocations, errors and time of each function by itself.

/// Their namespace.
pub const NAMESPACE: &str = "Crosswave";
/// Their only dimension: the stack's name.
pub const STACK: &str = "Stack";
/// Jobs in flight; the tick counts them.
pub const IN_FLIGHT: &str = "InFlight";
/// How many seconds the job that is the most overdue has been so; the tick always says it.
pub const OLDEST_BATON: &str = "OldestBaton";
/// Dead letters that are kept; the collector always says it.
pub const DEAD_LETTERS: &str = "DeadLetters";
/// Messages, records or events that an invocation could not handle; every function says it.
pub const FAILED: &str = "Failed";
/// Customers and projects of which something failed, or took too long, while the others had their turn;
/// what runs by the clock always says it, but for the collector.
pub const NEGLECTED: &str = "Neglected";
/// All of them.
pub const ALL: [&str; 5] = [IN_FLIGHT, OLDEST_BATON, DEAD_LETTERS, FAILED, NEGLECTED];
