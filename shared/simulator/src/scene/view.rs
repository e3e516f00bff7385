//! What is in a mailbox or a drive, for comparing a copy with its source.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{NoContent, Part};
use crate::{
    Simulator,
    directory::Tenant,
    drive::{Drive, Entry, Grantee, Kind, ROOT},
    mailbox::{Item, Mailbox},
};

/// A mailbox, folder by folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxView {
    /// The folders by path.
    pub folders: BTreeMap<String, FolderView>,
}

/// A folder of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderView {
    /// The name as people see it.
    pub name: String,
    /// Graph's name of a default folder.
    pub well_known: Option<String>,
    /// Container class.
    pub class: String,
    /// Not shown by Outlook.
    pub hidden: bool,
    /// A search folder: no items of its own.
    pub search: bool,
    /// The items, by identity.
    pub items: Vec<ItemView>,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// Stays the same when the item is copied. No client ever sees it.
    pub identity: String,
    /// Message class.
    pub class: String,
    /// The subject.
    pub subject: String,
    /// Message-ID.
    pub message_id: String,
    /// When it was received.
    pub received: Timestamp,
    /// Categories.
    pub categories: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// A hash of body and attachments.
    pub fingerprint: String,
    /// Cannot be read any more.
    pub corrupt: bool,
}

/// A drive, entry by entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriveView {
    /// The entries by path, the root left out.
    pub entries: BTreeMap<String, EntryView>,
}

/// A file, folder, notebook or shortcut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// `folder`, `file`, `notebook` or `shortcut`.
    pub kind: String,
    /// Bytes of a file as it is stored.
    pub size: u64,
    /// quickXorHash of a file as it was uploaded, before SharePoint rewrote it.
    pub fingerprint: String,
    /// `fileSystemInfo.createdDateTime`.
    pub created: Timestamp,
    /// `fileSystemInfo.lastModifiedDateTime`.
    pub modified: Timestamp,
    /// Grants on the entry itself: who (an address, or `link`), and roles.
    pub grants: BTreeMap<String, Vec<String>>,
    /// Infected.
    pub malware: bool,
}

impl MailboxView {
    fn of(mailbox: &Mailbox) -> Self {
        let mut folders = BTreeMap::new();
        for folder in mailbox.folders.values() {
            let items = mailbox.items_in(folder.number);
            let items = items.iter().filter_map(|number| mailbox.items.get(number));
            let mut items: Vec<ItemView> = items.map(item).collect();
            items.sort();
            let view = FolderView {
                name: folder.name.clone(),
                well_known: folder.well_known.map(str::to_owned),
                class: folder.class.clone(),
                hidden: folder.hidden,
                search: folder.search,
                items,
            };
            folders.insert(path(mailbox, folder.number), view);
        }
        Self { folders }
    }

    /// How many items there are.
    pub fn count(&self) -> usize {
        self.folders.values().map(|folder| folder.items.len()).sum()
    }

    /// What `copy` lacks, has too much or has otherwise, one line each. Search folders, hidden
    /// folders and unreadable items are left out; so are people's folders of the copy, and its items
    /// that have no counterpart in any folder here, if `extra` allows them.
    pub fn differences(&self, copy: &Self, extra: bool) -> Vec<String> {
        let (here, there) = (self.index(), copy.index());
        let mut lines = Vec::new();
        for (key @ (path, identity), items) in &here {
            match there.get(key) {
                None => lines.push(format!("{path}: `{}` is missing", name(items, identity))),
                Some(copies) if copies.len() > items.len() => {
                    let times = copies.len();
                    lines.push(format!(
                        "{path}: `{}` is there {times} times",
                        name(items, identity)
                    ));
                }
                Some(copies) if copies != items => {
                    lines.push(format!("{path}: `{}` differs", name(items, identity)));
                }
                Some(_) => {}
            }
        }
        for ((path, identity), items) in &there {
            let known = here.contains_key(&(path.clone(), identity.clone()));
            let elsewhere = here.keys().any(|(_, id)| id == identity);
            if !known && (elsewhere || !extra) {
                lines.push(format!("{path}: `{}` should not be there", name(items, identity)));
            }
        }
        for (path, folder) in &self.folders {
            let plain = !folder.hidden && !folder.search;
            match copy.folders.get(path) {
                None if plain => lines.push(format!("{path}: the folder is missing")),
                Some(copy) if plain && copy.class != folder.class => {
                    lines.push(format!("{path}: the folder is {} there", copy.class));
                }
                _ => {}
            }
        }
        let of_people =
            |folder: &FolderView| folder.well_known.is_none() && !folder.hidden && !folder.search;
        for (path, _) in copy.folders.iter().filter(|(_, folder)| !extra && of_people(folder)) {
            if !self.folders.contains_key(path) {
                lines.push(format!("{path}: the folder should not be there"));
            }
        }
        lines
    }

