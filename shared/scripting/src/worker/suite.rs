//! Tests beside a script, run in a process of their own: whatever script or tests do, the caller gets
//! an answer.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frame::{Reply, Request};
use super::process::{Broken, Process};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::library::Library;
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
    /// The report as JSON; none when the tests could not be run.
    pub json: Option<serde_json::Value>,
    /// The file of tests with what was observed in the place of what is expected.
    pub updated: Option<String>,
}

impl SuiteOf<'_> {
    /// Runs the tests in this process.
    pub fn run(&self) -> Tested {
        let run = || {
            let suite = Suite::parse(&self.file, &self.tests)?;
            let suite = suite.beside(self.library.clone().into_owned());
            let report = suite.run(&self.name, &self.text)?;
            let updated = suite.updated(&report)?;
            Ok((report, updated))
        };
        match run() {
            Ok((report, updated)) => Tested {
                passed: report.passed(),
                cases: report.cases.len(),
                text: report.render(),
                // A report has texts for keys and no floats, so it always has a JSON form.
                json: serde_json::to_value(&report).ok(),
                updated: Some(updated),
            },
            Err(SuiteError::Script(findings)) => {
                let findings: String = findings.iter().map(Diagnostic::render).collect();
                failed(format!("the script does not pass its check\n{findings}"))
            }
            Err(error @ SuiteError::File { .. }) => failed(error.to_string() + "\n"),
        }
    }

    /// Runs the tests in a worker process: `program` with `arguments` must call
    /// [`run_worker`](super::run_worker). A worker that dies is an answer too.
    pub fn run_isolated(&self, program: &Path, arguments: &[OsString]) -> Tested {
        let broken = |code, message| failed(Diagnostic::new(code, &self.name, message).render());
        match Process::try_once(program, arguments, &Request::Test(self.clone()), PATIENCE) {
            Ok(Reply::Tested(tested)) => tested,
            Ok(_) | Err(Broken::Lost) => broken(Code::R020, "the tests broke their worker"),
            Err(Broken::NotStarted) => {
                broken(Code::R021, "no worker could be started for the tests")
            }
        }
    }
}

fn failed(text: String) -> Tested {
    Tested { passed: false, cases: 0, text, json: None, updated: None }
}
