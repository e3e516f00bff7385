//! Scripts through the whole system: their errors, previews, versions, and what a project allows.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story fails where its set-up fails"
)]

use std::{collections::BTreeSet, sync::Arc};

use catalogue::{Side, Step};
use control::{
    Selection, discover_target,
    scripts::{Asked, Draft, Row, pin, preview, publish, rollback, versions},
    waves,
};
use crosswave_tests::world::{World, drive};
use engine::{StoredScripts, put_version, records::load_all, shipped_version};
use model::{
    Action, DeliveryState, EventKind, JournalEvent, Keys, Notification, Project, ScriptKind, User,
    UserState,
};
use scripting::{Budget, Mapping, ScriptOptions, preview::Effect};

use super::support::{account, after, directory, discovered, plain, requests};

const HEAD: &str = "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    ";

fn draft(body: &str) -> Draft {
    Draft::new(ScriptKind::Mapping, "ours.rhai", &format!("{HEAD}{body}\n}}\n"))
}

async fn published(world: &World, body: &str) -> String {
    let done = publish(&world.host, &world.project, &draft(body), "anna").await;
    done.unwrap().hash
}

/// ERR-1, ERR-2: a script's error parks its user in each phase, with code, line, column and the
/// offending value; the step had written nothing by then, though another line came before.
#[tokio::test]
async fn a_script_error_in_any_phase_parks_its_user_before_the_first_write() {
    let synced = [Action::Prepare, Action::Sync];
    for (phase, before, action, step) in [
        ("prepare", &[][..], Action::Prepare, Step::CreateOrUpdateUser),
        ("sync", &synced[..1], Action::Sync, Step::UpdateUser),
        ("cutover_target", &synced[..], Action::Cutover, Step::UpdateTargetUser),
        ("cutover_source", &synced[..], Action::Cutover, Step::UpdateSourceUser),
    ] {
        let line = format!(
            "    if ctx.step == \"{phase}\" {{ target.usageLocation = source.displayName; }}"
        );
        let column = line.find("usageLocation").unwrap() + 1;
        let text = format!("{HEAD}target.companyName = \"{phase}\";\n{line}\n}}\n");
        let (world, people) = after(plain(1).mapping(&text), before).await;
        let tenants = async || {
            let source = directory(&world, Side::Source).await;
            (source, directory(&world, Side::Target).await)
        };
        let found = tenants().await;
        world.perform(&people, action).await;
        let problem = world.user(&people[0]).await.problem.unwrap();
        assert_eq!((problem.code.as_str(), problem.step), ("R002", step), "{problem:?}");
        let said = &problem.message;
        assert!(said.contains(&format!(":4:{column}")), "{phase}: {said}");
        let value = format!("\"{}\"", people[0].source.display_name);
        assert!(said.contains(&value), "{phase}: {said}");
        let journal = world.journal(&people[0]).await.into_iter();
        let writes = journal.filter(|entry| matches!(entry.event, JournalEvent::Writing { .. }));
        assert_eq!(writes.filter(|entry| entry.step == Some(step)).count(), 0, "{phase}");
        // The steps before have written in cutover; before it, nobody has written anything.
        if action != Action::Cutover {
            assert_eq!(tenants().await, found, "{phase}");
        }
    }
}

/// SYN-I1, ERR-1: a guest becomes a member only when the whole plan of the step is made: one whose
/// mapping fails stays the guest that he was, and becomes a member once it is mended.
#[tokio::test]
async fn a_guest_whose_mapping_fails_is_not_made_a_member() {
    let sync = "if ctx.step == \"sync\" { target.usageLocation = source.displayName; }";
    let mut setup = plain(1).mapping(&format!("{HEAD}{sync}\n}}\n"));
    setup.profile.prepare.as_guests = true;
    let (world, people) = after(setup, &[Action::Prepare]).await;
    let kind = async || account(&world, &people[0]).await.user_type;
    assert_eq!(kind().await.as_deref(), Some("Guest"));
    let found = directory(&world, Side::Target).await;
    world.perform(&people, Action::Sync).await;
    let problem = world.user(&people[0]).await.problem.unwrap();
    assert_eq!((problem.code.as_str(), problem.step), ("R002", Step::UpdateUser), "{problem:?}");
    assert_eq!(directory(&world, Side::Target).await, found);

    published(&world, "target.usageLocation = \"DE\";").await;
    world.perform(&people, Action::Sync).await;
    let now = world.user(&people[0]).await;
    assert_eq!(now.state, UserState::Synced, "{:?}", now.problem);
    assert_eq!(kind().await.as_deref(), Some("Member"));
    world.assert_wire_clean();
}

