//! What went wrong, and, separately, whether asking again can help.

use std::{fmt, time::Duration};

/// What happened, in the words of the migration and not of one of the vendor's backends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The service, or our own budget for it, wants a pause. The request had no effect.
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The service is out of order for a moment. The request had no effect, or was a read.
    Transient,
    /// A write was sent and its reply did not arrive: it may have taken effect. Look before
    /// doing it again.
    UnknownOutcome,
    /// The object is not there, or not yet, or no longer.
    NotFound,
    /// The person has no mailbox here (no licence, mail user, or mailbox not provisioned yet).
    NoMailbox,
    /// The person has no OneDrive here (not provisioned, or no SharePoint licence).
    NoDrive,
    /// What was to be created or added is there already: member, grant, folder, file.
    AlreadyExists,
    /// What was to be removed is not there: member, grant. The objects themselves exist.
    AlreadyAbsent,
    /// An address, sign-in name or other unique value belongs to another object.
    Conflict {
        /// The other object, or the property in conflict, as far as the service told.
        with: Option<Box<str>>,
    },
    /// The object changed since it was read (`If-Match`, change key).
    Changed,
    /// The sync state or session is no longer known: enumerate again from the start.
    Gone,
    /// The service does not accept who we are, even with a fresh token.
    Unauthorized,
    /// The token lacks an application permission.
    MissingConsent {
        /// The permission to consent to, for instance `User.ReadWrite.All`.
        role: Box<str>,
    },
    /// Not allowed, although the permission is consented: a directory role, RBAC or a policy.
    Forbidden,
    /// The object is mastered on premises; the cloud refuses this write.
    DirectorySynced,
    /// The request is wrong, or the tenant's configuration forbids it.
    Invalid,
    /// The identity names several objects.
    Ambiguous,
    /// No room, or no free licence.
    QuotaExceeded,
    /// Somebody else holds the object just now.
    Locked,
    /// The range is already stored (HTTP 416): ask the session for its state and go on from there.
    RangeNotSatisfiable,
    /// The item cannot be read or is infected; asking again does not help.
    Unreadable,
    /// The service knows no such operation.
    NotSupported,
    /// An item of a batch was not run because the one it depends on failed.
    DependencyFailed,
    /// The answer makes no sense: not the format that the service promises, or over our limits.
    Unexpected,
}

impl Class {
    /// A conflict with an unnamed object.
    pub(crate) fn conflict() -> Self {
        Self::Conflict { with: None }
    }

    /// What a person can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Throttled { .. } | Self::Transient | Self::Locked => "it is tried again later",
            Self::UnknownOutcome => {
                "it may have taken effect: the state is read before it is done again"
            }
            Self::NotFound => {
                "check that the object exists; a new one takes minutes to appear everywhere"
            }
            Self::NoMailbox => {
                "assign an Exchange Online licence and wait until the mailbox exists"
            }
            Self::NoDrive => "assign a licence with OneDrive and let it be provisioned",
            Self::AlreadyExists | Self::AlreadyAbsent => "nothing needs to be done",
            Self::Conflict { .. } => "free the value at the other object, or choose another one",
            Self::Changed => "read it again and decide anew",
            Self::Gone => "the enumeration starts again from the beginning",
            Self::Unauthorized => "check tenant id, client id and credential of the project",
            Self::MissingConsent { .. } => {
                "grant this application permission in Microsoft Entra and give admin consent"
            }
            Self::Forbidden => "give the application the role that this operation needs",
            Self::DirectorySynced => "change it on premises, where the object is mastered",
            Self::Invalid => "correct the value or the tenant's configuration",
            Self::Ambiguous => "name the object by its GUID",
            Self::QuotaExceeded => "free space or licences, then apply the step again",
            Self::RangeNotSatisfiable => "the upload session's state is asked for",
            Self::Unreadable => "the item is listed in the report; have it checked by its owner",
            Self::NotSupported => "the tenant or its cloud does not offer this operation",
            Self::DependencyFailed => "see the operation that failed before it",
            Self::Unexpected => "try again; if it stays so, report it with the request id",
        }
    }
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once, after looking (a reply was lost, an object changed).
    Now,
    /// After this long.
    Later(Duration),
    /// Not before a person, or another step, has changed something.
    Never,
}

