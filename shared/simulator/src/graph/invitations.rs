//! `POST /invitations`: guests, with or without a mail.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Backend, GraphError, GraphResult, require,
    users::{self, tenant, tenant_mut},
};
use crate::{
    call::Call,
    directory::{Proxy, Recipient, RecipientKind, Tenant, User},
    exchange::new_recipient,
    reply::Reply,
    world::World,
};

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    (call.parts() == ["invitations"]).then(|| {
        if call.method == Method::POST { invite(world, call) } else { Err(GraphError::method()) }
    })
}

fn invite(world: &mut World, call: &Call) -> GraphResult {
    require(
        call,
        &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        Backend::Directory,
    )?;
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let need = |name: &str| {
        text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| GraphError::bad_request(&format!("The property '{name}' is required.")))
    };
    let address = need("invitedUserEmailAddress")?.to_owned();
    let redirect = need("inviteRedirectUrl")?.to_owned();
    if !address.contains('@') {
        return Err(GraphError::bad_request("The invited user email address is not valid."));
    }
    let (id, guid, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let tenant = tenant(world, call)?;
    let known = tenant
        .users
        .all()
        .find(|user| user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(&address)))
        .cloned();
    if known.as_ref().is_some_and(|user| user.user_type == "Member") {
        return Err(GraphError::bad_request(
            "The invited user already exists in the directory as object of type member.",
        ));
    }
    let send = body.get("sendInvitationMessage").and_then(Value::as_bool).unwrap_or(false);
    let invited = match known {
        // A guest who was created without a mail is invited again: the same account.
        Some(user) => user,
        None => {
            let name = text("invitedUserDisplayName").unwrap_or(&address);
            let (user, recipient) = guest(tenant, call, &address, name, (id, guid, &hex))?;
            let stamp = world.stamp(call.view, call.now);
            let tenant = tenant_mut(world, call)?;
            tenant.put_user(user.clone(), stamp);
            tenant.put_recipient(recipient, stamp);
            user
        }
    };
    if send {
        crate::mail::note_invitation(world, call, &address);
    }
    let redeem = format!(
        "https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations.microsoft.com%2fredeem%2f%3ftenant%3d{}%26user%3d{}",
        call.tenant(),
        invited.id
    );
    Ok(Reply::json(
        StatusCode::CREATED,
        &json!({
            "id": world.random.guid().to_string(),
            "inviteRedeemUrl": redeem,
            "invitedUserDisplayName": invited.display_name,
            "invitedUserEmailAddress": address,
            "invitedUserType": "Guest",
            "inviteRedirectUrl": redirect,
            "sendInvitationMessage": send,
            "status": "PendingAcceptance",
            "invitedUser": { "id": invited.id.to_string() },
        }),
    ))
}

/// A guest as an invitation makes it: an account and a mail user that nobody sees.
fn guest(
    tenant: &Tenant,
    call: &Call,
    address: &str,
    name: &str,
    (id, guid, hex): (Uuid, Uuid, &str),
) -> Result<(User, Recipient), GraphError> {
    let mut user = users::empty(id, call);
    let local = address.replace('@', "_");
    user.upn = format!("{local}#EXT#@{}", tenant.initial_domain());
    name.clone_into(&mut user.display_name);
    user.mail_nickname = format!("{local}#EXT#");
    "Guest".clone_into(&mut user.user_type);
    user.external_state = Some("PendingAcceptance".to_owned());
    user.mail = Some(address.to_owned());
    let mut recipient = new_recipient(guid, id, RecipientKind::GuestMailUser, call.now);
    recipient.name = tenant.free_name(&user.mail_nickname, hex);
    recipient.alias.clone_from(&user.mail_nickname);
    recipient.display_name.clone_from(&user.display_name);
    recipient.upn.clone_from(&user.upn);
    recipient.hidden = true;
    recipient.external = Some(address.to_owned());
    recipient.legacy_dn = Tenant::legacy_dn(hex, &local);
    let proxy = Proxy::primary(address);
    if tenant.claims.conflict(&proxy, guid, call.now).is_some() {
        return Err(GraphError::conflict("proxyAddresses"));
    }
    recipient.proxies = vec![proxy];
    Ok((user, recipient))
}
