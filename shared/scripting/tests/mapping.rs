//! PRE-S1: the shipped mapping, and a customer's mapping over it.

use scripting::{Assignment, Attributes, Code, Mapping};

use crate::support::{HEAD, anna, map, run};

/// Issue 3, point 4: nothing unique is set that was not looked up and reserved before.
#[test]
fn finish_user_sets_no_unique_value_that_was_not_chosen() {
    let chosen = Attributes::new().with("userPrincipalName", "anna@fabrikam.com");
    let finish = |body: &str| {
        let text = format!("{HEAD}fn finish_user(source, target, chosen, ctx) {{ {body} }}");
        Mapping::compile("test.rhai", &text).unwrap().finish_user(&anna(), &chosen, &run())
    };
    let patch = finish(
        "target.userPrincipalName = chosen.userPrincipalName; \
         target.extensionAttribute1 = chosen.userPrincipalName;",
    );
    assert_eq!(patch.unwrap().text("extensionAttribute1"), Some("anna@fabrikam.com"));
    for late in [
        r#"target.userPrincipalName = "zzz@fabrikam.com";"#,
        r#"target.mailNickname = "anna";"#,
        r#"target.mailNickname = ["q", "r"];"#,
        r#"target.mailNickname = candidates(["q", "r"]);"#,
        r#"target.mailNickname = secret("q");"#,
        r#"target.copy(source, ["mailNickname"]);"#,
        r#"target.clear("mail");"#,
        r#"target.choose(candidates([#{ employeeId: "7" }]));"#,
    ] {
        let error = finish(late).unwrap_err();
        assert_eq!(error.code(), Code::R008, "{late}: {error}");
        assert_eq!(error.diagnostic.line, Some(3), "{late}");
    }
}

/// A step that runs again finds the account made: `chosen` says what it is called.
#[test]
fn finish_user_sees_the_name_of_an_account_that_exists() {
    let text = format!(
        "{HEAD}fn finish_user(source, target, chosen, ctx) \
         {{ target.city = local_part(chosen.userPrincipalName); }}"
    );
    let mapping = Mapping::compile("test.rhai", &text).unwrap();
    let mut user = anna();
    user.target.set("userPrincipalName", "anna2@fabrikam.com");
    let patch = mapping.finish_user(&user, &Attributes::new(), &run()).unwrap();
    assert_eq!(patch.text("city"), Some("anna2"));
}

/// PRE-S4: what a contact is called is looked up nowhere, so candidates would be dropped.
#[test]
fn map_contact_takes_no_candidates() {
    for late in [
        r#"target.mailNickname = candidates(["q", "r"]);"#,
        r#"target.choose(candidates([#{ mailNickname: "q" }]));"#,
    ] {
        let text = format!("{HEAD}fn map_contact(source, target, ctx) {{ {late} }}");
        let mapping = Mapping::compile("test.rhai", &text).unwrap();
        assert_eq!(mapping.map_contact(&anna(), &run()).unwrap_err().code(), Code::R008, "{late}");
    }
}

#[test]
fn the_shipped_mapping_moves_a_person_to_the_target_domain() {
    let patch = Mapping::standard().map_user(&anna(), &run()).unwrap();
    assert_eq!(patch.text("displayName"), Some("Muñoz, Anna"));
    assert_eq!(patch.text("usageLocation"), Some("ES"));
    assert_eq!(patch.text("extensionAttribute5"), Some("COST-1"));
    assert_eq!(
        patch.value("proxyAddresses").unwrap().as_texts(),
        ["SMTP:anna.munoz@fabrikam.com", "smtp:amunoz@fabrikam.com"]
    );
    let names = patch.preferences("userPrincipalName");
    assert_eq!(names.len(), 99);
    assert_eq!(names[..2], ["anna.munoz@fabrikam.com", "anna.munoz2@fabrikam.com"]);
    assert!(patch.cost.operations > 50 && patch.cost.peak_bytes > 0, "{:?}", patch.cost);
}

#[test]
fn a_customers_mapping_states_only_what_is_different() {
    let text = "// crosswave-api: 1\n\nfn map_user(source, target, ctx) {\n    target.companyName = \"Fabrikam\";\n    target.jobTitle = ();\n    clear(target, \"department\");\n}\n";
    let patch = Mapping::compile("ours.rhai", text).unwrap().map_user(&anna(), &run()).unwrap();
    assert_eq!(patch.text("companyName"), Some("Fabrikam"));
    assert_eq!(patch.values.get("jobTitle"), None);
    assert_eq!(patch.values["department"].assignment, Assignment::Clear);
    assert_eq!(patch.text("displayName"), Some("Muñoz, Anna"));
    let company = &patch.values["companyName"];
    assert_eq!((&*company.script, company.line, company.column), ("ours.rhai", 4, 11));
    assert_eq!(&*patch.values["displayName"].script, "mapping/default.rhai");
}

#[test]
fn a_refused_value_is_an_error_at_its_line_with_the_value() {
    let error =
        map("fn map_user(source, target, ctx) {\n    target.usageLocation = \"Germany\";\n}")
            .unwrap_err();
    let at = &error.diagnostic;
    assert_eq!((error.code().as_str(), at.line), ("R002", Some(4)));
    assert_eq!(at.message, "`usageLocation` is \"Germany\", not a two-letter country code");
    assert_eq!(at.value.as_deref(), Some("Germany"));
}
