//! Upper, lower and title case, letter by letter as .NET does it: the German ß has no upper case.

use unicode_normalization::char::is_combining_mark;

use super::call::{Answer, Text, one, two};
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "to_lower",
        signature: "to_lower(text: text, language?: text) -> text",
        sentence: "Lower case. The language matters for Turkish (\"tr\") and Azerbaijani (\"az\"), where I becomes ı.",
        category: Category::Text,
        entra: Some("ToLower"),
        examples: &[
            Example { script: r#"to_lower("Anna MUÑOZ")"#, result: r#""anna muñoz""# },
            Example { script: r#"to_lower("I", "tr-TR")"#, result: r#""ı""# },
        ],
        register: |engine, name| {
            one(engine, name, |text: Text| to_lower(text, Text::new()));
            two(engine, name, to_lower);
        },
    },
    FunctionRow {
        name: "to_upper",
        signature: "to_upper(text: text, language?: text) -> text",
        sentence: "Upper case, one letter for one letter. The language matters for Turkish (\"tr\") and Azerbaijani (\"az\"), where i becomes İ.",
        category: Category::Text,
        entra: Some("ToUpper"),
        examples: &[
            Example { script: r#"to_upper("abc ß")"#, result: r#""ABC ß""# },
            Example { script: r#"to_upper("i", "tr")"#, result: r#""İ""# },
        ],
        register: |engine, name| {
            one(engine, name, |text: Text| to_upper(text, Text::new()));
            two(engine, name, to_upper);
        },
    },
    FunctionRow {
        name: "pcase",
        signature: "pcase(text: text, separators?: text) -> text",
        sentence: "Each word with one capital first. Words end at anything but a letter, digit or apostrophe; with `separators`, at exactly those.",
        category: Category::Text,
        entra: Some("PCase"),
        examples: &[
            Example {
                script: r#"pcase("PABLO GONSALVES (SECOND)")"#,
                result: r#""Pablo Gonsalves (Second)""#,
            },
            Example { script: r#"pcase("PINTO-DE'SILVA", " '-")"#, result: r#""Pinto-De'Silva""# },
        ],
        register: |engine, name| {
            one(engine, name, |text: Text| title_case(&text));
            two(engine, name, pcase);
        },
    },
];

/// The lower case of a letter, where that is one letter.
pub(super) fn lower(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// The upper case of a letter, where that is one letter.
pub(super) fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// Whether a language writes a dotless i.
fn has_dotless_i(language: &str) -> bool {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    primary.eq_ignore_ascii_case("tr") || primary.eq_ignore_ascii_case("az")
}

fn to_lower(text: Text, language: Text) -> String {
    let dotless = has_dotless_i(&language);
    let letter = |letter| match letter {
        'I' if dotless => 'ı',
        'İ' if dotless => 'i',
        other => lower(other),
    };
    text.chars().map(letter).collect()
}

fn to_upper(text: Text, language: Text) -> String {
    let dotless = has_dotless_i(&language);
    let letter = |letter| match letter {
        'i' if dotless => 'İ',
        other => upper(other),
    };
    text.chars().map(letter).collect()
}

fn pcase(text: Text, separators: Text) -> Answer<String> {
    limits::letters("separators", &separators)?;
    let mut first = true;
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        result.push(if first { upper(lower(letter)) } else { lower(letter) });
        first = separators.contains(letter);
    }
    Ok(result)
}

/// .NET's title case of the lower case: a word begins with a letter, and goes on over digits and apostrophes.
pub(super) fn title_case(text: &str) -> String {
    let mut inside = false;
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        let begins = letter.is_alphabetic() && !inside;
        result.push(if begins { upper(lower(letter)) } else { lower(letter) });
        inside = begins || (inside && goes_on(letter));
    }
    result
}

fn goes_on(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '\'' | '’') || is_combining_mark(letter)
}
