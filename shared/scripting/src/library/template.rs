//! Templates: `{name}` is replaced by a value, in the way of the file's kind.

use rhai::Map;

use super::html;
use super::kind::Kind;
use crate::diagnostic::readable;
use crate::functions::{fill as render, template_names};

/// What is wrong with a template, and at which byte.
pub(super) fn check(kind: Kind, text: &str) -> Result<(), (usize, String)> {
    let values = template_names(text)?;
    if kind == Kind::Html { html::check(text, &values) } else { Ok(()) }
}

/// The template with these values.
pub(super) fn fill(kind: Kind, text: &str, vars: &Map) -> Result<String, String> {
    match kind {
        Kind::Html => render(text, vars, html::value),
        Kind::Calendar => render(text, vars, |_, value| Ok(calendar(value))),
        Kind::Text | Kind::Link | Kind::AsItIs(_) => {
            render(text, vars, |_, value| Ok(readable(value).into_owned()))
        }
    }
}

/// A value as a calendar's text (RFC 5545, 3.3.11): it cannot begin a line of its own.
fn calendar(value: &str) -> String {
    let mut result = String::with_capacity(value.len());
    for letter in readable(value).chars() {
        match letter {
            '\n' => result.push_str("\\n"),
            '\\' | ';' | ',' => result.extend(['\\', letter]),
            _ => result.push(letter),
        }
    }
    result
}
