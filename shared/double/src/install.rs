//! Puts the double into a folder, once.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::DoubleError;

/// The double and everything that it needs, each pinned.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// Written last, holds the requirements: a folder of other ones is made anew.
const DONE: &str = "requirements.txt";

/// Installs the double into a folder unless it is there, and returns the Python that runs it.
/// Several processes may ask at once; one installs and the others wait.
pub fn install(folder: &Path) -> Result<PathBuf, DoubleError> {
    let system = |doing| move |error| DoubleError::System { doing, error };
    let python = folder.join("bin/python3");
    let done = folder.join(DONE);
    let is_there = || fs::read_to_string(&done).is_ok_and(|text| text == REQUIREMENTS);
    if is_there() {
        return Ok(python);
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(system("making its folder"))?;
    }
    let lock = File::create(folder.with_extension("lock")).map_err(system("locking its folder"))?;
    lock.lock().map_err(system("locking its folder"))?;
    if is_there() {
        return Ok(python);
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).output();
    succeeded(folder, venv.map_err(DoubleError::Python)?)?;
    let list = folder.join("to-install.txt");
    fs::write(&list, REQUIREMENTS).map_err(system("writing its requirements"))?;
    let pip = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&list)
        .output();
    succeeded(folder, pip.map_err(DoubleError::Python)?)?;
    fs::write(&done, REQUIREMENTS).map_err(system("writing its requirements"))?;
    Ok(python)
}

fn succeeded(folder: &Path, output: std::process::Output) -> Result<(), DoubleError> {
    if output.status.success() {
        return Ok(());
    }
    let mut said = output.stdout;
    said.extend(output.stderr);
    let output = String::from_utf8_lossy(&said).trim().to_owned();
    Err(DoubleError::Install { folder: folder.to_owned(), output })
}
