//! A process that dies at every boundary, one after the other: before and after each request and each
//! commit. The next unit, in another process, leaves every item exactly once (GEN-5, ERR-4).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use content::{CopyMode, UnitOutcome};
use ports::Clock;
use simulator::{DriveFill, MailboxFill, Part};

use crate::support::{NEVER, World};

/// Runs a round in a process that dies at boundary `n`, then to its end in others: the same round, or,
/// for every third `n`, another one that somebody starts instead. `true`: it lived.
pub(crate) fn round_with_death(world: &World, mode: CopyMode, round: &str, n: u64) -> bool {
    let lived = lives_to_boundary(world, mode, round, n);
    let round = if n.is_multiple_of(3) { "another" } else { round };
    world.copy(mode, round);
    lived
}

/// Runs a round in a process that dies at boundary `n`. `true`: it lived.
fn lives_to_boundary(world: &World, mode: CopyMode, round: &str, n: u64) -> bool {
    world.passed.store(0, Ordering::Relaxed);
    world.dies_at.store(n, Ordering::Relaxed);
    let mut lived = true;
    loop {
        match world.unit(mode, round) {
            None => {
                lived = false;
                break;
            }
            Some(Ok(UnitOutcome::Finished(_))) => break,
            Some(Ok(UnitOutcome::More(_))) => {}
            Some(Ok(UnitOutcome::Wait { after, .. })) => world.clock.advance(after),
            Some(Err(error)) => panic!("{error}"),
        }
    }
    world.dies_at.store(NEVER, Ordering::Relaxed);
    world.clock.advance(Duration::from_secs(1));
    lived
}

fn mailbox_world() -> World {
    let mut world = World::new(7);
    world.settings.page_size = 7;
    world.settings.concurrency = 2;
    // Some of the items go through without being in memory whole.
    world.settings.stream_bytes = 60_000;
    let how = MailboxFill { least_items: 8, most_items: 8, folders: 2, ..MailboxFill::default() };
    let tenant = world.source.tenant_id;
    world.simulator.fill_mailbox(tenant, &world.from, Part::Primary, &how).unwrap();
    world
}

#[test]
fn a_mailbox_copy_survives_death_at_every_boundary() {
    for n in 1.. {
        let world = mailbox_world();
        let lived = round_with_death(&world, CopyMode::Initial, "job-1", n);
        let differences = world.mailbox_differences(Part::Primary);
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            assert!(n > 50, "the job has only {n} boundaries");
            return;
        }
    }
}

#[test]
fn a_mailbox_delta_survives_death_at_every_boundary() {
    for n in 1.. {
        let world = mailbox_world();
        world.copy(CopyMode::Initial, "job-1");
        let tenant = world.source.tenant_id;
        world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 10).unwrap();
        let lived = round_with_death(&world, CopyMode::Delta, "job-2", n);
        let differences = world.mailbox_differences(Part::Primary);
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            return;
        }
    }
}

/// SYN-D1, ERR-4: what was on its way when the process died, and is then filed, edited or deleted in the
/// source before anybody looks, is as it is there in the end: not in the target twice, and not left in it.
#[test]
fn people_who_file_and_delete_after_a_death_leave_no_copy_behind() {
    for n in (1..).step_by(5) {
        let world = mailbox_world();
        let lived = lives_to_boundary(&world, CopyMode::Initial, "job-1", n);
        let tenant = world.source.tenant_id;
        world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 60).unwrap();
        let round = if n.is_multiple_of(3) { "another" } else { "job-1" };
        world.copy(CopyMode::Initial, round);
        world.copy(CopyMode::Delta, "job-2");
        let mut differences = world.mailbox_differences(Part::Primary);
        // A folder that was made just before the death, and deleted in the source before anybody
        // looked, stays: it is empty, and nobody can know whose it is.
        differences.retain(|line| !line.ends_with("the folder should not be there"));
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            return;
        }
    }
}

