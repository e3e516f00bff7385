//! Messages that wait for a date of their own: each has its own delivery record, so that none holds
//! the others, or a job, back; and what becomes void in the meantime.

use jiff::Timestamp;
use model::{
    Action, Event, EventKind, JobId, Keys, Later, Notification, Project, User, UserState, Wave,
};
use ports::CommitError;
use scripting::Notice;

use super::{Whom, enqueue};
use crate::{
    Host,
    records::{Batch, EngineError, Loaded, load},
};

/// The messages that a delivery record is about.
pub(super) fn of_record<'n>(record: &Notification, notices: &'n [Notice]) -> Vec<&'n Notice> {
    let mine = numbered(notices).filter(|(number, notice)| match &record.later {
        None => waits_until(notice, &record.event).is_none(),
        Some(later) => later.message == *number,
    });
    mine.map(|(_, notice)| notice).collect()
}

fn numbered(notices: &[Notice]) -> impl Iterator<Item = (u32, &Notice)> {
    notices.iter().enumerate().filter_map(|(at, notice)| Some((u32::try_from(at).ok()?, notice)))
}

/// The date that a message waits for; none when that was over already when the event happened, which
/// stays so.
fn waits_until(notice: &Notice, event: &Event) -> Option<Timestamp> {
    notice.when.filter(|when| *when > event.at)
}

/// Gives each message that waits its own record, once, and sees to it that it is looked at.
pub(super) async fn put_aside(
    host: &Host,
    whom: &Whom,
    place: &(String, String),
    record: &Notification,
    notices: &[Notice],
) -> Result<(), EngineError> {
    if record.later.is_some() {
        return Ok(());
    }
    for (message, notice) in numbered(notices) {
        let Some(at) = waits_until(notice, &record.event) else { continue };
        let place = Keys::later_message(place, message);
        let later = Notification {
            given: record.given.clone(),
            later: Some(Later { message, at }),
            ..Notification::new(record.event.clone())
        };
        let mut batch = Batch::new();
        batch.put(place.clone(), &later, 0)?;
        match batch.commit(&*host.store).await {
            Ok(()) | Err(CommitError::Conflict { .. }) => enqueue(host, whom, &place).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Why a message that has waited must not be sent: what it tells of is no longer so.
pub(super) async fn void(
    host: &Host,
    project: &Project,
    user: Option<&User>,
    event: &Event,
) -> Result<Option<String>, EngineError> {
    if event.kind == EventKind::WaveScheduled
        && let Some(why) = of_date(host, project, event).await?
    {
        return Ok(Some(why));
    }
    Ok(user.and_then(|user| of_user(user, event)))
}

/// The wave's cutover has another date now, or none, or has begun.
async fn of_date(
    host: &Host,
    project: &Project,
    event: &Event,
) -> Result<Option<String>, EngineError> {
    let Some(id) = &event.wave else { return Ok(None) };
    let place = Keys::wave(&project.customer, &project.id, id);
    let Some(wave): Option<Loaded<Wave>> = load(&*host.store, place).await? else {
        return Ok(Some(format!("the wave {id} is gone")));
    };
    let told = event.details.get("at").and_then(|at| at.parse::<Timestamp>().ok());
    // A schedule that cannot be worked out has no date.
    let next = wave.value.next_planned(Action::Cutover).unwrap_or_default();
    Ok((next != told).then(|| match next {
        Some(next) => format!("the wave {id} has another date: {next}"),
        None => format!("the wave {id} has no date ahead of it any more"),
    }))
}

fn of_user(user: &User, event: &Event) -> Option<String> {
    let state = user.state;
    let is_last_job = event.job.as_ref().is_none_or(|job| *job == JobId::numbered(user.jobs));
    let holds = match event.kind {
        EventKind::WaveScheduled => user.wave == event.wave && state != UserState::Complete,
        EventKind::PrepareDone | EventKind::InitialSyncDone => {
            !matches!(state, UserState::NoMatch | UserState::Matched | UserState::Complete)
        }
        EventKind::ActionRequired => is_last_job && state == UserState::WaitingForUser,
        EventKind::CutoverComplete => state == UserState::Complete,
        EventKind::Error => is_last_job && state.is_error(),
        EventKind::WaveReport => true,
    };
    (!holds).then(|| {
        let wave =
            user.wave.as_ref().map_or_else(|| "no wave".to_owned(), |id| format!("wave {id}"));
        format!("the user is {} by now, in {wave}", state.name())
    })
}
