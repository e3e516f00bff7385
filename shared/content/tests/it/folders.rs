//! Folders of a mailbox whose names, places and ends get in each other's way (SYN-1).

use content::CopyMode;
use simulator::{Arrange, FaultKind, FaultRule, MailboxFill, Part};

use crate::support::World;

const TOP: &str = "msgfolderroot";

/// A mailbox whose person has arranged these folders, with a message in each.
fn world(seed: u64, folders: &[&str]) -> World {
    let world = World::new(seed);
    let how = MailboxFill { least_items: 20, most_items: 20, ..MailboxFill::default() };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    for folder in folders {
        arrange(&world, TOP, Arrange::Make(folder));
        fill(&world, folder);
    }
    world
}

fn arrange(world: &World, at: &str, how: Arrange<'_>) {
    world.simulator.arrange_folder(world.source.tenant_id, &world.from, at, how).unwrap();
}

/// Puts a new message into a folder.
fn fill(world: &World, folder: &str) {
    let subject = format!("number {}", world.simulator.messages().len());
    world.simulator.send_mail("someone@elsewhere.example", &world.from, &subject);
    world.simulator.file_message(world.source.tenant_id, &world.from, &subject, folder).unwrap();
}

fn differences(world: &World) -> Vec<String> {
    world.mailbox_differences(Part::Primary)
}

fn names(world: &World) -> Vec<String> {
    let view = world.view(&world.target, &world.to, Part::Primary);
    let own = view.folders.values().filter(|folder| folder.well_known.is_none() && !folder.hidden);
    own.map(|folder| folder.name.clone()).collect()
}

const NONE: Vec<String> = Vec::new();

#[test]
fn a_folder_that_takes_the_name_of_a_deleted_one_is_copied_and_gets_it() {
    let mut world = world(901, &["Plans"]);
    world.small_units();
    world.copy(CopyMode::Initial, "first");
    assert_eq!(differences(&world), NONE);
    arrange(&world, &format!("{TOP}/Plans"), Arrange::Delete);
    arrange(&world, TOP, Arrange::Make("Plans"));
    fill(&world, "Plans");
    world.copy(CopyMode::Delta, "second");
    assert_eq!(differences(&world), NONE);
    // The same when the old one is kept among what was deleted.
    let bin = "deleteditems";
    arrange(&world, &format!("{TOP}/Plans"), Arrange::Move(bin));
    arrange(&world, TOP, Arrange::Make("Plans"));
    fill(&world, "Plans");
    world.copy(CopyMode::Delta, "third");
    assert_eq!(differences(&world), NONE);
}

#[test]
fn folders_that_pass_their_names_on_do_so_in_the_target() {
    let world = world(902, &["One", "Two", "Three"]);
    world.copy(CopyMode::Initial, "first");
    let at = |name: &str| format!("{TOP}/{name}");
    for (from, to) in [("One", "spare"), ("Two", "One"), ("Three", "Two"), ("spare", "Three")] {
        arrange(&world, &at(from), Arrange::Rename(to));
    }
    world.copy(CopyMode::Delta, "in a circle");
    assert_eq!(differences(&world), NONE);
    arrange(&world, &at("One"), Arrange::Delete);
    arrange(&world, &at("Two"), Arrange::Rename("One"));
    world.copy(CopyMode::Delta, "to an heir");
    assert_eq!(differences(&world), NONE);
    world.copy(CopyMode::Delta, "nothing");
    assert_eq!(differences(&world), NONE);
}

/// A name that people of the target gave to a folder of their own stays theirs: the copy waits under its
/// old one, the report says so, and the next sync after they have let go of it follows.
#[test]
fn a_name_that_the_target_s_people_use_is_waited_for() {
    let world = world(903, &["Old"]);
    world.copy(CopyMode::Initial, "first");
    let there = |at: &str, how| {
        world.simulator.arrange_folder(world.target.tenant_id, &world.to, at, how).unwrap();
    };
    there(TOP, Arrange::Make("New"));
    arrange(&world, &format!("{TOP}/Old"), Arrange::Rename("New"));
    for round in ["second", "third"] {
        let summary = world.copy(CopyMode::Delta, round);
        let noted = summary.notes.iter().any(|note| note.text.contains("`New` is called `Old`"));
        assert!(noted, "{:?}", summary.notes);
        assert!(names(&world).contains(&"Old".to_owned()), "{:?}", names(&world));
    }
    there(&format!("{TOP}/New"), Arrange::Rename("Theirs"));
    world.copy(CopyMode::Delta, "fourth");
    let left = ["msgfolderroot/Theirs: the folder should not be there"];
    assert_eq!(differences(&world), left);
}

