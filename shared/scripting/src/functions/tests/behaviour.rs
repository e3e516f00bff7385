//! What holds for all functions, and what one example cannot show.

use rhai::Dynamic;

use super::engine;
use crate::functions::sink::{self, Ended};
use crate::functions::{Candidate, Candidates, Secret, check_pattern};

fn text(script: &str) -> String {
    engine().eval::<Dynamic>(script).unwrap_or_else(|error| panic!("{script}: {error}")).to_string()
}

fn error(script: &str) -> String {
    engine().eval::<Dynamic>(script).expect_err(script).to_string()
}

#[test]
fn an_empty_attribute_is_an_empty_text_list_or_date() {
    assert_eq!(text("left((), 3) + mail_nickname(()) + join(\",\", ()) + to_upper(())"), "");
    assert_eq!(text("count(()) + count(remove_duplicates(()))"), "0");
    assert_eq!(text("format_date((), \"yyyy\")"), "");
}

#[test]
fn a_wrong_argument_is_told_with_function_place_and_value() {
    let told = error("let name = \"Anna\";\nleft(name, \"three\")");
    assert!(
        told.contains("`left`: argument 2 must be a whole number, but is the text \"three\""),
        "{told}"
    );
    assert!(told.contains("line 2"), "{told}");
    let told = error("remove_duplicates([\"a\", 1])");
    assert!(told.contains("element 1 of the list must be a text, but is 1"), "{told}");
}

#[test]
fn changing_a_text_leaves_the_variable_as_it_is() {
    let script =
        "let s = \" ab \"; s.trim(); s.replace(\"a\", \"x\"); s.append(\"c\"); s.pad(9, \".\"); s";
    assert_eq!(text(script), " ab ");
    assert_eq!(
        text("let s = \" ab \"; s.trim() + s.replace('a', 'x') + s.append(\"!\")"),
        "ab xb  ab !"
    );
    assert_eq!(text("let l = [1]; l.pad(3, 0); l.len"), "1");
}

#[test]
fn a_result_above_the_limit_is_refused_before_it_is_built() {
    for script in [
        "let s = \"ab\".pad_left(60000, \".\"); s.replace(\".\", s)",
        "\"x\".pad(9223372036854775807, \"y\")",
        "[1].pad(72057594037927936, [1, 2, 3])",
        "let s = \"&\".pad_left(60000, \"&\"); escape_html(s)",
        "let s = \"&\".pad_left(60000, \"&\"); render_html(\"{a}{a}\", #{ a: s })",
        "let s = \"x\".pad_left(60000, \"x\"); join(s, [s, s])",
        "let s = \"x\".pad_left(60000, \"x\"); replace_re(s, \"x\", s)",
        "numbered(\"a\", 0, 4294967295)",
    ] {
        let told = error(script);
        assert!(told.contains("are allowed") || told.contains("too much work"), "{script}: {told}");
    }
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    let cases = [
        ("(a", "unclosed group"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "backreferences"),
        ("(a{999}){999}", "repeat fewer times"),
        (&"a".repeat(1_001), "has 1001 bytes"),
    ];
    for (pattern, reason) in cases {
        let told = check_pattern(pattern).unwrap_err();
        assert!(told.contains(reason), "{pattern}: {told}");
    }
    assert_eq!(check_pattern(r"^(?<id>\w+)\<$"), Ok(()));
    let told = error("replace_re(\"a\", \"(?<x>a)\", \"${y}\")");
    assert!(told.contains("no group \"y\""), "{told}");
}

#[test]
fn a_pattern_that_would_read_the_text_again_and_again_is_refused() {
    let told = error("extract_all(\"A\".pad_left(60000, \"A\"), \".*[^A-Z]|[A-Z]\")");
    assert!(told.contains("too much work on a text of 60000 bytes"), "{told}");
    assert_eq!(text("extract_all(\"A\".pad_left(500, \"A\"), \".*[^A-Z]|[A-Z]\").len"), "500");
}

