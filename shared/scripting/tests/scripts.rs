//! Every script under `scripts/` passes its check and its tests; `UPDATE=1` writes what it observes.

use std::path::{Path, PathBuf};

use scripting::testing::{Suite, SuiteReport};

use crate::support::{HEAD, folder, library};

fn rhai_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rhai"))
        .collect();
    files.sort();
    files
}

fn run_tests_of(script: &Path) -> SuiteReport {
    let tests = script.with_extension("tests.toml");
    let text = std::fs::read_to_string(&tests)
        .unwrap_or_else(|_| panic!("{} has no tests beside it", script.display()));
    let parent = script.parent().unwrap().file_name().unwrap().to_string_lossy();
    let name = format!("{parent}/{}", script.file_name().unwrap().to_string_lossy());
    let suite = Suite::parse(&tests.to_string_lossy(), &text).unwrap_or_else(|e| panic!("{e}"));
    let suite = suite.beside(library(script));
    let source = std::fs::read_to_string(script).unwrap();
    let report = suite.run(&name, &source).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&tests, suite.updated(&report).unwrap()).unwrap();
    }
    report
}

#[test]
fn every_shipped_script_passes_its_tests_and_they_reach_its_lines() {
    let mut report = String::new();
    for kind in ["mapping", "notify"] {
        for script in rhai_files(&folder("scripts").join(kind)) {
            let result = run_tests_of(&script);
            if !result.passed() || !result.coverage.missed_lines.is_empty() {
                report.push_str(&result.render());
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// `crosswave script test --update`: what was observed takes the place of what was expected wrongly;
/// the rest of the file stays as its author wrote it.
#[test]
fn updating_writes_what_was_observed_and_leaves_the_rest() {
    let source = format!(
        "{HEAD}fn map_user(source, target, ctx) {{\n\
         if source.surname == \"x\" {{ throw \"no\" }}\n\
         target.city = source.city; target.state = \"Oslo\"; }}"
    );
    let tests = r#"# the author's own words
[[case]]
name = "right"
source = { city = "Bergen" }
[case.expect.attributes]
city = "Bergen" # stays

[[case]]
name = "wrong value"
source = { city = "Bergen" }
[case.expect.attributes]
city = "Oslo"

[[case]]
name = "fails now"
source = { surname = "x" }
[case.expect.attributes]
city = "Oslo"

[[case]]
name = "new"
source = { city = "Tromsø" }
"#;
    let suite = Suite::parse("t.tests.toml", tests).unwrap();
    let report = suite.run("t.rhai", &source).unwrap();
    assert!(!report.passed());
    let updated = suite.updated(&report).unwrap();
    assert!(
        updated.starts_with("# the author's own words\n[[case]]\nname = \"right\""),
        "{updated}"
    );
    assert!(updated.contains("city = \"Bergen\" # stays"), "{updated}");
    let again = Suite::parse("t.tests.toml", &updated).unwrap();
    let report = again.run("t.rhai", &source).unwrap();
    assert!(report.passed(), "{updated}\n{}", report.render());
    // A second time there is nothing to write.
    assert_eq!(again.updated(&report).unwrap(), updated);
    assert!(updated.contains("R005"), "{updated}");
    assert!(updated.contains("Tromsø"), "{updated}");
}
