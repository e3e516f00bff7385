//! CUT-S7: the final notification, with the text of the notification script. Also the action
//! `send-cutover-email` (CUT-2), which is a job of this one step.
//!
//! After this step no copy runs for the user (CUT-3).

use std::{collections::BTreeMap, ops::ControlFlow};

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, Wake, notify};
use model::{DeliveryState, Event, EventKind, JobKind};
use serde::{Deserialize, Serialize};

/// The notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notified {
    delivery: DeliveryState,
}

impl Receipt for Notified {
    const STEP: Step = Step::NotifyUser;
}

/// Who has not got everything is held (SYN-4). What the copy has reported already is judged by the profile's
/// limit of bad items (SYN-5), and not here again.
fn held(report: &sync::VerifyReport) -> Option<StepError> {
    let open: Vec<&sync::Difference> =
        report.differences.iter().filter(|it| !it.reason.is_reported()).collect();
    let first = open.first()?;
    let more = open.len().saturating_sub(1);
    let others = if more > 0 { format!(", and {more} more") } else { String::new() };
    let message = format!(
        "the target lacks or differs in `{}` in {}: {}{others}",
        first.name, first.place, first.detail
    );
    let advice = format!(
        "apply `verify` to this user for the whole list; {}",
        first.reason.before_cutover()
    );
    Some(StepError::park("verification", message, advice))
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan sends no mail");
    }
    let job = cx.job();
    if job.kind == JobKind::Cutover && cx.profile().cutover.verify_first {
        let report = match sync::verify(cx).await? {
            ControlFlow::Break(report) => report,
            ControlFlow::Continue(wake) => return Ok(Outcome::Wait(wake)),
        };
        held(&report).map_or(Ok(()), Err)?;
    }
    let event = Event {
        kind: EventKind::CutoverComplete,
        user: Some(cx.key().user.clone()),
        wave: cx.user().wave.clone(),
        job: Some(job.id.clone()),
        at: job.started_at,
        details: BTreeMap::new(),
    };
    let failed = |error: engine::EngineError| StepError::retry("notify", error.to_string());
    let place = notify::raise(cx.host(), cx.key(), event).await.map_err(failed)?;
    match notify::deliver(cx.host(), &cx.key().into(), place).await.map_err(failed)? {
        notify::Delivery::Later(delay) => {
            let why = "the notification to be accepted".to_owned();
            Ok(Outcome::Wait(Wake::After { delay, why }))
        }
        notify::Delivery::Over(delivery) => {
            let warnings = match &delivery {
                DeliveryState::Failed { why } => vec![format!("not sent: {why}")],
                DeliveryState::Uncertain => {
                    vec!["it may have been sent: the process ended while it was being sent".into()]
                }
                _ => Vec::new(),
            };
            Outcome::done_with(&Notified { delivery }, warnings)
        }
    }
}
