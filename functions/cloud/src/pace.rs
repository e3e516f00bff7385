//! How much faster than in life the local cloud's clocks run.

use std::time::Duration;

use catalogue::Function;

/// How long invocations, deliveries and periods last here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// No invocation lasts longer.
    pub timeout: Duration,
    /// How long a delivery is hidden; the template says six time-outs.
    pub visibility: Duration,
    /// How often the functions that run by the clock are called.
    pub period: Duration,
}

impl Default for Pace {
    /// A killed process costs seconds instead of the template's minutes.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            visibility: Duration::from_secs(25),
            period: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// How long one invocation of a function may take.
    pub(crate) fn timeout_of(self, function: Function) -> Duration {
        function.timeout().min(self.timeout)
    }
}
