//! What is in a mailbox: folders, items, delivery (A2 fills this).

pub(crate) mod import;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{call::Call, graph::GraphResult, mail::Message, random::Rng, world::World};

/// A folder as Exchange's `Get-MailboxFolderStatistics` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderSummary {
    /// The id that cmdlets take: `mailbox:<id>`.
    pub(crate) id: String,
    /// `/Inbox/Sub`, as FolderPath writes it.
    pub(crate) path: String,
    /// `Inbox`, `Calendar`, `User Created`: English in every language.
    pub(crate) folder_type: String,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// A mailbox or an archive.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    inbox: Vec<(Message, Timestamp)>,
}

impl Mailbox {
    /// An empty mailbox with its default folders.
    pub(crate) fn new(_guid: Uuid, _random: &mut Rng, _now: Timestamp) -> Self {
        Self { inbox: Vec::new() }
    }

    /// All folders, parents before children.
    pub(crate) fn folders(&self) -> Vec<FolderSummary> {
        Vec::new()
    }

    /// Puts a message into the inbox.
    pub(crate) fn deliver(&mut self, message: &Message, now: Timestamp, _random: &mut Rng) {
        self.inbox.push((message.clone(), now));
    }

    /// Whether a message with this id (the simulator's own, `Message::id`) lies in any folder.
    pub(crate) fn holds_message(&self, id: &str) -> bool {
        self.inbox.iter().any(|(message, _)| message.id == id)
    }
}

/// Graph requests about content of mailboxes; `None` for what is not.
pub(crate) fn route(_world: &mut World, _call: &Call) -> Option<GraphResult> {
    None
}
