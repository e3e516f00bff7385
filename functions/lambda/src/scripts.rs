//! The scripts of a deployment: the shipped ones.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use engine::{ScriptPins, Scripts, StepError};
use model::Project;
use scripting::{Mapping, Notifications};

const MAPPING: &str = "mapping";
const NOTIFICATIONS: &str = "notifications";

/// The shipped mapping and the shipped notifications.
pub(crate) struct Shipped;

fn unknown(kind: &str, hash: &str) -> StepError {
    StepError::park(
        "script_missing",
        format!("the {kind} script of this job, {hash}, is not in this deployment"),
        "apply the action again: it then uses the present script",
    )
}

#[async_trait]
impl Scripts for Shipped {
    async fn current(&self, _project: &Project) -> Result<ScriptPins, StepError> {
        Ok(BTreeMap::from([
            (MAPPING.to_owned(), Mapping::standard().hash()),
            (NOTIFICATIONS.to_owned(), Notifications::standard().script().hash().to_owned()),
        ]))
    }

    async fn mapping(
        &self,
        _project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        let standard = Mapping::standard();
        match pins.get(MAPPING) {
            Some(hash) if *hash != standard.hash() => Err(unknown(MAPPING, hash)),
            _ => Ok(Arc::new(standard)),
        }
    }

    async fn notifications(
        &self,
        _project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        let standard = Notifications::standard();
        match pins.get(NOTIFICATIONS) {
            Some(hash) if hash != standard.script().hash() => Err(unknown(NOTIFICATIONS, hash)),
            _ => Ok(Arc::new(standard)),
        }
    }
}
