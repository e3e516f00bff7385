//! The one table from vendor codes to classes, with when each really occurs.

mod exchange;
mod graph;
mod login;

pub(crate) use exchange::{exchange, exchange_disguised};
pub(crate) use graph::graph;
pub(crate) use login::login;

use crate::error::Class;

/// One row of a table: what the vendor writes, and the class.
type Row = (&'static str, fn() -> Class);

/// What an error body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub class: Class,
    pub code: String,
    pub message: String,
}

impl Fault {
    fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into() }
    }
}

/// A throttle whose wait the caller fills in from the headers.
fn throttled() -> Class {
    Class::Throttled { retry_after: std::time::Duration::ZERO }
}

/// A class for a status whose body says nothing more.
fn by_status(status: http::StatusCode) -> Class {
    match status.as_u16() {
        401 => Class::Unauthorized,
        402 | 403 => Class::Forbidden,
        404 => Class::NotFound,
        405 | 501 => Class::NotSupported,
        409 => Class::conflict(),
        410 => Class::Gone,
        412 => Class::Changed,
        416 => Class::RangeNotSatisfiable,
        423 => Class::Locked,
        424 => Class::DependencyFailed,
        429 | 509 => throttled(),
        507 => Class::QuotaExceeded,
        408 | 500..=599 => Class::Transient,
        400..=499 => Class::Invalid,
        _ => Class::Unexpected,
    }
}
