//! Turns the script engine's errors into ours: code, line, caret, words without Rust in them.

use rhai::{EvalAltResult, Position};

use crate::check::{definition, width};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, shorten};
use crate::entry::Entry;
use crate::fault::Fault;
use crate::functions::sink::Note;
use crate::sandbox::Spent;
use crate::script::Script;
use crate::suggest::nearest;

/// The finding for a budget that is spent, at the place where the script was.
pub(crate) fn spent(
    script: &Script,
    entry: Entry,
    spent: Spent,
    place: Option<Box<EvalAltResult>>,
) -> Diagnostic {
    let budget = script.budget();
    let diagnostic =
        Diagnostic::new(spent.code(), script.name(), spent.message(&budget)).help(spent.help());
    placed(diagnostic, script, entry, place.map_or(Position::NONE, |error| innermost(*error).1))
}

/// The finding for an error of a call.
pub(crate) fn diagnostic(script: &Script, entry: Entry, error: EvalAltResult) -> Diagnostic {
    let (error, at) = innermost(error);
    placed(words(script, error), script, entry, at)
}

/// The finding for `park` in an entry function that decides no attributes.
pub(crate) fn parked(script: &Script, entry: Entry, note: &Note) -> Diagnostic {
    let message = format!("`{}` parks: {}", entry.name(), note.text);
    let help = match entry {
        Entry::Notify => "where there is nothing to tell, `return []` in its place",
        _ => "somebody must look at this user",
    };
    let diagnostic = Diagnostic::new(Code::R009, script.name(), message).help(help);
    placed(diagnostic, script, entry, note.at)
}

/// Puts a finding at its place. Where the engine forgets it, the entry function's own line is the
/// place, until [`crate::locate`] has found the statement.
fn placed(diagnostic: Diagnostic, script: &Script, entry: Entry, at: Position) -> Diagnostic {
    let text = script.text();
    let known = at.line().map(|line| (line, at.position().unwrap_or(1)));
    match known.or_else(|| definition(text, entry.name())) {
        Some((line, mut column)) => {
            // The engine marks the point of `target.city`; a person looks for the name.
            if width(text, line, column + 1) > 1 && character(text, line, column) == Some('.') {
                column += 1;
            }
            diagnostic.at(text, line, column, width(text, line, column))
        }
        None => diagnostic,
    }
}

fn character(text: &str, line: usize, column: usize) -> Option<char> {
    text.lines().nth(line.checked_sub(1)?)?.chars().nth(column.checked_sub(1)?)
}

/// The error at the bottom of the calls, with the deepest place that is known.
fn innermost(error: EvalAltResult) -> (EvalAltResult, Position) {
    let mut error = error;
    let mut at = Position::NONE;
    loop {
        let here = error.position();
        if !here.is_none() {
            at = here;
        }
        match error {
            EvalAltResult::ErrorInFunctionCall(_, _, inner, _)
            | EvalAltResult::ErrorInModule(_, inner, _) => error = *inner,
            other => return (other, at),
        }
    }
}

fn words(script: &Script, error: EvalAltResult) -> Diagnostic {
    let new = |code, message: String| Diagnostic::new(code, script.name(), message);
    match error {
        EvalAltResult::ErrorRuntime(value, _) => raised(script, value),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => missing(script, &signature),
        EvalAltResult::ErrorDataTooLarge(what, _) => new(
            Code::R013,
            format!("{} grew too large", lower_first(&what).replace("array/BLOB", "list")),
        ),
        EvalAltResult::ErrorStackOverflow(_) => {
            new(Code::R014, "functions call each other too deeply".to_owned())
                .help("look for a function that calls itself")
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            let name = name.trim_start_matches("global::");
            new(Code::R001, format!("there is no variable `{name}` here"))
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            new(Code::R001, format!("the map has no key `{name}`"))
                .help(format!("ask first: `if \"{name}\" in map`"))
        }
        EvalAltResult::ErrorIndexNotFound(key, _) => {
            new(Code::R001, format!("there is no entry `{}`", shorten(&key.to_string(), 60)))
        }
        EvalAltResult::ErrorTooManyVariables(_) => {
            new(Code::R013, "there are too many variables at once".to_owned())
        }
        EvalAltResult::ErrorDataRace(..) => {
            new(Code::R001, "a closure uses the variable whose list is being gone over".to_owned())
                .help("copy what the closure needs before: `let mail = source.mail;`")
        }
        EvalAltResult::ErrorDotExpr(text, _) => property(script, &text),
        EvalAltResult::ErrorTerminated(..) => new(Code::R012, "the script was ended".to_owned()),
        EvalAltResult::ErrorMismatchDataType(wanted, got, _) => {
            let (wanted, got) = (plain_types(&wanted), plain_types(&got));
            new(Code::R001, format!("{wanted} is needed here, and this is {got}"))
        }
        EvalAltResult::ErrorIndexingType(kind, _) => {
            new(Code::R001, not_indexed(&plain_types(&kind)))
        }
        EvalAltResult::ErrorFor(_) => new(
            Code::R001,
            "`for` goes over a list, a text's `chars()`, a map's `keys()` or a range".to_owned(),
        ),
        mut other => {
            other.set_position(Position::NONE);
            new(Code::R001, lower_first(&plain_types(&other.to_string())))
        }
    }
}

