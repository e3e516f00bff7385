//! Choosing between values.

use rhai::{Array, Dynamic, Map};

use super::call::{Answer, four, is_empty, one, three, two};
use super::row::{Category, Example, FunctionRow};
use super::values::Keep;

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "iif",
        signature: "iif(condition: bool, yes: any, no: any) -> any",
        sentence: "`yes` when the condition holds, else `no`. Both are worked out; `if … { } else { }` works out one.",
        category: Category::Conditions,
        entra: Some("IIF"),
        examples: &[Example { script: r#"iif(1 < 2, "yes", "no")"#, result: r#""yes""# }],
        register: |engine, name| {
            three(
                engine,
                name,
                |condition, yes: Dynamic, no: Dynamic| if condition { yes } else { no },
            );
        },
    },
    FunctionRow {
        name: "switch_of",
        signature: "switch_of(value: any, cases: map, default?: any) -> any",
        sentence: "The value of the key that equals `value`, else the default, else `()`. Case matters. The key \"\" stands for an empty value.",
        category: Category::Conditions,
        entra: Some("Switch"),
        examples: &[
            Example {
                script: r#"switch_of("QLD", #{ NSW: "Sydney", QLD: "Brisbane" }, "?")"#,
                result: r#""Brisbane""#,
            },
            Example { script: r#"switch_of((), #{ "": "none" }, "?")"#, result: r#""none""# },
        ],
        register: |engine, name| {
            two(engine, name, |value, cases| switch_of(value, cases, Dynamic::UNIT));
            three(engine, name, switch_of);
        },
    },
    FunctionRow {
        name: "coalesce",
        signature: "coalesce(first: any, second?: any, third?: any, fourth?: any) -> any",
        sentence: "The first value that is not `()`. The empty text counts as a value. A list as the only argument is searched. `a ?? b` does the same for two.",
        category: Category::Conditions,
        entra: Some("Coalesce"),
        examples: &[
            Example { script: r#"coalesce((), "b", "c")"#, result: r#""b""# },
            Example { script: r#"coalesce([(), "", "c"])"#, result: r#""""# },
        ],
        register: |engine, name| {
            one(engine, name, |list: Array| first_value(list));
            two(engine, name, |a: Dynamic, b: Dynamic| first_value([a, b]));
            three(engine, name, |a: Dynamic, b: Dynamic, c: Dynamic| first_value([a, b, c]));
            four(engine, name, |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| {
                first_value([a, b, c, d])
            });
        },
    },
    FunctionRow {
        name: "if_empty",
        signature: "if_empty(value: any, default: any) -> any",
        sentence: "The value, or the default when it is `()`, the empty text or the empty list.",
        category: Category::Conditions,
        entra: None,
        examples: &[Example { script: r#"if_empty("", "unknown")"#, result: r#""unknown""# }],
        register: |engine, name| {
            two(
                engine,
                name,
                |value: Dynamic, default: Dynamic| if is_empty(&value) { default } else { value },
            );
        },
    },
    FunctionRow {
        name: "null_if_empty",
        signature: "null_if_empty(value: any) -> any",
        sentence: "The value, or `()` when it is the empty text or the empty list.",
        category: Category::Conditions,
        entra: None,
        examples: &[Example { script: r#"null_if_empty("") ?? "none""#, result: r#""none""# }],
        register: |engine, name| {
            one(
                engine,
                name,
                |value: Dynamic| if is_empty(&value) { Dynamic::UNIT } else { value },
            );
        },
    },
    FunctionRow {
        name: "is_null",
        signature: "is_null(value: any) -> bool",
        sentence: "Whether the value is `()`.",
        category: Category::Conditions,
        entra: Some("IsNull"),
        examples: &[
            Example { script: "is_null(())", result: "true" },
            Example { script: r#"is_null("")"#, result: "false" },
        ],
        register: |engine, name| one(engine, name, |value: Dynamic| value.is_unit()),
    },
    FunctionRow {
        name: "is_null_or_empty",
        signature: "is_null_or_empty(value: any) -> bool",
        sentence: "Whether the value is `()`, the empty text or the empty list.",
        category: Category::Conditions,
        entra: Some("IsNullOrEmpty"),
        examples: &[Example { script: r#"is_null_or_empty("")"#, result: "true" }],
        register: |engine, name| one(engine, name, |value: Dynamic| is_empty(&value)),
    },
    FunctionRow {
        name: "is_present",
        signature: "is_present(value: any) -> bool",
        sentence: "Whether the value is neither `()` nor the empty text nor the empty list.",
        category: Category::Conditions,
        entra: Some("IsPresent"),
        examples: &[Example { script: r#"is_present("x")"#, result: "true" }],
        register: |engine, name| one(engine, name, |value: Dynamic| !is_empty(&value)),
    },
    FunctionRow {
        name: "is_string",
        signature: "is_string(value: any) -> bool",
        sentence: "Whether the value is a text.",
        category: Category::Conditions,
        entra: Some("IsString"),
        examples: &[
            Example { script: r#"is_string("abc")"#, result: "true" },
            Example { script: "is_string(5)", result: "false" },
        ],
        register: |engine, name| one(engine, name, |value: Dynamic| value.is_string()),
    },
    FunctionRow {
        name: "is_not_true",
        signature: "is_not_true(value: any) -> bool",
        sentence: "false for true and \"True\", true for anything else, as Entra's Not. `!` turns a truth around.",
        category: Category::Conditions,
        entra: Some("Not"),
        examples: &[
            Example { script: r#"is_not_true("True")"#, result: "false" },
            Example { script: r#"is_not_true("banana")"#, result: "true" },
        ],
        register: |engine, name| one(engine, name, is_not_true),
    },
    FunctionRow {
        name: "ignore_flow_if_null_or_empty",
        signature: "ignore_flow_if_null_or_empty(value: any) -> any",
        sentence: "The value; for an empty one a mark that leaves the attribute of the target as it is. To clear the attribute is something else.",
        category: Category::Conditions,
        entra: Some("IgnoreFlowIfNullOrEmpty"),
        examples: &[
            Example { script: r#"ignore_flow_if_null_or_empty("Sales")"#, result: r#""Sales""# },
            Example { script: r#"type_of(ignore_flow_if_null_or_empty(""))"#, result: r#""keep""# },
        ],
        register: |engine, name| {
            one(
                engine,
                name,
                |value: Dynamic| if is_empty(&value) { Dynamic::from(Keep) } else { value },
            );
        },
    },
];

fn first_value(values: impl IntoIterator<Item = Dynamic>) -> Dynamic {
    values.into_iter().find(|value| !value.is_unit()).unwrap_or_default()
}

fn switch_of(value: Dynamic, cases: Map, default: Dynamic) -> Answer<Dynamic> {
    let key = super::encoding::c_str(value)?;
    Ok(cases.get(key.as_str()).cloned().unwrap_or(default))
}

fn is_not_true(value: Dynamic) -> bool {
    if let Ok(truth) = value.as_bool() {
        return !truth;
    }
    !value.as_immutable_string_ref().is_ok_and(|text| text.as_str() == "True")
}