/// A failed call to Microsoft 365.
///
/// Its texts never hold a token, a secret or a query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantError {
    /// What happened.
    pub class: Class,
    /// The vendor's own code: Graph's `error.code`, Exchange's exception type, `AADSTS…`; or ours
    /// (`transport`, `budget`, `reply`). For support; decide on `class`.
    pub code: Box<str>,
    /// The HTTP status, if there was a reply.
    pub status: Option<u16>,
    /// The vendor's message, shortened.
    pub message: Box<str>,
    /// What was tried: `get user`, `Set-Mailbox`.
    pub operation: &'static str,
    /// Where: host and path, without the query.
    pub target: Box<str>,
    /// What the service said about waiting, or our own budget.
    pub retry_after: Option<Duration>,
    /// The service's id of the request, for Microsoft's support.
    pub request_id: Option<Box<str>>,
}

impl TenantError {
    /// Whether the same call can succeed later.
    pub fn retry(&self) -> Retry {
        let soon = self.retry_after.unwrap_or(Duration::from_secs(5));
        match &self.class {
            Class::Throttled { retry_after } => Retry::Later(*retry_after),
            Class::Transient | Class::Locked | Class::Unexpected | Class::DependencyFailed => {
                Retry::Later(soon)
            }
            Class::UnknownOutcome | Class::Changed | Class::Gone | Class::RangeNotSatisfiable => {
                Retry::Now
            }
            Class::NotFound
            | Class::NoMailbox
            | Class::NoDrive
            | Class::AlreadyExists
            | Class::AlreadyAbsent
            | Class::Conflict { .. }
            | Class::Unauthorized
            | Class::MissingConsent { .. }
            | Class::Forbidden
            | Class::DirectorySynced
            | Class::Invalid
            | Class::Ambiguous
            | Class::QuotaExceeded
            | Class::Unreadable
            | Class::NotSupported => Retry::Never,
        }
    }

    /// What happened, without [the advice](Class::advice): for whoever shows that apart.
    pub fn what(&self) -> impl fmt::Display + '_ {
        What(self)
    }

    /// Something is missing (or not there yet): the object itself, or what was to be removed from
    /// it. Where the difference matters, ask [`TenantError::is_already_absent`].
    pub fn is_not_found(&self) -> bool {
        matches!(self.class, Class::NotFound | Class::AlreadyAbsent)
    }

    /// What should be created is there already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self.class, Class::AlreadyExists)
    }

    /// What should be removed is absent already.
    pub fn is_already_absent(&self) -> bool {
        matches!(self.class, Class::AlreadyAbsent)
    }

    /// An error of our own making about a request that was not sent.
    pub(crate) fn refused(operation: &'static str, message: impl Into<String>) -> Self {
        Self::unanswered(Class::Invalid, "request", operation, message)
    }

    /// An error that no reply of a tenant told; `code` says of what kind it is.
    pub fn unanswered(
        class: Class,
        code: &str,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            code: code.into(),
            status: None,
            message: message.into().into(),
            operation,
            target: "".into(),
            retry_after: None,
            request_id: None,
        }
    }
}

struct What<'e>(&'e TenantError);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        write!(f, "{} failed", error.operation)?;
        if !error.target.is_empty() {
            write!(f, " at {}", error.target)?;
        }
        match error.status {
            Some(status) => write!(f, " ({status} {})", error.code)?,
            None => write!(f, " ({})", error.code)?,
        }
        write!(f, ": {}", error.message.trim_end_matches('.'))?;
        match &error.class {
            Class::MissingConsent { role } => write!(f, "; the permission {role} is missing"),
            Class::Conflict { with: Some(other) } => write!(f, "; it belongs to {other}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for TenantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", What(self), self.class.advice())
    }
}

impl std::error::Error for TenantError {}

/// Absence as a value: turns [`Class::NotFound`] into `None`.
pub(crate) fn optional<T>(result: Result<T, TenantError>) -> Result<Option<T>, TenantError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A goal that was reached before: turns [`Class::AlreadyExists`] and [`Class::AlreadyAbsent`] into
/// success.
pub(crate) fn already_is_fine(result: Result<(), TenantError>) -> Result<(), TenantError> {
    match result {
        Err(error) if error.is_already_exists() || error.is_already_absent() => Ok(()),
        other => other,
    }
}
