//! Dependencies point down, and only along the edges of this table.

use std::{collections::BTreeMap, fs, path::Path};

/// Each crate and the crates of ours that it may use. Test-only dependencies are not edges.
const ALLOWED: &[(&str, &[&str])] = &[
    ("catalogue", &[]),
    ("ports", &[]),
    ("model", &["catalogue"]),
    ("tenant", &["ports"]),
    ("scripting", &[]),
    ("content", &["model", "ports", "tenant"]),
    ("system", &["ports"]),
    ("embedded", &["ports", "system"]),
    ("double", &[]),
    ("aws", &["catalogue", "ports", "tenant"]),
    ("judge", &["ports"]),
    ("simulator", &["ports"]),
    ("conformance", &["ports"]),
    ("engine", &["catalogue", "content", "model", "ports", "scripting", "tenant"]),
    ("prepare", &["catalogue", "engine", "model", "scripting", "tenant"]),
    ("sync", &["catalogue", "content", "engine", "model", "prepare", "scripting", "tenant"]),
    (
        "cutover",
        &["catalogue", "content", "engine", "model", "prepare", "scripting", "sync", "tenant"],
    ),
    ("dispatch", &["catalogue", "cutover", "engine", "prepare", "sync"]),
    ("rehearsal", &["catalogue", "control", "engine", "model", "ports", "simulator"]),
    (
        "lambda",
        &[
            "aws",
            "catalogue",
            "content",
            "control",
            "dispatch",
            "engine",
            "model",
            "ports",
            "scripting",
            "system",
            "tenant",
        ],
    ),
    (
        "cloud",
        &[
            "aws",
            "catalogue",
            "control",
            "double",
            "engine",
            "infra",
            "lambda",
            "model",
            "ports",
            "rehearsal",
            "scripting",
            "simulator",
            "system",
            "tenant",
        ],
    ),
    (
        "simulation",
        &[
            "catalogue",
            "conformance",
            "content",
            "control",
            "dispatch",
            "engine",
            "model",
            "ports",
            "scripting",
            "simulator",
            "tenant",
        ],
    ),
    ("control", &["catalogue", "content", "engine", "model", "ports", "scripting", "tenant"]),
];

/// The dependencies on crates of ours that a manifest names.
fn edges(manifest: &str, ours: &[&str]) -> Vec<String> {
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| ours.contains(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_dependency_between_our_crates_is_allowed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let ours: Vec<&str> = allowed.keys().copied().collect();
    let mut seen = 0;
    for folder in ["shared", "functions"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(may_use) = allowed.get(name.as_str()) else {
                assert_eq!(name, "local", "{name} has no row in the table of allowed edges");
                continue;
            };
            let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
            for edge in edges(&manifest, &ours) {
                assert!(may_use.contains(&edge.as_str()), "{name} must not use {edge}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, ALLOWED.len(), "a crate of the table is gone");
}
