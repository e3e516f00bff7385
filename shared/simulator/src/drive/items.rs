//! One entry or one folder's entries: get, list, create, change, delete, content.

use http::{Method, StatusCode, header::IF_MATCH};
use serde_json::Value;
use uuid::Uuid;

use super::{
    address::{self, Address},
    delta, download, error,
    files::{self, Behaviour, Dates, Put},
    form::{self, Detail},
    permissions,
    store::{Drive, Entry, Kind, ROOT},
    upload,
};
use crate::{
    call::Call,
    content::{keep_selected, recognise},
    graph::{GraphError, GraphResult, page, select},
    reply::Reply,
    world::World,
};

/// Largest file that a single PUT takes.
const LARGEST_PUT: usize = 250 * 1024 * 1024;

/// Answers; `rest` is what follows the drive.
pub(super) fn answer(world: &mut World, call: &Call, owner: Uuid, rest: &[&str]) -> GraphResult {
    let drive = drive(world, call, owner)?;
    let (address, action) = address::resolve(drive, rest)?;
    match (action, &call.method) {
        ([], &Method::GET) => one(world, call, drive, &address),
        (["content"], &Method::GET) => {
            let entry = drive.entries.get(&address.there()?).ok_or_else(error::not_found)?;
            download::redirect(world, drive, call, entry)
        }
        (["children"], &Method::GET) => children(world, call, drive, &address),
        (["delta"], &Method::GET) => delta::answer(world, call, owner, address.there()?),
        (["permissions"] | ["permissions", _], &Method::GET) => {
            permissions::read(world, call, drive, address.there()?, action)
        }
        _ => write(world, call, owner, &address, action),
    }
}

fn drive<'a>(world: &'a World, call: &Call, owner: Uuid) -> Result<&'a Drive, GraphError> {
    super::tenant(world, call)?.drives.get(&owner).ok_or_else(error::not_found)
}

fn write(
    world: &mut World,
    call: &Call,
    owner: Uuid,
    address: &Address,
    action: &[&str],
) -> GraphResult {
    if matches!(action, ["permissions", ..] | ["invite" | "createLink"]) {
        return permissions::write(world, call, owner, address.there()?, action);
    }
    let token = world.random.hex(16);
    let World { tenants, config, .. } = world;
    let rules = &config.content;
    let tenant = tenants.get_mut(&call.tenant()).ok_or_else(error::not_found)?;
    let drive = tenant.drives.get_mut(&owner).ok_or_else(error::not_found)?;
    match (action, &call.method) {
        (["content"], &Method::PUT) => {
            if call.body.len() > LARGEST_PUT {
                let text = "The file is larger than 250 MB; use an upload session.";
                return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "invalidRequest", text));
            }
            let behaviour = call.query("@microsoft.graph.conflictBehavior").map(Value::from);
            let behaviour = Behaviour::read(behaviour.as_ref(), Behaviour::Replace)?;
            let content = recognise(&call.body);
            let put = Put { content, behaviour, dates: Dates::default() };
            let (number, created) = files::put(drive, rules, call.now, address, put)?;
            reply(drive, call, number, created)
        }
        (["createUploadSession"], &Method::POST) => {
            upload::create(drive, rules, token, call, address)
        }
        (["children"], &Method::POST) => create_folder(drive, call, address.there()?),
        ([], &Method::PATCH) => patch(drive, call, address.there()?),
        ([], &Method::DELETE) | (["permanentDelete"], &Method::POST) => {
            let number = address.there()?;
            let entry = drive.entries.get(&number).ok_or_else(error::not_found)?;
            if number == ROOT {
                return Err(error::denied("The root cannot be deleted."));
            }
            files::check_match(drive, entry, call.header(IF_MATCH.as_str()))?;
            drive.delete(number, call.now, !action.is_empty());
            Ok(Reply::no_content())
        }
        _ => Err(GraphError::method()),
    }
}

