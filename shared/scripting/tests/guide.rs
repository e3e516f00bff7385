//! The guide tells the truth: its script and its tests are run as they stand there.

use scripting::testing::Suite;
use scripting::{Library, LibraryFile, ScriptOptions, TrialInput, try_script};

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

/// Script, library, event and tests of the section on messages, as a new author takes them over.
#[test]
fn a_message_is_made_tried_and_tested_as_written() {
    let guide = std::fs::read_to_string(folder("scripts/README.md")).unwrap();
    let script = block(&guide, "Save this as `messages.rhai`", "rhai");
    let file = |name: &str, text: &str| LibraryFile::new(name, text.as_bytes().to_vec());
    let library = Library::new([
        file("date.html", block(&guide, "The body is\n`date.html`", "html")),
        file("move.ics", block(&guide, "The entry for the calendar", "text")),
        file("guide.url", "https://intranet.fabrikam.com/move"),
    ]);
    let event = TrialInput::parse(block(&guide, "own, `event.json`", "json")).unwrap();
    let options = ScriptOptions { library: library.clone(), ..ScriptOptions::default() };
    let tried = try_script("messages.rhai", script, options, None, event).render();
    let (_, shown) = guide.split_once("try messages.rhai --source event.json\n").unwrap();
    let (shown, _) = shown.split_once("…\n```").unwrap();
    assert!(tried.starts_with(shown), "the guide shows another message:\n{tried}");
    let tests = block(&guide, "in `messages.tests.toml`", "toml");
    let suite = Suite::parse("messages.tests.toml", tests).unwrap().beside(library);
    let report = suite.run("messages.rhai", script).unwrap();
    assert!(report.passed(), "{}", report.render());
}

#[test]
fn the_template_of_a_test_file_is_one() {
    let guide = std::fs::read_to_string(folder("scripts/README.md")).unwrap();
    Suite::parse("template.tests.toml", block(&guide, "## A test file", "toml")).unwrap();
}
