//! How a clause says that it was broken.

use std::fmt;

use futures_util::future::BoxFuture;
use thiserror::Error;

/// What one clause of a suite comes to: the text says what was expected and what was found.
pub(crate) type Verdict = Result<(), String>;

/// A clause: its sentence, and the test of it.
pub(crate) struct Clause<T> {
    pub(crate) sentence: &'static str,
    pub(crate) test: fn(T) -> BoxFuture<'static, Verdict>,
}

/// A clause that an adapter does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The clause, as a sentence.
    pub clause: &'static str,
    /// What was expected and what was found.
    pub found: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- {}: {}", self.clause, self.found)
    }
}

/// An adapter does not keep its port's contract.
///
/// `Debug` is made for people too, since tests unwrap.
#[derive(Clone, Error, PartialEq, Eq)]
#[error("the {port} breaks its contract:\n{}", breaches.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Broken {
    /// Which port.
    pub port: &'static str,
    /// Every clause that was broken, in the suite's order; never empty.
    pub breaches: Vec<Breach>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs all clauses, each on a fresh subject, and collects what is broken.
pub(crate) async fn judge<T>(
    port: &'static str,
    clauses: &[Clause<T>],
    fresh: impl AsyncFn() -> T,
) -> Result<(), Broken> {
    let mut breaches = Vec::new();
    for clause in clauses {
        if let Err(found) = (clause.test)(fresh().await).await {
            breaches.push(Breach { clause: clause.sentence, found });
        }
    }
    if breaches.is_empty() { Ok(()) } else { Err(Broken { port, breaches }) }
}

/// An error where none was expected.
pub(crate) fn unexpected(error: impl fmt::Display) -> String {
    format!("an error was not expected: {error}")
}

/// A list of [`Clause`]s: sentence, arrow, async function.
macro_rules! clauses {
    ($($sentence:literal => $test:path),+ $(,)?) => {
        &[$($crate::verdict::Clause {
            sentence: $sentence,
            test: |subject| Box::pin($test(subject)),
        }),+]
    };
}
pub(crate) use clauses;

/// Ends the clause unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}
pub(crate) use ensure;

/// Ends the clause unless found and expected are equal.
macro_rules! ensure_eq {
    ($found:expr, $expected:expr, $($what:tt)+) => {
        let (found, expected) = (&$found, &$expected);
        if found != expected {
            let what = format!($($what)+);
            return Err(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    };
}
pub(crate) use ensure_eq;
