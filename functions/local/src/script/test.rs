//! `crosswave script test FILE…`

use std::{borrow::Cow, ffi::OsString, fs, path::PathBuf};

use scripting::worker::SuiteOf;

use super::{Ended, files};

pub(super) fn run(paths: &[PathBuf], update: bool, json: bool) -> Result<Ended, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let arguments = ["script", "worker"].map(OsString::from);
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
        };
        // In a process of its own: whatever script and tests do, this one answers.
        let tested = suite.run_isolated(&program, &arguments);
        let (Some(report), Some(updated)) = (tested.json, tested.updated) else {
            return Err(tested.text.trim_end().to_owned());
        };
        if update {
            fs::write(&file, updated).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        passed &= update || tested.passed;
        reports.push(report);
        text.push_str(&tested.text);
    }
    if json {
        files::print_json(&reports)?;
    } else {
        files::print(&text)?;
    }
    Ok(if passed { Ended::Good } else { Ended::Bad })
}
