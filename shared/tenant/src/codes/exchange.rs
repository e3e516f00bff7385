//! Exchange's admin endpoint: decided by exception type and text, never by the status alone.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{Fault, Row, by_status, throttled};
use crate::error::Class;

/// The words of a tenant that has too many requests in flight; plain text, with any status.
const CONCURRENCY: &str = "maximum number of concurrent requests";
/// How deep proxied errors are looked into.
const DEPTH_MAX: u32 = 3;

/// The exception types (their last part), with when they occur.
const TYPES: &[Row] = &[
    // Missing, or not replicated to the directory server that answered.
    ("ManagementObjectNotFoundException", || Class::NotFound),
    ("ManagementObjectAmbiguousException", || Class::Ambiguous),
    // An address, or an X500 equal to another object's LegacyExchangeDN, is taken.
    ("ProxyAddressExistsException", Class::conflict),
    // Sign-in name or implied address exists: New-MailUser on an existing UPN.
    ("WLCDManagedMemberExistsException", Class::conflict),
    ("ADObjectAlreadyExistsException", Class::conflict),
    ("UserAlreadyExistsInPermissionEntryException", || Class::AlreadyExists),
    ("MemberAlreadyExistsException", || Class::AlreadyExists),
    // Nothing to remove.
    ("UserNotFoundInPermissionEntryException", || Class::AlreadyAbsent),
    ("MemberNotFoundException", || Class::AlreadyAbsent),
    ("CmdletAccessDeniedException", || Class::Forbidden),
    ("NotAcceptedDomainException", || Class::Invalid),
    ("ParameterBindingException", || Class::Invalid),
    ("InvalidCastException", || Class::Invalid),
    ("ADServerTransientException", || Class::Transient),
    ("ADTransientException", || Class::Transient),
    ("TransientException", || Class::Transient),
    // Entra did not take the change that Exchange wanted to write through.
    ("UnableToWriteToAadException", || Class::Transient),
    ("OverBudgetException", throttled),
];

/// What is told by words, whatever the exception type. Looked at first.
const TEXTS: &[Row] = &[
    ("is being synchronized from your on-premises", || Class::DirectorySynced),
    ("out of the current user's write scope", || Class::DirectorySynced),
    ("Reason: ObjectConflict", Class::conflict),
    // The address is held by a soft-deleted recipient; an administrator must remove it.
    ("ExternalDirectoryObjectId was not returned", soft_deleted),
    ("multiple recipients matching identity", || Class::Ambiguous),
    ("matches multiple entries", || Class::Ambiguous),
    ("is already being used by the proxy addresses or LegacyExchangeDN", Class::conflict),
    (CONCURRENCY, throttled),
    // Enable-Mailbox -Archive, run a second time.
    ("already has an archive", || Class::AlreadyExists),
    ("couldn't be found on", || Class::NotFound),
    ("aren't present in the role definition", || Class::Forbidden),
    ("is not an SMTP e-mail address", || Class::Invalid),
];

fn soft_deleted() -> Class {
    Class::Conflict { with: Some("a soft-deleted recipient".into()) }
}

/// Reads an error reply.
pub(crate) fn exchange(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    // Unknown cmdlets, and those outside the caller's role, are refused with bytes that are zero
    // and labelled gzip.
    if !body.is_empty() && body.iter().all(|byte| *byte == 0) {
        let text = "the cmdlet is not known, or no role of the application contains it";
        return Fault::new(Class::Forbidden, "CmdletNotAvailable", text);
    }
    let header = headers.get("x-exceptiontype").and_then(|value| value.to_str().ok());
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        return of_json(status, &json, header, 0);
    }
    let text = String::from_utf8_lossy(body);
    // The permission is consented, but a directory role is needed on top.
    if text.contains("role assigned to application isn't supported") {
        let text = "the application has no directory role for Exchange; assign it Exchange \
                    Administrator (or Exchange Recipient Administrator) in Microsoft Entra";
        return Fault::new(Class::Forbidden, "NoDirectoryRole", text);
    }
    let message = if text.trim().is_empty() {
        format!("the reply is {status} and has no error body")
    } else {
        text.into_owned()
    };
    let class = classify(header.unwrap_or_default(), &message);
    let code = header.unwrap_or("reply");
    Fault::new(class.unwrap_or_else(|| by_status(status)), code, message)
}

/// A refusal in the clothes of a success: plain text instead of JSON.
pub(crate) fn exchange_disguised(body: &[u8]) -> Option<Fault> {
    // The text is short; a large body is an answer.
    if body.len() > 4_096 || body.first() == Some(&b'{') {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    text.contains(CONCURRENCY).then(|| Fault::new(throttled(), "concurrency", text))
}

/// Reads the error object of a reply or of a batch item.
fn of_json(status: StatusCode, json: &Value, header: Option<&str>, depth: u32) -> Fault {
    let error = json.get("error").unwrap_or(json);
    let text_of = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let outer = text_of(error, "message");
    let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let detail = details.first().map(|detail| text_of(detail, "message"));
    let inner = error.get("innererror").or_else(|| error.get("innerError"));
    let internal = inner.and_then(|inner| inner.get("internalexception"));
    let line = detail
        .filter(|text| !text.is_empty())
        .or_else(|| internal.map(|internal| text_of(internal, "message")))
        .filter(|text| !text.is_empty())
        .unwrap_or(outer);
    let (kind, text) = split(&line);
    let kind = match (kind, header) {
        ("", Some(header)) => header.to_owned(),
        ("", None) => internal.map(|internal| text_of(internal, "type")).unwrap_or_default(),
        (kind, _) => kind.to_owned(),
    };
    if short(&kind) == "CmdletProxyException"
        && depth < DEPTH_MAX
        && let Some(proxied) = embedded(text)
    {
        return of_json(status, &proxied, None, depth + 1);
    }
    let class = match status.as_u16() {
        429 => throttled(),
        _ => classify(&kind, text).unwrap_or_else(|| by_status(status)),
    };
    let code = if kind.is_empty() { text_of(error, "code") } else { short(&kind).to_owned() };
    Fault::new(name_owner(class, text), code, text)
}

/// Splits `id|exception type|text`; the id may be empty, and a text without bars is only a text.
fn split(line: &str) -> (&str, &str) {
    let mut parts = line.splitn(3, '|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_id), Some(kind), Some(text)) => (kind.trim(), text.trim()),
        _ => ("", line.trim()),
    }
}

fn classify(kind: &str, text: &str) -> Option<Class> {
    let by_text = TEXTS.iter().find(|(part, _)| text.contains(part));
    let by_type = || TYPES.iter().find(|(listed, _)| *listed == short(kind));
    by_text.or_else(by_type).map(|(_, class)| class())
}

/// The last part of a type name.
fn short(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

/// The JSON inside the text of a proxied error.
fn embedded(text: &str) -> Option<Value> {
    let start = text.find('{')?;
    let (_, json) = text.split_at_checked(start)?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

/// Names the object that holds an address, from `… LegacyExchangeDN of "<id>".`
fn name_owner(class: Class, text: &str) -> Class {
    match class {
        Class::Conflict { with: None } => {
            let owner = text.split(" of \"").nth(1).and_then(|rest| rest.split('"').next());
            Class::Conflict { with: owner.filter(|name| !name.is_empty()).map(Into::into) }
        }
        other => other,
    }
}
