//! The reference page and the editor's definitions, made from the rows.

use std::fmt::Write as _;

use super::row::{Category, FunctionRow};
use super::rows;

/// The reference of all functions as a Markdown page.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Functions of mapping and notification scripts\n\n\
         This page is made from the table of functions in `shared/scripting/src/functions`. Do not edit it.\n\n\
         An empty attribute, `()`, is an empty text, list or date where one of those is expected. Places count letters \
         from 1. A question mark marks an argument that may be left out. A function may follow its first argument: \
         `left(name, 3)` is `name.left(3)`.\n",
    );
    let mut category: Option<Category> = None;
    for row in ordered() {
        if category != Some(row.category) {
            category = Some(row.category);
            let _ = write!(page, "\n## {}\n", row.category);
        }
        section(&mut page, row);
    }
    page
}

fn ordered() -> Vec<&'static FunctionRow> {
    let mut rows: Vec<_> = rows().collect();
    rows.sort_by_key(|row| (row.category, row.name));
    rows
}

fn section(page: &mut String, row: &FunctionRow) {
    // Writing to a string cannot fail.
    let _ = write!(page, "\n### {}\n\n`{}`\n\n{}", row.name, row.signature, row.sentence);
    if let Some(entra) = row.entra {
        let _ = write!(page, " Entra: {entra}.");
    }
    page.push('\n');
    if !row.examples.is_empty() {
        page.push_str("\n```rhai\n");
        for example in row.examples {
            let _ = writeln!(page, "{}  // {}", example.script, example.result);
        }
        page.push_str("```\n");
    }
}

/// The functions in Rhai's definition format (`.d.rhai`), for an editor's completion and hover.
pub fn definitions() -> String {
    let mut text = String::from("module static;\n");
    for row in ordered() {
        let _ = write!(text, "\n/// {}\n", row.sentence);
        for example in row.examples {
            let _ = writeln!(text, "///\n/// `{}` is `{}`", example.script, example.result);
        }
        for arguments in overloads(row.signature) {
            let _ = writeln!(text, "fn {}({arguments}) -> {};", row.name, result(row.signature));
        }
    }
    text
}

/// The argument lists that a signature allows, the shortest first.
fn overloads(signature: &str) -> Vec<String> {
    let inside = signature.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ->"));
    let arguments: Vec<&str> = inside
        .map_or("", |(inside, _)| inside)
        .split(", ")
        .filter(|argument| !argument.is_empty())
        .collect();
    let least = arguments.iter().filter(|argument| !argument.contains('?')).count();
    (least..=arguments.len())
        .map(|count| {
            let kept: Vec<String> = arguments
                .iter()
                .take(count)
                .map(|argument| typed(&argument.replace('?', "")))
                .collect();
            kept.join(", ")
        })
        .collect()
}

/// An argument with the engine's names of types.
fn typed(argument: &str) -> String {
    match argument.split_once(": ") {
        Some((name, kind)) => format!("{name}: {}", engine_type(kind)),
        None => argument.to_owned(),
    }
}

fn result(signature: &str) -> &str {
    engine_type(signature.rsplit_once("-> ").map_or("any", |(_, kind)| kind))
}

fn engine_type(kind: &str) -> &str {
    match kind {
        "text" => "String",
        "list" => "Array",
        "map" => "Map",
        "any" => "?",
        other => other,
    }
}
