//! What goes wrong inside a function, in words for the author of the script.

use rhai::{EvalAltResult, Position};

/// Why a function gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// An argument of the wrong type.
    #[error("argument {place} must be {wanted}, but is {got}")]
    Argument { place: usize, wanted: &'static str, got: String },
    /// A list element of the wrong type.
    #[error("element {index} of the list must be {wanted}, but is {got}")]
    Element { index: usize, wanted: &'static str, got: String },
    /// An argument whose value is out of range or not known.
    #[error("{0}")]
    Value(String),
    /// A result that would be too large.
    #[error("the result would have {found} {what}, at most {limit} are allowed")]
    TooLarge { what: &'static str, found: usize, limit: usize },
    /// An argument that is too large to work on.
    #[error("the argument `{what}` has {found} bytes, at most {limit} are allowed")]
    TooLong { what: &'static str, found: usize, limit: usize },
    /// A regular expression that cannot be used.
    #[error("the pattern {pattern:?} cannot be used: {reason}")]
    Pattern { pattern: String, reason: String },
    /// A pattern that would have to be tried too often.
    #[error(
        "the pattern {pattern:?} takes too much work on a text of {bytes} bytes: shorten the text or simplify the pattern"
    )]
    Work { pattern: String, bytes: usize },
    /// A date outside the years 1 to 9999.
    #[error("the date would be outside the years 1 to 9999")]
    DateRange,
}

impl Fault {
    /// As the engine's error, with the name of the function that failed.
    #[expect(clippy::unnecessary_box_returns, reason = "the engine's own errors are boxed")]
    pub(super) fn of(self, function: &str) -> Box<EvalAltResult> {
        let text = format!("`{function}`: {self}");
        EvalAltResult::ErrorRuntime(text.into(), Position::NONE).into()
    }
}