/// NOT-1, ERR-2: a notification script's error is in the delivery record with code, line and column;
/// no message of that event was sent, and the cutover goes on.
#[tokio::test]
async fn a_notification_script_that_fails_sends_nothing_and_says_where() {
    let text = "// crosswave-api: 1\nfn notify(event, user, ctx) {\n    \
                let first = #{ to: \"user\", subject: \"Moved\", body: \"You have moved.\" };\n    \
                [first, #{ to: \"user\", subject: event[\"kin\" + \"dd\"], body: \"\" }]\n}\n";
    let why = refused(text).await;
    assert!(why.contains("R003") && why.contains("told.rhai:4:"), "{why}");
    assert!(why.contains("kindd"), "{why}");
}

/// NOT-1: a recipient or a link that nobody approved, in the second of two messages: neither is sent,
/// and the delivery record says what was not allowed.
#[tokio::test]
async fn a_message_that_the_project_does_not_allow_is_not_sent() {
    for (to, body, code, named) in [
        ("someone@evil.example", "Hello", "P004", "someone@evil.example"),
        ("a@evil.example,b@fabrikam.example", "Hello", "P004", "a@evil.example,b@"),
        ("list:everyone", "Hello", "P004", "everyone"),
        ("owner", "Sign in: https://evil.example/login", "P005", "https://evil.example/login"),
        ("owner", "Sign in at evil.example/login.", "P005", "evil.example/login"),
    ] {
        let why = refused(&format!(
            "// crosswave-api: 1\nfn notify(event, user, ctx) {{\n    \
             [#{{ to: \"user\", subject: \"Moved\", body: \"You have moved.\" }},\n    \
             #{{ to: \"{to}\", subject: \"Moved\", body: \"{body}\" }}]\n}}\n"
        ))
        .await;
        assert!(why.contains(code) && why.contains(named), "{why}");
    }
}

/// Completes a cutover whose notification script must not come through: nothing is sent. Says why.
async fn refused(notify: &str) -> String {
    let (world, people) = after(plain(1), &[Action::Prepare, Action::Sync]).await;
    let sent =
        || world.simulator.requests().iter().filter(|it| it.path.ends_with("/sendMail")).count();
    let before = sent();
    let draft = Draft::new(ScriptKind::Notifications, "told.rhai", notify);
    publish(&world.host, &world.project, &draft, "anna").await.unwrap();
    world.perform(&people, Action::Cutover).await;
    assert_eq!(world.user(&people[0]).await.state, UserState::Complete);
    let project = &world.project;
    let partition = Keys::project_partition(&project.customer, &project.id);
    let told = load_all::<Notification>(&*world.host.store, &partition, Keys::NOTIFICATIONS).await;
    let told = told.unwrap();
    let told = told.iter().find(|told| told.value.event.kind == EventKind::CutoverComplete);
    let DeliveryState::Failed { why } = &told.unwrap().value.delivery else { panic!("{told:?}") };
    assert_eq!(sent(), before);
    why.clone()
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

/// The shipped scripts are listed from the beginning, and have a date from their first use on.
#[tokio::test]
async fn a_shipped_script_has_no_date_before_something_has_used_it() {
    let (world, people) = discovered(plain(1)).await;
    let dates = async || {
        let listed = versions(&world.host, &world.project).await.unwrap().into_iter();
        listed.map(|line| (line.kind, line.in_force, line.at)).collect::<Vec<_>>()
    };
    let unused = ScriptKind::ALL.map(|kind| (kind, true, None));
    let mut listed = dates().await;
    listed.sort_by_key(|(kind, ..)| *kind);
    assert_eq!(listed, unused);
    world.perform(&people, Action::Prepare).await;
    let used = dates().await;
    world.clock.advance(std::time::Duration::from_mins(1));
    assert!(used.iter().all(|(_, _, at)| at.is_some()), "{used:?}");
    assert_eq!(dates().await, used);
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
    let options = ScriptOptions::default();
    put_version(&*world.host.store, &world.project, &earlier, &options).await.unwrap();
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
