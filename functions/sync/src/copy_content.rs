//! SYN-I5: first full copy of mailbox, archive, OneDrive, then permissions.

use catalogue::Step;
use content::{CopyMode, CopySummary};
use engine::{Outcome, Receipt, StepContext, StepResult};
use serde::{Deserialize, Serialize};

use crate::{
    awaited::settle,
    copy::{Unit, unit, worth_knowing},
};

/// What the first copy did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentCopied {
    /// The copier's summary.
    pub summary: CopySummary,
}

impl Receipt for ContentCopied {
    const STEP: Step = Step::CopyContent;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan copies no content; see `status` after a sync");
    }
    let round = cx.job().id;
    match unit(cx, CopyMode::Initial, round.as_str()).await? {
        Unit::Finished(mut summary) => {
            if let Some(wake) = settle(cx, &mut summary).await? {
                return Ok(Outcome::Wait(wake));
            }
            let notes = worth_knowing(cx, &summary).await?;
            Outcome::done_with(&ContentCopied { summary }, notes)
        }
        Unit::Again(wake) => Ok(Outcome::Wait(wake)),
    }
}
