//! Names that no two objects share: chosen among a script's candidates, reserved, and let go.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use std::collections::{BTreeMap, BTreeSet};

use catalogue::{Side, Step};
use crosswave_tests::world::{World, drive};
use model::{Action, User, UserId, UserState};
use tenant::exchange::{Anchor, Parameters};

use super::{
    stage::{heal, refuse_cmdlet},
    support::{client, directory, discovered, plain},
};

/// A mapping after which everybody wants the same name.
fn one_name(numbers: usize) -> String {
    format!(
        "// crosswave-api: 1\n\
         fn map_user(source, target, ctx) {{\n    \
         target.userPrincipalName = candidates([\"anna@fabrikam.example\", \
         numbered(\"anna@fabrikam.example\", 2, {numbers})]);\n    \
         target.mailNickname = candidates([numbered(\"anna\", 1, {numbers})]);\n}}\n"
    )
}

/// Who has which value reserved, in one space.
async fn reserved(world: &World, space: &str) -> BTreeMap<UserId, String> {
    let (store, project) = (&*world.host.store, &world.project);
    let all = engine::reservations(store, &project.customer, &project.id).await.unwrap();
    let here = all.into_iter().filter(|(held, ..)| held == space);
    here.map(|(_, value, user)| (user, value)).collect()
}

