//! Permissions: own and inherited ones, invitations, links.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error,
    store::{Drive, Entry, ROOT},
};
use crate::{
    call::Call,
    content::set,
    directory::Tenant,
    graph::{GraphError, GraphResult},
    mail::{self, Message},
    reply::Reply,
    world::World,
};

/// To whom a grant is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grantee {
    User(Uuid),
    Group(Uuid),
    /// Whoever has the link: type (`view`, `edit`) and scope (`organization`, `anonymous`).
    Link {
        kind: String,
        scope: String,
    },
}

/// A grant on one entry; everything under it inherits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) grantee: Grantee,
}

/// GET of all permissions or of one.
pub(crate) fn read(
    world: &World,
    call: &Call,
    drive: &Drive,
    number: u64,
    action: &[&str],
) -> GraphResult {
    let tenant = super::tenant(world, call)?;
    let all = effective(tenant, drive, number, call);
    match action {
        [_, id] => {
            let one = all.into_iter().find(|form| form["id"].as_str() == Some(id));
            Ok(Reply::ok(&one.ok_or_else(error::not_found)?))
        }
        _ => Ok(Reply::ok(&json!({
            "@odata.context": format!("{}/$metadata#permissions", call.base.graph(call.version())),
            "value": all,
        }))),
    }
}

/// The owner's right, the entry's own grants, then those of the folders above.
fn effective(tenant: &Tenant, drive: &Drive, number: u64, call: &Call) -> Vec<Value> {
    let owner = Grant {
        id: "owner".to_owned(),
        roles: vec!["owner".to_owned()],
        grantee: Grantee::User(drive.owner),
    };
    let mut owner = form(tenant, drive, &owner, call);
    if number != ROOT {
        set(&mut owner, "inheritedFrom", inherited(drive, ROOT));
    }
    let mut all = vec![owner];
    let mut at = drive.entries.get(&number);
    while let Some(entry) = at {
        for grant in &entry.grants {
            let mut form = form(tenant, drive, grant, call);
            if entry.number != number {
                set(&mut form, "inheritedFrom", inherited(drive, entry.number));
            }
            all.push(form);
        }
        at = entry.parent.and_then(|parent| drive.entries.get(&parent));
    }
    all
}

fn inherited(drive: &Drive, number: u64) -> Value {
    json!({ "driveId": drive.id, "id": drive.item_id(number), "path": drive.path(number) })
}

fn form(tenant: &Tenant, drive: &Drive, grant: &Grant, call: &Call) -> Value {
    let mut form = json!({ "id": grant.id, "roles": grant.roles });
    match &grant.grantee {
        Grantee::User(id) => {
            let user = tenant.users.get(*id);
            set(
                &mut form,
                "grantedToV2",
                json!({ "user": {
                "id": id,
                "displayName": user.map(|user| user.display_name.as_str()),
                "email": user.map(|user| user.mail.as_deref().unwrap_or(&user.upn)),
            } }),
            );
        }
        Grantee::Group(id) => {
            let group = tenant.groups.get(*id);
            set(
                &mut form,
                "grantedToV2",
                json!({ "group": {
                "id": id,
                "displayName": group.map(|group| group.display_name.as_str()),
                "email": group.and_then(|group| group.mail.as_deref()),
            } }),
            );
        }
        Grantee::Link { kind, scope } => {
            let host = call.base.sharepoint(&drive.host);
            set(
                &mut form,
                "link",
                json!({
                    "type": kind, "scope": scope, "webUrl": format!("{host}/:f:/g/{}", grant.id),
                }),
            );
            set(&mut form, "grantedToIdentitiesV2", json!([]));
        }
    }
    form
}

