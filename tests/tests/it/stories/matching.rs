//! MAT: who lives in the source, who is who in the target, and the file that says so.

use std::collections::BTreeSet;

use control::{discover, users_file, waves};
use crosswave_tests::world::drive;
use model::{Action, Blocker, User, UserState};
use simulator::{Population, Profile};

use super::support::{directory, discovered, plain, store_user, target_id};

/// MAT-1: everybody of the tenant, with mailbox, archive, drive, licences and what is in the way.
#[tokio::test]
async fn discovery_lists_people_with_what_they_have_and_what_blocks_them() {
    let mut setup = plain(4);
    setup.population = Population {
        archives: 4,
        holds: 4,
        synced: 4,
        guests: 2,
        shared_mailboxes: 4,
        ..setup.population
    };
    let world = setup.build();
    world.discover().await;
    let users = world.users().await;
    let people: Vec<&User> = users.iter().filter(|user| !user.source.licenses.is_empty()).collect();
    assert!(people.len() >= 4);
    let tenant = world.source.tenant_id;
    for user in &people {
        let source = &user.source;
        let found = world.simulator.recipient(tenant, &source.mail).unwrap();
        assert_eq!(source.mailbox.recipient_type.as_deref(), Some("UserMailbox"));
        assert!(source.mailbox.mailbox && source.initial_address.is_some());
        assert_eq!(source.mailbox.archive, found.archive.is_some());
        assert_eq!(
            source.mailbox.drive,
            world.simulator.drive_view(tenant, &source.object_id).is_ok()
        );
        assert_eq!(source.directory_synced, found.synced);
        assert_eq!(source.blockers.contains(&Blocker::DirectorySynced), found.synced);
        assert_eq!(user.state, UserState::NoMatch);
    }
    let blocked: BTreeSet<Blocker> =
        users.iter().flat_map(|user| user.source.blockers.iter().copied()).collect();
    for blocker in [Blocker::Hold, Blocker::Guest, Blocker::NoMailbox, Blocker::DirectorySynced] {
        assert!(blocked.contains(&blocker), "{} is not found", blocker.describe());
    }
    let archives = people.iter().filter(|user| user.source.mailbox.archive).count();
    assert!((1..people.len()).contains(&archives), "some have an archive");
    world.assert_wire_clean();
}

/// MAT-1: only the members of a group; and a second discovery of the same adds nobody.
#[tokio::test]
async fn discovery_can_be_for_a_group() {
    let world = plain(4).build();
    control::store_project(&world.host, &world.project).await.unwrap();
    let host = &world.host;
    let found = async || {
        let some = discover(host, &world.project, Some("Vault readers"), |_seen| {});
        drive(&world, some).await.unwrap()
    };
    let first = found().await;
    // Every third of four people, and the migration's own account.
    assert_eq!((first.seen, first.new), (3, 3));
    let again = found().await;
    assert_eq!((again.seen, again.new, again.changed), (3, 0, 0));
    assert_eq!(world.users().await.len(), 3);
    let nobody = discover(host, &world.project, Some("No such group"), |_seen| {});
    let error = drive(&world, nobody).await.unwrap_err().to_string();
    assert!(error.contains("No such group"), "{error}");
}

/// MAT-2: the pairs of the project decide in their order.
#[tokio::test]
async fn the_first_pair_that_hits_decides() {
    let mut setup = plain(4);
    setup.population.existing_in_target = 1;
    let mut world = setup.build();
    world.project.match_by = vec![
        ("extensionAttribute1".to_owned(), "extensionAttribute1".to_owned()),
        ("displayName".to_owned(), "displayName".to_owned()),
    ];
    world.discover().await;
    let matched = world.match_all().await.matched;
    // Two people have one name; the attribute before it tells them apart.
    let by = |attribute: &str| matched.iter().filter(|pair| pair.by.starts_with(attribute)).count();
    assert_eq!((by("extensionAttribute1"), by("displayName")), (4, 1), "{matched:#?}");
    for pair in &matched {
        let local = |upn: &str| upn.split('@').next().unwrap().to_owned();
        assert_eq!(local(&pair.source), local(&pair.target));
    }
}

/// MAT-2: two people of one name are reported, not guessed; the others are matched, and nobody
/// twice.
#[tokio::test]
async fn an_ambiguous_match_is_reported_and_not_guessed() {
    let mut setup = plain(4);
    setup.population.existing_in_target = 1;
    let mut world = setup.build();
    world.project.match_by = vec![("displayName".to_owned(), "displayName".to_owned())];
    world.discover().await;
    let matched = world.match_all().await;
    assert_eq!((matched.matched.len(), matched.unclear.len()), (3, 2), "{matched:#?}");
    for unclear in &matched.unclear {
        assert!(unclear.source.starts_with("andreas.meyer"), "{unclear:?}");
    }
    let users = world.users().await;
    let targets: Vec<String> =
        users.iter().filter(|user| user.target.is_some()).map(target_id).collect();
    assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len());
    for user in &users {
        let unclear = user.source.user_principal_name.starts_with("andreas.meyer");
        assert_eq!(user.match_note.is_some(), unclear);
        assert_eq!(user.state == UserState::Matched, user.target.is_some());
    }
}

/// MAT-2: an attribute that the mapping script computes.
#[tokio::test]
async fn the_script_can_compute_what_is_matched() {
    let mut setup = plain(4).mapping(
        "// crosswave-api: 1\nfn match_keys(source, ctx) {\n    \
         if source.extensionAttribute1 == () { return []; }\n    \
         [#{ attribute: \"extensionAttribute1\", value: source.extensionAttribute1 }]\n}\n",
    );
    setup.population.existing_in_target = 2;
    let (world, _people) = discovered(setup).await;
    let matched = world.match_all().await;
    assert_eq!(matched.matched.len(), 2, "{matched:#?}");
    assert!(matched.matched.iter().all(|pair| pair.by.contains("match_keys")), "{matched:#?}");
}

