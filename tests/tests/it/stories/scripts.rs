//! Mapping scripts through the whole system: unique values, previews, versions.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use catalogue::{Side, Step};
use control::{
    Selection, discover_target,
    scripts::{Asked, Draft, Row, pin, preview, publish, rollback},
    waves,
};
use crosswave_tests::world::{World, drive};
use engine::{StoredScripts, put_version, shipped_version};
use model::{Action, JournalEvent, Project, ScriptKind, User, UserId, UserState};
use scripting::{Budget, Mapping, preview::Effect};
use tenant::exchange::{Anchor, Parameters};

use super::{
    stage::{heal, refuse_cmdlet},
    support::{account, after, client, directory, discovered, plain, requests},
};

const HEAD: &str = "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    ";

/// A mapping after which everybody wants the same name.
fn one_name(numbers: usize) -> String {
    format!(
        "{HEAD}target.userPrincipalName = candidates([\"anna@fabrikam.example\", \
         numbered(\"anna@fabrikam.example\", 2, {numbers})]);\n    \
         target.mailNickname = candidates([numbered(\"anna\", 1, {numbers})]);\n}}\n"
    )
}

fn draft(body: &str) -> Draft {
    Draft::new(ScriptKind::Mapping, "ours.rhai", &format!("{HEAD}{body}\n}}\n"))
}

