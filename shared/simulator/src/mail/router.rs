//! The router of all simulated tenants together.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Arrival, Message, outbound};
use crate::{
    call::Call,
    directory::{Claims, Proxy, Recipient, RecipientKind, Tenant, domain_of},
    world::World,
};

/// A copy on its way.
struct Copy {
    address: String,
    hops: u8,
    /// In which tenant an X500 name is looked up: the one that the copy is in.
    tenant: Option<Uuid>,
}

/// What a recipient does with a copy.
enum Step {
    /// Lay it into the mailbox.
    Deliver(Uuid),
    /// Send it on.
    Forward(String),
    Fail(String, &'static str),
}

/// Routes a message until each copy has ended somewhere. A sender with a mailbox gets a report of each
/// copy that could not be delivered; a report has no sender, so that nobody reports on reports.
pub(crate) fn submit(world: &mut World, message: &Message, now: Timestamp) {
    route(world, message, now);
    if message.from.is_empty() {
        return;
    }
    let arrivals = world.mail.arrivals.get(&message.id).map(Vec::as_slice).unwrap_or_default();
    let failed = arrivals.iter().filter_map(|(at, arrival)| match arrival {
        Arrival::Ndr { address, text } if *at == now => Some((address.clone(), text.clone())),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    for (n, (address, text)) in failed.into_iter().enumerate() {
        let report = Message {
            id: format!("{}-ndr{n}", message.id),
            from: String::new(),
            to: message.from.clone(),
            subject: format!("Undeliverable: {}", message.subject),
            body: format!("Your message to {address} couldn't be delivered.\r\n\r\n{text}\r\n"),
            mime: None,
        };
        route(world, &report, now);
    }
}

fn route(world: &mut World, message: &Message, now: Timestamp) {
    let home = if message.from.is_empty() { &message.to } else { &message.from };
    let sender = domain_of(home)
        .and_then(|domain| world.tenants.values().find(|tenant| tenant.accepts(domain)))
        .map(|tenant| tenant.id);
    let mut queue = VecDeque::from([Copy { address: message.to.clone(), hops: 0, tenant: sender }]);
    // Lists of many members and mutual forwardings end here at the latest.
    let mut budget = 100_000_u32;
    while let Some(copy) = queue.pop_front() {
        budget = budget.saturating_sub(1);
        if copy.hops > world.config.rules.most_hops || budget == 0 {
            let text = "554 5.4.14 Hop count exceeded - possible mail loop".to_owned();
            note(world, message, now, Arrival::Loop { address: copy.address.clone() });
            note(world, message, now, Arrival::Ndr { address: copy.address, text });
            continue;
        }
        let Some((tenant, found)) = resolve(world, &copy) else {
            note(world, message, now, Arrival::Outside { address: copy.address });
            continue;
        };
        let Some(recipient) = found else {
            let text = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found".to_owned();
            note(world, message, now, Arrival::Ndr { address: copy.address, text });
            continue;
        };
        for step in steps(world, tenant, &recipient) {
            match step {
                Step::Deliver(mailbox) => deliver(world, message, now, tenant, &recipient, mailbox),
                Step::Forward(address) => {
                    let hops = copy.hops.saturating_add(1);
                    queue.push_back(Copy { address, hops, tenant: Some(tenant) });
                }
                Step::Fail(address, text) => {
                    let text = text.to_owned();
                    note(world, message, now, Arrival::Ndr { address, text });
                }
            }
        }
    }
}

/// Which tenant an address belongs to, and who holds it there; `None` for an address outside.
fn resolve(world: &World, copy: &Copy) -> Option<(Uuid, Option<Recipient>)> {
    let address = copy.address.as_str();
    let x500 = imceaex(address).or_else(|| address.starts_with('/').then(|| address.to_owned()));
    let tenant = match domain_of(address) {
        Some(domain) if !address.starts_with('/') => {
            world.tenants.values().find(|tenant| tenant.accepts(domain))?
        }
        _ => world.tenants.get(&copy.tenant?)?,
    };
    let holder = match x500 {
        Some(name) => tenant
            .claims
            .holder(&Claims::legacy_key(&name))
            .or_else(|| tenant.claims.holder(&Proxy::x500(&name).key())),
        None => tenant.claims.holder(&Proxy::smtp(address).key()),
    };
    Some((tenant.id, holder.and_then(|guid| tenant.recipients.get(guid)).cloned()))
}

/// Turns `IMCEAEX-_O=..._CN=RECIPIENTS_CN=...@domain` back into the X500 name.
fn imceaex(address: &str) -> Option<String> {
    let (local, _) = address.rsplit_once('@')?;
    let (prefix, rest) = local.split_at_checked(8)?;
    if !prefix.eq_ignore_ascii_case("IMCEAEX-") {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        match byte {
            b'_' => bytes.push(b'/'),
            b'+' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(left.next())?, digit(left.next())?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

fn steps(world: &World, tenant: Uuid, recipient: &Recipient) -> Vec<Step> {
    let Some(tenant) = world.tenants.get(&tenant) else { return Vec::new() };
    match recipient.kind {
        RecipientKind::UserMailbox | RecipientKind::SharedMailbox => mailbox(tenant, recipient),
        RecipientKind::MailUser | RecipientKind::GuestMailUser | RecipientKind::MailContact => {
            match &recipient.external {
                Some(address) => vec![Step::Forward(address.clone())],
                None => vec![Step::Fail(
                    recipient.primary().to_owned(),
                    "550 5.1.1 The recipient has no mailbox and no external address",
                )],
            }
        }
        _ => {
            let members: BTreeSet<Uuid> = recipient.members.iter().copied().collect();
            let addresses = members.into_iter().filter_map(|guid| tenant.recipients.get(guid));
            addresses.map(|member| Step::Forward(member.primary().to_owned())).collect()
        }
    }
}

fn mailbox(tenant: &Tenant, recipient: &Recipient) -> Vec<Step> {
    let forwarding = &recipient.forwarding;
    let chosen = forwarding.recipient.and_then(|guid| tenant.recipients.get(guid));
    // A recipient of the tenant beats the SMTP address.
    let target = match chosen {
        Some(target) if !target.kind.is_mailbox() && target.external.is_some() => {
            target.external.clone()
        }
        Some(target) => Some(target.primary().to_owned()),
        None => forwarding.smtp.clone(),
    };
    let keep = recipient.mailbox.map(Step::Deliver);
    let Some(target) = target else { return keep.into_iter().collect() };
    let mut steps: Vec<Step> =
        if forwarding.keep_copy { keep.into_iter().collect() } else { vec![] };
    let outside = !domain_of(&target).is_some_and(|domain| tenant.accepts(domain));
    if outside && !outbound::may_forward(tenant, recipient) {
        steps.push(Step::Fail(target, outbound::BLOCKED));
    } else {
        steps.push(Step::Forward(target));
    }
    steps
}

fn deliver(
    world: &mut World,
    message: &Message,
    now: Timestamp,
    tenant: Uuid,
    recipient: &Recipient,
    mailbox: Uuid,
) {
    let random = &mut world.random;
    let store = world.tenants.get_mut(&tenant).and_then(|t| t.mailboxes.get_mut(&mailbox));
    let Some(store) = store else {
        let text = "432 4.3.2 The mailbox cannot be opened".to_owned();
        let address = recipient.primary().to_owned();
        note(world, message, now, Arrival::Ndr { address, text });
        return;
    };
    store.deliver(message, now, random);
    let arrival = Arrival::Mailbox {
        tenant,
        recipient: recipient.guid,
        address: recipient.primary().to_owned(),
    };
    note(world, message, now, arrival);
}

fn note(world: &mut World, message: &Message, now: Timestamp, arrival: Arrival) {
    world.mail.arrivals.entry(message.id.clone()).or_default().push((now, arrival));
}

/// Notes that an invitation was mailed; its recipient lives outside.
pub(crate) fn note_invitation(world: &mut World, _call: &Call, address: &str) {
    *world.mail.invitations.entry(address.to_lowercase()).or_default() += 1;
}
