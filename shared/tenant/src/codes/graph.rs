//! Graph: each backend behind it has its own vocabulary.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Fault, Row, by_status, throttled};
use crate::error::Class;

#[derive(Deserialize)]
struct Body {
    error: ErrorObject,
}

/// Graph's error object. `innerError` is spelled in two ways and may nest.
#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    details: Option<Vec<Detail>>,
    #[serde(default, alias = "innererror")]
    #[serde(rename = "innerError")]
    inner: Option<Box<ErrorObject>>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// One row: the code, and its class. `None` leaves it to the status.
const CODES: &[Row] = &[
    // Sign-in: the token is expired, of another service, or revoked.
    ("InvalidAuthenticationToken", || Class::Unauthorized),
    // Directory. A 403 here means a missing permission or a directory role.
    ("Authorization_RequestDenied", || Class::Forbidden),
    ("Request_ResourceNotFound", || Class::NotFound),
    ("Directory_ResourceNotFound", || Class::NotFound),
    ("Request_UnsupportedQuery", || Class::Invalid),
    ("Request_MultipleObjectsWithSameKeyValue", Class::conflict),
    ("ObjectConflict", Class::conflict),
    ("Directory_QuotaExceeded", || Class::QuotaExceeded),
    ("NotImplemented", || Class::NotSupported),
    // Replication inside the directory lost a race; nothing was written.
    ("Directory_ConcurrencyViolation", || Class::Changed),
    // Outlook. The first three are what a person without a usable mailbox gives.
    ("MailboxNotEnabledForRESTAPI", || Class::NoMailbox),
    ("MailboxNotSupportedForRESTAPI", || Class::NoMailbox),
    ("ErrorInvalidUser", || Class::NotFound),
    ("ErrorNonExistentMailbox", || Class::NoMailbox),
    ("ErrorItemNotFound", || Class::NotFound),
    ("ErrorFolderNotFound", || Class::NotFound),
    ("ErrorSyncFolderNotFound", || Class::NotFound),
    ("ErrorFolderExists", || Class::AlreadyExists),
    ("ErrorAccessDenied", || Class::Forbidden),
    ("ErrorQuotaExceeded", || Class::QuotaExceeded),
    ("ErrorIrresolvableConflict", || Class::Changed),
    ("ErrorMailboxStoreUnavailable", || Class::Transient),
    ("ErrorInternalServerTransientError", || Class::Transient),
    ("ErrorServerBusy", throttled),
    ("ErrorTooManyObjectsOpened", throttled),
    // "Application is over its MailboxConcurrency limit."
    ("ApplicationThrottled", throttled),
    ("MailboxConcurrency", throttled),
    ("TooManyRequests", throttled),
    // A damaged item: the export fails each time (status 500).
    ("ErrorCorruptData", || Class::Unreadable),
    ("ErrorCannotOpenFileAttachment", || Class::Unreadable),
    ("ErrorInvalidRecipients", || Class::Invalid),
    // Delta tokens that the service no longer knows.
    ("SyncStateNotFound", || Class::Gone),
    ("SyncStateInvalid", || Class::Gone),
    ("ResyncRequired", || Class::Gone),
    ("resyncChangesApplyDifferences", || Class::Gone),
    ("resyncChangesUploadDifferences", || Class::Gone),
    // Files.
    ("itemNotFound", || Class::NotFound),
    ("nameAlreadyExists", || Class::AlreadyExists),
    ("accessDenied", || Class::Forbidden),
    ("sharingDisabled", || Class::Forbidden),
    ("resourceModified", || Class::Changed),
    ("resourceLocked", || Class::Locked),
    ("notAllowed", || Class::Locked),
    ("quotaLimitReached", || Class::QuotaExceeded),
    ("activityLimitReached", throttled),
    ("malwareDetected", || Class::Unreadable),
    ("pathIsTooLong", || Class::Invalid),
    ("noResolvedUsers", || Class::NotFound),
    ("fragmentOverlap", || Class::RangeNotSatisfiable),
    ("invalidRange", || Class::RangeNotSatisfiable),
    ("serviceNotAvailable", || Class::Transient),
    // Licences: none of the SKU is free.
    ("CountViolation", || Class::QuotaExceeded),
    ("MutuallyExclusiveViolation", || Class::Invalid),
    ("DependencyViolation", || Class::Invalid),
    ("ProhibitedInUsageLocationViolation", || Class::Invalid),
];

