//! Preview and explain: what a mapping would do to a wave.

use std::sync::Arc;

use scripting::policy::PolicyContext;
use scripting::preview::{Choose, Effect, FirstCandidates, Preview, Taken, preview};
use scripting::{Attributes, Code, Mapping, UserInput, UserPatch};

use crate::support::{HEAD, run};

fn wave(users: usize) -> Vec<UserInput> {
    (0..users)
        .map(|number| UserInput {
            source_id: format!("{number:05}"),
            source: Attributes::new()
                .with("displayName", format!("User {number}"))
                .with("userPrincipalName", format!("user{}@contoso.com", number % 7))
                .with("usageLocation", if number % 10 == 3 { "Germany" } else { "DE" }),
            target: Attributes::new().with("companyName", "Fabrikam"),
        })
        .collect()
}

fn previewed(body: &str, users: usize, threads: usize) -> Preview {
    let text = format!("{HEAD}fn map_user(source, target, ctx) {{\n{body}\n}}");
    let mapping = Mapping::compile("p.rhai", &text).unwrap();
    let policy =
        PolicyContext { verified_domains: vec!["fabrikam.com".into()], ..Default::default() };
    let mut preview_of = Preview { hash: mapping.hash(), users: Vec::new() };
    let run = Arc::clone(&run());
    let choose = &mut FirstCandidates;
    preview(&mapping, wave(users), &run, &policy, threads, choose, |user| {
        preview_of.users.push(user);
    });
    preview_of
}

const BODY: &str = r#"    target.companyName = "Fabrikam";
    target.usageLocation = source.usageLocation;
    target.userPrincipalName = candidates([local_part(source.userPrincipalName) + "@fabrikam.com"]);
    if source.displayName == "User 5" { park("ask his manager"); }
    if source.displayName == "User 6" { skip("has left"); }"#;

#[test]
fn a_preview_shows_before_after_and_the_line_for_each_user() {
    let wave = previewed(BODY, 40, 1);
    let user = wave.explain("00001").unwrap();
    assert_eq!(user.effect, Effect::Changes);
    let change = &user.changes[1];
    assert_eq!(change.attribute.as_str(), "userPrincipalName");
    assert_eq!((change.before.as_deref(), change.line), (None, 6));
    assert_eq!(change.after.as_deref(), Some("user1@fabrikam.com"));
    // What the target has already is no change.
    assert!(!user.changes.iter().any(|change| change.attribute.as_str() == "companyName"));
}

#[test]
fn failing_users_are_grouped_and_a_share_of_them_blocks_the_wave() {
    let wave = previewed(BODY, 40, 2);
    let summary = wave.summary();
    assert_eq!((summary.parked, summary.skipped, summary.change), (5, 1, 34));
    let groups: Vec<(&str, usize)> =
        summary.groups.iter().map(|group| (group.code.as_str(), group.users.len())).collect();
    assert_eq!(groups, [("R002", 4), ("park", 1)]);
    assert!(summary.collisions["userPrincipalName user1@fabrikam.com"].len() > 1);
    assert!(wave.blocks(2) && !wave.blocks(20));
}

/// Takes what nobody before has taken.
#[derive(Default)]
struct Given(std::collections::BTreeSet<String>);

impl Choose for Given {
    fn choose(&mut self, user: &UserInput, patch: &UserPatch) -> Result<Attributes, Taken> {
        let mut chosen = Attributes::new();
        for choice in patch.choices(&user.target) {
            let free = choice.options().find(|option| self.0.insert(option[0].1.clone()));
            let taken = || Taken { what: choice.what.clone(), message: "all taken".to_owned() };
            for (name, value) in free.ok_or_else(taken)? {
                chosen.set(name.as_str(), value);
            }
        }
        Ok(chosen)
    }
}

#[test]
fn chosen_values_reach_finish_user_and_who_gets_none_fails_with_u101() {
    let text = format!(
        "{HEAD}fn map_user(source, target, ctx) {{ target.userPrincipalName = \
         candidates([\"anna@fabrikam.com\", numbered(\"anna@fabrikam.com\", 2, 3)]); }}\n\
         fn finish_user(source, target, chosen, ctx) {{ \
         target.extensionAttribute1 = local_part(chosen.userPrincipalName); }}"
    );
    let mapping = Mapping::compile("p.rhai", &text).unwrap();
    let policy =
        PolicyContext { verified_domains: vec!["fabrikam.com".into()], ..Default::default() };
    let mut seen = Vec::new();
    preview(&mapping, wave(4), &run(), &policy, 2, &mut Given::default(), |user| {
        seen.push(user);
    });
    let after = |user: usize, name: &str| {
        let change = seen[user].changes.iter().find(|change| change.attribute.as_str() == name);
        change.and_then(|change| change.after.clone())
    };
    assert_eq!(after(0, "extensionAttribute1").as_deref(), Some("anna"));
    assert_eq!(after(1, "userPrincipalName").as_deref(), Some("anna2@fabrikam.com"));
    assert_eq!(after(2, "extensionAttribute1").as_deref(), Some("anna3"));
    assert!(matches!(&seen[3].effect, Effect::Fails { code: Code::U101, line: Some(3), .. }));
}

#[test]
fn whom_select_leaves_out_is_skipped() {
    let text = format!(
        "{HEAD}fn map_user(source, target, ctx) {{ target.city = \"Oslo\"; }}\n\
         fn select(source, ctx) {{ if source.displayName == \"User 1\" {{ \"has left\" }} \
         else {{ true }} }}"
    );
    let mapping = Mapping::compile("p.rhai", &text).unwrap();
    let mut seen = Vec::new();
    let (policy, choose) = (PolicyContext::default(), &mut FirstCandidates);
    preview(&mapping, wave(3), &run(), &policy, 1, choose, |user| seen.push(user.effect));
    assert_eq!(seen[1], Effect::Skipped("has left".to_owned()));
    assert!(!matches!(seen[2], Effect::Skipped(_)));
}

#[test]
fn the_order_of_users_is_kept_whatever_the_number_of_threads() {
    assert_eq!(previewed(BODY, 1_100, 1).summary(), previewed(BODY, 1_100, 3).summary());
    let ids: Vec<String> =
        previewed(BODY, 1_100, 3).users.into_iter().map(|user| user.source_id).collect();
    assert!(ids.is_sorted());
}

#[test]
fn two_versions_are_compared_user_by_user() {
    let before = previewed(BODY, 3, 1);
    let after = previewed(&BODY.replace("\"@fabrikam.com\"", "\".x@fabrikam.com\""), 3, 1);
    assert_ne!(before.hash, after.hash);
    let differences = after.differences(&before);
    assert_eq!(differences.len(), 3);
    assert_eq!(differences[1].before, "user1@fabrikam.com");
    assert_eq!(differences[1].after, "user1.x@fabrikam.com");
}

#[test]
fn the_csv_holds_no_formula() {
    let wave = previewed("    target.notes = \"=cmd()\"; target.city = \"a,\\\"b\";", 1, 1);
    let csv = wave.csv();
    assert!(csv.contains("notes,,'=cmd(),p.rhai,4"), "{csv}");
    assert!(csv.contains("city,,\"a,\"\"b\",p.rhai,4"), "{csv}");
}
