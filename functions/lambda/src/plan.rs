//! The starts that lie ahead, one schedule each with the account's scheduler. The wave's record holds
//! the truth; a schedule is its projection, put again after each start and by the sweep. Whoever
//! comes first when a time is due, its schedule or the tick, starts it; the other finds it started.

use async_trait::async_trait;
use control::{Scope, waves};
use engine::records::{Loaded, load, load_all};
use jiff::Timestamp;
use model::{Action, Keys, Wave, WaveId};

use crate::{Deployment, FunctionError, StartWave, due::name_of};

/// A start that lies ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStart {
    /// The same for all times of one wave and action: `action-` and a short hash.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The wave's own time zone, IANA.
    pub zone: String,
    /// What the function that starts waves is sent.
    pub request: StartWave,
}

/// The account's scheduler.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Has a start made at its time, instead of the one of the same name. Says in words why it could
    /// not.
    async fn plan(&self, start: &PlannedStart) -> Result<(), String>;

    /// Forgets the start of this name, if there is one.
    async fn cancel(&self, name: &str) -> Result<(), String>;
}

/// The actions that may have a schedule (GEN-2), or be started by a file.
pub(crate) const PLANNED: [Action; 3] = [Action::Prepare, Action::Sync, Action::Cutover];

/// Makes the scheduler know the next start of a wave's action, as the wave's record says.
pub(crate) async fn project(
    deployment: &Deployment,
    scope: &Scope,
    wave: &WaveId,
    action: Action,
) -> Result<(), FunctionError> {
    let place = Keys::wave(&scope.customer, &scope.project, wave);
    let there: Option<Loaded<Wave>> = load(&*deployment.host.store, place).await?;
    match there {
        Some(there) => project_one(deployment, scope, &there.value, action).await,
        None => cancel(deployment, scope, wave, action).await,
    }
}

/// Does so for every wave of a project: what was lost is there again.
pub(crate) async fn project_all(
    deployment: &Deployment,
    scope: &Scope,
) -> Result<(), FunctionError> {
    let partition = Keys::project_partition(&scope.customer, &scope.project);
    for wave in load_all::<Wave>(&*deployment.host.store, &partition, Keys::WAVES).await? {
        for action in wave.value.schedules.keys() {
            project_one(deployment, scope, &wave.value, *action).await?;
        }
    }
    Ok(())
}

/// Takes all starts of a wave away.
pub(crate) async fn cancel_all(
    deployment: &Deployment,
    scope: &Scope,
    wave: &WaveId,
) -> Result<(), FunctionError> {
    for action in PLANNED {
        cancel(deployment, scope, wave, action).await?;
    }
    Ok(())
}

async fn project_one(
    deployment: &Deployment,
    scope: &Scope,
    wave: &Wave,
    action: Action,
) -> Result<(), FunctionError> {
    let next = waves::next_planned(wave, action)?;
    let zone = wave.schedules.get(&action).map(|schedule| schedule.zone.clone());
    let (Some(at), Some(zone)) = (next, zone) else {
        return cancel(deployment, scope, &wave.id, action).await;
    };
    if at <= deployment.host.clock.now() {
        // A scheduler takes no time that is over; the tick starts what is due.
        return Ok(());
    }
    let request = StartWave {
        customer: scope.customer.clone(),
        project: scope.project.clone(),
        wave: None,
        action: None,
        planned: None,
    };
    let start = PlannedStart { name: name(scope, &wave.id, action), at, zone, request };
    deployment.planner.plan(&start).await.map_err(FunctionError::Plan)
}

async fn cancel(
    deployment: &Deployment,
    scope: &Scope,
    wave: &WaveId,
    action: Action,
) -> Result<(), FunctionError> {
    let name = name(scope, wave, action);
    deployment.planner.cancel(&name).await.map_err(FunctionError::Plan)
}

fn name(scope: &Scope, wave: &WaveId, action: Action) -> String {
    format!("{action}-{}", name_of(&format!("{}\n{}\n{wave}", scope.customer, scope.project)))
}
