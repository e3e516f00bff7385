//! Mistakes in how requests are made.

use http::Method;
use ports::HttpRequest;

use super::Bug;
use crate::stage::Stage;

/// The request once more, where a mistaken HTTP layer would send it again by itself.
pub(crate) fn retried(stage: &Stage, request: &HttpRequest) -> Option<HttpRequest> {
    let write = request.method != Method::GET;
    (write && stage.has_bug(Bug::BlindRetry)).then(|| request.clone())
}
