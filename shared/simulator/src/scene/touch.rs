//! Changes between two runs: what people do to their mailboxes and drives in the meantime.

use jiff::Timestamp;
use uuid::Uuid;

use super::{NoContent, Part, drive as drives, mailbox as mailboxes, view::path};
use crate::{
    Simulator,
    content::Content,
    drive::{Drive, File, Kind, ROOT},
    mailbox::{Mailbox, Reason},
    random::Rng,
};

/// What a person does with a folder of a mailbox.
#[derive(Clone, Copy, Debug)]
pub enum Arrange<'a> {
    /// Makes one of this name below it.
    Make(&'a str),
    /// Gives it this name.
    Rename(&'a str),
    /// Puts it below the folder of this path.
    Move(&'a str),
    /// Deletes it with all that is in it.
    Delete,
}

impl Simulator {
    /// Makes `changes` changes in a mailbox: items that are new, changed, moved and deleted; now and
    /// then a folder that is new, renamed, moved or deleted.
    pub fn touch_mailbox(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
        changes: usize,
    ) -> Result<(), NoContent> {
        let now = self.now();
        self.with_mailbox(tenant, user, part, |mailbox, random| {
            for n in 0..changes {
                change_mailbox(mailbox, n, random, now);
            }
        })
    }

    /// A person files a message: it moves from where it is into a folder of this name, which is made if
    /// there is none. Nothing happens to a message that is not there.
    pub fn file_message(
        &self,
        tenant: Uuid,
        user: &str,
        subject: &str,
        folder: &str,
    ) -> Result<(), NoContent> {
        self.with_mailbox(tenant, user, Part::Primary, |mailbox, _random| {
            let named = mailbox.folders.values().find(|known| known.name == folder);
            let to = named.map(|folder| folder.number);
            let top = mailbox.well_known("msgfolderroot");
            let to = to.unwrap_or_else(|| mailbox.create_folder(folder, top, "IPF.Note"));
            let item = mailbox.items.values().find(|item| item.data.subject == subject);
            if let Some(number) = item.map(|item| item.number) {
                mailbox.move_item(number, to, Reason::Deleted);
            }
        })
    }

    /// A person does something with a folder of the mailbox, which is named by its path as a
    /// [`MailboxView`](crate::MailboxView) has it; nothing happens to one that is not there.
    pub fn arrange_folder(
        &self,
        tenant: Uuid,
        user: &str,
        at: &str,
        how: Arrange<'_>,
    ) -> Result<(), NoContent> {
        self.with_mailbox(tenant, user, Part::Primary, |mailbox, _random| {
            let find = |mailbox: &Mailbox, at: &str| {
                mailbox.folders.keys().copied().find(|number| path(mailbox, *number) == at)
            };
            let Some(folder) = find(mailbox, at) else { return };
            match how {
                Arrange::Make(name) => drop(mailbox.create_folder(name, Some(folder), "IPF.Note")),
                Arrange::Rename(name) => {
                    if let Some(folder) = mailbox.folders.get_mut(&folder) {
                        name.clone_into(&mut folder.name);
                    }
                    mailbox.folder_changed(folder);
                }
                Arrange::Move(to) => {
                    if let Some(to) = find(mailbox, to).filter(|to| !mailbox.is_under(*to, folder))
                    {
                        mailbox.move_folder(folder, Some(to));
                    }
                }
                Arrange::Delete => mailbox.delete_folder(folder),
            }
        })
    }

    /// The same in a drive.
    pub fn touch_drive(&self, tenant: Uuid, user: &str, changes: usize) -> Result<(), NoContent> {
        let now = self.now();
        self.with_drive(tenant, user, |drive, _, random| {
            for n in 0..changes {
                change_drive(drive, n, random, now);
            }
        })
    }
}

fn change_mailbox(mailbox: &mut Mailbox, n: usize, random: &mut Rng, now: Timestamp) {
    let items: Vec<u64> = mailbox.items.keys().copied().collect();
    let open = mailbox.folders.values().filter(|folder| !folder.search && !folder.hidden);
    let open: Vec<u64> = open.map(|folder| folder.number).collect();
    let own = mailbox.folders.values().filter(|folder| folder.well_known.is_none());
    let own: Vec<u64> = own.map(|folder| folder.number).collect();
    let item = random.pick(&items).copied();
    let folder = random.pick(&open).copied();
    // In turn, so that a few changes already show every kind.
    match (n % 10, item, folder) {
        (0 | 4, _, Some(folder)) => {
            let data = mailboxes::item("IPM.Note", random, now);
            mailbox.add_item(folder, data);
        }
        (1 | 5 | 8, Some(item), _) => {
            let size = 1_000 + random.below(20_000);
            let content = Content::made(random.next_u64(), size);
            mailbox.update_item(item, |data| {
                data.subject.push_str(" (edited)");
                data.modified = now;
                data.content = content;
            });
        }
        (2 | 6, Some(item), Some(folder))
            if mailbox.items.get(&item).is_some_and(|item| item.folder != folder) =>
        {
            mailbox.move_item(item, folder, Reason::Deleted);
        }
        (3, Some(item), _) => mailbox.delete_item(item, Reason::Deleted),
        (7, _, Some(parent)) => {
            mailbox.create_folder(
                &format!("New folder {}", random.hex(2)),
                Some(parent),
                "IPF.Note",
            );
        }
        (9, _, _) => {
            let Some(folder) = random.pick(&own).copied() else { return };
            match random.below(3) {
                0 => mailbox.delete_folder(folder),
                1 => {
                    let to = mailbox.well_known("inbox");
                    if to.is_some_and(|to| !mailbox.is_under(to, folder)) {
                        mailbox.move_folder(folder, to);
                    }
                }
                _ => {
                    if let Some(folder) = mailbox.folders.get_mut(&folder) {
                        folder.name.push_str(" renamed");
                    }
                    mailbox.folder_changed(folder);
                }
            }
        }
        _ => {}
    }
}

fn change_drive(drive: &mut Drive, n: usize, random: &mut Rng, now: Timestamp) {
    let folders: Vec<u64> =
        drive.entries.values().filter(|e| e.is_folder()).map(|e| e.number).collect();
    let files = drive.entries.values().filter(|entry| matches!(entry.kind, Kind::File(_)));
    let files: Vec<u64> = files.map(|entry| entry.number).collect();
    let file = random.pick(&files).copied();
    let folder = random.pick(&folders).copied().unwrap_or(ROOT);
    let inner: Vec<u64> = folders.iter().copied().filter(|number| *number != ROOT).collect();
    match (n % 11, file) {
        (0 | 4, _) => {
            let unique = random.below(1 << 40);
            drives::file(drive, &[folder], unique, None, random, now);
        }
        (1 | 5, Some(file)) => {
            let content = Content::made(random.next_u64(), random.below(300_000));
            drive.amend(file, now, |entry| {
                entry.kind = Kind::File(File::new(content));
                entry.fs_modified = now;
            });
        }
        (2, Some(file)) => {
            let name = drive.entries.get(&file).map(|entry| entry.name.clone());
            if name.is_some_and(|name| drive.child(folder, &name).is_none()) {
                drive.amend(file, now, |entry| entry.parent = Some(folder));
            }
        }
        (3, Some(file)) => drive.delete(file, now, false),
        (6, Some(file)) => {
            let name = format!("renamed {}.bin", random.hex(3));
            drive.amend(file, now, |entry| entry.name = name);
        }
        (7, _) => {
            let name = format!("new folder {}", random.hex(3));
            drive.insert(Some(folder), &name, Kind::Folder, now);
        }
        (8..=10, _) => {
            let Some(inner) = random.pick(&inner).copied() else { return };
            arrange(drive, n % 11, inner, folder, random, now);
        }
        _ => {}
    }
}

/// Renames a folder, puts it into another, or deletes it with all that is in it.
fn arrange(drive: &mut Drive, n: usize, it: u64, to: u64, random: &mut Rng, now: Timestamp) {
    let Some(name) = drive.entries.get(&it).map(|entry| entry.name.clone()) else { return };
    match n {
        8 => {
            let name = format!("{name} {}", random.hex(2));
            drive.amend(it, now, |entry| entry.name = name);
        }
        9 if !drive.is_under(to, it) && drive.child(to, &name).is_none() => {
            drive.amend(it, now, |entry| entry.parent = Some(to));
        }
        10 => drive.delete(it, now, false),
        _ => {}
    }
}
