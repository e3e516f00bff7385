//! What the text alone shows: size, first line, characters that change its direction.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::sandbox::MOST_SCRIPT_BYTES;
use crate::script::API_VERSION;

/// Characters that make a text look different from what it does.
const DIRECTION: [char; 12] = [
    '\u{061c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

pub(super) fn check(name: &str, text: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if text.len() > MOST_SCRIPT_BYTES {
        let message =
            format!("the script has {} bytes, at most {MOST_SCRIPT_BYTES} are allowed", text.len());
        findings.push(
            Diagnostic::new(Code::E010, name, message)
                .help("move data into a table: `ctx.table(\"name\")`"),
        );
        return findings;
    }
    findings.extend(first_line(name, text));
    for (number, line) in text.lines().enumerate() {
        for (column, character) in line.chars().enumerate() {
            if DIRECTION.contains(&character) {
                let message = format!(
                    "the character U+{:04X} makes the line look different from what it does",
                    u32::from(character)
                );
                findings.push(
                    Diagnostic::new(Code::E009, name, message)
                        .at(text, number + 1, column + 1, 1)
                        .help("delete it; in a text, write `\\u` and its number"),
                );
            }
        }
    }
    findings
}

/// `// crosswave-api: 1`, so that a later host knows what the script expects.
fn first_line(name: &str, text: &str) -> Option<Diagnostic> {
    let first = text.lines().next().unwrap_or_default();
    let version = first
        .trim()
        .strip_prefix("//")
        .and_then(|rest| rest.trim().strip_prefix("crosswave-api:"))
        .map(str::trim);
    let wanted = format!("// crosswave-api: {API_VERSION}");
    let (message, help) = match version {
        Some(version) if version == API_VERSION.to_string() => return None,
        Some(version) => (
            format!("the script asks for API version {version}, this host has {API_VERSION}"),
            format!("write `{wanted}`"),
        ),
        None => (
            "the first line does not name the API version".to_owned(),
            format!("begin the script with `{wanted}`"),
        ),
    };
    let width = first.chars().count();
    Some(Diagnostic::new(Code::E011, name, message).at(text, 1, 1, width).help(help))
}
