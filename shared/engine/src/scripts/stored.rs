//! Scripts from the store: the version in force, and every version that something has pinned.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use model::{Keys, Project, PublishedScript, ScriptKind, ScriptVersion};
use ports::{Clock, CommitError, Store};
use scripting::{Budget, Diagnostic, Mapping, Notifications, Script, ScriptOptions, WorkerPool};

use super::{
    ScriptPins, Scripts,
    records::{load_library, load_tables, load_version, put_version, shipped_version},
};
use crate::{
    StepError,
    context::internal,
    records::{Batch, EngineError, Loaded, load},
};

/// The scripts of every project of a store.
///
/// What is pinned is in the store, the shipped scripts too, so that a job goes on with its version
/// whatever this program ships by then. Compiled versions are kept.
pub struct StoredScripts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    budget: Budget,
    /// Where customers' scripts run; in this process when there is none (in tests).
    workers: Option<Arc<WorkerPool>>,
    ready: Mutex<BTreeMap<String, Compiled>>,
    /// Shipped versions that are known to be in the store.
    kept: Mutex<BTreeSet<String>>,
}

#[derive(Clone)]
enum Compiled {
    Mapping(Arc<Mapping>),
    Notifications(Arc<Notifications>),
}

impl StoredScripts {
    /// Scripts of this store. A customer's script gets `budget` for each call.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        budget: Budget,
        workers: Option<Arc<WorkerPool>>,
    ) -> Self {
        let (ready, kept) = (Mutex::default(), Mutex::default());
        Self { store, clock, budget, workers, ready, kept }
    }

    /// The hash of the version in force.
    async fn in_force(&self, project: &Project, kind: ScriptKind) -> Result<String, StepError> {
        let place = Keys::published_script(&project.customer, &project.id, kind);
        let published: Option<Loaded<PublishedScript>> =
            load(&*self.store, place).await.map_err(internal)?;
        if let Some(current) = published.as_ref().and_then(|head| head.value.current()) {
            return Ok(current.hash.clone());
        }
        Ok(shipped_version(kind, self.clock.now()).hash)
    }

    async fn pinned(
        &self,
        project: &Project,
        kind: ScriptKind,
        pins: &ScriptPins,
    ) -> Result<Compiled, StepError> {
        let hash = match pins.get(kind.name()) {
            Some(hash) => hash.clone(),
            // A job of a release that did not pin this kind.
            None => self.in_force(project, kind).await?,
        };
        let name = kept_name(project, kind, &hash);
        let known = self.locked().get(&name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        if let Some(shipped) = shipped(kind, &hash) {
            return Ok(shipped);
        }
        let version = load_version(&*self.store, project, kind, &hash).await.map_err(internal)?;
        let version = version.ok_or_else(|| missing(kind, &hash))?.value;
        if let Some(why) = &version.disabled {
            return Err(disabled(kind, &hash, why));
        }
        let compiled = self.compile(project, &version).await?;
        self.locked().insert(name, compiled.clone());
        Ok(compiled)
    }

    async fn compile(
        &self,
        project: &Project,
        version: &ScriptVersion,
    ) -> Result<Compiled, StepError> {
        let tables = load_tables(&*self.store, project, version).await.map_err(internal)?;
        let library = load_library(&*self.store, project, version).await.map_err(internal)?;
        let budget = self.budget;
        let options = ScriptOptions { budget, tables, library, ..ScriptOptions::default() };
        let unusable = |faults: Vec<Diagnostic>| unusable(version, &faults);
        let script =
            Script::compile_with(&version.name, &version.text, options).map_err(unusable)?;
        let workers = self.workers.as_ref().map(|pool| pool.of(project.customer.as_str()));
        Ok(match version.kind {
            ScriptKind::Mapping => {
                let base = version
                    .base
                    .as_ref()
                    .map(|base| Script::compile(&base.name, &base.text).map_err(unusable));
                let mapping = Mapping::over(script, base.transpose()?).map_err(unusable)?;
                Compiled::Mapping(Arc::new(match workers {
                    Some(workers) => mapping.isolated(workers),
                    None => mapping,
                }))
            }
            ScriptKind::Notifications => {
                let script = Notifications::of(script).map_err(unusable)?;
                Compiled::Notifications(Arc::new(match workers {
                    Some(workers) => script.isolated(workers),
                    None => script,
                }))
            }
        })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Compiled>> {
        // Every change is one insertion or removal: a panic elsewhere leaves a whole map.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a project's version in the memory of a process.
fn kept_name(project: &Project, kind: ScriptKind, hash: &str) -> String {
    format!("{}#{}#{kind}#{hash}", project.customer, project.id)
}

/// The script that this release ships, which needs no compiling and no process of its own.
fn shipped(kind: ScriptKind, hash: &str) -> Option<Compiled> {
    match kind {
        ScriptKind::Mapping => {
            let standard = Mapping::standard();
            (standard.hash() == hash).then(|| Compiled::Mapping(Arc::new(standard)))
        }
        ScriptKind::Notifications => {
            let standard = Notifications::standard();
            (standard.script().hash() == hash).then(|| Compiled::Notifications(Arc::new(standard)))
        }
    }
}

fn missing(kind: ScriptKind, hash: &str) -> StepError {
    StepError::park(
        "script_missing",
        format!("version {} of the {kind} script is not in the store", short(hash)),
        "apply the action again: it then uses the version in force",
    )
}

fn disabled(kind: ScriptKind, hash: &str, why: &str) -> StepError {
    StepError::park(
        "R020",
        format!("version {} of the {kind} script is disabled: {why}", short(hash)),
        "publish a corrected script, or go back with `crosswave script rollback`; a wave that has \
         begun takes it with `crosswave script pin --wave WAVE`",
    )
}

fn unusable(version: &ScriptVersion, faults: &[Diagnostic]) -> StepError {
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    StepError::park(
        "script_unusable",
        format!(
            "version {} was good when it was published: {}",
            short(&version.hash),
            text.join("; ")
        ),
        "publish a script that passes `crosswave script check`, then apply the action again",
    )
}

/// The first letters of a hash, as people read it.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[async_trait]
impl Scripts for StoredScripts {
    async fn current(&self, project: &Project) -> Result<ScriptPins, StepError> {
        let mut pins = ScriptPins::new();
        for kind in ScriptKind::ALL {
            pins.insert(kind.name().to_owned(), self.in_force(project, kind).await?);
        }
        Ok(pins)
    }

    async fn keep(&self, project: &Project, pins: &ScriptPins) -> Result<(), StepError> {
        for kind in ScriptKind::ALL {
            let shipped = shipped_version(kind, self.clock.now());
            if pins.get(kind.name()) != Some(&shipped.hash) {
                continue;
            }
            let name = kept_name(project, kind, &shipped.hash);
            if self.kept().contains(&name) {
                continue;
            }
            put_version(&*self.store, project, &shipped, &ScriptOptions::default())
                .await
                .map_err(internal)?;
            self.kept().insert(name);
        }
        Ok(())
    }

    async fn mapping(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        match self.pinned(project, ScriptKind::Mapping, pins).await? {
            Compiled::Mapping(mapping) => Ok(mapping),
            // The kind is part of the name under which it is kept.
            Compiled::Notifications(_) => Err(missing(ScriptKind::Mapping, "")),
        }
    }

    async fn notifications(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        match self.pinned(project, ScriptKind::Notifications, pins).await? {
            Compiled::Notifications(script) => Ok(script),
            Compiled::Mapping(_) => Err(missing(ScriptKind::Notifications, "")),
        }
    }

    async fn disable(
        &self,
        project: &Project,
        kind: ScriptKind,
        pins: &ScriptPins,
        why: &str,
    ) -> Result<(), StepError> {
        let Some(hash) = pins.get(kind.name()) else { return Ok(()) };
        loop {
            let version = load_version(&*self.store, project, kind, hash).await;
            let Some(mut version) = version.map_err(internal)? else { return Ok(()) };
            if version.value.disabled.is_some() || version.value.shipped {
                return Ok(());
            }
            version.value.disabled = Some(why.to_owned());
            let place = Keys::script_version(&project.customer, &project.id, kind, hash);
            let mut batch = Batch::new();
            batch.put(place, &version.value, version.version).map_err(internal)?;
            match batch.commit(&*self.store).await {
                Ok(()) => break,
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(internal(EngineError::from(error))),
            }
        }
        let name = kept_name(project, kind, hash);
        self.locked().remove(&name);
        Ok(())
    }
}
