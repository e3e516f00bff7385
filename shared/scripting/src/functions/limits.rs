//! How large results may be. Each function computes the size of its result before it builds it.

use super::call::Answer;
use super::fault::Fault;

/// The most bytes of a text that a function gives back.
pub const TEXT_BYTES: usize = 64 * 1024;
/// The most bytes of all texts together that a function takes in a list or a map. Texts of a list may share their bytes;
/// what is made of them does not.
pub const LIST_BYTES: usize = 1024 * 1024;
/// The most elements of a list that a function gives back.
pub const LIST_ITEMS: usize = 2_000;

/// Lets a set of letters through that is short enough to look through for each letter of a text.
pub(super) fn letters(what: &'static str, letters: &str) -> Answer<()> {
    const LETTERS: usize = 200;
    let found = letters.len();
    if found > LETTERS { Err(Fault::TooLong { what, found, limit: LETTERS }) } else { Ok(()) }
}

/// Lets a text of this size through.
pub(super) fn text(bytes: usize) -> Answer<()> {
    check("bytes", bytes, TEXT_BYTES)
}

/// Lets a list of this size through.
pub(super) fn list(items: usize) -> Answer<()> {
    check("elements", items, LIST_ITEMS)
}

/// Lets a list or map through whose texts have so many bytes together.
pub(super) fn together(bytes: impl Iterator<Item = usize>) -> Answer<()> {
    let found = bytes.fold(0, usize::saturating_add);
    let what = "values";
    if found > LIST_BYTES { Err(Fault::TooLong { what, found, limit: LIST_BYTES }) } else { Ok(()) }
}

fn check(what: &'static str, found: usize, limit: usize) -> Answer<()> {
    if found > limit { Err(Fault::TooLarge { what, found, limit }) } else { Ok(()) }
}