/// SYN-D1: a comparison that began anew after a 410, and begins once more after a death and a second 410, sees
/// what is there now: what was deleted in between goes, though the first one has seen it.
#[test]
fn a_comparison_that_is_begun_twice_finds_what_was_deleted_in_between() {
    let expire = |world: &World, drive: bool| {
        let (tenant, user) = (world.source.tenant_id, &world.from);
        let (simulator, part) = (&world.simulator, Part::Primary);
        if drive {
            simulator.expire_drive_deltas(tenant, user).unwrap();
        } else {
            simulator.expire_mailbox_deltas(tenant, user, part).unwrap();
        }
    };
    for (n, drive) in (1..).flat_map(|n| [(n, false), (n, true)]) {
        let world = if drive { drive_world() } else { mailbox_world() };
        let (tenant, user) = (world.source.tenant_id, &world.from);
        world.copy(CopyMode::Initial, "job-1");
        expire(&world, drive);
        let lived = lives_to_boundary(&world, CopyMode::Delta, "job-2", n);
        if drive {
            world.simulator.touch_drive(tenant, user, 6).unwrap();
        } else {
            world.simulator.touch_mailbox(tenant, user, Part::Primary, 12).unwrap();
        }
        expire(&world, drive);
        world.copy(CopyMode::Delta, if n % 2 == 0 { "job-2" } else { "another" });
        world.copy(CopyMode::Delta, "job-3");
        let differences = if drive {
            world.drive_differences()
        } else {
            world.mailbox_differences(Part::Primary)
        };
        assert!(differences.is_empty(), "death at boundary {n}, drive {drive}: {differences:?}");
        if lived && drive {
            return;
        }
    }
}

/// Runs a round in a process that dies as soon as a request to this address is answered.
fn dies_behind(world: &World, round: &str, address: &'static str) {
    let dies_at = Arc::clone(&world.dies_at);
    world.tamper(move |_, path, _| {
        if path.ends_with(address) {
            dies_at.store(0, Ordering::Relaxed);
        }
        None
    });
    while let Some(outcome) = world.unit(CopyMode::Initial, round) {
        match outcome.unwrap() {
            UnitOutcome::Finished(_) => panic!("nobody asks {address}"),
            UnitOutcome::More(_) => {}
            UnitOutcome::Wait { after, .. } => world.clock.advance(after),
        }
    }
    world.tamper_no_more();
    world.dies_at.store(NEVER, Ordering::Relaxed);
}

/// SYN-D1, ERR-4: what a process exports is younger than what the one before it has listed. It dies with the
/// import on its way, and the original is filed elsewhere: no copy of either state is left at its place.
#[test]
fn an_item_that_was_edited_after_it_was_listed_is_known_again_after_a_death() {
    let mut world = World::new(9);
    // A page is kept before it is exported, where forwarded mail may be among it.
    world.settings.adopt_delivered = Some(world.clock.now());
    let tenant = world.source.tenant_id;
    world.simulator.send_mail("friend@outside.example", &world.from, "Plans");
    let subject = |world: &World| {
        let view = world.view(&world.source, &world.from, Part::Primary);
        let mut items = view.folders.into_values().flat_map(|folder| folder.items);
        items.find(|item| item.subject.starts_with("Plans")).unwrap().subject
    };
    dies_behind(&world, "job-1", "/exportItems");
    while !subject(&world).ends_with("(edited)") {
        world.simulator.touch_mailbox(tenant, &world.from, Part::Primary, 2).unwrap();
    }
    world.settings.adopt_delivered = None;
    dies_behind(&world, "job-1", "/importItem");
    world.simulator.file_message(tenant, &world.from, &subject(&world), "Filed").unwrap();
    world.copy(CopyMode::Initial, "job-1");
    world.copy(CopyMode::Delta, "job-2");
    let view = |side, user| world.view(side, user, Part::Primary);
    let (here, there) = (view(&world.source, &world.from), view(&world.target, &world.to));
    assert_eq!(here.differences(&there, false), Vec::<String>::new());
}

/// SYN-5, ERR-4: an item that could be read only later is filed elsewhere after a death behind its import. Its
/// copy is known again, and does not stay at the old place.
#[test]
fn an_item_that_was_unreadable_is_known_again_after_a_death() {
    let world = World::new(10);
    let tenant = world.source.tenant_id;
    world.simulator.send_mail("friend@outside.example", &world.from, "Lunch");
    world.simulator.corrupt_items(tenant, &world.from, Part::Primary, 1).unwrap();
    assert_eq!(world.copy(CopyMode::Initial, "job-1").bad_items, 1);
    world.simulator.repair_items(tenant, &world.from, Part::Primary).unwrap();
    dies_behind(&world, "job-2", "/importItem");
    world.simulator.file_message(tenant, &world.from, "Lunch", "Filed").unwrap();
    world.copy(CopyMode::Initial, "job-2");
    world.copy(CopyMode::Delta, "job-3");
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
}

