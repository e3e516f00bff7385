//! `/domains`, `/organization`, `/contacts` (organizational contacts, read-only).

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Backend, GraphError, GraphResult, page, require, users::tenant};
use crate::{
    call::Call,
    directory::{Recipient, RecipientKind},
    reply::Reply,
    world::World,
};

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    let parts = call.parts();
    let first = *parts.first()?;
    if !["domains", "organization", "contacts"].contains(&first) {
        return None;
    }
    if call.method != Method::GET {
        return Some(Err(GraphError::method()));
    }
    Some(match parts.as_slice() {
        ["domains"] => domains(world, call),
        ["organization"] => organization(world, call),
        ["contacts"] => contacts(world, call),
        ["contacts", id] => contact(world, call, id),
        _ => return None,
    })
}

fn domains(world: &mut World, call: &Call) -> GraphResult {
    require(
        call,
        &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"],
        Backend::Directory,
    )?;
    let value: Vec<Value> = tenant(world, call)?
        .domains
        .iter()
        .map(|domain| {
            json!({
                "id": domain.name,
                "authenticationType": "Managed",
                "isAdminManaged": true,
                "isDefault": domain.default,
                "isInitial": domain.initial,
                "isRoot": true,
                "isVerified": domain.verified,
                "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "value": value })))
}

fn organization(world: &mut World, call: &Call) -> GraphResult {
    require(
        call,
        &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All"],
        Backend::Directory,
    )?;
    let tenant = tenant(world, call)?;
    let domains: Vec<Value> = tenant
        .domains
        .iter()
        .map(|domain| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": domain.default,
                "isInitial": domain.initial,
                "name": domain.name,
                "type": "Managed",
            })
        })
        .collect();
    let value = json!([{
        "id": tenant.id.to_string(),
        "displayName": tenant.name,
        "tenantType": "AAD",
        "verifiedDomains": domains,
    }]);
    Ok(Reply::ok(&json!({ "value": value })))
}

const READ_CONTACTS: [&str; 3] =
    ["OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];

fn shown(recipient: &Recipient) -> Value {
    let attribute = |name: &str| recipient.attributes.get(name).cloned().unwrap_or_default();
    let proxies: Vec<String> = recipient.proxies.iter().map(ToString::to_string).collect();
    json!({
        "id": recipient.directory_id.to_string(),
        "displayName": recipient.display_name,
        "givenName": attribute("givenName"),
        "surname": attribute("surname"),
        "companyName": attribute("companyName"),
        "department": attribute("department"),
        "jobTitle": attribute("jobTitle"),
        "mail": recipient.primary(),
        "mailNickname": recipient.alias,
        "proxyAddresses": proxies,
        "onPremisesSyncEnabled": if recipient.synced { json!(true) } else { Value::Null },
    })
}

fn contacts(world: &mut World, call: &Call) -> GraphResult {
    require(call, &READ_CONTACTS, Backend::Directory)?;
    let found: Vec<&Recipient> = tenant(world, call)?
        .recipients
        .all_seen(call.view, call.now)
        .filter(|recipient| recipient.kind == RecipientKind::MailContact)
        .collect();
    let page = page(call, found, 100, 999, shown)?;
    Ok(Reply::ok(&page.body(call)))
}

fn contact(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &READ_CONTACTS, Backend::Directory)?;
    let found = Uuid::parse_str(id).ok().and_then(|id| {
        let mut contacts = tenant(world, call).ok()?.recipients.all_seen(call.view, call.now);
        contacts.find(|recipient| {
            recipient.kind == RecipientKind::MailContact && recipient.directory_id == id
        })
    });
    found.map(|recipient| Reply::ok(&shown(recipient))).ok_or_else(|| {
        let mut error = GraphError::no_resource(id);
        error.status = StatusCode::NOT_FOUND;
        error
    })
}
