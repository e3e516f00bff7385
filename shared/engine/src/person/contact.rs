//! Mail contacts that stand for a person: in the target until cutover (PRE-S4), in the source after
//! it (CUT-S5).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenant::exchange::{Parameters, ProxyAddress, Recipient, RecipientTypeDetails};

use super::{Mapped, edit::describe};
use crate::{
    Effect, Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult, TenantSide, Write,
    change,
};

/// The contact that a step made or found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPlace {
    /// Its identity.
    pub identity: String,
    /// Where it leads.
    pub external_email_address: String,
    /// Exchange's inner address of it, which old mails and autocomplete lists use.
    pub legacy_exchange_dn: Option<String>,
}

/// A receipt that names a contact.
pub trait ContactReceipt: Receipt {
    /// The receipt of a contact.
    fn of(place: ContactPlace) -> Self;
}

/// The contact of a person, which carries the person's id as its name: so it is found again after a
/// crash, and never taken for anyone else's.
fn contact_name(cx: &StepContext<'_>) -> String {
    let name = format!("crosswave-{}", cx.key().user);
    name.chars().take(64).collect()
}

/// Finds the person's contact.
pub async fn find_contact(
    cx: &StepContext<'_>,
    side: TenantSide<'_>,
) -> Result<Option<Recipient>, StepError> {
    side.mail_contact(&contact_name(cx)).await
}

/// Makes the person's contact, or corrects it: visible, leading to `external`, with the mapped
/// attributes.
pub async fn ensure_contact<R: ContactReceipt>(
    cx: &StepContext<'_>,
    side: TenantSide<'_>,
    external: &ProxyAddress,
    mapped: &Mapped,
) -> StepResult {
    let name = contact_name(cx);
    let contact = match side.mail_contact(&name).await? {
        Some(contact) => contact,
        None => match create(cx, side, &name, external, mapped).await? {
            Some(contact) => contact,
            None => return Outcome::wait("the new contact to appear"),
        },
    };
    RecipientEdit::of(&contact).external(external).hidden(false).apply(side).await?;
    if let Some(waiting) = set_attributes(cx, side, &contact, mapped).await? {
        return Ok(waiting);
    }
    let place = ContactPlace {
        identity: contact.identity(),
        external_email_address: external.value().to_owned(),
        legacy_exchange_dn: contact.legacy_exchange_dn.clone(),
    };
    Outcome::done_with(&R::of(place), mapped.warnings.clone())
}

async fn create(
    cx: &StepContext<'_>,
    side: TenantSide<'_>,
    name: &str,
    external: &ProxyAddress,
    mapped: &Mapped,
) -> Result<Option<Recipient>, StepError> {
    // PRE-5: a third object with this address parks the user with its name.
    let holders = side.holders_of(&format!("smtp:{}", external.value())).await?;
    if let Some(holder) = holders.first() {
        let is_ours = holder.recipient_type_details == RecipientTypeDetails::MailContact
            && !holder.is_soft_deleted
            && holder.name == name;
        return if is_ours { Ok(Some(holder.clone())) } else { Err(taken(external, holder)) };
    }
    let display = mapped.text("displayName").unwrap_or(&cx.user().source.display_name);
    let mut changes = vec![
        change("ExternalEmailAddress", Value::Null, external.value()),
        change("DisplayName", Value::Null, display),
    ];
    let mut parameters = Parameters::new()
        .set("Name", name)
        .set("ExternalEmailAddress", external.value())
        .set("DisplayName", display);
    for (parameter, attribute) in [("FirstName", "givenName"), ("LastName", "surname")] {
        if let Some(text) = mapped.text(attribute) {
            changes.push(change(parameter, Value::Null, text));
            parameters = parameters.set(parameter, text);
        }
    }
    let effect = Effect::cmdlet("New-MailContact", parameters);
    let object = format!("contact {display} <{}>", external.value());
    let made = match side.write(Write { object, changes, effect }).await {
        // The name is this person's own: an earlier try made the contact, and the server that was
        // asked has not heard of it yet.
        Err(error) if error.code == "address_taken" && error.message.contains(name) => {
            return Ok(None);
        }
        made => made?,
    };
    if made.is_null() {
        return Ok(None);
    }
    Ok(Some(Recipient::from_value(&made)))
}

/// The directory part of a contact (Set-Contact) takes the rich fields.
async fn set_attributes(
    cx: &StepContext<'_>,
    side: TenantSide<'_>,
    contact: &Recipient,
    mapped: &Mapped,
) -> Result<Option<Outcome>, StepError> {
    let Some(now) = read_contact(cx, side, contact, mapped).await? else {
        return Outcome::wait("the new contact to appear").map(Some);
    };
    let mut parameters = Parameters::identity(&contact.identity());
    let mut changes = Vec::new();
    for (name, wanted) in &mapped.values {
        let Some(spec) = scripting::find(name).filter(|spec| spec.contact) else { continue };
        let Some(parameter) = spec.exchange.filter(|p| is_directory_parameter(p)) else { continue };
        let before = now.get(parameter).and_then(|value| super::attributes::typed(spec, value));
        if before == *wanted {
            continue;
        }
        let after = wanted.as_ref().map_or(Value::Null, |value| match value.as_texts() {
            [one] => json!(one),
            _ => json!(value),
        });
        if before.as_ref().map(|before| json!(before)) == Some(after.clone()) {
            continue;
        }
        changes.push(change(parameter, json!(before), after.clone()));
        parameters = parameters.set(parameter, after);
    }
    if !changes.is_empty() {
        let effect = Effect::cmdlet("Set-Contact", parameters);
        side.write(Write { object: describe(contact), changes, effect }).await?;
    }
    Ok(None)
}

/// The directory part as it is; `None` when it has not appeared yet.
async fn read_contact(
    cx: &StepContext<'_>,
    side: TenantSide<'_>,
    contact: &Recipient,
    mapped: &Mapped,
) -> Result<Option<Value>, StepError> {
    let planned = contact.guid.is_none_or(|guid| guid.as_u128() >> 48 == 0);
    if cx.is_plan() && planned {
        // As it would have been made a moment ago.
        return Ok(Some(json!({
            "DisplayName": contact.display_name,
            "FirstName": mapped.text("givenName"),
            "LastName": mapped.text("surname"),
        })));
    }
    let client = side.client().await?;
    let parameters = Parameters::identity(&contact.identity());
    match client
        .exchange()
        .invoke("Get-Contact", parameters, &tenant::exchange::Anchor::Tenant)
        .await
    {
        Ok(reply) => Ok(reply.values.into_iter().next()),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What Set-Contact takes; the rest of a contact's parameters belong to Set-MailContact.
fn is_directory_parameter(parameter: &str) -> bool {
    !matches!(parameter, "EmailAddresses" | "Alias" | "HiddenFromAddressListsEnabled")
        && !parameter.starts_with("CustomAttribute")
        && !parameter.starts_with("ExtensionCustomAttribute")
}

fn taken(address: &ProxyAddress, holder: &Recipient) -> StepError {
    let deleted = if holder.is_soft_deleted { "the deleted " } else { "" };
    StepError::park(
        "address_taken",
        format!(
            "{} is held by {deleted}{} {}",
            address.value(),
            holder.recipient_type_details,
            describe(holder)
        ),
        "remove the address from that object (a guest account of the same person may hold it), \
         then apply the action again",
    )
}
