//! Publishing: a script that passes its check and its tests becomes the version in force.

use std::{borrow::Cow, ffi::OsString, path::PathBuf};

use engine::{
    Host, put_version,
    records::{Batch, EngineError, Loaded, load},
    version_of,
};
use model::{Keys, Project, Publication, PublishedScript, ScriptKind, ScriptVersion};
use ports::CommitError;
use scripting::{
    Budget, DataSet, Diagnostic, Library, Mapping, Notifications, Script, ScriptOptions,
    worker::SuiteOf,
};
use serde::Serialize;

use crate::ControlError;

/// A script that is not in force yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Which kind.
    pub kind: ScriptKind,
    /// The name that messages use: the file's.
    pub name: String,
    /// The text.
    pub text: String,
    /// The data sets that it looks values up in.
    pub tables: Vec<DataSet>,
    /// The files beside it.
    pub library: Library,
    /// What each call may use in tests and previews: as in a real run.
    pub budget: Budget,
    /// The file of tests beside it: its name and text.
    pub tests: Option<(String, String)>,
    /// The program and arguments of a worker that runs the tests, which are as hostile as the script;
    /// in this process when there is none (in tests of our own).
    pub worker: Option<(PathBuf, Vec<OsString>)>,
}

impl Draft {
    /// A script without tables and tests.
    pub fn new(kind: ScriptKind, name: &str, text: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            text: text.to_owned(),
            tables: Vec::new(),
            library: Library::default(),
            budget: Budget::default(),
            tests: None,
            worker: None,
        }
    }

    /// Checks and compiles a mapping.
    pub fn mapping(&self) -> Result<Mapping, ControlError> {
        Mapping::of(self.script()?).map_err(|faults| refused(&faults))
    }

    fn script(&self) -> Result<Script, ControlError> {
        let options = self.options();
        Script::compile_with(&self.name, &self.text, options).map_err(|faults| refused(&faults))
    }

    fn options(&self) -> ScriptOptions {
        let (tables, library) = (self.tables.clone(), self.library.clone());
        ScriptOptions { tables, library, budget: self.budget, ..ScriptOptions::default() }
    }

    /// Checks it, and makes the record of the version; with what the check warns of.
    fn version(
        &self,
        author: &str,
        at: jiff::Timestamp,
    ) -> Result<(ScriptVersion, Vec<Diagnostic>), ControlError> {
        match self.kind {
            ScriptKind::Mapping => {
                let mapping = self.mapping()?;
                let (script, base) = (mapping.script(), mapping.base());
                let version = version_of(self.kind, mapping.hash(), script, base, author, at);
                Ok((version, script.warnings().to_vec()))
            }
            ScriptKind::Notifications => {
                let script = Notifications::of(self.script()?);
                let script = script.map_err(|faults| refused(&faults))?;
                let script = script.script();
                let hash = script.hash().to_owned();
                let version = version_of(self.kind, hash, script, None, author, at);
                Ok((version, script.warnings().to_vec()))
            }
        }
    }

    /// Runs the tests; says how many cases passed.
    fn tested(&self) -> Result<usize, ControlError> {
        let Some((file, tests)) = &self.tests else { return Ok(0) };
        let suite = SuiteOf {
            name: self.name.as_str().into(),
            text: self.text.as_str().into(),
            file: file.into(),
            tests: tests.into(),
            library: Cow::Borrowed(&self.library),
            budget: self.budget,
        };
        let tested = match &self.worker {
            Some((program, arguments)) => suite.run_isolated(program, arguments),
            None => suite.run(),
        };
        if tested.passed {
            return Ok(tested.cases);
        }
        let text = tested.text;
        Err(ControlError::Input(format!("tests fail, so nothing is published\n{text}")))
    }
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Which kind.
    pub kind: ScriptKind,
    /// The version that is in force now.
    pub hash: String,
    /// The one before; none when the shipped script was in force.
    pub before: Option<String>,
    /// How many test cases passed.
    pub cases: usize,
    /// What the check warns of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
}

/// Checks a draft, runs its tests, keeps it as a version, and puts it in force for jobs and waves
/// that start from now on. A draft that is in force already stays so.
pub async fn publish(
    host: &Host,
    project: &Project,
    draft: &Draft,
    author: &str,
) -> Result<Published, ControlError> {
    let now = host.clock.now();
    let (version, warnings) = draft.version(author, now)?;
    let cases = draft.tested()?;
    put_version(&*host.store, project, &version, &draft.options()).await?;
    let hash = version.hash;
    let publication =
        Publication { hash: hash.clone(), at: now, author: author.to_owned(), rollback: false };
    let before = put_in_force(host, project, draft.kind, &publication).await?;
    Ok(Published { kind: draft.kind, hash, before, cases, warnings })
}

/// Makes a version the one in force; gives the one before.
pub(super) async fn put_in_force(
    host: &Host,
    project: &Project,
    kind: ScriptKind,
    publication: &Publication,
) -> Result<Option<String>, ControlError> {
    let place = Keys::published_script(&project.customer, &project.id, kind);
    loop {
        let there: Option<Loaded<PublishedScript>> = load(&*host.store, place.clone()).await?;
        let version = there.as_ref().map_or(0, |there| there.version);
        let mut head = there.map_or(PublishedScript { history: Vec::new() }, |there| there.value);
        let before = head.current().map(|before| before.hash.clone());
        if before.as_ref() == Some(&publication.hash) {
            return Ok(before);
        }
        head.history.push(publication.clone());
        let mut batch = Batch::new();
        batch.put(place.clone(), &head, version)?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(before),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(EngineError::from(error).into()),
        }
    }
}

/// What the check found, for a person.
fn refused(faults: &[Diagnostic]) -> ControlError {
    let rendered: Vec<String> = faults.iter().map(Diagnostic::render).collect();
    ControlError::Input(format!("the script does not pass its check\n{}", rendered.join("\n")))
}
