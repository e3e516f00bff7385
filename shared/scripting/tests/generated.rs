//! Generated files are up to date; `UPDATE=1` writes them.

use scripting::reference::generated;

use crate::support::folder;

#[test]
fn the_definitions_are_what_the_host_uses() {
    let folder = folder("scripts/definitions");
    for file in generated() {
        let path = folder.join(file.name);
        if std::env::var("UPDATE").is_ok() {
            std::fs::write(&path, &file.text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == file.text, "{} is stale: run the tests with UPDATE=1", file.name);
    }
}
