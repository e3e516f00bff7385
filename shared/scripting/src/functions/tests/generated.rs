//! The files that are made from the table of functions say what the table says.

use std::path::Path;

use crate::functions::{definitions, reference_markdown};

/// Compares a file of the checkout with what it is made from. `UPDATE=1` writes it instead.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own switch; there is no edge to read it at"
)]
fn assert_fresh(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var("UPDATE").as_deref() == Ok("1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is not what the table of functions says: run `UPDATE=1 cargo test -p crosswave-scripting generated`"
    );
}

#[test]
fn the_reference_page_is_fresh() {
    assert_fresh("scripts/reference/functions.md", &reference_markdown());
}

#[test]
fn the_editors_definitions_are_fresh() {
    assert_fresh("scripts/definitions/functions.d.rhai", &definitions());
}
