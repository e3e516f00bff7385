//! Who may do what with a mailbox.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::{
    Simulator,
    directory::{Principal, Recipient, Tenant},
};

/// A right that a person of the tenant holds on another's mailbox, or on a folder of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RightView {
    /// `FullAccess`, `SendAs`, `SendOnBehalf`, or a folder's type followed by the right on it, such as
    /// `Calendar Editor`.
    pub right: String,
    /// The holder's sign-in name.
    pub holder: String,
}

impl Simulator {
    /// The rights that people hold on the mailbox of a user (sign-in name). Well-known holders such as
    /// `Default`, and those that nobody is any more, are left out.
    pub fn rights(&self, tenant: Uuid, user: &str) -> BTreeSet<RightView> {
        let world = self.world();
        let Some(tenant) = world.tenants.get(&tenant) else { return BTreeSet::new() };
        let account = tenant.user_by_name(user);
        let owner = account.and_then(|account| tenant.recipient_of(account.id));
        owner.map(|owner| rights(tenant, owner)).unwrap_or_default()
    }
}

fn rights(tenant: &Tenant, owner: &Recipient) -> BTreeSet<RightView> {
    let name = |guid: Uuid| tenant.recipients.get(guid).map(|holder| holder.upn.clone());
    let view = |right: String, who: &Principal| {
        let Principal::Recipient(guid) = who else { return None };
        Some(RightView { right, holder: name(*guid)? })
    };
    let mut found = BTreeSet::new();
    for row in owner.rights.iter().filter(|row| !row.deny && !row.inherited) {
        found.extend(row.rights.iter().filter_map(|right| view(right.clone(), &row.who)));
    }
    found.extend(owner.send_as.iter().filter_map(|who| view("SendAs".to_owned(), who)));
    let behalf = owner.send_on_behalf.iter().map(|guid| Principal::Recipient(*guid));
    found.extend(behalf.filter_map(|who| view("SendOnBehalf".to_owned(), &who)));
    let mailbox = owner.mailbox.and_then(|guid| tenant.mailboxes.get(&guid));
    for folder in mailbox.into_iter().flat_map(crate::mailbox::Mailbox::folders) {
        let place = owner.mailbox.map(|guid| (guid, folder.id.clone()));
        for row in place.and_then(|place| tenant.folder_rights.get(&place)).into_iter().flatten() {
            let named = row.rights.iter().map(|right| format!("{} {right}", folder.folder_type));
            found.extend(named.filter_map(|right| view(right, &row.who)));
        }
    }
    found
}
