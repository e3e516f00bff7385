//! The copier, as steps use it: one unit a run, and what its answers mean for the step.

use std::{ops::ControlFlow, time::Duration};

use content::{
    ArchiveCapability, BadItem, ContentError, CopyJob, CopyMode, CopySettings, CopySubject,
    CopySummary, UnitBudget, UnitOutcome, VerifyOutcome, VerifyReport,
};
use engine::{Failure, StepContext, StepError, TenantSide, Wake};
use jiff::{SignedDuration, Timestamp};
use model::{Branch, Keys, Memory};
use serde::{Deserialize, Serialize};

use crate::{principals::MatchTable, update_user::no_target};

/// What a round has copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyReceipt {
    /// The copier's own summary.
    pub summary: CopySummary,
}

/// How a unit ended, for the step.
pub(crate) enum Unit {
    /// The round is complete.
    Finished(CopySummary),
    /// Call again.
    Again(Wake),
}

/// The copier of a step's user.
pub async fn copy_job<'c>(
    cx: &'c StepContext<'c>,
    principals: &'c dyn content::Principals,
) -> Result<CopyJob<'c>, StepError> {
    let (source, target): (TenantSide<'c>, TenantSide<'c>) = (cx.source(), cx.target());
    let identity = cx.target_identity().ok_or_else(no_target)?;
    let profile = cx.profile();
    let facts = &cx.user().source.mailbox;
    let archive = profile.sync.archive && facts.archive;
    let capable =
        cx.project().source.capabilities.archive && cx.project().target.capabilities.archive;
    let mut budget =
        UnitBudget { time: profile.sync.unit_seconds.duration(), ..CopySettings::default().budget };
    if let Some(left) = cx.time_left() {
        // The last request and the commit need time as well.
        budget.time = budget.time.min(left / 2);
    }
    Ok(CopyJob {
        source: source.client().await?,
        target: target.client().await?,
        store: &*cx.host().store,
        clock: &*cx.host().clock,
        partition: Keys::copy_partition(cx.key()),
        subject: CopySubject {
            source_user: cx.user().source.object_id.clone(),
            target_user: identity.object_id,
            mailbox: profile.sync.mailbox && facts.mailbox,
            archive,
            drive: profile.sync.onedrive && facts.drive,
            permissions: profile.sync.permissions,
        },
        principals,
        settings: CopySettings {
            bad_item_limit: u32::try_from(profile.sync.bad_item_limit).unwrap_or(u32::MAX),
            archive: if capable { ArchiveCapability::Beta } else { ArchiveCapability::Off },
            budget,
            ..CopySettings::default()
        },
    })
}

/// Since when the source may forward new mail to the target as well as keep it: then the target has it
/// already, and it must not be copied on top. A cutover that was stopped or has failed leaves a source that
/// forwards; whatever is copied after it meets forwarded mail too.
pub(crate) fn forwards_since(cx: &StepContext<'_>) -> Result<Option<Timestamp>, StepError> {
    if let Some(since) = cx.remembered(Memory::SOURCE_FORWARDS_SINCE)? {
        return Ok(Some(since));
    }
    // The source may begin to forward in the middle of any round of these.
    let beside = matches!(cx.job().branch, Branch::SecondDelta | Branch::LateDelta);
    Ok(beside.then(|| cx.job().started_at))
}

/// The name of the user's last round, and how it ended if it is over.
pub(crate) async fn last_round(
    cx: &StepContext<'_>,
) -> Result<Option<(String, Option<CopySummary>)>, StepError> {
    let principals = MatchTable::new(cx);
    copy_job(cx, &principals).await?.last_round().await.map_err(step_error)
}

/// Runs one unit of a round.
pub(crate) async fn unit(
    cx: &StepContext<'_>,
    mode: CopyMode,
    round: &str,
) -> Result<Unit, StepError> {
    let principals = MatchTable::new(cx);
    let mut job = copy_job(cx, &principals).await?;
    job.settings.adopt_delivered = forwards_since(cx)?;
    // Nothing follows a cutover's rounds: what they leave behind stays behind.
    job.settings.archive_required = cx.job().branch != Branch::Main;
    // From here on no other copy of this step may touch the target.
    cx.hold().await?;
    match Box::pin(job.run_unit(mode, round)).await {
        Ok(UnitOutcome::Finished(summary)) => Ok(Unit::Finished(summary)),
        Ok(UnitOutcome::More(_)) => Ok(Unit::Again(Wake::More)),
        Ok(UnitOutcome::Wait { after, why }) => Ok(Unit::Again(Wake::After { delay: after, why })),
        Err(ContentError::NoTargetArchive) if may_lag(cx) => Ok(Unit::Again(Wake::After {
            delay: LAG_POLL,
            why: "the target to show its archive mailbox".to_owned(),
        })),
        Err(error) => {
            let too_many = matches!(error, ContentError::TooManyBadItems { .. });
            let mut error = step_error(error);
            if too_many {
                for item in job.bad_items().await.map_err(step_error)?.iter().take(BAD_IN_PROBLEM) {
                    error.message.push('\n');
                    error.message.push_str(&item.line());
                }
            }
            Err(error)
        }
    }
}

