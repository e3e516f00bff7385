//! Files that others wrote: project files, scripts, tables, tests, lists of people, secrets.
//!
//! A path may name anything. A pipe waits for whoever writes into it, a device never ends, and a
//! file may be larger than this machine's memory: so only regular files are opened, without waiting,
//! and no more than a limit is read of them.

use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read},
    path::Path,
};

use scripting::{Library, LibraryFile};

/// The most bytes that are read of one file: above every limit that a reader has of its own.
const MOST_BYTES: u64 = 64 << 20;

/// Opens a regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, for the words: a socket cannot be opened at all.
    regular(fs::metadata(path)?.file_type())?;
    let file = without_waiting(OpenOptions::new().read(true)).open(path)?;
    // And as it is opened: the path may stand for something else by now.
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// A regular file's bytes.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    limited(open(path)?)
}

/// A regular file's text.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let good = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = good.filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: this is not UTF-8"))
    })
}

/// The library beside a script: the files of the folder `ours.library` beside `ours.rhai`; hidden
/// files are none of it.
pub(crate) fn library(script: &Path) -> Result<Library, String> {
    // `.` and the like name no script, and what lies beside them is theirs.
    if script.file_name().is_none() {
        return Ok(Library::default());
    }
    let folder = script.with_extension("library");
    let of_folder = |error: io::Error| format!("{}: {error}", folder.display());
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Library::default()),
        Err(error) => return Err(of_folder(error)),
    };
    let home = fs::canonicalize(&folder).map_err(of_folder)?;
    let mut files = Vec::new();
    let mut room = MOST_BYTES;
    for entry in entries {
        let path = entry.map_err(of_folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let of_file = |error: io::Error| format!("{}: {error}", path.display());
        // Who publishes a folder of someone else's must not send files of his own.
        if !fs::canonicalize(&path).map_err(of_file)?.starts_with(&home) {
            return Err(format!("{}: this leads out of the library", path.display()));
        }
        let bytes = bytes(&path).map_err(of_file)?;
        let left = room.checked_sub(bytes.len() as u64);
        room = left.ok_or_else(|| {
            format!("{}: more than {} MiB in all", folder.display(), MOST_BYTES >> 20)
        })?;
        files.push(LibraryFile::new(name, bytes));
    }
    Ok(Library::new(files))
}

/// Everything that comes, up to the limit.
pub(crate) fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        let text = format!("more than {} MiB", MOST_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

fn regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let text = format!("this is {}, not a file", what(kind));
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

#[cfg(unix)]
fn what(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn what(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}

/// So that a pipe that has taken a file's place is opened at once, to be refused.
#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0))
}

#[cfg(not(unix))]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
