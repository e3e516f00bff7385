//! Errors inside the closures that list and map functions ask: they end the script, always.

use scripting::{Code, ScriptError};

use crate::support::map;

/// Every function that takes a closure, with `ASK` for the closure's body, and whether it takes the
/// closure's answer for yes or no, or for an order; the others take any value.
const FUNCTIONS: [(&str, Wants); 25] = [
    ("[2, 1].map(|a| ASK)", Wants::Anything),
    ("[2, 1].for_each(|a| ASK)", Wants::Anything),
    ("[2, 1].filter(|a| ASK)", Wants::Bool),
    ("[2, 1].find(|a| ASK)", Wants::Bool),
    ("[2, 1].find(|a| ASK, 1)", Wants::Bool),
    ("[2, 1].find_map(|a| ASK)", Wants::Anything),
    ("[2, 1].find_map(|a| ASK, 1)", Wants::Anything),
    ("[2, 1].index_of(|a| ASK)", Wants::Bool),
    ("[2, 1].index_of(|a| ASK, -1)", Wants::Bool),
    ("[2, 1].some(|a| ASK)", Wants::Bool),
    ("[2, 1].all(|a| ASK)", Wants::Bool),
    ("[2, 1].reduce(|a, b| ASK)", Wants::Anything),
    ("[2, 1].reduce(|a, b| ASK, 0)", Wants::Anything),
    ("[2, 1].reduce_rev(|a, b| ASK)", Wants::Anything),
    ("[2, 1].reduce_rev(|a, b| ASK, 0)", Wants::Anything),
    ("[2, 1].sort(|a, b| ASK)", Wants::Order),
    ("[2, 1].order(|a, b| ASK)", Wants::Order),
    ("[2, 1].dedup(|a, b| ASK)", Wants::Bool),
    ("[2, 1].drain(|a| ASK)", Wants::Bool),
    ("[2, 1].retain(|a| ASK)", Wants::Bool),
    ("#{ k: 2 }.map(|a, b| ASK)", Wants::Anything),
    ("#{ k: 2 }.filter(|a, b| ASK)", Wants::Bool),
    ("#{ k: 2 }.drain(|a, b| ASK)", Wants::Bool),
    ("#{ k: 2 }.retain(|a, b| ASK)", Wants::Bool),
    ("[2, 1].filter(|a, place| ASK)", Wants::Bool),
];

#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Anything,
    Bool,
    Order,
}

fn ends(call: &str, ask: &str) -> Result<(), ScriptError> {
    let call = call.replace("ASK", &format!("{{ {ask} }}"));
    let body = format!("let map = #{{}};\n{call};\ntarget.city = \"Oslo\";");
    let again = "fn deep(n) { deep(n + 1) }";
    map(&format!("{again}\nfn map_user(source, target, ctx) {{ {body} }}")).map(|_| ())
}

#[test]
fn an_error_in_a_closure_ends_the_script_with_its_code_and_line() {
    for (call, _) in FUNCTIONS {
        for (ask, code) in [
            ("target.usageLocation = \"Germany\"; 0", Code::R002),
            ("throw \"no\"", Code::R005),
            ("1 / 0", Code::R001),
            ("#{}.missing", Code::R001),
            ("deep(0)", Code::R014),
            ("target[\"no\" + \"such\"]", Code::R003),
            ("\"a\" - 1", Code::R007),
            ("loop { }", Code::R012),
        ] {
            let error = ends(call, ask).expect_err(call);
            let line = if code == Code::R014 { Some(3) } else { Some(5) };
            let found = (error.code(), error.diagnostic.line);
            assert_eq!(found, (code, line), "{call} with {ask}: {error}");
        }
    }
}

#[test]
fn an_answer_of_the_wrong_type_is_an_error() {
    for (call, wants) in FUNCTIONS {
        for (ask, fits) in [
            ("true", Wants::Bool),
            ("0", Wants::Order),
            ("0.5", Wants::Anything),
            ("()", Wants::Anything),
            ("\"yes\"", Wants::Anything),
        ] {
            let good = wants == Wants::Anything || wants == fits;
            match ends(call, ask) {
                Ok(()) => assert!(good, "{call} takes {ask}"),
                Err(error) => {
                    assert!(!good, "{call} refuses {ask}: {error}");
                    assert_eq!((error.code(), error.diagnostic.line), (Code::R001, Some(5)));
                    assert!(error.diagnostic.message.contains("the closure of"), "{error}");
                }
            }
        }
    }
}

#[test]
fn the_functions_that_ask_a_closure_do_what_the_reference_says() {
    for (expression, result) in [
        ("[1, 2, 3, 4].filter(|n| n % 2 == 0)", "[2, 4]"),
        ("[5, 6, 7].filter(|n, place| place != 1)", "[5, 7]"),
        ("[5, 6].filter(|| this == 6)", "[6]"),
        ("[1, 2, 3].find(|n| n > 1)", "2"),
        ("[1, 2, 3].find(|n| n > 9) ?? \"none\"", "none"),
        ("[3, 2, 3].find(|n| n > 2, -2)", "3"),
        ("[1, 2, 3].index_of(|n| n > 1)", "1"),
        ("[9, 2, 3].index_of(|n| n > 2, 1)", "2"),
        ("[9].index_of(|n| n > 2, 5)", "-1"),
        ("[].some(|n| n)", "false"),
        ("[].all(|n| n)", "true"),
        ("[1, 2].some(|n| n == 2)", "true"),
        ("[1, 2].all(|n| n == 2)", "false"),
        ("[3, 1, 2, 1].order(|a, b| a - b)", "[1, 1, 2, 3]"),
        ("[\"b1\", \"a1\", \"b0\"].order(|a, b| 0)", "[\"b1\", \"a1\", \"b0\"]"),
        ("{ let l = [3, 1, 2]; l.sort(|a, b| b - a); l }", "[3, 2, 1]"),
        ("{ let l = [1, 1, 2, 1]; l.dedup(|a, b| a == b); l }", "[1, 2, 1]"),
        ("{ let l = [1, 2, 3]; let out = l.drain(|n| n > 1); `${l} ${out}` }", "[1] [2, 3]"),
        ("{ let l = [1, 2, 3]; let out = l.retain(|n| n > 1); `${l} ${out}` }", "[2, 3] [1]"),
        ("#{ a: 1, b: 2 }.filter(|key, n| n > 1).keys()", "[\"b\"]"),
        ("{ let m = #{ a: 1, b: 2 }; m.retain(|key, n| key == \"a\"); m.keys() }", "[\"a\"]"),
    ] {
        let text = format!(
            "const LIST = [1];\nfn map_user(source, target, ctx) {{ let r = {expression}; \
             target.city = `${{r}}`; global::LIST.filter(|n| n == 1); }}"
        );
        let patch = map(&text).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(patch.text("city"), Some(result), "{expression}");
    }
}
