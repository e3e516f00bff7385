//! SYN-2: a right that waits for its holder is granted when he comes, also behind the last round of
//! its mailbox.
//!
//! Two looks at the end of a round. A user's own rounds look whether rights on others' mailboxes and
//! drives wait for him: who moves after their owner gets them with his own sync. And the last round of
//! a mailbox looks for holders with an account that Exchange in the target does not show yet: one who
//! is complete already has no round to come.

use std::collections::BTreeSet;

use content::{ContentError, CopyJob, CopySummary, SourcePrincipal};
use engine::{
    EngineError, StepContext, StepError, Wake,
    records::{Batch, Loaded, load, load_all},
};
use model::{AwaitedRights, Branch, Keys, UserId, UserKey};

use crate::{
    copy::{LAG_POLL, copy_job, may_lag, step_error},
    principals::MatchTable,
};

/// At the end of a round: grants what waits for this user, and behind the last round also what waits
/// only for the target to show its holder. `Some`: it is to be called again.
pub(crate) async fn settle(
    cx: &StepContext<'_>,
    summary: &mut CopySummary,
) -> Result<Option<Wake>, StepError> {
    let settled = grant_to_user(cx).await?;
    if !matches!(cx.job().branch, Branch::SecondDelta | Branch::LateDelta) {
        // Rounds follow.
        return Ok(None);
    }
    let settled = grant_late(cx, summary).await? && settled;
    let why = "the target to show whom rights wait for".to_owned();
    Ok((!settled && may_lag(cx)).then_some(Wake::After { delay: LAG_POLL, why }))
}

/// Notes with a user that rights of `owner`'s wait for him under this name.
pub(crate) async fn note(
    cx: &StepContext<'_>,
    holder: &UserKey,
    principal: &SourcePrincipal,
) -> Result<(), EngineError> {
    let (store, owner) = (&*cx.host().store, &cx.key().user);
    let name = written(principal);
    let place = Keys::awaited(holder, owner);
    let known: Option<Loaded<AwaitedRights>> = load(store, place.clone()).await?;
    let mut known = known.unwrap_or_else(|| Loaded {
        value: AwaitedRights { owner: owner.clone(), names: BTreeSet::new() },
        version: 0,
    });
    if !known.value.names.insert(name) {
        return Ok(());
    }
    let mut batch = Batch::new();
    batch.put(place, &known.value, known.version)?;
    // A conflict is the holder, who has just looked: the unit is tried again.
    Ok(batch.commit(store).await?)
}

fn written(principal: &SourcePrincipal) -> String {
    serde_json::json!(principal).to_string()
}

/// Grants what waits for this user elsewhere. Says whether nothing is left.
async fn grant_to_user(cx: &StepContext<'_>) -> Result<bool, StepError> {
    let partition = Keys::user_partition(cx.key());
    let waiting: Result<Vec<Loaded<AwaitedRights>>, _> =
        load_all(&*cx.host().store, &partition, Keys::AWAITED).await;
    let mut settled = true;
    for rights in waiting.map_err(|error| unsettled(&error))? {
        settled &= grant_of(cx, rights).await?;
    }
    Ok(settled)
}

/// Grants what waits for this user on one owner's mailbox and drive.
async fn grant_of(cx: &StepContext<'_>, rights: Loaded<AwaitedRights>) -> Result<bool, StepError> {
    let store = &*cx.host().store;
    let principals = MatchTable::new(cx);
    let AwaitedRights { owner, names } = rights.value;
    let job = CopyJob {
        partition: Keys::copy_partition(&of_project(cx, owner.clone())),
        ..copy_job(cx, &principals).await?
    };
    let his = |principal: &SourcePrincipal| names.contains(&written(principal));
    let left: BTreeSet<String> = match job.grant_pending_permissions(&his).await {
        Ok(granted) => granted.left.iter().map(written).collect(),
        // The owner's own copy is at work, or something is amiss there: not this user's to fail for.
        Err(_) => return Ok(false),
    };
    let settled = left.is_empty();
    let place = Keys::awaited(cx.key(), &owner);
    let mut batch = Batch::new();
    if settled {
        batch.delete(place, rights.version);
    } else if left != names {
        let rest = AwaitedRights { owner, names: left };
        batch.put(place, &rest, rights.version).map_err(|error| unsettled(&error))?;
    } else {
        return Ok(false);
    }
    // Refused where the owner's copy has just noted another; then the note stays, and is looked at again.
    Ok(batch.commit(store).await.is_ok() && settled)
}

/// Tries once more what the user's own copy keeps. Says whether none of it waits only for the target to
/// show its holder.
async fn grant_late(cx: &StepContext<'_>, summary: &mut CopySummary) -> Result<bool, StepError> {
    if summary.pending_permissions == 0 {
        return Ok(true);
    }
    let principals = MatchTable::new(cx);
    let job = copy_job(cx, &principals).await?;
    match job.grant_pending_permissions(&|_| true).await {
        Ok(granted) => summary.pending_permissions = granted.waiting,
        // Somebody to whom a right is due has granted it to himself meanwhile.
        Err(ContentError::Superseded) => return Ok(false),
        Err(error) => return Err(step_error(error)),
    }
    Ok(!principals.met_lag())
}

fn of_project(cx: &StepContext<'_>, user: UserId) -> UserKey {
    UserKey { user, ..cx.key().clone() }
}

fn unsettled(error: &EngineError) -> StepError {
    StepError::retry("store", error.to_string())
}
