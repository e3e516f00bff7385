//! GEN-2: schedules fire each planned time exactly once.
//!
//! Firing is one commit: the wave's mark moves to the planned time and the run for that time is
//! created, both or neither. A second host that fires the same time loses the commit.

use engine::{
    Host,
    records::{Batch, EngineError, load_all},
};
use jiff::Timestamp;
use model::{Action, Keys, Schedule, Wave, WaveId, WaveRun};
use ports::CommitError;
use serde::Serialize;

use crate::{ControlError, Scope};

/// A planned time that has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// The wave.
    pub wave: WaveId,
    /// The action.
    pub action: Action,
    /// The time.
    pub planned: Timestamp,
}

/// The actions that can be scheduled (GEN-2).
const SCHEDULABLE: [Action; 3] = [Action::Prepare, Action::Sync, Action::Cutover];

/// Sets, replaces or (with `None`) takes away the schedule of an action. Times that are over when it
/// is set do not fire.
pub async fn set_schedule(
    host: &Host,
    scope: &Scope,
    wave: &WaveId,
    action: Action,
    schedule: Option<Schedule>,
) -> Result<(), ControlError> {
    if !SCHEDULABLE.contains(&action) {
        return Err(ControlError::Input(format!(
            "{action} cannot be scheduled; prepare, sync and cutover can"
        )));
    }
    if let Some(schedule) = &schedule {
        schedule.validate()?;
        if schedule.repeat.is_some() && action != Action::Sync {
            return Err(ControlError::Input(format!("{action} happens once; only a sync repeats")));
        }
    }
    let now = host.clock.now();
    loop {
        let mut wave = scope.load_wave(host, wave).await?;
        match &schedule {
            Some(schedule) => {
                wave.value.schedules.insert(action, schedule.clone());
                // Only what lies ahead fires; a moment before now leaves "now" itself to fire.
                let before = now.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(now);
                wave.value.fired.insert(action, before);
            }
            None => {
                wave.value.schedules.remove(&action);
                wave.value.fired.remove(&action);
            }
        }
        let mut batch = Batch::new();
        batch.put(scope.wave(&wave.value.id), &wave.value, wave.version)?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The next planned time of an action; `None` when there is no more.
pub fn next_planned(wave: &Wave, action: Action) -> Result<Option<Timestamp>, ControlError> {
    Ok(wave.next_planned(action)?)
}

/// Fires what is due at `now`. Of several missed times of a repeated sync the last one fires: a
/// host that was off over the week-end does not sync three times in a row.
pub async fn tick(host: &Host, scope: &Scope, now: Timestamp) -> Result<Vec<Fired>, ControlError> {
    let mut fired = Vec::new();
    let waves = load_all::<Wave>(&*host.store, &scope.partition(), Keys::WAVES).await?;
    for mut wave in waves {
        let actions: Vec<Action> = wave.value.schedules.keys().copied().collect();
        for action in actions {
            let Some(planned) = due(&wave.value, action, now)? else { continue };
            wave.value.fired.insert(action, planned);
            let run = new_run(&wave.value.id, action, planned, false);
            let mut batch = Batch::new();
            batch.put(scope.wave(&wave.value.id), &wave.value, wave.version)?;
            batch.put(run_place(scope, &run), &run, 0)?;
            match batch.commit(&*host.store).await {
                Ok(()) => {
                    wave.version += 1;
                    fired.push(Fired { wave: wave.value.id.clone(), action, planned });
                }
                // Another host fired it, or the operator changed the wave: the next tick looks again.
                Err(CommitError::Conflict { .. }) => break,
                Err(error) => return Err(EngineError::from(error).into()),
            }
        }
    }
    Ok(fired)
}

/// The latest planned time that is due and has not fired.
fn due(wave: &Wave, action: Action, now: Timestamp) -> Result<Option<Timestamp>, ControlError> {
    let Some(schedule) = wave.schedules.get(&action) else { return Ok(None) };
    let mut last = wave.fired.get(&action).copied();
    let mut due = None;
    while let Some(next) = schedule.next(last)?.filter(|next| *next <= now) {
        due = Some(next);
        last = Some(next);
    }
    Ok(due)
}

pub(super) fn new_run(wave: &WaveId, action: Action, planned: Timestamp, force: bool) -> WaveRun {
    WaveRun {
        wave: wave.clone(),
        action,
        planned,
        force,
        cursor: None,
        started: 0,
        refused: Vec::new(),
        done: false,
        reported: false,
    }
}

/// `R#wave#action#planned`: one record per planned time.
pub(super) fn run_place(scope: &Scope, run: &WaveRun) -> (String, String) {
    let sort = format!("{}{}#{}#{}", Keys::WAVE_RUNS, run.wave, run.action, run.planned);
    (scope.partition(), sort)
}
