//! What the text alone shows: size, first line, characters that change its direction.

use super::MOST_FINDINGS;
use crate::code::Code;
use crate::diagnostic::{DIRECTION, Diagnostic};
use crate::sandbox::MOST_SCRIPT_BYTES;
use crate::script::API_VERSION;

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
    if let Some(found) = line_ends(name, text) {
        return vec![found];
    }
    findings.extend(first_line(name, text));
    findings.extend(base_line(name, text));
    if let Some(found) = parameters(name, text) {
        findings.push(found);
        return findings;
    }
    let turns = text.lines().enumerate().flat_map(|(number, line)| {
        let turns = line.chars().enumerate().filter(|(_, c)| DIRECTION.contains(c));
        turns.map(move |(column, character)| (number, column, character))
    });
    // Each is looked up in the text, and nobody reads more.
    findings.extend(turns.take(MOST_FINDINGS + 1).map(|(number, column, character)| {
        let message = format!(
            "the character U+{:04X} makes the line look different from what it does",
            u32::from(character)
        );
        Diagnostic::new(Code::E009, name, message)
            .at(text, number + 1, column + 1, 1)
            .help("delete it; in a text, write `\\u` and its number")
    }));
    findings
}

/// Carriage returns alone, of editors of long ago: the engine sees one line.
fn line_ends(name: &str, text: &str) -> Option<Diagnostic> {
    let alone = text.contains('\r') && !text.contains('\n');
    let message = "the lines end with carriage returns alone";
    alone.then(|| {
        Diagnostic::new(Code::E011, name, message)
            .help("save the script with line feeds (LF) or with both (CRLF)")
    })
}

/// `// crosswave-base: none` is the only choice there is.
fn base_line(name: &str, text: &str) -> Option<Diagnostic> {
    let (number, line) =
        text.lines().enumerate().take_while(|(_, line)| line.trim_start().starts_with("//")).find(
            |(_, line)| {
                let base = line.trim_start_matches('/').trim().strip_prefix("crosswave-base:");
                base.is_some_and(|base| base.trim() != "none")
            },
        )?;
    let message = "this base is not known";
    let width = line.chars().count();
    Some(
        Diagnostic::new(Code::E011, name, message)
            .at(text, number + 1, 1, width)
            .help("write `// crosswave-base: none`, or leave the line out for the shipped mapping"),
    )
}

/// Names separated by commas, far more than a function may have parameters. The parser's work
/// grows with the square of their number, so this is looked at before.
fn parameters(name: &str, text: &str) -> Option<Diagnostic> {
    const FAR_TOO_MANY: usize = 200;
    let mut run = 0;
    for (number, line) in text.lines().enumerate() {
        // Once for each line: a line may be the whole script.
        let may_hold_names = is_name_list(line);
        for character in line.chars() {
            match character {
                ',' => run += 1,
                '(' | ')' | '|' | '[' | ']' | '{' | '}' | ';' | '"' | '`' => run = 0,
                _ => {}
            }
            if run > FAR_TOO_MANY && may_hold_names {
                let message = format!("a list of more than {FAR_TOO_MANY} names");
                return Some(
                    Diagnostic::new(Code::E007, name, message)
                        .at(text, number + 1, 1, 1)
                        .help("hand values over in one list or map"),
                );
            }
        }
    }
    None
}

/// Whether a line can be a list of parameters: it begins one and holds no literal numbers.
fn is_name_list(line: &str) -> bool {
    line.contains("fn ") || line.contains('|')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_the_base_line_have_their_own_words() {
        let found = |text: &str| check("t", text).first().map(|found| found.message.clone());
        assert_eq!(found("// crosswave-api: 1\r\nfn f() { }\r\n"), None);
        let alone = found("// crosswave-api: 1\r// crosswave-base: none\rfn f() { }\r").unwrap();
        assert!(alone.contains("carriage returns alone"), "{alone}");
        let base =
            |base: &str| format!("// crosswave-api: 1\n// crosswave-base:{base}\nfn f() {{ }}");
        assert_eq!(found(&base(" none")), None);
        for wrong in ["nope", "", " None", " none none"] {
            assert_eq!(found(&base(wrong)).as_deref(), Some("this base is not known"), "{wrong}");
        }
    }

    #[test]
    fn a_long_list_of_names_is_refused_and_a_long_list_of_values_is_not() {
        let names = "a,".repeat(300);
        let found = parameters("t", &format!("x\nfn long({names}b) {{ }}")).unwrap();
        assert_eq!((found.code, found.line), (Code::E007, Some(2)));
        assert!(parameters("t", &format!("list.map(|{names}b| 1)")).is_some());
        // Values, on one line or many; names in the line before or after do not count.
        let values = "1,".repeat(30_000);
        assert_eq!(parameters("t", &format!("fn f(a) {{\nlet x = [{values}2];\n}}")), None);
        let lines = "1,\n".repeat(20_000);
        assert_eq!(parameters("t", &format!("fn f(a) {{ let x = [\n{lines}2];\n}}")), None);
    }
}
