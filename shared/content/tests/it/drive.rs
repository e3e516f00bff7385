//! OneDrives.

use content::{ContentError, CopyMode, CopySummary, Workload};
use simulator::{Config, DriveFill, Lag, Profile};
use tenant::graph::drive::{ItemChange, Placement};

use crate::support::World;

fn world(seed: u64, how: &DriveFill) -> World {
    let mut world = World::new(seed);
    world.subject.mailbox = false;
    world.subject.drive = true;
    world.simulator.fill_drive(world.source.tenant_id, &world.from, how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

const NONE: Vec<String> = Vec::new();

/// SYN-1: files, folders, dates and content arrive.
#[test]
fn the_initial_copy_of_a_drive_equals_the_source_entry_by_entry() {
    let world = world(21, &DriveFill { least_files: 40, most_files: 40, ..DriveFill::default() });
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE, "{summary:?}");
    assert_eq!(summary.bad_items, 0, "{summary:?}");
}

/// A person whose target has no OneDrive yet; it takes ten minutes once somebody has asked for it.
fn without_a_drive(seed: u64) -> World {
    let mut config = Config::of(Profile::Calm);
    config.lags.drive_provisioning = Lag::seconds(600, 600);
    let mut world = World::with(seed, config);
    (world.subject.mailbox, world.subject.drive) = (false, true);
    let how = DriveFill::default();
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.forget_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

fn asked_for(world: &World) -> usize {
    let requests = world.simulator.requests();
    requests.iter().filter(|one| one.path.ends_with("/_vti_bin/client.svc/ProcessQuery")).count()
}

/// SYN-1: no Graph call makes a OneDrive; SharePoint's administration is asked for it, once, and the copy
/// waits until it is there.
#[test]
fn a_missing_drive_is_asked_for_once_and_awaited() {
    let world = without_a_drive(24);
    let since = ports::Clock::now(&world.clock);
    let summary: CopySummary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE, "{summary:?}");
    assert_eq!(asked_for(&world), 1);
    let took = ports::Clock::now(&world.clock).duration_since(since);
    assert!((600..1_200).contains(&took.as_secs()), "{took}");
}

/// Where the application may not ask, an administrator has to: the copy says so, and goes on once the
/// OneDrive is there.
#[test]
fn a_drive_that_may_not_be_asked_for_is_left_to_an_administrator() {
    let world = without_a_drive(25);
    let target = &world.target;
    let roles = ["Exchange Administrator"];
    world.simulator.set_directory_roles(target.tenant_id, target.client_id, &roles);
    let failed = world.try_copy(CopyMode::Initial, "job-1").unwrap_err();
    let ContentError::Missing { what, advice } = &failed else { panic!("{failed:?}") };
    assert!(what.contains("OneDrive") && advice.contains("SharePoint admin centre"), "{failed:?}");
    assert_eq!(asked_for(&world), 1);
    world.simulator.provision_drive(target.tenant_id, &world.to).unwrap();
    let summary = world.copy(CopyMode::Initial, "job-2");
    assert_eq!(world.drive_differences(), NONE, "{summary:?}");
}

/// SYN-D1 for files.
#[test]
fn a_delta_of_a_drive_follows_every_kind_of_change() {
    for seed in 0..4 {
        let how = DriveFill { least_files: 20, most_files: 20, ..DriveFill::default() };
        let mut world = world(300 + seed, &how);
        world.small_units();
        world.copy(CopyMode::Initial, "job-1");
        for round in 0..3 {
            world.simulator.touch_drive(world.source.tenant_id, &world.from, 12).unwrap();
            let summary = world.copy(CopyMode::Delta, &format!("delta-{round}"));
            assert_eq!(world.drive_differences(), NONE, "seed {seed} round {round}: {summary:?}");
        }
    }
}

/// A large file goes fragment by fragment, over many units.
#[test]
fn a_large_file_is_resumed_by_unit_after_unit() {
    let how = DriveFill {
        least_files: 3,
        most_files: 3,
        large_files: 1,
        large_bytes: 12 * 1024 * 1024 + 77,
        ..DriveFill::default()
    };
    let mut world = world(22, &how);
    world.settings.fragment_bytes = content::FRAGMENT_UNIT;
    world.small_units();
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE);
    assert!(summary.units > 2, "{summary:?}");
}

