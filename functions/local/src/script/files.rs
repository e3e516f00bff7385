//! Reading files and printing, with messages that name the file.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use super::Ended;

/// The most bytes of a file that is read: four times the largest table.
const MOST_BYTES: u64 = 32 << 20;

/// A file's text.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if read as u64 > MOST_BYTES {
        return Err(format!("{}: more than {} MiB", path.display(), MOST_BYTES >> 20));
    }
    Ok(text)
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
