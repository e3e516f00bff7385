//! Entra's provisioning expressions: the documented cases, evaluated by calling the functions of the table.
//!
//! The cases are facts about another product and are kept beside the checkout. Without them the test fails, unless
//! `CROSSWAVE_ALLOW_MISSING_FACTS=1` says that this is meant.

use std::path::PathBuf;

use rhai::{Array, Dynamic, Engine, Map};
use serde_json::Value;

use super::grammar::{Expression, parse};
use super::{call, engine};
use crate::functions::{Candidate, Candidates, Keep, Moment, Secret, rows};

/// Cases that are not compared, by the beginning of their expression, with the reason.
const EXCLUDED: &[(&str, &str)] = &[
    ("Guid()", "random: a script gives the same answer for the same input"),
    ("RandomString(6", "random: passwords are the product's own work"),
    ("RandomString(10", "random: passwords are the product's own work"),
    (
        "AppRoleAssignmentsComplex(",
        "the page states neither input nor output, so there is nothing to compare",
    ),
    (
        "IIF([country]=\"\",\"Other\"",
        "Entra refuses a condition on an empty attribute; ours compares it and gives the answer that was meant",
    ),
];

/// What an expression evaluates to, or that the call failed.
type Evaluated = Result<Dynamic, String>;

struct Case<'a> {
    engine: &'a Engine,
    inputs: &'a serde_json::Map<String, Value>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's own switches; there is no edge to read them at"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn cases() -> Option<Vec<Value>> {
    let beside =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/entra-expression-cases.json");
    let path =
        setting("CROSSWAVE_ENTRA_CASES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) if setting("CROSSWAVE_ALLOW_MISSING_FACTS").as_deref() == Some("1") => None,
        Err(error) => panic!(
            "the cases of Entra's expressions are missing: {}: {error}. Name the file in CROSSWAVE_ENTRA_CASES, or \
             set CROSSWAVE_ALLOW_MISSING_FACTS=1 to go without this test",
            path.display()
        ),
    }
}

