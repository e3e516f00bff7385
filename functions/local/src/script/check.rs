//! `crosswave script check FILE…`

use std::path::PathBuf;

use scripting::{Diagnostic, Script, ScriptOptions};

use super::{Ended, files};

pub(super) fn run(paths: &[PathBuf], json: bool) -> Result<Ended, String> {
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut report = String::new();
    let mut ended = Ended::Good;
    for path in paths {
        let name = path.display().to_string();
        let library = files::library(path)?;
        let options = ScriptOptions { library, ..ScriptOptions::default() };
        match Script::compile_with(&name, &files::read(path)?, options) {
            Ok(script) => {
                let entries: Vec<&str> =
                    script.entries().iter().map(|entry| entry.name()).collect();
                let hash = script.hash().get(..12).unwrap_or_default();
                let entries = entries.join(", ");
                report.extend([&name, ": good (", &entries, "), version ", hash, "\n"]);
                findings.extend_from_slice(script.warnings());
            }
            Err(errors) => {
                ended = Ended::Bad;
                findings.extend(errors);
            }
        }
    }
    if json {
        files::print_json(&findings)?;
        return Ok(ended);
    }
    let found: String = findings.iter().map(|found| found.render() + "\n").collect();
    let more = match findings.first() {
        Some(first) => format!("`crosswave script explain {}` tells more\n", first.code),
        None => String::new(),
    };
    files::print(&format!("{found}{report}{more}"))?;
    Ok(ended)
}
