//! The writer thread: takes what waits, applies it in one transaction, syncs once, answers all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use redb::{Database, Durability};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::tables::Tables;

/// Most operations in one transaction; bounds the time that the first of a group waits.
const MAX_GROUP: usize = 1_024;
/// How long unsynced acknowledgements may wait for a commit to ride with.
const IDLE_BEFORE_SYNC: Duration = Duration::from_millis(20);
/// How many KiB of operations may wait for the writer; callers beyond wait themselves.
const WAITING_KIB: u32 = 32 * 1_024;

/// What an operation did to the tables, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Nothing was written.
    Nothing,
    /// Written; may be lost in a crash until the next sync.
    Relaxed,
    /// Written, and must be synced before it is answered.
    Durable,
}

/// One operation on the tables.
pub(crate) trait Work: Send + 'static {
    /// What the caller gets.
    type Answer: Send + 'static;

    /// Bytes that it holds while it waits.
    fn bytes(&self) -> usize;

    /// Does it. An error fails the whole group; a refusal (a conflict) is an answer.
    fn apply(&self, tables: &mut Tables<'_>) -> Result<(Self::Answer, Effect), redb::Error>;
}

/// An operation with its caller, its type forgotten.
trait Pending: Send {
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<Effect, redb::Error>;
    fn answer(self: Box<Self>, failure: Option<&str>);
}

struct Asked<W: Work> {
    work: W,
    answer: Option<W::Answer>,
    reply: oneshot::Sender<Result<W::Answer, String>>,
    _room: OwnedSemaphorePermit,
}

impl<W: Work> Pending for Asked<W> {
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<Effect, redb::Error> {
        // The caller is gone: nobody would handle what a receive takes, and a commit's outcome is
        // unknown to it either way.
        if self.reply.is_closed() {
            return Ok(Effect::Nothing);
        }
        let (answer, effect) = self.work.apply(tables)?;
        self.answer = Some(answer);
        Ok(effect)
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let answer = match (failure, self.answer) {
            (None, Some(answer)) => Ok(answer),
            (Some(failure), _) => Err(failure.to_owned()),
            (None, None) => Err("it was given up".to_owned()),
        };
        // A caller that no longer waits needs no answer.
        drop(self.reply.send(answer));
    }
}

/// Counts since the file was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) operations: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) syncs: AtomicU64,
}

/// The tasks' end of the writer thread. Dropping it syncs what is left and ends the thread.
pub(crate) struct Writer {
    pending: Option<mpsc::Sender<Box<dyn Pending>>>,
    room: Arc<Semaphore>,
    pub(crate) counters: Arc<Counters>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(database: Arc<Database>) -> std::io::Result<Self> {
        let (pending, inbox) = mpsc::channel();
        let counters = Arc::new(Counters::default());
        let mut thread = Thread { database, inbox, counters: Arc::clone(&counters) };
        let thread = std::thread::Builder::new()
            .name("crosswave-writer".to_owned())
            .spawn(move || thread.run())?;
        let room = Arc::new(Semaphore::new(WAITING_KIB as usize));
        Ok(Self { pending: Some(pending), room, counters, thread: Some(thread) })
    }

    /// Has work done; the error is the storage's own text, and then it is not known whether it was.
    pub(crate) async fn ask<W: Work>(&self, work: W) -> Result<W::Answer, String> {
        let closed = || "the file is closed".to_owned();
        let kib = u32::try_from(work.bytes() / 1_024 + 1).unwrap_or(WAITING_KIB).min(WAITING_KIB);
        let room = Arc::clone(&self.room);
        let room = room.acquire_many_owned(kib).await.map_err(|error| error.to_string())?;
        let (reply, answer) = oneshot::channel();
        let asked = Asked { work, answer: None, reply, _room: room };
        let pending = self.pending.as_ref().ok_or_else(closed)?;
        pending.send(Box::new(asked)).map_err(|_closed| closed())?;
        answer.await.map_err(|_closed| "the writer thread has ended".to_owned())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.pending.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been reported by the panic hook.
            drop(thread.join());
        }
    }
}

struct Thread {
    database: Arc<Database>,
    inbox: mpsc::Receiver<Box<dyn Pending>>,
    counters: Arc<Counters>,
}

impl Thread {
    fn run(&mut self) {
        let mut unsynced = false;
        loop {
            let first = if unsynced {
                match self.inbox.recv_timeout(IDLE_BEFORE_SYNC) {
                    Ok(first) => first,
                    Err(error) => {
                        // Should it fail, redb refuses everything after it, and callers hear that.
                        unsynced = self.sync().is_err() && unsynced;
                        if error == mpsc::RecvTimeoutError::Disconnected {
                            return;
                        }
                        continue;
                    }
                }
            } else {
                match self.inbox.recv() {
                    Ok(first) => first,
                    Err(mpsc::RecvError) => return,
                }
            };
            let mut group = vec![first];
            group.extend(self.inbox.try_iter().take(MAX_GROUP - 1));
            unsynced = self.work(group, unsynced);
        }
    }

    /// Does a group; returns whether anything waits for a sync now.
    fn work(&self, mut group: Vec<Box<dyn Pending>>, unsynced: bool) -> bool {
        let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
        self.counters.operations.fetch_add(count, Ordering::Relaxed);
        let done = self.transaction(&mut group);
        let failure = done.as_ref().err().map(ToString::to_string);
        for pending in group {
            pending.answer(failure.as_deref());
        }
        match done {
            Ok(Effect::Durable) => false,
            Ok(Effect::Relaxed) => true,
            Ok(Effect::Nothing) | Err(_) => unsynced,
        }
    }

    fn transaction(&self, group: &mut [Box<dyn Pending>]) -> Result<Effect, redb::Error> {
        let mut transaction = self.database.begin_write()?;
        let mut effect = Effect::Nothing;
        {
            let mut tables = Tables::open(&transaction)?;
            for pending in group {
                effect = effect.max(pending.apply(&mut tables)?);
            }
        }
        match effect {
            Effect::Nothing => transaction.abort()?,
            Effect::Relaxed => {
                transaction.set_durability(Durability::None)?;
                transaction.commit()?;
                self.counters.transactions.fetch_add(1, Ordering::Relaxed);
            }
            Effect::Durable => {
                transaction.commit()?;
                self.counters.transactions.fetch_add(1, Ordering::Relaxed);
                self.counters.syncs.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(effect)
    }

    /// Makes durable what was committed without a sync: an empty durable commit does.
    fn sync(&self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.commit()?;
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
