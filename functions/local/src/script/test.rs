//! `crosswave script test FILE…`

use std::{borrow::Cow, ffi::OsString, fs, path::PathBuf};

use scripting::worker::SuiteOf;

use super::{Ended, files};
use crate::cli::Global;

pub(super) fn run(paths: &[PathBuf], update: bool, global: &Global) -> Result<Ended, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let arguments = ["script", "worker"].map(OsString::from);
    let budget = files::budget(&global.project)?;
    let mut reports = Vec::new();
    let mut text = String::new();
    let mut passed = true;
    for path in paths {
        let file = path.with_extension("tests.toml");
        let suite = SuiteOf {
            name: path.display().to_string().into(),
            text: files::read(path)?.into(),
            file: file.display().to_string().into(),
            tests: files::read(&file)?.into(),
            library: Cow::Owned(files::library(path)?),
            budget,
        };
        // In a process of its own: whatever script and tests do, this one answers.
        let tested = suite.run_isolated(&program, &arguments);
        let ran = tested.updated.is_some();
        if let Some(updated) = tested.updated.filter(|_| update) {
            fs::write(&file, updated).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        passed &= tested.passed || (update && ran);
        reports.push(tested.json);
        text.push_str(&tested.text);
        if update && ran && !tested.passed {
            text.extend([&*suite.file, ": what was observed is written; read it\n"]);
        }
    }
    if global.json {
        files::print_json(&reports)?;
    } else {
        files::print(&text)?;
    }
    Ok(if passed { Ended::Good } else { Ended::Bad })
}
