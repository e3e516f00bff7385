//! What a failed request means for the one who sent it.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;

/// A failed request, with words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Refused for a moment; nothing was done.
    Busy(String),
    /// No reply, or one that says nothing: it may have been done.
    Lost(String),
    /// Refused for good; nothing was done.
    Refused(String),
}

/// Codes that ask for a pause ("Error handling with DynamoDB"; "SQS common errors").
const BUSY: &[&str] = &[
    "KmsThrottled",
    "KMSThrottlingException",
    "OverLimit",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ReplicatedWriteConflictException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Whether a code asks for a pause. SQS puts a namespace before its codes.
pub(crate) fn is_busy(code: &str) -> bool {
    BUSY.contains(&code.rsplit(['.', '#']).next().unwrap_or(code))
}

/// What a failed request of an SDK means. `what` was asked of `whom`, in words.
pub(crate) fn trouble<E>(what: &str, whom: &str, error: &SdkError<E, Response>) -> Trouble
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("no code");
            let message = service.err().message().unwrap_or("no message");
            of_reply(&format!("{what} on {whom}"), status, code, message)
        }
        SdkError::ConstructionFailure(_) => {
            Trouble::Refused(format!("{what} on {whom}: {}", DisplayErrorContext(error)))
        }
        // A reply that came too late, not at all, or garbled.
        _ => Trouble::Lost(format!("{what} on {whom}: {}", DisplayErrorContext(error))),
    }
}

/// What an error reply means.
pub(crate) fn of_reply(what: &str, status: u16, code: &str, message: &str) -> Trouble {
    let text = format!("{what}: {code} ({status}): {message}");
    if is_busy(code) || status == 429 {
        Trouble::Busy(text)
    } else if status >= 500 {
        Trouble::Lost(text)
    } else {
        Trouble::Refused(format!("{text}{}", advice(code)))
    }
}

/// What to do about a refusal.
fn advice(code: &str) -> &'static str {
    match code.rsplit(['.', '#']).next().unwrap_or(code) {
        "AccessDenied" | "AccessDeniedException" | "KmsAccessDenied" => {
            "; this function's role lacks a permission: compare it with the template"
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException" => {
            "; the credentials are wrong or have expired: start the process with fresh ones"
        }
        "ResourceNotFoundException" | "QueueDoesNotExist" | "NonExistentQueue" => {
            "; the name in the configuration is wrong, or the template is not deployed"
        }
        _ => "",
    }
}
