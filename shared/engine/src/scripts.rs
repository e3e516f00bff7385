//! Where a project's scripts come from.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use model::Project;
use scripting::{Mapping, Notifications, ScriptError};

use crate::StepError;

/// The script versions of a job: kind (`mapping`, `notifications`) to content hash.
pub type ScriptPins = BTreeMap<String, String>;

/// The customers' scripts, compiled. Scripts themselves are pure and see no port.
#[async_trait]
pub trait Scripts: Send + Sync {
    /// The versions that a job which starts now is to use throughout.
    async fn current(&self, project: &Project) -> Result<ScriptPins, StepError>;

    /// The mapping of the pinned version.
    async fn mapping(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError>;

    /// The notifications of the pinned version.
    async fn notifications(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError>;
}

/// A script's error parks its user; nothing has been written (the plan comes before the writes).
pub(crate) fn script_error(error: &ScriptError) -> StepError {
    StepError::park(
        error.diagnostic.code.as_str(),
        error.diagnostic.to_string(),
        error.diagnostic.help.clone().unwrap_or_else(|| {
            "correct the script or the source value, then apply it again".into()
        }),
    )
}
