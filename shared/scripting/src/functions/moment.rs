//! A point in time, in UTC.

use std::fmt;

use jiff::Timestamp;
use rhai::Engine;

/// A point in time, from the year 1 to the year 9999, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// From a timestamp, such as the run's fixed "now".
    pub const fn new(at: Timestamp) -> Self {
        Self(at)
    }

    /// The timestamp.
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names the type and gives it comparisons and a text form.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Moment>("date");
}
