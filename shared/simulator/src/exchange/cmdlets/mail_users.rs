//! Mail users: New-, Get-, Set-, Remove-MailUser. New-MailUser makes the account too.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    Cmdlet, cmdlet,
    contacts::current,
    recipients::{list, new_recipient},
};
use crate::{
    call::Call,
    directory::{Proxy, Recipient, RecipientKind, Tenant, User, domain_of},
    exchange::{Failure, Given, Outcome, Output, Parameters, change, lookup, show},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-MailUser", &["Identity", "Filter", "SoftDeletedMailUser"], get),
    cmdlet(
        "New-MailUser",
        &[
            "Name",
            "MicrosoftOnlineServicesID",
            "Password",
            "ExternalEmailAddress",
            "Alias",
            "DisplayName",
            "FirstName",
            "LastName",
            "Initials",
            "MailboxRegion",
        ],
        new,
    ),
    cmdlet(
        "Set-MailUser",
        &[
            "Identity",
            "EmailAddresses",
            "ExternalEmailAddress",
            "HiddenFromAddressListsEnabled",
            "Name",
            "Alias",
            "DisplayName",
            "WindowsEmailAddress",
            "GrantSendOnBehalfTo",
            "CustomAttributes",
            "MailTip",
            "ExchangeGuid",
            "ArchiveGuid",
            "ImmutableId",
            "MicrosoftOnlineServicesID",
        ],
        set,
    ),
    cmdlet("Remove-MailUser", &["Identity"], remove),
];

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    list(world, call, parameters, RecipientKind::is_mail_user, show::mail_user)
}

fn new(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Name")?;
    let upn = parameters.need("MicrosoftOnlineServicesID")?;
    parameters.need("Password")?;
    let external = match parameters.text("ExternalEmailAddress")?.value() {
        Some(text) => Some(change::smtp(&text)?),
        None => None,
    };
    let (guid, object, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let tenant = world.tenant_of(call)?;
    change::free_name(tenant, &name, guid, call)?;
    change::smtp(&upn)?;
    if !domain_of(&upn).is_some_and(|domain| tenant.accepts(domain)) {
        return Err(Failure::not_accepted_domain(&upn, false));
    }
    sign_in_free(tenant, &upn)?;
    let proxy = external.as_deref().map_or_else(|| Proxy::primary(&upn), Proxy::primary);
    change::free(tenant, &proxy, guid, call)?;
    let alias = match parameters.text("Alias")? {
        Given::Value(alias) => alias,
        _ => upn.split('@').next().unwrap_or_default().to_owned(),
    };
    let mut recipient = new_recipient(guid, object, RecipientKind::MailUser, call.now);
    recipient.legacy_dn = Tenant::legacy_dn(&hex, &alias);
    recipient.display_name =
        parameters.text("DisplayName")?.value().unwrap_or_else(|| name.clone());
    recipient.name = name;
    recipient.alias = alias;
    recipient.upn = upn;
    recipient.proxies = vec![proxy];
    recipient.external = external;
    change::person(tenant, &mut recipient.attributes, parameters, call)?;
    let record = show::mail_user(tenant, &recipient);
    let account = account_of(&recipient, call);
    let stamp = world.stamp(call.view, call.now);
    let tenant = world.tenant_mut(call)?;
    tenant.put_user(account, stamp);
    tenant.put_recipient(recipient, stamp);
    Ok(Output::of(vec![record]))
}

/// Refuses a sign-in name that an account has, a softly deleted one included.
fn sign_in_free(tenant: &Tenant, upn: &str) -> Result<(), Failure> {
    let same = |user: &User| {
        user.upn.eq_ignore_ascii_case(upn)
            || user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(upn))
    };
    if let Some(user) = tenant.users.all().find(|user| same(user)) {
        let name = lookup::distinguished(tenant, &user.display_name);
        return Err(Failure::member_exists(upn, &name));
    }
    let mut gone = tenant.deleted.values().filter_map(|deleted| deleted.user.as_ref());
    if gone.any(same) {
        return Err(Failure::held_by_deleted());
    }
    Ok(())
}

fn account_of(recipient: &Recipient, call: &Call) -> User {
    User {
        id: recipient.directory_id,
        upn: recipient.upn.clone(),
        display_name: recipient.display_name.clone(),
        mail_nickname: recipient.alias.clone(),
        enabled: true,
        user_type: "Member".to_owned(),
        external_state: None,
        usage_location: None,
        synced: false,
        licences: Vec::new(),
        mail: None,
        proxies: Vec::new(),
        manager: None,
        attributes: BTreeMap::new(),
        created: call.now,
        revision: 0,
        former_mailbox: None,
    }
}

fn found(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::recipient(tenant, call, &identity, RecipientKind::is_mail_user)?;
    change::refuse_synced(tenant, seen, parameters)?;
    current(tenant, seen.guid, &identity, call)
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    let mut after = before.clone();
    if let Some(text) = parameters.text("ExternalEmailAddress")?.value() {
        change::external(world, world.tenant_of(call)?, &mut after, &text, call)?;
    }
    change::common(world, &mut after, parameters, call)?;
    guid(&mut after.mailbox, parameters.guid("ExchangeGuid")?);
    guid(&mut after.archive, parameters.guid("ArchiveGuid")?);
    if let Some(upn) = parameters.text("MicrosoftOnlineServicesID")?.value() {
        sign_in(world, call, &mut after, &upn)?;
    }
    change::write(world, call, &before, after)
}

/// Applies a new sign-in name to the recipient and to its account.
pub(super) fn sign_in(
    world: &mut World,
    call: &Call,
    recipient: &mut Recipient,
    upn: &str,
) -> Result<(), Failure> {
    if recipient.upn.eq_ignore_ascii_case(upn) {
        return Ok(());
    }
    let tenant = world.tenant_of(call)?;
    if !domain_of(upn).is_some_and(|domain| tenant.accepts(domain)) {
        return Err(Failure::not_accepted_domain(upn, false));
    }
    sign_in_free(tenant, upn)?;
    upn.clone_into(&mut recipient.upn);
    let account = tenant.users.get(recipient.directory_id).cloned();
    let stamp = world.stamp(call.view, call.now);
    if let Some(mut account) = account {
        upn.clone_into(&mut account.upn);
        world.tenant_mut(call)?.put_user(account, stamp);
    }
    Ok(())
}

fn guid(property: &mut Option<Uuid>, given: Given<Uuid>) {
    match given {
        Given::Absent => {}
        Given::Clear => *property = None,
        Given::Value(id) => *property = (!id.is_nil()).then_some(id),
    }
}

fn remove(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let gone = found(world, call, parameters)?;
    let stamp = world.stamp(call.view, call.now);
    world.tenant_mut(call)?.delete_user(gone.directory_id, stamp);
    Ok(Output::nothing())
}