fn by_code(code: &str) -> Option<Class> {
    let row = CODES.iter().find(|(listed, _)| listed.eq_ignore_ascii_case(code));
    row.map(|(_, class)| class())
}

/// Reads an error reply of Graph, or of an address that Graph handed out.
pub(crate) fn graph(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let mut fault = match serde_json::from_slice::<Body>(body) {
        Ok(body) => of_object(status, &body.error),
        // Empty-bodied 404 and 503 do happen; so do HTML pages of something in between.
        Err(_) => Fault::new(by_status(status), "reply", reason(status)),
    };
    if headers.contains_key("x-virus-infected") {
        fault.class = Class::Unreadable;
    }
    fault
}

fn of_object(status: StatusCode, error: &ErrorObject) -> Fault {
    let code = error.code.clone().unwrap_or_else(|| "unknown".to_owned());
    let message = error.message.clone().unwrap_or_default();
    if status.as_u16() == 429 {
        return Fault::new(throttled(), code, message);
    }
    if let Some(class) = by_text(status, &code, &message) {
        return Fault::new(class, code, message);
    }
    if let Some((class, message)) = by_details(error, &message) {
        return Fault::new(class, code, message);
    }
    // Read from the inside out: the innermost code is the most specific.
    let class = codes(error).iter().rev().find_map(|code| by_code(code));
    Fault::new(class.unwrap_or_else(|| by_status(status)), code, message)
}

/// All codes from the outside in, up to a sane depth.
fn codes(error: &ErrorObject) -> Vec<&str> {
    let mut codes = Vec::new();
    let mut next = Some(error);
    while let Some(object) = next.take()
        && codes.len() < 16
    {
        codes.push(object.code.as_deref().unwrap_or_default());
        next = object.inner.as_deref();
    }
    codes
}

/// `details` of a directory error: a unique value that another object holds.
fn by_details(error: &ErrorObject, message: &str) -> Option<(Class, String)> {
    let details = error.details.as_deref().unwrap_or_default();
    let conflict = details.iter().find(|detail| {
        detail.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("ObjectConflict"))
    })?;
    let with = conflict.target.as_deref().map(|target| format!("another object ({target})"));
    let text = conflict.message.as_deref().filter(|text| !text.is_empty()).unwrap_or(message);
    Some((Class::Conflict { with: with.map(Into::into) }, text.to_owned()))
}

/// The few cases that Graph tells by words alone. The codes are too coarse there: each is a plain
/// `Request_BadRequest` or `invalidRequest`.
fn by_text(status: StatusCode, code: &str, message: &str) -> Option<Class> {
    let says = |text: &str| message.contains(text);
    // Group membership: 400 for one who is a member already.
    if says("added object references already exist") {
        return Some(Class::AlreadyExists);
    }
    if says("Another object with the same value for property") {
        let property =
            message.split("for property ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let with = property.map(|property| format!("another object ({property})").into());
        return Some(Class::Conflict { with });
    }
    if says("mastered within an on-premises") || says("on-premises mastered") {
        return Some(Class::DirectorySynced);
    }
    if says("does not have any available licenses") {
        return Some(Class::QuotaExceeded);
    }
    // Ways in which a OneDrive that was never provisioned shows itself.
    let no_drive = ["mysite not found", "mysite URL", "have a SPO license", "default drive"];
    if no_drive.iter().any(|text| says(text)) {
        return Some(Class::NoDrive);
    }
    if status.as_u16() == 404 && code.eq_ignore_ascii_case("ResourceNotFound") {
        return Some(Class::NotFound);
    }
    None
}

fn reason(status: StatusCode) -> String {
    format!("the reply is {status} and has no error body")
}
