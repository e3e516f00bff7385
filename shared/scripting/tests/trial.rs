//! `crosswave script try`: one script on one person.

use scripting::{MAPPING, NOTIFY, ScriptOptions, Trial, TrialInput, try_script};

use crate::support::HEAD;

fn try_it(text: &str, source: Option<&str>) -> Trial {
    let input = source.map_or_else(TrialInput::default, |json| TrialInput::parse(json).unwrap());
    try_script("try.rhai", text, ScriptOptions::default(), None, input)
}

#[test]
fn a_mapping_is_tried_on_the_sample_user_and_each_value_has_its_line() {
    let trial = try_it(MAPPING, None);
    assert!(trial.passed());
    let text = trial.render();
    assert!(text.contains("displayName = Muñoz, Anna  (try.rhai:"), "{text}");
    assert!(text.contains("anna.munoz@fabrikam.com, else anna.munoz2@fabrikam.com"), "{text}");
    assert!(text.contains(" operations, "), "{text}");
    assert!(serde_json::to_string(&trial).unwrap().contains("\"patch\""));
}

#[test]
fn a_notification_script_is_tried_on_a_sample_event() {
    assert!(try_it(NOTIFY, None).render().contains("Your mailbox has moved"));
}

#[test]
fn a_user_of_graph_can_be_given() {
    let graph = r#"{ "displayName": "Bo", "userPrincipalName": "bo@contoso.com" }"#;
    assert!(try_it(MAPPING, Some(graph)).render().contains("displayName = Bo"));
}

#[test]
fn an_error_is_shown_with_its_code_and_a_secret_never() {
    let failing =
        format!("{HEAD}fn map_user(source, target, ctx) {{ target.usageLocation = \"x\"; }}");
    let trial = try_it(&failing, None);
    assert!(!trial.passed());
    assert!(trial.render().starts_with("error[R002]: `usageLocation` is \"x\""));
    let secret =
        format!("{HEAD}fn map_user(source, target, ctx) {{ target.notes = secret(\"pw\"); }}");
    let trial = try_it(&secret, None);
    assert!(trial.render().contains("notes = [secret]"));
    assert!(!serde_json::to_string(&trial).unwrap().contains("pw"));
}

/// Neither a script nor a person's attribute can act on the terminal or forge a line of the output.
#[test]
fn what_is_shown_cannot_act_on_a_terminal_or_forge_a_line() {
    for body in [
        r#"warn("\x1b]0;title\x07\nerror[E000]: forged\u2028forged");"#,
        r#"debug("\x1b[2J\nforged");"#,
        r#"park("\x1b[2J\nforged");"#,
        r#"skip("\x00\rforged");"#,
        r#"throw "\x1b[2J\nforged";"#,
        r#"target.usageLocation = "\x1b\x00\nforged";"#,
        r#"target.mailNickname = "\x1b\nforged\u202e";"#,
        r#"target["\x1b\nforged"] = 1;"#,
        r#"target.notes = "one\nforged";"#,
        r#"target.city = item([1], "\x1b\nforged");"#,
    ] {
        let text = format!("{HEAD}fn map_user(source, target, ctx) {{ {body} }}");
        let shown = try_it(&text, None).render();
        let raw = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2028}".contains(c);
        assert!(!shown.contains(raw), "{body}: {shown:?}");
        assert!(!shown.lines().any(|line| line.trim().starts_with("forged")), "{body}: {shown}");
        assert!(!shown.lines().any(|line| line.starts_with("error[E000]")), "{body}: {shown}");
    }
}
