//! What a licence does after a while: it turns a mail user or a plain user into a mailbox, and
//! taking it away turns the mailbox into a plain user again.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    directory::{Proxy, ProxyKind, Recipient, RecipientKind, Side, Tenant, User},
    exchange::new_recipient,
    mailbox::Mailbox,
    world::{World, later},
};

/// Whether a licence of the user gives a mailbox.
fn has_exchange(tenant: &Tenant, user: &User) -> bool {
    user.licences.iter().any(|held| {
        let sku = tenant.skus.iter().find(|sku| sku.id == held.sku);
        sku.is_some_and(|sku| {
            sku.plans.iter().any(|plan| {
                plan.name.starts_with("EXCHANGE_S_") && !held.disabled_plans.contains(&plan.id)
            })
        })
    })
}

/// A change of licences takes effect on a user's mailbox.
pub(crate) fn provision_mailbox(world: &mut World, tenant_id: Uuid, id: Uuid, now: Timestamp) {
    let Some(tenant) = world.tenants.get(&tenant_id) else { return };
    let Some(user) = tenant.users.get(id).cloned() else { return };
    let recipient = tenant.recipient_of(id).cloned();
    match (has_exchange(tenant, &user), recipient) {
        (true, None) => give(world, tenant_id, &user, None, now),
        // A mail user with an ExchangeGuid is read as "the mailbox lives elsewhere".
        (true, Some(held)) if held.kind.is_mail_user() && held.mailbox.is_none() => {
            give(world, tenant_id, &user, Some(held), now);
        }
        (false, Some(held)) if held.kind == RecipientKind::UserMailbox => {
            take(world, tenant_id, user, held, now);
        }
        _ => {}
    }
}

fn give(world: &mut World, tenant_id: Uuid, user: &User, held: Option<Recipient>, now: Timestamp) {
    let view = world.choose_server(Side::Exchange, None);
    let stamp = world.stamp(view, now);
    let opening = world.random.lag(world.config.lags.mailbox_open);
    let survives = world.config.rules.hidden_survives_licence;
    let (guid, mailbox, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let random = &mut world.random;
    let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
    let mut recipient = held.unwrap_or_else(|| of_plain_user(tenant, user, guid, &hex, now));
    recipient.kind = RecipientKind::UserMailbox;
    recipient.external = None;
    recipient.hidden = recipient.hidden && survives;
    // The licence scrubs every address that is not in a domain of the tenant.
    recipient.proxies.retain(|proxy| proxy.domain().is_none_or(|domain| tenant.accepts(domain)));
    complete_addresses(tenant, &mut recipient, user, now);
    // The licence reconnects a mailbox that the account had before.
    let former = user.former_mailbox.filter(|former| tenant.mailboxes.contains_key(former));
    let mailbox = former.unwrap_or(mailbox);
    recipient.mailbox = Some(mailbox);
    recipient.open = later(now, opening);
    tenant.mailboxes.entry(mailbox).or_insert_with(|| Mailbox::new(mailbox, random, now));
    tenant.put_recipient(recipient, stamp);
}

fn of_plain_user(tenant: &Tenant, user: &User, guid: Uuid, hex: &str, now: Timestamp) -> Recipient {
    let mut recipient = new_recipient(guid, user.id, RecipientKind::UserMailbox, now);
    recipient.name = tenant.free_name(&user.display_name, hex);
    recipient.alias.clone_from(&user.mail_nickname);
    recipient.display_name.clone_from(&user.display_name);
    recipient.upn.clone_from(&user.upn);
    recipient.attributes.clone_from(&user.attributes);
    recipient.synced = user.synced;
    recipient.legacy_dn = Tenant::legacy_dn(hex, &user.mail_nickname);
    recipient
}

/// A mailbox has a primary address and one in the initial domain.
fn complete_addresses(tenant: &Tenant, recipient: &mut Recipient, user: &User, now: Timestamp) {
    let free = |address: &str, recipient: &Recipient| {
        let proxy = Proxy::smtp(address);
        let held = recipient.has_address(&proxy.key());
        !held && tenant.claims.conflict(&proxy, recipient.guid, now).is_none()
    };
    let primary = recipient.proxies.iter().any(|proxy| proxy.kind == ProxyKind::Primary);
    if !primary {
        if free(&user.upn, recipient) {
            recipient.proxies.push(Proxy::primary(&user.upn));
        } else if let Some(first) = recipient.proxies.iter_mut().find(|proxy| proxy.is_smtp()) {
            first.kind = ProxyKind::Primary;
        }
    }
    let initial = format!("{}@{}", recipient.alias, tenant.initial_domain());
    if free(&initial, recipient) {
        recipient.proxies.push(Proxy::smtp(&initial));
    }
}

/// Without its licence a cloud-born mailbox becomes a plain user; one of a synced account falls
/// back to a mail user. The mailbox itself waits, softly deleted.
fn take(world: &mut World, tenant_id: Uuid, mut user: User, held: Recipient, now: Timestamp) {
    let view = world.choose_server(Side::Exchange, None);
    let stamp = world.stamp(view, now);
    let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
    user.former_mailbox = held.mailbox;
    if held.synced {
        let mut back = held;
        back.kind = RecipientKind::MailUser;
        back.mailbox = None;
        tenant.put_user(user, stamp);
        tenant.put_recipient(back, stamp);
    } else {
        tenant.put_user(user, stamp);
        tenant.remove_recipient(held.guid, stamp);
    }
}