    fn index(&self) -> BTreeMap<(String, String), Vec<&ItemView>> {
        let mut index: BTreeMap<(String, String), Vec<&ItemView>> = BTreeMap::new();
        for (path, folder) in self.folders.iter().filter(|(_, f)| !f.hidden && !f.search) {
            for item in folder.items.iter().filter(|item| !item.corrupt) {
                index.entry((path.clone(), item.identity.clone())).or_default().push(item);
            }
        }
        index
    }
}

fn name<'a>(items: &[&'a ItemView], identity: &'a str) -> &'a str {
    items.first().map(|item| item.subject.as_str()).filter(|s| !s.is_empty()).unwrap_or(identity)
}

/// The path of a folder, default folders by their role: the same in every language.
pub(super) fn path(mailbox: &Mailbox, number: u64) -> String {
    let mut names = Vec::new();
    let mut at = mailbox.folders.get(&number);
    while let Some(folder) = at {
        names.push(folder.well_known.unwrap_or(&folder.name));
        if folder.well_known.is_some() {
            break;
        }
        at = folder.parent.and_then(|parent| mailbox.folders.get(&parent));
    }
    names.reverse();
    names.join("/")
}

fn item(item: &Item) -> ItemView {
    let data = &item.data;
    ItemView {
        identity: data.identity.clone(),
        class: data.class.clone(),
        subject: data.subject.clone(),
        message_id: data.message_id.clone(),
        received: data.received,
        categories: data.categories.clone(),
        size: item.size(),
        fingerprint: data.content.hash().text(),
        corrupt: item.corrupt,
    }
}

impl DriveView {
    fn of(drive: &Drive, tenant: &Tenant) -> Self {
        let below = drive.entries.values().filter(|entry| entry.number != ROOT);
        let entries = below.map(|e| (drive.path(e.number), entry(e, tenant))).collect();
        Self { entries }
    }

    /// What `copy` lacks, has too much or has otherwise, one line each. Grants are left out: their
    /// holders are others there. So is what cannot be copied: notebooks, shortcuts, malware.
    pub fn differences(&self, copy: &Self) -> Vec<String> {
        let plain = |e: &&EntryView| ["file", "folder"].contains(&e.kind.as_str()) && !e.malware;
        let mut lines = Vec::new();
        for (path, entry) in self.entries.iter().filter(|(_, e)| plain(e)) {
            match copy.entries.get(path) {
                None => lines.push(format!("{path}: missing")),
                Some(copy) if copy.kind != entry.kind || copy.fingerprint != entry.fingerprint => {
                    lines.push(format!("{path}: the content differs"));
                }
                Some(copy) if entry.kind == "file" && copy.modified != entry.modified => {
                    lines.push(format!(
                        "{path}: changed {} and not {}",
                        copy.modified, entry.modified
                    ));
                }
                Some(copy) if entry.kind == "file" && copy.created != entry.created => {
                    lines.push(format!("{path}: made {} and not {}", copy.created, entry.created));
                }
                Some(_) => {}
            }
        }
        let extra = copy.entries.keys().filter(|path| !self.entries.contains_key(*path));
        lines.extend(extra.map(|path| format!("{path}: should not be there")));
        lines
    }
}

fn entry(entry: &Entry, tenant: &Tenant) -> EntryView {
    let (kind, fingerprint, malware) = match &entry.kind {
        Kind::Folder => ("folder", String::new(), false),
        Kind::Notebook => ("notebook", String::new(), false),
        Kind::Shortcut { .. } => ("shortcut", String::new(), false),
        Kind::File(file) => {
            let hash = file.uploaded.as_ref().unwrap_or(&file.hash);
            ("file", hash.clone(), file.malware)
        }
    };
    let grant = |grant: &crate::drive::Grant| {
        let who = match &grant.grantee {
            Grantee::User(id) => tenant.users.get(*id).map(|user| user.upn.clone()),
            Grantee::Group(id) => tenant.groups.get(*id).and_then(|group| group.mail.clone()),
            Grantee::Link { kind, scope } => Some(format!("link {kind} {scope}")),
        };
        (who.unwrap_or_else(|| "unknown".to_owned()), grant.roles.clone())
    };
    EntryView {
        kind: kind.to_owned(),
        size: entry.size(),
        fingerprint,
        created: entry.fs_created,
        modified: entry.fs_modified,
        grants: entry.grants.iter().map(grant).collect(),
        malware,
    }
}

impl Simulator {
    /// What is in a person's mailbox; `user` is an object id or a user principal name.
    pub fn mailbox_view(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
    ) -> Result<MailboxView, NoContent> {
        self.with_mailbox(tenant, user, part, |mailbox, _| MailboxView::of(mailbox))
    }

    /// What is in a person's drive.
    pub fn drive_view(&self, tenant: Uuid, user: &str) -> Result<DriveView, NoContent> {
        let world = self.world();
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let found = world.tenants.get(&tenant).ok_or_else(missing)?;
        let owner = found.user_by_name(user).ok_or_else(missing)?.id;
        let drive = found.drives.get(&owner);
        let none = NoContent::Store { tenant, user: user.to_owned(), what: "drive" };
        Ok(DriveView::of(drive.ok_or(none)?, found))
    }
}
