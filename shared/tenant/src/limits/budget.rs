//! A rate in integers: the generic cell rate algorithm, kept as one moment in time.

use std::time::Duration;

use jiff::Timestamp;

use super::{Rate, signed};

/// How much of a [`Rate`] has been drawn.
///
/// A tenth of the rate may come at once, the rest evenly, so that no window of one period ever
/// holds more than the rate allows (0.9 + 0.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// What one unit costs, in nanoseconds of the period.
    unit_nanos: u64,
    /// How far ahead of the clock `drawn_until` may be.
    burst: Duration,
    /// The moment at which everything drawn so far is earned.
    drawn_until: Option<Timestamp>,
}

impl Budget {
    pub(super) fn new(rate: Rate) -> Self {
        let period = u64::try_from(rate.period.as_nanos()).unwrap_or(u64::MAX);
        let evenly = period / u64::from(rate.units.max(1));
        Self {
            unit_nanos: evenly.saturating_add(evenly / 9),
            burst: rate.period / 10,
            drawn_until: None,
        }
    }

    /// How long until so many units may be drawn. More than a burst at once is let through when
    /// nothing else is owed: it is paid afterwards.
    pub(super) fn wait(&self, units: u32, now: Timestamp) -> Duration {
        let owed = self.owed(now);
        let room = self.burst.saturating_sub(self.cost(units));
        owed.saturating_sub(room)
    }

    pub(super) fn draw(&mut self, units: u32, now: Timestamp) {
        let from = self.drawn_until.map_or(now, |until| until.max(now));
        self.drawn_until = Some(from + signed(self.cost(units)));
    }

    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.owed(now).is_zero()
    }

    fn owed(&self, now: Timestamp) -> Duration {
        let until = self.drawn_until.unwrap_or(now);
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    }

    fn cost(&self, units: u32) -> Duration {
        Duration::from_nanos(self.unit_nanos.saturating_mul(u64::from(units)))
    }
}
