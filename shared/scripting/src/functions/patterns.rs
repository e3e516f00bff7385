//! Regular expressions in linear time: no look-around, no back-references, and a limit on the work.

use rhai::Array;

use super::call::{Answer, Text, three, two};
use super::compiled::{self, Compiled};
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "matches",
        signature: "matches(text: text, pattern: text) -> bool",
        sentence: "Whether the pattern is found anywhere in the text. Write `^` and `$` to test the whole text.",
        category: Category::Patterns,
        entra: None,
        examples: &[
            Example { script: r#"matches("ext-4711", "^ext-[0-9]+$")"#, result: "true" },
            Example { script: r#"matches((), "x")"#, result: "false" },
        ],
        register: |engine, name| two(engine, name, matches),
    },
    FunctionRow {
        name: "extract",
        signature: "extract(text: text, pattern: text, group?: text) -> text",
        sentence: "The first find: the named group if one is named, else the first group, else the whole find. `()` when nothing is found.",
        category: Category::Patterns,
        entra: Some("Replace"),
        examples: &[
            Example {
                script: r#"extract("Anna Munoz (Sales)", "\\((.+)\\)")"#,
                result: r#""Sales""#,
            },
            Example {
                script: r#"extract("+91 8887779999", "\\+(?<code>\\d+) (?<number>\\d+)", "number")"#,
                result: r#""8887779999""#,
            },
            Example { script: r#"extract("abc", "[0-9]+") ?? "none""#, result: r#""none""# },
        ],
        register: |engine, name| {
            two(engine, name, |text, pattern| extract(text, pattern, Text::new()));
            three(engine, name, extract);
        },
    },
    FunctionRow {
        name: "extract_all",
        signature: "extract_all(text: text, pattern: text) -> list",
        sentence: "Every find, from left to right: its first group if the pattern has one, else the whole find.",
        category: Category::Patterns,
        entra: None,
        examples: &[Example {
            script: r#"extract_all("a1 b22", "[0-9]+")"#,
            result: r#"["1", "22"]"#,
        }],
        register: |engine, name| two(engine, name, extract_all),
    },
    FunctionRow {
        name: "replace_re",
        signature: "replace_re(text: text, pattern: text, new: text) -> text",
        sentence: "The text with each find replaced. `${name}` and `${1}` in `new` stand for groups, `$$` for one `$`.",
        category: Category::Patterns,
        entra: Some("Replace"),
        examples: &[
            Example {
                script: r#"replace_re("+1 (555) 123-4567", "[()\\s-]+", "")"#,
                result: r#""+15551234567""#,
            },
            Example {
                script: r#"replace_re("John Smith", "(?<first>\\w+) (?<last>\\w+)", "${last}")"#,
                result: r#""Smith""#,
            },
        ],
        register: |engine, name| three(engine, name, replace_re),
    },
    FunctionRow {
        name: "replace_group",
        signature: "replace_group(text: text, pattern: text, group: text, new: text) -> text",
        sentence: "The text with one named group of each find replaced, and the rest of the find kept.",
        category: Category::Patterns,
        entra: Some("Replace"),
        examples: &[Example {
            script: r#"replace_group("545 Tremont Street", "(?<number>^\\d*)", "number", "888")"#,
            result: r#""888 Tremont Street""#,
        }],
        register: |engine, name| super::call::four(engine, name, replace_group),
    },
    FunctionRow {
        name: "escape_re",
        signature: "escape_re(text: text) -> text",
        sentence: "A pattern that finds exactly this text.",
        category: Category::Patterns,
        entra: None,
        examples: &[Example {
            script: r#"replace_re("a.b", escape_re("."), "-")"#,
            result: r#""a-b""#,
        }],
        register: |engine, name| super::call::one(engine, name, escape_re),
    },
];

fn matches(text: Text, pattern: Text) -> Answer<bool> {
    let pattern = compiled::of(&pattern)?;
    pattern.work(&text)?;
    Ok(pattern.regex.is_match(&text))
}

fn extract(text: Text, pattern: Text, group: Text) -> Answer<Option<String>> {
    let pattern = compiled::of(&pattern)?;
    pattern.work(&text)?;
    let group = if group.is_empty() { pattern.first_group() } else { pattern.group(&group)? };
    let found = pattern.regex.captures(&text).and_then(|found| found.get(group));
    Ok(found.map(|found| found.as_str().to_owned()))
}

fn extract_all(text: Text, pattern: Text) -> Answer<Array> {
    let pattern = compiled::of(&pattern)?;
    let group = pattern.first_group();
    let mut work = pattern.work(&text)?;
    let mut list = Array::new();
    for found in pattern.regex.captures_iter(&text) {
        work.again(found.get_match().end())?;
        limits::list(list.len().saturating_add(1))?;
        let found = found.get(group).map_or("", |found| found.as_str());
        list.push(found.into());
    }
    Ok(list)
}

fn replace_re(text: Text, pattern: Text, new: Text) -> Answer<String> {
    let pattern = compiled::of(&pattern)?;
    let parts = replacement(&pattern, &new)?;
    rewrite(&text, &pattern, |found, result| {
        let whole = found.get_match().range();
        for part in &parts {
            let part = match part {
                Part::Text(part) => part,
                Part::Group(index) => found.get(*index).map_or("", |found| found.as_str()),
            };
            result.push(part)?;
        }
        Ok(whole)
    })
}

fn replace_group(text: Text, pattern: Text, group: Text, new: Text) -> Answer<String> {
    let pattern = compiled::of(&pattern)?;
    let group = pattern.group(&group)?;
    rewrite(&text, &pattern, |found, result| match found.get(group) {
        Some(part) => {
            result.push(&new)?;
            Ok(part.range())
        }
        None => {
            let start = found.get_match().start();
            Ok(start..start)
        }
    })
}

fn escape_re(text: Text) -> Answer<String> {
    limits::text(text.len().saturating_mul(2))?;
    Ok(regex::escape(&text))
}

/// A text that refuses to grow above its limit.
struct Growing(String);

impl Growing {
    fn push(&mut self, part: &str) -> Answer<()> {
        limits::text(self.0.len().saturating_add(part.len()))?;
        self.0.push_str(part);
        Ok(())
    }
}

/// Goes over every find. `instead` writes the replacement, and says which range of the text it replaces.
fn rewrite(
    text: &str,
    pattern: &Compiled,
    mut instead: impl FnMut(&regex::Captures<'_>, &mut Growing) -> Answer<std::ops::Range<usize>>,
) -> Answer<String> {
    let mut work = pattern.work(text)?;
    let mut result = Growing(String::new());
    let mut copied = 0;
    for found in pattern.regex.captures_iter(text) {
        work.again(found.get_match().end())?;
        let mut new = Growing(String::new());
        let range = instead(&found, &mut new)?;
        result.push(text.get(copied..range.start).unwrap_or_default())?;
        result.push(&new.0)?;
        copied = range.end;
    }
    result.push(text.get(copied..).unwrap_or_default())?;
    Ok(result.0)
}

/// A piece of a replacement.
enum Part {
    Text(String),
    Group(usize),
}

/// Reads `${name}`, `${1}`, `$1` and `$$`. Any other `$` is itself, as in .NET.
fn replacement(pattern: &Compiled, new: &str) -> Answer<Vec<Part>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = new;
    while let Some((before, after)) = rest.split_once('$') {
        literal.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (name, left) = if let Some(left) = after.strip_prefix('$') {
            literal.push('$');
            (None, left)
        } else if let Some((name, left)) = after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            (Some(name), left)
        } else if let (1.., Some((name, left))) = (digits, after.split_at_checked(digits)) {
            (Some(name), left)
        } else {
            literal.push('$');
            (None, after)
        };
        if let Some(name) = name {
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(Part::Group(pattern.group(name)?));
        }
        rest = left;
    }
    literal.push_str(rest);
    parts.push(Part::Text(literal));
    Ok(parts)
}

/// Whether a pattern can be used, and if not, why. For checking the literal patterns of a script before it runs.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    compiled::of(pattern).map(drop).map_err(|fault: Fault| fault.to_string())
}
