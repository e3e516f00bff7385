//! Starts a wave: asked for by a schedule, an event on the bus, or the API.
//!
//! Each planned time starts once: its run is a record whose key holds wave, action and time, created
//! if it is not there. An event that is delivered twice has one time.

use control::{Scope, waves};
use jiff::Timestamp;
use model::{Action, CustomerId, ProjectId, WaveId};
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::{Deployment, FunctionError, plan, polling};

/// What is to be started. `action` and `wave` are left out by a schedule: it says that something of
/// the project is due, and the wave's own record knows what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartWave {
    /// Whose.
    pub customer: CustomerId,
    /// Which project.
    pub project: ProjectId,
    /// Which wave.
    #[serde(default)]
    pub wave: Option<WaveId>,
    /// What is done with it: `prepare`, `sync` or `cutover`.
    #[serde(default)]
    pub action: Option<Action>,
    /// For which time; the event's own when it says nothing.
    #[serde(default)]
    pub planned: Option<Timestamp>,
}

/// An event of this function: a plain request, or one of the bus around it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum StartEvent {
    OfBus { time: Timestamp, detail: StartWave },
    Plain(StartWave),
}

/// What was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Started {
    /// Users that were started.
    pub(crate) started: u32,
    /// Users that were refused, in words.
    pub(crate) refused: Vec<String>,
}

/// Starts what an event asks for.
pub(crate) async fn start(
    deployment: &Deployment,
    event: StartEvent,
) -> Result<Started, FunctionError> {
    let (request, time) = match event {
        StartEvent::OfBus { time, detail } => (detail, Some(time)),
        StartEvent::Plain(request) => (request, None),
    };
    let scope = Scope { customer: request.customer, project: request.project };
    let span = tracing::info_span!(
        "start",
        customer = %scope.customer,
        project = %scope.project,
        wave = request.wave.as_ref().map(display),
    );
    start_in(deployment, &scope, (request.wave, request.action), request.planned.or(time))
        .instrument(span)
        .await
}

async fn start_in(
    deployment: &Deployment,
    scope: &Scope,
    what: (Option<WaveId>, Option<Action>),
    planned: Option<Timestamp>,
) -> Result<Started, FunctionError> {
    let host = &deployment.host;
    // Polling first: once a baton is sent, somebody must look.
    polling::on(deployment).await?;
    match what {
        (Some(wave), Some(action)) => {
            let planned = planned.unwrap_or_else(|| host.clock.now());
            let run = waves::start_run_at(host, scope, &wave, action, (planned, false)).await?;
            let done = waves::expand(host, scope, &run).await?;
            Ok(Started { started: done.started, refused: done.refused })
        }
        (None, None) => fire(deployment, scope).await,
        _ => Err(FunctionError::Event {
            function: "control.start_wave",
            text: "`wave` and `action` belong together".to_owned(),
        }),
    }
}

/// Fires what is due in a project, and works off every run that is not.
pub(crate) async fn fire(deployment: &Deployment, scope: &Scope) -> Result<Started, FunctionError> {
    let host = &deployment.host;
    for fired in waves::tick(host, scope, host.clock.now()).await? {
        tracing::info!(wave = %fired.wave, action = %fired.action, planned = %fired.planned, "fired");
        // The next time of the same action. What cannot be planned stops no start; the sweep mends it.
        if let Err(error) = plan::project(deployment, scope, &fired.wave, fired.action).await {
            tracing::warn!(%error, wave = %fired.wave, "the next start could not be planned");
        }
    }
    let mut all = Started::default();
    let runs = waves::pending_runs(host, scope).await?;
    if !runs.is_empty() {
        polling::on(deployment).await?;
    }
    for run in runs {
        let done = waves::expand(host, scope, &run).await?;
        all.started += done.started;
        all.refused.extend(done.refused);
    }
    Ok(all)
}
