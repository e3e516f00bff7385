//! SYN-D1: copy only what changed since the last sync. It runs as a sync of its own and as the
//! side branches of a cutover.
//!
//! The second delta of a cutover must not miss mail that comes in before the source forwards
//! (CUT-S4), so a round of it counts only if it began after that; earlier rounds shorten the last.

use std::time::Duration;

use catalogue::Step;
use content::{CopyMode, CopySummary};
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, Wake, records::load_job};
use model::{Branch, JobKind};
use serde::{Deserialize, Serialize};

use crate::copy::{Unit, unit};

/// What a delta did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesCopied {
    /// The copier's summary.
    pub summary: CopySummary,
}

impl Receipt for ChangesCopied {
    const STEP: Step = Step::CopyChanges;
}

/// How often the second delta looks whether the source forwards yet.
const FORWARDING_POLL: Duration = Duration::from_secs(5);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan copies no content; see `status` after a sync");
    }
    let job = cx.job();
    // The last round's name says that it began after the source forwards.
    let last = job.branch != Branch::SecondDelta || source_forwards(cx).await?;
    let round = if last { format!("{}-last", job.id) } else { job.id.to_string() };
    match unit(cx, CopyMode::Delta, &round).await? {
        Unit::Finished(_) if !last => Ok(Outcome::Wait(Wake::After {
            delay: FORWARDING_POLL,
            why: "the source to forward, for the last look".to_owned(),
        })),
        Unit::Finished(summary) => {
            let notes = summary.notes.iter().map(|note| note.text.clone()).collect();
            Outcome::done_with(&ChangesCopied { summary }, notes)
        }
        Unit::Again(wake) => Ok(Outcome::Wait(wake)),
    }
}

/// Whether the cutover has passed CUT-S4.
async fn source_forwards(cx: &StepContext<'_>) -> Result<bool, StepError> {
    let main = load_job(&*cx.host().store, cx.key(), Branch::Main)
        .await
        .map_err(|error| StepError::retry("store", error.to_string()))?;
    let Some(main) = main.filter(|main| main.value.kind == JobKind::Cutover) else {
        return Ok(true);
    };
    let forwards = main.value.plan.iter().position(|step| *step == Step::SetStoreAndForward);
    Ok(forwards.is_none_or(|place| main.value.at > place))
}
