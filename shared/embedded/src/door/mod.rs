//! The door of an open file: how a second process on the same machine reads and writes it.
//!
//! The file is locked, so only one process has it open. That process keeps a door: a loopback port
//! that speaks the store and queue ports, and beside the file a note, readable by its owner alone,
//! with the port's number and a token that the process made up. Whoever cannot read the note cannot
//! enter. A process that was killed leaves its note behind; the next one that opens the file writes
//! its own over it, and a note is looked at only while the file is locked.

mod frame;
mod guest;
mod wire;

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ports::{Queue, Random, Store};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub use self::guest::Guest;
use self::wire::{Reply, Request};
use crate::Embedded;

/// Guests at the same time.
const MOST_GUESTS: usize = 32;
/// A connection that does not give the token in this time is closed.
const KNOCK: Duration = Duration::from_secs(5);

/// What stands in the note.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    address: SocketAddr,
    token: String,
}

/// The open door of a file. Closed, and the note taken away, when it is dropped; drop it before the
/// last handle of the file, so that no note of a successor is taken away.
#[derive(Debug)]
pub struct Door {
    /// Dropping it ends the task of the door.
    _keeper: JoinSet<()>,
    note: PathBuf,
}

impl Door {
    /// Opens the door of a file, on a task of the runtime that this is called in.
    pub async fn open(file: &Embedded, random: &dyn Random) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let words = [random.next_u64(), random.next_u64(), random.next_u64(), random.next_u64()];
        let token = words.map(|word| format!("{word:016x}")).concat();
        let path = note_of(file.path());
        write_note(&path, &Note { address: listener.local_addr()?, token: token.clone() })?;
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(listener, file.clone(), token));
        Ok(Self { _keeper: keeper, note: path })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // One that stays is written over by the next process.
        drop(fs::remove_file(&self.note));
    }
}

/// The note of a file: its name with `.door`.
fn note_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".door");
    name.into()
}

/// Writes the note whole or not at all, for its owner alone.
fn write_note(path: &Path, note: &Note) -> io::Result<()> {
    let draft = path.with_extension("door-draft");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft)?.write_all(&serde_json::to_vec(note)?)?;
    fs::rename(&draft, path)
}

/// Lets guests in, until it is dropped.
async fn keep(listener: TcpListener, file: Embedded, token: String) {
    let mut guests = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A guest that is gone already, or one too many, is closed.
                if let Ok((stream, _)) = accepted && guests.len() < MOST_GUESTS {
                    guests.spawn(attend(stream, file.clone(), token.clone()));
                }
            }
            Some(_left) = guests.join_next() => {}
        }
    }
}

/// Answers one guest until he leaves.
async fn attend(mut stream: TcpStream, file: Embedded, token: String) {
    let knock = tokio::time::timeout(KNOCK, frame::read::<String>(&mut stream));
    let Ok(Ok(shown)) = knock.await else { return };
    if !is_same(&shown, &token) || stream.set_nodelay(true).is_err() {
        return;
    }
    while let Ok(request) = frame::read(&mut stream).await {
        let reply = answer(&file, request).await;
        if frame::write(&mut stream, &reply).await.is_err() {
            return;
        }
    }
}

/// Compares every byte, so that the time says nothing of the token.
fn is_same(shown: &str, token: &str) -> bool {
    let differ = shown.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == token.len() && differ == 0
}

async fn answer(file: &Embedded, request: Request) -> Reply {
    let (store, queue) = (file.store(), file.queue());
    match request {
        Request::Get(key) => Reply::record(store.get(&key.into()).await),
        Request::Query(query) => Reply::page(store.query(&query.into()).await),
        Request::Commit(changes) => {
            let changes: Vec<_> = changes.into_iter().map(Into::into).collect();
            Reply::committed(store.commit(&changes).await)
        }
        Request::Send(messages) => {
            let messages: Result<Vec<_>, _> = messages.into_iter().map(TryInto::try_into).collect();
            Reply::queued(match messages {
                Ok(messages) => queue.send(&messages).await,
                Err(error) => Err(error),
            })
        }
        Request::Receive { queue: name, max, visibility } => match wire::name(&name) {
            Ok(name) => Reply::deliveries(queue.receive(&name, max, visibility).await),
            Err(error) => Reply::queued(Err(error)),
        },
        Request::Acknowledge { queue: name, receipt } => Reply::queued(match wire::name(&name) {
            Ok(name) => queue.acknowledge(&name, &ports::Receipt(receipt)).await,
            Err(error) => Err(error),
        }),
        Request::Defer { queue: name, receipt, delay } => Reply::queued(match wire::name(&name) {
            Ok(name) => queue.defer(&name, &ports::Receipt(receipt), delay).await,
            Err(error) => Err(error),
        }),
        Request::Depths => Reply::depths(queue.depths()),
        Request::NextDue(prefix) => Reply::due(queue.next_due(&prefix)),
    }
}
