//! CUT-T10: optional. `off` does nothing, `continue` tells the user and goes on, `wait` is a gate
//! with a time limit, opened by the user's confirmation link, the API or the operator.

use std::collections::BTreeMap;

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, Wake, notify};
use jiff::SignedDuration;
use model::{Event, EventKind, OutlookGate};
use serde::{Deserialize, Serialize};

/// How the gate was passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GatePassed {
    opened: bool,
}

impl Receipt for GatePassed {
    const STEP: Step = Step::AwaitOutlookCutover;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let options = cx.profile().cutover;
    if options.outlook_gate == OutlookGate::Off {
        return Outcome::not_applicable("the profile has no Outlook gate");
    }
    let job = cx.job();
    let goes_on = options.outlook_gate == OutlookGate::Continue || job.gate_open;
    if !cx.is_plan() {
        let event = Event {
            kind: EventKind::ActionRequired,
            user: Some(cx.key().user.clone()),
            wave: cx.user().wave.clone(),
            job: Some(job.id.clone()),
            at: job.reached_at,
            details: BTreeMap::new(),
        };
        let failed = |error: engine::EngineError| StepError::retry("notify", error.to_string());
        let place = notify::raise(cx.host(), cx.key(), event).await.map_err(failed)?;
        let delivery =
            notify::deliver(cx.host(), &cx.key().into(), place.clone()).await.map_err(failed)?;
        // Nobody comes back to this step to try again, so the notifications' own queue does.
        if matches!(delivery, notify::Delivery::Later(_)) && goes_on {
            notify::enqueue(cx.host(), &cx.key().into(), &place).await.map_err(failed)?;
        }
    }
    if goes_on {
        return Outcome::done(&GatePassed { opened: job.gate_open });
    }
    let waited = cx.now().duration_since(job.reached_at);
    let limit = SignedDuration::try_from(options.gate_limit()).unwrap_or(SignedDuration::MAX);
    if waited >= limit {
        return Err(StepError::park(
            "gate_timed_out",
            format!("the user did not confirm within {} hours", options.gate_hours),
            "ask the user, then apply cutover again, or set the profile's outlook_gate to continue",
        ));
    }
    Ok(Outcome::Wait(Wake::Signal { why: "the user's confirmation".to_owned() }))
}
