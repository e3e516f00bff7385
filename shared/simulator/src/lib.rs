//! Simulated Microsoft 365 tenants: tokens, Graph, Exchange's admin API, a mail router, faults.
//!
//! It follows what is known of the real service (`README.md` lists it), never the client's
//! convenience. Everything happens on one world behind a lock, decided by the clock that it was
//! given and by one seed, so that a run in virtual time replays exactly.

mod assertion;
mod call;
mod config;
mod content;
mod directory;
mod drive;
mod exchange;
mod faults;
mod generate;
mod graph;
mod inspect;
mod licensing;
mod log;
mod mail;
mod mailbox;
mod random;
mod rehearsal;
mod reply;
mod route;
mod scene;
mod serve;
mod simulator;
mod throttle;
mod token;
mod world;

pub use config::{Config, Lag, Lags, Profile, Rules};
pub use content::ContentRules;
pub use faults::{FaultKind, FaultRule, Faults};
pub use generate::{EmlLimits, LoadError, Population};
pub use inspect::{AddressEntry, Counts, ForwardingView, RecipientView, RightView, TenantView};
pub use log::LoggedRequest;
pub use mail::{Arrival, FreeBusy, Message};
pub use rehearsal::{Credentials, Rehearsal};
pub use scene::{
    Arrange, DriveFill, DriveView, EntryView, FolderView, ItemView, MailboxFill, MailboxView,
    NoContent, Part,
};
pub use serve::{Authority, AuthorityError, Front, serve, serve_behind};
pub use simulator::Simulator;
pub use throttle::Throttling;
