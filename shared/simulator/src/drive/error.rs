//! OneDrive's errors.

use http::StatusCode;

use crate::graph::GraphError;

pub(super) fn invalid(message: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", message)
}

pub(super) fn not_found() -> GraphError {
    let text = "The resource could not be found.";
    GraphError::new(StatusCode::NOT_FOUND, "itemNotFound", text)
}

pub(super) fn exists() -> GraphError {
    let text = "An item with the same name already exists under the parent";
    GraphError::new(StatusCode::CONFLICT, "nameAlreadyExists", text)
}

pub(super) fn denied(message: &str) -> GraphError {
    GraphError::new(StatusCode::FORBIDDEN, "accessDenied", message)
}

pub(super) fn unauthorised(message: &str) -> GraphError {
    GraphError::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
}

pub(super) fn full() -> GraphError {
    let text = "Insufficient Space Available";
    GraphError::new(StatusCode::INSUFFICIENT_STORAGE, "quotaLimitReached", text)
}

pub(super) fn modified() -> GraphError {
    let text = "The resource has changed since the caller last read it.";
    GraphError::new(StatusCode::PRECONDITION_FAILED, "resourceModified", text)
}

pub(super) fn range(message: &str) -> GraphError {
    GraphError::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalidRange", message)
}

/// The person never had a OneDrive.
pub(super) fn no_site() -> GraphError {
    let text = "User's mysite not found.";
    GraphError::new(StatusCode::NOT_FOUND, "ResourceNotFound", text)
}
