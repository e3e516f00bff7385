//! Lists of values, such as the values of a multi-valued attribute.

use rhai::{Array, Dynamic, Map};

use super::call::{Answer, Text, argument, elements, one, two};
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "join",
        signature: "join(separator: text, values: list) -> text",
        sentence: "The values with the separator between them. Empty texts and `()` are left out together with their separator; lists inside are joined in order.",
        category: Category::Lists,
        entra: Some("Join"),
        examples: &[
            Example { script: r#"join(", ", ["", "Doe", "John"])"#, result: r#""Doe, John""# },
            Example { script: r#"join(";", [["a", "b"], (), "z"])"#, result: r#""a;b;z""# },
        ],
        register: |engine, name| two(engine, name, join),
    },
    FunctionRow {
        name: "count",
        signature: "count(values: list) -> int",
        sentence: "How many values the list has.",
        category: Category::Lists,
        entra: Some("Count"),
        examples: &[
            Example { script: r#"count(["a", "b"])"#, result: "2" },
            Example { script: "count(())", result: "0" },
        ],
        register: |engine, name| one(engine, name, count),
    },
    FunctionRow {
        name: "item",
        signature: "item(values: list, place: int) -> any",
        sentence: "The value at a place. The first place is 1. An error when there is no such place.",
        category: Category::Lists,
        entra: Some("Item"),
        examples: &[Example { script: r#"item(["a", "b"], 2)"#, result: r#""b""# }],
        register: |engine, name| two(engine, name, item),
    },
    FunctionRow {
        name: "item_or_null",
        signature: "item_or_null(values: list, place: int) -> any",
        sentence: "The value at a place, counted from 1, or `()` when there is no such place.",
        category: Category::Lists,
        entra: None,
        examples: &[Example { script: r#"item_or_null(["a"], 2) ?? "none""#, result: r#""none""# }],
        register: |engine, name| {
            two(engine, name, |list: Array, place| at(&list, place).unwrap_or_default());
        },
    },
    FunctionRow {
        name: "remove_duplicates",
        signature: "remove_duplicates(values: list) -> list",
        sentence: "The list with the first of equal texts alone, in order. Case matters: SMTP: and smtp: mean different things.",
        category: Category::Lists,
        entra: Some("RemoveDuplicates"),
        examples: &[Example {
            script: r#"remove_duplicates(["a", "b", "a", "A"])"#,
            result: r#"["a", "b", "A"]"#,
        }],
        register: |engine, name| one(engine, name, |list| remove_duplicates(list, str::to_owned)),
    },
    FunctionRow {
        name: "remove_duplicates_ignore_case",
        signature: "remove_duplicates_ignore_case(values: list) -> list",
        sentence: "The list with the first of texts alone that differ in case only, in order.",
        category: Category::Lists,
        entra: None,
        examples: &[Example {
            script: r#"remove_duplicates_ignore_case(["a", "b", "A"])"#,
            result: r#"["a", "b"]"#,
        }],
        register: |engine, name| {
            one(engine, name, |list| remove_duplicates(list, str::to_lowercase));
        },
    },
    FunctionRow {
        name: "without_empty",
        signature: "without_empty(values: list) -> list",
        sentence: "The list without `()`, empty texts and empty lists.",
        category: Category::Lists,
        entra: None,
        examples: &[Example { script: r#"without_empty(["a", "", ()])"#, result: r#"["a"]"# }],
        register: |engine, name| {
            one(engine, name, |mut list: Array| {
                list.retain(|value| !super::call::is_empty(value));
                list
            });
        },
    },
    FunctionRow {
        name: "single_app_role_assignment",
        signature: "single_app_role_assignment(roles: list) -> text",
        sentence: "The one app role of a user. `()` for none, an error for several: Entra leaves that case undefined.",
        category: Category::Lists,
        entra: Some("SingleAppRoleAssignment"),
        examples: &[Example {
            script: r#"single_app_role_assignment(["Admin"])"#,
            result: r#""Admin""#,
        }],
        register: |engine, name| one(engine, name, single_app_role_assignment),
    },
    FunctionRow {
        name: "app_role_assignments_complex",
        signature: "app_role_assignments_complex(roles: list) -> list",
        sentence: "One record `#{ value: role }` for each app role, for a target that takes records.",
        category: Category::Lists,
        entra: Some("AppRoleAssignmentsComplex"),
        examples: &[Example {
            script: r#"app_role_assignments_complex(["Admin"])"#,
            result: r#"[#{ value: "Admin" }]"#,
        }],
        register: |engine, name| one(engine, name, app_role_assignments_complex),
    },
];

fn join(separator: Text, values: Dynamic) -> Answer<String> {
    let mut joined = Joined { separator, text: String::new(), begun: false };
    joined.add(values, 0)?;
    Ok(joined.text)
}

/// The texts so far, with separators between them.
struct Joined {
    separator: Text,
    text: String,
    begun: bool,
}

impl Joined {
    /// Adds the texts of a value and of the lists in it, in order, without empty ones.
    fn add(&mut self, value: Dynamic, depth: usize) -> Answer<()> {
        const DEEPEST: usize = 8;
        if depth > DEEPEST {
            return Err(Fault::Value(format!("the lists are more than {DEEPEST} deep")));
        }
        match value.flatten().try_cast_result::<Array>() {
            Ok(list) => list.into_iter().try_for_each(|value| self.add(value, depth + 1)),
            Err(value) => {
                let part = super::encoding::c_str(value)?;
                if part.is_empty() {
                    return Ok(());
                }
                let gap = if self.begun { self.separator.as_str() } else { "" };
                let size = self.text.len().saturating_add(gap.len()).saturating_add(part.len());
                limits::text(size)?;
                self.text.push_str(gap);
                self.text.push_str(&part);
                self.begun = true;
                Ok(())
            }
        }
    }
}

fn count(values: Array) -> i64 {
    i64::try_from(values.len()).unwrap_or(i64::MAX)
}

fn at(list: &Array, place: i64) -> Option<Dynamic> {
    let index = usize::try_from(place).ok()?.checked_sub(1)?;
    list.get(index).cloned()
}

fn item(list: Array, place: i64) -> Answer<Dynamic> {
    at(&list, place).ok_or_else(|| {
        Fault::Value(format!(
            "there is no place {place} in a list of {}: places start at 1",
            list.len()
        ))
    })
}

fn remove_duplicates(list: Array, same: fn(&str) -> String) -> Answer<Array> {
    let mut seen = std::collections::BTreeSet::new();
    let mut texts = elements::<Text>(list)?;
    texts.retain(|text| seen.insert(same(text)));
    Ok(texts.into_iter().map(Into::into).collect())
}

fn single_app_role_assignment(roles: Array) -> Answer<Option<String>> {
    match roles.as_slice() {
        [] => Ok(None),
        [role] => Ok(Some(argument::<Text>(1, role.clone())?.to_string())),
        several => Err(Fault::Value(format!("the user has {} app roles, not one", several.len()))),
    }
}

fn app_role_assignments_complex(roles: Array) -> Answer<Array> {
    let record = |role: Text| Map::from([("value".into(), role.into())]).into();
    Ok(elements::<Text>(roles)?.into_iter().map(record).collect())
}
