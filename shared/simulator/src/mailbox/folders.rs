//! `/folders` and `/childFolders`.

use http::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::{
    delta::{self, Round, Scope},
    error, form, get, get_mut, ids,
    item::{Folder, normalise},
    member,
    query::{self, Filter},
    store::Mailbox,
};
use crate::{
    call::Call,
    content::{keep_selected, set},
    graph::{GraphError, GraphResult, page, select},
    reply::Reply,
    world::World,
};

/// The folder under which a path's collection lies; `None` for the mailbox's top.
///
/// The root of the list is the top of what people see, with the search folders beside it.
fn parent(mailbox: &Mailbox, rest: &[&str]) -> Result<Option<u64>, GraphError> {
    match rest {
        ["folders", folder, "childFolders", ..] => {
            let folder = mailbox.folder_by_id(folder).ok_or_else(error::not_found)?;
            Ok(Some(folder.number))
        }
        _ => Ok(mailbox.well_known(super::well_known::ROOT)),
    }
}

/// Lists or creates.
pub(super) fn collection(world: &mut World, call: &Call, guid: Uuid, rest: &[&str]) -> GraphResult {
    match call.method {
        Method::GET => list(world, call, guid, rest),
        Method::POST => create(world, call, guid, rest),
        _ => Err(GraphError::method()),
    }
}

/// `folders/delta` shows the whole tree, `childFolders/delta` one level.
pub(super) fn delta(world: &mut World, call: &Call, guid: Uuid, rest: &[&str]) -> GraphResult {
    let World { tenants, random, config, token_key, .. } = world;
    let tenant = tenants.get(&call.tenant()).ok_or_else(error::no_mailbox)?;
    let mailbox = tenant.mailboxes.get(&guid).ok_or_else(error::not_found)?;
    let scope = match (rest, parent(mailbox, rest)?) {
        (["folders", "delta"], _) | (_, None) => Scope::Folders,
        (_, Some(parent)) => Scope::Children(parent),
    };
    let mut round = Round { mailbox, key: token_key, rules: &config.content, random };
    delta::answer(&mut round, call, scope)
}

fn list(world: &World, call: &Call, guid: Uuid, rest: &[&str]) -> GraphResult {
    let mailbox = get(world, call, guid)?;
    let parent = parent(mailbox, rest)?;
    let all = call.query("includeHiddenFolders").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let filter = Filter::parse(call.query("$filter").unwrap_or_default())?;
    let expand = query::expanded(call.query("$expand").unwrap_or_default())?;
    let mut found = Vec::new();
    for folder in mailbox.children(parent).filter(|folder| all || !folder.hidden) {
        let form = entity(mailbox, folder, &expand);
        let property = |name: &str| member(&form, name).cloned();
        if filter.passes(property, |id| form::folder_property(folder, id)) {
            found.push(form);
        }
    }
    found.extend(branches(world, call, mailbox, parent));
    query::order(call, &mut found);
    let select = select(call);
    let page = page(call, found, 10, 1_000, |mut form| {
        keep_selected(&mut form, select.as_deref());
        form
    })?;
    Ok(Reply::ok(&page.body(call)))
}

/// Folders of an auto-expanding archive that live in an auxiliary mailbox.
fn branches(world: &World, call: &Call, mailbox: &Mailbox, parent: Option<u64>) -> Vec<Value> {
    let here = mailbox.branches.iter().filter(|branch| branch.parent == parent);
    let form = |branch: &super::store::Branch| {
        let auxiliary = get(world, call, branch.mailbox).ok()?;
        let mut form = form::folder(auxiliary, auxiliary.folders.get(&branch.folder)?);
        let base = call.base.graph(call.version());
        let id = format!("MBX:{}@{}", branch.mailbox, call.tenant());
        set(&mut form, "parentFolderId", branch.parent.map(|p| ids::folder(mailbox.guid, p)));
        set(&mut form, "parentMailboxUrl", format!("{base}/admin/exchange/mailboxes/{id}"));
        Some(form)
    };
    here.filter_map(form).collect()
}

fn entity(mailbox: &Mailbox, folder: &Folder, expand: &[String]) -> Value {
    let mut form = form::folder(mailbox, folder);
    if !expand.is_empty() {
        set(
            &mut form,
            "singleValueExtendedProperties",
            query::expansion(expand, |id| form::folder_property(folder, id)),
        );
    }
    form
}

