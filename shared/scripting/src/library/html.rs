//! HTML of messages: only what is known to be harmless in a mail.
//!
//! A template may hold some tags with some attributes. Everything that could load, run or send
//! something, or hide an address from the policy gate, is refused when the script is checked.

use std::borrow::Cow;

use crate::diagnostic::{printable, readable, visible};
use crate::functions::escaped;

/// The tags that a template may have.
const TAGS: &[&str] = &[
    "html",
    "head",
    "title",
    "body",
    "div",
    "span",
    "p",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "small",
    "blockquote",
    "pre",
    "code",
    "ul",
    "ol",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "a",
];
/// The attributes that a tag may have.
const ATTRIBUTES: &[&str] = &[
    "href",
    "style",
    "class",
    "lang",
    "dir",
    "align",
    "valign",
    "width",
    "height",
    "colspan",
    "rowspan",
    "border",
    "cellpadding",
    "cellspacing",
    "bgcolor",
];
/// The names of characters that may be used; all others are written as they are, in UTF-8.
const ENTITIES: &[(&str, &str)] = &[
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", " "),
];
/// What a style may not hold: it could load something.
const STYLES: &[&str] = &["url", "@", "\\", "expression", "import", "{", "/*"];

type Checked = Result<(), (usize, String)>;

/// What is wrong with a template, and at which byte. `values` are the places of its values.
pub(super) fn check(text: &str, values: &[usize]) -> Checked {
    let mut at = 0;
    while let Some(place) = text.get(at..).and_then(|rest| rest.find(['<', '>', '&'])) {
        at += place;
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with('&') {
            entity(at, rest)?;
            at += 1;
        } else if let Some(inside) = rest.strip_prefix('<') {
            let end = inside.find('>').ok_or_else(|| (at, "the tag has no end".to_owned()))?;
            tag(at + 1, inside.get(..end).unwrap_or_default(), values)?;
            at += end + 2;
        } else {
            return Err((at, "write &gt; for this sign".to_owned()));
        }
    }
    Ok(())
}

fn entity(at: usize, rest: &str) -> Checked {
    if ENTITIES.iter().any(|(name, _)| rest.starts_with(name)) {
        return Ok(());
    }
    let names: Vec<&str> = ENTITIES.iter().map(|(name, _)| *name).collect();
    Err((at, format!("write the character itself; the names that are known: {}", names.join(" "))))
}

/// A tag without its angle brackets.
fn tag(at: usize, text: &str, values: &[usize]) -> Checked {
    if text.eq_ignore_ascii_case("!doctype html") {
        return Ok(());
    }
    let name = text.strip_prefix('/').unwrap_or(text);
    let length = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let (name, mut rest) = name.split_at(length);
    if !TAGS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err((at, format!("a message has no tag <{}>", shown(name))));
    }
    let end = at + text.len();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest == "/" {
            return Ok(());
        }
        let here = end - rest.len();
        let wrong = |message: String| Err((here, message));
        let Some((name, (value, more))) =
            rest.split_once("=\"").and_then(|(name, rest)| Some((name, rest.split_once('"')?)))
        else {
            return wrong("write attributes as name=\"value\"".to_owned());
        };
        if !ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return wrong(format!("a tag has no attribute `{}` here", shown(name)));
        }
        let from = here + name.len() + 2;
        let is_link = name.eq_ignore_ascii_case("href");
        if !is_link && values.iter().any(|place| (from..from + value.len()).contains(place)) {
            return wrong("values go into the text and into `href`".to_owned());
        }
        if is_link && !(value.starts_with("https://") || value.starts_with('{')) {
            return wrong("a link begins with https:// or is a value".to_owned());
        }
        if is_link && value.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong("a link has no spaces".to_owned());
        }
        if let Some(place) = value.find('&') {
            entity(from + place, value.get(place..).unwrap_or_default())?;
        }
        let lower = value.to_ascii_lowercase();
        if name.eq_ignore_ascii_case("style")
            && let Some(word) = STYLES.iter().find(|word| lower.contains(**word))
        {
            return wrong(format!("a style does not hold `{word}`"));
        }
        rest = more;
    }
}

fn shown(name: &str) -> String {
    printable(&name.chars().take(40).collect::<String>())
}

/// A value as it stands in a template; `before` is everything before it.
pub(super) fn value(before: &str, value: &str) -> Result<String, String> {
    let in_tag = before.rfind('<') > before.rfind('>');
    if in_tag && value.contains(|c: char| c.is_whitespace() || c != visible(c)) {
        // Mail programs leave such characters out, and would go where nobody looked.
        return Err(format!("\"{}\" is no address for a link", shown(value)));
    }
    Ok(escaped(&readable(value)).into_owned())
}

/// What people read of a body that is made of a checked template, and where its links lead.
pub(crate) fn words(body: &str) -> (String, Vec<String>) {
    let mut read = String::new();
    let mut links = Vec::new();
    for piece in body.split_inclusive('>') {
        let (text, tag) = piece.split_once('<').unwrap_or((piece, ""));
        read.push_str(&plain(text));
        read.push(' ');
        // Attributes have any case; their values stand between the quotes.
        let mut parts = tag.split('"');
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            if name.trim_start().to_ascii_lowercase().ends_with("href=") {
                links.push(plain(value).into_owned());
            }
        }
    }
    (read, links)
}

fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    // `&amp;` last, so that nothing is read twice.
    let (amp, others) = ENTITIES.split_first().unwrap_or((&("&amp;", "&"), &[]));
    let mut plain = text.to_owned();
    for (name, sign) in others.iter().chain([amp]) {
        plain = plain.replace(name, sign);
    }
    plain.into()
}
