//! Rights on single folders. `User` in replies is the resolved display name, not the address.

use uuid::Uuid;

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    directory::{FolderRight, Principal, Recipient, RecipientKind, Tenant},
    exchange::{Failure, Given, Outcome, Output, Parameters, Record, change, lookup},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-MailboxFolderPermission", &["Identity", "User", "GroupMailbox"], get),
    cmdlet(
        "Add-MailboxFolderPermission",
        &["Identity", "User", "AccessRights", "SharingPermissionFlags", "SendNotificationToUser"],
        add,
    ),
    cmdlet(
        "Set-MailboxFolderPermission",
        &["Identity", "User", "AccessRights", "SharingPermissionFlags", "SendNotificationToUser"],
        set,
    ),
    cmdlet(
        "Remove-MailboxFolderPermission",
        &["Identity", "User", "SendNotificationToUser", "ResetDelegateUserCollection"],
        remove,
    ),
];

/// Roles and single rights.
const RIGHTS: [&str; 21] = [
    "Owner",
    "PublishingEditor",
    "Editor",
    "PublishingAuthor",
    "Author",
    "NonEditingAuthor",
    "Reviewer",
    "Contributor",
    "None",
    "AvailabilityOnly",
    "LimitedDetails",
    "CreateItems",
    "CreateSubfolders",
    "DeleteAllItems",
    "DeleteOwnedItems",
    "EditAllItems",
    "EditOwnedItems",
    "FolderContact",
    "FolderOwner",
    "FolderVisible",
    "ReadItems",
];

/// One folder with its rights.
struct Folder {
    mailbox: Uuid,
    id: String,
    name: String,
    calendar: bool,
    rights: Vec<FolderRight>,
}

/// Reads `mailbox:\Folder\Sub`, `mailbox:<FolderId>` or `mailbox` and finds the folder.
fn folder(world: &World, call: &Call, parameters: &Parameters) -> Result<Folder, Failure> {
    let identity = parameters.need("Identity")?;
    let (owner, place) = match identity.split_once(':') {
        Some((owner, place)) => (owner, place.trim_start_matches('\\').replace('\\', "/")),
        None => (identity.as_str(), String::new()),
    };
    let tenant = world.tenant_of(call)?;
    let recipient = lookup::recipient(tenant, call, owner, RecipientKind::is_mailbox)?;
    if call.now < recipient.open {
        return Err(Failure::not_open(&recipient.name));
    }
    let missing = || {
        let text =
            format!("The operation couldn't be performed because '{identity}' couldn't be found.");
        Failure { text, ..Failure::not_found(&identity, call.view) }
    };
    let mailbox = recipient.mailbox.ok_or_else(missing)?;
    let store = tenant.mailboxes.get(&mailbox).ok_or_else(missing)?;
    let (id, name, calendar) = if place.is_empty() {
        (String::new(), "Top of Information Store".to_owned(), false)
    } else {
        let found = store.folders().into_iter().find(|folder| {
            folder.id == place || folder.path.trim_start_matches('/').eq_ignore_ascii_case(&place)
        });
        let found = found.ok_or_else(missing)?;
        let name = found.path.rsplit('/').next().unwrap_or_default().to_owned();
        (found.id, name, found.folder_type == "Calendar")
    };
    let rights = tenant
        .folder_rights
        .get(&(mailbox, id.clone()))
        .cloned()
        .unwrap_or_else(|| defaults(calendar));
    Ok(Folder { mailbox, id, name, calendar, rights })
}

/// `Default` and `Anonymous` are always there.
pub(crate) fn defaults(calendar: bool) -> Vec<FolderRight> {
    let row = |name: &str, right: &str| FolderRight {
        who: Principal::WellKnown(name.to_owned()),
        rights: vec![right.to_owned()],
        flags: None,
    };
    let default = if calendar { "AvailabilityOnly" } else { "None" };
    vec![row("Default", default), row("Anonymous", "None")]
}

fn display(tenant: &Tenant, who: &Principal) -> String {
    match who {
        Principal::Recipient(guid) => tenant
            .recipients
            .get(*guid)
            .map_or_else(|| format!("NT:S-1-5-21-{guid}"), |found| found.display_name.clone()),
        Principal::Orphan(sid) => format!("NT:{sid}"),
        Principal::WellKnown(name) => name.clone(),
    }
}

fn record(tenant: &Tenant, folder: &Folder, right: &FolderRight) -> Record {
    let user = display(tenant, &right.who);
    Record::new()
        .text("Identity", user.clone())
        .text("FolderName", folder.name.clone())
        .text("User", user)
        .list("AccessRights", right.rights.clone())
        .maybe("SharingPermissionFlags", right.flags.clone())
        .flag("IsValid", true)
}

/// Whom `User` means: a well-known name, a display name with rights on the folder, or a recipient.
fn who(world: &World, call: &Call, folder: &Folder, name: &str) -> Result<Principal, Failure> {
    let tenant = world.tenant_of(call)?;
    for known in ["Default", "Anonymous"] {
        if name.eq_ignore_ascii_case(known) {
            return Ok(Principal::WellKnown(known.to_owned()));
        }
    }
    if name.starts_with("NT:S-") {
        let held = folder.rights.iter().find(|right| display(tenant, &right.who) == name);
        if let Some(held) = held {
            return Ok(held.who.clone());
        }
    }
    lookup::recipient(tenant, call, name, |_kind| true)
        .map(|found: &Recipient| Principal::Recipient(found.guid))
}

