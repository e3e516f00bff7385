//! Mailboxes: initial copy, delta, deletions, 410, bad items, throttling, archives.

use content::{ContentError, CopyMode, UnitOutcome, Workload};
use simulator::{FaultKind, FaultRule, MailboxFill, Part};

use crate::support::World;

fn fill(world: &World, part: Part, items: u32) {
    let how = MailboxFill {
        least_items: items,
        most_items: items,
        language: "de-DE".to_owned(),
        ..MailboxFill::default()
    };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, part, &how).unwrap();
}

fn touch(world: &World, changes: usize) {
    let tenant = world.source.tenant_id;
    world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, changes).unwrap();
}

const NONE: Vec<String> = Vec::new();

/// SYN-1, SYN-I5: the first copy brings every item of every folder, by role and not by name.
#[test]
fn the_initial_copy_equals_the_source_item_by_item() {
    let world = World::new(1);
    fill(&world, Part::Primary, 60);
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    let counts = summary.counts[&Workload::Mailbox];
    assert!(counts.created > 50 && counts.created == counts.found, "{summary:?}");
}

/// Hidden folders come too, with what is in them, and stay hidden; search folders hold nothing and do not.
#[test]
fn hidden_folders_are_copied_and_search_folders_are_not() {
    let world = World::new(2);
    fill(&world, Part::Primary, 60);
    let searches = |world: &World| {
        let there = world.view(&world.target, &world.to, Part::Primary);
        there.folders.values().filter(|folder| folder.search).count()
    };
    let before = searches(&world);
    world.copy(CopyMode::Initial, "job-1");
    let here = world.view(&world.source, &world.from, Part::Primary);
    let there = world.view(&world.target, &world.to, Part::Primary);
    // Others that are hidden belong to the source's retention.
    let hidden = |(_, folder): &(&String, &simulator::FolderView)| {
        folder.hidden && folder.name == "Application Data"
    };
    let (path, original) = here.folders.iter().find(hidden).unwrap();
    let copy = &there.folders[path];
    assert!(copy.hidden && !copy.items.is_empty(), "{copy:?}");
    assert_eq!((&copy.class, &copy.items), (&original.class, &original.items));
    assert!(here.folders.values().any(|folder| folder.search), "nothing to leave out");
    assert_eq!(searches(&world), before);
}

/// A finished round answers again without asking anybody.
#[test]
fn a_finished_round_stays_finished_without_a_request() {
    let world = World::new(2);
    fill(&world, Part::Primary, 10);
    let first = world.copy(CopyMode::Initial, "job-1");
    let before = world.requests();
    let again = world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
    assert_eq!(again, UnitOutcome::Finished(first));
    assert_eq!(world.requests(), before);
}

/// SYN-D1: a delta brings what is new, changed, moved and deleted, in fewer requests.
#[test]
fn a_delta_follows_every_kind_of_change_in_fewer_requests() {
    for seed in 0..5 {
        let mut world = World::new(100 + seed);
        world.small_units();
        fill(&world, Part::Primary, 120);
        world.copy(CopyMode::Initial, "job-1");
        let initial = world.requests();
        for round in 0..3 {
            touch(&world, 15);
            world.copy(CopyMode::Delta, &format!("delta-{round}"));
            assert_eq!(world.mailbox_differences(Part::Primary), NONE, "seed {seed} round {round}");
        }
        let before = world.requests();
        world.copy(CopyMode::Delta, "delta-of-nothing");
        assert!(world.requests() - before < initial / 2, "seed {seed}");
    }
}

/// A delta token that the service forgot: everything is enumerated, nothing is copied twice, and what
/// was deleted meanwhile goes.
#[test]
fn after_a_410_nothing_is_copied_twice_and_deletions_are_found() {
    for seed in 0..5 {
        let world = World::new(200 + seed);
        fill(&world, Part::Primary, 60);
        world.copy(CopyMode::Initial, "job-1");
        touch(&world, 10);
        world
            .simulator
            .expire_mailbox_deltas(world.source.tenant_id, &world.from, Part::Primary)
            .unwrap();
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!(world.mailbox_differences(Part::Primary), NONE, "seed {seed}");
        let counts = summary.counts[&Workload::Mailbox];
        assert!(counts.created + counts.updated < 15, "seed {seed}: {counts:?}");
    }
}

