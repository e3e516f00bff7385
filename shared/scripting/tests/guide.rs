//! The guide tells the truth: its script and its tests are run as they stand there.

use scripting::testing::Suite;

use crate::support::folder;

/// The first block of a language after a heading's text.
fn block<'a>(guide: &'a str, after: &str, language: &str) -> &'a str {
    let from = guide.find(after).unwrap_or_else(|| panic!("the guide has no \"{after}\""));
    let fence = format!("```{language}\n");
    let rest = &guide[from..];
    let body = &rest[rest.find(&fence).unwrap() + fence.len()..];
    &body[..body.find("```").unwrap()]
}

#[test]
fn the_first_ten_minutes_work_as_written() {
    let guide = std::fs::read_to_string(folder("scripts/README.md")).unwrap();
    let script = block(&guide, "Say what is different", "rhai");
    let tests = block(&guide, "Write down what must stay true", "toml");
    let report = Suite::parse("ours.tests.toml", tests).unwrap().run("ours.rhai", script).unwrap();
    assert!(report.passed(), "{}", report.render());
    assert!(
        guide.contains(&report.render()),
        "the guide shows another report:\n{}",
        report.render()
    );
}

#[test]
fn the_template_of_a_test_file_is_one() {
    let guide = std::fs::read_to_string(folder("scripts/README.md")).unwrap();
    Suite::parse("template.tests.toml", block(&guide, "## A test file", "toml")).unwrap();
}
