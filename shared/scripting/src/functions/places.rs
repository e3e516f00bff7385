//! Countries and telephone numbers.

use super::call::{Answer, Text, one, two};
use super::countries::country;
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "country_code",
        signature: "country_code(country: text) -> text",
        sentence: "The two-letter ISO code, as usageLocation takes it, of a name in English or the country's own language, or of a code. `()` when it is not known.",
        category: Category::Names,
        entra: None,
        examples: &[
            Example { script: r#"country_code("Deutschland")"#, result: r#""DE""# },
            Example { script: r#"country_code("USA")"#, result: r#""US""# },
            Example { script: r#"country_code("Atlantis") ?? "none""#, result: r#""none""# },
        ],
        register: |engine, name| {
            one(engine, name, |text: Text| country(&text).map(|country| country.alpha2.to_owned()));
        },
    },
    FunctionRow {
        name: "country_code_3",
        signature: "country_code_3(country: text) -> text",
        sentence: "The three-letter ISO code of a country's name or code. `()` when it is not known.",
        category: Category::Names,
        entra: None,
        examples: &[Example { script: r#"country_code_3("de")"#, result: r#""DEU""# }],
        register: |engine, name| {
            one(engine, name, |text: Text| country(&text).map(|country| country.alpha3.to_owned()));
        },
    },
    FunctionRow {
        name: "country_name",
        signature: "country_name(country: text) -> text",
        sentence: "The English name of a country's code or other name. `()` when it is not known.",
        category: Category::Names,
        entra: None,
        examples: &[Example { script: r#"country_name("CH")"#, result: r#""Switzerland""# }],
        register: |engine, name| {
            one(engine, name, |text: Text| country(&text).map(|country| country.name().to_owned()));
        },
    },
    FunctionRow {
        name: "tidy_phone",
        signature: "tidy_phone(number: text, calling_code?: text) -> text",
        sentence: "A telephone number as plus sign and digits, with an extension after `x`. A number with one leading zero gets the calling code, such as \"+49\"; without one it keeps its digits.",
        category: Category::Names,
        entra: None,
        examples: &[
            Example { script: r#"tidy_phone("0049 (0)89 123-45")"#, result: r#""+498912345""# },
            Example { script: r#"tidy_phone("089 / 12345", "+49")"#, result: r#""+498912345""# },
            Example {
                script: r#"tidy_phone("+1 (206) 291-8163 ext. 812")"#,
                result: r#""+12062918163x812""#,
            },
        ],
        register: |engine, name| {
            one(engine, name, |number: Text| tidy_phone(number, Text::new()));
            two(engine, name, tidy_phone);
        },
    },
];

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn tidy_phone(number: Text, calling_code: Text) -> Answer<String> {
    limits::text(number.len().saturating_add(calling_code.len()).saturating_add(2))?;
    let code = digits(&calling_code);
    if !calling_code.is_empty() && !(1..=3).contains(&code.len()) {
        return Err(Fault::Value(format!(
            "{:?} is not a calling code such as \"+49\"",
            calling_code.as_str()
        )));
    }
    // An extension begins at the first letter: "x", "ext.", "Durchwahl".
    let begin = number.find(char::is_alphabetic).unwrap_or(number.len());
    let (main, extension) = number.split_at_checked(begin).unwrap_or((&number, ""));
    let international = main.trim_start().starts_with('+');
    let main = digits(&if international || main.trim_start().starts_with("00") {
        main.replace("(0)", "")
    } else {
        main.to_owned()
    });
    let mut result = if international {
        format!("+{main}")
    } else if let Some(rest) = main.strip_prefix("00") {
        format!("+{rest}")
    } else {
        match main.strip_prefix('0') {
            Some(rest) if !code.is_empty() => format!("+{code}{rest}"),
            _ => main,
        }
    };
    let extension = digits(extension);
    if !extension.is_empty() {
        result.push('x');
        result.push_str(&extension);
    }
    Ok(if result == "+" { String::new() } else { result })
}
