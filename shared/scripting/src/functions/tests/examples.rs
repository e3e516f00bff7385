//! Every row of the table: its examples run, its name is registered, its page is written.

use std::collections::BTreeSet;

use rhai::{Dynamic, Engine};

use super::{bare_engine, call, engine};
use crate::functions::{definitions, reference_markdown, rows};

fn evaluated(engine: &Engine, script: &str) -> Dynamic {
    engine.eval::<Dynamic>(script).unwrap_or_else(|error| panic!("{script}: {error}"))
}

#[test]
fn every_example_gives_the_result_that_its_row_states() {
    let engine = engine();
    for row in rows() {
        for example in row.examples {
            let got = evaluated(&engine, example.script);
            let expected = evaluated(&engine, example.result);
            assert_eq!(format!("{got:?}"), format!("{expected:?}"), "{}", example.script);
            assert!(
                example.script.contains(row.name),
                "{} does not show {}",
                example.script,
                row.name
            );
        }
    }
}

#[test]
fn every_row_has_a_name_of_its_own_a_signature_and_an_example() {
    let mut names = BTreeSet::new();
    for row in rows() {
        assert!(names.insert(row.name), "{} has two rows", row.name);
        assert!(row.signature.starts_with(&format!("{}(", row.name)), "{}", row.signature);
        assert!(row.signature.contains(") -> "), "{}", row.signature);
        assert!(row.sentence.ends_with('.'), "{}: {}", row.name, row.sentence);
        let ends_the_call = matches!(row.name, "park" | "skip");
        assert_eq!(row.examples.is_empty(), ends_the_call, "{}", row.name);
    }
    assert!(names.len() > 80, "{} functions", names.len());
}

#[test]
fn a_function_takes_the_numbers_of_arguments_that_its_signature_states() {
    let knows = |engine: &Engine, name: &str, count: usize| {
        let arguments = vec![Dynamic::from("no such value"); count];
        let answer = call(engine, name, arguments);
        !answer.is_err_and(|error| error.contains("Function not found"))
    };
    let (engine, bare) = (engine(), bare_engine());
    for row in rows() {
        let (least, most) = row.arity();
        assert!(least <= most, "{}", row.signature);
        for count in 0..=most + 1 {
            let expected = (least..=most).contains(&count) || knows(&bare, row.name, count);
            assert_eq!(knows(&engine, row.name, count), expected, "{} with {count}", row.signature);
        }
    }
}

#[test]
fn the_reference_and_the_definitions_name_every_function_once() {
    let page = reference_markdown();
    let definitions = definitions();
    for row in rows() {
        assert_eq!(page.matches(&format!("\n### {}\n", row.name)).count(), 1, "{}", row.name);
        assert!(definitions.contains(&format!("\nfn {}(", row.name)), "{}", row.name);
    }
}
