//! The helper functions of mapping and notification scripts, one table row each.
//!
//! A row is the whole of a function: its name, signature, sentence, examples and the code that registers it. The
//! reference page, the editor's definitions, the checker's list of names and the tests are all made from the same rows.
//!
//! Three rules hold for every function. An empty attribute, `()`, is an empty text, list or date where one of those is
//! expected. The size of a result is computed before it is built, and refused above the limits of [`limits`]. Nothing
//! here reads a clock, a file, the network or a random number: the same arguments give the same answer.
//!
//! Entra's `Guid`, `RandomString` and `Now` are left out on purpose: they break the last rule. "Now" is an input of the
//! run, and passwords are the product's own work.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the script engine hands arguments over by value, and a function's signature is its contract"
)]

mod addresses;
mod call;
mod candidates;
mod case;
mod compiled;
mod conditions;
mod countries;
mod date_format;
mod date_names;
mod dates;
mod diacritics;
mod diagnosis;
mod encoding;
mod fault;
pub mod limits;
mod lists;
mod lookup;
mod moment;
mod names;
mod patterns;
mod places;
mod proxies;
mod reference;
mod row;
pub mod sink;
mod table;
mod templates;
#[cfg(test)]
mod tests;
mod text;
mod transliterate;
mod uniqueness;
mod values;

pub(crate) use call::describe;
pub(crate) use candidates::with_number;
pub use candidates::{Candidate, Candidates, Rule};
pub use compiled::forget_patterns;
pub(crate) use countries::is_country_code;
pub use moment::Moment;
pub use patterns::check_pattern;
pub use reference::{definitions, reference_markdown};
pub use row::{Category, Example, FunctionRow};
pub use table::{Table, TableError, TableLimits, Tables};
pub(crate) use templates::{escaped, fill, template_names};
pub(crate) use values::not_in_texts;
pub use values::{Keep, Secret};

/// Every function, grouped by category, in the order of the reference page.
pub fn rows() -> impl Iterator<Item = &'static FunctionRow> {
    GROUPS.iter().copied().flatten()
}

/// The groups of rows, one per file.
static GROUPS: &[&[FunctionRow]] = &[
    text::ROWS,
    case::ROWS,
    names::ROWS,
    places::ROWS,
    addresses::ROWS,
    proxies::ROWS,
    patterns::ROWS,
    lists::ROWS,
    dates::ROWS,
    lookup::ROWS,
    encoding::ROWS,
    conditions::ROWS,
    uniqueness::ROWS,
    templates::ROWS,
    diagnosis::ROWS,
];

/// Adds every function and its types to an engine that has the core, logic, math, array, map and string packages.
///
/// Replaces these built-ins on purpose: `pad` and `replace`, which build their result before its size is checked, and
/// `append`, `trim` and `replace` of texts, which change their receiver; here they leave it and give the result. Sets
/// what `print` and `debug` do: see [`sink`].
pub fn register(engine: &mut rhai::Engine) {
    values::register(engine);
    moment::register(engine);
    candidates::register(engine);
    table::register(engine);
    for row in rows() {
        (row.register)(engine, row.name);
    }
}
