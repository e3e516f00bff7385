//! The shipped scripts, compiled into the program.

/// The name of the default mapping in messages and origins.
pub const MAPPING_NAME: &str = "mapping/default.rhai";
/// The default mapping.
pub const MAPPING: &str = include_str!("../../../scripts/mapping/default.rhai");
/// The name of the default notification script in messages.
pub const NOTIFY_NAME: &str = "notify/default.rhai";
/// The default notification script.
pub const NOTIFY: &str = include_str!("../../../scripts/notify/default.rhai");
