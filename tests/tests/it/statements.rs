//! Every statement of the specification is named by a test that would fail without it.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The groups of statements with a number, and how many each has.
const NUMBERED: [(&str, usize); 12] = [
    ("GEN-", 7),
    ("MAT-", 3),
    ("PRE-", 7),
    ("PRE-S", 4),
    ("SYN-", 5),
    ("SYN-I", 6),
    ("SYN-D", 2),
    ("CUT-", 8),
    ("CUT-T", 10),
    ("CUT-S", 9),
    ("NOT-", 3),
    ("ERR-", 4),
];
/// What this version does not do yet; a test says that it is refused.
const LATER: [&str; 1] = ["CUT-8"];

/// The statements named in the documentation of each test of a file.
fn named(text: &str, found: &mut BTreeSet<String>) {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            lines.push(words);
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            let words = lines.iter().flat_map(|line| line.split(|c: char| !is_of_id(c)));
            found.extend(words.map(str::to_owned));
        } else if !line.starts_with("#[") {
            lines.clear();
        }
    }
}

fn is_of_id(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-'
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_statement_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["shared", "functions", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in &files {
        named(&fs::read_to_string(file).unwrap(), &mut found);
    }
    let numbered = NUMBERED
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number}")));
    let missing: Vec<String> =
        numbered.filter(|id| !found.contains(id) && !LATER.contains(&id.as_str())).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}

/// The steps' own statements are those of the catalogue.
#[test]
fn the_catalogues_steps_are_statements() {
    let groups: BTreeMap<&str, usize> = NUMBERED.into_iter().collect();
    for row in catalogue::CATALOGUE {
        let digits = row.spec.trim_start_matches(|c: char| !c.is_ascii_digit());
        let group = row.spec.trim_end_matches(|c: char| c.is_ascii_digit());
        let Ok(number) = digits.parse::<usize>() else { continue };
        assert!(groups.get(group).is_some_and(|count| number <= *count), "{}", row.spec);
    }
}
