//! `crosswave script test FILE…`

use std::{fs, path::PathBuf};

use scripting::{
    Diagnostic,
    testing::{Suite, SuiteError, SuiteReport},
};

use super::{Ended, files};

pub(super) fn run(paths: &[PathBuf], update: bool, json: bool) -> Result<Ended, String> {
    let mut reports: Vec<SuiteReport> = Vec::new();
    for path in paths {
        let script = files::read(path)?;
        let tests = path.with_extension("tests.toml");
        let suite = Suite::parse(&tests.display().to_string(), &files::read(&tests)?)
            .map_err(|error| error.to_string())?
            .beside(files::library(path)?);
        let report =
            suite.run(&path.display().to_string(), &script).map_err(|error| match error {
                SuiteError::Script(findings) => {
                    let rendered: String = findings.iter().map(Diagnostic::render).collect();
                    format!("the script does not pass its check\n{rendered}")
                }
                SuiteError::File { .. } => error.to_string(),
            })?;
        if update {
            let updated = suite.updated(&report).map_err(|error| error.to_string())?;
            fs::write(&tests, updated).map_err(|error| format!("{}: {error}", tests.display()))?;
        }
        reports.push(report);
    }
    if json {
        files::print_json(&reports)?;
    } else {
        files::print(&reports.iter().map(SuiteReport::render).collect::<String>())?;
    }
    let passed = update || reports.iter().all(SuiteReport::passed);
    Ok(if passed { Ended::Good } else { Ended::Bad })
}
