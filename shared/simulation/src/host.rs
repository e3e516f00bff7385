//! What a host gives the engine besides ports: tenants behind the simulator, scripts that change.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use engine::{ScriptPins, Scripts, StepError, TenantPair, Tenants};
use model::{Project, ScriptKind};
use scripting::{Mapping, Notifications};

pub(crate) struct SimulatedTenants {
    pub(crate) pair: TenantPair,
}

#[async_trait]
impl Tenants for SimulatedTenants {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Ok(self.pair.clone())
    }

    fn requests(&self, _project: &Project) -> u64 {
        self.pair.source.requests() + self.pair.target.requests()
    }
}

/// A customer's second thoughts: the shipped mapping with another department.
const CHANGED: &str = "// crosswave-api: 1
fn map_user(source, target, ctx) {
    target.department = \"Moved\";
}
";

/// Mapping and notifications; the mapping may be published anew in the middle.
pub(crate) struct SwitchedScripts {
    published: Mutex<Vec<Arc<Mapping>>>,
    notifications: Arc<Notifications>,
}

/// Compiled once a process: the scripts are the same in every run.
fn compiled() -> &'static (Arc<Mapping>, Arc<Mapping>, Arc<Notifications>) {
    static COMPILED: OnceLock<(Arc<Mapping>, Arc<Mapping>, Arc<Notifications>)> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let standard = Arc::new(Mapping::standard());
        let changed = Mapping::compile("changed.rhai", CHANGED).map(Arc::new);
        let changed = changed.unwrap_or_else(|_faults| Arc::clone(&standard));
        (standard, changed, Arc::new(Notifications::standard()))
    })
}

impl SwitchedScripts {
    pub(crate) fn new() -> Self {
        let (standard, _, notifications) = compiled();
        Self {
            published: Mutex::new(vec![Arc::clone(standard)]),
            notifications: Arc::clone(notifications),
        }
    }

    /// Publishes the other mapping.
    pub(crate) fn publish(&self) {
        let (standard, changed, _) = compiled();
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if published.len().is_multiple_of(2) { standard } else { changed };
        published.push(Arc::clone(next));
    }

    fn latest(&self) -> Arc<Mapping> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.last().map_or_else(|| Arc::clone(&compiled().0), Arc::clone)
    }
}

#[async_trait]
impl Scripts for SwitchedScripts {
    async fn current(&self, _project: &Project) -> Result<ScriptPins, StepError> {
        let notifications = self.notifications.script().hash().to_owned();
        Ok(BTreeMap::from([
            ("mapping".to_owned(), self.latest().hash()),
            ("notifications".to_owned(), notifications),
        ]))
    }

    async fn keep(&self, _project: &Project, _pins: &ScriptPins) -> Result<(), StepError> {
        Ok(())
    }

    async fn mapping(
        &self,
        _project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        let (standard, changed, _) = compiled();
        let pinned = pins.get("mapping");
        let found = [standard, changed].into_iter().find(|one| Some(&one.hash()) == pinned);
        found
            .map(Arc::clone)
            .ok_or_else(|| StepError::park("script", "the job's mapping is not there", "report it"))
    }

    async fn notifications(
        &self,
        _project: &Project,
        _pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        Ok(Arc::clone(&self.notifications))
    }

    async fn disable(
        &self,
        _project: &Project,
        _kind: ScriptKind,
        _pins: &ScriptPins,
        _why: &str,
    ) -> Result<(), StepError> {
        Ok(())
    }
}
