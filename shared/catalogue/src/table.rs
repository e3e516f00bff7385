//! The names of the one table on AWS: the store's adapter writes them, the template declares them.

/// The partition key, text.
pub const PARTITION: &str = "pk";
/// The sort key, text.
pub const SORT: &str = "sk";
/// The time to live: when a record may go, seconds since 1970; absent for those that stay.
pub const EXPIRES: &str = "t";
/// The listing that a record appears in, text; absent for nearly all.
pub const LISTING: &str = "l";
/// The sparse index: [`LISTING`] is its partition key and [`PARTITION`] its sort key; it holds keys
/// only. AWS wants three characters at least.
pub const INDEX: &str = "listing";
/// The listing of all projects of a deployment.
pub const PROJECTS: &str = "projects";
