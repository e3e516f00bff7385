//! SYN-D1: copy only what changed since the last sync. It runs as a sync of its own and as the
//! side branches of a cutover.
//!
//! The second delta of a cutover must not miss mail that comes in before the source forwards
//! (CUT-S4), so a round of it counts only if it began after that; earlier rounds shorten the last.
//! Nor may it leave an item in two folders that was filed while it read them: nothing comes after it that
//! would notice. So the last round is repeated until one finds nothing to do.

use std::time::Duration;

use catalogue::Step;
use content::{CopyMode, CopySummary};
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, Wake, records::load_job};
use model::{Branch, JobKind};
use serde::{Deserialize, Serialize};

use crate::{
    awaited::settle,
    copy::{Unit, last_round, unit, worth_knowing},
};

/// What a delta did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesCopied {
    /// The copier's summary.
    pub summary: CopySummary,
}

impl Receipt for ChangesCopied {
    const STEP: Step = Step::CopyChanges;
}

/// So often the last round is repeated at most, for people who never rest.
const MOST_ROUNDS: u32 = 10;

/// How often the second delta looks whether the source forwards yet.
const FORWARDING_POLL: Duration = Duration::from_secs(5);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan copies no content; see `status` after a sync");
    }
    let job = cx.job();
    // The last round's name says that it began after the source forwards.
    let last = job.branch != Branch::SecondDelta || source_forwards(cx).await?;
    let rounds = if last { Rounds::last(cx).await? } else { Rounds::only(&job.id) };
    match unit(cx, CopyMode::Delta, &rounds.name()).await? {
        Unit::Finished(_) if !last => Ok(Outcome::Wait(Wake::After {
            delay: FORWARDING_POLL,
            why: "the source to forward, for the last look".to_owned(),
        })),
        Unit::Finished(summary)
            if job.branch == Branch::SecondDelta && rounds.again_after(&summary) =>
        {
            // The next round begins here, so that its name is known to whoever goes on.
            match unit(cx, CopyMode::Delta, &rounds.next().name()).await? {
                Unit::Finished(_) => Ok(Outcome::Wait(Wake::More)),
                Unit::Again(wake) => Ok(Outcome::Wait(wake)),
            }
        }
        Unit::Finished(mut summary) => {
            if let Some(wake) = settle(cx, &mut summary).await? {
                return Ok(Outcome::Wait(wake));
            }
            let notes = worth_knowing(cx, &summary).await?;
            Outcome::done_with(&ChangesCopied { summary }, notes)
        }
        Unit::Again(wake) => Ok(Outcome::Wait(wake)),
    }
}

/// The rounds of a delta, told apart by their names.
struct Rounds {
    base: String,
    number: u32,
}

impl Rounds {
    /// A round that nothing is said about.
    fn only(job: &model::JobId) -> Self {
        Self { base: job.to_string(), number: 0 }
    }

    /// The rounds that began after the source forwards: the one in hand, or the first.
    async fn last(cx: &StepContext<'_>) -> Result<Self, StepError> {
        let base = format!("{}-last", cx.job().id);
        let known = last_round(cx).await?.map(|(name, _)| name);
        let number =
            known.and_then(|name| name.strip_prefix(&base)?.strip_prefix('-')?.parse().ok());
        Ok(Self { base, number: number.unwrap_or(0) })
    }

    fn name(&self) -> String {
        match self.number {
            0 => self.base.clone(),
            number => format!("{}-{number}", self.base),
        }
    }

    fn next(&self) -> Self {
        Self { base: self.base.clone(), number: self.number.saturating_add(1) }
    }

    /// Whether another round follows one that has ended so.
    fn again_after(&self, summary: &CopySummary) -> bool {
        !summary.is_still() && self.number < MOST_ROUNDS
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
