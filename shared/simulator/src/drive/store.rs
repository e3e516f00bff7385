//! A drive as a store: entries under one root, and the order of their changes.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use uuid::Uuid;

use super::{error, names, permissions::Grant, upload::Session};
use crate::{content::Content, graph::GraphError};

/// The number of the root.
pub(crate) const ROOT: u64 = 1;

/// What an entry is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Folder,
    File(File),
    /// A OneNote notebook: neither file nor folder.
    Notebook,
    /// A shortcut into another drive.
    Shortcut {
        drive: String,
        item: String,
    },
}

/// A file's content.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) content: Content,
    /// quickXorHash of the content.
    pub(crate) hash: String,
    /// quickXorHash of what was uploaded, where SharePoint rewrote it.
    pub(crate) uploaded: Option<String>,
    pub(crate) malware: bool,
}

impl File {
    pub(crate) fn new(content: Content) -> Self {
        let hash = content.hash().text();
        Self { content, hash, uploaded: None, malware: false }
    }
}

/// A file, folder, notebook or shortcut.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// When the server made and changed it.
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// `fileSystemInfo`: what the client says.
    pub(crate) fs_created: Timestamp,
    pub(crate) fs_modified: Timestamp,
    /// The write that changed it last.
    pub(crate) revision: u64,
    /// Grants made on this entry itself.
    pub(crate) grants: Vec<Grant>,
}

impl Entry {
    pub(crate) fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(file) => file.content.length(),
            _ => 0,
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }
}

/// What happened last to an entry.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) number: u64,
    /// The folder above, for what is gone.
    pub(crate) gone_from: Option<u64>,
}

/// A user's drive.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    pub(crate) id: String,
    pub(crate) tenant: Uuid,
    pub(crate) owner: Uuid,
    /// First label of the site's host, for instance `contoso-my`.
    pub(crate) host: String,
    pub(crate) created: Timestamp,
    pub(crate) revision: u64,
    numbers: u64,
    pub(crate) entries: BTreeMap<u64, Entry>,
    /// Folder and what lies in it: a listing must not look at the whole drive.
    below: BTreeSet<(u64, u64)>,
    pub(crate) changes: BTreeMap<u64, Change>,
    pub(crate) used: u64,
    /// Bytes in the recycle bin.
    pub(crate) binned: u64,
    /// Delta tokens of an older generation are void.
    pub(crate) generation: u64,
    pub(crate) sessions: BTreeMap<String, Session>,
}

impl Drive {
    /// An empty drive.
    pub(crate) fn new(tenant: Uuid, owner: Uuid, host: &str, now: Timestamp) -> Self {
        let mut drive = Self {
            id: drive_id(tenant, owner),
            tenant,
            owner,
            host: host.to_owned(),
            created: now,
            revision: 0,
            numbers: 0,
            entries: BTreeMap::new(),
            below: BTreeSet::new(),
            changes: BTreeMap::new(),
            used: 0,
            binned: 0,
            generation: 1,
            sessions: BTreeMap::new(),
        };
        drive.insert(None, "root", Kind::Folder, now);
        drive
    }

    /// The id of an entry.
    pub(crate) fn item_id(&self, number: u64) -> String {
        let (high, _) = self.owner.as_u64_pair();
        format!("01{high:016X}{number:016X}")
    }

