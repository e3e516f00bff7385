//! Tests beside a script, run in a process of their own: whatever script or tests do, the caller gets
//! an answer.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::frame::{Reply, Request};
use super::process::{Broken, Process};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::sandbox::Budget;
use crate::testing::{Suite, SuiteError};

/// So long may all cases of a file take together.
const PATIENCE: Duration = Duration::from_mins(2);
/// A worker has processor time for so many calls while it runs a file of tests.
pub(super) const LIKE_CALLS: usize = 12;

/// A script, the tests beside it, and the files that both have.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SuiteOf<'a> {
    /// The script's name in messages.
    pub name: Cow<'a, str>,
    /// The script's text.
    pub text: Cow<'a, str>,
    /// The name of the file of tests in messages.
    pub file: Cow<'a, str>,
    /// The text of the file of tests.
    pub tests: Cow<'a, str>,
    /// The files beside the script.
    pub library: Cow<'a, Library>,
    /// What each call may use.
    pub budget: Budget,
}

/// What came of the tests beside a script, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Whether every case passes.
    pub passed: bool,
    /// How many cases there are.
    pub cases: usize,
    /// The report, or why there is none, as text.
    pub text: String,
    /// The same as JSON: `script` and `passed`, and with them the report, or `check` with what is wrong
    /// with the script, or `problem` with what is wrong with the file of tests.
    pub json: Value,
    /// The file of tests with what was observed in the place of what is expected.
    pub updated: Option<String>,
}

impl SuiteOf<'_> {
    /// Runs the tests in this process.
    pub fn run(&self) -> Tested {
        let run = || {
            let suite = Suite::parse(&self.file, &self.tests)?;
            let suite = suite.beside(self.library.clone().into_owned()).within(self.budget);
            let report = suite.run(&self.name, &self.text)?;
            let updated = suite.updated(&report)?;
            Ok((report, updated))
        };
        match run() {
            Ok((report, updated)) => {
                let passed = report.passed();
                // A report has texts for keys and no floats, so it always has a JSON form.
                let mut json = serde_json::to_value(&report).unwrap_or_default();
                if let Some(fields) = json.as_object_mut() {
                    fields.insert("passed".to_owned(), passed.into());
                }
                let (cases, text) = (report.cases.len(), report.render());
                Tested { passed, cases, text, json, updated: Some(updated) }
            }
            Err(SuiteError::Script(findings)) => self.refused(&findings),
            Err(error @ SuiteError::File { .. }) => {
                let text = format!("{error}\n");
                self.failed(text, "problem", &error.to_string())
            }
        }
    }

    /// Runs the tests in a worker process: `program` with `arguments` must call
    /// [`run_worker`](super::run_worker). A worker that dies is an answer too.
    pub fn run_isolated(&self, program: &Path, arguments: &[OsString]) -> Tested {
        let broken = |code, message| {
            let found = Diagnostic::new(code, &self.name, message);
            self.failed(found.render(), "check", &[found])
        };
        match Process::try_once(program, arguments, &Request::Test(self.clone()), PATIENCE) {
            Ok(Reply::Tested(tested)) => tested,
            Ok(_) | Err(Broken::Lost) => broken(Code::R020, "the tests broke their worker"),
            Err(Broken::NotStarted) => {
                broken(Code::R021, "no worker could be started for the tests")
            }
        }
    }

    fn refused(&self, findings: &[Diagnostic]) -> Tested {
        let rendered: String = findings.iter().map(Diagnostic::render).collect();
        let text = format!("the script does not pass its check\n{rendered}");
        self.failed(text, "check", &findings)
    }

    fn failed(&self, text: String, why: &str, found: &impl Serialize) -> Tested {
        let json = json!({ "script": self.name, "passed": false, why: found });
        Tested { passed: false, cases: 0, text, json, updated: None }
    }
}