/// SYN-1: a large file that is edited and renamed between two rounds is in the target with both.
#[test]
fn a_large_file_follows_its_new_content_and_its_new_name() {
    let mut world = world(27, &DriveFill { least_files: 0, most_files: 0, ..DriveFill::default() });
    world.settings.fragment_bytes = content::FRAGMENT_UNIT;
    let tenant = world.source.tenant_id;
    let write = |name: &str, byte: u8| {
        world.simulator.add_file(tenant, &world.from, name, &vec![byte; 700_000]).unwrap();
    };
    write("film.mov", 1);
    world.copy(CopyMode::Initial, "job-1");
    let graph = world.source_client.graph();
    let rename = async {
        let drive = graph.user_drive(&world.subject.source_user).await?;
        let root = graph.drive_root(&drive.id).await?;
        let at = Placement { parent: &root.id, name: "film.mov" };
        let file = graph.drive_item_at(&drive.id, at).await?;
        let change = ItemChange { name: Some("final.mov".to_owned()), ..ItemChange::default() };
        graph.update_drive_item(&drive.id, &file.id, &change).await
    };
    world.drive_future(rename).unwrap().unwrap();
    write("final.mov", 2);
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE);
}

/// What is neither file nor folder is left out and reported.
#[test]
fn notebooks_shortcuts_and_malware_are_reported() {
    let world = world(23, &DriveFill { oddities: true, ..DriveFill::default() });
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE);
    let words = ["OneNote", "shortcut", "infected"];
    for word in words {
        assert!(summary.notes.iter().any(|note| note.text.contains(word)), "{word}: {summary:?}");
    }
    assert_eq!(summary.counts[&Workload::OneDrive].skipped, 3);
}

/// A 410 in a drive: nothing twice, deletions found.
#[test]
fn after_a_410_the_drive_is_compared_and_not_copied_again() {
    let how = DriveFill { least_files: 30, most_files: 30, ..DriveFill::default() };
    let world = world(24, &how);
    world.copy(CopyMode::Initial, "job-1");
    world.simulator.touch_drive(world.source.tenant_id, &world.from, 10).unwrap();
    world.simulator.expire_drive_deltas(world.source.tenant_id, &world.from).unwrap();
    let summary = world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE);
    let counts = summary.counts[&Workload::OneDrive];
    assert!(counts.created + counts.updated < 15, "{counts:?}");
}

/// The source changes while it is copied: the next delta settles it.
#[test]
fn a_drive_that_changes_during_its_copy_is_settled_by_a_delta() {
    let how = DriveFill { least_files: 20, most_files: 20, ..DriveFill::default() };
    let mut world = world(25, &how);
    world.settings.budget.requests = 9;
    loop {
        match world.unit(CopyMode::Initial, "job-1").unwrap().unwrap() {
            content::UnitOutcome::Finished(_) => break,
            content::UnitOutcome::Wait { after, .. } => world.clock.advance(after),
            content::UnitOutcome::More(_) => {
                world.simulator.touch_drive(world.source.tenant_id, &world.from, 1).unwrap();
            }
        }
    }
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE);
}

/// A OneDrive that is not there is asked for and awaited; one that never comes is reported.
#[test]
fn a_missing_onedrive_is_awaited_and_then_reported() {
    let mut world = World::new(26);
    world.subject.mailbox = false;
    world.subject.drive = true;
    world.subject.target_user = world
        .simulator
        .recipient(world.target.tenant_id, &format!("notifications@{}", world.target.vanity_domain))
        .unwrap()
        .directory_id
        .to_string();
    world.settings.drive_waits = 3;
    let waited = world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
    assert!(matches!(waited, content::UnitOutcome::Wait { .. }), "{waited:?}");
    let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err();
    assert!(error.to_string().contains("the target's OneDrive is missing"), "{error}");
}

/// ERR-3, ERR-4: throttling, broken connections and lost replies; nothing twice, nothing lost.
#[test]
fn a_flaky_tenant_does_not_break_the_copy_of_a_drive() {
    let how = DriveFill { large_files: 1, large_bytes: 5_000_000, ..DriveFill::default() };
    let mut world = world(27, &how);
    world.settings.fragment_bytes = content::FRAGMENT_UNIT;
    world.simulator.configure(|config| {
        config.faults.throttled = 0.05;
        config.faults.reset_before = 0.03;
        config.faults.reset_after = 0.03;
        config.faults.unavailable = 0.03;
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    world.simulator.pause_faults(true);
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE, "{summary:?}");
}

/// Small files cost a download and an upload each; their addresses come twenty a request.
#[test]
fn the_addresses_of_small_files_are_asked_for_together() {
    let how = DriveFill {
        least_files: 60,
        most_files: 60,
        folders: 2,
        small_bytes: Some(1_000),
        shares: 0,
        ..DriveFill::default()
    };
    let world = world(29, &how);
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE);
    let kinds = world.simulator.counts().by_kind;
    let batches: u64 =
        kinds.iter().filter(|(kind, _)| kind.ends_with("$batch")).map(|(_, count)| count).sum();
    assert!(batches <= 8, "{kinds:?}");
    let alone = |action: &str| kinds.keys().any(|kind| kind.ends_with(action));
    assert!(!alone("/content") && !alone("/createUploadSession"), "{kinds:?}");
}