/// SYN-5: an unreadable item is listed and does not stop the copy; the limit of the profile does.
#[test]
fn bad_items_are_listed_up_to_the_limit() {
    let mut world = World::new(3);
    fill(&world, Part::Primary, 40);
    world.simulator.corrupt_items(world.source.tenant_id, &world.from, Part::Primary, 3).unwrap();
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(summary.bad_items, 3);
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    let bad = world.drive_future(world.job(&*world.store).bad_items()).unwrap().unwrap();
    assert_eq!(bad.len(), 3);
    assert!(bad.iter().all(|item| item.reason.contains("ErrorCorruptData") && item.size > 0));
    // Tried again by the next round, still bad, still three.
    let again = world.copy(CopyMode::Delta, "job-2");
    assert_eq!((again.bad_items, again.counts[&Workload::Mailbox].bad), (3, 3));

    world.settings.bad_item_limit = 2;
    let error = world.try_copy(CopyMode::Delta, "job-3").unwrap_err();
    assert!(error.to_string().contains("the profile allows 2"), "{error}");
}

/// ERR-3: throttling makes the copy wait and never fail.
#[test]
fn a_throttled_tenant_slows_the_copy_and_never_fails_it() {
    let world = World::new(4);
    fill(&world, Part::Primary, 50);
    world.simulator.configure(|config| {
        config.faults.throttled = 0.2;
        config.faults.throttled_without_hint = 0.05;
        config.faults.unavailable = 0.05;
    });
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// ERR-4: an import whose reply is lost is found in the target and not repeated.
#[test]
fn lost_replies_of_imports_leave_every_item_exactly_once() {
    let world = World::new(5);
    fill(&world, Part::Primary, 50);
    let lost = |from: u32| FaultRule {
        path: Some("importItem".to_owned()),
        from,
        times: Some(1),
        ..FaultRule::of(FaultKind::ResetAfter)
    };
    world.simulator.configure(|config| {
        config.faults.rules = vec![lost(3), lost(4), lost(20), lost(41)];
    });
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// The archive comes through beta; where there is none, or it is switched off, the report says so.
#[test]
fn archives_are_copied_or_reported() {
    let mut world = World::new(6);
    world.subject.archive = true;
    fill(&world, Part::Archive, 30);
    let told = |summary: &content::CopySummary, text: &str| {
        let notes = summary.notes.iter().filter(|note| note.workload == Workload::Archive);
        let texts: Vec<&str> = notes.map(|note| note.text.as_str()).collect();
        assert!(texts.iter().any(|told| told.contains(text)), "{texts:?}");
    };
    let summary = world.copy(CopyMode::Initial, "job-1");
    told(&summary, "the target has no archive mailbox");
    world.settings.archive_required = true;
    let job = world.job(&*world.store);
    let refused = world.drive_future(job.run_unit(CopyMode::Delta, "job-required")).unwrap();
    assert!(matches!(refused, Err(ContentError::NoTargetArchive)), "{refused:?}");
    world.settings.archive_required = false;

    let exchange = world.target_client.exchange();
    world.drive_future(exchange.enable_archive(&world.subject.target_user)).unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_hours(1));
    world.settings.archive = content::ArchiveCapability::Off;
    told(&world.copy(CopyMode::Delta, "job-2"), "switched off");

    world.settings.archive = content::ArchiveCapability::Beta;
    world.copy(CopyMode::Delta, "job-3");
    assert_eq!(world.mailbox_differences(Part::Archive), NONE);
}

/// An archive that has expanded into auxiliary mailboxes is copied whole.
#[test]
fn an_expanded_archive_is_copied_whole() {
    let mut world = World::new(12);
    world.subject.mailbox = false;
    world.subject.archive = true;
    fill(&world, Part::Archive, 10);
    world.simulator.expand_archive(world.source.tenant_id, &world.from, 12).unwrap();
    let exchange = world.target_client.exchange();
    world.drive_future(exchange.enable_archive(&world.subject.target_user)).unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_hours(1));
    let summary = world.copy(CopyMode::Initial, "job-1");
    let here = world.view(&world.source, &world.from, Part::Archive);
    let there = world.view(&world.target, &world.to, Part::Archive);
    // The auxiliary mailbox is another's in the simulator: its items are more than the view has.
    assert_eq!(here.differences(&there, true), NONE);
    assert_eq!(there.count(), here.count() + 12, "{summary:?}");
    let again = world.copy(CopyMode::Delta, "job-2");
    let again = again.counts.get(&Workload::Archive).map_or(0, |counts| counts.created);
    assert_eq!(again, 0);
}

