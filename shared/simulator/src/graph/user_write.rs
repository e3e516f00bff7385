//! What may be written on a user, and what is refused.

use serde_json::Value;

use super::{
    GraphError,
    user_form::{OTHERS, READ_ONLY, TEXTS},
};
use crate::{
    call::Call,
    directory::{Proxy, ProxyKind, Stamp, Tenant, User, domain_of},
};

/// What stays writable on a user that is mastered on premises.
const CLOUD_OWNED: [&str; 4] =
    ["usageLocation", "passwordPolicies", "accountEnabled", "passwordProfile"];

/// Applies a body of POST or PATCH.
pub(super) fn apply(
    tenant: &Tenant,
    user: &mut User,
    body: &Value,
    call: &Call,
    creating: bool,
) -> Result<(), GraphError> {
    let Some(map) = body.as_object() else { return Ok(()) };
    for (name, value) in map.iter().filter(|(name, _)| !name.contains('@')) {
        if user.synced && !CLOUD_OWNED.contains(&name.as_str()) {
            return Err(GraphError::bad_request(
                "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
            ));
        }
        property(tenant, user, name, value, call, creating)?;
    }
    Ok(())
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(&format!(
        "Invalid value specified for property '{name}' of resource 'User'."
    ))
}

fn text(name: &str, value: &Value, most: usize) -> Result<String, GraphError> {
    let text = value.as_str().ok_or_else(|| invalid(name))?;
    if text.is_empty() || text.chars().count() > most {
        return Err(invalid(name));
    }
    Ok(text.to_owned())
}

fn property(
    tenant: &Tenant,
    user: &mut User,
    name: &str,
    value: &Value,
    call: &Call,
    creating: bool,
) -> Result<(), GraphError> {
    if let Some((_, most)) = TEXTS.iter().find(|(known, _)| *known == name) {
        if value.is_null() {
            user.attributes.remove(name);
        } else {
            user.attributes.insert(name.to_owned(), Value::String(text(name, value, *most)?));
        }
        return Ok(());
    }
    if OTHERS.contains(&name) || name.starts_with("extension_") {
        return other(user, name, value);
    }
    match name {
        "displayName" => user.display_name = text(name, value, 256)?,
        "mailNickname" => user.mail_nickname = nickname(value)?,
        "userPrincipalName" => user.upn = principal_name(tenant, user, value)?,
        "accountEnabled" => user.enabled = value.as_bool().ok_or_else(|| invalid(name))?,
        "userType" => user.user_type = kind(value)?,
        "usageLocation" => user.usage_location = Some(location(value)?),
        "mail" if creating => user.mail = value.as_str().map(str::to_owned),
        "mail" => mail_free(tenant, user, value, call)?,
        "onPremisesExtensionAttributes" => extension_attributes(user, value)?,
        "passwordProfile" if creating => {}
        "passwordProfile" => may_set_password(call)?,
        known if READ_ONLY.contains(&known) => {
            let text = format!("Property '{known}' is read-only and cannot be set.");
            return Err(GraphError::bad_request(&text));
        }
        unknown => {
            let text = format!(
                "Property '{unknown}' does not exist on type 'microsoft.graph.user'. Make sure to only use property names that are defined by the type."
            );
            return Err(GraphError::bad_request(&text));
        }
    }
    Ok(())
}

fn other(user: &mut User, name: &str, value: &Value) -> Result<(), GraphError> {
    if name == "businessPhones" {
        let list = value.as_array().ok_or_else(|| invalid(name))?;
        if list.len() > 1 || !list.iter().all(Value::is_string) {
            return Err(invalid(name));
        }
    }
    if name == "otherMails" && value.as_array().is_none_or(|list| list.len() > 250) {
        return Err(invalid(name));
    }
    if value.is_null() {
        user.attributes.remove(name);
    } else {
        user.attributes.insert(name.to_owned(), value.clone());
    }
    Ok(())
}

fn nickname(value: &Value) -> Result<String, GraphError> {
    let name = text("mailNickname", value, 64)?;
    let fine = name.is_ascii() && !name.contains(|c: char| "@()\\[]\";:<>, ".contains(c));
    if fine { Ok(name) } else { Err(invalid("mailNickname")) }
}

