//! Folders by role: a well-known folder is copied into the target's folder of the same role, whatever
//! either is called in its mailbox's language.

/// What happens to a folder of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Into the target's folder of this well-known name.
    WellKnown(&'static str),
    /// Into a folder of the same name under the target's counterpart of its parent.
    User,
    /// Not copied, for this reason.
    LeftOut(&'static str),
}

/// Well-known folders that are copied, by Graph's names ("mailFolder resource type").
const COPIED: [&str; 19] = [
    "archive",
    "calendar",
    "clutter",
    "conflicts",
    "contacts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "journal",
    "junkemail",
    "localfailures",
    "msgfolderroot",
    "notes",
    // An item that is imported there is not submitted, so nothing is sent from the target.
    "outbox",
    "sentitems",
    "serverfailures",
    "syncissues",
    "tasks",
];

/// Well-known folders that are left out, with the reason.
const LEFT_OUT: [(&str, &str); 4] = [
    ("allitems", "it holds a search, not items"),
    ("root", "it is not part of the visible mailbox"),
    ("scheduled", "it belongs to Outlook's own schedule of sending"),
    ("searchfolders", "it holds searches, not items"),
];

/// The well-known names under which a mailbox that does not tell roles is asked for its folders.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COPIED.into_iter().filter(|name| *name != "msgfolderroot")
}

/// What happens to a folder with this well-known name.
pub(crate) fn role(well_known: Option<&str>) -> Role {
    let Some(name) = well_known.map(str::to_ascii_lowercase).filter(|name| !name.is_empty()) else {
        return Role::User;
    };
    if let Some(copied) = COPIED.into_iter().find(|copied| *copied == name) {
        return Role::WellKnown(copied);
    }
    if name.starts_with("recoverableitems") {
        return Role::LeftOut("recoverable items belong to the source's retention");
    }
    match LEFT_OUT.into_iter().find(|(left_out, _)| *left_out == name) {
        Some((_, reason)) => Role::LeftOut(reason),
        // A role that we do not know is copied like a folder that the person made.
        None => Role::User,
    }
}

/// The key under which two folder names are the same: Exchange compares without case.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_by_role_and_not_by_name() {
        assert_eq!(role(Some("inbox")), Role::WellKnown("inbox"));
        assert_eq!(role(Some("SentItems")), Role::WellKnown("sentitems"));
        assert_eq!(role(None), Role::User);
        assert_eq!(role(Some("")), Role::User);
        assert_eq!(role(Some("somethingnew")), Role::User);
        for left_out in ["searchfolders", "allitems", "recoverableitemsdeletions"] {
            assert!(matches!(role(Some(left_out)), Role::LeftOut(_)), "{left_out}");
        }
    }
}
