//! Places in a drive that change hands between two rounds: what is gone comes back, names are swapped, folders
//! are made anew under an old name, moved, renamed and deleted (SYN-1, SYN-D1, SYN-5).

use std::time::Duration;

use content::{CopyMode, FRAGMENT_UNIT};
use simulator::DriveFill;
use tenant::graph::drive::{DriveItem, ItemChange, ParentReference, Placement};

use crate::support::World;

const NONE: Vec<String> = Vec::new();

/// Two drives, of which the source's holds these files.
fn world(seed: u64, files: &[(&str, &str)]) -> World {
    let mut world = World::new(seed);
    (world.subject.mailbox, world.subject.drive) = (false, true);
    let how = DriveFill { least_files: 0, most_files: 0, folders: 0, ..DriveFill::default() };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    for (path, text) in files {
        write(&world, path, text.as_bytes());
    }
    world
}

/// More than one fragment of made-up bytes.
fn film(seed: u8) -> Vec<u8> {
    (0..700_000_u32).map(|n| (n / 7).to_le_bytes()[0].wrapping_mul(seed)).collect()
}

/// Writes a file of the source.
fn write(world: &World, path: &str, content: &[u8]) {
    world.simulator.add_file(world.source.tenant_id, &world.from, path, content).unwrap();
}

/// The source's drive and what lies there at a path.
fn find(world: &World, path: &str) -> (String, DriveItem) {
    let graph = world.source_client.graph();
    let find = async {
        let drive = graph.user_drive(&world.subject.source_user).await?.id;
        let mut at = graph.drive_root(&drive).await?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = graph.drive_item_at(&drive, Placement { parent: &at.id, name }).await?;
        }
        Ok::<_, tenant::TenantError>((drive, at))
    };
    world.drive_future(find).unwrap().unwrap()
}

/// Deletes something in the source.
fn delete(world: &World, path: &str) {
    let (drive, item) = find(world, path);
    let graph = world.source_client.graph();
    world.drive_future(graph.delete_drive_item(&drive, &item.id)).unwrap().unwrap();
}

/// Renames something in the source and puts it into a folder.
fn put(world: &World, path: &str, folder: &str, name: &str) {
    let ((drive, item), (_, parent)) = (find(world, path), find(world, folder));
    let change = ItemChange {
        name: Some(name.to_owned()),
        parent_reference: Some(ParentReference { drive_id: None, id: Some(parent.id) }),
        file_system_info: None,
    };
    let graph = world.source_client.graph();
    world.drive_future(graph.update_drive_item(&drive, &item.id, &change)).unwrap().unwrap();
}

/// Deletes something in the target, as its people do.
fn delete_there(world: &World, name: &str) {
    let graph = world.target_client.graph();
    let gone = async {
        let drive = graph.user_drive(&world.subject.target_user).await?.id;
        let root = graph.drive_root(&drive).await?.id;
        let item = graph.drive_item_at(&drive, Placement { parent: &root, name }).await?;
        graph.delete_drive_item(&drive, &item.id).await
    };
    world.drive_future(gone).unwrap().unwrap();
}

/// One delta brings the target to what the source is, without a bad item; the next finds nothing to do.
fn follows(world: &World) {
    let summary = world.copy(CopyMode::Delta, "delta-1");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0), "{summary:?}");
    let summary = world.copy(CopyMode::Delta, "delta-2");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0), "{summary:?}");
}

/// SYN-D1: the old file's deletion must not take the new one's copy with it.
#[test]
fn a_file_that_is_deleted_and_comes_back_as_another_is_kept() {
    let files = [("Plans/a.txt", "the same"), ("empty.txt", ""), ("b.txt", "before")];
    let world = world(41, &files);
    world.copy(CopyMode::Initial, "job-1");
    for (path, text) in files {
        delete(&world, path);
        write(&world, path, text.replace("before", "after").as_bytes());
    }
    follows(&world);
}

/// The same of a file that goes fragment by fragment.
#[test]
fn a_large_file_that_is_deleted_and_comes_back_as_another_is_kept() {
    for byte in [1, 2] {
        let mut world = world(42, &[]);
        world.settings.fragment_bytes = FRAGMENT_UNIT;
        write(&world, "film.mov", &film(1));
        world.copy(CopyMode::Initial, "job-1");
        delete(&world, "film.mov");
        write(&world, "film.mov", &film(byte));
        follows(&world);
    }
}

