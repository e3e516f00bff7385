//! Whether the caller may: application permissions, with the wider ones that include them.

use http::StatusCode;

use super::{Backend, GraphError};
use crate::call::Call;

/// Lets the call pass if its token carries one of the permissions; else 403 in the backend's words.
pub(crate) fn require(
    call: &Call,
    permissions: &[&str],
    backend: Backend,
) -> Result<(), GraphError> {
    if call.holds(permissions) {
        return Ok(());
    }
    let text = match backend {
        Backend::Outlook => "Access is denied. Check credentials and try again.",
        Backend::Files => "Access denied",
        Backend::Directory | Backend::Teams => "Insufficient privileges to complete the operation.",
    };
    Err(GraphError::new(StatusCode::FORBIDDEN, backend.denied(), text))
}
