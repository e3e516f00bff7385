//! Verification (SYN-4): clean after a copy, and every difference with its reason.

use content::{CopyMode, CopySummary, DifferenceReason, VerifyOutcome, VerifyReport, Workload};
use simulator::{Arrange, DriveFill, MailboxFill, Part};

use crate::support::World;

fn world() -> World {
    let mut world = World::new(41);
    world.subject.drive = true;
    let tenant = world.source.tenant_id;
    let how = MailboxFill::default();
    world.simulator.fill_mailbox(tenant, &world.from, Part::Primary, &how).unwrap();
    world.simulator.fill_drive(tenant, &world.from, &DriveFill::default()).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

fn verify(world: &World) -> VerifyReport {
    verify_as(world, &format!("verify {}", world.requests())).0
}

/// The report, and the units that it took.
fn verify_as(world: &World, round: &str) -> (VerifyReport, u32) {
    for units in 1.. {
        let job = world.job(&*world.store);
        match world.drive_future(job.verify_unit(round)).unwrap().unwrap() {
            VerifyOutcome::Finished(report) => return (report, units),
            VerifyOutcome::More => {}
            VerifyOutcome::Wait { after, .. } => world.clock.advance(after),
        }
    }
    panic!("the verification does not end");
}

/// Until a round has been completed each is a first copy, whatever it is called: a cutover's delta, where the
/// sync before it was stopped, knows hidden folders too, and says what is not copied. Found by seed 81212.
#[test]
fn the_first_round_that_is_completed_is_a_first_copy_whatever_it_is_called() {
    // Nothing that people see lies in Contacts, where Exchange hides a folder of its own.
    let world = World::new(1);
    let summary = world.copy(CopyMode::Delta, "job-1");
    let report = verify(&world);
    assert!(report.is_clean(), "{:?}", report.differences);
    let told = |summary: &CopySummary| {
        summary.notes.iter().any(|note| note.text.starts_with("signatures"))
    };
    assert!(told(&summary), "{summary:?}");
    assert!(!told(&world.copy(CopyMode::Delta, "job-2")), "once is enough");
}

/// A verification is made of units, each of which may run in another process; it says the same. A unit ends
/// between two pages, also within a folder or drive.
#[test]
fn a_verification_in_units_says_the_same_as_one_in_a_piece() {
    let mut world = world();
    world.copy(CopyMode::Initial, "job-1");
    let tenant = world.source.tenant_id;
    world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 4).unwrap();
    world.simulator.touch_drive(tenant, &world.from, 6).unwrap();
    world.settings.page_size = 2;
    let (whole, units) = verify_as(&world, "whole");
    assert_eq!(units, 1);
    assert!(!whole.is_clean());
    world.settings.budget.requests = 4;
    let (parts, units) = verify_as(&world, "in parts");
    let drive = whole.places.iter().find(|place| place.workload == Workload::OneDrive).unwrap();
    // Two requests of a unit find the drives, two are pages of two entries.
    let pages = (drive.source_items + drive.target_items) / 4;
    assert!(u64::from(units) > pages.max(5), "{units} units");
    assert_eq!(parts, whole);
    let before = world.requests();
    assert_eq!(verify_as(&world, "in parts").0, whole, "a finished one answers again");
    assert_eq!(world.requests(), before);
}

/// A folder that is more than a unit's work: it is gone through page by page, each of a hundred items.
#[test]
fn a_folder_larger_than_a_unit_is_compared_over_several() {
    let mut world = World::new(42);
    let tenant = world.source.tenant_id;
    let how =
        MailboxFill { least_items: 480, most_items: 480, folders: 0, ..MailboxFill::default() };
    world.simulator.fill_mailbox(tenant, &world.from, Part::Primary, &how).unwrap();
    world.copy(CopyMode::Initial, "job-1");
    world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 20).unwrap();
    let (whole, _) = verify_as(&world, "whole");
    let largest = whole.places.iter().map(|place| place.source_items).max().unwrap();
    assert!(largest > 100, "{largest} items are one page");
    assert!(!whole.is_clean());
    // Two requests find the mailboxes, one is a page.
    world.settings.budget.requests = 3;
    assert_eq!(verify_as(&world, "in parts").0, whole);
}

