//! Reading files and printing, with messages that name the file.

use std::{io::Write, path::Path};

use scripting::{Budget, Library};

use super::Ended;
use crate::{cli::PROJECT_FILE, reading, session::read_file};

/// A file's text.
pub(super) fn read(path: &Path) -> Result<String, String> {
    reading::text(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The library beside a script: the files of `ours.library` beside `ours.rhai`.
pub(super) fn library(script: &Path) -> Result<Library, String> {
    reading::library(script)
}

/// What a call may use: as the project file says, where there is one.
pub(super) fn budget(project: &Path) -> Result<Budget, String> {
    if !project.exists() && project == Path::new(PROJECT_FILE) {
        return Ok(Budget::default());
    }
    Ok(read_file(project).map_err(|failure| failure.message)?.scripts.budget())
}

/// Prints data. A reader that has seen enough is no error.
pub(super) fn print(text: &str) -> Result<Ended, String> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(Ended::Good),
    }
}

/// Prints data as JSON.
pub(super) fn print_json(data: &impl serde::Serialize) -> Result<Ended, String> {
    let json = serde_json::to_string_pretty(data).map_err(|error| error.to_string())?;
    print(&format!("{json}\n"))
}

/// Tells a person what is wrong.
pub(super) fn complain(message: &str) {
    // A closed stderr is no reason to fail differently.
    drop(writeln!(std::io::stderr().lock(), "crosswave: {message}"));
}
