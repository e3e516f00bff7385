//! Where a project's scripts come from.

mod records;
mod stored;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use model::{Project, ScriptKind, User, UserKey};
use scripting::{Mapping, Notifications, ScriptError};

pub use records::{load_tables, load_version, put_version, shipped_version, version_of};
pub use stored::StoredScripts;

use crate::{
    Host, StepError,
    context::internal,
    records::{EngineError, Loaded, load},
};

/// The script versions of a job: kind (`mapping`, `notifications`) to content hash.
pub type ScriptPins = BTreeMap<String, String>;

/// The customers' scripts, compiled. Scripts themselves are pure and see no port.
#[async_trait]
pub trait Scripts: Send + Sync {
    /// The versions that a job which starts now is to use throughout.
    async fn current(&self, project: &Project) -> Result<ScriptPins, StepError>;

    /// Keeps what is pinned, so that its job goes on with it whatever is shipped by then.
    async fn keep(&self, project: &Project, pins: &ScriptPins) -> Result<(), StepError>;

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

    /// The pinned version broke its worker: it runs for nobody any more, also after a restart.
    async fn disable(
        &self,
        project: &Project,
        kind: ScriptKind,
        pins: &ScriptPins,
        why: &str,
    ) -> Result<(), StepError>;
}

/// The versions that a job of this user is to use: those that his wave began with, else the present
/// ones.
pub async fn pins_of(
    host: &Host,
    project: &Project,
    user: &User,
    key: &UserKey,
) -> Result<ScriptPins, StepError> {
    if let Some(wave) = wave_of(host, user, key).await.map_err(internal)?
        && !wave.value.scripts.is_empty()
    {
        return Ok(wave.value.scripts);
    }
    host.scripts.current(project).await
}

/// The user's wave, if he has one.
pub(crate) async fn wave_of(
    host: &Host,
    user: &User,
    key: &UserKey,
) -> Result<Option<Loaded<model::Wave>>, EngineError> {
    let Some(wave) = &user.wave else { return Ok(None) };
    load(&*host.store, model::Keys::wave(&key.customer, &key.project, wave)).await
}

/// What becomes of a script's error: its user is parked, and a version that broke its worker is
/// disabled for everybody.
pub(crate) async fn after_script_error(
    host: &Host,
    project: &Project,
    kind: ScriptKind,
    pins: &ScriptPins,
    error: &ScriptError,
) -> StepError {
    if error.disables_version() {
        let why = error.diagnostic.message.as_str();
        if let Err(failed) = host.scripts.disable(project, kind, pins, why).await {
            return failed;
        }
    }
    script_error(error)
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
