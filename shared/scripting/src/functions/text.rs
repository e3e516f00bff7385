//! Cutting, joining and changing texts. Places and lengths count letters, not bytes; places start at one.

use std::any::TypeId;

use rhai::{Array, Dynamic};

use super::call::{Answer, Text, argument, describe, four, instead_of, one, three, two};
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "append",
        signature: "append(text: text, suffix: text) -> text",
        sentence: "The text with the suffix at its end. The text itself stays as it is.",
        category: Category::Text,
        entra: Some("Append"),
        examples: &[
            Example { script: r#"append("anna", ".test")"#, result: r#""anna.test""# },
            Example { script: r#"append((), ".x")"#, result: r#"".x""# },
        ],
        register: |engine, name| two(engine, name, append),
    },
    FunctionRow {
        name: "left",
        signature: "left(text: text, count: int) -> text",
        sentence: "The first letters. A negative count gives the whole text.",
        category: Category::Text,
        entra: Some("Left"),
        examples: &[
            Example { script: r#"left("John Doe", 3)"#, result: r#""Joh""# },
            Example { script: r#"left("John Doe", -1)"#, result: r#""John Doe""# },
        ],
        register: |engine, name| two(engine, name, left),
    },
    FunctionRow {
        name: "right",
        signature: "right(text: text, count: int) -> text",
        sentence: "The last letters. A negative count gives the whole text.",
        category: Category::Text,
        entra: None,
        examples: &[Example { script: r#"right("00012345", 5)"#, result: r#""12345""# }],
        register: |engine, name| two(engine, name, right),
    },
    FunctionRow {
        name: "mid",
        signature: "mid(text: text, start: int, count: int) -> text",
        sentence: "Letters from a place on. The first place is 1. A place outside the text, or a negative count, gives the whole text, as Entra does.",
        category: Category::Text,
        entra: Some("Mid"),
        examples: &[
            Example { script: r#"mid("John Doe", 3, 5)"#, result: r#""hn Do""# },
            Example { script: r#"mid("John", 1, 1)"#, result: r#""J""# },
            Example { script: r#"mid("John", 9, 2)"#, result: r#""John""# },
        ],
        register: |engine, name| three(engine, name, mid),
    },
    FunctionRow {
        name: "in_str",
        signature: "in_str(text: text, find: text, start?: int, compare?: text) -> int",
        sentence: "The place of the first find at or after `start`, or 0. `compare` is \"binary\" (case matters, the default) or \"text\".",
        category: Category::Text,
        entra: Some("InStr"),
        examples: &[
            Example { script: r#"in_str("The quick brown fox", "quick")"#, result: "5" },
            Example { script: r#"in_str("repEated", "e", 3, "text")"#, result: "4" },
            Example { script: r#"in_str("abc", "z")"#, result: "0" },
        ],
        register: |engine, name| {
            two(engine, name, |text, find| in_str(text, find, 1, "binary".into()));
            three(engine, name, |text, find, start| in_str(text, find, start, "binary".into()));
            four(engine, name, in_str);
        },
    },
    FunctionRow {
        name: "word",
        signature: "word(text: text, number: int, delimiters: text) -> text",
        sentence: "The word with this number, counted from 1. Each letter of `delimiters` ends a word. Empty when there is no such word, and when none of the delimiters occurs, as Entra does; `split` suits single words better.",
        category: Category::Text,
        entra: Some("Word"),
        examples: &[
            Example { script: r#"word("The quick brown fox", 3, " ")"#, result: r#""brown""# },
            Example {
                script: r#"word("This,string!has&many separators", 3, ",!&#")"#,
                result: r#""has""#,
            },
        ],
        register: |engine, name| three(engine, name, word),
    },
    FunctionRow {
        name: "split",
        signature: "split(text: text, delimiter: text) -> list",
        sentence: "The parts between the delimiters, with the spaces they have. Empty parts are kept.",
        category: Category::Text,
        entra: Some("Split"),
        examples: &[
            Example { script: r#"split("One, Two", ",")"#, result: r#"["One", " Two"]"# },
            Example { script: r#"split("a;;b", ";")"#, result: r#"["a", "", "b"]"# },
        ],
        register: |engine, name| {
            two(engine, name, split);
            instead_of(engine, name, [TEXT, LETTER], |[text, delimiter]| {
                Ok(split(argument(1, text)?, argument(2, delimiter)?)?.into())
            });
        },
    },
    FunctionRow {
        name: "trim",
        signature: "trim(text: text) -> text",
        sentence: "The text without white space at both ends. The text itself stays as it is.",
        category: Category::Text,
        entra: None,
        examples: &[Example { script: r#"trim("  Anna ")"#, result: r#""Anna""# }],
        register: |engine, name| one(engine, name, trim),
    },
    FunctionRow {
        name: "strip_spaces",
        signature: "strip_spaces(text: text) -> text",
        sentence: "The text without any space. Tabs and other white space stay.",
        category: Category::Text,
        entra: Some("StripSpaces"),
        examples: &[Example {
            script: r#"strip_spaces(" van der  Berg")"#,
            result: r#""vanderBerg""#,
        }],
        register: |engine, name| one(engine, name, strip_spaces),
    },
    FunctionRow {
        name: "squeeze_spaces",
        signature: "squeeze_spaces(text: text) -> text",
        sentence: "The text with each run of white space as one space, and none at both ends.",
        category: Category::Text,
        entra: None,
        examples: &[Example {
            script: r#"squeeze_spaces("  Anna \t Maria ")"#,
            result: r#""Anna Maria""#,
        }],
        register: |engine, name| one(engine, name, squeeze_spaces),
    },
    FunctionRow {
        name: "truncate_to",
        signature: "truncate_to(text: text, count: int) -> text",
        sentence: "At most this many letters, without white space at the cut.",
        category: Category::Text,
        entra: None,
        examples: &[Example {
            script: r#"truncate_to("Research and Development", 9)"#,
            result: r#""Research""#,
        }],
        register: |engine, name| two(engine, name, truncate_to),
    },
    FunctionRow {
        name: "pad_left",
        signature: "pad_left(text: text, width: int, fill?: text) -> text",
        sentence: "The text with fill before it until it is `width` letters long. `fill` is one letter, a space unless given.",
        category: Category::Text,
        entra: None,
        examples: &[Example { script: r#"pad_left("123", 6, "0")"#, result: r#""000123""# }],
        register: |engine, name| {
            two(engine, name, |text, width| pad_left(text, width, " ".into()));
            three(engine, name, pad_left);
        },
    },
    FunctionRow {
        name: "pad_right",
        signature: "pad_right(text: text, width: int, fill?: text) -> text",
        sentence: "The text with fill after it until it is `width` letters long. `fill` is one letter, a space unless given.",
        category: Category::Text,
        entra: None,
        examples: &[Example { script: r#"pad_right("Jo", 4, ".")"#, result: r#""Jo..""# }],
        register: |engine, name| {
            two(engine, name, |text, width| pad_right(text, width, " ".into()));
            three(engine, name, pad_right);
        },
    },
    FunctionRow {
        name: "pad",
        signature: "pad(value: any, width: int, fill: any) -> any",
        sentence: "A text as `pad_right` gives it, or a list with `fill` at its end until it has `width` elements. The value itself stays as it is.",
        category: Category::Text,
        entra: None,
        examples: &[
            Example { script: r#"pad("Jo", 4, ".")"#, result: r#""Jo..""# },
            Example { script: "pad([1], 3, 0)", result: "[1, 0, 0]" },
        ],
        register: |engine, name| {
            three(engine, name, pad);
            let fills = [[TEXT, NUMBER, TEXT], [TEXT, NUMBER, LETTER], [LIST, NUMBER, ANYTHING]];
            for types in fills {
                instead_of(engine, name, types, |[value, width, fill]| {
                    pad(value, argument(2, width)?, fill)
                });
            }
        },
    },
    FunctionRow {
        name: "replace",
        signature: "replace(text: text, old: text, new: text) -> text",
        sentence: "The text with each `old` replaced by `new`. Case matters. The text itself stays as it is.",
        category: Category::Text,
        entra: Some("Replace"),
        examples: &[
            Example {
                script: r#"replace("jd@contoso.com", "@contoso.com", "")"#,
                result: r#""jd""#,
            },
            Example {
                script: r#"replace("<name>@x.com", "<name>", "jd")"#,
                result: r#""jd@x.com""#,
            },
        ],
        register: |engine, name| {
            three(engine, name, replace);
            for types in [[TEXT, TEXT, LETTER], [TEXT, LETTER, TEXT], [TEXT, LETTER, LETTER]] {
                instead_of(engine, name, types, |[text, old, new]| {
                    let text = replace(argument(1, text)?, argument(2, old)?, argument(3, new)?)?;
                    Ok(text.into())
                });
            }
        },
    },
    FunctionRow {
        name: "replace_chars",
        signature: "replace_chars(text: text, letters: map) -> text",
        sentence: "The text with each letter that is a key of the map replaced by its value.",
        category: Category::Text,
        entra: None,
        examples: &[Example {
            script: r#"replace_chars("Jörg Åse", #{ "ö": "oe", "Å": "Aa" })"#,
            result: r#""Joerg Aase""#,
        }],
        register: |engine, name| two(engine, name, replace_chars),
    },
];

// Types with which the engine has a function of the same name.
const TEXT: TypeId = TypeId::of::<Text>();
const LETTER: TypeId = TypeId::of::<char>();
const NUMBER: TypeId = TypeId::of::<i64>();
const LIST: TypeId = TypeId::of::<Array>();
const ANYTHING: TypeId = TypeId::of::<Dynamic>();

fn append(text: Text, suffix: Text) -> Answer<String> {
    limits::text(text.len().saturating_add(suffix.len()))?;
    Ok(format!("{text}{suffix}"))
}

/// The part of a text before the letter with this index, and the rest. A text that is too short is all before.
fn at_letter(text: &str, index: usize) -> (&str, &str) {
    let byte = text.char_indices().nth(index).map_or(text.len(), |(byte, _)| byte);
    text.split_at_checked(byte).unwrap_or((text, ""))
}

fn left(text: Text, count: i64) -> String {
    match usize::try_from(count) {
        Ok(count) => at_letter(&text, count).0.to_owned(),
        Err(_) => text.to_string(),
    }
}

fn right(text: Text, count: i64) -> String {
    match usize::try_from(count) {
        Ok(count) => {
            let skipped = text.chars().count().saturating_sub(count);
            at_letter(&text, skipped).1.to_owned()
        }
        Err(_) => text.to_string(),
    }
}

fn mid(text: Text, start: i64, count: i64) -> String {
    let start = usize::try_from(start).ok().and_then(|start| start.checked_sub(1));
    let (Some(start), Ok(count)) = (start, usize::try_from(count)) else {
        return text.to_string();
    };
    let rest = at_letter(&text, start).1;
    if rest.is_empty() { text.to_string() } else { at_letter(rest, count).0.to_owned() }
}

fn in_str(text: Text, find: Text, start: i64, compare: Text) -> Answer<i64> {
    let skipped = usize::try_from(start).unwrap_or(1).saturating_sub(1);
    let rest = at_letter(&text, skipped).1;
    let found = match compare.to_ascii_lowercase().as_str() {
        "binary" | "vbbinarycompare" | "" => letters_before(rest, &find),
        "text" | "vbtextcompare" => letters_before(&folded(rest), &folded(&find)),
        other => {
            return Err(Fault::Value(format!(
                "`compare` must be \"binary\" or \"text\", but is {other:?}"
            )));
        }
    };
    let place = found.map_or(0, |before| before.saturating_add(skipped).saturating_add(1));
    Ok(i64::try_from(place).unwrap_or(i64::MAX))
}

fn letters_before(text: &str, find: &str) -> Option<usize> {
    text.split_once(find).map(|(before, _)| before.chars().count())
}

/// Lower case, letter by letter, so that places stay the same.
fn folded(text: &str) -> String {
    text.chars().map(super::case::lower).collect()
}

fn word(text: Text, number: i64, delimiters: Text) -> Answer<String> {
    limits::letters("delimiters", &delimiters)?;
    let ends_word = |letter: char| delimiters.contains(letter);
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let (Some(index), true) = (index, text.contains(ends_word)) else {
        return Ok(String::new());
    };
    let mut words = text.split(ends_word).filter(|word| !word.is_empty());
    Ok(words.nth(index).unwrap_or_default().to_owned())
}

fn split(text: Text, delimiter: Text) -> Answer<Array> {
    if delimiter.is_empty() {
        return Err(Fault::Value("the delimiter is empty: name the letter to split at".to_owned()));
    }
    limits::list(text.matches(delimiter.as_str()).count().saturating_add(1))?;
    Ok(text.split(delimiter.as_str()).map(|part| part.to_owned().into()).collect())
}

fn trim(text: Text) -> String {
    text.trim().to_owned()
}

fn strip_spaces(text: Text) -> String {
    text.replace(' ', "")
}

fn squeeze_spaces(text: Text) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn truncate_to(text: Text, count: i64) -> String {
    let count = usize::try_from(count).unwrap_or(0);
    let (kept, cut) = at_letter(&text, count);
    if cut.is_empty() { text.to_string() } else { kept.trim_end().to_owned() }
}

/// The fill that is missing to a width, not larger than a text may be.
fn fill(text: &str, width: i64, fill: &str) -> Answer<String> {
    let mut letters = fill.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return Err(Fault::Value(format!("`fill` must be one letter, but is {fill:?}")));
    };
    let width = usize::try_from(width).unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    limits::text(missing.saturating_mul(letter.len_utf8()).saturating_add(text.len()))?;
    Ok(fill.repeat(missing))
}

fn pad_left(text: Text, width: i64, with: Text) -> Answer<String> {
    Ok(fill(&text, width, &with)? + text.as_str())
}

fn pad_right(text: Text, width: i64, with: Text) -> Answer<String> {
    let missing = fill(&text, width, &with)?;
    Ok(format!("{text}{missing}"))
}

fn pad(value: Dynamic, width: i64, with: Dynamic) -> Answer<Dynamic> {
    match value.try_cast_result::<Array>() {
        Ok(mut list) => {
            let width = usize::try_from(width).unwrap_or(0).max(list.len());
            limits::list(width)?;
            // Copies of a list in a list would grow beyond any measure.
            if with.is_array() || with.is_map() {
                return Err(Fault::Argument {
                    place: 3,
                    wanted: "a text, number or truth",
                    got: describe(&with),
                });
            }
            list.resize(width, with);
            Ok(list.into())
        }
        Err(text) => Ok(pad_right(argument(1, text)?, width, argument(3, with)?)?.into()),
    }
}

pub(super) fn replace(text: Text, old: Text, new: Text) -> Answer<String> {
    if old.is_empty() {
        return Err(Fault::Value("the text to replace is empty".to_owned()));
    }
    let found = text.matches(old.as_str()).count();
    let rest = text.len().saturating_sub(found.saturating_mul(old.len()));
    limits::text(found.saturating_mul(new.len()).saturating_add(rest))?;
    Ok(text.replace(old.as_str(), &new))
}

fn replace_chars(text: Text, letters: rhai::Map) -> Answer<String> {
    let mut table = std::collections::BTreeMap::new();
    for (key, value) in letters {
        let mut key_letters = key.chars();
        let (Some(letter), None) = (key_letters.next(), key_letters.next()) else {
            return Err(Fault::Value(format!(
                "each key must be one letter, but one is {:?}",
                key.as_str()
            )));
        };
        table.insert(letter, argument::<Text>(2, value)?);
    }
    let size =
        |letter: char| table.get(&letter).map_or_else(|| letter.len_utf8(), |text| text.len());
    limits::text(text.chars().map(size).fold(0, usize::saturating_add))?;
    let mut result = String::new();
    for letter in text.chars() {
        match table.get(&letter) {
            Some(instead) => result.push_str(instead),
            None => result.push(letter),
        }
    }
    Ok(result)
}