/// SYN-1, SYN-5: the copy of a file that is moved and edited is at its new place although its new content is
/// refused: it follows when the file goes back.
#[test]
fn a_copy_whose_new_content_is_refused_after_its_move_follows_the_file_back() {
    for [before, after] in [[b"a".to_vec(), b"b".to_vec()], [film(1), film(2)]] {
        let mut world = world(51, &[("Plans/other.txt", "another")]);
        world.settings.fragment_bytes = FRAGMENT_UNIT;
        write(&world, "a.txt", &before);
        world.copy(CopyMode::Initial, "job-1");
        write(&world, "a.txt", &after);
        put(&world, "a.txt", "Plans", "a.txt");
        world.tamper(|_, path, _| {
            let refusal = r#"{"error":{"code":"accessDenied","message":"refused"}}"#;
            path.ends_with("/createUploadSession").then(|| (403, refusal.to_owned()))
        });
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!(summary.bad_items, 1, "{summary:?}");
        world.tamper_no_more();
        put(&world, "Plans/a.txt", "", "a.txt");
        follows(&world);
    }
}

/// A file gives its name to another of the same content within one round.
#[test]
fn a_file_that_takes_the_name_of_a_renamed_one_has_its_own_copy() {
    let world = world(43, &[("a.txt", "the same")]);
    world.copy(CopyMode::Initial, "job-1");
    put(&world, "a.txt", "", "b.txt");
    write(&world, "a.txt", b"the same");
    follows(&world);
    delete(&world, "b.txt");
    let summary = world.copy(CopyMode::Delta, "delta-3");
    assert_eq!(world.drive_differences(), NONE, "{summary:?}");
}

/// Files, large files and folders that swap their names or pass them on are all there after one round.
#[test]
fn names_that_are_swapped_or_passed_on_arrive_in_one_round() {
    let mut world = world(44, &[("a.txt", "one"), ("b.txt", "two"), ("c.txt", "three")]);
    world.settings.fragment_bytes = FRAGMENT_UNIT;
    for (path, byte) in [("x.mov", 1), ("y.mov", 2)] {
        write(&world, path, &film(byte));
    }
    for path in ["Plans/p.txt", "Notes/n.txt"] {
        write(&world, path, path.as_bytes());
    }
    world.copy(CopyMode::Initial, "job-1");
    for (one, other) in [("a.txt", "b.txt"), ("x.mov", "y.mov"), ("Plans", "Notes")] {
        put(&world, one, "", "between");
        put(&world, other, "", one);
        put(&world, "between", "", other);
    }
    follows(&world);
    // Along a chain, the last first in the source and the first first in the delta of a swap.
    put(&world, "c.txt", "", "d.txt");
    put(&world, "b.txt", "", "c.txt");
    put(&world, "a.txt", "", "b.txt");
    put(&world, "b.txt", "", "e.txt");
    put(&world, "e.txt", "", "b.txt");
    let summary = world.copy(CopyMode::Delta, "delta-3");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0), "{summary:?}");
}

/// SYN-5: a folder of an old name is another folder; its many files are not bad items.
#[test]
fn a_folder_that_is_deleted_and_made_anew_arrives_in_one_round() {
    let mut world = world(45, &[("Plans/deep/kept.txt", "kept"), ("other.txt", "other")]);
    world.settings.bad_item_limit = 5;
    let fill = |round: &str| {
        for n in 0..12 {
            write(&world, &format!("Plans/{n}.txt"), format!("{n} {round}").as_bytes());
        }
    };
    fill("before");
    world.copy(CopyMode::Initial, "job-1");
    // What is saved from the old folder is not deleted with it.
    put(&world, "Plans/deep", "", "saved");
    delete(&world, "Plans");
    fill("after");
    follows(&world);
}

/// SYN-D1: folders are moved, renamed and deleted with what is in them.
#[test]
fn folders_are_moved_renamed_and_deleted_with_what_is_in_them() {
    let files = ["A/one.txt", "A/B/two.txt", "A/B/C/three.txt", "D/four.txt", "D/E/five.txt"];
    let world = world(46, &files.map(|path| (path, path)));
    world.copy(CopyMode::Initial, "job-1");
    put(&world, "A/B", "D", "B");
    put(&world, "D/E", "D", "renamed");
    put(&world, "D/B/C", "", "C moved and renamed");
    delete(&world, "A");
    follows(&world);
    let before = world.requests();
    delete(&world, "D");
    world.copy(CopyMode::Delta, "delta-3");
    assert_eq!(world.drive_differences(), NONE);
    // Each file and each folder once, and that of the source.
    let deleted = world.simulator.requests().split_off(before);
    let deleted = deleted.iter().filter(|one| one.method == "DELETE" && one.status == 204).count();
    assert_eq!(deleted, 7, "three files and three folders");
}

