//! A wave that syncs every night at half past two, across a daylight-saving change.

use control::{ControlError, Selection, waves};
use engine::{Host, records::load_all};
use jiff::{Timestamp, tz::TimeZone};
use model::{Action, Keys, Repeat, Schedule, WaveId, WaveRun};

use crate::{
    seed::start,
    world::{World, drive},
};

const ZONE: &str = "Europe/Berlin";

fn wave() -> Result<WaveId, ControlError> {
    "one".parse().map_err(|error: model::BadId| ControlError::Input(error.to_string()))
}

/// From the night after the start on, in the hour that daylight saving skips or repeats.
fn nightly(seed_start: Timestamp) -> Result<Schedule, ControlError> {
    let failed = |error: jiff::Error| ControlError::Input(error.to_string());
    let zone = TimeZone::get(ZONE).map_err(failed)?;
    let night = seed_start.to_zoned(zone).date().tomorrow().map_err(failed)?;
    Ok(Schedule {
        first: night.at(2, 30, 0, 0),
        zone: ZONE.to_owned(),
        repeat: Some(Repeat::Days { days: 1 }),
        blackout: Vec::new(),
    })
}

/// Puts everybody into the wave and sets its schedule.
pub(crate) fn set(world: &World) -> Result<(), ControlError> {
    let (host, scope, wave) = (world.host.clone(), world.scope(), wave()?);
    let clock = world.stage.clock.clone();
    let schedule = nightly(world.stage.now())?;
    for person in &world.people {
        world.remember_wave(&person.key.user, &wave);
    }
    drive(&clock, async {
        waves::create(&host, &world.project, wave.clone(), None, None).await?;
        waves::assign(&host, &scope, &Selection::everybody(), Some(&wave)).await?;
        waves::set_schedule(&host, &scope, &wave, Action::Sync, Some(schedule)).await
    })
}

/// Takes the schedule away: nothing starts by itself any more.
pub(crate) fn clear(world: &World) -> Result<(), ControlError> {
    let (host, scope, wave) = (world.host.clone(), world.scope(), wave()?);
    let clock = world.stage.clock.clone();
    drive(&clock, waves::set_schedule(&host, &scope, &wave, Action::Sync, None))
}

/// What a host does every now and then: fires what is due, and goes on with runs.
pub(crate) async fn tick(host: &Host, scope: &control::Scope) -> Result<(), ControlError> {
    waves::tick(host, scope, host.clock.now()).await?;
    for run in waves::pending_runs(host, scope).await? {
        waves::expand(host, scope, &run).await?;
    }
    Ok(())
}

/// GEN-2: each planned time up to `until` has fired exactly once, and its run is worked off.
pub(crate) fn check(world: &World, seed: u64, until: Timestamp) {
    let partition = Keys::project_partition(&world.project.customer, &world.project.id);
    let clock = world.stage.clock.clone();
    let runs = drive(&clock, load_all::<WaveRun>(&*world.quiet, &partition, Keys::WAVE_RUNS));
    let mut fired = Vec::new();
    let wave = wave().ok();
    for run in runs.into_iter().flatten().filter(|run| Some(&run.value.wave) == wave.as_ref()) {
        fired.push(run.value.planned);
        if !run.value.done {
            world.stage.violated("GEN-2", format!("the run of {} is not over", run.value.planned));
        }
    }
    let mut planned = Vec::new();
    if let Ok(schedule) = nightly(start(seed)) {
        let mut last = None;
        while let Ok(Some(next)) = schedule.next(last) {
            if next > until {
                break;
            }
            planned.push(next);
            last = Some(next);
        }
    }
    fired.sort_unstable();
    if fired != planned {
        world.stage.violated("GEN-2", format!("planned were {planned:?}, fired were {fired:?}"));
    }
}
