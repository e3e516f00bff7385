//! `Identity`: GUID, object id, address, UPN, LegacyExchangeDN, name, alias, display name.

use uuid::Uuid;

use super::Failure;
use crate::{
    call::Call,
    directory::{Claims, Proxy, Recipient, RecipientKind, Tenant, User, View, bare},
    world::World,
};

impl World {
    /// The caller's tenant.
    pub(crate) fn tenant_of(&self, call: &Call) -> Result<&Tenant, Failure> {
        self.tenants
            .get(&call.tenant())
            .ok_or_else(|| Failure::not_found(&call.tenant().to_string(), call.view))
    }

    /// The caller's tenant, to write to.
    pub(crate) fn tenant_mut(&mut self, call: &Call) -> Result<&mut Tenant, Failure> {
        self.tenants
            .get_mut(&call.tenant())
            .ok_or_else(|| Failure::not_found(&call.tenant().to_string(), call.view))
    }
}

/// The recipient of an identity, as the call's server sees it, if its kind fits.
pub(crate) fn recipient<'a>(
    tenant: &'a Tenant,
    call: &Call,
    identity: &str,
    fits: impl Fn(RecipientKind) -> bool,
) -> Result<&'a Recipient, Failure> {
    let missing = || Failure::not_found(identity, call.view);
    let found: Vec<&Recipient> = candidates(tenant, call.view, call, identity)
        .into_iter()
        .filter(|recipient| fits(recipient.kind))
        .collect();
    match found.as_slice() {
        [] => Err(missing()),
        [one] => Ok(one),
        _ => Err(Failure::ambiguous(identity)),
    }
}

fn candidates<'a>(
    tenant: &'a Tenant,
    view: View,
    call: &Call,
    identity: &str,
) -> Vec<&'a Recipient> {
    let seen = |guid: Uuid| tenant.recipients.seen(guid, view, call.now);
    let by_key = |key: String| tenant.claims.last_holder(&key).and_then(seen);
    if let Ok(id) = Uuid::parse_str(identity.trim()) {
        return seen(id)
            .or_else(|| by_key(Claims::directory_key(id)))
            .or_else(|| by_key(Claims::mailbox_key(id)))
            .into_iter()
            .collect();
    }
    let lower = identity.to_lowercase();
    if lower.starts_with("/o=") {
        return by_key(Claims::legacy_key(identity)).into_iter().collect();
    }
    if lower.starts_with("x500:") {
        return by_key(Proxy::parse(identity).key()).into_iter().collect();
    }
    let address = bare(identity);
    if address.contains('@') {
        let key = Proxy::smtp(address).key();
        let upn = Claims::upn_key(address);
        let hit =
            by_key(key.clone()).filter(|recipient| recipient.has_address(&key)).or_else(|| {
                by_key(upn).filter(|recipient| recipient.upn.eq_ignore_ascii_case(address))
            });
        if hit.is_some() {
            return hit.into_iter().collect();
        }
    }
    let same = |text: &str| {
        text.eq_ignore_ascii_case(identity) || (!text.is_ascii() && text.to_lowercase() == lower)
    };
    let by_name = by_key(Claims::name_key(identity)).filter(|recipient| same(&recipient.name));
    if by_name.is_some() {
        return by_name.into_iter().collect();
    }
    tenant
        .recipients
        .all_seen(view, call.now)
        .filter(|recipient| same(&recipient.alias) || same(&recipient.display_name))
        .collect()
}

/// A user account by id or UPN, as the call's server sees it.
pub(crate) fn user<'a>(
    tenant: &'a Tenant,
    call: &Call,
    identity: &str,
) -> Result<&'a User, Failure> {
    let missing = || Failure::not_found(identity, call.view);
    if let Ok(recipient) =
        recipient(tenant, call, identity, |kind| kind.is_mailbox() || kind.is_mail_user())
    {
        return tenant.users.seen(recipient.directory_id, call.view, call.now).ok_or_else(missing);
    }
    match Uuid::parse_str(identity) {
        Ok(id) => tenant.users.seen(id, call.view, call.now).ok_or_else(missing),
        Err(_) => tenant
            .users
            .all_seen(call.view, call.now)
            .find(|user| user.upn.eq_ignore_ascii_case(identity))
            .ok_or_else(missing),
    }
}

/// The name of whoever holds something, as error texts give it.
pub(crate) fn holder_name(tenant: &Tenant, guid: Uuid) -> String {
    tenant
        .claimant(guid)
        .map_or_else(|| guid.to_string(), |recipient| distinguished(tenant, &recipient.name))
}

/// The form of `Identity` in error texts: the tenant's part of the directory and the CN.
pub(crate) fn distinguished(tenant: &Tenant, name: &str) -> String {
    format!("{}/{name}", tenant.initial_domain())
}