/// A folder that changes places with the one above it.
#[test]
fn a_folder_that_changes_places_with_the_one_above_it_arrives_in_one_round() {
    let world = world(47, &[("A/one.txt", "one"), ("A/B/two.txt", "two")]);
    world.copy(CopyMode::Initial, "job-1");
    put(&world, "A/B", "", "B");
    put(&world, "A", "B", "A");
    put(&world, "B", "", "B again");
    follows(&world);
}

/// SYN-5: what the target refuses of one folder is a line for it and one for each file in it; the rest comes,
/// and they come too once the target takes the folder.
#[test]
fn a_folder_that_the_target_refuses_stops_nothing_else() {
    let files = [("Plans/a.txt", "a"), ("Plans/b.txt", "b"), ("other.txt", "other")];
    let world = world(48, &files);
    let refused = || {
        world.tamper(|method, path, _| {
            let folder = method == "POST" && path.ends_with("/children") || method == "PATCH";
            let refusal = r#"{"error":{"code":"accessDenied","message":"by a policy"}}"#;
            folder.then(|| (403, refusal.to_owned()))
        });
    };
    refused();
    let summary = world.copy(CopyMode::Initial, "job-1");
    // The test refuses what the target has done: the folder is there all the same.
    assert_eq!(world.drive_differences(), ["Plans/a.txt: missing", "Plans/b.txt: missing"]);
    let bad = world.bad_items();
    let line = |name: &str| bad.iter().find(|item| item.name == name).unwrap().line();
    assert_eq!(summary.bad_items, 3, "{bad:?}");
    assert!(line("Plans").contains("by a policy") && line("Plans").contains("policies"));
    assert!(line("a.txt").contains("`Plans`"), "{}", line("a.txt"));
    assert!(bad.iter().all(|item| item.tries == 1), "{bad:?}");
    world.tamper_no_more();
    follows(&world);
    put(&world, "Plans", "", "Ideas");
    refused();
    assert_eq!(world.copy(CopyMode::Delta, "delta-3").bad_items, 1);
    world.tamper_no_more();
    assert_eq!(world.copy(CopyMode::Delta, "delta-4").bad_items, 0);
    assert_eq!(world.drive_differences(), NONE);
}

/// ERR-3: the address of a small file's content is good for a while only; a new one is asked for.
#[test]
fn an_address_that_has_expired_is_asked_for_anew() {
    let world = world(49, &[("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c")]);
    world.simulator.configure(|config| config.content.download_url_seconds = 5);
    let clock = world.clock.clone();
    world.tamper(move |_, path, _| {
        if path.ends_with("$batch") {
            clock.advance(Duration::from_secs(10));
        }
        None
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0), "{summary:?}");
    let requests = world.simulator.requests();
    let expired =
        |one: &&simulator::LoggedRequest| one.path.ends_with("/download.aspx") && one.status == 401;
    assert_eq!(requests.iter().filter(expired).count(), 3);
}

/// SYN-2: an item that comes in a later round than the one that found it shared has its shares too.
#[test]
fn a_bad_item_that_comes_later_has_its_shares() {
    let how = DriveFill {
        least_files: 6,
        most_files: 6,
        folders: 0,
        small_bytes: Some(1_000),
        shares: 5,
        ..DriveFill::default()
    };
    let shares = |refused: bool| {
        let world = world(50, &[]);
        world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
        world.tamper(move |method, path, _| {
            let upload = method == "PUT" && path.ends_with("/uploadSession");
            let refusal = r#"{"error":{"code":"accessDenied","message":"refused"}}"#;
            (upload && refused).then(|| (403, refusal.to_owned()))
        });
        let first = world.copy(CopyMode::Initial, "job-1");
        assert_eq!(first.bad_items, if refused { 6 } else { 0 });
        world.tamper_no_more();
        // The test lets the copies of refused files in: they are there, and not the copier's own.
        let later = world.copy(CopyMode::Delta, "job-2");
        assert_eq!((world.drive_differences(), later.bad_items), (NONE, 0), "{later:?}");
        let view = world.simulator.drive_view(world.target.tenant_id, &world.to).unwrap();
        let granted: usize = view.entries.values().map(|entry| entry.grants.len()).sum();
        (granted, later.pending_permissions)
    };
    let (granted, pending) = shares(false);
    assert!(granted + pending as usize > 0);
    assert_eq!(shares(true), (granted, pending));
}

