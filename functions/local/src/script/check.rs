//! `crosswave script check FILE…`

use std::path::{Path, PathBuf};

use scripting::{Diagnostic, Script, ScriptOptions};
use serde::Serialize;

use super::{Ended, files};

/// What a program reads of one script's check.
#[derive(Debug, Serialize)]
struct Checked {
    script: String,
    /// Whether it can be used.
    passed: bool,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// The entry functions that it has.
    entries: Vec<&'static str>,
    /// Errors, or the warnings of a good script.
    findings: Vec<Diagnostic>,
}

impl Checked {
    fn of(path: &Path) -> Result<Self, String> {
        let script = path.display().to_string();
        let library = files::library(path)?;
        let options = ScriptOptions { library, ..ScriptOptions::default() };
        Ok(match Script::compile_with(&script, &files::read(path)?, options) {
            Ok(good) => Self {
                script,
                passed: true,
                hash: Some(good.hash().to_owned()),
                entries: good.entries().iter().map(|entry| entry.name()).collect(),
                findings: good.warnings().to_vec(),
            },
            Err(findings) => {
                Self { script, passed: false, hash: None, entries: Vec::new(), findings }
            }
        })
    }

    /// One line for a good script.
    fn praise(&self) -> Option<String> {
        let version = self.hash.as_ref()?.get(..12).unwrap_or_default();
        let entries = self.entries.join(", ");
        Some(format!("{}: good ({entries}), version {version}\n", self.script))
    }
}

pub(super) fn run(paths: &[PathBuf], json: bool) -> Result<Ended, String> {
    let checked = paths.iter().map(|path| Checked::of(path)).collect::<Result<Vec<_>, _>>()?;
    if json {
        files::print_json(&checked)?;
    } else {
        let mut text = String::new();
        let findings = checked.iter().flat_map(|one| &one.findings);
        text.extend(findings.clone().map(|found| found.render() + "\n"));
        text.extend(checked.iter().filter_map(Checked::praise));
        if let Some(first) = findings.clone().next() {
            text.extend(["`crosswave script explain ", first.code.as_str(), "` tells more\n"]);
        }
        files::print(&text)?;
    }
    Ok(if checked.iter().all(|one| one.passed) { Ended::Good } else { Ended::Bad })
}
