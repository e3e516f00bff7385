//! The page of the steps, generated; a test keeps the committed page fresh.

use std::fmt::Write as _;

use crate::{Phase, Side, spec::CATALOGUE};

/// The Markdown page that lists every step.
pub fn steps_page() -> String {
    let mut page = String::from(
        "# The steps\n\nGenerated from `shared/catalogue`; \
         `UPDATE=1 cargo test -p crosswave-catalogue` writes it again.\n",
    );
    for (phase, title) in [
        (Phase::Prepare, "Prepare"),
        (Phase::InitialSync, "Initial sync"),
        (Phase::DeltaSync, "Delta sync"),
        (Phase::Cutover, "Cutover"),
        (Phase::OnDemand, "On demand"),
    ] {
        write_phase(&mut page, phase, title);
    }
    page
}

fn write_phase(page: &mut String, phase: Phase, title: &str) {
    page.push_str("\n## ");
    page.push_str(title);
    page.push_str(
        "\n\n| id | step | what it does | tenant | project types | needs | waits at most |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in CATALOGUE.iter().filter(|row| row.phase == phase) {
        let side = match row.side {
            Side::Source => "source",
            Side::Target => "target",
            Side::Both => "both",
        };
        let types = if row.premium_only { "premium" } else { "all" };
        let needs: Vec<String> = row.needs.iter().map(|need| words(&format!("{need:?}"))).collect();
        let written = writeln!(
            page,
            "| {} | `{}` | {} | {side} | {types} | {} | {} |",
            row.spec,
            row.name(),
            row.title,
            needs.join(", "),
            span(row.wait_limit.as_secs()),
        );
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
}

/// `DirectoryWrite` as `directory write`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

fn span(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s => format!("{} min", s / 60),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may ask whether it is to write the page")]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/STEPS.md");
        let page = steps_page();
        if std::env::var("UPDATE").is_ok() {
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == page,
            "{path} is stale: run UPDATE=1 cargo test -p crosswave-catalogue"
        );
    }

    #[test]
    fn every_step_has_a_line() {
        let page = steps_page();
        for row in &CATALOGUE {
            assert!(page.contains(&format!("| {} | `{}` |", row.spec, row.name())));
        }
    }
}
