//! `POST /users/{id}/sendMail`: 202, and the message is on its way.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    Backend, GraphError, GraphResult, require,
    users::{find, tenant},
};
use crate::{
    call::Call,
    mail::{self, Message},
    reply::Reply,
    world::World,
};

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    match call.parts().as_slice() {
        ["users", id, "sendMail"] if call.method == Method::POST => Some(send(world, call, id)),
        _ => None,
    }
}

fn send(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &["Mail.Send"], Backend::Outlook)?;
    let tenant = tenant(world, call)?;
    let user = find(tenant, call, id).map_err(|_missing| {
        GraphError::new(StatusCode::NOT_FOUND, "ErrorInvalidUser", "The requested user is invalid.")
    })?;
    let sender = tenant
        .recipient_of(user.id)
        .filter(|recipient| recipient.kind.is_mailbox() && call.now >= recipient.open)
        .ok_or_else(|| {
            GraphError::new(
                StatusCode::NOT_FOUND,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        })?;
    let from = sender.primary().to_owned();
    let plain = call.header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let (template, recipients) = if plain { of_mime(call, &from)? } else { of_json(call, &from)? };
    if recipients.is_empty() {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidRecipients",
            "At least one recipient is not valid.",
        ));
    }
    if !plain {
        world.mail.last_sent = Some(call.json()?);
    }
    let id = world.random.guid().to_string();
    for to in recipients {
        let message = Message { id: id.clone(), to, ..template.clone() };
        mail::submit(world, &message, call.now);
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// A property of any case: `Message` and `message` are the same.
fn any_case<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let map = object.as_object()?;
    map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn of_json(call: &Call, from: &str) -> Result<(Message, Vec<String>), GraphError> {
    let body = call.json()?;
    let message = any_case(&body, "message").ok_or_else(|| {
        GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidRequest", "The message is missing.")
    })?;
    let mut recipients = Vec::new();
    for list in ["toRecipients", "ccRecipients", "bccRecipients"] {
        let values = any_case(message, list).and_then(Value::as_array);
        for value in values.into_iter().flatten() {
            let address = value.pointer("/emailAddress/address").and_then(Value::as_str);
            recipients.push(address.unwrap_or_default().to_owned());
        }
    }
    if recipients.iter().any(|address| !address.contains('@')) {
        recipients.clear();
    }
    let text = |pointer: &str| {
        message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let template = Message {
        id: String::new(),
        from: from.to_owned(),
        to: String::new(),
        subject: text("/subject"),
        body: text("/body/content"),
        mime: None,
    };
    Ok((template, recipients))
}

fn of_mime(call: &Call, from: &str) -> Result<(Message, Vec<String>), GraphError> {
    let bad = || {
        GraphError::new(
            StatusCode::BAD_REQUEST,
            "ErrorMimeContentInvalidBase64String",
            "Invalid base64 string for MIME content.",
        )
    };
    let packed: Vec<u8> =
        call.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_fault| bad())?;
    let mime = String::from_utf8_lossy(&bytes).into_owned();
    let recipients = ["to", "cc"]
        .iter()
        .filter_map(|name| mail::header(&mime, name))
        .flat_map(|value| mail::addresses(&value))
        .collect();
    let template = Message {
        id: String::new(),
        from: from.to_owned(),
        to: String::new(),
        subject: mail::header(&mime, "subject").unwrap_or_default(),
        body: String::new(),
        mime: Some(mime),
    };
    Ok((template, recipients))
}
