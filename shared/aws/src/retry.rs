//! Pauses between attempts: growing, random, and from the ports.

use std::{sync::Arc, time::Duration};

use ports::{Clock, Random};

use crate::{Meter, Operation, trouble::Trouble};

/// The first pause is up to so long; each further one up to twice as long as the one before.
const FIRST: Duration = Duration::from_millis(50);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(5);
/// Attempts in all: about six seconds of pauses at most, three on average. What lasts longer is the
/// queue's to wait for.
const ATTEMPTS: u32 = 8;

/// What the pauses need.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Retry {
    /// The attempts of one call.
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        Attempts { retry: self, failed: 0 }
    }

    /// Asks until it is answered or refused for good, or attempts are used up, and counts. The last
    /// failure comes back.
    pub(crate) async fn until_answered<T, E, F>(
        &self,
        meter: &Meter,
        operation: Operation,
        ask: impl Fn() -> F + Send,
        trouble: impl Fn(&E) -> &Trouble + Send,
    ) -> Result<T, E>
    where
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        let mut attempts = self.attempts();
        loop {
            meter.request(operation);
            let failed = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            meter.refused(operation);
            if matches!(trouble(&failed), Trouble::Refused(_)) || !attempts.again().await {
                return Err(failed);
            }
        }
    }
}

/// The attempts of one call.
pub(crate) struct Attempts<'a> {
    retry: &'a Retry,
    failed: u32,
}

impl Attempts<'_> {
    /// Waits before the next attempt ("full jitter": anything from nothing to the pause); false when
    /// there have been enough.
    pub(crate) async fn again(&mut self) -> bool {
        self.failed += 1;
        if self.failed >= ATTEMPTS {
            return false;
        }
        let most = FIRST.saturating_mul(1 << (self.failed - 1)).min(LONGEST);
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let pause = self.retry.random.below(most + 1);
        self.retry.clock.sleep(Duration::from_millis(pause)).await;
        true
    }
}