fn drive_world() -> World {
    let mut world = World::new(8);
    world.simulator.configure(|config| config.content.rewrite_office_files = true);
    world.subject.mailbox = false;
    world.subject.drive = true;
    world.settings.fragment_bytes = content::FRAGMENT_UNIT;
    world.settings.page_size = 4;
    let how = DriveFill {
        least_files: 3,
        most_files: 3,
        folders: 3,
        large_files: 1,
        large_bytes: 2 * content::FRAGMENT_UNIT + 5,
        ..DriveFill::default()
    };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

#[test]
fn a_drive_copy_survives_death_at_every_boundary() {
    for n in 1.. {
        let world = drive_world();
        let lived = round_with_death(&world, CopyMode::Initial, "job-1", n);
        let differences = world.drive_differences();
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            assert!(n > 30, "the job has only {n} boundaries");
            return;
        }
    }
}

#[test]
fn a_drive_delta_survives_death_at_every_boundary() {
    for n in 1.. {
        let world = drive_world();
        world.copy(CopyMode::Initial, "job-1");
        world.simulator.touch_drive(world.source.tenant_id, &world.from, 8).unwrap();
        let lived = round_with_death(&world, CopyMode::Delta, "job-2", n);
        let differences = world.drive_differences();
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            return;
        }
    }
}

/// How the drives differ. A folder that was made just before the death, and renamed or deleted in the source
/// before anybody looked, stays: it is empty, and nobody can know whose it is.
fn drive_differences_behind_a_death(world: &World) -> Vec<String> {
    let there = world.simulator.drive_view(world.target.tenant_id, &world.to).unwrap();
    let is_folder = |path: &str| there.entries.get(path).is_some_and(|it| it.kind == "folder");
    let mut differences = world.drive_differences();
    differences.retain(|line| !line.strip_suffix(": should not be there").is_some_and(is_folder));
    differences
}

/// The same in a drive.
#[test]
fn people_who_change_files_after_a_death_leave_no_copy_behind() {
    for n in (1..).step_by(3) {
        let world = drive_world();
        let lived = lives_to_boundary(&world, CopyMode::Initial, "job-1", n);
        world.simulator.touch_drive(world.source.tenant_id, &world.from, 16).unwrap();
        let round = if n.is_multiple_of(3) { "another" } else { "job-1" };
        world.copy(CopyMode::Initial, round);
        world.copy(CopyMode::Delta, "job-2");
        let differences = drive_differences_behind_a_death(&world);
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            return;
        }
    }
}

/// SYN-1, ERR-4: what was on its way when the process died is refused when it is sent again, is a bad item
/// then, and changes in the source: the copy that the dead process left is written over all the same.
#[test]
fn a_file_that_is_refused_after_a_death_leaves_no_old_copy_behind() {
    for n in (1..).step_by(3) {
        let world = drive_world();
        let lived = lives_to_boundary(&world, CopyMode::Initial, "job-1", n);
        world.tamper(|method, _, body| {
            let clash = method == "PUT" && body.contains("nameAlreadyExists");
            let refusal = r#"{"error":{"code":"accessDenied","message":"refused"}}"#;
            clash.then(|| (403, refusal.to_owned()))
        });
        world.copy(CopyMode::Initial, if n.is_multiple_of(3) { "another" } else { "job-1" });
        world.tamper_no_more();
        world.simulator.touch_drive(world.source.tenant_id, &world.from, 16).unwrap();
        world.copy(CopyMode::Delta, "job-2");
        let differences = drive_differences_behind_a_death(&world);
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        if lived {
            return;
        }
    }
}

/// ERR-4: a large Office file, which SharePoint rewrites, so that its hash does not tell whose copy lies at its
/// place when the process dies behind its last fragment.
#[test]
fn a_large_office_file_survives_death_at_every_boundary() {
    for n in 1.. {
        let mut world = World::new(9);
        world.simulator.configure(|config| config.content.rewrite_office_files = true);
        (world.subject.mailbox, world.subject.drive) = (false, true);
        world.settings.fragment_bytes = content::FRAGMENT_UNIT;
        let none = DriveFill { least_files: 0, most_files: 0, folders: 0, ..DriveFill::default() };
        let tenant = world.source.tenant_id;
        world.simulator.fill_drive(tenant, &world.from, &none).unwrap();
        world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
        let content = vec![7; usize::try_from(content::FRAGMENT_UNIT + 5).unwrap()];
        world.simulator.add_file(tenant, &world.from, "Plan.docx", &content).unwrap();
        let lived = round_with_death(&world, CopyMode::Initial, "job-1", n);
        let differences = world.drive_differences();
        assert!(differences.is_empty(), "death at boundary {n}: {differences:?}");
        assert!(world.bad_items().is_empty(), "death at boundary {n}: {:?}", world.bad_items());
        if lived {
            assert!(n > 20, "the job has only {n} boundaries");
            return;
        }
    }
}
