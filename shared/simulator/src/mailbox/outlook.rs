//! What Outlook keeps beside the items: rules of the inbox and categories. Items can be moved here
//! too, which import/export has no call for.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    delta::wants_immutable,
    error, form, get_mut, ids, member,
    store::{Mailbox, Reason},
};
use crate::{
    call::Call,
    content::set,
    graph::{Backend, GraphError, GraphResult, require},
    reply::Reply,
    world::World,
};

/// Answers; `rest` is what follows the user. `None` for what is not served.
pub(super) fn route(
    world: &mut World,
    call: &Call,
    user: &str,
    rest: &[&str],
) -> Option<GraphResult> {
    match rest {
        ["mailFolders", folder, "messageRules", rest @ ..] if rest.len() < 2 => {
            Some(with_mailbox(world, call, user, &SETTINGS, |mailbox| {
                rules(mailbox, call, folder, rest)
            }))
        }
        ["outlook", "masterCategories"] => {
            Some(with_mailbox(world, call, user, &SETTINGS, |mailbox| categories(mailbox, call)))
        }
        ["messages", item, "move"] => {
            let allowed: [&str; 2] = ["Mail.ReadWrite", "Mail.ReadWrite"];
            Some(with_mailbox(world, call, user, &allowed, |mailbox| {
                move_item(mailbox, call, item)
            }))
        }
        _ => None,
    }
}

/// Permission to read, permission to write.
const SETTINGS: [&str; 2] = ["MailboxSettings.Read", "MailboxSettings.ReadWrite"];

fn with_mailbox(
    world: &mut World,
    call: &Call,
    user: &str,
    [read, write]: &[&str; 2],
    answer: impl FnOnce(&mut Mailbox) -> GraphResult,
) -> GraphResult {
    let allowed: &[&str] = if call.method == Method::GET { &[read, write] } else { &[write] };
    require(call, allowed, Backend::Outlook)?;
    let (guid, _): (Uuid, Uuid) = super::mailbox_of(world, call, user)?;
    answer(get_mut(world, call, guid)?)
}

fn rules(mailbox: &mut Mailbox, call: &Call, folder: &str, rest: &[&str]) -> GraphResult {
    let inbox = mailbox.folder_by_id(folder).is_some_and(|f| f.well_known == Some("inbox"));
    if !inbox {
        return Err(error::bad_request("Rules are kept for the inbox only."));
    }
    let known = |mailbox: &Mailbox, id: &str| {
        let at = mailbox.side.rules.iter().position(|rule| rule["id"].as_str() == Some(id));
        at.ok_or_else(error::not_found)
    };
    match (rest, &call.method) {
        ([], &Method::GET) => Ok(Reply::ok(&json!({ "value": mailbox.side.rules }))),
        ([], &Method::POST) => {
            let mut rule = call.json()?;
            for name in ["displayName", "sequence", "actions"] {
                if rule.get(name).is_none_or(Value::is_null) {
                    return Err(error::bad_request(&format!("The rule needs {name}.")));
                }
            }
            set(&mut rule, "id", next_id(mailbox));
            set(&mut rule, "hasError", false);
            if rule.get("isEnabled").is_none() {
                set(&mut rule, "isEnabled", true);
            }
            mailbox.side.rules.push(rule.clone());
            Ok(Reply::json(StatusCode::CREATED, &rule))
        }
        ([id], &Method::GET) => {
            let at = known(mailbox, id)?;
            Ok(Reply::ok(mailbox.side.rules.get(at).ok_or_else(error::not_found)?))
        }
        ([id], &Method::PATCH) => {
            let at = known(mailbox, id)?;
            let change = call.json()?;
            let rule = mailbox.side.rules.get_mut(at).ok_or_else(error::not_found)?;
            for (name, value) in change.as_object().into_iter().flatten() {
                set(rule, name, value.clone());
            }
            Ok(Reply::ok(rule))
        }
        ([id], &Method::DELETE) => {
            let at = known(mailbox, id)?;
            mailbox.side.rules.remove(at);
            Ok(Reply::no_content())
        }
        _ => Err(GraphError::method()),
    }
}

fn categories(mailbox: &mut Mailbox, call: &Call) -> GraphResult {
    match call.method {
        Method::GET => Ok(Reply::ok(&json!({ "value": mailbox.side.categories }))),
        Method::POST => {
            let mut category = call.json()?;
            let name = category.get("displayName").and_then(Value::as_str).unwrap_or_default();
            if name.is_empty() {
                return Err(error::bad_request("The category needs displayName."));
            }
            let same = |known: &Value| known["displayName"].as_str() == Some(name);
            if mailbox.side.categories.iter().any(same) {
                let text = "A category with this name exists already.";
                return Err(GraphError::new(StatusCode::CONFLICT, "ErrorDuplicateName", text));
            }
            set(&mut category, "id", next_id(mailbox));
            if category.get("color").is_none() {
                set(&mut category, "color", "none");
            }
            mailbox.side.categories.push(category.clone());
            Ok(Reply::json(StatusCode::CREATED, &category))
        }
        _ => Err(GraphError::method()),
    }
}

fn next_id(mailbox: &mut Mailbox) -> String {
    mailbox.side.made = mailbox.side.made.saturating_add(1);
    format!("AQAAA{:08X}=", mailbox.side.made)
}

/// Moves an item into another folder of the same mailbox; its ordinary id changes.
fn move_item(mailbox: &mut Mailbox, call: &Call, id: &str) -> GraphResult {
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let body = call.json()?;
    let to = member(&body, "destinationId").and_then(Value::as_str);
    let to = to.ok_or_else(|| error::bad_request("destinationId is required."))?;
    let number = mailbox.item_by_id(id).ok_or_else(error::not_found)?.number;
    let to =
        mailbox.folder_by_id(to).filter(|folder| !folder.search).ok_or_else(error::not_found)?;
    let to = to.number;
    mailbox.move_item(number, to, Reason::Deleted);
    let item = mailbox.items.get(&number).ok_or_else(error::not_found)?;
    Ok(Reply::json(
        StatusCode::CREATED,
        &json!({
            "id": form::item_id(mailbox, item, wants_immutable(call)),
            "changeKey": ids::change_key(item.revision),
            "parentFolderId": ids::folder(mailbox.guid, to),
            "subject": item.data.subject,
        }),
    ))
}
