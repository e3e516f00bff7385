//! Which budgets a request draws on.

use super::Rate;

/// Which budget a request draws on, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The identity platform.
    Login,
    /// Users, groups, licences: resource units by the vendor's cost table. A write also draws one
    /// write.
    Directory {
        /// Resource units, at least 1.
        units: u32,
    },
    /// Invitations of guests.
    Invitations,
    /// Members of teams.
    Teams,
    /// Content and settings of one mailbox.
    Mailbox {
        /// Any stable name of the mailbox: its id, or the user's.
        mailbox: Box<str>,
    },
    /// SharePoint and OneDrive: 1 unit for reading one item or a delta with token, 2 for lists and
    /// writes, 5 for permissions.
    Drive {
        /// Resource units, at least 1.
        units: u32,
    },
    /// Exchange Online cmdlets.
    Exchange,
}

/// A budget, and what a fence of it stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Login,
    Directory,
    DirectoryWrites,
    Invitations,
    Teams,
    Mailbox(Box<str>),
    MailboxUpload(Box<str>),
    Drive,
    DriveDay,
    Exchange,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Login => f.write_str("login"),
            Self::Directory => f.write_str("directory"),
            Self::DirectoryWrites => f.write_str("directory-writes"),
            Self::Invitations => f.write_str("invitations"),
            Self::Teams => f.write_str("teams"),
            Self::Mailbox(mailbox) => write!(f, "mailbox/{mailbox}"),
            Self::MailboxUpload(mailbox) => write!(f, "upload/{mailbox}"),
            Self::Drive => f.write_str("drive"),
            Self::DriveDay => f.write_str("drive-day"),
            Self::Exchange => f.write_str("exchange"),
        }
    }
}

/// Units to be drawn on one budget; none only asks for its fence.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    pub(super) scope: Scope,
    pub(super) rate: Rate,
    pub(super) units: u32,
}

impl Lane {
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Login => Scope::Login,
            Self::Directory { .. } => Scope::Directory,
            Self::Invitations => Scope::Invitations,
            Self::Teams => Scope::Teams,
            Self::Mailbox { mailbox } => Scope::Mailbox(mailbox.clone()),
            Self::Drive { .. } => Scope::Drive,
            Self::Exchange => Scope::Exchange,
        }
    }
}
