//! Brings back jobs that have not moved for a while, and schedules that are missing, in every
//! project.

use serde::Serialize;

use crate::{Deployment, FunctionError, plan, polling};

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Swept {
    sent: usize,
}

/// Sweeps.
pub(crate) async fn sweep(deployment: &Deployment) -> Result<Swept, FunctionError> {
    let mut sent = 0;
    for scope in deployment.projects.all().await? {
        let stale = engine::STALE_AFTER;
        sent += engine::sweep(&deployment.host, &scope.customer, &scope.project, stale).await?;
        if let Err(error) = plan::project_all(deployment, &scope).await {
            tracing::warn!(%error, "starts that lie ahead could not be planned");
        }
    }
    if sent > 0 {
        tracing::info!(sent, "swept");
        polling::on(deployment).await?;
    }
    Ok(Swept { sent })
}