    /// The entry of an id.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Entry> {
        if id == "root" {
            return self.entries.get(&ROOT);
        }
        let number = u64::from_str_radix(id.get(18..)?, 16).ok()?;
        (self.item_id(number) == id).then(|| self.entries.get(&number)).flatten()
    }

    pub(crate) fn children(&self, parent: u64) -> impl Iterator<Item = &Entry> {
        let inside = self.below.range((parent, 0)..=(parent, u64::MAX));
        inside.filter_map(|(_, number)| self.entries.get(number))
    }

    /// A child by name, whatever its case.
    pub(crate) fn child(&self, parent: u64, name: &str) -> Option<&Entry> {
        let name = name.to_lowercase();
        self.children(parent).find(|entry| entry.name.to_lowercase() == name)
    }

    /// Names from the root down to an entry.
    pub(crate) fn path(&self, number: u64) -> String {
        let mut names = Vec::new();
        let mut at = self.entries.get(&number);
        while let Some(entry) = at.filter(|entry| entry.number != ROOT) {
            names.push(entry.name.as_str());
            at = entry.parent.and_then(|parent| self.entries.get(&parent));
        }
        names.reverse();
        names.join("/")
    }

    /// Whether `number` is `above` or lies under it.
    pub(crate) fn is_under(&self, number: u64, above: u64) -> bool {
        let mut at = Some(number);
        while let Some(here) = at {
            if here == above {
                return true;
            }
            at = self.entries.get(&here).and_then(|entry| entry.parent);
        }
        false
    }

    /// The part of every path that the site takes.
    pub(crate) fn site(&self) -> String {
        format!("personal/{}/Documents", self.owner.simple())
    }

    /// Refuses a name that cannot be used in a folder.
    pub(crate) fn check_name(&self, parent: u64, name: &str) -> Result<(), GraphError> {
        names::check(name, parent == ROOT)?;
        let above = match self.path(parent) {
            root if root.is_empty() => self.site(),
            path => format!("{}/{path}", self.site()),
        };
        names::check_path(&format!("{above}/{name}"))
    }

    /// Adds an entry, whatever its name.
    pub(crate) fn insert(
        &mut self,
        parent: Option<u64>,
        name: &str,
        kind: Kind,
        now: Timestamp,
    ) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        let number = self.numbers;
        let entry = Entry {
            number,
            parent,
            name: name.to_owned(),
            kind,
            created: now,
            modified: now,
            fs_created: now,
            fs_modified: now,
            revision: 0,
            grants: Vec::new(),
        };
        self.used = self.used.saturating_add(entry.size());
        self.entries.insert(number, entry);
        self.below.extend(parent.map(|parent| (parent, number)));
        self.note(number, now);
        number
    }

    /// Changes an entry in place.
    pub(crate) fn amend(&mut self, number: u64, now: Timestamp, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let (before, from) = (entry.size(), entry.parent);
        change(entry);
        entry.modified = now;
        let (after, to) = (entry.size(), entry.parent);
        if from != to {
            from.map(|parent| self.below.remove(&(parent, number)));
            self.below.extend(to.map(|parent| (parent, number)));
        }
        self.used = self.used.saturating_sub(before).saturating_add(after);
        self.note(number, now);
    }

    fn note(&mut self, number: u64, at: Timestamp) {
        self.revision = self.revision.saturating_add(1);
        let revision = self.revision;
        if let Some(entry) = self.entries.get_mut(&number) {
            self.changes.remove(&entry.revision);
            entry.revision = revision;
        }
        self.changes.insert(revision, Change { at, number, gone_from: None });
    }

    /// Puts an entry with everything under it into the recycle bin, or removes it for good.
    pub(crate) fn delete(&mut self, number: u64, now: Timestamp, for_good: bool) {
        let Some(entry) = self.entries.remove(&number) else { return };
        self.changes.remove(&entry.revision);
        entry.parent.map(|parent| self.below.remove(&(parent, number)));
        self.used = self.used.saturating_sub(entry.size());
        if !for_good {
            self.binned = self.binned.saturating_add(entry.size());
        }
        self.revision = self.revision.saturating_add(1);
        let change = Change { at: now, number, gone_from: entry.parent };
        self.changes.insert(self.revision, change);
        let below: Vec<u64> = self.children(number).map(|child| child.number).collect();
        for child in below {
            self.delete(child, now, for_good);
        }
    }

    /// Refuses bytes for which there is no room.
    pub(crate) fn check_room(&self, more: u64, instead: u64, quota: u64) -> Result<(), GraphError> {
        let used = self.used.saturating_sub(instead).saturating_add(more);
        if quota > 0 && used > quota { Err(error::full()) } else { Ok(()) }
    }
}

/// The id of a person's drive.
pub(crate) fn drive_id(tenant: Uuid, owner: Uuid) -> String {
    let bytes = [*owner.as_bytes(), *tenant.as_bytes()].concat();
    format!("b!{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whose drive an id names.
pub(crate) fn owner_of(tenant: Uuid, id: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix("b!")?).ok()?;
    let (owner, of) = bytes.split_first_chunk::<16>()?;
    (of == tenant.as_bytes()).then(|| Uuid::from_bytes(*owner))
}
