//! Where a project's webhooks go: to the receiver that its secret names.

use std::sync::Arc;

use async_trait::async_trait;
use aws::{ConnectionError, Connections};
use engine::{StepError, Webhooks};
use model::Project;
use ports::Transport;
use tenant::Webhook;

/// The receivers, each by the secret `STACK/CUSTOMER/PROJECT/webhook`.
pub(crate) struct StoredWebhooks {
    pub(crate) connections: Connections,
    pub(crate) stack: String,
    pub(crate) transport: Arc<dyn Transport>,
}

#[async_trait]
impl Webhooks for StoredWebhooks {
    async fn of(&self, project: &Project) -> Result<Option<Webhook>, StepError> {
        let name = format!("{}/{}/{}/webhook", self.stack, project.customer, project.id);
        let found = self.connections.webhook(&name).await.map_err(|error| match error {
            ConnectionError::Unavailable(text) => StepError::retry("webhook", text),
            ConnectionError::Unusable(text) => {
                StepError::park("webhook", text, "mend the secret, then apply the step again")
            }
        })?;
        Ok(found.map(|(url, secret)| Webhook::new(url, secret, Arc::clone(&self.transport))))
    }
}