/// PRE-S1: two hundred people of one name at the same time: each gets a name of his own, nobody's
/// twice, and the same again when the step runs again, in whatever order.
#[tokio::test]
async fn two_hundred_people_of_one_name_each_get_their_own_and_keep_it() {
    const PEOPLE: usize = 200;
    let (world, people) = discovered(plain(PEOPLE).mapping(&one_name(PEOPLE))).await;
    assert_eq!(people.len(), PEOPLE);
    // The names are chosen; then no account can be made.
    refuse_cmdlet(&world, "New-MailUser");
    for user in &people {
        world.apply(user, Action::Prepare).await.unwrap();
    }
    world.handle_together(Step::CreateOrUpdateUser).await;
    let users = world.users().await;
    let parked = users.iter().filter(|user| user.state == UserState::PrepareError);
    assert_eq!(parked.count(), PEOPLE);
    let (addresses, aliases) =
        (reserved(&world, "address").await, reserved(&world, "mailNickname").await);
    let of_number = |n: usize| if n == 1 { "anna".to_owned() } else { format!("anna{n}") };
    let expected: BTreeSet<String> =
        (1..=PEOPLE).map(|n| format!("{}@fabrikam.example", of_number(n))).collect();
    assert_eq!(addresses.values().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!((addresses.len(), aliases.len()), (PEOPLE, PEOPLE));
    heal(&world);
    for user in people.iter().rev() {
        world.apply(user, Action::Prepare).await.unwrap();
    }
    world.handle_together(Step::CreateOrUpdateUser).await;
    let users = world.users().await.into_iter();
    let given: BTreeMap<UserId, String> =
        users.filter_map(|user| Some((user.id, user.target?.user_principal_name))).collect();
    assert_eq!(given, addresses);
    let now = (reserved(&world, "address").await, reserved(&world, "mailNickname").await);
    assert_eq!(now, (addresses, aliases));
}

/// PRE-S1: a reset to `no_match` lets a user's names go, and the next one gets them; a reset user who
/// has an account already keeps that, whoever holds its names.
#[tokio::test]
async fn a_reset_lets_reserved_names_go() {
    let (world, people) = discovered(plain(2).mapping(&one_name(2))).await;
    let [one, two] = people.as_slice() else { panic!("two people") };
    refuse_cmdlet(&world, "New-MailUser");
    world.perform(&people[..1], Action::Prepare).await;
    heal(&world);
    let first = "anna@fabrikam.example";
    assert_eq!(reserved(&world, "address").await, [(one.id.clone(), first.to_owned())].into());
    world.apply(one, Action::Reset).await.unwrap();
    for space in ["address", "mailNickname"] {
        assert_eq!(reserved(&world, space).await, BTreeMap::new());
    }
    world.perform(&people[1..], Action::Prepare).await;
    let name = async |user: &User| world.user(user).await.target.unwrap().user_principal_name;
    assert_eq!(name(two).await, first);
    world.perform(&people[..1], Action::Prepare).await;
    assert_eq!(name(one).await, "anna2@fabrikam.example");
    // Neither name is free now, and still nobody is parked, renamed, or made twice.
    world.apply(two, Action::Reset).await.unwrap();
    let accounts = directory(&world, Side::Target).await.len();
    world.perform(&people[1..], Action::Prepare).await;
    assert_eq!((world.user(two).await.state, name(two).await), (UserState::Prepared, first.into()));
    assert_eq!(directory(&world, Side::Target).await.len(), accounts);
    world.assert_wire_clean();
}

/// PRE-S1: candidates are free only if no user, group, contact or deleted object of the target holds
/// them, as sign-in name, alias or any address; who finds none is parked with who holds what.
#[tokio::test]
async fn a_person_without_a_free_name_is_parked_with_who_holds_what() {
    let (world, people) = discovered(plain(2).mapping(&one_name(4))).await;
    let target = client(&world, Side::Target).await;
    let exchange = target.exchange();
    let contact = Parameters::new()
        .set("Name", "Partner Anna")
        .set("Alias", "anna1")
        .set("ExternalEmailAddress", "anna@partner.example");
    let made = exchange.invoke("New-MailContact", contact, &Anchor::Tenant);
    drive(&world, made).await.unwrap();
    let more = Parameters::identity("Partner Anna").add_remove(
        "EmailAddresses",
        &["smtp:anna@fabrikam.example"],
        &[],
    );
    let changed = exchange.invoke("Set-MailContact", more, &Anchor::Tenant);
    drive(&world, changed).await.unwrap();
    for (name, deleted) in [("anna2", true), ("anna3", false)] {
        let address = format!("{name}@fabrikam.example");
        let user = Parameters::new()
            .set("Name", format!("Old {name}"))
            .set("Alias", format!("old-{name}"))
            .set("DisplayName", format!("Old {name}"))
            .set("MicrosoftOnlineServicesID", address.as_str())
            .set("ExternalEmailAddress", format!("{name}@elsewhere.example"))
            .set("Password", "Aa1!aaaaaaaaaaaa");
        let made = drive(&world, exchange.invoke("New-MailUser", user, &Anchor::Tenant)).await;
        let made = made.unwrap().values.remove(0);
        if deleted {
            let id = made["ExternalDirectoryObjectId"].as_str().unwrap();
            drive(&world, target.graph().delete_user(id)).await.unwrap();
        }
    }
    world.perform(&people, Action::Prepare).await;
    let first = world.user(&people[0]).await;
    let name = first.target.as_ref().map(|target| target.user_principal_name.as_str());
    assert_eq!((first.state, name), (UserState::Prepared, Some("anna4@fabrikam.example")));
    let second = world.user(&people[1]).await;
    assert_eq!(second.state, UserState::PrepareError);
    let problem = second.problem.unwrap();
    assert_eq!(problem.code, "U101");
    let said = problem.message;
    assert!(said.contains("all 4 candidates for userPrincipalName are taken"), "{said}");
    assert!(said.contains("anna@fabrikam.example by MailContact Partner Anna"), "{said}");
    assert!(said.contains("anna2@fabrikam.example by deleted MailUser Old anna2"), "{said}");
    assert!(said.contains("anna3@fabrikam.example by user anna3@fabrikam.example"), "{said}");
    let by = &people[0].source.user_principal_name;
    assert!(said.contains(&format!("anna4@fabrikam.example by {by}")), "{said}");
    world.assert_wire_clean();
}

/// PRE-S1: a group holds its address and its alias: a candidate of them is passed over, and who finds
/// nothing else is told which group it is.
#[tokio::test]
async fn a_name_that_a_group_holds_is_passed_over() {
    let numbered = "[numbered(\"anna\", 1, 2)]";
    let mapping = one_name(2).replace(numbered, "[\"anna\", numbered(\"anna\", 2, 2)]");
    let (world, people) = discovered(plain(2).mapping(&mapping)).await;
    let group = world.simulator.add_security_group(world.target.tenant_id, "Team Anna", "anna");
    assert!(group.is_some());
    world.perform(&people, Action::Prepare).await;
    let first = world.user(&people[0]).await;
    let name = first.target.as_ref().map(|target| target.user_principal_name.as_str());
    assert_eq!((first.state, name), (UserState::Prepared, Some("anna2@fabrikam.example")));
    let aliases = reserved(&world, "mailNickname").await;
    assert_eq!(aliases.get(&first.id).map(String::as_str), Some("anna2"));
    let problem = world.user(&people[1]).await.problem.unwrap();
    assert_eq!(problem.code, "U101");
    let said = problem.message;
    let group = "anna by MailUniversalSecurityGroup Team Anna";
    assert!(said.contains(group), "{said}");
    world.assert_wire_clean();
}
