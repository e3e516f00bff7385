//! PRE-S1: the shipped mapping, and a customer's mapping over it.

use scripting::{Assignment, Mapping};

use crate::support::{anna, map, run};

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
