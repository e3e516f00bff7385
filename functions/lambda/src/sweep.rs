//! Brings back jobs that have not moved for a while, and schedules that are missing, in every
//! project.

use control::Scope;
use futures_util::FutureExt;
use serde::Serialize;

use crate::{Deployment, FunctionError, plan, polling, turns};

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Swept {
    sent: usize,
    /// Projects of which something failed, or took too long.
    #[serde(rename = "Neglected")]
    failed: usize,
}

/// Sweeps.
pub(crate) async fn sweep(deployment: &Deployment) -> Result<Swept, FunctionError> {
    let host = &deployment.host;
    // Polling goes off when nothing is in flight and everything is told: then nothing can be missing, and the
    // notifications of years need not be read.
    let is_off = polling::said(deployment).await?.is_off();
    let (mut sent, mut failed) = (0, 0);
    for scope in turns::in_turn(deployment.projects.all().await?, host) {
        match turns::apart(host, &scope, bring_back(deployment, &scope, is_off).boxed()).await {
            Some(some) => sent += some,
            None => failed += 1,
        }
    }
    if sent > 0 {
        tracing::info!(sent, "swept");
        polling::on(deployment).await?;
    }
    Ok(Swept { sent, failed })
}

async fn bring_back(
    deployment: &Deployment,
    scope: &Scope,
    is_off: bool,
) -> Result<usize, FunctionError> {
    if let Err(error) = plan::project_all(deployment, scope).await {
        tracing::warn!(whose = %scope, %error, "starts that lie ahead could not be planned");
    }
    if is_off {
        return Ok(0);
    }
    let (host, stale) = (&deployment.host, engine::STALE_AFTER);
    Ok(engine::sweep(host, &scope.customer, &scope.project, stale).await?)
}
