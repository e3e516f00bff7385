//! Opening the file, and everything that can be wrong with it.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Database, DatabaseError, ReadableDatabase};
use thiserror::Error;

use crate::{
    database::Options,
    messages,
    tables::{self, FORMAT, Tables},
};

/// The first bytes of every redb file.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// Why the file could not be opened. Each names the file.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "{} is in use: another crosswave is running on it; stop that one first, or name another file", path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error(
        "{} is not a file of Crosswave's; name another file, or move this one away", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer Crosswave wrote it.
    #[error(
        "{} was written by a newer Crosswave (format {found}, this one reads {FORMAT}); start the newer one", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format number.
        found: u64,
    },
    /// Its contents are damaged.
    #[error("{} is damaged ({text}); restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the storage engine found.
        text: String,
    },
    /// The operating system refused: no such folder, no permission, disk full.
    #[error("{} cannot be opened: {text}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        text: String,
    },
}

/// Opens or makes the file, checks it whole, and releases what was in flight.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Arc<Database>, OpenError> {
    let fresh = check_head(path)?;
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder.set_check_integrity_on_open(true);
    let database = builder.create(path).map_err(|error| database_error(path, error))?;
    let check = || -> Result<Option<u64>, redb::Error> { tables::format(&database.begin_read()?) };
    let found = check().map_err(|error| storage_error(path, error))?;
    match found {
        Some(FORMAT) => {}
        Some(found) => return Err(OpenError::Newer { path: path.to_owned(), found }),
        None if is_empty(&database).map_err(|error| storage_error(path, error))? => {}
        None => return Err(OpenError::Foreign { path: path.to_owned() }),
    }
    prepare(&database, options).map_err(|error| storage_error(path, error))?;
    if fresh {
        sync_folder(path).map_err(|error| system_error(path, &error))?;
    }
    Ok(Arc::new(database))
}

/// Whether the file is new; an error when its first bytes are another program's.
fn check_head(path: &Path) -> Result<bool, OpenError> {
    let mut head = Vec::new();
    let length = u64::try_from(MAGIC.len()).unwrap_or(u64::MAX);
    match File::open(path).and_then(|file| file.take(length).read_to_end(&mut head)) {
        Ok(0) => Ok(true),
        Ok(_) if head == MAGIC => Ok(false),
        // Created, and killed before the first bytes were written whole.
        Ok(_) if head.iter().all(|byte| *byte == 0) => Ok(false),
        Ok(_) => Err(OpenError::Foreign { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(system_error(path, &error)),
    }
}

/// A redb file without any table: made by us and killed before it was signed, or by nobody.
fn is_empty(database: &Database) -> Result<bool, redb::Error> {
    let transaction = database.begin_read()?;
    Ok(transaction.list_tables()?.next().is_none()
        && transaction.list_multimap_tables()?.next().is_none())
}

fn prepare(database: &Database, options: &Options) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        tables.sign()?;
        messages::release_in_flight(&mut tables, options.clock.now().as_nanosecond())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Makes the new file's name durable: a sync of the file alone does not cover its folder.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn database_error(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            OpenError::InUse { path: path.to_owned() }
        }
        DatabaseError::UpgradeRequired(_) => OpenError::Foreign { path: path.to_owned() },
        other => storage_error(path, other.into()),
    }
}

fn storage_error(path: &Path, error: redb::Error) -> OpenError {
    match error {
        redb::Error::Io(error)
            if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            system_error(path, &error)
        }
        redb::Error::TableTypeMismatch { .. } => OpenError::Foreign { path: path.to_owned() },
        other => OpenError::Damaged { path: path.to_owned(), text: other.to_string() },
    }
}

pub(crate) fn system_error(path: &Path, error: &std::io::Error) -> OpenError {
    OpenError::System { path: path.to_owned(), text: error.to_string() }
}
