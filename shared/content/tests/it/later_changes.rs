//! A later delta of a OneDrive that leaves something out: counts and sizes of folders tell, and it comes with the
//! same sync. Where all agrees nothing is asked for.

use content::{CopyMode, CopySummary};
use serde_json::{Value, json};
use simulator::{DriveFill, Part};

use crate::{
    crash::round_with_death,
    listing::{NONE, pages, skip_page, source_drive, told, whole, world},
    support::World,
};

/// A world with a first copy, whose person then works on.
fn changed(seed: u64) -> World {
    let world = world(seed);
    world.copy(CopyMode::Initial, "job-1");
    for n in 0..9 {
        add(&world, &format!("Documents 0/new {n}.txt"));
        add(&world, &format!("New/below/new {n}.txt"));
    }
    world.simulator.touch_drive(world.source.tenant_id, &world.from, 12).unwrap();
    world
}

fn add(world: &World, path: &str) {
    world.simulator.add_file(world.source.tenant_id, &world.from, path, b"new").unwrap();
}

/// Requests of the source for single items and for what is in a folder since request `from`.
fn looks(world: &World, from: usize) -> usize {
    let items = format!("/drives/{}/items/", source_drive(world));
    let requests = world.simulator.requests();
    let asked = requests.iter().skip(from).filter(|one| one.method == "GET");
    let asked = asked.filter_map(|one| one.path.split_once(&items).map(|(_, rest)| rest));
    asked.filter(|rest| !rest.contains('/') || rest.ends_with("/children")).count()
}

/// The same of the changes since the last sync: whichever page the service skips, what is on it comes, moves or
/// goes with the same sync. That a page was skipped is sure once one item of it was found: then all is listed,
/// since other names and the like show in no count.
#[test]
fn a_page_that_later_changes_skip_is_noticed_and_comes_with_the_same_sync() {
    let world = changed(84);
    let before = world.requests();
    world.copy(CopyMode::Delta, "job-2");
    let pages_of = pages(&world, before);
    assert_eq!((looks(&world, before), world.drive_differences()), (0, NONE));
    assert!(pages_of > 4, "{pages_of}");
    for n in 1..=pages_of {
        let world = changed(84);
        skip_page(&world, n, false);
        let before = world.requests();
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!(world.drive_differences(), NONE, "page {n}");
        assert_eq!(told(&summary), Vec::<&str>::new(), "page {n}");
        let most = 2 * pages_of + whole(&world);
        assert!(pages(&world, before) <= most, "page {n}: {}", pages(&world, before));
        // What was out of order is in order.
        let before = world.requests();
        world.copy(CopyMode::Delta, "job-3");
        assert_eq!((looks(&world, before), pages(&world, before)), (0, 1), "page {n}");
    }
}

/// The only page of a few changes is noticed, too: the source tells of its root in every round.
#[test]
fn changes_that_are_skipped_altogether_are_noticed() {
    for path in ["Documents 0/new.txt", "new.txt"] {
        let world = world(81);
        world.copy(CopyMode::Initial, "job-1");
        add(&world, path);
        skip_page(&world, 1, false);
        world.copy(CopyMode::Delta, "job-2");
        assert_eq!(world.drive_differences(), NONE, "{path}");
    }
}

/// Leaves what is called so out of each page of changes.
fn never_list(world: &World, name: &'static str) {
    world.tamper(move |_, path, body| {
        let mut reply: Value = serde_json::from_str(body).ok()?;
        let items = reply.get_mut("value").and_then(Value::as_array_mut)?;
        items.retain(|item| item["name"] != name);
        path.ends_with("/root/delta").then(|| (200, reply.to_string()))
    });
}

