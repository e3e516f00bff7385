//! One customer's trouble is his own: what runs by the clock does something for everybody, one after the
//! other, and neither what fails nor what takes long keeps it from the others.

use std::{fmt, time::Duration};

use engine::Host;
use futures_util::future::{self, BoxFuture, Either};

use tracing::Instrument;

use crate::FunctionError;

/// An invocation leaves so much of its time for what comes after all have had their turn.
const RESERVE: Duration = Duration::from_secs(5);

/// The same, beginning with any of them: who comes last, and finds no time left, is soon the first.
pub(crate) fn in_turn<T>(mut all: Vec<T>, host: &Host) -> Vec<T> {
    let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let first = if count == 0 { 0 } else { host.random.below(count) };
    all.rotate_left(usize::try_from(first).unwrap_or_default());
    all
}

/// Does one's work in at most half of the time that is left. `None` when it failed or did not end; the log
/// says so, and it is tried again the next time.
pub(crate) async fn apart<T>(
    host: &Host,
    whose: &impl fmt::Display,
    work: BoxFuture<'_, Result<T, FunctionError>>,
) -> Option<T> {
    let work = async {
        let done = work.await;
        done.inspect_err(|error| tracing::error!(%error, "this failed; the others go on")).ok()
    };
    let work = Box::pin(work.instrument(tracing::info_span!("turn", %whose)));
    let Some(until) = host.identity.until else { return work.await };
    let left = Duration::try_from(until.duration_since(host.clock.now())).unwrap_or_default();
    let share = left.saturating_sub(RESERVE) / 2;
    match future::select(work, host.clock.sleep(share)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => {
            let seconds = share.as_secs();
            tracing::warn!(%whose, seconds, "this takes too long; the next time it goes on");
            None
        }
    }
}
