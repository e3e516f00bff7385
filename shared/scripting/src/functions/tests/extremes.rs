//! Every function, called with the worst values: no panic, and no result above the limits.
//!
//! A call that loops without end or works for seconds would show as a test that does not end: the values are chosen so
//! that each bound on size and work is met.

use rhai::{Array, Dynamic, Map};

use super::{call, engine};
use crate::functions::limits::{LIST_ITEMS, TEXT_BYTES};
use crate::functions::{Candidates, Keep, Moment, Secret, Table, TableLimits, rows};

/// How many calls a function of three or more arguments gets for each number of arguments.
const SAMPLES: usize = 400;

fn worst() -> Vec<Dynamic> {
    let long = |letter: &str| letter.repeat(TEXT_BYTES / letter.len());
    let texts = [
        String::new(),
        " ".to_owned(),
        "a".to_owned(),
        "é".to_owned(),
        "e\u{301}\u{301}".to_owned(),
        "\u{202e}\u{0}\u{feff}".to_owned(),
        "👩‍👩‍👧".to_owned(),
        long("a"),
        long("ä"),
        long("\u{301}"),
        long("Щ"),
        long("&"),
        long("{n}"),
        long("a@"),
        long("\n"),
        "[ab]*a[ab]{200}c".to_owned(),
        "(a*)*(b|$)".to_owned(),
        "((((((a{9}){9}){9}){9}){9}){9})".to_owned(),
        "\u{10ffff}".to_owned(),
        "(?<x>".to_owned(),
        "$$${x}$0${".to_owned(),
        "{a}{{".to_owned(),
        "}".to_owned(),
        "x:y@z@".to_owned(),
        "k,v\n1,2".to_owned(),
        "9999-12-31T23:59:59.9999999-14:00".to_owned(),
        "0001-01-01T00:00:00+14:00".to_owned(),
        "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy fffffffffffff K".to_owned(),
        "Europe/Berlin".to_owned(),
        "yyyy".to_owned(),
        "de".to_owned(),
        "-9223372036854775808".to_owned(),
        "99999999999999999999".to_owned(),
    ];
    let mut nested = Dynamic::from("deep");
    for _ in 0..30 {
        nested = Dynamic::from_array(vec![nested]);
    }
    let many: Array = (0..LIST_ITEMS).map(|index| format!("smtp:{index}@x.com").into()).collect();
    // The copies share their bytes: what is made of them would not.
    let longs: Array = vec![long("a@").into(); LIST_ITEMS];
    let map = Map::from([("a".into(), long("<").into()), ("é".into(), long("ß").into())]);
    let table = Table::parse("t", "k,v\n1,2", TableLimits::default()).unwrap();
    let mut values: Vec<Dynamic> = texts.into_iter().map(Dynamic::from).collect();
    values.extend([i64::MIN, i64::MAX, -1, 0, 1, 7, 1 << 32, 1 << 56].map(Dynamic::from));
    values.extend([f64::NAN, f64::INFINITY, -0.0, 1e300].map(Dynamic::from));
    values.extend([Dynamic::UNIT, true.into(), '💥'.into(), nested, many.into(), longs.into()]);
    values.extend([map.into(), Map::new().into(), Array::new().into(), Dynamic::from(table)]);
    values.extend([Dynamic::from(Keep), Dynamic::from(Secret::new("x".into()))]);
    values.push(Dynamic::from(Moment::new(jiff::Timestamp::MAX)));
    values
}

/// A linear congruential generator: the same calls in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// The bytes and elements of a result, with everything inside it.
fn assert_in_limits(value: &Dynamic, what: &str) {
    if let Ok(text) = value.as_immutable_string_ref() {
        assert!(text.len() <= TEXT_BYTES, "{what}: {} bytes", text.len());
    }
    if let Ok(list) = value.as_array_ref() {
        assert!(list.len() <= LIST_ITEMS, "{what}: {} elements", list.len());
    }
    if let Some(candidates) = value.clone().try_cast::<Candidates>() {
        assert_eq!(candidates.iter().count(), candidates.count(), "{what}");
        assert!(candidates.count() <= Candidates::MAX, "{what}");
    }
}

#[test]
fn no_function_panics_or_exceeds_a_limit_with_extreme_arguments() {
    let engine = engine();
    let worst = worst();
    let mut random = Seeded(2026);
    let mut calls = 0;
    let mut answers = 0;
    for row in rows() {
        let (least, most) = row.arity();
        for count in least..=most {
            let all = worst.len().pow(u32::try_from(count).unwrap());
            let samples = if count < 2 { all } else { SAMPLES };
            for sample in 0..samples {
                let pick =
                    |_| worst[if count < 2 { sample } else { random.below(worst.len()) }].clone();
                let arguments: Vec<Dynamic> = (0..count).map(pick).collect();
                calls += 1;
                if let Ok(answer) = call(&engine, row.name, arguments) {
                    answers += 1;
                    assert_in_limits(&answer, row.name);
                }
            }
        }
    }
    assert!(calls > 25_000, "{calls} calls");
    assert!(answers > calls / 20, "{answers} of {calls} gave an answer");
}
