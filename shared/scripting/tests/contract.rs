//! The contract between host and script.

use scripting::{
    Assignment, AttributeName, Attributes, Code, DataSet, Mapping, RHAI_VERSION, Script,
    ScriptOptions, Selected, Verdict,
};

use crate::support::{HEAD, anna, folder, map, run};

fn mapped(body: &str) -> scripting::UserPatch {
    map(&format!("fn map_user(source, target, ctx) {{ {body} }}")).unwrap_or_else(|e| panic!("{e}"))
}

fn fails(body: &str) -> (Code, String) {
    let error = map(&format!("fn map_user(source, target, ctx) {{ {body} }}")).unwrap_err();
    (error.code(), error.diagnostic.message.clone())
}

#[test]
fn the_same_input_gives_the_same_output() {
    let twice = [0, 1].map(|_| Mapping::standard().map_user(&anna(), &run()).unwrap());
    assert_eq!(twice[0].values, twice[1].values);
    assert_eq!(twice[0].cost.operations, twice[1].cost.operations);
}

#[test]
fn nothing_assigned_is_left_alone_and_clear_empties() {
    let patch = mapped(
        r#"target.city = (); target.state = ""; target.postOfficeBox = [];
           clear(target, "department"); target.pager = "1"; target.pager = ();"#,
    );
    let names: Vec<&str> = patch.values.keys().map(AttributeName::as_str).collect();
    assert_eq!(names, ["department"]);
    assert_eq!(patch.values["department"].assignment, Assignment::Clear);
}

#[test]
fn a_list_of_the_target_can_be_added_to_and_the_line_is_kept() {
    let patch = mapped("\n target.proxyAddresses.push(\"SMTP:a@fabrikam.com\");");
    let set = &patch.values["proxyAddresses"];
    assert_eq!(
        (set.line, set.assignment.clone()),
        (4, Assignment::Value(vec!["SMTP:a@fabrikam.com".to_owned()].into()))
    );
}