/// Lines about items that could not be copied, in one journal entry.
const BAD_TOLD: usize = 20;
/// The same in the problem of somebody who has too many.
const BAD_IN_PROBLEM: usize = 5;

/// What a person should know of a round: what was left out, and the items that could not be copied, with
/// reason and advice (SYN-5).
pub(crate) async fn worth_knowing(
    cx: &StepContext<'_>,
    summary: &CopySummary,
) -> Result<Vec<String>, StepError> {
    let mut lines: Vec<String> = summary.notes.iter().map(|note| note.text.clone()).collect();
    if summary.bad_items > 0 {
        let principals = MatchTable::new(cx);
        let bad = copy_job(cx, &principals).await?.bad_items().await.map_err(step_error)?;
        lines.extend(bad.iter().take(BAD_TOLD).map(BadItem::line));
        let more = bad.len().saturating_sub(BAD_TOLD);
        if more > 0 {
            lines.push(format!("{more} more items could not be copied; `verify` lists them"));
        }
    }
    Ok(lines)
}

/// So long a cutover's rounds wait for what the target does not show yet: replication takes up to 15
/// minutes.
const LAG: SignedDuration = SignedDuration::from_mins(20);

/// How often they look meanwhile.
pub(crate) const LAG_POLL: Duration = Duration::from_mins(1);

/// Whether what the target does not show may only be late.
pub(crate) fn may_lag(cx: &StepContext<'_>) -> bool {
    cx.now().duration_since(cx.job().reached_at) < LAG
}

/// Runs one unit of the comparison of source and target (SYN-4): the report at its end, else when to
/// call again.
pub async fn verify(cx: &StepContext<'_>) -> Result<ControlFlow<VerifyReport, Wake>, StepError> {
    let principals = MatchTable::new(cx);
    let mut job = copy_job(cx, &principals).await?;
    job.settings.adopt_delivered = forwards_since(cx)?;
    Ok(match job.verify_unit(cx.job().id.as_str()).await.map_err(step_error)? {
        VerifyOutcome::Finished(report) => ControlFlow::Break(report),
        VerifyOutcome::More => ControlFlow::Continue(Wake::More),
        VerifyOutcome::Wait { after, why } => {
            ControlFlow::Continue(Wake::After { delay: after, why })
        }
    })
}

/// What a failure of the copier means for its step.
pub(crate) fn step_error(error: ContentError) -> StepError {
    let message = error.to_string();
    match error {
        ContentError::Tenant { source, .. } => {
            let mut inner = StepError::from(*source);
            inner.message = message;
            inner
        }
        ContentError::Store(_) | ContentError::Commit(_) | ContentError::Principals(_) => {
            StepError::retry("copy_store", message)
        }
        ContentError::Superseded => {
            StepError { failure: Failure::Superseded, ..StepError::retry("superseded", message) }
        }
        ContentError::Protocol { .. } => StepError::retry("copy_protocol", message),
        ContentError::TooManyBadItems { .. } => StepError::park(
            "too_many_bad_items",
            message,
            "repair them or accept them (raise bad_item_limit), then sync again",
        ),
        ContentError::TargetFull { .. } => StepError::park(
            "target_full",
            message,
            "free room in the target or assign a larger licence, then sync again",
        ),
        ContentError::NoTargetArchive => StepError::park(
            "no_target_archive",
            message,
            "reset the user to synced, sync (that enables the archive in a premium project; enable it by \
             hand in others), and apply cutover again; or leave archives out in the profile",
        ),
        ContentError::Missing { .. } => {
            StepError::park("content_missing", message, "see the message, then sync again")
        }
        ContentError::Damaged { .. } => StepError::park(
            "copy_state",
            message,
            "use the version of Crosswave that wrote this state, or the newest one",
        ),
    }
}
