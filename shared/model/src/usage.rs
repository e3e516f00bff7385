//! Usage: what is billed, once per user and effect.

use catalogue::Meter;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{JobId, Stored, UserKey};

/// One billable effect. Its key holds user and meter, so a repeated effect is counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Whose.
    pub user: UserKey,
    /// What.
    pub meter: Meter,
    /// The job whose commit counted it.
    pub job: JobId,
    /// When.
    pub at: Timestamp,
}

impl Stored for UsageRecord {
    const KIND: &'static str = "usage";
}
