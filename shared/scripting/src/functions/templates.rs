//! Texts of messages: placeholders, and values that cannot break out of HTML.

use std::borrow::Cow;

use rhai::Map;

use super::call::{Answer, Text, one, two};
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "render",
        signature: "render(template: text, vars: map) -> text",
        sentence: "The template with each `{name}` replaced by the value of that name. `{{` and `}}` are single braces. A name without a value is an error; `()` is the empty text.",
        category: Category::Templates,
        entra: None,
        examples: &[Example {
            script: r#"render("Hello {name}, {days} days left. {{}}", #{ name: "Anna", days: 3 })"#,
            result: r#""Hello Anna, 3 days left. {}""#,
        }],
        register: |engine, name| {
            two(engine, name, |template, vars| render(template, vars, |value| value.into()));
        },
    },
    FunctionRow {
        name: "render_html",
        signature: "render_html(template: text, vars: map) -> text",
        sentence: "The same for a body in HTML: values are escaped, the template is not.",
        category: Category::Templates,
        entra: None,
        examples: &[Example {
            script: r#"render_html("<p>{name}</p>", #{ name: "<b>O'Neil</b>" })"#,
            result: r#""<p>&lt;b&gt;O&#39;Neil&lt;/b&gt;</p>""#,
        }],
        register: |engine, name| {
            two(engine, name, |template, vars| render(template, vars, escaped));
        },
    },
    FunctionRow {
        name: "escape_html",
        signature: "escape_html(text: text) -> text",
        sentence: "The text with `& < > \" '` as HTML writes them.",
        category: Category::Templates,
        entra: None,
        examples: &[Example {
            script: r#"escape_html("R&D <1>")"#,
            result: r#""R&amp;D &lt;1&gt;""#,
        }],
        register: |engine, name| {
            one(engine, name, |text: Text| {
                limits::text(text.chars().map(escaped_size).fold(0, usize::saturating_add))?;
                Answer::Ok(escaped(&text).into_owned())
            });
        },
    },
];

fn escape(letter: char) -> Option<&'static str> {
    Some(match letter {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

fn escaped_size(letter: char) -> usize {
    escape(letter).map_or_else(|| letter.len_utf8(), str::len)
}

/// A text as HTML writes it.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(|letter| escape(letter).is_some()) {
        return text.into();
    }
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        match escape(letter) {
            Some(instead) => result.push_str(instead),
            None => result.push(letter),
        }
    }
    result.into()
}

/// A piece of a template, and where it begins.
enum Piece<'a> {
    Literal(&'a str),
    Name(usize, &'a str),
}

fn render(template: Text, vars: Map, escape: fn(&str) -> Cow<'_, str>) -> Answer<String> {
    fill(&template, &vars, |_, value| Ok(escape(value).into_owned())).map_err(Fault::Value)
}

/// The template with a value for each of its names. `put` makes of a value what stands in the text,
/// and sees what stands before it.
pub(crate) fn fill(
    template: &str,
    vars: &Map,
    put: impl Fn(&str, &str) -> Result<String, String>,
) -> Result<String, String> {
    let too_long = |fault: Fault| fault.to_string();
    let mut result = String::new();
    for piece in pieces(template).map_err(|(_, message)| message)? {
        match piece {
            Piece::Literal(text) => push(&mut result, text).map_err(too_long)?,
            Piece::Name(_, name) => {
                let value = vars.get(name).ok_or_else(|| missing(name, vars))?;
                let value = super::encoding::c_str(value.flatten_clone());
                let value = value.map_err(|fault| format!("{{{name}}}: {fault}"))?;
                // Escaping makes a value at most six times as long, so both sizes are checked.
                limits::text(result.len().saturating_add(value.len())).map_err(too_long)?;
                let put = put(&result, &value).map_err(|why| format!("{{{name}}}: {why}"))?;
                push(&mut result, &put).map_err(too_long)?;
            }
        }
    }
    Ok(result)
}

/// The places of a template's names; or what is wrong with it, and where.
pub(crate) fn template_names(template: &str) -> Result<Vec<usize>, (usize, String)> {
    let name = |piece| if let Piece::Name(at, _) = piece { Some(at) } else { None };
    Ok(pieces(template)?.into_iter().filter_map(name).collect())
}

fn push(result: &mut String, piece: &str) -> Answer<()> {
    limits::text(result.len().saturating_add(piece.len()))?;
    result.push_str(piece);
    Ok(())
}

fn missing(name: &str, vars: &Map) -> String {
    let name: String = name.chars().take(40).collect();
    let known: Vec<&str> = vars.keys().take(20).map(AsRef::as_ref).collect();
    format!("the template names {{{name}}}, but the values are: {}", known.join(", "))
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, (usize, String)> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(place) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at_checked(place).unwrap_or((rest, ""));
        let at = template.len() - brace.len();
        pieces.push(Piece::Literal(before));
        if let Some(after) = brace.strip_prefix("{{") {
            pieces.push(Piece::Literal("{"));
            rest = after;
        } else if let Some(after) = brace.strip_prefix("}}") {
            pieces.push(Piece::Literal("}"));
            rest = after;
        } else if let Some((name, after)) =
            brace.strip_prefix('{').and_then(|inner| inner.split_once('}'))
        {
            pieces.push(Piece::Name(at, name.trim()));
            rest = after;
        } else {
            let shown: String = brace.chars().take(20).collect();
            let message = format!(
                "the template has a single brace at {shown:?}: write {{{{ or }}}} for a brace itself"
            );
            return Err((at, message));
        }
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}
