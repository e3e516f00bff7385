//! Values that no other object may hold. The script names its wishes in order; the host looks them up.

use rhai::{Array, Dynamic};

use super::call::{Answer, one, three, two};
use super::candidates::Candidates;
use super::fault::Fault;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "candidates",
        signature: "candidates(values: list) -> candidates",
        sentence: "Values of which the first free one is taken: texts, records of attributes that change together, and `numbered` ones. Empty texts are left out.",
        category: Category::Uniqueness,
        entra: Some("SelectUniqueValue"),
        examples: &[
            Example {
                script: r#"candidates(["anna@x.com", "", "a.munoz@x.com"]).to_string()"#,
                result: r#""anna@x.com, a.munoz@x.com""#,
            },
            Example {
                script: r#"candidates(["anna@x.com", numbered("anna@x.com", 2, 99)]).count"#,
                result: "99",
            },
        ],
        register: |engine, name| one(engine, name, candidates),
    },
    FunctionRow {
        name: "select_unique_value",
        signature: "select_unique_value(first: any, second?: any, third?: any) -> candidates",
        sentence: "The same as `candidates`, under Entra's name: a list, or up to three values.",
        category: Category::Uniqueness,
        entra: Some("SelectUniqueValue"),
        examples: &[Example {
            script: r#"select_unique_value("John.Smith", "J.Smith").to_string()"#,
            result: r#""John.Smith, J.Smith""#,
        }],
        register: |engine, name| {
            one(engine, name, candidates);
            two(engine, name, |a: Dynamic, b: Dynamic| candidates(vec![a, b]));
            three(engine, name, |a: Dynamic, b: Dynamic, c: Dynamic| candidates(vec![a, b, c]));
        },
    },
    FunctionRow {
        name: "numbered",
        signature: "numbered(base: any, from: int, to: int) -> candidates",
        sentence: "A text or record with each number in turn, where `{n}` stands, else before the `@`, else at the end.",
        category: Category::Uniqueness,
        entra: None,
        examples: &[
            Example {
                script: r#"numbered("anna@x.com", 2, 3).to_string()"#,
                result: r#""anna2@x.com, anna3@x.com""#,
            },
            Example {
                script: r#"numbered("anna-{n}@x.com", 1, 1).to_string()"#,
                result: r#""anna-1@x.com""#,
            },
        ],
        register: |engine, name| {
            three(engine, name, |base: Dynamic, from, to| {
                some(Candidates::numbered(base, from, to)?)
            });
        },
    },
];

fn candidates(values: Array) -> Answer<Dynamic> {
    some(Candidates::read(values)?)
}

/// Without a value there is nothing to choose from: the attribute would stay without one, silently.
fn some(candidates: Candidates) -> Answer<Dynamic> {
    if candidates.rules().is_empty() {
        return Err(Fault::Value("no value is left: each of them is empty".to_owned()));
    }
    Ok(Dynamic::from(candidates))
}
