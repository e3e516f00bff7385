//! Names of people in the English alphabet, in parts and in order.

use rhai::Map;

use super::call::{Answer, Text, one, three, two};
use super::diacritics::normalized;
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};
use super::transliterate::transliterated;

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "normalize_diacritics",
        signature: "normalize_diacritics(text: text) -> text",
        sentence: "Latin letters without their marks: ä is a, ø is oe, ß is ss. Other alphabets stay as they are.",
        category: Category::Names,
        entra: Some("NormalizeDiacritics"),
        examples: &[
            Example {
                script: r#"normalize_diacritics("Müller-Łódź")"#,
                result: r#""Muller-Lodz""#,
            },
            Example { script: r#"normalize_diacritics("øß李")"#, result: r#""oess李""# },
        ],
        register: |engine, name| one(engine, name, normalize_diacritics),
    },
    FunctionRow {
        name: "transliterate",
        signature: "transliterate(text: text, language: text) -> text",
        sentence: "The text in the English alphabet, as the language writes it: German ä is ae, Danish å is aa; Cyrillic and Greek letters by their official tables.",
        category: Category::Names,
        entra: None,
        examples: &[
            Example {
                script: r#"transliterate("Jürgen Groß", "de")"#,
                result: r#""Juergen Gross""#,
            },
            Example {
                script: r#"transliterate("Щербаков", "ru")"#, result: r#""Shcherbakov""#
            },
        ],
        register: |engine, name| {
            two(engine, name, |text: Text, language: Text| transliterated(&text, &language));
        },
    },
    FunctionRow {
        name: "split_name",
        signature: "split_name(name: text) -> map",
        sentence: "The parts `given`, `middle` and `family` of a full name, written \"Given Middle Family\" or \"Family, Given Middle\". Particles such as \"van der\" belong to the family name; what stands in brackets is left out.",
        category: Category::Names,
        entra: None,
        examples: &[
            Example {
                script: r#"split_name("Anna Maria van der Berg")"#,
                result: r#"#{ given: "Anna", middle: "Maria", family: "van der Berg" }"#,
            },
            Example {
                script: r#"split_name("Munoz, Anna (Sales)")"#,
                result: r#"#{ given: "Anna", middle: "", family: "Munoz" }"#,
            },
        ],
        register: |engine, name| one(engine, name, split_name),
    },
    FunctionRow {
        name: "full_name",
        signature: "full_name(given: text, family: text, order: text) -> text",
        sentence: "Both names in an order: \"given family\", \"family given\" or \"family, given\". An empty name leaves no gap.",
        category: Category::Names,
        entra: None,
        examples: &[
            Example {
                script: r#"full_name("Anna", "Munoz", "family, given")"#,
                result: r#""Munoz, Anna""#,
            },
            Example { script: r#"full_name((), "Munoz", "given family")"#, result: r#""Munoz""# },
        ],
        register: |engine, name| three(engine, name, full_name),
    },
    FunctionRow {
        name: "initials",
        signature: "initials(name: text) -> text",
        sentence: "The first letter of each word, in capitals.",
        category: Category::Names,
        entra: None,
        examples: &[Example { script: r#"initials("Anna-Maria Munoz")"#, result: r#""AMM""# }],
        register: |engine, name| one(engine, name, initials),
    },
];

fn normalize_diacritics(text: Text) -> String {
    normalized(&text)
}

/// Words that begin a family name.
const PARTICLES: &[&str] = &[
    "af", "al", "ap", "aw", "bin", "da", "das", "de", "del", "della", "dem", "den", "der", "di",
    "do", "dos", "du", "el", "ibn", "la", "le", "ten", "ter", "van", "vom", "von", "zu", "zum",
    "zur", "'t", "’t",
];

fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&word.to_lowercase().as_str())
}

fn split_name(name: Text) -> Map {
    let name = without_brackets(&name);
    let (given, middle, family) = match name.split_once(',') {
        Some((family, rest)) => {
            let mut words = rest.split_whitespace();
            let given = words.next().unwrap_or_default();
            (given.to_owned(), joined(words), joined(family.split_whitespace()))
        }
        None => in_western_order(&name),
    };
    [("given", given), ("middle", middle), ("family", family)]
        .into_iter()
        .map(|(part, value)| (part.into(), value.into()))
        .collect()
}

/// The family name begins at the first particle after the given name, else it is the last word.
fn in_western_order(name: &str) -> (String, String, String) {
    let words: Vec<&str> = name.split_whitespace().collect();
    let Some((given, rest)) = words.split_first() else {
        return Default::default();
    };
    let last = rest.len().saturating_sub(1);
    let begin =
        rest.iter().position(|word| is_particle(word)).map_or(last, |place| place.min(last));
    let (middle, family) = rest.split_at_checked(begin).unwrap_or((&[], rest));
    ((*given).to_owned(), middle.join(" "), family.join(" "))
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn without_brackets(name: &str) -> String {
    let mut depth = 0_usize;
    let mut result = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '(' | '[' => depth = depth.saturating_add(1),
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => result.push(letter),
            _ => {}
        }
    }
    result
}

fn full_name(given: Text, family: Text, order: Text) -> Answer<String> {
    let (first, gap, second) = match order.as_str() {
        "given family" => (given, " ", family),
        "family given" => (family, " ", given),
        "family, given" => (family, ", ", given),
        other => {
            return Err(Fault::Value(format!(
                "the order must be \"given family\", \"family given\" or \"family, given\", but is {other:?}"
            )));
        }
    };
    limits::text(first.len().saturating_add(second.len()).saturating_add(gap.len()))?;
    let gap = if first.is_empty() || second.is_empty() { "" } else { gap };
    Ok(format!("{first}{gap}{second}"))
}

fn initials(name: Text) -> String {
    name.split(|letter: char| letter.is_whitespace() || letter == '-')
        .filter_map(|word| word.chars().find(|letter| letter.is_alphabetic()))
        .map(super::case::upper)
        .collect()
}
