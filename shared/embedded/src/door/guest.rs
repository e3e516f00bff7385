//! Who comes in through the door: the store and queue ports, at another process's file.

use std::{
    fs, io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{
    Change, CommitError, Delivery, Key, Outgoing, Page, Query, Queue, QueueError, QueueName,
    Receipt, Record, Store, StoreError, deferrable, receivable, sendable, within_limits,
};
use tokio::{net::TcpStream, sync::Mutex};

use super::{
    Note, frame, note_of,
    wire::{Reply, Request},
};
use crate::Depth;

/// A visitor of a file that another process has open. Everything that he asks for, that process does.
pub struct Guest {
    note: Note,
    /// The connection, unless a request is under way on it. A request that was given up leaves none,
    /// since its answer may still come; the next one connects anew.
    stream: Mutex<Option<TcpStream>>,
    gone: AtomicBool,
}

impl Guest {
    /// Goes in through the door of a file that another process has open.
    pub async fn enter(file: impl AsRef<Path>) -> io::Result<Self> {
        let note: Note = serde_json::from_slice(&fs::read(note_of(file.as_ref()))?)?;
        let guest = Self { note, stream: Mutex::default(), gone: AtomicBool::new(false) };
        // The note may be a dead process's, and somebody else may have its port by now.
        guest.exchange(&Request::Depths).await?;
        Ok(guest)
    }

    /// Whether the process that has the file open stopped answering.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// As [`EmbeddedQueue::depths`](crate::EmbeddedQueue::depths).
    pub async fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        match self.ask(Request::Depths).await.map_err(QueueError::Unavailable)? {
            Reply::Depths(depths) => Ok(depths),
            other => Err(other.queue_error()),
        }
    }

    /// As [`EmbeddedQueue::next_due`](crate::EmbeddedQueue::next_due).
    pub async fn next_due(&self, prefix: &str) -> Result<Option<Timestamp>, QueueError> {
        let request = Request::NextDue(prefix.to_owned());
        match self.ask(request).await.map_err(QueueError::Unavailable)? {
            Reply::Due(due) => Ok(due),
            other => Err(other.queue_error()),
        }
    }

    async fn ask(&self, request: Request) -> Result<Reply, String> {
        self.exchange(&request).await.map_err(|error| {
            self.gone.store(true, Ordering::Relaxed);
            format!(
                "the crosswave that has the file open does not answer any more ({error}); run the \
                 command again"
            )
        })
    }

    async fn exchange(&self, request: &Request) -> io::Result<Reply> {
        let mut held = self.stream.lock().await;
        let mut stream = match held.take() {
            Some(stream) => stream,
            None => {
                let mut stream = TcpStream::connect(self.note.address).await?;
                stream.set_nodelay(true)?;
                frame::write(&mut stream, &self.note.token).await?;
                stream
            }
        };
        frame::write(&mut stream, request).await?;
        let reply = frame::read(&mut stream).await?;
        *held = Some(stream);
        Ok(reply)
    }

    async fn queued(&self, request: Request) -> Result<(), QueueError> {
        match self.ask(request).await.map_err(QueueError::Unavailable)? {
            Reply::Done => Ok(()),
            other => Err(other.queue_error()),
        }
    }
}

#[async_trait]
impl Store for Guest {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let reply = self.ask(Request::Get(key.into())).await.map_err(StoreError::Unavailable)?;
        match reply {
            Reply::Record(record) => Ok(record.map(Into::into)),
            other => Err(other.store_error()),
        }
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let reply =
            self.ask(Request::Query(query.into())).await.map_err(StoreError::Unavailable)?;
        match reply {
            Reply::Page { records, next } => {
                Ok(Page { records: records.into_iter().map(Into::into).collect(), next })
            }
            other => Err(other.store_error()),
        }
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        within_limits(changes)?;
        let request = Request::Commit(changes.iter().map(Into::into).collect());
        match self.ask(request).await.map_err(CommitError::Unknown)? {
            Reply::Done => Ok(()),
            other => Err(other.commit_error()),
        }
    }
}

#[async_trait]
impl Queue for Guest {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        sendable(messages)?;
        self.queued(Request::Send(messages.iter().map(Into::into).collect())).await
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        receivable(max, visibility)?;
        let request = Request::Receive { queue: queue.to_string(), max, visibility };
        match self.ask(request).await.map_err(QueueError::Unavailable)? {
            Reply::Deliveries(deliveries) => Ok(deliveries.into_iter().map(Into::into).collect()),
            other => Err(other.queue_error()),
        }
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        let (queue, receipt) = (queue.to_string(), receipt.0.clone());
        self.queued(Request::Acknowledge { queue, receipt }).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        deferrable(delay)?;
        let (queue, receipt) = (queue.to_string(), receipt.0.clone());
        self.queued(Request::Defer { queue, receipt, delay }).await
    }
}
