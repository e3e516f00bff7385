//! What is in a mailbox: folders, items, delivery, and Graph's import/export API over them.

mod delta;
mod error;
mod export;
mod folders;
mod form;
mod ids;
pub(crate) mod import;
mod item;
mod items;
mod outlook;
mod query;
mod settings;
mod side_data;
mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod well_known;

use http::Method;
use uuid::Uuid;

pub(crate) use item::{Item, ItemData};
pub(crate) use store::{Branch, Mailbox, Reason};

use crate::{
    call::{Call, Version},
    content::set,
    directory::Tenant,
    graph::{Backend, GraphError, GraphResult, require},
    reply::Reply,
    world::World,
};

/// A folder as Exchange's `Get-MailboxFolderStatistics` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderSummary {
    /// The id that cmdlets take: `mailbox:<id>`.
    pub(crate) id: String,
    /// `/Inbox/Sub`, as FolderPath writes it.
    pub(crate) path: String,
    /// `Inbox`, `Calendar`, `User Created`: English in every language.
    pub(crate) folder_type: String,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

const READ_FOLDERS: [&str; 2] = ["MailboxFolder.Read.All", "MailboxFolder.ReadWrite.All"];
const WRITE_FOLDERS: [&str; 1] = ["MailboxFolder.ReadWrite.All"];
const READ_ITEMS: [&str; 3] =
    ["MailboxItem.Read.All", "MailboxItem.ReadWrite.All", "MailboxItem.ImportExport.All"];
const DELETE_ITEMS: [&str; 1] = ["MailboxItem.ReadWrite.All"];
const EXPORT: [&str; 2] = ["MailboxItem.Export.All", "MailboxItem.ImportExport.All"];
const IMPORT: [&str; 1] = ["MailboxItem.ImportExport.All"];

/// Graph requests about content of mailboxes; `None` for what is not.
pub(crate) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    let path = call.parts();
    let (mailbox, rest) = match path.as_slice() {
        ["users", user, "settings", "exchange"] => {
            return Some(exchange_settings(world, call, user));
        }
        ["users", user, "mailboxSettings"] => return Some(settings::answer(world, call, user)),
        ["users", user, rest @ ..] => return outlook::route(world, call, user, rest),
        ["admin", "exchange", "mailboxes", mailbox, rest @ ..] => (*mailbox, rest),
        _ => return None,
    };
    Some(in_mailbox(world, call, mailbox, rest))
}

fn in_mailbox(world: &mut World, call: &Call, mailbox: &str, rest: &[&str]) -> GraphResult {
    let get = call.method == Method::GET;
    let allowed: &[&str] = match rest {
        ["folders", _, "items", ..] if get => &READ_ITEMS,
        ["folders", _, "items", ..] => &DELETE_ITEMS,
        ["folders", ..] if get => &READ_FOLDERS,
        ["folders", ..] => &WRITE_FOLDERS,
        ["exportItems"] => &EXPORT,
        ["createImportSession"] => &IMPORT,
        _ => return Err(error::bad_request("Resource not found for the segment.")),
    };
    require(call, allowed, Backend::Outlook)?;
    let mailbox = open(world, call, mailbox)?;
    match rest {
        ["folders"] | ["folders", _, "childFolders"] => {
            folders::collection(world, call, mailbox, rest)
        }
        ["folders", "delta"] | ["folders", _, "childFolders", "delta"] => {
            folders::delta(world, call, mailbox, rest)
        }
        ["folders", folder] => folders::one(world, call, mailbox, folder),
        ["folders", folder, "items", rest @ ..] => {
            items::answer(world, call, mailbox, folder, rest)
        }
        ["exportItems"] => export::answer(world, call, mailbox),
        ["createImportSession"] => import::create_session(world, call, mailbox),
        _ => Err(GraphError::method()),
    }
}

/// `settings/exchange`: the ids under which a person's mailboxes are reached.
fn exchange_settings(world: &World, call: &Call, user: &str) -> GraphResult {
    require(call, &READ_FOLDERS, Backend::Outlook)?;
    let (primary, recipient) = mailbox_of(world, call, user)?;
    let tenant = tenant(world, call)?;
    let id = |guid: Uuid| format!("MBX:{guid}@{}", tenant.id);
    let mut body = serde_json::json!({
        "@odata.context": format!("{}/$metadata#exchangeSettings", call.base.graph(call.version())),
        "primaryMailboxId": id(primary),
    });
    let archive = tenant.recipients.get(recipient).and_then(|owner| owner.archive);
    if call.version() == Version::Beta
        && let Some(archive) = archive.filter(|guid| tenant.mailboxes.contains_key(guid))
    {
        set(&mut body, "inPlaceArchiveMailboxId", id(archive));
    }
    Ok(Reply::ok(&body))
}

/// A person's mailbox, once its store answers, and the guid of the recipient.
fn mailbox_of(world: &World, call: &Call, user: &str) -> Result<(Uuid, Uuid), GraphError> {
    let tenant = tenant(world, call)?;
    let account = tenant.user_by_name(user).ok_or_else(|| error::no_user(user))?;
    let owner = tenant.recipient_of(account.id).filter(|owner| owner.kind.is_mailbox());
    let owner = owner.filter(|owner| owner.open <= call.now).ok_or_else(error::no_mailbox)?;
    let primary = owner.mailbox.filter(|guid| tenant.mailboxes.contains_key(guid));
    Ok((primary.ok_or_else(error::no_mailbox)?, owner.guid))
}

fn tenant<'a>(world: &'a World, call: &Call) -> Result<&'a Tenant, GraphError> {
    world.tenants.get(&call.tenant()).ok_or_else(error::no_mailbox)
}

/// The guid of a mailbox by its id (`MBX:<guid>@<tenant>`), if its store answers and this version
/// of Graph reaches it: archives are in beta only.
fn open(world: &World, call: &Call, id: &str) -> Result<Uuid, GraphError> {
    let tenant = tenant(world, call)?;
    let guid = parse_id(id).filter(|(_, of)| *of == tenant.id).map(|(guid, _)| guid);
    let guid =
        guid.filter(|guid| tenant.mailboxes.contains_key(guid)).ok_or_else(error::not_found)?;
    let owner = tenant.owner_of(guid);
    if owner.is_some_and(|owner| owner.open > call.now) {
        return Err(error::no_mailbox());
    }
    let primary = owner.is_some_and(|owner| owner.mailbox == Some(guid));
    if !primary && call.version() != Version::Beta {
        return Err(error::not_found());
    }
    Ok(guid)
}

fn parse_id(id: &str) -> Option<(Uuid, Uuid)> {
    let (guid, tenant) = id.get(4..)?.split_once('@')?;
    let prefixed = id.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("MBX:"));
    let both = Uuid::parse_str(guid).ok().zip(Uuid::parse_str(tenant).ok());
    both.filter(|_| prefixed)
}

/// The mailbox of a guid that [`open`] gave.
fn get<'a>(world: &'a World, call: &Call, guid: Uuid) -> Result<&'a Mailbox, GraphError> {
    tenant(world, call)?.mailboxes.get(&guid).ok_or_else(error::not_found)
}

/// The same, to write.
fn get_mut<'a>(
    world: &'a mut World,
    call: &Call,
    guid: Uuid,
) -> Result<&'a mut Mailbox, GraphError> {
    let tenant = world.tenants.get_mut(&call.tenant()).ok_or_else(error::no_mailbox)?;
    tenant.mailboxes.get_mut(&guid).ok_or_else(error::not_found)
}

/// A member of a JSON object, its name in any case: Graph takes action parameters so.
fn member<'a>(object: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let members = object.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