/// SYN-I5: language and time zone are set, rules and categories follow; what sends mail does not.
#[test]
fn side_data_is_copied_or_listed() {
    use serde_json::json;
    let world = World::new(9);
    let (source, target) = (world.source_client.graph(), world.target_client.graph());
    let (here, there) = (world.subject.source_user.as_str(), world.subject.target_user.as_str());
    let settings = json!({
        "timeZone": "Tokyo Standard Time", "language": { "locale": "fr-FR" },
        "automaticRepliesSetting": { "status": "alwaysEnabled", "internalReplyMessage": "Away" },
    });
    let settings = settings.as_object().unwrap().clone();
    world.drive_future(source.update_mailbox_settings(here, &settings)).unwrap().unwrap();
    for rule in [
        json!({ "displayName": "Bills", "sequence": 1, "actions": { "markAsRead": true } }),
        json!({ "displayName": "On", "sequence": 2,
            "actions": { "redirectTo": [{ "emailAddress": { "address": "x@y.example" } }] } }),
    ] {
        world.drive_future(source.create_message_rule(here, &rule)).unwrap().unwrap();
    }
    let blue = tenant::graph::OutlookCategory {
        display_name: "Blue".to_owned(),
        color: Some("preset7".to_owned()),
    };
    world.drive_future(source.create_master_category(here, &blue)).unwrap().unwrap();
    let summary = world.copy(CopyMode::Initial, "job-1");
    world.copy(CopyMode::Delta, "job-2");

    let copied = world.drive_future(target.mailbox_settings(there)).unwrap().unwrap();
    assert_eq!(copied.time_zone.as_deref(), Some("Tokyo Standard Time"));
    assert_eq!(copied.language.and_then(|language| language.locale).as_deref(), Some("fr-FR"));
    let replies = copied.automatic_replies_setting.unwrap();
    assert_eq!(replies["internalReplyMessage"], "Away");
    let rules = world.drive_future(target.message_rules(there)).unwrap().unwrap();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(rules[0]["displayName"], "Bills");
    let categories = world.drive_future(target.master_categories(there)).unwrap().unwrap();
    assert_eq!(categories, [blue]);
    let redirect = summary.notes.iter().find(|note| note.text.contains("`on`"));
    assert!(redirect.is_some_and(|note| note.text.contains("sends mail on")), "{summary:?}");
    // What has no API is listed by its name.
    let listed = |what: &str| {
        let mut notes = summary.notes.iter().filter(|note| note.workload == Workload::SideData);
        notes.any(|note| note.text.contains(what) && note.text.contains("not copied"))
    };
    assert!(listed("signatures") && listed("views"), "{summary:?}");
}