/// A service that skips it in each listing: the folder itself shows what is in it, and nothing is told or asked
/// for over and over.
#[test]
fn what_changes_and_listings_always_skip_comes_from_its_folder() {
    let world = world(82);
    world.copy(CopyMode::Initial, "job-1");
    add(&world, "Documents 0/always skipped.txt");
    never_list(&world, "always skipped.txt");
    let before = world.requests();
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.drive_differences(), NONE);
    assert!(pages(&world, before) <= 2 + 2 * whole(&world), "{}", pages(&world, before));
    for round in ["job-3", "job-4", "job-5"] {
        let before = world.requests();
        world.copy(CopyMode::Delta, round);
        assert_eq!(world.drive_differences(), NONE, "{round}");
        assert!(pages(&world, before) <= 2, "{round}: {}", pages(&world, before));
    }
    let before = world.requests();
    world.copy(CopyMode::Delta, "job-6");
    assert_eq!((looks(&world, before), pages(&world, before)), (0, 1));
}

/// ERR-4: a death on the way, at whatever boundary, changes nothing of it.
#[test]
fn what_was_skipped_comes_though_the_process_dies_on_the_way() {
    for n in 1.. {
        let mut world = World::new(87);
        (world.subject.mailbox, world.subject.drive) = (false, true);
        world.settings.page_size = 5;
        let (tenant, from) = (world.source.tenant_id, world.from.clone());
        let (least_files, most_files, folders, shares) = (3, 3, 1, 0);
        let how = DriveFill { least_files, most_files, folders, shares, ..DriveFill::default() };
        world.simulator.fill_drive(tenant, &from, &how).unwrap();
        world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
        world.copy(CopyMode::Initial, "job-1");
        add(&world, "Documents 0/new.txt");
        add(&world, "Documents 0/always skipped.txt");
        never_list(&world, "always skipped.txt");
        let lived = round_with_death(&world, CopyMode::Delta, "job-2", n);
        assert_eq!(world.drive_differences(), NONE, "death at boundary {n}");
        if lived {
            assert!(n > 40, "the job has only {n} boundaries");
            return;
        }
    }
}

/// Who is not copied counts as well: notebooks, shortcuts, infected files, and bad items with what is below them.
#[test]
fn what_is_left_out_or_bad_counts_where_it_lies() {
    let mut world = World::new(83);
    (world.subject.mailbox, world.subject.drive) = (false, true);
    let how = DriveFill { oddities: true, shares: 0, ..DriveFill::default() };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    // Names that the target refuses: of a folder with something in it, and of a file.
    add(&world, "CON/deep/below.txt");
    add(&world, "Documents 0/LPT1");
    world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items().len();
    assert!(bad >= 3, "{bad}");
    for round in ["job-2", "job-3"] {
        let before = world.requests();
        let summary = world.copy(CopyMode::Delta, round);
        // Each bad item is looked at again, and nothing else.
        assert_eq!((pages(&world, before), world.bad_items().len()), (1, bad), "{round}");
        assert!(looks(&world, before) <= 2 * bad, "{round}: {:?}", summary.notes);
    }
    add(&world, "Documents 0/new.txt");
    skip_page(&world, 1, false);
    world.copy(CopyMode::Delta, "job-4");
    let missing = world.drive_differences();
    assert!(missing.iter().all(|line| !line.contains("new.txt")), "{missing:?}");
}

/// Changes `size` of folders in what the source tells of its drive, by so much with each reply.
fn weigh_wrongly(world: &World, by: u64) {
    let drive = format!("/drives/{}/", source_drive(world));
    let mut off = 0;
    world.tamper(move |method, path, body| {
        let mut reply: Value = serde_json::from_str(body).ok()?;
        off += by;
        let heavier = |item: &mut Value| {
            let size = item["folder"].is_object().then(|| item["size"].as_u64()).flatten()?;
            item["size"] = json!(size + off);
            Some(())
        };
        let folders = match reply.get_mut("value").and_then(Value::as_array_mut) {
            Some(items) => items.iter_mut().filter_map(heavier).count(),
            None => heavier(&mut reply).into_iter().count(),
        };
        (method == "GET" && path.contains(&drive) && folders > 0).then(|| (200, reply.to_string()))
    });
}

