//! The gate after a script.

use scripting::policy::{PolicyContext, check, check_notices};
use scripting::{Channel, Code, Notice, Recipient};

use crate::support::map;

fn policy() -> PolicyContext {
    PolicyContext {
        verified_domains: vec!["fabrikam.com".into()],
        protected: vec!["employeeId".into()],
        recipient_domains: vec!["fabrikam.com".into()],
        lists: vec!["helpdesk".into()],
        links: vec!["https://fabrikam.com/move".into()],
    }
}

fn codes(body: &str) -> Vec<String> {
    let text = format!("fn map_user(source, target, ctx) {{ {body} }}");
    check(&map(&text).unwrap(), &policy()).iter().map(ToString::to_string).collect()
}

#[test]
fn an_address_outside_the_verified_domains_is_a_violation_at_its_line() {
    assert_eq!(
        codes(r#"target.userPrincipalName = ["a@fabrikam.com", "a@evil.example"];"#),
        ["P001: a@evil.example is in the domain evil.example, which is not verified (test.rhai:3)"]
    );
    assert_eq!(codes(r#"target.userPrincipalName = "a@FABRIKAM.com";"#), [""; 0]);
    assert_eq!(codes(r#"target.mail = "a@contoso.com";"#).len(), 1);
}

#[test]
fn exactly_one_address_is_the_primary_one() {
    let two = codes(r#"target.proxyAddresses = ["SMTP:a@fabrikam.com", "SMTP:b@fabrikam.com"];"#);
    assert_eq!(
        two,
        ["P002: `proxyAddresses` has 2 primary addresses, not exactly one (test.rhai:3)"]
    );
    assert_eq!(codes(r#"target.proxyAddresses = ["smtp:a@fabrikam.com"];"#).len(), 1);
    assert_eq!(codes(r#"target.proxyAddresses = ["SMTP:a@fabrikam.com", "X500:/o=a"];"#).len(), 0);
}

#[test]
fn what_the_project_protects_stays() {
    assert_eq!(
        codes(r#"target.employeeId = "7";"#),
        ["P003: `employeeId` is protected in this project (test.rhai:3)"]
    );
}

/// Every gate holds for every option of a choice, not for the first one and its addresses alone.
#[test]
fn what_is_chosen_together_passes_every_gate() {
    let choose = |options: &str| codes(&format!("target.choose(candidates([{options}]));"));
    let good = r#"#{ userPrincipalName: "a@fabrikam.com", mailNickname: "a" }"#;
    assert_eq!(choose(good), [""; 0]);
    let protected = r#"#{ employeeId: "7", userPrincipalName: "b@fabrikam.com" }"#;
    let said = ["P003: `employeeId` is protected in this project (test.rhai:3)"];
    assert_eq!(choose(protected), said);
    assert_eq!(choose(&format!("{good}, {protected}, {protected}")), said);
    assert_eq!(
        choose(&format!(r#"{good}, #{{ userPrincipalName: "a@evil.example" }}"#)),
        ["P001: a@evil.example is in the domain evil.example, which is not verified (test.rhai:3)"]
    );
}

/// The schema's rules hold for every option too, running numbers included.
#[test]
fn what_is_chosen_together_keeps_the_rules_of_its_attributes() {
    for (bad, code) in [
        (r#"#{ usageLocation: "Spain" }"#, Code::R002),
        (r#"#{ proxyAddresses: "SMTP:a@fabrikam.com" }"#, Code::R002),
        (r#"#{ mailNickname: "" , city: "x" }"#, Code::R002),
        (r#"#{ id: "7" }"#, Code::R004),
        (r#"numbered(#{ userPrincipalName: "a@{n}" }, 1, 2)"#, Code::R002),
    ] {
        let good = r#"#{ mailNickname: "a" }"#;
        let body = format!("target.choose(candidates([{good}, {bad}]));");
        let error = map(&format!("fn map_user(source, target, ctx) {{ {body} }}")).unwrap_err();
        assert_eq!(error.code(), code, "{bad}: {error}");
    }
}

fn notice(to: &str, body: &str) -> Vec<String> {
    let notice = Notice {
        to: vec![Recipient::from(to.to_owned())],
        when: None,
        channel: Channel::Mail,
        language: "en".into(),
        subject: "Hello".into(),
        body: body.into(),
        html: false,
        attach: Vec::new(),
        links: Vec::new(),
    };
    check_notices("n.rhai", &[notice], &policy())
        .iter()
        .map(|found| found.message.clone())
        .collect()
}

/// NOT-1: the script decides recipients, inside what the project approved.
#[test]
fn a_message_goes_to_approved_recipients_only() {
    for approved in ["user", "manager", "owner", "list:helpdesk", "x@fabrikam.com"] {
        assert_eq!(notice(approved, "text"), [""; 0], "{approved}");
    }
    for bad in [
        "a@evil.example,b@fabrikam.com",
        "a@evil.example;b@fabrikam.com",
        "a@evil.example b@fabrikam.com",
        "<a@evil.example>b@fabrikam.com",
        "\"a@evil.example\"@fabrikam.com",
        "Anna <a@evil.example>",
        "a@evil.example\n@fabrikam.com",
        "a\u{7}@fabrikam.com",
        "a@b@fabrikam.com",
        "‹a@evil.example›@fabrikam.com",
        "@fabrikam.com",
        "fabrikam.com",
        " user",
        "",
    ] {
        assert_eq!(notice(bad, "").len(), 1, "{bad}");
    }
    assert_eq!(notice("list:everyone", ""), ["the list `everyone` is not approved"]);
    assert_eq!(notice("a@evil.example", ""), ["the recipient a@evil.example is not approved"]);
}

#[test]
fn a_message_holds_approved_links_only() {
    assert_eq!(notice("user", "see https://fabrikam.com/move/1?x=2."), [""; 0]);
    for bad in [
        "https://fabrikam.com.evil.example/move",
        "http://fabrikam.com/move",
        "https://fabrikam.com/moved",
        "WWW.evil.example",
        "(HTTPS://evil.example)",
        "evil.example/login",
        "Evil.Example/",
        "evil.example:8080/login",
        "evil.example?x=1",
        "url=evil.example/login",
        "a@evil.example/login",
        "and/evil.example/login",
        "//evil.example",
        "\\\\evil.example\\share",
        "ftp://evil.example",
        "x-any+thing://evil",
        "mailto:a@evil.example",
        "tel:+49123",
        "javascript:alert",
        "münchen.example/x",
        "x.xn--p1ai/y",
        "https://fabrikam.com/move,https://evil.example",
        "https://fabrikam.com/move;evil.example/x",
        "fabrikam.com.evil.example/move",
    ] {
        assert_eq!(notice("user", &format!("see {bad} now")).len(), 1, "{bad}");
    }
}

/// What people write in messages and no mail program makes a link of.
#[test]
fn plain_words_are_no_links() {
    for fine in [
        "and/or",
        "1/2",
        "12.5/3",
        "10:30",
        "2026-03-06T18:00:00+01:00",
        "anna@fabrikam.com",
        "Wave:",
        "z.B./usw.",
        "fabrikam.com.",
        "fabrikam.com:",
        "really?",
        "C#",
    ] {
        assert_eq!(notice("user", &format!("see {fine} now")), [""; 0], "{fine}");
    }
}

/// A text without an end is gone through once.
#[test]
fn long_texts_are_gone_through_in_linear_time() {
    for part in ["a", "a.", "a/", "/", ":", "a.b:", "www", "\\\\", "://"] {
        let text = part.repeat(200_000 / part.len());
        drop(notice("user", &text));
    }
}