/// Folders that lay in each other go the deepest first, whichever was made first.
#[test]
fn folders_that_are_deleted_together_all_leave_the_target() {
    let world = world(904, &["Inner"]);
    world.copy(CopyMode::Initial, "first");
    arrange(&world, TOP, Arrange::Make("Outer"));
    arrange(&world, &format!("{TOP}/Inner"), Arrange::Move(&format!("{TOP}/Outer")));
    world.copy(CopyMode::Delta, "second");
    assert_eq!(differences(&world), NONE);
    arrange(&world, &format!("{TOP}/Outer"), Arrange::Delete);
    world.copy(CopyMode::Delta, "third");
    assert_eq!(differences(&world), NONE);
}

/// A folder that the target does not make is left out with words; everything else comes, and the next
/// sync tries it again.
#[test]
fn a_folder_that_the_target_refuses_stops_nobody_and_is_tried_again() {
    let world = world(905, &["Refused", "Taken"]);
    let refusal = FaultRule {
        path: Some("/folders".to_owned()),
        method: Some("POST".to_owned()),
        times: Some(1),
        ..FaultRule::of(FaultKind::Status { status: 400, retry_after: None })
    };
    world.simulator.configure(|config| config.faults.rules = vec![refusal]);
    let summary = world.copy(CopyMode::Initial, "first");
    let noted = summary.notes.iter().any(|note| note.text.contains("refuses to make it"));
    assert!(noted, "{:?}", summary.notes);
    assert!(!differences(&world).is_empty());
    world.copy(CopyMode::Delta, "second");
    assert_eq!(differences(&world), NONE);
}

fn arrange_there(world: &World, at: &str, how: Arrange<'_>) {
    world.simulator.arrange_folder(world.target.tenant_id, &world.to, at, how).unwrap();
}

/// People of the target delete a folder with all that lies in it. What was in it stays deleted; what comes
/// new in the source has its folder again, and so has what lies below it and what moves there.
#[test]
fn a_folder_that_people_of_the_target_delete_is_made_again_for_what_comes_new() {
    for small in [false, true] {
        let mut world = world(906, &["Outer", "Inner", "Third"]);
        if small {
            world.small_units();
        }
        let outer = format!("{TOP}/Outer");
        arrange(&world, &format!("{TOP}/Inner"), Arrange::Move(&outer));
        world.copy(CopyMode::Initial, "first");
        assert_eq!(differences(&world), NONE);
        let lost: usize = {
            let view = world.view(&world.target, &world.to, Part::Primary);
            let below = view.folders.iter().filter(|(path, _)| path.starts_with(&outer));
            below.map(|(_, folder)| folder.items.len()).sum()
        };
        assert_eq!(lost, 2);
        arrange_there(&world, &outer, Arrange::Delete);
        let only_lost = |world: &World| {
            let left = differences(world);
            assert_eq!(left.len(), 2, "{left:#?}");
            assert!(left.iter().all(|line| line.contains("/Outer") && line.contains("missing")));
        };
        fill(&world, "Inner");
        let summary = world.copy(CopyMode::Delta, "a message below it");
        assert_eq!(summary.bad_items, 0, "{:?}", world.bad_items());
        only_lost(&world);

        arrange_there(&world, &outer, Arrange::Delete);
        arrange(&world, &outer, Arrange::Make("New"));
        fill(&world, "New");
        arrange(&world, &format!("{TOP}/Third"), Arrange::Move(&outer));
        world.copy(CopyMode::Delta, "a new folder and one that moves there");
        // Nothing came for Inner this time.
        let left = differences(&world);
        let lost = |line: &String| line.contains("/Outer/Inner:") || line.contains("`number 0`");
        assert!(left.len() == 4 && left.iter().all(lost), "{left:#?}");

        arrange_there(&world, &format!("{outer}/New"), Arrange::Delete);
        arrange(&world, &format!("{outer}/New"), Arrange::Rename("Newer"));
        fill(&world, "Newer");
        let summary = world.copy(CopyMode::Delta, "a folder that is renamed");
        assert_eq!((summary.bad_items, world.bad_items()), (0, Vec::new()));
        let view = world.view(&world.target, &world.to, Part::Primary);
        let newer = view.folders.get(&format!("{outer}/Newer")).expect("it is there again");
        assert_eq!(newer.items.len(), 1, "what is new is in it");
    }
}
