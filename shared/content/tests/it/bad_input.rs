//! Bad input: names that nobody can read, deltas that lie, targets that are full, refuse or vanish. Nothing
//! lost, nothing doubled, a clear line for each thing that did not come over (SYN-5, ERR-1, ERR-2).

#![expect(clippy::indexing_slicing, reason = "JSON without the member fails the test")]

use std::collections::BTreeMap;

use content::{CopyMode, UnitOutcome, VerifyOutcome, Workload};
use serde_json::{Value, json};
use simulator::{Arrange, DriveFill, MailboxFill, Part};

use crate::support::World;

const NONE: Vec<String> = Vec::new();

fn drive_world(seed: u64) -> World {
    let mut world = World::new(seed);
    (world.subject.mailbox, world.subject.drive) = (false, true);
    let how = DriveFill {
        least_files: 12,
        most_files: 12,
        folders: 2,
        shares: 0,
        ..DriveFill::default()
    };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

fn mail_world(seed: u64) -> World {
    let world = World::new(seed);
    let how = MailboxFill { least_items: 40, most_items: 40, ..MailboxFill::default() };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    world
}

/// Changes the files of the source's delta, one after the other.
fn change_files(body: &str, mut change: impl FnMut(usize, &mut Value)) -> String {
    let mut page: Value = serde_json::from_str(body).unwrap();
    let items = page["value"].as_array_mut().unwrap();
    items.sort_by_key(|item| item["id"].as_str().unwrap_or_default().to_owned());
    let files = items.iter_mut().filter(|item| item.get("file").is_some());
    for (place, item) in files.enumerate() {
        change(place, item);
    }
    page.to_string()
}

/// Names that OneDrive does not take, or that are no text at all: each is listed with a proposed name, the
/// rest comes over, and once they are renamed in the source they come too.
#[test]
fn unreadable_names_are_listed_with_a_proposal_and_stop_nothing() {
    let world = drive_world(61);
    let names =
        ["bell\u{7}.txt", "dot.", " space", "CON", "HALF", &"x".repeat(420)].map(str::to_owned);
    world.tamper(move |_, path, body| {
        let change = |place: usize, item: &mut Value| {
            if let Some(name) = names.get(place) {
                item["name"] = json!(name);
            }
        };
        path.ends_with("/delta").then(|| {
            let body = change_files(body, change).replace("\"HALF\"", "\"half\\ud800.txt\"");
            (200, body)
        })
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    assert_eq!((bad.len(), summary.bad_items), (6, 6), "{bad:?}");
    let line = |name: &str| bad.iter().find(|item| item.name.contains(name)).unwrap().line();
    assert!(line("bell").contains("for instance to `bell_.txt`"), "{}", line("bell"));
    assert!(line("dot").contains("ends with a dot"), "{}", line("dot"));
    assert!(line("half").contains("cannot be read"), "{}", line("half"));
    assert!(line("half").contains("`half_.txt`"), "{}", line("half"));
    assert!(line("xxx").contains("400 are allowed"), "{}", line("xxx"));
    assert!(line("xxx").contains("shorten its name"), "{}", line("xxx"));
    assert_eq!(summary.counts[&Workload::OneDrive].created, 6);
    // Renamed: the next sync looks at bad items again.
    world.tamper_no_more();
    let summary = world.copy(CopyMode::Delta, "job-2");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0));
}

/// Two names that differ in case only are one name in OneDrive: the second is listed, the first not
/// overwritten.
#[test]
fn names_that_differ_in_case_only_do_not_overwrite_each_other() {
    let world = drive_world(62);
    let (mut folder, mut told) = (None, BTreeMap::new());
    world.tamper(move |_, path, body| {
        // What the source says of one of them is what its delta says.
        if let Some((_, item)) = told.iter().find(|(id, _)| path.ends_with(&format!("/items/{id}")))
        {
            return Some((200, Value::to_string(item)));
        }
        let change = |place: usize, item: &mut Value| {
            let folder = folder.get_or_insert_with(|| item["parentReference"]["id"].clone());
            if place < 2 {
                item["parentReference"]["id"] = folder.clone();
                item["name"] = json!(if place == 0 { "Report.txt" } else { "REPORT.txt" });
                told.insert(item["id"].as_str().unwrap_or_default().to_owned(), item.clone());
            }
        };
        path.ends_with("/delta").then(|| (200, change_files(body, change)))
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(bad[0].line().contains("another file of this name"), "{}", bad[0].line());
    assert_eq!(summary.counts[&Workload::OneDrive].created, 11);
}

/// Folders that lie in one another, and a file in a folder that is nowhere: listed, and the rest comes.
#[test]
fn cyclic_and_missing_parents_are_listed_and_end() {
    let world = drive_world(63);
    let folder = |id: &str, parent: &str| json!({ "id": id, "name": id, "folder": { "childCount": 1 }, "parentReference": { "id": parent } });
    world.tamper(move |_, path, body| {
        if path.ends_with("/items/ring-1") {
            return Some((200, folder("ring-1", "ring-2").to_string()));
        }
        if path.ends_with("/items/ring-2") {
            return Some((200, folder("ring-2", "ring-1").to_string()));
        }
        let lost = |place: usize, item: &mut Value| {
            if place == 0 {
                item["parentReference"]["id"] = json!("nowhere");
            }
        };
        path.ends_with("/delta").then(|| {
            let mut page: Value = serde_json::from_str(&change_files(body, lost)).unwrap();
            let items = page["value"].as_array_mut().unwrap();
            items.extend([folder("ring-1", "ring-2"), folder("ring-2", "ring-1")]);
            (200, page.to_string())
        })
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    assert_eq!(bad.len(), 3, "{bad:?}");
    assert!(bad.iter().all(|item| item.reason.contains("missing")), "{bad:?}");
    assert_eq!(summary.counts[&Workload::OneDrive].created, 11);
    world.tamper_no_more();
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE);
}

/// A delta that repeats entries, pages and whole changes: nothing twice.
#[test]
fn a_delta_that_repeats_itself_doubles_nothing() {
    let world = drive_world(64);
    world.simulator.configure(|config| {
        config.content.delta_duplicates = 0.5;
        config.content.delta_empty_pages = 0.3;
        config.content.delta_replays = 0.5;
    });
    world.copy(CopyMode::Initial, "job-1");
    for round in 0..3 {
        world.simulator.touch_drive(world.source.tenant_id, &world.from, 6).unwrap();
        world.copy(CopyMode::Delta, &format!("delta-{round}"));
        assert_eq!(world.drive_differences(), NONE, "round {round}");
    }
}

/// A page of a mailbox's delta that leaves items out: the folder's own count tells, and it is enumerated
/// anew within the same round.
#[test]
fn items_that_a_delta_skips_are_found_by_the_folders_count() {
    let world = mail_world(65);
    let mut skipped = 0;
    world.tamper(move |_, path, body| {
        if !path.ends_with("$batch") || skipped > 0 {
            return None;
        }
        let mut batch: Value = serde_json::from_str(body).unwrap();
        for response in batch["responses"].as_array_mut().unwrap() {
            let items = response["body"]["value"].as_array_mut();
            let Some(items) =
                items.filter(|items| items.iter().any(|one| one["changeKey"].is_string()))
            else {
                continue;
            };
            let before = items.len();
            items.truncate(before.saturating_sub(2));
            skipped += before - items.len();
        }
        Some((200, batch.to_string()))
    });
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// The target mailbox is full: the copy stops with a clear line, and goes on where it was once there is
/// room.
#[test]
fn a_full_mailbox_stops_the_copy_which_goes_on_once_there_is_room() {
    let world = mail_world(66);
    let full = world.view(&world.target, &world.to, Part::Primary).count() as u64;
    world.simulator.configure(|config| config.content.mailbox_quota_bytes = 1_000_000 + full);
    let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err().to_string();
    assert!(
        error.contains("the target mailbox is full") && error.contains("larger plan"),
        "{error}"
    );
    world.simulator.configure(|config| config.content.mailbox_quota_bytes = 0);
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// The same for a OneDrive.
#[test]
fn a_full_onedrive_stops_the_copy_which_goes_on_once_there_is_room() {
    let world = drive_world(67);
    world.simulator.configure(|config| config.content.drive_quota_bytes = 300_000);
    let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err().to_string();
    assert!(error.contains("the target OneDrive is full"), "{error}");
    world.simulator.configure(|config| config.content.drive_quota_bytes = 1 << 40);
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE);
}

/// Items over the target's limit, and over the copier's own: listed, the rest comes, and they come too
/// once the limit is higher.
#[test]
fn items_over_a_limit_are_listed_and_come_once_it_is_raised() {
    let mut world = mail_world(68);
    world.simulator.configure(|config| config.content.largest_item_bytes = 20_000);
    world.settings.max_item_bytes = 400_000;
    world.settings.bad_item_limit = 1_000;
    let summary = world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    assert!(!bad.is_empty() && bad.len() as u64 + summary.counts[&Workload::Mailbox].created == 40);
    let by = |text: &str| bad.iter().filter(|item| item.reason.contains(text)).count();
    assert_eq!(by("ErrorMessageSizeExceeded") + by("larger than the limit"), bad.len(), "{bad:?}");
    assert!(by("ErrorMessageSizeExceeded") > 0);
    world.simulator.configure(|config| config.content.largest_item_bytes = 150 << 20);
    world.settings.max_item_bytes = 150 << 20;
    let summary = world.copy(CopyMode::Delta, "job-2");
    assert_eq!((world.mailbox_differences(Part::Primary), summary.bad_items), (NONE, 0));
}

/// The target's licence is withdrawn in the middle: the copy stops and says so; given back, it goes on.
#[test]
fn a_licence_withdrawn_in_the_middle_stops_the_copy_in_words() {
    let mut world = mail_world(69);
    world.small_units();
    let first = world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
    assert!(matches!(first, UnitOutcome::More(_)), "{first:?}");
    let graph = world.target_client.graph();
    let user = world.subject.target_user.clone();
    let licences = world.drive_future(graph.license_details(&user)).unwrap().unwrap();
    let skus: Vec<String> = licences.into_iter().map(|licence| licence.sku_id).collect();
    world.drive_future(graph.assign_license(&user, &[], &skus)).unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_hours(1));
    let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err().to_string();
    assert!(error.contains("licence"), "{error}");
    let back: Vec<tenant::graph::AssignedLicense> = skus
        .iter()
        .map(|sku| tenant::graph::AssignedLicense {
            sku_id: sku.clone(),
            ..tenant::graph::AssignedLicense::default()
        })
        .collect();
    world.drive_future(graph.assign_license(&user, &back, &[])).unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_hours(1));
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// The source's mailbox vanishes in the middle: nothing is taken for deleted, the copy says what is missing.
#[test]
fn a_source_that_vanishes_in_the_middle_is_no_deletion() {
    for stream_bytes in [1, u64::MAX] {
        let mut world = mail_world(71);
        world.settings.stream_bytes = stream_bytes;
        world.small_units();
        world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
        world.tamper(|_, path, _| {
            let body = json!({ "error": { "code": "ErrorItemNotFound", "message": "not found" } });
            path.ends_with("exportItems").then(|| (404, body.to_string()))
        });
        let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err().to_string();
        assert!(error.contains("the source mailbox is missing"), "{error}");
        world.tamper_no_more();
        world.copy(CopyMode::Initial, "job-1");
        assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    }
}

/// A mailbox on hold refuses deletions: they are listed, and everything else of the delta comes.
#[test]
fn deletions_that_a_hold_refuses_are_listed() {
    let world = mail_world(70);
    world.copy(CopyMode::Initial, "job-1");
    world.simulator.touch_mailbox(world.source.tenant_id, &world.from, Part::Primary, 30).unwrap();
    let denied =
        json!({ "error": { "code": "ErrorAccessDenied", "message": "The item is on hold." } });
    world.tamper(move |method, path, body| {
        if method == "DELETE" && path.contains("/items/") {
            return Some((403, denied.to_string()));
        }
        if !path.ends_with("$batch") {
            return None;
        }
        let mut batch: Value = serde_json::from_str(body).unwrap();
        for response in batch["responses"].as_array_mut().into_iter().flatten() {
            if response["status"] == json!(204) {
                (response["status"], response["body"]) = (json!(403), denied.clone());
            }
        }
        Some((200, batch.to_string()))
    });
    let summary = world.copy(CopyMode::Delta, "job-2");
    let refused: Vec<&str> = summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .filter(|text| text.contains("a deletion was refused"))
        .collect();
    assert!(!refused.is_empty() && refused[0].contains("on hold"), "{summary:?}");
}

/// Where the target has copies of a message; what was deleted there can be recovered for a while.
fn copies_of(world: &World, subject: &str) -> Vec<String> {
    let view = world.view(&world.target, &world.to, Part::Primary);
    let folders = view.folders.iter().filter(|(path, _)| !path.starts_with("recoverable"));
    let items =
        folders.flat_map(|(path, folder)| folder.items.iter().map(move |item| (path, item)));
    items.filter(|(_, item)| item.subject == subject).map(|(path, _)| path.clone()).collect()
}

/// SYN-1, SYN-5: an item that moves, and cannot be read at its new place, keeps the copy that it has, even if
/// the folder that it was in is deleted. Once it can be read it is where it belongs, and there only.
#[test]
fn an_item_that_moves_and_cannot_be_read_keeps_its_copy_until_it_can() {
    for folder_goes in [false, true] {
        let world = World::new(306);
        let (tenant, from) = (world.source.tenant_id, world.from.clone());
        let file = |folder: &str| {
            world.simulator.file_message(tenant, &from, "The only one", folder).unwrap();
        };
        let copies = || copies_of(&world, "The only one");
        world.simulator.send_mail("someone@elsewhere.example", &from, "The only one");
        world.simulator.send_mail("someone@elsewhere.example", &from, "Another");
        file("Before");
        world.copy(CopyMode::Initial, "job-1");
        let before = "msgfolderroot/Before".to_owned();
        let only = |at: &str| vec![at.to_owned()];
        assert_eq!(copies(), only(&before));

        file("After");
        world.simulator.corrupt_items(tenant, &from, Part::Primary, 1_000).unwrap();
        if folder_goes {
            world.simulator.arrange_folder(tenant, &from, &before, Arrange::Delete).unwrap();
        }
        for round in ["job-2", "job-3"] {
            let summary = world.copy(CopyMode::Delta, round);
            assert_eq!(summary.bad_items, 1, "{:?}", world.bad_items());
            assert_eq!(copies(), only(&before), "{round}");
            assert!(
                summary.notes.iter().any(|it| it.text.contains("its copy stays")),
                "{summary:?}"
            );
        }
        world.simulator.repair_items(tenant, &from, Part::Primary).unwrap();
        world.copy(CopyMode::Delta, "job-4");
        assert_eq!(copies(), only("msgfolderroot/After"));
        assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
        assert_eq!(world.bad_items(), []);
    }
}

/// One that is deleted after all loses the copy too.
#[test]
fn an_unreadable_item_that_is_deleted_after_its_move_loses_the_copy_that_was_kept() {
    let world = World::new(307);
    let (tenant, from) = (world.source.tenant_id, world.from.clone());
    world.simulator.send_mail("someone@elsewhere.example", &from, "The only one");
    world.copy(CopyMode::Initial, "job-1");
    world.simulator.file_message(tenant, &from, "The only one", "After").unwrap();
    world.simulator.corrupt_items(tenant, &from, Part::Primary, 1_000).unwrap();
    world.copy(CopyMode::Delta, "job-2");
    let copies = || copies_of(&world, "The only one");
    assert_eq!(copies(), ["inbox"]);
    let after = "msgfolderroot/After";
    world.simulator.arrange_folder(tenant, &from, after, Arrange::Delete).unwrap();
    for round in ["job-3", "job-4"] {
        world.copy(CopyMode::Delta, round);
    }
    assert_eq!((copies(), world.bad_items()), (Vec::new(), Vec::new()));
}

/// The rule of 400 characters counts from the site's address: a path that is fine in the source is told to be
/// too long where the target's site has a longer one, before anything is sent.
#[test]
fn the_length_of_a_path_is_counted_from_the_target_s_site_on() {
    let world = drive_world(66);
    let graph = world.target_client.graph();
    let drive = world.drive_future(graph.user_drive(&world.subject.target_user)).unwrap().unwrap();
    let library = drive.library_path();
    assert!(library.starts_with("personal/") && library.ends_with("/Documents"), "{library}");
    let room = 400 - library.chars().count() - 1;
    let (fits, too_long) = ("f".repeat(room), "x".repeat(room + 1));
    for name in [&fits, &too_long] {
        world.simulator.add_file(world.source.tenant_id, &world.from, name, b"text").unwrap();
    }
    world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    let [bad] = bad.as_slice() else { panic!("{bad:?}") };
    assert_eq!(bad.name, too_long);
    assert!(bad.reason.contains("401 characters in the target"), "{}", bad.line());
    let left = world.drive_differences();
    assert!(left.len() == 1 && left[0].contains("xxx"), "{left:?}");
    let sent = world.simulator.requests();
    assert!(sent.iter().all(|one| !one.path.contains("xxx")), "it was sent all the same");
}

/// A drive's delta that keeps leaving items out, later on empty files, which no size and no count of the root
/// shows: a verification, which lists both sides whole, says which, and the next sync enumerates anew and copies
/// them.
#[test]
fn items_that_a_delta_of_a_drive_skips_are_told_by_a_verification_and_come_with_the_next_sync() {
    for first in [true, false] {
        let mut world = drive_world(67);
        if !first {
            world.copy(CopyMode::Initial, "job-1");
            world.clock.advance(std::time::Duration::from_mins(5));
            let tenant = world.source.tenant_id;
            let view = world.simulator.drive_view(tenant, &world.from).unwrap();
            let folder = view.entries.iter().find(|(_, entry)| entry.kind == "folder").unwrap().0;
            for n in 0..4 {
                let path = format!("{folder}/new {n}.txt");
                world.simulator.add_file(tenant, &world.from, &path, b"").unwrap();
            }
        }
        world.clock.advance(std::time::Duration::from_mins(5));
        world.tamper(|_, path, body| {
            path.ends_with("/delta").then(|| {
                let mut page: Value = serde_json::from_str(body).unwrap();
                let items = page["value"].as_array_mut().unwrap();
                let mut files = 0;
                items.retain(|item| {
                    files += usize::from(item.get("file").is_some());
                    item.get("file").is_none() || files % 2 == 0
                });
                (200, page.to_string())
            })
        });
        world.copy(CopyMode::Delta, "job-2");
        world.tamper_no_more();
        let lost = world.drive_differences();
        assert!(!lost.is_empty() && lost.iter().all(|line| line.ends_with("missing")), "{lost:?}");
        let report = loop {
            let job = world.job(&*world.store);
            match world.drive_future(job.verify_unit("verify")).unwrap().unwrap() {
                VerifyOutcome::Finished(report) => break report,
                VerifyOutcome::More => {}
                VerifyOutcome::Wait { after, .. } => world.clock.advance(after),
            }
        };
        assert_eq!(report.differences.len(), lost.len(), "{report:?}");
        let told =
            |one: &content::Difference| one.detail.contains("left out of the source's changes");
        assert!(report.differences.iter().all(told), "{report:?}");
        let before = world.copy(CopyMode::Delta, "job-3");
        assert_eq!(world.drive_differences(), NONE);
        assert_eq!(before.counts[&Workload::OneDrive].created, lost.len() as u64, "nothing else");
        // And not again.
        world.settings.page_size = 500;
        let requests = world.requests();
        world.copy(CopyMode::Delta, "job-4");
        assert!(world.requests() - requests < 12, "it was listed anew once more");
    }
}
