//! The application permissions that a migration asks consent for, for the pre-flight
//! ([`crate::TenantClient::missing_roles`]).

/// Graph permissions in both tenants.
pub const GRAPH_BOTH: &[&str] = &[
    "User.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
    "TeamMember.ReadWrite.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "MailboxFolder.ReadWrite.All",
    "MailboxItem.Read.All",
    "MailboxSettings.ReadWrite",
    "Files.ReadWrite.All",
    "Mail.Send",
];

/// Graph permissions that only the source needs: it exports.
pub const GRAPH_SOURCE: &[&str] = &["MailboxItem.Export.All"];

/// Graph permissions that only the target needs: it imports, licenses and invites.
pub const GRAPH_TARGET: &[&str] = &[
    "MailboxItem.ImportExport.All",
    "LicenseAssignment.ReadWrite.All",
    "User.Invite.All",
    "Sites.ReadWrite.All",
];

/// Exchange's permission, in both tenants. A directory role (Exchange Administrator, or Exchange
/// Recipient Administrator) comes on top; [`crate::Exchange::capabilities`] shows what it allows.
pub const EXCHANGE: &[&str] = &["Exchange.ManageAsApp"];

#[cfg(test)]
mod tests {
    use super::*;

    /// An administrator grants what the page lists; the pre-flight asks for what is listed here.
    #[test]
    fn the_page_for_administrators_lists_exactly_these() {
        let page = include_str!("../PERMISSIONS.md");
        let mut listed: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .filter_map(|(name, rest)| Some((name, rest.split_once(" | ")?.0)))
            .collect();
        let of = |side: &'static str, names: &'static [&'static str]| {
            names.iter().map(move |name| (*name, side))
        };
        let mut asked: Vec<(&str, &str)> = of("both", GRAPH_BOTH)
            .chain(of("source", GRAPH_SOURCE))
            .chain(of("target", GRAPH_TARGET))
            .chain(of("both", EXCHANGE))
            .collect();
        listed.sort_unstable();
        asked.sort_unstable();
        assert_eq!(listed, asked);
        assert!(page.contains("**Exchange Administrator**"), "and the role beside them");
    }
}