fn kind(value: &Value) -> Result<String, GraphError> {
    let text = value.as_str().unwrap_or_default();
    ["Member", "Guest"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(text))
        .map(str::to_owned)
        .ok_or_else(|| invalid("userType"))
}

fn location(value: &Value) -> Result<String, GraphError> {
    let text = value.as_str().unwrap_or_default();
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(text.to_uppercase())
    } else {
        Err(invalid("usageLocation"))
    }
}

fn principal_name(tenant: &Tenant, user: &User, value: &Value) -> Result<String, GraphError> {
    let name = text("userPrincipalName", value, 113)?;
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || "'.-_!#^~@".contains(c));
    let domain = domain_of(&name).unwrap_or_default();
    if !legal || !name.contains('@') || name.starts_with('@') {
        return Err(invalid("userPrincipalName"));
    }
    if !tenant.accepts(domain) {
        return Err(GraphError::bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    let taken = tenant
        .users
        .all()
        .any(|other| other.id != user.id && other.upn.eq_ignore_ascii_case(&name));
    if taken { Err(GraphError::conflict("userPrincipalName")) } else { Ok(name) }
}

fn mail_free(
    tenant: &Tenant,
    user: &mut User,
    value: &Value,
    call: &Call,
) -> Result<(), GraphError> {
    let mail = text("mail", value, 256)?;
    if !mail.contains('@') {
        return Err(invalid("mail"));
    }
    let holder = tenant.recipient_of(user.id).map_or(uuid::Uuid::nil(), |held| held.guid);
    if tenant.claims.conflict(&Proxy::smtp(&mail), holder, call.now).is_some() {
        return Err(GraphError::conflict("proxyAddresses"));
    }
    user.mail = Some(mail);
    Ok(())
}

/// `mail` of a recipient becomes its primary address, besides those that it has.
pub(super) fn add_mail(
    tenant: &mut Tenant,
    user: &User,
    mail: &str,
    stamp: Stamp,
) -> Result<(), GraphError> {
    let Some(recipient) = tenant.recipient_of(user.id) else { return Ok(()) };
    let mut recipient = recipient.clone();
    let key = Proxy::smtp(mail).key();
    recipient.proxies.retain(|proxy| proxy.key() != key);
    for proxy in &mut recipient.proxies {
        if proxy.kind == ProxyKind::Primary {
            proxy.kind = ProxyKind::Smtp;
        }
    }
    recipient.proxies.insert(0, Proxy::primary(mail));
    tenant.put_recipient(recipient, stamp);
    Ok(())
}

fn extension_attributes(user: &mut User, value: &Value) -> Result<(), GraphError> {
    let map = value.as_object().ok_or_else(|| invalid("onPremisesExtensionAttributes"))?;
    for (name, value) in map {
        let number = name.strip_prefix("extensionAttribute").and_then(|n| n.parse::<u8>().ok());
        if !number.is_some_and(|number| (1..=15).contains(&number)) {
            return Err(invalid(name));
        }
        if value.is_null() {
            user.attributes.remove(name);
        } else {
            user.attributes.insert(name.clone(), Value::String(text(name, value, 1_024)?));
        }
    }
    Ok(())
}

fn may_set_password(call: &Call) -> Result<(), GraphError> {
    let role = call.caller.as_ref().is_some_and(|caller| {
        caller.directory_roles.iter().any(|role| role == "User Administrator")
    });
    if role && call.holds(&["User-PasswordProfile.ReadWrite.All"]) {
        return Ok(());
    }
    Err(GraphError::new(
        http::StatusCode::FORBIDDEN,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ))
}

/// The object id at the end of a body's `@odata.id`.
pub(super) fn reference(body: &Value) -> Result<String, GraphError> {
    body.get("@odata.id")
        .and_then(Value::as_str)
        .and_then(|link| link.trim_end_matches('/').rsplit('/').next())
        .map(|id| id.trim_start_matches("directoryObjects('").trim_end_matches("')").to_owned())
        .ok_or_else(|| {
            GraphError::bad_request("The body must hold '@odata.id', a link to a directory object.")
        })
}
