//! NOT-1: what people are told of a wave: that it has a date, and how it ended.
//!
//! A wave's date is that of its cutover: then a mailbox moves. Each of its people is told once of each
//! date. A wave has ended when its cutover's run has started everybody and nobody of it is in flight
//! any more; whoever runs the project is told once a run.

use std::collections::BTreeMap;

use engine::{
    Host,
    notify::{Whom, enqueue, raise_at},
    records::{Batch, EngineError, Loaded, load_all},
};
use futures_util::future::try_join_all;
use jiff::{Timestamp, tz::TimeZone};
use model::{Action, Event, EventKind, Keys, Stored, User, UserState, Wave, WaveId, WaveRun};
use ports::CommitError;

use super::{TOGETHER, next_planned, schedule::run_place};
use crate::{ControlError, Scope};

/// A report lists so many people who failed.
const MOST_FAILURES: usize = 100;

/// Raises what is to be told of a project's waves; says how many events. A host calls it now and then,
/// and before it ends. Called again after a crash it tells nobody twice.
pub async fn tell(host: &Host, scope: &Scope) -> Result<usize, ControlError> {
    let mut dated = Vec::new();
    for wave in scope.waves(host).await? {
        let date = next_planned(&wave.value, Action::Cutover)?;
        if let Some(date) = date.filter(|date| wave.value.announced != Some(*date)) {
            dated.push((wave, date));
        }
    }
    let runs = load_all::<WaveRun>(&*host.store, &scope.partition(), Keys::WAVE_RUNS).await?;
    let ended = |run: &Loaded<WaveRun>| {
        let WaveRun { action, done, reported, .. } = run.value;
        action == Action::Cutover && done && !reported
    };
    let runs: Vec<_> = runs.into_iter().filter(ended).collect();
    if dated.is_empty() && runs.is_empty() {
        return Ok(0);
    }
    let mut members: BTreeMap<WaveId, Vec<User>> = BTreeMap::new();
    for user in scope.users(host).await? {
        if let Some(wave) = user.value.wave.clone() {
            members.entry(wave).or_default().push(user.value);
        }
    }
    let of = |wave: &WaveId| members.get(wave).map(Vec::as_slice).unwrap_or_default();
    let mut told = 0;
    for (wave, date) in dated {
        told += announce(host, scope, of(&wave.value.id), wave, date).await?;
    }
    for run in runs {
        told += report(host, scope, of(&run.value.wave), run).await?;
    }
    Ok(told)
}

/// People came into a wave: those who have not been told of its date are to be.
pub(crate) async fn has_newcomers(
    host: &Host,
    scope: &Scope,
    wave: &WaveId,
) -> Result<(), ControlError> {
    loop {
        let mut wave = scope.load_wave(host, wave).await?;
        if wave.value.announced.take().is_none() {
            return Ok(());
        }
        if keep(host, scope.wave(&wave.value.id), &wave).await? {
            return Ok(());
        }
    }
}

async fn announce(
    host: &Host,
    scope: &Scope,
    members: &[User],
    mut wave: Loaded<Wave>,
    date: Timestamp,
) -> Result<usize, ControlError> {
    let zone = wave.value.schedules.get(&Action::Cutover).map(|schedule| schedule.zone.as_str());
    let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let at = date.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let details = [("at", at), ("users", members.len().to_string())];
    let details: BTreeMap<_, _> = details.map(|(name, text)| (name.to_owned(), text)).into();
    let mut told = 0;
    // Who has moved already has nothing to wait for.
    let ahead = members.iter().filter(|user| user.state != UserState::Complete);
    let ahead: Vec<&User> = ahead.collect();
    for some in ahead.chunks(TOGETHER) {
        let all = some.iter().map(|user| {
            let details = details.clone();
            raise(
                host,
                scope,
                EventKind::WaveScheduled,
                (&wave.value.id, date),
                Some(user),
                details,
            )
        });
        told += try_join_all(all).await?.into_iter().filter(|new| *new).count();
    }
    wave.value.announced = Some(date);
    // If the wave has changed meanwhile, the next look begins anew and finds who has been told.
    keep(host, scope.wave(&wave.value.id), &wave).await?;
    Ok(told)
}

async fn report(
    host: &Host,
    scope: &Scope,
    members: &[User],
    mut run: Loaded<WaveRun>,
) -> Result<usize, ControlError> {
    if members.iter().any(|user| user.job.is_some()) {
        return Ok(0);
    }
    let count = |wanted: &dyn Fn(&User) -> bool| members.iter().filter(|user| wanted(user)).count();
    let mut failures: Vec<String> = members.iter().filter_map(failure).collect();
    failures.extend(run.value.refused.iter().cloned());
    let more = failures.len().saturating_sub(MOST_FAILURES);
    failures.truncate(MOST_FAILURES);
    failures.extend((more > 0).then(|| format!("and {more} more; see `crosswave report`")));
    let details = [
        ("users", members.len().to_string()),
        ("complete", count(&|user| user.state == UserState::Complete).to_string()),
        ("failed", count(&|user| user.state.is_error()).to_string()),
        ("failures", failures.join("\n")),
    ];
    let details = details.map(|(name, text)| (name.to_owned(), text)).into();
    let WaveRun { wave, planned, .. } = &run.value;
    let new = raise(host, scope, EventKind::WaveReport, (wave, *planned), None, details).await?;
    run.value.reported = true;
    keep(host, run_place(scope, &run.value), &run).await?;
    Ok(usize::from(new))
}

/// One line for a user who failed: who, step, message, advice (ERR-2).
fn failure(user: &User) -> Option<String> {
    let problem = user.problem.as_ref().filter(|_| user.state.is_error())?;
    let line = format!(
        "{}: {}: {}; {}",
        user.source.user_principal_name,
        problem.step.spec().title,
        problem.message,
        problem.advice
    );
    Some(line.replace('\n', " "))
}

/// Raises an event of a wave unless it has been; says whether it is new.
async fn raise(
    host: &Host,
    scope: &Scope,
    kind: EventKind,
    (wave, planned): (&WaveId, Timestamp),
    user: Option<&User>,
    details: BTreeMap<String, String>,
) -> Result<bool, EngineError> {
    let user = user.map(|user| user.id.clone());
    let project = (&scope.customer, &scope.project);
    let place = Keys::wave_notification(project, user.as_ref(), kind, (wave, planned));
    let event = Event {
        kind,
        user: user.clone(),
        wave: Some(wave.clone()),
        job: None,
        at: host.clock.now(),
        details,
    };
    let new = raise_at(host, place.clone(), event).await?;
    if new {
        let Scope { customer, project } = scope.clone();
        enqueue(host, &Whom { customer, project, user }, &place).await?;
    }
    Ok(new)
}

/// Writes a record back; `false` when somebody was first.
async fn keep<T: Stored>(
    host: &Host,
    place: (String, String),
    record: &Loaded<T>,
) -> Result<bool, ControlError> {
    let mut batch = Batch::new();
    batch.put(place, &record.value, record.version)?;
    match batch.commit(&*host.store).await {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
