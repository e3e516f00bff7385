//! The parser's errors, in our words.

use rhai::{ParseError, ParseErrorType};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::errors::plain_types;

/// Words that the host took out of the language, and what to do instead.
const REMOVED: [(&str, &str); 7] = [
    ("eval", "scripts do not run text"),
    ("import", "a script is one file"),
    ("export", "a script is one file"),
    ("Fn", "write a closure where it is used: `list.filter(|x| …)`"),
    ("curry", "a closure sees the variables around it"),
    ("call", "call the function by its name"),
    ("is_shared", "nothing is shared between values"),
];

pub(super) fn finding(name: &str, text: &str, error: &ParseError) -> Diagnostic {
    let (code, message, help) = words(error.err_type());
    let mut found = Diagnostic::new(code, name, message);
    let at = error.position();
    if let Some(line) = at.line() {
        let column = at.position().unwrap_or(1);
        found = found.at(text, line, column, width(text, line, column));
    }
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

fn words(error: &ParseErrorType) -> (Code, String, Option<String>) {
    let plain = |message: String| (Code::E000, message, None);
    let helped = |message: String, help: &str| (Code::E000, message, Some(help.to_owned()));
    match error {
        ParseErrorType::Reserved(word) => {
            match REMOVED.iter().find(|(removed, _)| removed == word) {
                Some((_, instead)) => {
                    (Code::E014, format!("`{word}` is not available"), Some((*instead).to_owned()))
                }
                None => plain(format!("`{word}` is a reserved word")),
            }
        }
        ParseErrorType::BadInput(_) if removed_word(error).is_some() => {
            let (word, instead) = removed_word(error).unwrap_or_default();
            (Code::E014, format!("`{word}` is not available"), Some(instead.to_owned()))
        }
        ParseErrorType::VariableUndefined(variable) => helped(
            format!("there is no variable `{variable}` here"),
            "declare it with `let`, or read a constant as `global::NAME`",
        ),
        ParseErrorType::UnexpectedEOF => helped(
            "the script ends too early".to_owned(),
            "a `}`, `)` or quotation mark is missing",
        ),
        ParseErrorType::MissingToken(token, place) => helped(
            format!("`{token}` is missing {place}"),
            "the parser notices it here; the fault may be on the line before",
        ),
        ParseErrorType::ExprTooDeep => {
            helped("the expression is nested too deeply".to_owned(), "cut it into steps with `let`")
        }
        ParseErrorType::TooManyFunctions => {
            (Code::E010, "the script has too many functions".to_owned(), None)
        }
        ParseErrorType::LiteralTooLarge(what, most) => (
            Code::E010,
            format!("{} is over {most}", plain_types(what).to_lowercase()),
            Some("move data into a table: `ctx.table(\"name\")`".to_owned()),
        ),
        ParseErrorType::AssignmentToConstant(constant) => {
            helped(format!("`{constant}` is a constant"), "declare it with `let`")
        }
        ParseErrorType::FnDuplicatedDefinition(function, count) => {
            plain(format!("the function `{function}` with {count} parameters is there twice"))
        }
        ParseErrorType::ModuleUndefined(module) => helped(
            format!("there is no `{module}::`"),
            "constants of the script are read as `global::NAME`",
        ),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            plain(format!("{first}{}", chars.as_str()))
        }
    }
}

/// The word of "reserved keyword 'eval' is disabled".
fn removed_word(error: &ParseErrorType) -> Option<(&'static str, &'static str)> {
    let text = error.to_string();
    let word = text.strip_prefix("reserved keyword '")?.split('\'').next()?;
    REMOVED.iter().copied().find(|(removed, _)| *removed == word)
}

/// How long the word at a place is.
pub(crate) fn width(text: &str, line: usize, column: usize) -> usize {
    line.checked_sub(1)
        .and_then(|index| text.lines().nth(index))
        .map_or(1, |line| {
            let word = |c: &char| c.is_alphanumeric() || *c == '_';
            line.chars().skip(column.saturating_sub(1)).take_while(word).count()
        })
        .max(1)
}
