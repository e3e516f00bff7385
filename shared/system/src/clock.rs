//! The system's clock, and one that runs faster.

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;
use ports::{Clock, Sleep};

/// The machine's wall clock; sleeps on tokio's timer, so it needs a running tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the system clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the system clock")]
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that starts at the machine's time and runs a number of times faster, for rehearsals: the
/// waits of steps, the budgets of the client and the delays of simulated tenants all pass so much
/// sooner, in unchanged proportion. Never for real tenants, whose time is the machine's.
///
/// It follows the machine's wall clock, so it never stands still and jumps when that one jumps.
#[derive(Clone, Copy, Debug)]
pub struct FasterClock {
    began: Timestamp,
    times: NonZeroU32,
}

impl FasterClock {
    /// A clock that runs `times` as fast as the machine's from now on.
    pub fn new(times: NonZeroU32) -> Self {
        Self { began: SystemClock.now(), times }
    }
}

impl Clock for FasterClock {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.now().duration_since(self.began);
        let times = i32::try_from(self.times.get()).unwrap_or(i32::MAX);
        let passed = passed.checked_mul(times).unwrap_or(jiff::SignedDuration::MAX);
        self.began.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Rounded up: a sleep never ends before its time.
        SystemClock.sleep(duration / self.times.get() + Duration::from_nanos(1))
    }
}
