//! Verification (SYN-4): clean after a copy, and every difference with its reason.

use content::{CopyMode, DifferenceReason, VerifyReport, Workload};
use simulator::{DriveFill, MailboxFill, Part};

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
    world.drive_future(world.job(&*world.store).verify()).unwrap().unwrap()
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
    assert!(reasons(&left).into_iter().all(bad), "{:?}", left.differences);
}