fn raised(script: &Script, value: rhai::Dynamic) -> Diagnostic {
    let name = script.name();
    match value.try_cast_result::<Fault>() {
        Ok(fault) => {
            let mut diagnostic = Diagnostic::new(fault.code, name, fault.message);
            if let Some(help) = fault.help {
                diagnostic = diagnostic.help(help);
            }
            match fault.value {
                Some(value) => diagnostic.value(&value),
                None => diagnostic,
            }
        }
        Err(value) => {
            let text = if value.type_name().contains("::") {
                "a value that is no text".to_owned()
            } else {
                shorten(&value.to_string(), 400)
            };
            if text.trim().is_empty() {
                Diagnostic::new(Code::R005, name, "the script raised an error without words")
                    .help("say what is wrong: `throw \"no department\";`")
            // A helper function's own words begin with its name in back ticks.
            } else if text.starts_with('`') {
                Diagnostic::new(Code::R001, name, text)
            } else {
                Diagnostic::new(Code::R005, name, format!("the script raised: {text}"))
            }
        }
    }
}

fn not_indexed(kinds: &str) -> String {
    format!("this value cannot be indexed or assigned to like that ({kinds})")
}

/// A call that no function takes: a wrong name, or values of the wrong type.
fn missing(script: &Script, signature: &str) -> Diagnostic {
    let (function, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    let arguments = plain_types(arguments.strip_suffix(')').unwrap_or(arguments));
    if function.starts_with("anon$") {
        let message = format!("the closure does not take these values: ({arguments})");
        return Diagnostic::new(Code::R007, script.name(), message)
            .help("it has too many parameters, or too few: the reference shows what it is given");
    }
    if function.starts_with("index$") {
        return Diagnostic::new(Code::R007, script.name(), not_indexed(&arguments));
    }
    if function.contains(' ') {
        // The engine has put a sentence in the place of a name.
        return Diagnostic::new(Code::R007, script.name(), function);
    }
    if !function.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message = format!("`{function}` cannot be used with these values: {arguments}");
        return Diagnostic::new(Code::R007, script.name(), message)
            .help("turn a number into text with `${number}`, an empty value with `value ?? \"\"`");
    }
    let known = crate::check::known_functions(script.engine());
    if known.contains(function) {
        let message = format!("`{function}` does not take these values: ({arguments})");
        let diagnostic = Diagnostic::new(Code::R007, script.name(), message);
        return if arguments.split(", ").any(|kind| kind == "()") {
            diagnostic.help("one of them is empty; give a default first: `value ?? \"\"`")
        } else {
            diagnostic
        };
    }
    let diagnostic =
        Diagnostic::new(Code::R007, script.name(), format!("there is no function `{function}`"));
    match nearest(function, known.iter().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic,
    }
}

/// "unknown property 'x' - a getter is not registered for type 'int'", in our words.
fn property(script: &Script, text: &str) -> Diagnostic {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    let (Some(name), Some(kind)) = (quoted.next(), quoted.next()) else {
        return Diagnostic::new(Code::R001, script.name(), lower_first(&plain_types(text)));
    };
    let diagnostic = |message: String| Diagnostic::new(Code::R001, script.name(), message);
    if kind == "()" {
        return diagnostic(format!("the value before `.{name}` is empty"))
            .help("give a default first, as in `(value ?? \"\").len`");
    }
    let kind = plain_types(kind);
    if text.contains("writable") {
        diagnostic(format!("nothing can be assigned to `.{name}` of this value ({kind})"))
    } else {
        diagnostic(format!("the value before `.{name}` has no such property ({kind})"))
    }
}

/// Names of types as the guide calls them.
pub(crate) fn plain_types(text: &str) -> String {
    let mut text = text.replace("&str | ImmutableString | String", "text");
    for (rust, plain) in [
        ("ImmutableString", "text"),
        ("&str", "text"),
        ("Fn", "closure"),
        ("i64", "int"),
        ("f64", "float"),
        ("string", "text"),
        ("array", "list"),
        ("alloc::", ""),
        ("core::", ""),
    ] {
        text = text.replace(rust, plain);
    }
    text
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
