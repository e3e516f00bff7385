//! Which entry a path names: by id, from the root, and by names between colons.

use super::{
    error,
    store::{Drive, ROOT},
};
use crate::graph::GraphError;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// An entry that is there.
    There(u64),
    /// A name that is free in a folder.
    Free { parent: u64, name: String },
}

impl Address {
    /// The entry, or 404.
    pub(super) fn there(&self) -> Result<u64, GraphError> {
        match self {
            Self::There(number) => Ok(*number),
            Self::Free { .. } => Err(error::not_found()),
        }
    }
}

/// Takes a path after `/drives/{id}` apart: what it names, and what is to be done with it.
///
/// `items/{id}/children`, `root/delta`, `items/{id}:/a/b.txt:/content`, `root:/a`.
pub(super) fn resolve<'a, 'b>(
    drive: &Drive,
    rest: &'a [&'b str],
) -> Result<(Address, &'a [&'b str]), GraphError> {
    let (start, rest) = match rest {
        ["items", id, rest @ ..] => (*id, rest),
        ["root", rest @ ..] => ("root", rest),
        ["root:", rest @ ..] => ("root:", rest),
        _ => return Err(error::invalid("Resource not found for the segment.")),
    };
    let Some(start) = start.strip_suffix(':') else {
        let entry = drive.by_id(start).ok_or_else(error::not_found)?;
        return Ok((Address::There(entry.number), rest));
    };
    let start = if start == "root" { Some(ROOT) } else { drive.by_id(start).map(|e| e.number) };
    let mut at = Address::There(start.ok_or_else(error::not_found)?);
    for (index, segment) in rest.iter().enumerate() {
        let (name, last) = match segment.strip_suffix(':') {
            Some(name) => (name, true),
            None => (*segment, false),
        };
        let parent = at.there()?;
        at = match drive.child(parent, name) {
            Some(entry) => Address::There(entry.number),
            None => Address::Free { parent, name: name.to_owned() },
        };
        if last {
            return Ok((at, rest.get(index + 1..).unwrap_or_default()));
        }
    }
    Ok((at, &[]))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::drive::store::Kind;

    #[test]
    fn an_entry_is_named_by_id_or_by_path_in_any_case() {
        let mut drive = Drive::new(Uuid::nil(), Uuid::nil(), "x-my", Timestamp::UNIX_EPOCH);
        let folder = drive.insert(Some(ROOT), "Plans", Kind::Folder, Timestamp::UNIX_EPOCH);
        let id = drive.item_id(folder);
        let by_id = ["items", id.as_str(), "children"];
        assert_eq!(resolve(&drive, &by_id).unwrap(), (Address::There(folder), &["children"][..]));
        let path = ["root:", "PLANS:", "delta"];
        assert_eq!(resolve(&drive, &path).unwrap(), (Address::There(folder), &["delta"][..]));
        let start = format!("{id}:");
        let free = ["items", start.as_str(), "a.txt:", "content"];
        let name = "a.txt".to_owned();
        let (address, rest) = resolve(&drive, &free).unwrap();
        assert_eq!(address, Address::Free { parent: folder, name });
        assert_eq!(rest, ["content"]);
        assert!(resolve(&drive, &["root:", "none", "below"]).is_err());
    }
}