/// Sizes that are no sums are evidence of nothing: where they never were, nothing is asked for; where they cease
/// to be, the root is looked into once.
#[test]
fn sizes_that_do_not_add_up_are_not_believed() {
    let world = world(85);
    weigh_wrongly(&world, 1_000);
    world.copy(CopyMode::Initial, "job-1");
    for round in ["job-2", "job-3"] {
        add(&world, &format!("{round}.txt"));
        let before = world.requests();
        let summary = world.copy(CopyMode::Delta, round);
        assert_eq!((looks(&world, before), pages(&world, before)), (0, 1), "{round}");
        assert_eq!((told(&summary).len(), world.drive_differences()), (0, NONE));
    }
    world.tamper_no_more();
    world.copy(CopyMode::Delta, "job-4");
    weigh_wrongly(&world, 1_000);
    let before = world.requests();
    let summary = world.copy(CopyMode::Delta, "job-5");
    assert!((1..50).contains(&looks(&world, before)), "{}", looks(&world, before));
    assert_eq!((told(&summary).len(), pages(&world, before)), (0, 2));
    let before = world.requests();
    world.copy(CopyMode::Delta, "job-6");
    assert_eq!((looks(&world, before), pages(&world, before)), (0, 1));
}

/// Counts of folders that come with the changes are evidence without sizes, and a count that is newer than its
/// page is not: what came meanwhile comes with the changes since, and nothing is listed.
#[test]
fn counts_of_folders_are_evidence_and_people_who_work_on_are_none() {
    for skipped in [true, false] {
        let world = world(86);
        weigh_wrongly(&world, 1_000);
        world.copy(CopyMode::Initial, "job-1");
        add(&world, "Documents 0/new.txt");
        let (graph, drive) = (world.source_client.graph(), source_drive(&world));
        let root = world.drive_future(graph.drive_root(&drive)).unwrap().unwrap().id;
        let page = graph.drive_children(&drive, &root, None, 100);
        let page = world.drive_future(page).unwrap().unwrap();
        let folder =
            page.value.into_iter().find(|item| item.name.as_deref() == Some("Documents 0"));
        let folder = folder.unwrap();
        let (simulator, tenant, from) =
            (world.simulator.clone(), world.source.tenant_id, world.from.clone());
        let mut told_of = false;
        world.tamper(move |_, path, body| {
            if !path.ends_with("/root/delta") || told_of {
                return None;
            }
            told_of = true;
            let mut reply: Value = serde_json::from_str(body).unwrap();
            let items = reply["value"].as_array_mut().unwrap();
            let mut count = folder.folder.as_ref().unwrap().child_count.unwrap();
            if skipped {
                items.clear();
            } else {
                let path = "Documents 0/newer.txt";
                simulator.add_file(tenant, &from, path, b"newer").unwrap();
                count += 1;
            }
            items.push(json!({
                "id": folder.id, "name": folder.name, "folder": { "childCount": count },
                "parentReference": { "id": folder.parent() },
            }));
            Some((200, reply.to_string()))
        });
        let before = world.requests();
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!((told(&summary).len(), world.drive_differences()), (0, NONE), "{skipped}");
        if !skipped {
            assert_eq!((looks(&world, before), pages(&world, before)), (1, 2));
        }
    }
}

