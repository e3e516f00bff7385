//! `exportItems`.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{error, get, ids, member, store::Mailbox, transfer};
use crate::{
    call::Call,
    graph::{GraphError, GraphResult},
    reply::Reply,
    world::World,
};

/// Most items of one call.
const MOST: usize = 20;

/// Answers; what cannot be exported is an error inside the 200.
pub(super) fn answer(world: &World, call: &Call, guid: Uuid) -> GraphResult {
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let body = call.json()?;
    let wanted = member(&body, "itemIds").and_then(Value::as_array);
    let wanted = wanted.ok_or_else(|| error::bad_request("itemIds is required."))?;
    if wanted.is_empty() || wanted.len() > MOST {
        let text = format!("itemIds must hold 1 to {MOST} ids; it holds {}.", wanted.len());
        return Err(error::bad_request(&text));
    }
    let mailbox = get(world, call, guid)?;
    // Written by hand: the data of a large item would be in memory three times otherwise.
    let context =
        format!("{}/$metadata#Collection(exportItemResponse)", call.base.graph(call.version()));
    let mut text = format!("{{\"@odata.context\":{},\"value\":[", json!(context));
    for (n, id) in wanted.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        one(mailbox, id.as_str().unwrap_or_default(), &mut text);
    }
    text.push_str("]}");
    let mut reply = Reply::ok(&Value::Null);
    reply.body = Bytes::from(text);
    Ok(reply)
}

fn one(mailbox: &Mailbox, id: &str, text: &mut String) {
    let failure = |code: &str, message: &str| {
        json!({ "itemId": id, "error": { "code": code, "message": message } }).to_string()
    };
    let Some(item) = mailbox.item_by_id(id) else {
        let message = "The specified object was not found in the store.";
        return text.push_str(&failure("ErrorItemNotFound", message));
    };
    if item.corrupt {
        let message = "Data is corrupt.";
        return text.push_str(&failure("ErrorCorruptData", message));
    }
    let head = json!({ "itemId": id, "changeKey": ids::change_key(item.revision) }).to_string();
    text.push_str(head.trim_end_matches('}'));
    text.push_str(",\"data\":\"");
    STANDARD.encode_string(transfer::write(&item.data), text);
    text.push_str("\"}");
}
