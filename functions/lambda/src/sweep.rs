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
    failed: usize,
}

/// Sweeps.
pub(crate) async fn sweep(deployment: &Deployment) -> Result<Swept, FunctionError> {
    let host = &deployment.host;
    let (mut sent, mut failed) = (0, 0);
    for scope in turns::in_turn(deployment.projects.all().await?, host) {
        match turns::apart(host, &scope, bring_back(deployment, &scope).boxed()).await {
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

async fn bring_back(deployment: &Deployment, scope: &Scope) -> Result<usize, FunctionError> {
    if let Err(error) = plan::project_all(deployment, scope).await {
        tracing::warn!(whose = %scope, %error, "starts that lie ahead could not be planned");
    }
    let (host, stale) = (&deployment.host, engine::STALE_AFTER);
    Ok(engine::sweep(host, &scope.customer, &scope.project, stale).await?)
}