fn create(world: &mut World, call: &Call, guid: Uuid, rest: &[&str]) -> GraphResult {
    let body = call.json()?;
    let mailbox = get_mut(world, call, guid)?;
    let parent = parent(mailbox, rest)?;
    let name =
        text(&body, "displayName").ok_or_else(|| error::bad_request("displayName is required."))?;
    let class = text(&body, "type").ok_or_else(|| error::bad_request("type is required."))?;
    free_name(mailbox, parent, &name, None)?;
    let number = mailbox.create_folder(&name, parent, &class);
    let properties = member(&body, "singleValueExtendedProperties").and_then(Value::as_array);
    if let Some(folder) = mailbox.folders.get_mut(&number) {
        for property in properties.into_iter().flatten() {
            let (Some(id), Some(value)) = (text(property, "id"), text(property, "value")) else {
                return Err(error::bad_request("An extended property needs id and value."));
            };
            let id = normalise(&id);
            if id == "Boolean 0x10f4" {
                folder.hidden = value.eq_ignore_ascii_case("true");
            }
            folder.properties.insert(id, value);
        }
    }
    let folder = mailbox.folders.get(&number).ok_or_else(error::not_found)?;
    Ok(Reply::json(StatusCode::CREATED, &form::folder(mailbox, folder)))
}

/// Two folders beside each other never have the same name, whatever its case.
fn free_name(
    mailbox: &Mailbox,
    parent: Option<u64>,
    name: &str,
    except: Option<u64>,
) -> Result<(), GraphError> {
    if name.trim().is_empty() || name.chars().count() > 255 {
        return Err(error::bad_request("The folder name is empty or longer than 255 characters."));
    }
    let name = name.to_lowercase();
    let taken =
        |folder: &Folder| Some(folder.number) != except && folder.name.to_lowercase() == name;
    if mailbox.children(parent).any(taken) {
        return Err(error::folder_exists(&name));
    }
    Ok(())
}

/// GET, PATCH, DELETE of one folder.
pub(super) fn one(world: &mut World, call: &Call, guid: Uuid, id: &str) -> GraphResult {
    let mailbox = get_mut(world, call, guid)?;
    let folder = mailbox.folder_by_id(id).ok_or_else(error::not_found)?;
    let number = folder.number;
    let fixed = folder.well_known.is_some();
    match call.method {
        Method::GET => {
            let expand = query::expanded(call.query("$expand").unwrap_or_default())?;
            let mut form = entity(mailbox, folder, &expand);
            keep_selected(&mut form, select(call).as_deref());
            Ok(Reply::ok(&form))
        }
        Method::PATCH if !fixed => patch(mailbox, number, &call.json()?),
        Method::DELETE if !fixed => {
            mailbox.delete_folder(number);
            Ok(Reply::no_content())
        }
        Method::PATCH | Method::DELETE => {
            Err(error::denied("Default folders can be neither renamed, moved nor deleted."))
        }
        _ => Err(GraphError::method()),
    }
}

fn patch(mailbox: &mut Mailbox, number: u64, body: &Value) -> GraphResult {
    let folder = mailbox.folders.get(&number).ok_or_else(error::not_found)?;
    let name = text(body, "displayName").unwrap_or_else(|| folder.name.clone());
    let to = match text(body, "parentFolderId") {
        Some(id) => Some(mailbox.folder_by_id(&id).ok_or_else(error::not_found)?.number),
        None => folder.parent,
    };
    let moved = to != folder.parent;
    if to.is_some_and(|to| mailbox.is_under(to, number)) {
        return Err(error::bad_request("A folder cannot be moved under itself."));
    }
    free_name(mailbox, to, &name, Some(number))?;
    if let Some(folder) = mailbox.folders.get_mut(&number) {
        folder.name = name;
    }
    if moved {
        mailbox.move_folder(number, to);
    } else {
        mailbox.folder_changed(number);
    }
    let folder = mailbox.folders.get(&number).ok_or_else(error::not_found)?;
    Ok(Reply::ok(&form::folder(mailbox, folder)))
}

fn text(body: &Value, name: &str) -> Option<String> {
    member(body, name).and_then(Value::as_str).map(str::to_owned)
}