fn not_there(name: &str) -> Failure {
    Failure::bad(
        "ExA3F7C2",
        "Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException",
        format!("There is no existing permission entry found for user: {name}."),
    )
}

fn already_there(name: &str) -> Failure {
    Failure::bad(
        "",
        "Microsoft.Exchange.Management.StoreTasks.UserAlreadyExistsInPermissionEntryException",
        format!("An existing permission entry was found for user: {name}."),
    )
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let folder = folder(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let wanted = match parameters.text("User")?.value() {
        Some(name) => {
            let wanted = who(world, call, &folder, &name)?;
            if !folder.rights.iter().any(|right| right.who == wanted) {
                return Err(not_there(&name));
            }
            Some(wanted)
        }
        None => None,
    };
    let records = folder
        .rights
        .iter()
        .filter(|right| wanted.as_ref().is_none_or(|wanted| right.who == *wanted))
        .map(|right| record(tenant, &folder, right));
    Ok(Output::of(records.collect()))
}

fn rights(parameters: &Parameters, folder: &Folder) -> Result<Vec<String>, Failure> {
    let Given::Value(given) = parameters.list("AccessRights")? else {
        return Err(Failure::binding(
            "Cannot process command because of one or more missing mandatory parameters: AccessRights.",
        ));
    };
    given
        .iter()
        .flat_map(|rights| rights.split(','))
        .map(|right| {
            let known = RIGHTS.iter().find(|known| known.eq_ignore_ascii_case(right.trim()));
            let calendar_only = ["AvailabilityOnly", "LimitedDetails"];
            match known {
                Some(known) if folder.calendar || !calendar_only.contains(known) => {
                    Ok((*known).to_owned())
                }
                _ => Err(Failure::bad(
                    "Ex6BD21E",
                    "Microsoft.Exchange.Management.StoreTasks.InvalidFolderAccessRightException",
                    format!("The access right \"{right}\" is not valid on this folder."),
                )),
            }
        })
        .collect()
}

fn flags(parameters: &Parameters) -> Result<Option<String>, Failure> {
    let given = parameters.list("SharingPermissionFlags")?.value();
    Ok(given.map(|flags| flags.join(",").replace(", ", ",")).filter(|flags| flags != "None"))
}

fn store(world: &mut World, call: &Call, folder: Folder) -> Result<(), Failure> {
    let tenant = world.tenant_mut(call)?;
    tenant.folder_rights.insert((folder.mailbox, folder.id), folder.rights);
    Ok(())
}

fn add(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mut folder = folder(world, call, parameters)?;
    let name = parameters.need("User")?;
    let who = who(world, call, &folder, &name)?;
    if let Principal::Recipient(_) = who {
        change::principal(world.tenant_of(call)?, call, &name)?;
    }
    let rights = rights(parameters, &folder)?;
    let flags = flags(parameters)?;
    if let Some(held) = folder.rights.iter().find(|right| right.who == who) {
        let free = matches!(who, Principal::WellKnown(_)) && held.rights == ["None"];
        if !free {
            return Err(already_there(&display(world.tenant_of(call)?, &who)));
        }
        folder.rights.retain(|right| right.who != who);
    }
    let right = FolderRight { who, rights, flags };
    let record = record(world.tenant_of(call)?, &folder, &right);
    folder.rights.push(right);
    store(world, call, folder)?;
    Ok(Output::of(vec![record]))
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mut folder = folder(world, call, parameters)?;
    let name = parameters.need("User")?;
    let who = who(world, call, &folder, &name)?;
    let rights = rights(parameters, &folder)?;
    let flags = flags(parameters)?;
    let notify = parameters.flag("SendNotificationToUser")?.is_some();
    let given = parameters.has("SharingPermissionFlags");
    let Some(held) = folder.rights.iter_mut().find(|right| right.who == who) else {
        return Err(not_there(&name));
    };
    let before = held.clone();
    held.rights = rights;
    // Asking for a notification without naming the flags resets them, and demotes a delegate.
    if given || notify {
        held.flags = flags;
    }
    if *held == before {
        return Ok(Output::warning(
            "The command completed successfully but no settings have been modified.",
        ));
    }
    store(world, call, folder)?;
    Ok(Output::nothing())
}

fn remove(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mut folder = folder(world, call, parameters)?;
    if parameters.flag("ResetDelegateUserCollection")? == Some(true) {
        for right in &mut folder.rights {
            right.flags = None;
        }
        store(world, call, folder)?;
        return Ok(Output::nothing());
    }
    let name = parameters.need("User")?;
    let who = who(world, call, &folder, &name)?;
    if matches!(who, Principal::WellKnown(_)) {
        return Err(Failure::bad(
            "Ex7A4D1B",
            "Microsoft.Exchange.Management.StoreTasks.CannotRemoveSpecialUserException",
            format!("The permission of the special user \"{name}\" can't be removed."),
        ));
    }
    let count = folder.rights.len();
    folder.rights.retain(|right| right.who != who);
    if folder.rights.len() == count {
        return Err(not_there(&name));
    }
    store(world, call, folder)?;
    Ok(Output::nothing())
}
