//! The project's scripts on this machine: the published versions run, the files are drafts.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use control::scripts::Draft;
use engine::{ScriptPins, Scripts, StepError, StoredScripts};
use model::{Keys, Project, PublishedScript, ScriptKind};
use ports::{Clock, Store};
use scripting::{DataSet, Mapping, Notifications, WorkerPool};

use crate::{failure::Failure, project::ProjectFile, reading};

/// Script processes at the same time.
const SCRIPT_WORKERS: usize = 2;

/// The published scripts, and a word with whoever has written one and not published it.
pub(super) struct ProjectScripts {
    stored: StoredScripts,
    store: Arc<dyn Store>,
    /// The kinds for which the project file names a script.
    drafted: Vec<(ScriptKind, PathBuf)>,
}

impl ProjectScripts {
    /// The scripts of a project file, over its store.
    pub(super) fn open(
        file: &ProjectFile,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        // Customers' scripts run in processes of their own: without environment and credentials,
        // with limits, and free to die alone.
        let program = std::env::current_exe()?;
        let workers = WorkerPool::new(program, ["script", "worker"], SCRIPT_WORKERS);
        let workers = Some(Arc::new(workers));
        let drafted = ScriptKind::ALL
            .into_iter()
            .filter_map(|kind| Some((kind, file.scripts.path(kind)?.to_owned())));
        Ok(Self {
            drafted: drafted.collect(),
            stored: StoredScripts::new(Arc::clone(&store), clock, file.scripts.budget(), workers),
            store,
        })
    }
}

#[async_trait]
impl Scripts for ProjectScripts {
    async fn current(&self, project: &Project) -> Result<ScriptPins, StepError> {
        for (kind, path) in &self.drafted {
            let place = Keys::published_script(&project.customer, &project.id, *kind);
            let published = engine::records::load::<PublishedScript>(&*self.store, place).await;
            if matches!(published, Ok(None)) {
                return Err(StepError::park(
                    "script_unpublished",
                    format!("the project file names {}, which is not published", path.display()),
                    "run `crosswave script publish`, or take it out of [scripts]",
                ));
            }
        }
        self.stored.current(project).await
    }

    async fn keep(&self, project: &Project, pins: &ScriptPins) -> Result<(), StepError> {
        self.stored.keep(project, pins).await
    }

    async fn mapping(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        self.stored.mapping(project, pins).await
    }

    async fn notifications(
        &self,
        project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        self.stored.notifications(project, pins).await
    }

    async fn disable(
        &self,
        project: &Project,
        kind: ScriptKind,
        pins: &ScriptPins,
        why: &str,
    ) -> Result<(), StepError> {
        self.stored.disable(project, kind, pins, why).await
    }
}

/// The draft of a kind that the project file names, with its tables and the tests beside it.
pub(crate) fn draft(file: &ProjectFile, kind: ScriptKind) -> Result<Option<Draft>, Failure> {
    let Some(path) = file.scripts.path(kind) else { return Ok(None) };
    let folder = file.path.parent().unwrap_or_else(|| Path::new(""));
    let path = folder.join(path);
    let tests = path.with_extension("tests.toml");
    let tests =
        if tests.exists() { Some((tests.display().to_string(), read(&tests)?)) } else { None };
    let tables = file
        .scripts
        .tables
        .iter()
        .map(|(name, path)| Ok(DataSet { name: name.clone(), csv: read(&folder.join(path))? }));
    Ok(Some(Draft {
        kind,
        name: path.display().to_string(),
        text: read(&path)?,
        library: reading::library(&path)
            .map_err(|error| Failure::input(format!("[scripts]: {error}")))?,
        tables: tables.collect::<Result<_, Failure>>()?,
        budget: file.scripts.budget(),
        tests,
        worker: Some((std::env::current_exe()?, ["script", "worker"].map(OsString::from).into())),
    }))
}

fn read(path: &Path) -> Result<String, Failure> {
    reading::text(path).map_err(|error| {
        Failure::input(format!("[scripts]: {} cannot be read: {error}", path.display()))
    })
}