async fn published(world: &World, body: &str) -> String {
    let done = publish(&world.host, &world.project, &draft(body), "anna").await;
    done.unwrap().hash
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

async fn previewed(
    world: &World,
    people: &[User],
    mapping: &Mapping,
    against: Option<&Mapping>,
) -> Vec<Row> {
    let users = people.iter().map(|user| user.id.to_string()).collect();
    let selection = Selection { wave: None, users };
    let step = scripting::Step::Prepare;
    let asked = Asked { selection: &selection, mapping, against, step, threads: 2 };
    let mut rows = Vec::new();
    let done = preview(&world.host, &world.project, asked, |row| rows.push(row.clone())).await;
    assert_eq!(done.unwrap().users, rows.len());
    rows
}

fn change(row: &Row, name: &str) -> Option<(Option<String>, Option<String>, usize)> {
    let change = row.user.changes.iter().find(|change| change.attribute.as_str() == name)?;
    Some((change.before.clone(), change.after.clone(), change.line))
}

fn mapping(body: &str) -> Mapping {
    draft(body).mapping().unwrap()
}

/// What the preview says is what prepare then does; and the preview itself asks no tenant, writes
/// nothing and reserves nothing.
#[tokio::test]
async fn a_preview_says_what_prepare_will_do_and_does_nothing() {
    let body = "target.companyName = \"Fabrikam\"; target.mailNickname = candidates([\"crew\", \
                numbered(\"crew\", 2, 9)]);";
    let mut setup = plain(4).mapping(&format!("{HEAD}{body}\n}}\n"));
    // One in four.
    setup.population.existing_in_target = 4;
    let (world, mut people) = discovered(setup).await;
    drive(&world, discover_target(&world.host, &world.project)).await.unwrap();
    let (records, asked) = (world.store.records(), requests(&world));
    let rows = previewed(&world, &people, &mapping(body), None).await;
    assert_eq!((world.store.records(), requests(&world)), (records, asked));
    // A wave starts its people in the order of their ids, and so does a preview.
    people.sort_by(|one, other| one.id.cmp(&other.id));
    world.perform(&people, Action::Prepare).await;
    let mut nicknames = BTreeSet::new();
    assert_eq!(people.len(), 4);
    for user in &people {
        let row = rows.iter().find(|row| row.user.source_id == user.source.object_id).unwrap();
        let account = account(&world, user).await;
        assert_eq!(row.user.effect, Effect::Changes, "{row:?}");
        let (_, after, line) = change(row, "companyName").unwrap();
        assert_eq!((after, line), (account.company_name.clone(), 3));
        let new = world.user(user).await.target.unwrap().created;
        let upn = change(row, "userPrincipalName").and_then(|(_, after, _)| after);
        let nickname = change(row, "mailNickname").and_then(|(_, after, _)| after);
        if new {
            assert_eq!(upn.as_deref(), Some(account.user_principal_name.as_str()));
            assert_eq!(nickname, account.mail_nickname);
            nicknames.insert(nickname.unwrap());
        } else {
            // Who exists is not renamed, and nothing is reserved for him.
            assert_eq!((upn, nickname), (None, None));
            let before = change(row, "jobTitle");
            assert!(before.is_none_or(|(before, after, _)| before != after));
        }
    }
    assert_eq!(nicknames.len(), 3);
    // Prepared, everybody is as the mapping wants him, addresses apart: those follow in other steps.
    drive(&world, discover_target(&world.host, &world.project)).await.unwrap();
    for row in previewed(&world, &people, &mapping(body), None).await {
        let left: Vec<&str> =
            row.user.changes.iter().map(|change| change.attribute.as_str()).collect();
        assert!(left.iter().all(|name| ["proxyAddresses", "manager"].contains(name)), "{left:?}");
    }
}

/// A draft against the published version, user by user.
#[tokio::test]
async fn a_draft_is_compared_with_the_published_version() {
    let (world, people) = discovered(plain(2)).await;
    published(&world, "target.city = \"Oslo\";").await;
    let before = mapping("target.city = \"Oslo\";");
    let rows =
        previewed(&world, &people, &mapping("target.city = \"Bergen\";"), Some(&before)).await;
    for row in rows {
        let [only] = row.differences.as_slice() else { panic!("{:?}", row.differences) };
        assert_eq!(only.attribute.as_deref(), Some("city"));
        assert_eq!((only.before.as_str(), only.after.as_str()), ("Oslo", "Bergen"));
    }
}

async fn wave_of(world: &World, people: &[User], name: &str) -> model::WaveId {
    let id: model::WaveId = name.parse().unwrap();
    waves::create(&world.host, &world.project, id.clone(), None, None).await.unwrap();
    let users = people.iter().map(|user| user.id.to_string()).collect();
    let selection = Selection { wave: None, users };
    waves::assign(&world.host, &world.scope(), &selection, Some(&id)).await.unwrap();
    id
}

async fn start(world: &World, wave: &model::WaveId, action: Action) -> waves::Expanded {
    let scope = world.scope();
    let run = waves::start_run(&world.host, &scope, wave, action, false).await.unwrap();
    waves::expand(&world.host, &scope, &run).await.unwrap()
}

/// A mapping that would park more people than the profile allows does not start its wave; nobody is
/// touched. Where the profile allows it, the others go on.
#[tokio::test]
async fn a_wave_whose_mapping_parks_too_many_does_not_start() {
    let body = "if source.displayName.starts_with(\"A\") { target.usageLocation = \"Germany\"; }";
    let (mut world, people) = discovered(plain(4).mapping(&format!("{HEAD}{body}\n}}\n"))).await;
    drive(&world, discover_target(&world.host, &world.project)).await.unwrap();
    let hit = people.iter().filter(|user| user.source.display_name.starts_with('A')).count();
    assert!((1..4).contains(&hit), "{hit} of 4");
    let wave = wave_of(&world, &people, "one").await;
    let held = start(&world, &wave, Action::Prepare).await;
    assert_eq!(held.started, 0);
    let said = held.refused.join("\n");
    assert!(said.contains(&format!("would park {hit} of 4 people")), "{said}");
    assert!(said.contains("parked_percent = 10") && said.contains("R002"), "{said}");
    assert!(world.users().await.iter().all(|user| user.jobs == 0));
    allow(&mut world, 100).await;
    // A moment later: one run has one moment.
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(start(&world, &wave, Action::Prepare).await.started, 4);
    world.settle().await;
    let parked = world.users().await;
    let parked = parked.iter().filter(|user| user.state == UserState::PrepareError).count();
    assert_eq!(parked, hit);
}

async fn allow(world: &mut World, percent: u8) {
    let mut project: Project = world.project.clone();
    project.default_profile.mapping.parked_percent = percent;
    control::store_project(&world.host, &project).await.unwrap();
    world.project = project;
}

/// A wave keeps the version that it began with for all its actions, also in a program that is
/// started anew; the journal names it; going back and pinning are one command each.
#[tokio::test]
async fn a_wave_keeps_its_version_and_the_journal_names_it() {
    let (mut world, people) = discovered(plain(2)).await;
    let first = published(&world, "target.city = \"Oslo\";").await;
    let (one, two) = people.split_at(1);
    let wave = wave_of(&world, one, "one").await;
    let other = wave_of(&world, two, "two").await;
    assert_eq!(start(&world, &wave, Action::Prepare).await.started, 1);
    world.clock.advance(std::time::Duration::from_secs(1));
    let second = published(&world, "target.city = \"Bergen\";").await;
    // Another process: what is in the store is all that it knows.
    let store = Arc::clone(&world.host.store);
    let scripts = StoredScripts::new(store, Arc::clone(&world.host.clock), Budget::default(), None);
    world.host.scripts = Arc::new(scripts);
    world.settle().await;
    assert_eq!(account(&world, &people[0]).await.city.as_deref(), Some("Oslo"));
    assert_eq!(start(&world, &other, Action::Prepare).await.started, 1);
    world.settle().await;
    assert_eq!(account(&world, &people[1]).await.city.as_deref(), Some("Bergen"));
    let named = async |user: &User| {
        let journal = world.journal(user).await.into_iter();
        let mut pins = journal.filter_map(|entry| match entry.event {
            JournalEvent::Started { scripts, .. } => Some(scripts),
            _ => None,
        });
        pins.next().unwrap().into_iter().find(|(kind, _)| kind == "mapping").unwrap().1
    };
    assert_eq!((named(&people[0]).await, named(&people[1]).await), (first.clone(), second));
    let kind = ScriptKind::Mapping;
    let back = rollback(&world.host, &world.project, kind, None, "eva").await.unwrap();
    assert_eq!(back, first);
    // The wave that has begun is not touched by that, until it is told.
    let pinned = pin(&world.host, &world.project, &other, kind, None).await.unwrap();
    assert_eq!(pinned, first);
    world.perform(&people[1..], Action::Prepare).await;
    assert_eq!(account(&world, &people[1]).await.city.as_deref(), Some("Oslo"));
}

/// A job that began with a shipped script of an earlier release goes on with it.
#[tokio::test]
async fn a_job_of_an_earlier_release_goes_on_with_the_script_that_was_shipped_then() {
    let (world, people) = discovered(plain(1)).await;
    let earlier = model::ScriptVersion {
        hash: "0123456789abcdef".to_owned(),
        text: scripting::MAPPING.replacen("\"city\", ", "", 1).replacen(
            "target.manager =",
            "target.city = \"Then\"; target.manager =",
            1,
        ),
        ..shipped_version(ScriptKind::Mapping, world.host.clock.now())
    };
    put_version(&*world.host.store, &world.project, &earlier, &[]).await.unwrap();
    let wave = wave_of(&world, &people, "one").await;
    let to = Some("0123456789");
    pin(&world.host, &world.project, &wave, ScriptKind::Mapping, to).await.unwrap();
    assert_eq!(start(&world, &wave, Action::Prepare).await.started, 1);
    world.settle().await;
    let user = world.user(&people[0]).await;
    assert_eq!(user.state, UserState::Prepared, "{:?}", user.problem);
    assert_eq!(account(&world, &people[0]).await.city.as_deref(), Some("Then"));
}

/// The gate after the script: a domain that is not verified, an attribute that the project protects,
/// a recipient that nobody approved; and `select` has the first word.
#[tokio::test]
async fn what_the_project_does_not_allow_parks_the_person() {
    for (body, code) in [
        ("target.userPrincipalName = \"anna@elsewhere.example\";", "P001"),
        ("target.proxyAddresses = [\"smtp:anna@fabrikam.example\"];", "P002"),
        ("target.employeeId = \"7\";", "P003"),
    ] {
        let (mut world, people) =
            discovered(plain(1).mapping(&format!("{HEAD}{body}\n}}\n"))).await;
        world.project.policy.protected = vec!["employeeId".to_owned()];
        control::store_project(&world.host, &world.project).await.unwrap();
        let accounts = directory(&world, Side::Target).await;
        world.perform(&people, Action::Prepare).await;
        let problem = world.user(&people[0]).await.problem.unwrap();
        assert_eq!((problem.code.as_str(), problem.step), (code, Step::CreateOrUpdateUser));
        assert_eq!(directory(&world, Side::Target).await, accounts, "nothing was written");
    }
    let select = "}\nfn select(source, ctx) { \"stays behind\"";
    let (world, people) =
        after(plain(1).mapping(&format!("{HEAD}{select}\n}}\n")), &[Action::Prepare]).await;
    let problem = people[0].problem.as_ref().unwrap();
    assert!(problem.message.contains("stays behind"), "{}", problem.message);
    drop(world);
}
