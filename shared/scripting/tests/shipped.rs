//! The shipped scripts.

use scripting::{MAPPING, MAPPING_NAME, NOTIFY, NOTIFY_NAME, Script};

#[test]
fn the_shipped_scripts_pass_their_own_check() {
    for (name, text) in [(MAPPING_NAME, MAPPING), (NOTIFY_NAME, NOTIFY)] {
        if let Err(findings) = Script::compile(name, text) {
            let report: String = findings.iter().map(scripting::Diagnostic::render).collect();
            panic!("{report}");
        }
    }
}