#[test]
fn candidates_are_kept_in_order_and_each_once() {
    let patch = mapped(
        r#"target.userPrincipalName = ["b@fabrikam.com", "a@fabrikam.com", "B@fabrikam.com"];"#,
    );
    assert_eq!(patch.preferences("userPrincipalName"), ["b@fabrikam.com", "a@fabrikam.com"]);
    // Only unique attributes take candidates.
    assert_eq!(fails(r#"target.city = ["Oslo", "Bergen"];"#).0, Code::R002);
}

#[test]
fn one_name_alone_takes_the_place_of_names_chosen_together() {
    let body = r#"target.choose(candidates([#{ userPrincipalName: "a@fabrikam.com", mailNickname: "a" }]));"#;
    assert_eq!(mapped(body).linked.unwrap().options.len(), 1);
    let both = mapped(&format!("{body} target.mailNickname = \"b\";"));
    assert!(both.linked.is_none());
}

#[test]
fn a_name_made_up_at_run_time_has_its_suggestion() {
    let error = map("fn map_user(source, target, ctx) { source[\"sur\" + \"nam\"] }").unwrap_err();
    assert_eq!(error.code(), Code::R003);
    assert_eq!(error.diagnostic.help.as_deref(), Some("did you mean `surname`?"));
}

#[test]
fn park_and_skip_hold_even_when_they_are_caught() {
    let patch = mapped(r#"try { park("ask Bob"); } catch { } target.city = "Oslo";"#);
    assert!(matches!(patch.verdict, Verdict::Parked(remark) if remark.text == "ask Bob"));
    let patch = mapped(r#"skip("has left"); target.city = "Oslo";"#);
    assert!(matches!(patch.verdict, Verdict::Skipped(_)));
}

/// What they decide has no place for a person's decision: without an error, keys that a script did
/// not dare to give would be none, and a second account would be made.
#[test]
fn select_and_match_keys_that_park_fail_with_the_reason() {
    let parks = |entry: &str| {
        let text = format!("{HEAD}fn {entry}(source, ctx) {{ park(\"two Annas\"); }}");
        Mapping::compile("test.rhai", &text).unwrap()
    };
    let selected = parks("select").select(&anna(), &run()).unwrap_err();
    let keys = parks("match_keys").match_keys(&anna(), &run()).unwrap_err();
    for (error, entry) in [(selected, "select"), (keys, "match_keys")] {
        assert_eq!((error.code(), error.diagnostic.line), (Code::R009, Some(3)));
        assert_eq!(error.diagnostic.message, format!("`{entry}` parks: two Annas"));
    }
}

#[test]
fn a_spent_budget_cannot_be_caught() {
    let (code, _) = fails("loop { try { [1].map(|x| { loop { } }); } catch { } }");
    assert_eq!(code, Code::R012);
}

#[test]
fn a_fault_of_the_shipped_mapping_names_the_shipped_mapping() {
    let mapping =
        Mapping::compile("ours.rhai", "// crosswave-api: 1\nfn map_user(source, target, ctx) { }")
            .unwrap();
    let mut user = anna();
    user.source = Attributes::new().with("displayName", "x".repeat(300));
    let error = mapping.map_user(&user, &run()).unwrap_err();
    assert_eq!(error.diagnostic.script, "mapping/default.rhai");
}

/// `[secret]` and `[target]` are what people see, and no directory should hold it.
#[test]
fn neither_a_secret_nor_a_handle_becomes_part_of_a_text() {
    for body in [
        r#"target.city = "" + secret("pa55");"#,
        r#"target.city = secret("pa55") + "";"#,
        r#"let city = "x"; city += secret("pa55"); target.city = city;"#,
        r#"target.city = "" + target;"#,
        r#"let city = "x"; city += target; target.city = city;"#,
        r#"target.city = "Dear " + source;"#,
    ] {
        let (code, message) = fails(body);
        assert_eq!(code, Code::R001, "{body}: {message}");
        assert!(message.contains("cannot become part of a text"), "{body}: {message}");
    }
}

/// The engine swallows errors of an interpolation: the host finds it all the same, at its place, and
/// no `try` hides it.
#[test]
fn a_secret_in_an_interpolated_text_is_an_error_at_its_place() {
    for (value, title) in [
        (r#"secret("pa55")"#, "a secret"),
        ("redact(source.mail)", "a secret"),
        (r#"ignore_flow_if_null_or_empty("")"#, "`keep`"),
        ("source", "a whole person"),
        ("target", "`target`"),
        ("ctx", "`ctx`"),
    ] {
        for text in [format!("`x${{{value}}}`"), format!("{value}.to_string()")] {
            let body = format!(
                "fn map_user(source, target, ctx) {{\n    try {{ target.city = {text}; }} catch {{ }}\n}}"
            );
            let error = map(&body).unwrap_err();
            assert_eq!((error.code(), error.diagnostic.line), (Code::R001, Some(4)), "{body}");
            let message = &error.diagnostic.message;
            assert_eq!(*message, format!("{title} cannot become part of a text"), "{body}");
            assert!(!error.render().contains("pa55") || text.contains("pa55"), "{body}");
        }
    }
    let shown =
        r#"fn map_user(source, target, ctx) { print(secret("pa55")); debug(secret("pa55")); }"#;
    let said: Vec<_> = map(shown).unwrap().debug.into_iter().map(|said| said.text).collect();
    assert_eq!(said, ["[secret]", "[secret]"]);
}

#[test]
fn a_choice_of_nothing_is_an_error() {
    for body in [
        "target.userPrincipalName = candidates([]);",
        r#"target.userPrincipalName = candidates(["", ()]);"#,
        r#"target.mailNickname = numbered("", 1, 5);"#,
        "target.choose(candidates([]));",
        r#"target.choose(candidates([#{ mailNickname: "" }]));"#,
    ] {
        let (code, message) = fails(body);
        assert_eq!(code, Code::R001, "{body}: {message}");
        assert!(message.contains("no value is left"), "{body}: {message}");
    }
}

#[test]
fn a_calculation_without_a_result_is_not_written() {
    for body in ["target.city = `${1.0 / 0.0}`;", "target.seniorityIndex = 0.0 / 0.0;"] {
        assert_eq!(fails(body).0, Code::R002, "{body}");
    }
}

#[test]
fn a_caught_error_is_its_words() {
    let patch = mapped(
        r#"try { target.usageLocation = "Germany"; } catch (error) {
            target.notes = `${error}`; target.city = error.code; target.state = type_of(error);
            target.department = error.message.sub_string(0, 15); warn("" + error);
        }"#,
    );
    let words = "`usageLocation` is \"Germany\", not a two-letter country code";
    assert_eq!(patch.text("notes"), Some(words));
    assert_eq!(patch.text("department"), Some("`usageLocation`"));
    assert_eq!((patch.text("city"), patch.text("state")), (Some("R002"), Some("error")));
    assert_eq!(patch.warnings[0].text, words);
    let patch = mapped(
        r#"try { 1 / 0 } catch (error) { target.city = `${error}`; target.state = "" + error; }
           target.notes = `${#{ error: "Error", message: "mine" }} ${#{ a: [1, "x"] }}`;"#,
    );
    assert_eq!(patch.text("city"), Some("Division by zero: 1 / 0"));
    assert_eq!(patch.text("state"), patch.text("city"));
    let notes = r#"#{"error": "Error", "message": "mine"} #{"a": [1, "x"]}"#;
    assert_eq!(patch.text("notes"), Some(notes));
}

#[test]
fn no_name_of_the_engine_s_own_reaches_a_message() {
    let (code, message) = fails("[1, 2].map(|a, b, c, d| a)");
    assert_eq!(
        (code, &*message),
        (Code::R007, "the closure does not take these values: (int, int)")
    );
    let (code, message) = fails("ctx.table(())");
    assert_eq!(code, Code::R007);
    assert_eq!(message.matches('(').count(), message.matches(')').count(), "{message}");
    for (body, code, words) in [
        ("[3, \"a\"].sort();", Code::R007, "elements of different types cannot be sorted"),
        ("for k in target { }", Code::R001, "`for` goes over a list"),
        ("let s = \"abc\"; s[1] = \"long\";", Code::R001, "char is needed here, and this is text"),
        ("global::X = 5;", Code::R001, "there is no variable `X` here"),
        ("target[7] = \"x\";", Code::R001, "cannot be indexed or assigned to like that"),
        ("throw;", Code::R005, "the script raised an error without words"),
        ("(1..3).reduce(|a| a);", Code::R007, "(range, closure)"),
        ("target.city = candidates([\"a\"]);", Code::R002, "`city` takes text, not candidates"),
    ] {
        let (found, message) = fails(body);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(words), "{body}: {message}");
    }
}

/// The name is marked, not the point before it.
#[test]
fn an_error_of_an_assignment_marks_the_attribute() {
    let body = "target.usageLocation = \"Spain\";";
    let error = map(&format!("fn map_user(source, target, ctx) {{\n{body}\n}}")).unwrap_err();
    assert_eq!((error.diagnostic.column, error.diagnostic.width), (Some(8), Some(13)));
}

fn finding(text: &str) -> (Code, String) {
    let found = Script::compile("c.rhai", text).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    (found[0].code, found[0].message.clone())
}

#[test]
fn what_can_only_fail_is_found_before_the_script_runs() {
    for (body, code) in [
        ("sleep(1);", Code::E014),
        ("exit(1);", Code::E014),
        ("parse_json(\"{}\");", Code::E014),
        ("[\"x\"].map(\"to_uper\");", Code::E005),
        ("[\"x\"].filter(\"is_empty\");", Code::E005),
        ("target.city = `${99999999999999999999}`;", Code::E000),
    ] {
        let text = format!("{HEAD}fn map_user(source, target, ctx) {{ {body} }}");
        assert_eq!(finding(&text).0, code, "{body}");
    }
    let good =
        "let a = [\"x\"].index_of(\"x\"); let b = 1e30 + 1.5 + -2.5; let c = 9223372036854775807;";
    mapped(good);
}

#[test]
fn a_mark_at_the_beginning_of_a_file_changes_nothing() {
    let text = format!("{HEAD}fn map_user(source, target, ctx) {{ }}");
    let marked = Script::compile("m.rhai", &format!("\u{feff}{text}")).unwrap();
    assert_eq!(marked.hash(), Script::compile("m.rhai", &text).unwrap().hash());
}

#[test]
fn select_gives_a_reason() {
    let selected = |body: &str| {
        let text = format!("{HEAD}fn select(source, ctx) {{ {body} }}");
        Mapping::compile("s.rhai", &text).unwrap().select(&anna(), &run()).unwrap()
    };
    assert_eq!(selected("true"), Selected::Yes);
    assert_eq!(selected("\"a room\""), Selected::No("a room".into()));
    assert_eq!(Mapping::standard().select(&anna(), &run()).unwrap(), Selected::Yes);
}

fn compiled(text: &str, csv: &str) -> Script {
    let tables = vec![DataSet { name: "t".into(), csv: csv.into() }];
    Script::compile_with("v.rhai", text, ScriptOptions { tables, ..Default::default() }).unwrap()
}

#[test]
fn a_version_is_text_and_tables_and_not_the_file_s_name() {
    let text = format!(
        "{HEAD}fn map_user(source, target, ctx) {{ target.city = ctx.table(\"t\")[\"a\"]; }}"
    );
    let one = compiled(&text, "key,value\na,Oslo\n");
    assert_eq!(one.hash(), compiled(&text, "key,value\na,Oslo\n").hash());
    assert_ne!(one.hash(), compiled(&text, "key,value\na,Bergen\n").hash());
    assert_ne!(one.hash(), compiled(&format!("{text} "), "key,value\na,Oslo\n").hash());
    let patch = Mapping::of(one).unwrap().map_user(&anna(), &run()).unwrap();
    assert_eq!(patch.text("city"), Some("Oslo"));
}

#[test]
fn the_recorded_version_of_the_engine_is_the_one_that_is_built() {
    let lock = std::fs::read_to_string(folder("Cargo.lock")).unwrap();
    assert!(lock.contains(&format!("name = \"rhai\"\nversion = \"{RHAI_VERSION}\"")));
}
