//! The receiver of the project's webhooks.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{StepError, Webhooks};
use model::Project;
use tenant::{Reach, ReqwestTransport, SecretText, TransportSettings, Webhook};

use crate::{failure::Failure, project::ProjectFile};

/// The one project's receiver, if it names one.
pub(super) struct Receiver(Option<Webhook>);

impl Receiver {
    /// The receiver of a project file.
    pub(super) fn of(file: &ProjectFile, secret: Option<SecretText>) -> Result<Self, Failure> {
        let (Some(url), Some(secret)) = (file.webhook.webhook.clone(), secret) else {
            return Ok(Self(None));
        };
        let anywhere = file.network.private_webhooks;
        let settings = TransportSettings {
            reach: if anywhere { Reach::Anywhere } else { Reach::PublicOnly },
            ..super::reach(file)?
        };
        let transport = ReqwestTransport::new(&settings)
            .map_err(|error| Failure::input(format!("[network] {error}")))?;
        Ok(Self(Some(Webhook::new(url, secret, Arc::new(transport)))))
    }
}

#[async_trait]
impl Webhooks for Receiver {
    async fn of(&self, _project: &Project) -> Result<Option<Webhook>, StepError> {
        Ok(self.0.clone())
    }
}
