//! The mailbox as a store: writes that keep counts and the order of changes right.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    FolderSummary,
    ids::{self, Named},
    item::{Folder, Item, ItemData},
    side_data::SideData,
    well_known,
};
use crate::{content::Content, mail::Message, random::Rng};

/// Why an entry of a delta has no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It can be restored.
    Changed,
    /// It is gone, or elsewhere.
    Deleted,
}

/// What happened to an item in a folder.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It is there.
    Item(u64),
    /// It is there no more: number, moves, and why.
    Gone(u64, u32, Reason),
}

/// A folder of an auto-expanding archive that lives in an auxiliary mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// The folder here under which it shows.
    pub(crate) parent: Option<u64>,
    /// The auxiliary mailbox.
    pub(crate) mailbox: Uuid,
    /// The folder there.
    pub(crate) folder: u64,
}

/// A right to import for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImportSession {
    pub(crate) end: Timestamp,
    /// Whose budget the imports are charged to.
    pub(crate) app: Uuid,
}

/// A mailbox or an archive.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub(crate) guid: Uuid,
    /// Counts the writes; every folder and item remembers its last.
    pub(crate) revision: u64,
    numbers: u64,
    pub(crate) folders: BTreeMap<u64, Folder>,
    pub(crate) items: BTreeMap<u64, Item>,
    /// The last change of each item, by folder and revision.
    pub(crate) changes: BTreeMap<(u64, u64), Change>,
    /// Deleted folders by revision: number, parent.
    pub(crate) gone_folders: BTreeMap<u64, (u64, Option<u64>)>,
    /// Delta tokens of an older generation are void.
    pub(crate) generation: u64,
    /// Import sessions by token.
    pub(crate) sessions: BTreeMap<String, ImportSession>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) bytes: u64,
    pub(crate) side: SideData,
}

impl Mailbox {
    /// An empty mailbox with its default folders.
    pub(crate) fn new(guid: Uuid, _random: &mut Rng, _now: Timestamp) -> Self {
        let mut mailbox = Self {
            guid,
            revision: 0,
            numbers: 0,
            folders: BTreeMap::new(),
            items: BTreeMap::new(),
            changes: BTreeMap::new(),
            gone_folders: BTreeMap::new(),
            generation: 1,
            sessions: BTreeMap::new(),
            branches: Vec::new(),
            bytes: 0,
            side: SideData::default(),
        };
        for known in &well_known::ALL {
            let parent = mailbox.well_known(known.parent);
            let number = mailbox.create_folder(known.display("en"), parent, known.class);
            if let Some(folder) = mailbox.folders.get_mut(&number) {
                folder.well_known = Some(known.name);
                folder.hidden = known.hidden;
                folder.search = known.search;
            }
        }
        mailbox
    }

    /// Gives the default folders their names in a language.
    pub(crate) fn localise(&mut self, language: &str) {
        language.clone_into(&mut self.side.language);
        let mut revision = self.revision;
        for folder in self.folders.values_mut() {
            if let Some(known) = folder.well_known.and_then(well_known::by_name) {
                known.display(language).clone_into(&mut folder.name);
                revision = revision.saturating_add(1);
                folder.revision = revision;
            }
        }
        self.revision = revision;
    }

    pub(crate) fn next_revision(&mut self) -> u64 {
        self.revision = self.revision.saturating_add(1);
        self.revision
    }

    fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    /// The number of a default folder.
    pub(crate) fn well_known(&self, name: &str) -> Option<u64> {
        let named = |folder: &&Folder| {
            folder.well_known.is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        self.folders.values().find(named).map(|folder| folder.number)
    }

    /// A folder by id or by well-known name.
    pub(crate) fn folder_by_id(&self, id: &str) -> Option<&Folder> {
        let number = match ids::parse(self.guid, id) {
            Some(Named::Folder(number)) => Some(number),
            Some(Named::Item { .. }) => None,
            None => self.well_known(id),
        };
        self.folders.get(&number?)
    }

    /// An item by id, ordinary or immutable. An ordinary id ends with a move.
    pub(crate) fn item_by_id(&self, id: &str) -> Option<&Item> {
        let Some(Named::Item { number, moves }) = ids::parse(self.guid, id) else { return None };
        let item = self.items.get(&number)?;
        moves.is_none_or(|moves| moves == item.moves).then_some(item)
    }

    /// Direct children of a folder, or of the mailbox itself, in the order of their making.
    pub(crate) fn children(&self, parent: Option<u64>) -> impl Iterator<Item = &Folder> {
        self.folders.values().filter(move |folder| folder.parent == parent)
    }

    /// Whether `folder` is `above` or lies under it.
    pub(crate) fn is_under(&self, folder: u64, above: u64) -> bool {
        let mut at = Some(folder);
        while let Some(number) = at {
            if number == above {
                return true;
            }
            at = self.folders.get(&number).and_then(|folder| folder.parent);
        }
        false
    }

    /// Makes a folder, whatever its name.
    pub(crate) fn create_folder(&mut self, name: &str, parent: Option<u64>, class: &str) -> u64 {
        let (number, revision) = (self.next_number(), self.next_revision());
        let folder = Folder {
            number,
            name: name.to_owned(),
            parent,
            class: class.to_owned(),
            well_known: None,
            hidden: false,
            search: false,
            properties: BTreeMap::new(),
            revision,
            items: 0,
            bytes: 0,
        };
        self.folders.insert(number, folder);
        number
    }

    /// Notes that a folder was written.
    pub(crate) fn folder_changed(&mut self, number: u64) {
        let revision = self.next_revision();
        if let Some(folder) = self.folders.get_mut(&number) {
            folder.revision = revision;
        }
    }

    /// Puts a folder under another one; whoever lists the children of the old one sees it go.
    pub(crate) fn move_folder(&mut self, number: u64, to: Option<u64>) {
        let left = self.next_revision();
        if let Some(folder) = self.folders.get_mut(&number) {
            self.gone_folders.insert(left, (number, folder.parent));
            folder.parent = to;
        }
        self.folder_changed(number);
    }

    /// Removes a folder with everything under and in it.
    pub(crate) fn delete_folder(&mut self, number: u64) {
        let children: Vec<u64> = self.children(Some(number)).map(|child| child.number).collect();
        for child in children {
            self.delete_folder(child);
        }
        for item in self.items_in(number) {
            self.delete_item(item, Reason::Deleted);
        }
        if let Some(folder) = self.folders.remove(&number) {
            let revision = self.next_revision();
            self.gone_folders.insert(revision, (number, folder.parent));
        }
    }

    /// Numbers of the items in a folder, in the order of their last change.
    pub(crate) fn items_in(&self, folder: u64) -> Vec<u64> {
        let range = self.changes.range((folder, 0)..=(folder, u64::MAX));
        range
            .filter_map(|(_, change)| match change {
                Change::Item(number) => Some(*number),
                Change::Gone(..) => None,
            })
            .collect()
    }

    /// Puts a new item into a folder.
    pub(crate) fn add_item(&mut self, folder: u64, data: ItemData) -> u64 {
        let (number, revision) = (self.next_number(), self.next_revision());
        let item = Item { number, folder, moves: 0, revision, corrupt: false, data };
        self.count(folder, item.size(), true);
        self.items.insert(number, item);
        self.changes.insert((folder, revision), Change::Item(number));
        number
    }

    /// Writes an item.
    pub(crate) fn update_item(&mut self, number: u64, change: impl FnOnce(&mut ItemData)) {
        let revision = self.next_revision();
        let Some(item) = self.items.get_mut(&number) else { return };
        let (folder, before, old) = (item.folder, item.revision, item.size());
        change(&mut item.data);
        item.revision = revision;
        let new = item.size();
        self.changes.remove(&(folder, before));
        self.changes.insert((folder, revision), Change::Item(number));
        self.count(folder, old, false);
        self.count(folder, new, true);
    }

    /// Moves an item; its ordinary id ends, the immutable one stays.
    pub(crate) fn move_item(&mut self, number: u64, to: u64, reason: Reason) {
        let revision = self.next_revision();
        let Some(item) = self.items.get_mut(&number) else { return };
        let (from, before, moves, size) = (item.folder, item.revision, item.moves, item.size());
        item.folder = to;
        item.moves = moves.saturating_add(1);
        item.revision = revision;
        self.changes.remove(&(from, before));
        self.changes.insert((from, revision), Change::Gone(number, moves, reason));
        let arrived = self.next_revision();
        if let Some(item) = self.items.get_mut(&number) {
            item.revision = arrived;
        }
        self.changes.insert((to, arrived), Change::Item(number));
        self.count(from, size, false);
        self.count(to, size, true);
    }

    /// Removes an item for good.
    pub(crate) fn delete_item(&mut self, number: u64, reason: Reason) {
        let Some(item) = self.items.remove(&number) else { return };
        let revision = self.next_revision();
        self.changes.remove(&(item.folder, item.revision));
        self.changes.insert((item.folder, revision), Change::Gone(number, item.moves, reason));
        self.count(item.folder, item.size(), false);
    }

    fn count(&mut self, folder: u64, size: u64, added: bool) {
        let Some(folder) = self.folders.get_mut(&folder) else { return };
        if added {
            folder.items = folder.items.saturating_add(1);
            folder.bytes = folder.bytes.saturating_add(size);
            self.bytes = self.bytes.saturating_add(size);
        } else {
            folder.items = folder.items.saturating_sub(1);
            folder.bytes = folder.bytes.saturating_sub(size);
            self.bytes = self.bytes.saturating_sub(size);
        }
    }

    /// Puts a message into the inbox.
    pub(crate) fn deliver(&mut self, message: &Message, now: Timestamp, random: &mut Rng) {
        let Some(inbox) = self.well_known("inbox") else { return };
        let text = message.mime.as_deref().unwrap_or(&message.body);
        let data = ItemData {
            identity: format!("mail/{}/{}", message.id, random.hex(8)),
            class: if message.from.is_empty() { "REPORT.IPM.Note.NDR" } else { "IPM.Note" }
                .to_owned(),
            subject: message.subject.clone(),
            message_id: format!("<{}@simulated.example>", message.id),
            from: message.from.clone(),
            categories: Vec::new(),
            created: now,
            modified: now,
            received: now,
            sent: now,
            properties: BTreeMap::new(),
            mail: Some(message.id.clone()),
            content: Content::Kept(text.to_owned().into_bytes().into()),
        };
        self.add_item(inbox, data);
    }

    /// Whether a message with this id (the simulator's own, `Message::id`) lies in any folder.
    pub(crate) fn holds_message(&self, id: &str) -> bool {
        self.items.values().any(|item| item.data.mail.as_deref() == Some(id))
    }

    /// The path of a folder from the top, for instance `/Inbox/Sub`.
    pub(crate) fn path(&self, number: u64) -> String {
        let mut names = Vec::new();
        let mut at = self.folders.get(&number);
        while let Some(folder) = at.filter(|folder| folder.well_known != Some(well_known::ROOT)) {
            names.push(folder.name.as_str());
            at = folder.parent.and_then(|parent| self.folders.get(&parent));
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }

    /// All folders, parents before children, as `Get-MailboxFolderStatistics` lists them.
    pub(crate) fn folders(&self) -> Vec<FolderSummary> {
        let shown = self.folders.values().filter(|folder| !folder.search);
        let summary = |folder: &Folder| FolderSummary {
            id: ids::folder(self.guid, folder.number),
            path: match folder.well_known {
                Some(well_known::ROOT) => "/Top of Information Store".to_owned(),
                _ => self.path(folder.number),
            },
            folder_type: folder
                .well_known
                .and_then(well_known::by_name)
                .map_or("User Created", |known| known.folder_type)
                .to_owned(),
            items: folder.items,
            bytes: folder.bytes,
        };
        shown.map(summary).collect()
    }
}
