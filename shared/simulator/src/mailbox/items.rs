//! `/folders/{id}/items`: list, delta, one item, deletion.

use http::{Method, StatusCode};
use uuid::Uuid;

use super::{
    delta::{self, Round, Scope, wants_immutable},
    error, form, get_mut,
    query::{self, Filter},
    store::{Mailbox, Reason},
};
use crate::{
    call::Call,
    content::{keep_selected, set},
    graph::{GraphError, GraphResult, page, select},
    reply::Reply,
    world::World,
};

/// Answers; `rest` is what follows `items`.
pub(super) fn answer(
    world: &mut World,
    call: &Call,
    guid: Uuid,
    folder: &str,
    rest: &[&str],
) -> GraphResult {
    let mailbox = get_mut(world, call, guid)?;
    let folder = mailbox.folder_by_id(folder).ok_or_else(error::not_found)?.number;
    match (rest, &call.method) {
        ([], &Method::GET) => list(mailbox, call, folder),
        (["delta"], &Method::GET) => {
            let World { tenants, random, config, token_key, .. } = world;
            let tenant = tenants.get(&call.tenant()).ok_or_else(error::no_mailbox)?;
            let mailbox = tenant.mailboxes.get(&guid).ok_or_else(error::not_found)?;
            let mut round = Round { mailbox, key: token_key, rules: &config.content, random };
            delta::answer(&mut round, call, Scope::Items(folder))
        }
        ([item], &Method::GET) => one(mailbox, call, folder, item),
        ([item], &Method::DELETE) => delete(world, call, guid, folder, item),
        _ => Err(GraphError::method()),
    }
}

fn list(mailbox: &Mailbox, call: &Call, folder: u64) -> GraphResult {
    let filter = Filter::parse(call.query("$filter").unwrap_or_default())?;
    let expand = query::expanded(call.query("$expand").unwrap_or_default())?;
    let mut numbers = mailbox.items_in(folder);
    numbers.sort_unstable();
    let mut found = Vec::new();
    for item in numbers.iter().filter_map(|number| mailbox.items.get(number)) {
        let mut form = form::item(mailbox, item, wants_immutable(call));
        let property = |name: &str| form::item_property(item, &form, name);
        if filter.passes(property, |id| item.property(id)) {
            if !expand.is_empty() {
                set(
                    &mut form,
                    "singleValueExtendedProperties",
                    query::expansion(&expand, |id| item.property(id)),
                );
            }
            found.push(form);
        }
    }
    query::order(call, &mut found);
    let select = select(call);
    let page = page(call, found, 10, 1_000, |mut form| {
        keep_selected(&mut form, select.as_deref());
        form
    })?;
    Ok(Reply::ok(&page.body(call)))
}

fn one(mailbox: &Mailbox, call: &Call, folder: u64, id: &str) -> GraphResult {
    let item = mailbox.item_by_id(id).filter(|item| item.folder == folder);
    let item = item.ok_or_else(error::not_found)?;
    let expand = query::expanded(call.query("$expand").unwrap_or_default())?;
    let mut form = form::item(mailbox, item, wants_immutable(call));
    if !expand.is_empty() {
        set(
            &mut form,
            "singleValueExtendedProperties",
            query::expansion(&expand, |id| item.property(id)),
        );
    }
    keep_selected(&mut form, select(call).as_deref());
    Ok(Reply::ok(&form))
}

fn delete(world: &mut World, call: &Call, guid: Uuid, folder: u64, id: &str) -> GraphResult {
    let held =
        super::tenant(world, call)?.owner_of(guid).is_some_and(|owner| owner.litigation_hold);
    let mailbox = get_mut(world, call, guid)?;
    let item = mailbox.item_by_id(id).filter(|item| item.folder == folder);
    let number = item.ok_or_else(error::not_found)?.number;
    let how = call.query("disposalType").unwrap_or_default().to_ascii_lowercase();
    let bin = mailbox.well_known("recoverableitemsdeletions");
    match (how.as_str(), bin) {
        ("softdelete", Some(bin)) => mailbox.move_item(number, bin, Reason::Changed),
        ("harddelete", _) if held => {
            let text = "The item is on hold and cannot be deleted for good.";
            return Err(GraphError::new(StatusCode::FORBIDDEN, "ErrorAccessDenied", text));
        }
        ("harddelete", _) => mailbox.delete_item(number, Reason::Deleted),
        _ => return Err(error::bad_request("disposalType is required: softDelete or hardDelete.")),
    }
    Ok(Reply::no_content())
}
