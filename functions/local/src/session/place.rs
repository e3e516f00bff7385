//! Where a session's records and messages are: in a database that this process has open, or behind
//! the door of the process that has.

use std::{path::Path, sync::Arc, time::Duration};

use embedded::{Depth, Door, Embedded, EmbeddedQueue, EmbeddedStore, Guest, OpenError, OsRandom};
use jiff::Timestamp;
use ports::{Clock, Queue, QueueError, Store};

use crate::{failure::Failure, output::Output};

/// How often the database and its door are tried, while another process opens or closes them.
const TRIES: u32 = 100;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Where records and messages are.
pub(crate) enum Place {
    /// In the database, which this process has open; others come in through the door.
    Here {
        /// The records.
        store: Arc<EmbeddedStore>,
        /// The messages.
        queue: Arc<EmbeddedQueue>,
        /// Dropped before the database is closed; `None` where there is no loopback.
        _door: Option<Door>,
    },
    /// In another process on this machine, which has the database open.
    Beside(Arc<Guest>),
}

impl Place {
    /// Opens the database, or goes in through the door of the process that has it open.
    pub(crate) async fn find(path: &Path, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let mut tries = 0;
        loop {
            let options = embedded::Options { clock: Arc::clone(clock), ..Default::default() };
            let in_use = match Embedded::open_with(path, options) {
                Ok(database) => return Ok(Self::here(&database).await),
                Err(error @ OpenError::InUse { .. }) => error,
                Err(error) => return Err(error.into()),
            };
            if let Ok(guest) = Guest::enter(path).await {
                return Ok(Self::Beside(Arc::new(guest)));
            }
            // That process has just opened the database, or is just closing it.
            tries += 1;
            if tries == TRIES {
                return Err(in_use.into());
            }
            clock.sleep(PAUSE).await;
        }
    }

    async fn here(database: &Embedded) -> Self {
        let door = Door::open(database, &OsRandom).await;
        let door = door.inspect_err(|error| {
            Output::note(format!("no other crosswave can work beside this one: {error}"));
        });
        Self::Here { store: database.store(), queue: database.queue(), _door: door.ok() }
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Here { store, .. } => Arc::clone(store) as Arc<dyn Store>,
            Self::Beside(guest) => Arc::clone(guest) as Arc<dyn Store>,
        }
    }

    /// The queue.
    pub(crate) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::Here { queue, .. } => Arc::clone(queue) as Arc<dyn Queue>,
            Self::Beside(guest) => Arc::clone(guest) as Arc<dyn Queue>,
        }
    }

    /// Whether another process has the database open and does the work.
    pub(crate) fn is_beside(&self) -> bool {
        matches!(self, Self::Beside(_))
    }

    /// Whether that process has ended since.
    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(self, Self::Beside(guest) if guest.is_gone())
    }

    /// How many messages each queue holds.
    pub(crate) async fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        match self {
            Self::Here { queue, .. } => queue.depths(),
            Self::Beside(guest) => guest.depths().await,
        }
    }

    /// When the next message of the queues with this prefix is due.
    pub(crate) async fn next_due(&self, prefix: &str) -> Result<Option<Timestamp>, QueueError> {
        match self {
            Self::Here { queue, .. } => queue.next_due(prefix),
            Self::Beside(guest) => guest.next_due(prefix).await,
        }
    }
}