/// A mailbox, into whose inbox come as many messages as leave it, and nothing is told of what comes, or of what
/// leaves: the folder's count shows either, and it is listed anew in the same sync.
#[test]
fn a_page_that_later_changes_of_a_mail_folder_skip_is_noticed() {
    let part = Part::Primary;
    for skipped in ["what came", "what left"] {
        let world = World::new(88);
        let (tenant, from) = (world.source.tenant_id, world.from.clone());
        let send = |subjects: &[&str]| {
            for subject in subjects {
                world.simulator.send_mail("someone@elsewhere.example", &from, subject);
            }
        };
        let file = |subject: &str| {
            world.simulator.file_message(tenant, &from, subject, "Filed").unwrap();
        };
        send(&["one", "two", "three"]);
        world.copy(CopyMode::Initial, "job-1");
        file("one");
        world.copy(CopyMode::Delta, "job-2");
        assert_eq!(world.mailbox_differences(part), NONE);

        file("two");
        send(&["four", "five"]);
        let came = skipped == "what came";
        world.tamper(move |_, path, body| {
            let mut batch: Value = serde_json::from_str(body).ok()?;
            let responses = batch.get_mut("responses").and_then(Value::as_array_mut)?;
            let pages = responses.iter_mut().filter_map(|one| one["body"]["value"].as_array_mut());
            let mut left = 0;
            for items in pages {
                let before = items.len();
                let removed = |item: &Value| item.get("@removed").is_some();
                // Of what left the inbox, only the deletion there is skipped.
                items.retain(|item| {
                    let item_of_changes = removed(item) || item["changeKey"].is_string();
                    !item_of_changes || came == removed(item)
                });
                left += before - items.len();
            }
            (path.ends_with("$batch") && left > 0).then(|| (200, batch.to_string()))
        });
        world.copy(CopyMode::Delta, "job-3");
        world.tamper_no_more();
        assert_eq!(world.mailbox_differences(part), NONE, "{skipped}");
        // What was out of order is in order.
        let before = world.requests();
        world.copy(CopyMode::Delta, "job-4");
        assert_eq!(single_folders(&world, before), 0, "{skipped}");
    }
}

/// Requests for single folders of mailboxes since request `from`.
fn single_folders(world: &World, from: usize) -> usize {
    let requests = world.simulator.requests();
    let folders = requests.iter().skip(from).filter_map(|one| one.path.split_once("/folders/"));
    folders.filter(|(_, rest)| !rest.contains('/')).count()
}

/// A message that no listing shows is told of in each round, and costs a second listing in the first only.
#[test]
fn a_message_that_is_counted_and_never_listed_is_told_of() {
    let world = World::new(89);
    let send = |subject: &str| {
        world.simulator.send_mail("someone@elsewhere.example", &world.from, subject);
    };
    send("one");
    world.copy(CopyMode::Initial, "job-1");
    send("two");
    world.tamper(|_, path, body| {
        let mut reply: Value = serde_json::from_str(body).ok()?;
        let mut left = 0;
        let mut leave_out = |items: &mut Vec<Value>| {
            let before = items.len();
            items.retain(|item| !item["changeKey"].is_string());
            left += before - items.len();
        };
        if let Some(responses) = reply.get_mut("responses").and_then(Value::as_array_mut) {
            let pages = responses.iter_mut().filter_map(|one| one["body"]["value"].as_array_mut());
            pages.for_each(&mut leave_out);
        } else if let Some(items) = reply.get_mut("value").and_then(Value::as_array_mut) {
            leave_out(items);
        }
        let changes = path.ends_with("$batch") || path.ends_with("/delta");
        (changes && left > 0).then(|| (200, reply.to_string()))
    });
    let told = |summary: &CopySummary| {
        let notes = summary.notes.iter().map(|note| note.text.as_str());
        notes.filter(|text| text.contains("items more in `/Inbox` than it lists")).count()
    };
    assert_eq!(told(&world.copy(CopyMode::Delta, "job-2")), 1);
    for round in ["job-3", "job-4"] {
        let before = world.requests();
        assert_eq!(told(&world.copy(CopyMode::Delta, round)), 1, "{round}");
        assert_eq!(single_folders(&world, before), 0, "{round}");
    }
    world.tamper_no_more();
    send("three");
    world.copy(CopyMode::Initial, "job-5");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    assert_eq!(told(&world.copy(CopyMode::Delta, "job-6")), 0);
}
