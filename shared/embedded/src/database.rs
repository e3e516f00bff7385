//! The open file: what the adapters share.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use ports::Clock;
use redb::{Database, ReadTransaction, ReadableDatabase};
use system::SystemClock;
use tokio::sync::watch;

use crate::{
    messages::Flush,
    open::{self, OpenError, system_error},
    queue::EmbeddedQueue,
    store::EmbeddedStore,
    writer::Writer,
};

/// How a file is opened.
#[derive(Clone)]
pub struct Options {
    /// What time it is for the queue.
    pub clock: Arc<dyn Clock>,
    /// How often a message is delivered before it becomes a dead letter; at least 1.
    pub max_receives: u32,
    /// Bytes of the page cache.
    pub cache_bytes: usize,
}

impl Default for Options {
    /// The system's clock, 20 deliveries, 64 MiB.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), max_receives: 20, cache_bytes: 64 << 20 }
    }
}

/// Counts since the file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Operations that were handed to the writer.
    pub operations: u64,
    /// Transactions that wrote something.
    pub transactions: u64,
    /// Syncs of the file; fewer than operations when tasks run side by side.
    pub syncs: u64,
}

/// One open file that holds a store and a queue.
///
/// Clones share the file. It closes, with everything synced, when the last of them and of the
/// adapters is dropped.
#[derive(Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    // Dropped in this order: the writer syncs before the file closes.
    pub(crate) writer: Writer,
    pub(crate) database: Arc<Database>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_receives: u32,
    pub(crate) arrivals: watch::Sender<u64>,
    path: PathBuf,
}

impl Inner {
    /// Reads the last acknowledged state.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        look(&self.database.begin_read()?)
    }
}

impl Embedded {
    /// Opens or makes the file at `path` with the [default options](Options::default).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Options::default())
    }

    /// Opens or makes the file at `path`. Reads it whole once, to find damage before work starts.
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let database = open::open(path, &options)?;
        let writer =
            Writer::start(Arc::clone(&database)).map_err(|error| system_error(path, &error))?;
        let inner = Inner {
            writer,
            database,
            clock: options.clock,
            max_receives: options.max_receives.max(1),
            arrivals: watch::Sender::new(0),
            path: path.to_owned(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The store adapter.
    pub fn store(&self) -> Arc<EmbeddedStore> {
        Arc::new(EmbeddedStore { inner: Arc::clone(&self.inner) })
    }

    /// The queue adapter.
    pub fn queue(&self) -> Arc<EmbeddedQueue> {
        Arc::new(EmbeddedQueue { inner: Arc::clone(&self.inner) })
    }

    /// Waits until everything that was answered so far is synced, acknowledgements too.
    pub async fn flush(&self) -> Result<(), ports::QueueError> {
        self.inner.writer.ask(Flush).await.map_err(ports::QueueError::Unavailable)
    }

    /// How much the writer has done.
    pub fn statistics(&self) -> Statistics {
        let counters = &self.inner.writer.counters;
        Statistics {
            operations: counters.operations.load(Ordering::Relaxed),
            transactions: counters.transactions.load(Ordering::Relaxed),
            syncs: counters.syncs.load(Ordering::Relaxed),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("path", &self.inner.path).finish_non_exhaustive()
    }
}
