//! A process that dies at every boundary while it puts right what people did between two rounds: they delete
//! folders in the target, or file what cannot be read (SYN-1, SYN-5, ERR-4). What there is in the end is what
//! there is without a death, item by item.

use content::CopyMode;
use simulator::{Arrange, Part};
use tenant::graph::drive::{ItemChange, ParentReference, Placement};

use crate::{
    crash::round_with_death,
    support::{NEVER, World},
};

const TOP: &str = "msgfolderroot";
const NONE: Vec<String> = Vec::new();

/// Runs the round of `world` with a death at every boundary, and compares with the round without one.
fn survives(
    world: impl Fn() -> World,
    lost: impl Fn(&str) -> bool,
    differences: impl Fn(&World) -> Vec<String>,
) {
    let run = |n: u64| {
        let world = world();
        let lived = round_with_death(&world, CopyMode::Delta, "job-2", n);
        assert_eq!(world.bad_items(), [], "death at boundary {n}");
        let once = differences(&world);
        // And nothing is put off.
        world.copy(CopyMode::Delta, "job-3");
        assert_eq!(differences(&world), once, "death at boundary {n}, the round after");
        (lived, once)
    };
    let (_, expected) = run(NEVER);
    assert!(!expected.is_empty() && expected.iter().all(|line| lost(line)), "{expected:#?}");
    for n in 1.. {
        let (lived, found) = run(n);
        assert_eq!(found, expected, "death at boundary {n}");
        if lived {
            assert!(n > 20, "the job has only {n} boundaries");
            return;
        }
    }
}

fn arrange(world: &World, at: &str, how: Arrange<'_>) {
    world.simulator.arrange_folder(world.source.tenant_id, &world.from, at, how).unwrap();
}

fn file(world: &World, subject: &str, folder: &str) {
    world.simulator.file_message(world.source.tenant_id, &world.from, subject, folder).unwrap();
}

fn receive(world: &World, subject: &str, folder: &str) {
    world.simulator.send_mail("someone@elsewhere.example", &world.from, subject);
    file(world, subject, folder);
}

/// People of the target deleted a folder with another in it. What was in them stays deleted; what comes new,
/// and a folder that moves there, has them again, and once.
#[test]
fn a_mailbox_folder_that_is_made_again_survives_death_at_every_boundary() {
    let world = || {
        let mut world = World::new(906);
        world.settings.concurrency = 2;
        for folder in ["Outer", "Inner", "Third"] {
            arrange(&world, TOP, Arrange::Make(folder));
            receive(&world, &format!("old in {folder}"), folder);
        }
        let outer = format!("{TOP}/Outer");
        arrange(&world, &format!("{TOP}/Inner"), Arrange::Move(&outer));
        world.copy(CopyMode::Initial, "job-1");
        let there = world.target.tenant_id;
        world.simulator.arrange_folder(there, &world.to, &outer, Arrange::Delete).unwrap();
        receive(&world, "new in Inner", "Inner");
        arrange(&world, &outer, Arrange::Make("New"));
        receive(&world, "new in New", "New");
        arrange(&world, &format!("{TOP}/Third"), Arrange::Move(&outer));
        world
    };
    let lost = |line: &str| line.contains("`old in ") && line.contains("missing");
    survives(world, lost, |world| world.mailbox_differences(Part::Primary));
}

/// An item that moved and cannot be read keeps its copy; once it can be read it is at its new place only.
#[test]
fn a_copy_that_is_kept_survives_death_at_every_boundary() {
    for readable in [false, true] {
        for n in 1.. {
            let world = World::new(306);
            let tenant = world.source.tenant_id;
            receive(&world, "The only one", "Before");
            receive(&world, "Another", "Before");
            world.copy(CopyMode::Initial, "job-1");
            file(&world, "The only one", "After");
            world.simulator.corrupt_items(tenant, &world.from, Part::Primary, 1_000).unwrap();
            let repair = || {
                world.simulator.repair_items(tenant, &world.from, Part::Primary).unwrap();
            };
            let mut round = "job-2";
            if readable {
                world.copy(CopyMode::Delta, round);
                repair();
                round = "job-3";
            }
            let lived = round_with_death(&world, CopyMode::Delta, round, n);
            if !readable {
                let view = world.view(&world.target, &world.to, Part::Primary);
                let before = view.folders.get(&format!("{TOP}/Before")).expect("the folder");
                assert_eq!(before.items.len(), 2, "death at boundary {n}");
                repair();
            }
            world.copy(CopyMode::Delta, "job-4");
            let left = world.mailbox_differences(Part::Primary);
            assert_eq!(left, NONE, "death at boundary {n}, readable: {readable}");
            assert_eq!(world.bad_items(), [], "death at boundary {n}");
            if lived {
                assert!(n > 15, "the job has only {n} boundaries");
                break;
            }
        }
    }
}

/// The same of a drive: a folder in it, a new small file, a new large one, an edited one and a folder that
/// moves there.
#[test]
fn a_drive_folder_that_is_made_again_survives_death_at_every_boundary() {
    let large = vec![7; usize::try_from(2 * content::FRAGMENT_UNIT + 9).unwrap()];
    let write = |world: &World, path: &str, bytes: &[u8]| {
        world.simulator.add_file(world.source.tenant_id, &world.from, path, bytes).unwrap();
    };
    let world = || {
        let mut world = World::new(71);
        (world.subject.mailbox, world.subject.drive) = (false, true);
        world.settings.fragment_bytes = content::FRAGMENT_UNIT;
        world.simulator.provision_drive(world.source.tenant_id, &world.from).unwrap();
        world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
        for path in ["Plans/a.txt", "Plans/Old/o.txt", "Plans/Old/p.txt", "Other/d.txt"] {
            write(&world, path, path.as_bytes());
        }
        world.copy(CopyMode::Initial, "job-1");
        assert_eq!(world.drive_differences(), NONE);
        let (here, there) = (world.source_client.graph(), world.target_client.graph());
        let of = |graph: &tenant::Graph, user: &str, name: &str| {
            let drive = world.drive_future(graph.user_drive(user)).unwrap().unwrap();
            let root = world.drive_future(graph.drive_root(&drive.id)).unwrap().unwrap();
            let at = Placement { parent: &root.id, name };
            (world.drive_future(graph.drive_item_at(&drive.id, at)).unwrap().unwrap(), drive)
        };
        let (plans, drive) = of(&there, &world.subject.target_user, "Plans");
        world.drive_future(there.delete_drive_item(&drive.id, &plans.id)).unwrap().unwrap();
        write(&world, "Plans/Old/new.txt", b"new");
        write(&world, "Plans/a.txt", b"edited");
        write(&world, "Plans/film.mov", &large);
        let (plans, _) = of(&here, &world.subject.source_user, "Plans");
        let (other, drive) = of(&here, &world.subject.source_user, "Other");
        let change = ItemChange {
            parent_reference: Some(ParentReference { drive_id: None, id: Some(plans.id) }),
            ..ItemChange::default()
        };
        let moved = here.update_drive_item(&drive.id, &other.id, &change);
        world.drive_future(moved).unwrap().unwrap();
        world
    };
    let lost = |line: &str| line.starts_with("Plans/Old/") && line.ends_with("missing");
    survives(world, lost, World::drive_differences);
}
