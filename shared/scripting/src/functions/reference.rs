//! The reference page and the editor's definitions, made from the rows.

use super::row::{Category, FunctionRow};
use super::rows;

/// The reference of all functions as a Markdown page.
pub fn reference_markdown() -> String {
    let mut parts = vec![
        "# Functions of mapping and notification scripts\n\n\
         This page is made from the table of functions in `shared/scripting/src/functions`. Do not edit it.\n\n\
         An empty attribute, `()`, is an empty text, list or date where one of those is expected. Places count letters \
         from 1. A question mark marks an argument that may be left out. A function may follow its first argument: \
         `left(name, 3)` is `name.left(3)`.\n"
            .to_owned(),
    ];
    let mut category: Option<Category> = None;
    for row in ordered() {
        if category != Some(row.category) {
            category = Some(row.category);
            parts.push(format!("\n## {}\n", row.category));
        }
        section(&mut parts, row);
    }
    parts.concat()
}

fn ordered() -> Vec<&'static FunctionRow> {
    let mut rows: Vec<_> = rows().collect();
    rows.sort_by_key(|row| (row.category, row.name));
    rows
}

fn section(parts: &mut Vec<String>, row: &FunctionRow) {
    let entra = row.entra.map(|entra| format!(" Entra: {entra}.")).unwrap_or_default();
    parts.push(format!("\n### {}\n\n`{}`\n\n{}{entra}\n", row.name, row.signature, row.sentence));
    if !row.examples.is_empty() {
        parts.push("\n```rhai\n".to_owned());
        parts.extend(
            row.examples
                .iter()
                .map(|example| format!("{}  // {}\n", example.script, example.result)),
        );
        parts.push("```\n".to_owned());
    }
}

/// The functions in Rhai's definition format (`.d.rhai`), for an editor's completion and hover.
pub fn definitions() -> String {
    let mut parts = vec!["module static;\n".to_owned()];
    for row in ordered() {
        let result = result(row.signature);
        for arguments in overloads(row.signature) {
            parts.push(format!("\n/// {}\n", row.sentence));
            for example in row.examples {
                parts.push(format!("///\n/// `{}` is `{}`\n", example.script, example.result));
            }
            parts.push(format!("fn {}({arguments}) -> {result};\n", row.name));
        }
    }
    parts.concat()
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
