//! The cmdlets, each with its parameters.

mod contacts;
mod folder_rights;
mod groups;
mod mail_users;
mod mailboxes;
mod organization;
mod outbound_spam;
mod recipients;
mod regional;
mod rights;
mod statistics;
mod users;

pub(crate) use folder_rights::defaults as default_folder_rights;
pub(crate) use recipients::new_recipient;

use super::{Outcome, Parameters};
use crate::{call::Call, world::World};

/// A cmdlet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cmdlet {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    pub(super) run: fn(&mut World, &Call, &Parameters) -> Outcome,
}

/// A row of a cmdlet table.
pub(super) const fn cmdlet(
    name: &'static str,
    parameters: &'static [&'static str],
    run: fn(&mut World, &Call, &Parameters) -> Outcome,
) -> Cmdlet {
    Cmdlet { name, parameters, run }
}

/// All cmdlets.
pub(super) fn all() -> impl Iterator<Item = &'static Cmdlet> {
    [
        contacts::CMDLETS,
        mail_users::CMDLETS,
        users::CMDLETS,
        mailboxes::CMDLETS,
        recipients::CMDLETS,
        statistics::CMDLETS,
        rights::CMDLETS,
        folder_rights::CMDLETS,
        regional::CMDLETS,
        groups::CMDLETS,
        organization::CMDLETS,
        outbound_spam::CMDLETS,
    ]
    .into_iter()
    .flatten()
}

/// A cmdlet by name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Cmdlet> {
    all().find(|cmdlet| cmdlet.name.eq_ignore_ascii_case(name))
}

/// Whether the caller's role has the cmdlet: recipient administrators write no organization
/// objects.
pub(super) fn permitted(cmdlet: &Cmdlet, call: &Call) -> bool {
    let administrator = call.caller.as_ref().is_some_and(|caller| {
        caller.directory_roles.iter().any(|role| role == "Exchange Administrator")
    });
    let organization = organization::CMDLETS.iter().chain(outbound_spam::CMDLETS);
    let writes = !cmdlet.name.starts_with("Get-");
    let narrow = organization.into_iter().any(|row| row.name == cmdlet.name) && writes;
    administrator || !narrow
}

/// The cmdlets of a v2.0 endpoint.
pub(super) fn endpoint(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "OrganizationConfig" => Some(&["Get-OrganizationConfig"]),
        "AcceptedDomain" => Some(&["Get-AcceptedDomain"]),
        "Mailbox" => Some(&["Get-Mailbox", "Set-Mailbox"]),
        "MailboxFolderPermission" => Some(&[
            "Get-MailboxFolderPermission",
            "Add-MailboxFolderPermission",
            "Set-MailboxFolderPermission",
            "Remove-MailboxFolderPermission",
        ]),
        "DistributionGroupMember" => Some(&["Get-DistributionGroupMember"]),
        "DynamicDistributionGroupMember" => Some(&["Get-DynamicDistributionGroupMember"]),
        _ => None,
    }
}