#[test]
fn after_a_copy_counts_sizes_and_hashes_agree() {
    let world = world();
    world.copy(CopyMode::Initial, "job-1");
    let report = verify(&world);
    assert_eq!(report.differences, []);
    let mailbox = report.places.iter().filter(|place| place.workload == Workload::Mailbox);
    let (mut items, mut sampled) = (0, 0);
    for place in mailbox {
        assert_eq!(place.source_items + place.target_only, place.target_items, "{place:?}");
        items += place.source_items;
        sampled += place.sampled;
    }
    assert!(items > 0 && sampled > 0);
    let drive = report.places.iter().find(|place| place.workload == Workload::OneDrive).unwrap();
    assert_eq!((drive.source_items, drive.source_bytes), (drive.target_items, drive.target_bytes));
    assert!(drive.sampled > 0);
}

#[test]
fn each_difference_is_listed_with_its_reason() {
    let world = world();
    world.copy(CopyMode::Initial, "job-1");
    let tenant = world.source.tenant_id;
    world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 4).unwrap();
    world.simulator.corrupt_items(tenant, &world.from, Part::Primary, 1).unwrap();
    let reasons = |report: &VerifyReport| {
        report.differences.iter().map(|one| one.reason).collect::<std::collections::BTreeSet<_>>()
    };
    let found = reasons(&verify(&world));
    assert!(found.contains(&DifferenceReason::ChangedSince), "{found:?}");
    assert!(found.contains(&DifferenceReason::GoneFromSource), "{found:?}");
    world.copy(CopyMode::Delta, "job-2");
    let left = verify(&world);
    let bad =
        |reason| matches!(reason, DifferenceReason::BadItem | DifferenceReason::ContentDiffers);
    let left_over = reasons(&left);
    assert!(!left_over.is_empty(), "the corrupt item is not told");
    assert!(left_over.into_iter().all(bad), "{:?}", left.differences);
}

/// What the target has no place for, or has lost as a whole, is told too.
#[test]
fn a_target_without_archive_and_drive_is_no_match() {
    let mut world = world();
    world.copy(CopyMode::Initial, "job-1");
    world.subject.archive = true;
    let how = MailboxFill { least_items: 3, most_items: 3, ..MailboxFill::default() };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Archive, &how).unwrap();
    world.simulator.forget_drive(world.target.tenant_id, &world.to).unwrap();
    let report = verify(&world);
    let told: Vec<(Workload, &str)> =
        report.differences.iter().map(|one| (one.workload, one.detail.as_str())).collect();
    // No copy has told this, so whoever is held until all is there is held for it.
    assert!(report.differences.iter().all(|one| !one.reason.is_reported()));
    assert_eq!(
        told,
        [
            (Workload::Archive, "the target has no archive"),
            (Workload::OneDrive, "the target has no OneDrive"),
        ]
    );
}

/// Folders that are new since the last copy, one of them below another, and one with a new name: what is in
/// them is told, and the gate before the notification is not passed.
#[test]
fn folders_that_are_new_or_renamed_since_the_last_copy_are_told() {
    let mut world = world();
    let (tenant, from) = (world.source.tenant_id, world.from.clone());
    let arrange = |at: &str, how| world.simulator.arrange_folder(tenant, &from, at, how).unwrap();
    arrange("inbox", Arrange::Make("Old"));
    world.copy(CopyMode::Initial, "job-1");
    assert!(verify(&world).is_clean());
    arrange("msgfolderroot", Arrange::Make("New"));
    arrange("inbox/Old", Arrange::Make("Newer"));
    world.simulator.send_mail("someone@elsewhere.example", &from, "In a new folder");
    world.simulator.file_message(tenant, &from, "In a new folder", "New").unwrap();
    let told = |report: &VerifyReport| {
        let changed = report.differences.iter();
        let changed = changed.filter(|one| one.reason == DifferenceReason::ChangedSince);
        changed.map(|one| (one.place.clone(), one.detail.clone())).collect::<Vec<_>>()
    };
    let of = |items: u32| {
        format!("a new folder in the source, of {items} items; the next sync copies it")
    };
    let new = [("/New".to_owned(), of(1)), ("/Inbox/Old/Newer".to_owned(), of(0))];
    assert_eq!(told(&verify(&world)), new);
    // Three requests a unit: two find the mailboxes.
    world.settings.budget.requests = 3;
    assert_eq!(told(&verify(&world)), new);
    world.settings.budget.requests = 600;
    world.copy(CopyMode::Delta, "job-2");
    assert!(verify(&world).is_clean());
    arrange("inbox/Old", Arrange::Rename("Older"));
    let renamed = "renamed or moved in the source; the next sync follows".to_owned();
    assert_eq!(told(&verify(&world)), [("/Inbox/Older".to_owned(), renamed)]);
    world.copy(CopyMode::Delta, "job-3");
    assert!(verify(&world).is_clean());
}