/// Issue 3, point 3: the helper functions equal Entra's.
#[test]
fn the_functions_equal_entras_in_every_documented_case() {
    let Some(cases) = cases() else { return };
    let engine = engine();
    let mut excluded = vec![0_usize; EXCLUDED.len()];
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in &cases {
        let text = case["expression"].as_str().unwrap();
        if let Some(index) = EXCLUDED.iter().position(|(start, _)| text.starts_with(start)) {
            excluded[index] += 1;
            continue;
        }
        compared += 1;
        let inputs = case["inputs"].as_object().unwrap();
        let expression = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let got = Case { engine: &engine, inputs }.evaluate(&expression);
        let expected = &case["expected"];
        if !agrees(&got, expected, inputs) {
            wrong.push(format!("{text} with {inputs:?}: expected {expected}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cases.len(), 223);
    assert_eq!(excluded, vec![1; EXCLUDED.len()], "each exclusion is one case");
}

/// Each function of the page has a row, or a reason to have none.
#[test]
fn every_function_of_entras_page_has_a_row() {
    let Some(cases) = cases() else { return };
    let left_out = ["Guid", "RandomString", "Now", "(syntax)"];
    for case in &cases {
        let name = case["function"].as_str().unwrap();
        let has_row = rows().any(|row| row.entra == Some(name));
        assert_eq!(has_row, !left_out.contains(&name), "{name}");
    }
}

impl Case<'_> {
    fn evaluate(&self, expression: &Expression) -> Evaluated {
        match expression {
            Expression::Empty => Ok(Dynamic::UNIT),
            Expression::Attribute(name) => Ok(value(self.inputs.get(name).unwrap_or(&Value::Null))),
            Expression::Text(text) => Ok(text.clone().into()),
            Expression::Number(number) => Ok((*number).into()),
            Expression::Word(word) if word == "NULL" => Ok(Dynamic::UNIT),
            Expression::Word(word) => Ok(word.clone().into()),
            Expression::Compare(left, operator, right) => self.compare(left, operator, right),
            Expression::Call(name, arguments) => {
                let values = arguments
                    .iter()
                    .map(|argument| self.evaluate(argument))
                    .collect::<Result<_, _>>()?;
                self.call(name, values)
            }
        }
    }

    /// Entra compares a number in a text with a number as numbers.
    fn compare(&self, left: &Expression, operator: &str, right: &Expression) -> Evaluated {
        let mut left = self.evaluate(left)?;
        let mut right = self.evaluate(right)?;
        if left.is_int() || right.is_int() {
            left = call(self.engine, "c_num", vec![left])?;
            right = call(self.engine, "c_num", vec![right])?;
        }
        let operator = match operator {
            "=" => "==",
            "<>" => "!=",
            other => other,
        };
        let mut scope = rhai::Scope::new();
        scope.push_dynamic("a", left).push_dynamic("b", right);
        let script = format!("a {operator} b");
        self.engine
            .eval_expression_with_scope(&mut scope, &script)
            .map_err(|error| error.to_string())
    }

    /// Calls the function of the table that equals Entra's, with the arguments in its own order.
    fn call(&self, name: &str, arguments: Vec<Dynamic>) -> Evaluated {
        let ours = |name: &str, arguments: Vec<Dynamic>| call(self.engine, name, arguments);
        let mut values = arguments.clone().into_iter();
        let mut next = || values.next().unwrap_or_default();
        match name {
            "Join" => {
                let separator = next();
                ours("join", vec![separator, values.collect::<Array>().into()])
            }
            "Coalesce" | "SelectUniqueValue" => ours(row_of(name), vec![Dynamic::from(arguments)]),
            "Switch" => {
                let (source, default) = (next(), next());
                let mut map = Map::new();
                while let Some(key) = values.next() {
                    map.insert(key.into_string()?.into(), values.next().unwrap_or_default());
                }
                ours("switch_of", vec![source, map.into(), default])
            }
            "FormatDateTime" => {
                let (source, _styles, from, to) = (next(), next(), next(), next());
                ours("format_date_time", vec![source, from, to])
            }
            "Replace" => self.replace(&arguments),
            "Now" => Ok(Dynamic::from(value(&self.inputs["$now"])))
                .and_then(|now| ours("c_date", vec![now])),
            other => ours(row_of(other), arguments),
        }
    }

    /// Entra's Replace does one of five things, by which of its seven arguments are there.
    fn replace(&self, arguments: &[Dynamic]) -> Evaluated {
        let at = |index: usize| arguments.get(index).cloned().unwrap_or_default();
        let is_there = |index: usize| !at(index).is_unit();
        let (source, old, pattern, group, new, attribute, template) =
            (at(0), at(1), at(2), at(3), at(4), at(5), at(6));
        let (name, arguments) = if is_there(6) {
            ("replace", vec![template, old, source])
        } else if is_there(1) {
            ("replace", vec![source, old, new])
        } else if is_there(5) {
            if call(self.engine, "is_present", vec![source.clone()])?.as_bool()? {
                return Ok(source);
            }
            ("extract", vec![attribute, pattern, group])
        } else if is_there(3) {
            ("replace_group", vec![source, pattern, group, new])
        } else {
            ("replace_re", vec![source, pattern, new])
        };
        call(self.engine, name, arguments)
    }
}

/// The name of our function that equals Entra's.
fn row_of(entra: &str) -> &'static str {
    rows().find(|row| row.entra == Some(entra)).unwrap_or_else(|| panic!("{entra} has no row")).name
}

fn value(json: &Value) -> Dynamic {
    match json {
        Value::Array(list) => list.iter().map(value).collect::<Array>().into(),
        Value::String(text) => text.clone().into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => number.as_i64().unwrap().into(),
        _ => Dynamic::UNIT,
    }
}

fn agrees(got: &Evaluated, expected: &Value, inputs: &serde_json::Map<String, Value>) -> bool {
    if expected.get("$error").is_some() {
        return got
            .as_ref()
            .map_or(true, |got| first_free(got, inputs).is_none() && got.is::<Candidates>());
    }
    let Ok(got) = got else { return false };
    if expected.get("$ignore").is_some() {
        return got.is::<Keep>();
    }
    if got.is::<Candidates>() {
        return first_free(got, inputs).as_deref() == expected.as_str();
    }
    if let Some(moment) = got.clone().try_cast::<Moment>() {
        return Some(moment.to_string().as_str()) == expected.as_str();
    }
    if let Some(secret) = got.clone().try_cast::<Secret>() {
        return format!("{:?}", secret.expose()) == format!("{:?}", value(expected));
    }
    format!("{got:?}") == format!("{:?}", value(expected))
}

/// What the host does with candidates: the first that is not in the target.
fn first_free(got: &Dynamic, inputs: &serde_json::Map<String, Value>) -> Option<String> {
    let taken = inputs.get("$existing")?.as_array()?;
    let candidates = got.clone().try_cast::<Candidates>()?;
    candidates.iter().find_map(|candidate| match candidate {
        Candidate::Text(text) if !taken.iter().any(|taken| taken == text.as_str()) => Some(text),
        _ => None,
    })
}