#[test]
fn groups_stand_in_a_replacement_as_in_dotnet() {
    assert_eq!(text(r#"replace_re("ab", "(?<x>a)(b)", "${2}$1$$${x}$")"#), "ba$a$");
    assert_eq!(text(r#"replace_group("ab ab", "(?<x>a)b", "x", "-")"#), "-b -b");
}

#[test]
fn local_times_are_read_by_the_rules_of_their_zone() {
    // 02:30 does not exist on this day: clocks go from 02:00 to 03:00.
    assert_eq!(
        text(r#"parse_date("2024-03-31 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin").to_string()"#),
        "3/31/2024 1:30:00 AM"
    );
    assert_eq!(
        text(r#"format_date("2024-01-01", "d. MMM HH:mm z", "America/New_York", "fr")"#),
        "31. déc 19:00 -5"
    );
    assert!(error(r#"format_date("2024-01-01", "d", "Mars/Base")"#).contains("IANA"));
    assert!(error(r#"format_date("2024-01-01", "d", "UTC", "xx")"#).contains("use one of"));
}

#[test]
fn the_last_and_first_days_of_the_calendar_are_dates() {
    assert_eq!(text(r#"c_date("9999-12-31T23:59:59Z").to_string()"#), "12/31/9999 11:59:59 PM");
    assert_eq!(text(r#"date_from_num(num_from_date("9999-12-31")).year"#), "9999");
    assert!(error(r#"add_days("9999-12-31", 1)"#).contains("outside the years"));
    assert!(error(r#"add_days("0001-01-01", -1)"#).contains("outside the years"));
    assert!(error("date_from_num(9223372036854775807)").contains("outside the years"));
    assert!(error(r#"c_date("2023-02-29")"#).contains("must be a date"));
}

#[test]
fn dates_compare_by_time_and_not_by_text() {
    assert_eq!(text(r#"c_date("10/1/2024") > c_date("2024-09-30T23:59:59Z")"#), "true");
    assert_eq!(text(r#"c_date("2024-01-01T01:00+01:00") == c_date("2024-01-01")"#), "true");
}

#[test]
fn candidates_keep_their_order_and_number_whole_records() {
    let script = r#"candidates([(), "a@x", numbered(#{ userPrincipalName: "a@x", mailNickname: "a" }, 2, 3)])"#;
    let candidates: Candidates = engine().eval(script).unwrap();
    let shown: Vec<String> = candidates
        .iter()
        .map(|candidate| match candidate {
            Candidate::Text(text) => text,
            Candidate::Record(record) => format!("{record:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "a@x",
            r#"{"mailNickname": "a2", "userPrincipalName": "a2@x"}"#,
            r#"{"mailNickname": "a3", "userPrincipalName": "a3@x"}"#,
        ]
    );
}

#[test]
fn what_a_script_says_is_kept_with_its_line() {
    sink::start();
    text("warn(\"one\");\n\nwarn(\"two\"); debug(#{ a: 1 }); print(3); 0");
    let notes = sink::finish();
    let said = |notes: &[sink::Note]| {
        notes.iter().map(|note| (note.text.clone(), note.at.line())).collect::<Vec<_>>()
    };
    assert_eq!(said(&notes.warnings), [("one".to_owned(), Some(1)), ("two".to_owned(), Some(3))]);
    assert_eq!(said(&notes.debug), [("#{\"a\": 1}".to_owned(), Some(3)), ("3".to_owned(), None)]);
    assert_eq!(sink::finish(), sink::Notes::default());
}

#[test]
fn a_script_that_says_too_much_is_cut_short() {
    sink::start();
    text("for i in 0..150 { warn(\"é\".pad_left(2000, \"é\")); } 0");
    let notes = sink::finish();
    assert_eq!((notes.warnings.len(), notes.dropped), (sink::MAX_NOTES, 50));
    assert!(notes.warnings.iter().all(|note| note.text.len() <= sink::MAX_NOTE_BYTES));
}

#[test]
fn an_end_that_a_script_asked_for_stands_even_when_it_is_caught() {
    for script in [
        "park(\"no manager\"); 1",
        "try { park(\"no manager\"); } catch { } park(\"later\"); 1",
        "try { [1].for_each(|| park(\"no manager\")); } catch { } 1",
    ] {
        sink::start();
        let _result = engine().eval::<Dynamic>(script);
        let Some(Ended::Parked(note)) = sink::finish().ended else { panic!("{script}") };
        assert_eq!(note.text, "no manager");
    }
    sink::start();
    assert!(engine().eval::<Dynamic>("skip(\"a test account\"); 1").is_err());
    assert!(matches!(sink::finish().ended, Some(Ended::Skipped(_))));
}

#[test]
fn a_secret_is_never_shown() {
    sink::start();
    let shown = text(
        "let s = secret(\"pa55\"); debug([s, #{ s: s }]); print(s); warn(`${s}`); `${s} ${[s]}`",
    );
    let notes = format!("{:?}", sink::finish());
    for script in
        ["left(secret(\"pa55\"), 1)", "join(\",\", [secret(\"pa55\")])", "throw secret(\"pa55\")"]
    {
        assert!(!error(script).contains("pa55"), "{script}");
    }
    assert!(!shown.contains("pa55") && !notes.contains("pa55"), "{shown} {notes}");
    let secret: Secret = engine().eval("secret(secret(\"pa55\"))").unwrap();
    assert_eq!(secret.expose().clone().into_string(), Ok("pa55".to_owned()));
}

#[test]
fn the_same_script_gives_the_same_answer() {
    let script = r#"[switch_of("b", #{ b: 1, a: 2 }), remove_duplicates(["z", "a", "z"]), format_date("2024-01-01", "dddd")]"#;
    assert_eq!(text(script), text(script));
}