/// Each side datum that the target refuses is listed by its own name; nothing is silently missing.
#[test]
fn side_data_that_the_target_refuses_are_listed_one_by_one() {
    use serde_json::json;
    let world = World::new(11);
    let source = world.source_client.graph();
    let here = world.subject.source_user.as_str();
    let settings = json!({
        "timeZone": "Tokyo Standard Time",
        "automaticRepliesSetting": { "status": "alwaysEnabled", "internalReplyMessage": "Away" },
    });
    let settings = settings.as_object().unwrap().clone();
    world.drive_future(source.update_mailbox_settings(here, &settings)).unwrap().unwrap();
    let rule = json!({ "displayName": "Bills", "sequence": 1, "actions": { "markAsRead": true } });
    world.drive_future(source.create_message_rule(here, &rule)).unwrap().unwrap();
    let blue = tenant::graph::OutlookCategory {
        display_name: "Blue".to_owned(),
        color: Some("preset7".to_owned()),
    };
    world.drive_future(source.create_master_category(here, &blue)).unwrap().unwrap();
    world.tamper(|method, path, _| {
        let side = ["/mailboxSettings", "/messageRules", "/masterCategories"];
        let written = method != "GET" && side.iter().any(|part| path.ends_with(part));
        let refused = r#"{"error":{"code":"ErrorInvalidRequest","message":"No."}}"#;
        written.then(|| (400, refused.to_owned()))
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    for what in ["regional settings", "automatic replies", "`Blue`", "`bills`"] {
        let listed =
            |note: &&content::Note| note.workload == Workload::SideData && note.text.contains(what);
        let note = summary.notes.iter().find(listed);
        assert!(note.is_some_and(|note| note.text.contains("not copied")), "{what}: {summary:?}");
    }
}

/// The source changes while it is copied: the next delta settles it.
#[test]
fn a_mailbox_that_changes_during_its_copy_is_settled_by_a_delta() {
    let mut world = World::new(10);
    fill(&world, Part::Primary, 60);
    world.small_units();
    loop {
        match world.unit(CopyMode::Initial, "job-1").unwrap().unwrap() {
            UnitOutcome::Finished(_) => break,
            UnitOutcome::Wait { after, .. } => world.clock.advance(after),
            UnitOutcome::More(_) => touch(&world, 2),
        }
    }
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// ERR-3, ERR-4: everything that a flaky network does; nothing twice, nothing lost.
#[test]
fn a_flaky_tenant_does_not_break_the_copy() {
    for seed in 0..3 {
        let mut world = World::new(400 + seed);
        world.settings.stream_bytes = 100_000;
        fill(&world, Part::Primary, 40);
        world.simulator.configure(|config| {
            config.faults.reset_before = 0.03;
            config.faults.reset_after = 0.05;
            config.faults.unavailable = 0.03;
            config.content.delta_duplicates = 0.2;
            config.content.delta_empty_pages = 0.2;
            config.content.delta_replays = 0.2;
        });
        world.copy(CopyMode::Initial, "job-1");
        touch(&world, 10);
        world.copy(CopyMode::Delta, "job-2");
        assert_eq!(world.mailbox_differences(Part::Primary), NONE, "seed {seed}");
    }
}

/// The cost of a copy: near the floor of one export call for twenty items and one import each; the
/// item map small and its commits few.
#[test]
fn a_copy_stays_near_the_floor_in_requests_and_store_bytes() {
    let mut world = World::new(11);
    fill(&world, Part::Primary, 1_000);
    world.settings.budget.requests = 5_000;
    let (commits, before) = (world.store.commits(), world.requests());
    let summary = world.copy(CopyMode::Initial, "job-1");
    let counts = summary.counts[&Workload::Mailbox];
    let requests = world.simulator.requests();
    let imports = requests.iter().filter(|one| one.path.contains("importItem")).count() as u64;
    let exports = requests.iter().filter(|one| one.path.contains("exportItems")).count() as u64;
    assert_eq!(imports, counts.created, "one import for each item");
    // One page of changes for each folder: none has more items than a page.
    let view = world.view(&world.source, &world.from, Part::Primary);
    let pages = view.folders.values().filter(|folder| !folder.search).count() as u64;
    let floor = counts.created + counts.created.div_ceil(20) + pages;
    // Every request to both tenants: folders, settings, rights and sign-in among them.
    let all = (requests.len() - before) as u64;
    assert!(all * 100 <= floor * 105, "{all} over a floor of {floor}, {exports} exports");
    let map = world.store.records();
    let map = map.iter().filter(|record| record.key.sort.starts_with("M/"));
    let bytes: usize = map.map(|record| record.key.sort.len() + record.value.len()).sum();
    let commits = world.store.commits() - commits;
    println!("{} items: {bytes} bytes of map, {commits} commits", counts.created);
    assert!(bytes as u64 <= counts.created * 200, "{bytes} bytes of map");
    assert!(commits <= counts.created / 8, "{commits} commits");
}

/// SYN-D1: what a delta with one change in a hundred costs, in round trips and as throttling counts.
#[test]
fn a_delta_with_one_change_in_a_hundred_costs_three_in_a_hundred_of_the_requests() {
    let mut world = World::new(13);
    fill(&world, Part::Primary, 1_000);
    world.settings.budget.requests = 5_000;
    let initial = world.copy(CopyMode::Initial, "job-1");
    let items = initial.counts[&Workload::Mailbox].created;
    touch(&world, usize::try_from(items / 100).unwrap());
    let delta = world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    let share = |part: u64, whole: u64| format!("{part} of {whole}");
    println!(
        "{items} items: {} requests, {} as throttling counts",
        share(delta.requests, initial.requests),
        share(delta.logical_requests, initial.logical_requests),
    );
    assert!(delta.requests * 100 <= initial.requests * 3, "{delta:?} of {initial:?}");
}

/// Items from a size on are never in memory whole: they go from export to import while they arrive. The
/// copy is the same, one that cannot be read is listed, one that changes is updated.
#[test]
fn large_items_stream_from_export_to_import() {
    let mut world = World::new(15);
    fill(&world, Part::Primary, 40);
    world.settings.stream_bytes = 1;
    world.simulator.corrupt_items(world.source.tenant_id, &world.from, Part::Primary, 2).unwrap();
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(summary.bad_items, 2);
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    touch(&world, 15);
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    let exports = world.simulator.requests();
    let exports = exports.iter().filter(|one| one.path.ends_with("exportItems")).count();
    assert!(exports >= 40, "each item alone: {exports}");
}

/// One import session serves all units of a round, and the next one, until it expires.
#[test]
fn one_import_session_is_used_until_it_expires() {
    let mut world = World::new(14);
    world.small_units();
    fill(&world, Part::Primary, 100);
    let sessions = |world: &World| {
        let requests = world.simulator.requests();
        requests.iter().filter(|one| one.path.ends_with("createImportSession")).count()
    };
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert!(summary.units > 4, "{summary:?}");
    assert_eq!(sessions(&world), 1);
    touch(&world, 8);
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(sessions(&world), 1);
    world.clock.advance(std::time::Duration::from_hours(2));
    touch(&world, 8);
    world.copy(CopyMode::Delta, "job-3");
    assert_eq!(sessions(&world), 2);
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}
