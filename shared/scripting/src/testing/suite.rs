//! The file of tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::coverage::{Instrumented, asserted};
use super::{CaseReport, SuiteReport, compare, observe, update};
use crate::attributes::Attributes;
use crate::context::{Event, RunContext, Step, UserInput};
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;
use crate::library::Library;
use crate::mapping::Mapping;
use crate::policy::PolicyContext;
use crate::script::{DataSet, Script, ScriptOptions};

/// The tests of one script.
#[derive(Clone, Debug)]
pub struct Suite {
    text: String,
    file: File,
    library: Library,
}

/// Why tests could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file is not what a file of tests looks like.
    #[error("{file}: {message}")]
    File {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// The script does not pass its check.
    #[error("the script does not pass its check")]
    Script(Vec<Diagnostic>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What the cases share of the run.
    #[serde(default)]
    run: Map<String, Value>,
    /// The data sets, by name, as CSV text.
    #[serde(default)]
    tables: BTreeMap<String, String>,
    /// What the project allows; `violations` of an expectation are checked against it.
    #[serde(default)]
    policy: PolicyContext,
    /// The cases.
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    entry: Option<Entry>,
    #[serde(default)]
    source: Attributes,
    #[serde(default)]
    target: Attributes,
    #[serde(default)]
    chosen: Attributes,
    #[serde(default)]
    event: Option<Event>,
    #[serde(default)]
    run: Map<String, Value>,
    #[serde(default)]
    pub(super) expect: Map<String, Value>,
}

impl Case {
    fn entry(&self) -> Entry {
        match (self.entry, &self.event) {
            (Some(entry), _) => entry,
            (None, Some(_)) => Entry::Notify,
            (None, None) => Entry::MapUser,
        }
    }
}

impl Suite {
    /// Reads a file of tests; `file` is its name for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, SuiteError> {
        let wrong = |message: String| SuiteError::File { file: file.to_owned(), message };
        let parsed: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if parsed.cases.is_empty() {
            return Err(wrong("there is no `[[case]]`".to_owned()));
        }
        let suite = Self { text: text.to_owned(), file: parsed, library: Library::default() };
        for case in &suite.file.cases {
            suite
                .run_of(case)
                .map_err(|error| wrong(format!("case \"{}\": {error}", case.name)))?;
        }
        Ok(suite)
    }

    /// The files beside the script.
    #[must_use]
    pub fn beside(self, library: Library) -> Self {
        Self { library, ..self }
    }

    /// Runs every case against a script. Values are decided by the whole host, over the shipped
    /// default where the script does not leave it out.
    pub fn run(&self, name: &str, text: &str) -> Result<SuiteReport, SuiteError> {
        let script =
            Script::compile_with(name, text, self.options()).map_err(SuiteError::Script)?;
        let instrumented = Instrumented::of(&script);
        let mut cases = Vec::new();
        let mut set = std::collections::BTreeSet::new();
        for case in &self.file.cases {
            let run = Arc::new(self.run_of(case).map_err(|error| SuiteError::File {
                file: name.to_owned(),
                message: error.to_string(),
            })?);
            let call = observe::Asked {
                entry: case.entry(),
                user: case.user(),
                chosen: &case.chosen,
                event: case.event.as_ref(),
                run,
                policy: &self.file.policy,
            };
            let seen = observe::observe(&script, &call).map_err(SuiteError::Script)?;
            instrumented.run(&call);
            set.extend(seen.set);
            let expected = Value::Object(case.expect.clone());
            let differences = compare::compare(&expected, &seen.value);
            let name = case.name.clone();
            cases.push(CaseReport { name, differences, cost: seen.cost, observed: seen.value });
        }
        let expected = self.file.cases.iter().flat_map(|case| asserted(&case.expect)).collect();
        let coverage = instrumented.coverage(&set, &expected);
        let (script, hash) = (script.name().to_owned(), script.hash().to_owned());
        Ok(SuiteReport { script, hash, cases, coverage })
    }

    /// The file's text with each expectation replaced by what was observed. An expectation keeps
    /// the keys that it has; an empty one takes everything. Comments stay.
    pub fn updated(&self, report: &SuiteReport) -> Result<String, SuiteError> {
        update::update(&self.text, report).map_err(|error| SuiteError::File {
            file: report.script.clone(),
            message: error.to_string(),
        })
    }

    fn options(&self) -> ScriptOptions {
        let tables = self.file.tables.iter();
        let tables =
            tables.map(|(name, csv)| DataSet { name: name.clone(), csv: csv.clone() }).collect();
        ScriptOptions { tables, library: self.library.clone(), ..ScriptOptions::default() }
    }

    /// The run of a case: the defaults, the file's, the case's.
    fn run_of(&self, case: &Case) -> Result<RunContext, serde_json::Error> {
        let mut run = serde_json::to_value(sample_run())?;
        if let Some(fields) = run.as_object_mut() {
            if case.entry() == Entry::Notify {
                fields.insert("step".to_owned(), Step::Notify.as_str().into());
            }
            fields.extend(self.file.run.clone());
            fields.extend(case.run.clone());
        }
        serde_json::from_value(run)
    }
}

impl Case {
    fn user(&self) -> UserInput {
        let id = self.source.text("id").unwrap_or("00000000-0000-0000-0000-000000000001");
        UserInput {
            source_id: id.to_owned(),
            source: self.source.clone(),
            target: self.target.clone(),
        }
    }
}

/// A run between two fictitious tenants, for tests and for trying a script.
pub fn sample_run() -> RunContext {
    RunContext {
        project: "Contoso to Fabrikam".into(),
        wave: "wave 1".into(),
        step: Step::Prepare,
        now: jiff::Timestamp::constant(1_772_442_000, 0),
        source_domains: vec!["contoso.com".into(), "contoso.onmicrosoft.com".into()],
        target_domains: vec!["fabrikam.com".into(), "fabrikam.onmicrosoft.com".into()],
        default_domain: "fabrikam.com".into(),
        domain_map: BTreeMap::new(),
        matches: BTreeMap::new(),
    }
}

/// Whether a script is run as a mapping, over the default.
pub(super) fn mapping_of(script: &Script) -> Result<Mapping, Vec<Diagnostic>> {
    Mapping::of(script.clone())
}
