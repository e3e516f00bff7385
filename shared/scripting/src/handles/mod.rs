//! What scripts see of the person, the target and the run: typed handles, not maps.
//!
//! A handle knows its names, so a wrong one is an error at its own line with a suggestion, and an
//! assignment is checked and remembered with its line where it stands.

mod record;
mod source;
mod target;

use rhai::Engine;

pub(crate) use record::{CONTEXT_FIELDS, Context, EVENT_FIELDS, Record};
pub(crate) use source::Source;
pub(crate) use target::{Target, Who, begin, finish};

/// Registers the types and their indexers.
pub(crate) fn register(engine: &mut Engine) {
    source::register(engine);
    target::register(engine);
    record::register(engine);
}