/// SYN-1: people of the target delete a folder with all that lies in it. What was in it stays deleted; what
/// is new in the source, moves there or is edited has its folder again.
#[test]
fn a_folder_that_people_of_the_target_delete_is_made_again_for_what_comes_new() {
    type Change = fn(&World);
    let changes: [(Change, &[&str]); 6] = [
        (|world| write(world, "Plans/Old/new.txt", b"new"), &["Plans/Old/new.txt"]),
        (|world| write(world, "Plans/a.txt", b"edited"), &["Plans/a.txt"]),
        (|world| write(world, "Plans/film.mov", &film(3)), &["Plans/film.mov"]),
        (|world| put(world, "b.txt", "Plans/Old", "c.txt"), &["Plans/Old/c.txt"]),
        (|world| put(world, "Other", "Plans", "Other"), &["Plans/Other", "Plans/Other/d.txt"]),
        (|world| write(world, "Plans/New/Newer/e.txt", b"e"), &["Plans/New/Newer/e.txt"]),
    ];
    let files =
        [("Plans/a.txt", "a"), ("Plans/Old/o.txt", "o"), ("b.txt", "b"), ("Other/d.txt", "d")];
    for (change, comes) in changes {
        let mut world = world(71, &files);
        world.settings.fragment_bytes = FRAGMENT_UNIT;
        world.copy(CopyMode::Initial, "job-1");
        assert_eq!(world.drive_differences(), NONE);
        delete_there(&world, "Plans");
        change(&world);
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!(summary.bad_items, 0, "{comes:?}: {:?}", world.bad_items());
        let left = world.drive_differences();
        for path in comes {
            assert!(left.iter().all(|line| !line.starts_with(&format!("{path}:"))), "{left:#?}");
        }
        let lost = |line: &String| line.starts_with("Plans/") && line.ends_with("missing");
        assert!(left.iter().all(lost), "{left:#?}");
        let left_before = left;
        let summary = world.copy(CopyMode::Delta, "job-3");
        assert_eq!((world.drive_differences(), summary.bad_items), (left_before, 0));
    }
}

/// SYN-D1: people work in their drive between two syncs: files and folders are made, edited, renamed, moved and
/// deleted in any order.
#[test]
fn a_drive_that_is_rearranged_between_syncs_is_followed() {
    for seed in 80..83 {
        let mut world = World::new(seed);
        (world.subject.mailbox, world.subject.drive) = (false, true);
        let how =
            DriveFill { least_files: 40, most_files: 40, folders: 12, ..DriveFill::default() };
        let tenant = world.source.tenant_id;
        world.simulator.fill_drive(tenant, &world.from, &how).unwrap();
        world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
        world.copy(CopyMode::Initial, "first");
        for round in 0..4 {
            world.simulator.touch_drive(tenant, &world.from, 33).unwrap();
            let summary = world.copy(CopyMode::Delta, &format!("delta-{round}"));
            assert_eq!(world.drive_differences(), NONE, "seed {seed}, round {round}");
            assert_eq!(summary.bad_items, 0, "seed {seed}: {:?}", world.bad_items());
        }
    }
}

/// SYN-5: a copy that has made room for another's, and whose original cannot be copied under its new name,
/// keeps the name that it was given meanwhile; the report says so, and the next sync puts it right.
#[test]
fn a_copy_that_has_made_room_for_nothing_is_told_and_gets_its_name_later() {
    let world = world(72, &[("a.txt", "the first"), ("b.txt", "the second")]);
    world.copy(CopyMode::Initial, "job-1");
    put(&world, "a.txt", "", "c.txt");
    put(&world, "b.txt", "", "a.txt");
    world.tamper(|_, path, body| {
        path.ends_with("/delta").then(|| (200, body.replace("\"c.txt\"", "\"c.\"")))
    });
    let summary = world.copy(CopyMode::Delta, "job-2");
    assert_eq!(summary.bad_items, 1, "{:?}", world.bad_items());
    let told = summary.notes.iter().find(|note| note.text.contains("has made room for another"));
    assert!(told.is_some_and(|note| note.text.contains("`c.`")), "{:?}", summary.notes);
    world.tamper_no_more();
    follows(&world);
}
