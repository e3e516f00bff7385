//! The entry functions of a mapping beside `map_user`, through the whole system.

use catalogue::{Side, Step};
use model::{Action, UserState};

use super::support::{account, after, contact, directory, discovered, plain};

/// A mapping in which everybody wants one name; and what `finish_user` does.
fn finishing(finish: &str) -> String {
    format!(
        "// crosswave-api: 1\n\
         fn map_user(source, target, ctx) {{\n    \
         target.userPrincipalName = candidates([numbered(\"anna@fabrikam.example\", 1, 9)]);\n}}\n\
         fn finish_user(source, target, chosen, ctx) {{\n    {finish}\n}}\n"
    )
}

/// PRE-S1: `finish_user` sees the name that was free for each person, and what it sets is written.
#[tokio::test]
async fn finish_user_writes_what_depends_on_the_chosen_name() {
    let text = finishing("target.city = local_part(chosen.userPrincipalName);");
    let (world, people) = after(plain(2).mapping(&text), &[Action::Prepare]).await;
    let mut cities = Vec::new();
    for user in &people {
        assert_eq!(user.state, UserState::Prepared, "{:?}", user.problem);
        let account = account(&world, user).await;
        let city = account.city.unwrap();
        assert_eq!(account.user_principal_name, format!("{city}@fabrikam.example"));
        cities.push(city);
    }
    cities.sort();
    assert_eq!(cities, ["anna1", "anna2"]);
    world.assert_wire_clean();
}

/// PRE-S1, ERR-1: what `finish_user` decides passes the same gates, and sets no name that was not
/// looked up and reserved: the person is parked, and nothing was written.
#[tokio::test]
async fn finish_user_passes_no_gate() {
    for (body, code) in [
        ("target.userPrincipalName = \"zzz@fabrikam.example\";", "R008"),
        ("target.mailNickname = candidates([\"q\", \"r\"]);", "R008"),
        ("target.choose(candidates([#{ employeeId: \"7\" }]));", "R008"),
        ("target.employeeId = \"7\";", "P003"),
        ("target.proxyAddresses = [\"SMTP:a@evil.example\"];", "P001"),
    ] {
        let (mut world, people) = discovered(plain(1).mapping(&finishing(body))).await;
        world.project.policy.protected = vec!["employeeId".to_owned()];
        control::store_project(&world.host, &world.project).await.unwrap();
        let accounts = directory(&world, Side::Target).await;
        world.perform(&people, Action::Prepare).await;
        let problem = world.user(&people[0]).await.problem.unwrap();
        assert_eq!((problem.code.as_str(), problem.step), (code, Step::CreateOrUpdateUser));
        assert_eq!(directory(&world, Side::Target).await, accounts, "{body}");
    }
}

/// PRE-S1: a protected attribute is protected in every option of a choice.
#[tokio::test]
async fn a_choice_sets_no_protected_attribute() {
    let text = "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
                target.choose(candidates([#{ employeeId: \"7\", mailNickname: \"anna\" }]));\n}\n";
    let (mut world, people) = discovered(plain(1).mapping(text)).await;
    world.project.policy.protected = vec!["employeeId".to_owned()];
    control::store_project(&world.host, &world.project).await.unwrap();
    let accounts = directory(&world, Side::Target).await;
    world.perform(&people, Action::Prepare).await;
    assert_eq!(world.user(&people[0]).await.problem.unwrap().code, "P003");
    assert_eq!(directory(&world, Side::Target).await, accounts);
}

/// PRE-S4: a customer's `map_contact` says what the contact that stands for a person is called.
#[tokio::test]
async fn a_customers_map_contact_names_the_contact() {
    let text = "// crosswave-api: 1\n\
                fn map_contact(source, target, ctx) {\n    \
                target.displayName = `${source.displayName} (moves with us)`;\n}\n";
    let (world, people) = after(plain(1).mapping(text), &[Action::Prepare]).await;
    let user = &people[0];
    let called = contact(&world, user).unwrap().display_name;
    assert_eq!(called, format!("{} (moves with us)", user.source.display_name));
    world.assert_wire_clean();
}
