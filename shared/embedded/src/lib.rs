//! The adapters for one machine: store and queue in one file.
//!
//! ```text
//! tasks ──commit, send, receive, acknowledge, defer──> writer thread ──one transaction──> file
//!      <─────────────── answers, after the sync ───────────┘
//! tasks ──get, query──> read transaction of the last acknowledged state
//! ```
//!
//! What holds, and is tested:
//!
//! - A commit or a send that returned `Ok` survives the death of the process and of the machine.
//! - What concurrent tasks ask for is grouped: one transaction and one sync for all of them, each
//!   with its own answer. A commit whose expectations fail leaves the others untouched.
//! - A receive, an acknowledgement and a deferral are answered before they are synced (they are
//!   synced with the next commit or send, or when the writer has nothing to do). A crash in between
//!   delivers a message once more, which the queue port allows at any time.
//! - One process at a time: the file is locked, a second opener gets [`OpenError::InUse`].
//! - Opening makes every message that was in flight visible at once, because its receiver is dead:
//!   there is never another one. Delays and deferrals keep their time.
//! - Other processes of the same person come in through the [`Door`] as [`Guest`]s: the same ports,
//!   the same answers.
//! - Memory is bounded: the page cache, and the bytes that wait for the writer, have fixed budgets.

mod database;
mod door;
mod messages;
mod open;
mod overview;
mod queue;
mod records;
mod store;
mod tables;
mod writer;

pub use database::{Embedded, Options, Statistics};
pub use door::{Door, Guest};
pub use open::OpenError;
pub use queue::{Arrivals, DeadLetter, Depth, EmbeddedQueue};
pub use store::EmbeddedStore;
pub use system::{FasterClock, OsRandom, SystemClock};