/// `invite`, `createLink`, PATCH and DELETE of a permission.
pub(crate) fn write(
    world: &mut World,
    call: &Call,
    owner: Uuid,
    number: u64,
    action: &[&str],
) -> GraphResult {
    let sharing = matches!(action, ["invite" | "createLink"]);
    if sharing && world.config.content.sharing_disabled {
        return Err(error::denied("Sharing has been disabled.").with_inner("sharingDisabled"));
    }
    let id = world.random.hex(16);
    if let (["invite"], &Method::POST) = (action, &call.method) {
        let reply = invite(tenant(world, call)?, call, owner, number, &id)?;
        if call.json()?.get("sendInvitation") != Some(&Value::Bool(false)) {
            tell_invited(world, call, owner, &id)?;
        }
        return Ok(reply);
    }
    let tenant = tenant(world, call)?;
    match (action, &call.method) {
        (["createLink"], &Method::POST) => create_link(tenant, call, owner, number, id),
        (["permissions", id], &Method::PATCH) => {
            let roles = roles(&call.json()?)?;
            let changed = change(tenant, owner, number, call, |grants| {
                let grant = grants.iter_mut().find(|grant| grant.id == *id)?;
                grant.roles = roles;
                Some(grant.clone())
            })?;
            let drive = tenant.drives.get(&owner).ok_or_else(error::not_found)?;
            Ok(Reply::ok(&form(tenant, drive, &changed, call)))
        }
        (["permissions", id], &Method::DELETE) => {
            change(tenant, owner, number, call, |grants| {
                let at = grants.iter().position(|grant| grant.id == *id)?;
                Some(grants.remove(at))
            })?;
            Ok(Reply::no_content())
        }
        _ => Err(GraphError::method()),
    }
}

fn tenant<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Tenant, GraphError> {
    world.tenants.get_mut(&call.tenant()).ok_or_else(error::not_found)
}

/// Mails those who were just invited, in the owner's name.
fn tell_invited(world: &mut World, call: &Call, owner: Uuid, id: &str) -> Result<(), GraphError> {
    let body = call.json()?;
    let recipients = body.get("recipients").and_then(Value::as_array);
    let home = tenant(world, call)?;
    let address = |grantee: Grantee| match grantee {
        Grantee::User(id) => home.users.get(id).and_then(|user| user.mail.clone()),
        Grantee::Group(id) => home.groups.get(id).and_then(|group| group.mail.clone()),
        Grantee::Link { .. } => None,
    };
    let from = address(Grantee::User(owner)).unwrap_or_default();
    let to = recipients.into_iter().flatten().filter_map(|recipient| resolve(home, recipient));
    for (n, to) in to.filter_map(address).collect::<Vec<_>>().into_iter().enumerate() {
        let message = Message {
            id: format!("{id}-invitation{n}"),
            from: from.clone(),
            to,
            subject: "Something was shared with you".to_owned(),
            body: String::new(),
            mime: None,
        };
        mail::submit(world, &message, call.now);
    }
    Ok(())
}

/// Changes the grants of an entry; 404 when the grant is not its own.
fn change(
    tenant: &mut Tenant,
    owner: Uuid,
    number: u64,
    call: &Call,
    change: impl FnOnce(&mut Vec<Grant>) -> Option<Grant>,
) -> Result<Grant, GraphError> {
    let drive = tenant.drives.get_mut(&owner).ok_or_else(error::not_found)?;
    let entry: &mut Entry = drive.entries.get_mut(&number).ok_or_else(error::not_found)?;
    let grant = change(&mut entry.grants).ok_or_else(error::not_found)?;
    // Sharing does not change the entry, but a delta shows it.
    let modified = entry.modified;
    drive.amend(number, call.now, |_| {});
    if let Some(entry) = drive.entries.get_mut(&number) {
        entry.modified = modified;
    }
    Ok(grant)
}

fn roles(body: &Value) -> Result<Vec<String>, GraphError> {
    let roles = body.get("roles").and_then(Value::as_array);
    let roles = roles.ok_or_else(|| error::invalid("The roles are required."))?;
    let role = |role: &Value| {
        let text = role.as_str().unwrap_or_default().to_ascii_lowercase();
        let known = ["read", "write", "owner"].contains(&text.as_str());
        if known { Ok(text) } else { Err(error::invalid("A role is read, write or owner.")) }
    };
    roles.iter().map(role).collect()
}

