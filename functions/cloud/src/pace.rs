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
    /// No batch waits longer for more messages; the template says a second.
    pub window: Duration,
    /// How often the functions that run by the clock are called.
    pub period: Duration,
}

impl Default for Pace {
    /// A killed process costs seconds instead of the template's minutes.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            visibility: Duration::from_secs(25),
            window: Duration::from_millis(200),
            period: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// How long one invocation of a function may take.
    pub(crate) fn timeout_of(self, function: Function) -> Duration {
        function.timeout().min(self.timeout)
    }

    /// How long a batch of a function waits for more messages.
    pub(crate) fn window_of(self, function: Function) -> Duration {
        Duration::from_secs(infra::window(function)).min(self.window)
    }
}
