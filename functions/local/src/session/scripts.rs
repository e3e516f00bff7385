//! Scripts from files. A version that a job has pinned is kept beside the database, so that a user
//! in flight finishes with the script that he started with.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use engine::{ScriptPins, Scripts, StepError};
use model::Project;
use scripting::{Diagnostic, Mapping, Notifications, WorkerPool};

use crate::{failure::Failure, project::ProjectFile};

const MAPPING: &str = "mapping";
const NOTIFICATIONS: &str = "notifications";

/// The scripts of one project file.
pub(super) struct FileScripts {
    mapping: Arc<Mapping>,
    notifications: Arc<Notifications>,
    kept: PathBuf,
    /// Customers' scripts run in processes of their own: without environment and credentials, with
    /// limits, and free to die alone.
    workers: Arc<WorkerPool>,
}

/// Script processes at the same time.
const SCRIPT_WORKERS: usize = 2;

impl FileScripts {
    /// Reads, checks and keeps the present versions.
    pub(super) fn open(file: &ProjectFile) -> Result<Self, Failure> {
        let folder = file.path.parent().unwrap_or_else(|| Path::new(""));
        let kept = file.state.with_extension("scripts");
        let program = std::env::current_exe()?;
        let workers = Arc::new(WorkerPool::new(program, ["script", "worker"], SCRIPT_WORKERS));
        let mapping = match &file.scripts.mapping {
            None => Mapping::standard(),
            Some(path) => {
                let (name, text) = read(&folder.join(path))?;
                keep(&kept, &text, Mapping::compile(&name, &text), Mapping::hash)?
                    .isolated(Arc::clone(&workers))
            }
        };
        let notifications = match &file.scripts.notifications {
            None => Notifications::standard(),
            Some(path) => {
                let (name, text) = read(&folder.join(path))?;
                let compiled = Notifications::compile(&name, &text);
                keep(&kept, &text, compiled, |script| script.script().hash().to_owned())?
                    .isolated(Arc::clone(&workers))
            }
        };
        Ok(Self {
            mapping: Arc::new(mapping),
            notifications: Arc::new(notifications),
            kept,
            workers,
        })
    }

    /// The text of a version that an earlier start has kept.
    fn kept(&self, kind: &str, hash: &str) -> Result<String, StepError> {
        let path = self.kept.join(format!("{hash}.rhai"));
        fs::read_to_string(&path).map_err(|error| {
            StepError::park(
                "script_missing",
                format!(
                    "the {kind} script of this job, {}, cannot be read: {error}",
                    path.display()
                ),
                "put the file back, or apply the action again: it then uses the present script",
            )
        })
    }
}

fn read(path: &Path) -> Result<(String, String), Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::input(format!("[scripts]: {} cannot be read: {error}", path.display()))
    })?;
    Ok((path.display().to_string(), text))
}

fn keep<S>(
    folder: &Path,
    text: &str,
    compiled: Result<S, Vec<Diagnostic>>,
    hash: impl Fn(&S) -> String,
) -> Result<S, Failure> {
    let script = compiled.map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::input(faults.join("\n"))
    })?;
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}.rhai", hash(&script)));
    if !path.exists() {
        fs::write(&path, text)?;
    }
    Ok(script)
}

fn unusable(faults: &[Diagnostic]) -> StepError {
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    StepError::park("script_unusable", text.join("\n"), "apply the action again with a good script")
}

#[async_trait]
impl Scripts for FileScripts {
    async fn current(&self, _project: &Project) -> Result<ScriptPins, StepError> {
        Ok(BTreeMap::from([
            (MAPPING.to_owned(), self.mapping.hash()),
            (NOTIFICATIONS.to_owned(), self.notifications.script().hash().to_owned()),
        ]))
    }

    async fn mapping(
        &self,
        _project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        let standard = Mapping::standard();
        match pins.get(MAPPING) {
            Some(hash) if *hash == standard.hash() => Ok(Arc::new(standard)),
            Some(hash) if *hash != self.mapping.hash() => {
                let text = self.kept(MAPPING, hash)?;
                let mapping = Mapping::compile(hash, &text).map_err(|faults| unusable(&faults))?;
                Ok(Arc::new(mapping.isolated(Arc::clone(&self.workers))))
            }
            _ => Ok(Arc::clone(&self.mapping)),
        }
    }

    async fn notifications(
        &self,
        _project: &Project,
        pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        let standard = Notifications::standard();
        match pins.get(NOTIFICATIONS) {
            Some(hash) if hash == standard.script().hash() => Ok(Arc::new(standard)),
            Some(hash) if hash != self.notifications.script().hash() => {
                let text = self.kept(NOTIFICATIONS, hash)?;
                let compiled = Notifications::compile(hash, &text);
                let compiled = compiled.map_err(|faults| unusable(&faults))?;
                Ok(Arc::new(compiled.isolated(Arc::clone(&self.workers))))
            }
            _ => Ok(Arc::clone(&self.notifications)),
        }
    }
}