fn invite(tenant: &mut Tenant, call: &Call, owner: Uuid, number: u64, id: &str) -> GraphResult {
    let body = call.json()?;
    let roles = roles(&body)?;
    let recipients = body.get("recipients").and_then(Value::as_array);
    let recipients = recipients.ok_or_else(|| error::invalid("The recipients are required."))?;
    let found = recipients.iter().map(|recipient| resolve(tenant, recipient));
    let found: Option<Vec<Grantee>> = found.collect();
    let found = found.filter(|found| !found.is_empty()).ok_or_else(|| {
        error::invalid("One or more users could not be resolved.").with_inner("noResolvedUsers")
    })?;
    let mut granted = Vec::new();
    for (n, grantee) in found.into_iter().enumerate() {
        granted.push(change(tenant, owner, number, call, |grants| {
            if let Some(known) = grants.iter_mut().find(|grant| grant.grantee == grantee) {
                known.roles.clone_from(&roles);
                return Some(known.clone());
            }
            let grant = Grant { id: format!("{id}{n}"), roles: roles.clone(), grantee };
            grants.push(grant.clone());
            Some(grant)
        })?);
    }
    let drive = tenant.drives.get(&owner).ok_or_else(error::not_found)?;
    let value: Vec<Value> = granted.iter().map(|g| form(tenant, drive, g, call)).collect();
    Ok(Reply::ok(&json!({
        "@odata.context": format!("{}/$metadata#Collection(permission)", call.base.graph(call.version())),
        "value": value,
    })))
}

/// Somebody of the tenant, by object id or by address.
fn resolve(tenant: &Tenant, recipient: &Value) -> Option<Grantee> {
    let text = |name: &str| recipient.get(name).and_then(Value::as_str);
    if let Some(id) = text("objectId").and_then(|id| Uuid::parse_str(id).ok()) {
        let user = tenant.users.get(id).map(|user| Grantee::User(user.id));
        return user.or_else(|| tenant.groups.get(id).map(|group| Grantee::Group(group.id)));
    }
    let address = text("email").or_else(|| text("alias"))?;
    let is = |text: &str| crate::directory::bare(text).eq_ignore_ascii_case(address);
    let user = tenant.users.all().find(|user| {
        is(&user.upn)
            || user.mail.as_deref().is_some_and(is)
            || user.mail_nickname.eq_ignore_ascii_case(address)
            || user.proxies.iter().any(|proxy| is(proxy))
    });
    let user = user.map(|user| Grantee::User(user.id));
    user.or_else(|| {
        let group = tenant.groups.all().find(|group| group.mail.as_deref().is_some_and(is));
        group.map(|group| Grantee::Group(group.id))
    })
}

fn create_link(
    tenant: &mut Tenant,
    call: &Call,
    owner: Uuid,
    number: u64,
    id: String,
) -> GraphResult {
    let body = call.json()?;
    let word = |name: &str, known: &[&str]| {
        let text = body.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let fits = known.contains(&text.as_str());
        if fits {
            Ok(text)
        } else {
            Err(error::invalid(&format!("The {name} is one of {known:?}.")))
        }
    };
    let kind = word("type", &["view", "edit"])?;
    let scope = match body.get("scope") {
        Some(_) => word("scope", &["organization", "anonymous", "users"])?,
        None => "organization".to_owned(),
    };
    let role = if kind == "edit" { "write" } else { "read" };
    let mut created = false;
    let grant = change(tenant, owner, number, call, |grants| {
        let grantee = Grantee::Link { kind, scope };
        if let Some(known) = grants.iter().find(|grant| grant.grantee == grantee) {
            return Some(known.clone());
        }
        created = true;
        let grant = Grant { id, roles: vec![role.to_owned()], grantee };
        grants.push(grant.clone());
        Some(grant)
    })?;
    let drive = tenant.drives.get(&owner).ok_or_else(error::not_found)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::json(status, &form(tenant, drive, &grant, call)))
}
