//! Conversions between types, and texts as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhai::Dynamic;

use super::call::{Answer, Text, describe, is_empty, one, two};
use super::fault::Fault;
use super::limits;
use super::moment::Moment;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "convert_to_base64",
        signature: "convert_to_base64(text: text) -> text",
        sentence: "Base64 of the text in UTF-16 with the low byte first, as Entra does it.",
        category: Category::Encoding,
        entra: Some("ConvertToBase64"),
        examples: &[Example { script: r#"convert_to_base64("é")"#, result: r#""6QA=""# }],
        register: |engine, name| one(engine, name, convert_to_base64),
    },
    FunctionRow {
        name: "convert_to_utf8_hex",
        signature: "convert_to_utf8_hex(text: text) -> text",
        sentence: "The bytes of the text in UTF-8, in capital hexadecimal digits.",
        category: Category::Encoding,
        entra: Some("ConvertToUTF8Hex"),
        examples: &[Example { script: r#"convert_to_utf8_hex("é")"#, result: r#""C3A9""# }],
        register: |engine, name| one(engine, name, convert_to_utf8_hex),
    },
    FunctionRow {
        name: "to_base64",
        signature: "to_base64(text: text) -> text",
        sentence: "Base64 of the text in UTF-8.",
        category: Category::Encoding,
        entra: None,
        examples: &[Example { script: r#"to_base64("é")"#, result: r#""w6k=""# }],
        register: |engine, name| one(engine, name, |text: Text| base64_of(text.as_bytes())),
    },
    FunctionRow {
        name: "from_base64",
        signature: "from_base64(text: text) -> text",
        sentence: "The text whose UTF-8 bytes this Base64 holds. An error when it holds something else.",
        category: Category::Encoding,
        entra: None,
        examples: &[Example { script: r#"from_base64("w6k=")"#, result: r#""é""# }],
        register: |engine, name| one(engine, name, from_base64),
    },
    FunctionRow {
        name: "immutable_id",
        signature: "immutable_id(guid: text) -> text",
        sentence: "The onPremisesImmutableId that Entra Connect makes of an objectGUID: its bytes in Base64.",
        category: Category::Encoding,
        entra: None,
        examples: &[Example {
            script: r#"immutable_id("00112233-4455-6677-8899-aabbccddeeff")"#,
            result: r#""MyIRAFVEd2aImaq7zN3u/w==""#,
        }],
        register: |engine, name| one(engine, name, immutable_id),
    },
    FunctionRow {
        name: "bit_and",
        signature: "bit_and(a: int, b: int) -> int",
        sentence: "The bits that both numbers have.",
        category: Category::Encoding,
        entra: Some("BitAnd"),
        examples: &[
            Example { script: "bit_and(514, 2)", result: "2" },
            Example { script: "bit_and(0xF, 0xF7)", result: "7" },
        ],
        register: |engine, name| two(engine, name, |a: i64, b: i64| a & b),
    },
    FunctionRow {
        name: "c_bool",
        signature: "c_bool(value: any) -> bool",
        sentence: "true for true, \"true\" and any number but 0; false for false, \"false\", 0 and an empty value.",
        category: Category::Encoding,
        entra: Some("CBool"),
        examples: &[
            Example { script: "c_bool(5)", result: "true" },
            Example { script: r#"c_bool("False")"#, result: "false" },
        ],
        register: |engine, name| one(engine, name, c_bool),
    },
    FunctionRow {
        name: "c_str",
        signature: "c_str(value: any) -> text",
        sentence: "The value as text: numbers in digits, true as \"True\", dates as \"3/16/2020 7:00:00 AM\", `()` as the empty text.",
        category: Category::Encoding,
        entra: Some("CStr"),
        examples: &[
            Example { script: "c_str(42)", result: r#""42""# },
            Example { script: "c_str(true)", result: r#""True""# },
        ],
        register: |engine, name| one(engine, name, c_str),
    },
    FunctionRow {
        name: "c_num",
        signature: "c_num(text: text) -> int",
        sentence: "The whole number that the text writes.",
        category: Category::Encoding,
        entra: None,
        examples: &[Example { script: r#"c_num("0042")"#, result: "42" }],
        register: |engine, name| one(engine, name, |number: i64| number),
    },
    FunctionRow {
        name: "is_numeric",
        signature: "is_numeric(value: any) -> bool",
        sentence: "Whether the value is a whole number or a text that writes one.",
        category: Category::Encoding,
        entra: None,
        examples: &[
            Example { script: r#"is_numeric("42")"#, result: "true" },
            Example { script: r#"is_numeric("4x")"#, result: "false" },
        ],
        register: |engine, name| {
            one(engine, name, |value: Dynamic| super::call::argument::<i64>(1, value).is_ok());
        },
    },
    FunctionRow {
        name: "is_guid",
        signature: "is_guid(text: text) -> bool",
        sentence: "Whether the text is a GUID in its usual form, with or without braces.",
        category: Category::Encoding,
        entra: None,
        examples: &[Example {
            script: r#"is_guid("{26491cfc-9e50-4857-861b-0cb8df22b5d7}")"#,
            result: "true",
        }],
        register: |engine, name| one(engine, name, |text: Text| guid(&text).is_some()),
    },
];

fn base64_of(bytes: &[u8]) -> Answer<String> {
    limits::text(bytes.len().div_ceil(3).saturating_mul(4))?;
    Ok(STANDARD.encode(bytes))
}

fn convert_to_base64(text: Text) -> Answer<String> {
    limits::text(text.len().saturating_mul(2))?;
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    base64_of(&bytes)
}

fn convert_to_utf8_hex(text: Text) -> Answer<String> {
    limits::text(text.len().saturating_mul(2))?;
    let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let letters = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    Ok(letters.map(|letter| letter.to_ascii_uppercase()).collect())
}

fn from_base64(text: Text) -> Answer<String> {
    let refused =
        |reason: String| Fault::Value(format!("the text is not Base64 of UTF-8: {reason}"));
    let bytes = STANDARD.decode(text.as_bytes()).map_err(|error| refused(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| refused(error.to_string()))
}

/// The bytes of a GUID as Windows stores it: the first three groups with the low byte first.
fn guid(text: &str) -> Option<[u8; 16]> {
    let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let groups: Vec<&str> = bare.split('-').collect();
    if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
        return None;
    }
    if !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return None;
    }
    let mut bytes = u128::from_str_radix(&groups.concat(), 16).ok()?.to_be_bytes();
    for group in [0..4, 4..6, 6..8] {
        bytes.get_mut(group)?.reverse();
    }
    Some(bytes)
}

fn immutable_id(text: Text) -> Answer<String> {
    let bytes =
        guid(&text).ok_or_else(|| Fault::Value(format!("{:?} is not a GUID", text.as_str())))?;
    base64_of(&bytes)
}

fn c_bool(value: Dynamic) -> Answer<bool> {
    if let Ok(truth) = value.as_bool() {
        return Ok(truth);
    }
    if is_empty(&value) {
        return Ok(false);
    }
    if let Ok(number) = super::call::argument::<i64>(1, value.clone()) {
        return Ok(number != 0);
    }
    let text = value.as_immutable_string_ref().map(|text| text.to_lowercase()).unwrap_or_default();
    match text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::Argument {
            place: 1,
            wanted: "true, false or a number",
            got: describe(&value),
        }),
    }
}

pub(super) fn c_str(value: Dynamic) -> Answer<String> {
    if value.is_unit() {
        return Ok(String::new());
    }
    if let Ok(truth) = value.as_bool() {
        return Ok(if truth { "True" } else { "False" }.to_owned());
    }
    if let Some(moment) = value.read_lock::<Moment>() {
        return Ok(moment.to_string());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(text.to_string());
    }
    if value.is_int() || value.is_float() || value.is_char() {
        return Ok(value.to_string());
    }
    Err(Fault::Argument {
        place: 1,
        wanted: "a text, number, truth or date",
        got: describe(&value),
    })
}
