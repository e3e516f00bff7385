//! Writing files and folders: names that clash, dates, room, what SharePoint does to Office files.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    address::Address,
    error, names,
    store::{Drive, Entry, File, Kind},
};
use crate::{
    content::{Content, ContentRules},
    graph::GraphError,
};

/// What happens when a name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    Fail,
    Replace,
    Rename,
}

impl Behaviour {
    /// Reads `@microsoft.graph.conflictBehavior`.
    pub(super) fn read(value: Option<&Value>, default: Self) -> Result<Self, GraphError> {
        let Some(value) = value else { return Ok(default) };
        match value.as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "fail" => Ok(Self::Fail),
            "replace" => Ok(Self::Replace),
            "rename" => Ok(Self::Rename),
            _ => Err(error::invalid("The conflict behavior is fail, replace or rename.")),
        }
    }
}

/// `fileSystemInfo`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dates {
    pub(super) created: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
}

impl Dates {
    /// Reads `fileSystemInfo`; what is absent is left as it is.
    pub(super) fn read(value: Option<&Value>) -> Result<Self, GraphError> {
        let moment = |name: &str| {
            let text = value.and_then(|value| value.get(name)).and_then(Value::as_str);
            text.map(str::parse::<Timestamp>)
                .transpose()
                .map_err(|fault| error::invalid(&format!("{name} is no date: {fault}")))
        };
        Ok(Self { created: moment("createdDateTime")?, modified: moment("lastModifiedDateTime")? })
    }

    /// Writes them into an entry.
    pub(super) fn set(self, entry: &mut Entry) {
        entry.fs_created = self.created.unwrap_or(entry.fs_created);
        entry.fs_modified = self.modified.unwrap_or(entry.fs_modified);
    }
}

/// A file to be written.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) content: Content,
    pub(super) behaviour: Behaviour,
    pub(super) dates: Dates,
}

/// Writes a file; the flag says whether it is a new one.
pub(super) fn put(
    drive: &mut Drive,
    rules: &ContentRules,
    now: Timestamp,
    target: &Address,
    put: Put,
) -> Result<(u64, bool), GraphError> {
    // The name may have been taken since the address was looked up.
    let target = match target {
        Address::Free { parent, name } => match drive.child(*parent, name) {
            Some(entry) => Address::There(entry.number),
            None => target.clone(),
        },
        Address::There(_) => target.clone(),
    };
    let length = put.content.length();
    match (&target, put.behaviour) {
        (Address::There(number), Behaviour::Replace) => {
            let entry = drive.entries.get(number).ok_or_else(error::not_found)?;
            let Kind::File(_) = entry.kind else { return Err(error::exists()) };
            drive.check_room(length, entry.size(), rules.drive_quota_bytes)?;
            let file = written(&entry.name, put.content, rules);
            let number = *number;
            drive.amend(number, now, |entry| {
                entry.kind = Kind::File(file);
                entry.fs_modified = now;
                put.dates.set(entry);
            });
            Ok((number, false))
        }
        (Address::There(_), Behaviour::Fail) => Err(error::exists()),
        (Address::There(number), Behaviour::Rename) => {
            let entry = drive.entries.get(number).ok_or_else(error::not_found)?;
            let parent = entry.parent.ok_or_else(error::exists)?;
            let name = free_name(drive, parent, &entry.name);
            create(drive, rules, now, parent, &name, put)
        }
        (Address::Free { parent, name }, _) => create(drive, rules, now, *parent, name, put),
    }
}

fn create(
    drive: &mut Drive,
    rules: &ContentRules,
    now: Timestamp,
    parent: u64,
    name: &str,
    put: Put,
) -> Result<(u64, bool), GraphError> {
    if !drive.entries.get(&parent).is_some_and(Entry::is_folder) {
        return Err(error::not_found());
    }
    drive.check_name(parent, name)?;
    drive.check_room(put.content.length(), 0, rules.drive_quota_bytes)?;
    let file = written(name, put.content, rules);
    let number = drive.insert(Some(parent), name, Kind::File(file), now);
    if let Some(entry) = drive.entries.get_mut(&number) {
        put.dates.set(entry);
    }
    Ok((number, true))
}

/// `report.docx` where it is free, else `report 1.docx` and so on.
pub(super) fn free_name(drive: &Drive, parent: u64, name: &str) -> String {
    (1..=u32::MAX)
        .map(|number| names::numbered(name, number))
        .find(|name| drive.child(parent, name).is_none())
        .unwrap_or_else(|| name.to_owned())
}

/// What SharePoint stores: Office files get its own properties written into them.
fn written(name: &str, content: Content, rules: &ContentRules) -> File {
    if !rules.rewrite_office_files || !names::is_office(name) || content.length() == 0 {
        return File::new(content);
    }
    let uploaded = content.hash().text();
    let stored = match content {
        Content::Made { seed, length } => Content::made(!seed, length.saturating_add(512)),
        Content::Kept(bytes) => {
            let mut bytes = bytes.to_vec();
            bytes.extend(b"<properties/>");
            Content::Kept(bytes.into())
        }
    };
    File { uploaded: Some(uploaded), ..File::new(stored) }
}

/// Refuses a write on an entry that is not the one the caller has read.
pub(super) fn check_match(
    drive: &Drive,
    entry: &Entry,
    if_match: Option<&str>,
) -> Result<(), GraphError> {
    let Some(wanted) = if_match else { return Ok(()) };
    let id = drive.item_id(entry.number);
    let tags =
        [format!("\"{{{id}}},{}\"", entry.revision), format!("\"c:{{{id}}},{}\"", entry.revision)];
    if wanted == "*" || tags.iter().any(|tag| tag == wanted) {
        Ok(())
    } else {
        Err(error::modified())
    }
}
