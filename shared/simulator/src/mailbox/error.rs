//! Outlook's errors.

use http::StatusCode;

use crate::graph::GraphError;

pub(super) fn bad_request(message: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidRequest", message)
}

pub(super) fn not_found() -> GraphError {
    let text = "The specified object was not found in the store.";
    GraphError::new(StatusCode::NOT_FOUND, "ErrorItemNotFound", text)
}

pub(super) fn folder_exists(name: &str) -> GraphError {
    let text = format!("A folder with the specified name already exists., {name}");
    GraphError::new(StatusCode::CONFLICT, "ErrorFolderExists", &text)
}

pub(super) fn denied(message: &str) -> GraphError {
    GraphError::new(StatusCode::FORBIDDEN, "ErrorAccessDenied", message)
}

pub(super) fn no_mailbox() -> GraphError {
    let text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
    GraphError::new(StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI", text)
}

pub(super) fn no_user(name: &str) -> GraphError {
    let text = format!("The requested user '{name}' is invalid.");
    GraphError::new(StatusCode::NOT_FOUND, "ErrorInvalidUser", &text)
}

pub(super) fn quota() -> GraphError {
    let text = "The mailbox quota has been exceeded.";
    GraphError::new(StatusCode::INSUFFICIENT_STORAGE, "ErrorQuotaExceeded", text)
}