fn reply(drive: &Drive, call: &Call, number: u64, created: bool) -> GraphResult {
    let entry = drive.entries.get(&number).ok_or_else(error::not_found)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::json(status, &form::entry(drive, entry, Detail::Whole, None, call)))
}

fn whole(world: &World, call: &Call, drive: &Drive, entry: &Entry) -> Value {
    let seconds = world.config.content.download_url_seconds;
    let link = download::link(drive, entry, call, &world.token_key, seconds);
    form::entry(drive, entry, Detail::Whole, Some(link), call)
}

fn one(world: &World, call: &Call, drive: &Drive, address: &Address) -> GraphResult {
    let entry = drive.entries.get(&address.there()?).ok_or_else(error::not_found)?;
    let mut form = whole(world, call, drive, entry);
    keep_selected(&mut form, select(call).as_deref());
    Ok(Reply::ok(&form))
}

fn children(world: &World, call: &Call, drive: &Drive, address: &Address) -> GraphResult {
    let mut entries: Vec<&Entry> = drive.children(address.there()?).collect();
    entries.sort_by_key(|entry| entry.name.to_lowercase());
    let select = select(call);
    let page = page(call, entries, 200, 1_000, |entry| {
        let mut form = whole(world, call, drive, entry);
        keep_selected(&mut form, select.as_deref());
        form
    })?;
    Ok(Reply::ok(&page.body(call)))
}

fn create_folder(drive: &mut Drive, call: &Call, parent: u64) -> GraphResult {
    let body = call.json()?;
    let name = body.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| error::invalid("The name is required."))?;
    if body.get("folder").is_none() {
        return Err(error::invalid("Only folders can be created so."));
    }
    if !drive.entries.get(&parent).is_some_and(Entry::is_folder) {
        return Err(error::not_found());
    }
    drive.check_name(parent, name)?;
    let behaviour = body.get("@microsoft.graph.conflictBehavior");
    let behaviour = Behaviour::read(behaviour, Behaviour::Fail)?;
    let mut name = name.to_owned();
    if let Some(taken) = drive.child(parent, &name) {
        match behaviour {
            // A folder that is there is the folder that was asked for.
            Behaviour::Replace if taken.is_folder() => {
                return reply(drive, call, taken.number, true);
            }
            Behaviour::Fail | Behaviour::Replace => return Err(error::exists()),
            Behaviour::Rename => name = files::free_name(drive, parent, &name),
        }
    }
    let dates = Dates::read(body.get("fileSystemInfo"))?;
    let number = drive.insert(Some(parent), &name, Kind::Folder, call.now);
    if let Some(entry) = drive.entries.get_mut(&number) {
        dates.set(entry);
    }
    reply(drive, call, number, true)
}

/// Renames, moves, sets dates.
fn patch(drive: &mut Drive, call: &Call, number: u64) -> GraphResult {
    let body = call.json()?;
    let entry = drive.entries.get(&number).ok_or_else(error::not_found)?;
    files::check_match(drive, entry, call.header(IF_MATCH.as_str()))?;
    let dates = Dates::read(body.get("fileSystemInfo"))?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or(&entry.name).to_owned();
    let to = match body.pointer("/parentReference/id").and_then(Value::as_str) {
        Some(id) => Some(drive.by_id(id).ok_or_else(error::not_found)?.number),
        None => entry.parent,
    };
    if name != entry.name || to != entry.parent {
        let parent = to.filter(|_| number != ROOT);
        let parent = parent.ok_or_else(|| error::denied("The root stays where it is."))?;
        if !drive.entries.get(&parent).is_some_and(Entry::is_folder)
            || drive.is_under(parent, number)
        {
            return Err(error::invalid("The new parent is no folder or lies under the item."));
        }
        drive.check_name(parent, &name)?;
        if drive.child(parent, &name).is_some_and(|taken| taken.number != number) {
            return Err(error::exists());
        }
    }
    drive.amend(number, call.now, |entry| {
        entry.name = name;
        entry.parent = to;
        dates.set(entry);
    });
    reply(drive, call, number, false)
}
