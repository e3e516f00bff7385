//! Mistakes in what is sent.

use catalogue::Step;
use model::{Baton, Branch, Stored};
use ports::Outgoing;

use super::Bug;
use crate::stage::Stage;

/// Whether a mistaken engine would not have sent this message.
pub(crate) fn swallowed(stage: &Stage, message: &Outgoing) -> bool {
    if !stage.has_bug(Bug::JoinLosesWakeUp) {
        return false;
    }
    let Ok(baton) = Baton::from_bytes(message.body.trim_end().as_bytes()) else { return false };
    let joins = matches!(baton.step, Step::CompleteFirstDelta | Step::CompleteSecondDelta);
    let woken = stage
        .lock()
        .current
        .as_ref()
        .and_then(|current| current.job.as_ref())
        .is_some_and(|job| Branch::named_by(job) != Branch::Main);
    joins && (woken || !message.delay.is_zero())
}
