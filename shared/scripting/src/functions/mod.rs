//! The helper functions of mapping and notification scripts, one table row each.
//!
//! A row is the whole of a function: its name, signature, sentence, examples and the code that registers it. The
//! reference page, the editor's definitions, the checker's list of names and the tests are all made from the same rows.
//!
//! Three rules hold for every function. An empty attribute, `()`, is an empty text, list or date where one of those is
//! expected. The size of a result is computed before it is built, and refused above the limits of [`limits`]. Nothing
//! here reads a clock, a file, the network or a random number: the same arguments give the same answer.

mod candidates;
mod moment;
mod row;
pub mod sink;
mod table;
mod values;

pub use candidates::{Candidate, Candidates, Rule};
pub use moment::Moment;
pub use row::{Category, Example, FunctionRow};
pub use table::{Table, TableError, TableLimits, Tables};
pub use values::{Keep, Secret};

/// Every function, grouped by category, in the order of the reference page.
pub fn rows() -> impl Iterator<Item = &'static FunctionRow> {
    GROUPS.iter().copied().flatten()
}

/// The groups of rows, one per file.
static GROUPS: &[&[FunctionRow]] = &[];

/// Adds every function and its types to an engine that has the core, logic, math, array, map and string packages.
///
/// Replaces these built-ins on purpose: `pad` and `replace` (they build their result before its size is checked),
/// and `trim`, `split` and `replace` (the built-in ones change their receiver or have other rules).
pub fn register(engine: &mut rhai::Engine) {
    values::register(engine);
    moment::register(engine);
    candidates::register(engine);
    table::register(engine);
    for row in rows() {
        (row.register)(engine);
    }
}
