//! `mailboxSettings`: the same settings that Exchange's cmdlets read and write.

use http::Method;
use serde_json::{Map, Value, json};

use super::error;
use crate::{
    call::Call,
    content::set,
    directory::{AutoReply, Recipient, RecipientKind, Regional},
    graph::{Backend, GraphError, GraphResult, require},
    reply::Reply,
    world::World,
};

/// Graph's names of auto-reply states and audiences, and Exchange's.
const STATES: [(&str, &str); 3] =
    [("disabled", "Disabled"), ("alwaysEnabled", "Enabled"), ("scheduled", "Scheduled")];
const AUDIENCES: [(&str, &str); 3] = [("none", "None"), ("contactsOnly", "Known"), ("all", "All")];

/// Answers GET and PATCH.
pub(super) fn answer(world: &mut World, call: &Call, user: &str) -> GraphResult {
    let reading = call.method == Method::GET;
    let allowed: &[&str] = if reading {
        &["MailboxSettings.Read", "MailboxSettings.ReadWrite"]
    } else {
        &["MailboxSettings.ReadWrite"]
    };
    require(call, allowed, Backend::Outlook)?;
    let (guid, recipient) = super::mailbox_of(world, call, user)?;
    match call.method {
        Method::GET => {}
        Method::PATCH => write(world, call, guid, recipient)?,
        _ => return Err(GraphError::method()),
    }
    let tenant = super::tenant(world, call)?;
    let owner = tenant.recipients.get(recipient).ok_or_else(error::no_mailbox)?;
    let mailbox = tenant.mailboxes.get(&guid).ok_or_else(error::no_mailbox)?;
    let mut form = form(owner, &mailbox.side.settings);
    set(
        &mut form,
        "@odata.context",
        format!("{}/$metadata#users('{user}')/mailboxSettings", call.base.graph(call.version())),
    );
    Ok(Reply::ok(&form))
}

fn form(owner: &Recipient, written: &Map<String, Value>) -> Value {
    let Regional { language, time_zone, date_format, time_format } = &owner.regional;
    let reply = &owner.auto_reply;
    let purpose = if owner.kind == RecipientKind::SharedMailbox { "shared" } else { "user" };
    let mut form = json!({
        "timeZone": time_zone,
        "dateFormat": date_format.as_deref().unwrap_or(""),
        "timeFormat": time_format.as_deref().unwrap_or(""),
        "language": { "locale": language.as_deref().unwrap_or("en-US"), "displayName": null },
        "userPurpose": purpose,
        "automaticRepliesSetting": {
            "status": word(&STATES, reply.state.as_deref().unwrap_or("Disabled")),
            "externalAudience": word(&AUDIENCES, reply.audience.as_deref().unwrap_or("All")),
            "internalReplyMessage": reply.internal,
            "externalReplyMessage": reply.external,
            "scheduledStartDateTime": moment(reply.start.as_deref()),
            "scheduledEndDateTime": moment(reply.end.as_deref()),
        },
    });
    if let Some(members) = form.as_object_mut() {
        members.extend(written.clone());
    }
    form
}

fn moment(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| json!({ "dateTime": text, "timeZone": "UTC" }))
}

/// The other name of a word of Exchange's.
fn word(words: &[(&'static str, &str)], exchange: &str) -> &'static str {
    let found = words.iter().find(|(_, word)| word.eq_ignore_ascii_case(exchange));
    found.or_else(|| words.first()).map_or("", |(graph, _)| graph)
}

/// The other name of a word of Graph's.
fn back(words: &[(&str, &'static str)], graph: &str) -> Result<String, GraphError> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(graph));
    found
        .map(|(_, exchange)| (*exchange).to_owned())
        .ok_or_else(|| error::bad_request(&format!("'{graph}' is not among the values.")))
}

fn write(
    world: &mut World,
    call: &Call,
    guid: uuid::Uuid,
    recipient: uuid::Uuid,
) -> Result<(), GraphError> {
    let body = call.json()?;
    let tenant = world.tenants.get_mut(&call.tenant()).ok_or_else(error::no_mailbox)?;
    let owner = tenant.recipients.get(recipient).ok_or_else(error::no_mailbox)?;
    let (mut regional, mut auto_reply) = (owner.regional.clone(), owner.auto_reply.clone());
    let mut others = Map::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = value.as_str().map(str::to_owned);
        match name.as_str() {
            "timeZone" => regional.time_zone = text,
            "dateFormat" => regional.date_format = text,
            "timeFormat" => regional.time_format = text,
            "language" => {
                let locale = value.get("locale").and_then(Value::as_str);
                regional.language = locale.map(str::to_owned);
            }
            "automaticRepliesSetting" => write_auto_reply(&mut auto_reply, value)?,
            "userPurpose" => return Err(error::bad_request("userPurpose is read-only.")),
            _ => {
                others.insert(name.clone(), value.clone());
            }
        }
    }
    tenant.recipients.amend(recipient, |owner| {
        owner.regional = regional;
        owner.auto_reply = auto_reply;
    });
    if let Some(mailbox) = tenant.mailboxes.get_mut(&guid) {
        mailbox.side.settings.extend(others);
    }
    Ok(())
}

fn write_auto_reply(reply: &mut AutoReply, value: &Value) -> Result<(), GraphError> {
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str();
        let date = || value.get("dateTime").and_then(Value::as_str).map(str::to_owned);
        match name.as_str() {
            "status" => reply.state = text.map(|text| back(&STATES, text)).transpose()?,
            "externalAudience" => {
                reply.audience = text.map(|text| back(&AUDIENCES, text)).transpose()?;
            }
            "internalReplyMessage" => reply.internal = text.map(str::to_owned),
            "externalReplyMessage" => reply.external = text.map(str::to_owned),
            "scheduledStartDateTime" => reply.start = date(),
            "scheduledEndDateTime" => reply.end = date(),
            _ => return Err(error::bad_request(&format!("'{name}' is no auto-reply setting."))),
        }
    }
    Ok(())
}
