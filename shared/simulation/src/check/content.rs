//! What lies in mailboxes and drives, and who changed it when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use simulator::{DriveView, FolderView, MailboxView};

/// A message of somebody outside, with a subject of its own.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The simulator's id of the message.
    pub(crate) id: String,
    /// Its subject; no other message has it.
    pub(crate) subject: String,
}

/// What one person did to items of the own mailbox, on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// When an item of the source was last changed, by identity.
    pub(crate) changed: BTreeMap<String, Timestamp>,
    /// When an item of the source was deleted.
    pub(crate) deleted: BTreeMap<String, Timestamp>,
    /// Items that the person touched in the target.
    pub(crate) touched: BTreeSet<String>,
    /// When a file of the source was last changed or deleted, by path.
    pub(crate) files: BTreeMap<String, Timestamp>,
}

/// Where each item is and what it is like; the letters by subject, which every copy keeps.
pub(crate) fn items(view: &MailboxView) -> BTreeMap<String, Vec<String>> {
    let mut items: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, folder) in &view.folders {
        if folder.search || folder.hidden {
            continue;
        }
        for item in &folder.items {
            let what = format!("{path}|{}|{}", item.subject, item.fingerprint);
            items.entry(named(&item.identity, &item.subject)).or_default().push(what);
        }
    }
    items
}

/// A letter is known by its number, other mail by the message that both mailboxes may have got, and
/// anything else by the identity that its copies share.
fn named(identity: &str, subject: &str) -> String {
    if !subject.contains("[letter ")
        && let Some(message) = identity.strip_prefix("mail/")
    {
        return format!("mail/{}", message.split('/').next().unwrap_or_default());
    }
    let letter = subject.find("[letter ").and_then(|at| subject.get(at..));
    let letter = letter.and_then(|rest| rest.get(..=rest.find(']')?));
    letter.unwrap_or(identity).to_owned()
}

/// The names of the items that cannot be read, in folders that people see.
pub(crate) fn unreadable(view: &MailboxView) -> BTreeSet<String> {
    corrupt(view.folders.values().filter(|folder| !folder.search && !folder.hidden))
}

fn corrupt<'a>(folders: impl Iterator<Item = &'a FolderView>) -> BTreeSet<String> {
    let items = folders.flat_map(|folder| &folder.items).filter(|item| item.corrupt);
    items.map(|item| named(&item.identity, &item.subject)).collect()
}

fn is_mail(name: &str) -> bool {
    name.starts_with("[letter") || name.starts_with("mail/")
}

impl Ledger {
    /// The person has done nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing was done to the old mailbox from a moment on.
    pub(crate) fn settled_before(&self, moment: Timestamp) -> bool {
        self.changed.values().chain(self.deleted.values()).all(|at| *at < moment)
    }

    /// Whether the person has had an item in hand.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.changed.contains_key(name)
            || self.deleted.contains_key(name)
            || self.touched.contains(name)
    }

    /// Notes that the unreadable items of the old mailbox become readable, those of hidden folders too.
    pub(crate) fn repaired(&mut self, before: &MailboxView, now: Timestamp) {
        for name in corrupt(before.folders.values()) {
            self.changed.insert(name, now);
        }
    }

    /// Notes what differs between two looks at the old mailbox.
    pub(crate) fn source_changed(
        &mut self,
        before: &MailboxView,
        after: &MailboxView,
        now: Timestamp,
    ) {
        let (before, after) = (items(before), items(after));
        for (identity, what) in &after {
            if before.get(identity) != Some(what) {
                self.changed.insert(identity.clone(), now);
            }
        }
        for identity in before.keys().filter(|identity| !after.contains_key(*identity)) {
            self.deleted.insert(identity.clone(), now);
        }
    }

    /// The known limit: who edits, files or deletes a copy in the target makes it another item than its
    /// original, and nobody but the person can tell which of the two is to stay once the original changes
    /// too. Both do.
    pub(crate) fn may_be_doubled(&self, identity: &str) -> bool {
        self.touched.contains(identity)
    }

    /// Notes what differs between two looks at the new mailbox.
    pub(crate) fn target_changed(&mut self, before: &MailboxView, after: &MailboxView) {
        let (before, after) = (items(before), items(after));
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differ =
            all.into_iter().filter(|identity| before.get(*identity) != after.get(*identity));
        self.touched.extend(differ.cloned());
    }

    /// Notes what differs between two looks at the old drive.
    pub(crate) fn drive_changed(&mut self, before: &DriveView, after: &DriveView, now: Timestamp) {
        let all: BTreeSet<&String> = before.entries.keys().chain(after.entries.keys()).collect();
        for path in all {
            if before.entries.get(path) != after.entries.get(path) {
                self.files.insert(path.clone(), now);
            }
        }
    }

    /// Whether something at this path of the old drive was changed at a moment or after it.
    pub(crate) fn file_changed_since(&self, path: &str, moment: Timestamp) -> bool {
        self.files.get(path).is_some_and(|at| *at >= moment)
    }

    /// What is wrong with the new mailbox, given that everything in the old one that was not touched
    /// after `copied` has been copied.
    pub(crate) fn mail_differences(
        &self,
        source: &MailboxView,
        target: &MailboxView,
        copied: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let (here, there) = (items(source), items(target));
        let mut wrong = Vec::new();
        for (identity, copies) in &there {
            let originals = here.get(identity).map_or(1, Vec::len).max(1);
            let touched = self.may_be_doubled(identity);
            if copies.len() > originals && !touched {
                let text =
                    format!("{identity} is {} times in the target: {copies:?}", copies.len());
                wrong.push(("SYN-1 (doubled)", text));
            }
            let gone = self.deleted.get(identity).is_some_and(|at| *at < copied);
            if gone
                && !is_mail(identity)
                && !here.contains_key(identity)
                && !self.touched.contains(identity)
            {
                wrong.push(("SYN-D1", format!("{identity} was deleted in the source: {copies:?}")));
            }
        }
        let unreadable = unreadable(source);
        for (identity, originals) in &here {
            if unreadable.contains(identity) {
                continue;
            }
            let late = self.changed.get(identity).is_some_and(|at| *at >= copied);
            if late || self.touched.contains(identity) || identity.starts_with("[letter") {
                continue;
            }
            match there.get(identity) {
                // Mail that came by forwarding is a copy of its own.
                Some(_) if is_mail(identity) => {}
                None => wrong.push(("SYN-1 (lost)", format!("{originals:?} is not in the target"))),
                Some(copies) if copies != originals => {
                    let text = format!("{originals:?} is {copies:?} in the target");
                    wrong.push(("SYN-1 (differs)", text));
                }
                Some(_) => {}
            }
        }
        wrong
    }

    /// The same of the drive.
    pub(crate) fn file_differences(
        &self,
        source: &DriveView,
        target: &DriveView,
        copied: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let late = |line: &String| {
            self.files.iter().any(|(path, at)| {
                let below = path.rsplit_once('/').map_or(path.as_str(), |(parent, _)| parent);
                *at >= copied && (line.starts_with(path.as_str()) || line.starts_with(below))
            })
        };
        let lines = source.differences(target);
        lines.into_iter().filter(|line| !late(line)).map(|line| ("SYN-1 (files)", line)).collect()
    }
}
