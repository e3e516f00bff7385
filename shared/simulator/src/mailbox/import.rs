//! `createImportSession`, and the address that it gives, which takes items.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error, get_mut, ids,
    item::ItemData,
    member, parse_id,
    store::{ImportSession, Mailbox},
    transfer,
};
use crate::{
    call::Call,
    content::ContentRules,
    graph::{GraphError, GraphResult},
    reply::Reply,
    throttle::Ticket,
    world::{World, later},
};

/// A session: one mailbox, many items, until it ends.
pub(super) fn create_session(world: &mut World, call: &Call, guid: Uuid) -> GraphResult {
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let life = u64::from(world.config.content.import_session_seconds);
    let end = later(call.now, std::time::Duration::from_secs(life));
    let token = world.random.hex(24);
    let mailbox = get_mut(world, call, guid)?;
    mailbox.sessions.retain(|_, session| session.end > call.now);
    let app = call.caller.as_ref().map_or(Uuid::nil(), |caller| caller.app);
    mailbox.sessions.insert(token.clone(), ImportSession { end, app });
    let host = call.base.outlook();
    let url = format!(
        "{host}/api/gv1.0/Mailboxes('MBX:{guid}@{}')/importItem?authtoken={token}",
        call.tenant()
    );
    Ok(Reply::ok(&json!({
        "@odata.context": format!("{}/$metadata#microsoft.graph.mailboxItemImportSession", call.base.graph(call.version())),
        "importUrl": url,
        "expirationDateTime": end.to_string(),
    })))
}

/// Answers a request to `/api/gv1.0/...`; `call.path` is what follows.
pub(crate) fn answer(world: &mut World, call: &Call, ticket: &Ticket) -> Reply {
    import(world, call, ticket).unwrap_or_else(Reply::from)
}

fn import(world: &mut World, call: &Call, ticket: &Ticket) -> GraphResult {
    let unauthorised =
        |text: &str| GraphError::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", text);
    if call.headers.contains_key(AUTHORIZATION) {
        return Err(unauthorised("This address takes no Authorization header."));
    }
    let path = call.parts();
    let [mailbox, "importItem"] = path.as_slice() else { return Err(error::not_found()) };
    let id = mailbox.strip_prefix("Mailboxes('").and_then(|rest| rest.strip_suffix("')"));
    let (guid, tenant) = id.and_then(parse_id).ok_or_else(error::not_found)?;
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let World { tenants, config, budgets, .. } = world;
    let mailbox = tenants.get_mut(&tenant).and_then(|tenant| tenant.mailboxes.get_mut(&guid));
    let mailbox = mailbox.ok_or_else(error::no_mailbox)?;
    let session = call.query("authtoken").and_then(|token| mailbox.sessions.get(token));
    let session = session.filter(|session| session.end > call.now);
    let session =
        session.ok_or_else(|| unauthorised("The import session is unknown or has expired."))?;
    let scope = format!("{}/{tenant}", session.app);
    if let Err(reply) = budgets.spend_import(&config.throttling, call, ticket, &scope) {
        return Ok(reply);
    }
    let body = call.json()?;
    let number = take(mailbox, &body, &config.content)?;
    let item = mailbox.items.get(&number).ok_or_else(error::not_found)?;
    Ok(Reply::ok(&json!({
        "@odata.context": format!(
            "{}/api/gv1.0/$metadata#microsoft.graph.importMailboxItemResponse",
            call.base.outlook()
        ),
        "itemId": ids::item(guid, number, item.moves),
        "changeKey": ids::change_key(item.revision),
    })))
}

fn take(mailbox: &mut Mailbox, body: &Value, rules: &ContentRules) -> Result<u64, GraphError> {
    let text = |name: &str| member(body, name).and_then(Value::as_str);
    let need =
        |name: &str| text(name).ok_or_else(|| error::bad_request(&format!("{name} is required.")));
    let folder = mailbox.folder_by_id(need("FolderId")?).ok_or_else(error::not_found)?;
    if folder.search {
        return Err(error::bad_request("A search folder takes no items."));
    }
    let folder = folder.number;
    let data = decode(need("Data")?, rules)?;
    let (id, key) = (text("ItemId"), text("ChangeKey"));
    match need("Mode")?.to_ascii_lowercase().as_str() {
        "create" if id.is_some() || key.is_some() => {
            Err(error::bad_request("ItemId and ChangeKey must not be given with the mode create."))
        }
        "create" => {
            room(mailbox, &data, rules)?;
            Ok(mailbox.add_item(folder, data))
        }
        "update" => {
            let (Some(id), Some(key)) = (id, key) else {
                return Err(error::bad_request("The mode update needs ItemId and ChangeKey."));
            };
            let item = mailbox.item_by_id(id).ok_or_else(error::not_found)?;
            if ids::change_key(item.revision) != key {
                let text = "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.";
                return Err(GraphError::new(
                    StatusCode::CONFLICT,
                    "ErrorIrresolvableConflict",
                    text,
                ));
            }
            let number = item.number;
            room(mailbox, &data, rules)?;
            mailbox.update_item(number, |old| *old = data);
            Ok(number)
        }
        _ => Err(error::bad_request("Mode is create or update.")),
    }
}

fn decode(text: &str, rules: &ContentRules) -> Result<ItemData, GraphError> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|fault| error::bad_request(&format!("Data is no base64: {fault}.")))?;
    let data = transfer::read(&bytes).ok_or_else(|| {
        GraphError::new(StatusCode::BAD_REQUEST, "ErrorCorruptData", "Data is corrupt.")
    })?;
    if data.content.length() > rules.largest_item_bytes {
        let text = "The message exceeds the maximum supported size.";
        return Err(GraphError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "ErrorMessageSizeExceeded",
            text,
        ));
    }
    Ok(data)
}

fn room(mailbox: &Mailbox, data: &ItemData, rules: &ContentRules) -> Result<(), GraphError> {
    let quota = rules.mailbox_quota_bytes;
    let full = mailbox.bytes.saturating_add(data.content.length()) > quota;
    if quota > 0 && full { Err(error::quota()) } else { Ok(()) }
}