/// MAT-2, ERR-2: a user whose attributes the script cannot cope with, or who has no value for a key,
/// is reported with the script's words; the others are matched, and he is parked when he is prepared.
#[tokio::test]
async fn a_user_for_whom_the_script_fails_stops_nobody_else() {
    let faults = [
        ("throw \"no such person\";", "no such person", "R005"),
        ("return [#{ attribute: \"mail\", value: \"\" }];", "`value` is missing", "R006"),
        ("return [#{ attribute: \"mail\", value: () }];", "`value` is missing", "R006"),
    ];
    for (fault, words, code) in faults {
        let mut setup = plain(4).mapping(&format!(
            "// crosswave-api: 1\nfn match_keys(source, ctx) {{\n    \
             if source.mail.contains(\"andreas.meyer@\") {{ {fault} }}\n    \
             [#{{ attribute: \"extensionAttribute1\", value: source.extensionAttribute1 ?? \"none\" }}]\n}}\n",
        ));
        setup.population.existing_in_target = 2;
        let (world, people) = discovered(setup).await;
        let matched = world.match_all().await;
        assert_eq!(matched.matched.len(), 2, "{matched:#?}");
        let [unclear] = matched.unclear.as_slice() else { panic!("one is reported: {matched:#?}") };
        assert!(unclear.source.starts_with("andreas.meyer@"), "{unclear:?}");
        assert!(unclear.why.contains(words), "{unclear:?}");
        let first =
            people.iter().find(|user| user.source.mail.starts_with("andreas.meyer@")).unwrap();
        assert_eq!(world.user(first).await.match_note.as_ref(), Some(&unclear.why));
        world.perform(&people, Action::Prepare).await;
        for user in world.users().await {
            let problem = user.problem.as_ref().map(|problem| problem.code.as_str());
            assert_eq!(problem, (user.id == first.id).then_some(code), "{user:?}");
        }
    }
}

/// MAT-2: a target user is one source user's: a second one who hits the same is reported.
#[tokio::test]
async fn a_target_user_is_matched_once() {
    let mut setup = plain(2);
    setup.population.existing_in_target = 2;
    let (world, people) = discovered(setup).await;
    world.match_all().await;
    let mut now = Vec::new();
    for user in &people {
        now.push(world.user(user).await);
    }
    let matched = now.iter().find(|user| user.target.is_some()).unwrap();
    let other = now.iter().find(|user| user.target.is_none()).unwrap();
    let target = matched.target.as_ref().unwrap();
    let file = format!(
        "source,target\n{},{}\n",
        other.source.user_principal_name, target.user_principal_name
    );
    let import = users_file::import(&world.host, &world.project, "users.csv", file.as_bytes());
    let error = drive(&world, import).await.unwrap_err().to_string();
    assert!(error.contains(&matched.source.user_principal_name), "{error}");
    assert_eq!(world.user(other).await.target, None);
}

/// MAT-3: the file sets matches, waves and options; exported and imported again it changes nothing.
#[tokio::test]
async fn a_file_sets_matches_waves_and_options() {
    let mut setup = plain(2);
    setup.population.existing_in_target = 2;
    let (world, people) = discovered(setup).await;
    let wave: model::WaveId = "one".parse().unwrap();
    waves::create(&world.host, &world.project, wave.clone(), None, None).await.unwrap();
    let targets = directory(&world, catalogue::Side::Target).await;
    let existing =
        targets.iter().find(|user| user.user_principal_name.starts_with("andreas.meyer")).unwrap();
    let import = async |text: &str| {
        let import = users_file::import(&world.host, &world.project, "u.csv", text.as_bytes());
        drive(&world, import).await.unwrap()
    };
    let file = format!(
        "source,target,wave,licenses\n{},{},one,SPE_E5\n{},,one,\n",
        people[0].source.user_principal_name,
        existing.user_principal_name,
        people[1].source.user_principal_name
    );
    let done = import(&file).await;
    assert_eq!((done.rows, done.matches, done.waves, done.options), (2, 1, 2, 1));
    let first = world.user(&people[0]).await;
    assert_eq!((first.state, target_id(&first)), (UserState::Matched, existing.id.clone()));
    assert_eq!(first.profile.as_ref().unwrap().sync.licenses, ["SPE_E5"]);
    assert_eq!(first.wave, Some(wave));
    let before = world.users().await;
    let exported = users_file::export(&before).unwrap();
    let done = import(&exported).await;
    assert_eq!((done.matches, done.waves, done.options), (0, 0, 0));
    assert_eq!(world.users().await, before);
}

/// MAT-2, GEN-3: match looks at those in `no_match` and leaves everybody else alone.
#[tokio::test]
async fn match_leaves_those_alone_who_are_further_on() {
    let mut setup = plain(2).simulator(Profile::Calm);
    setup.population.existing_in_target = 1;
    let (world, people) = discovered(setup).await;
    let complete = User { state: UserState::Complete, ..people[0].clone() };
    store_user(&world, &complete).await;
    let matched = world.match_all().await;
    assert_eq!(matched.skipped, 1, "{matched:#?}");
    let who = &complete.source.user_principal_name;
    assert!(matched.matched.len() > 1 && matched.matched.iter().all(|pair| pair.source != *who));
    assert_eq!(world.user(&complete).await, complete);
    let refused = world.apply(&complete, Action::Match).await.unwrap_err().to_string();
    assert!(refused.contains("allowed from no_match"), "{refused}");
}
