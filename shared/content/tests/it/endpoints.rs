//! Endpoints that a tenant lacks, says less with, or takes back: the archive's preview, the roles of folders,
//! the import session. And what has to be there before the first item.

use content::{CopyMode, Workload};
use serde_json::Value;
use simulator::{FaultKind, FaultRule, LoggedRequest, MailboxFill, Part};

use crate::support::World;

const NONE: Vec<String> = Vec::new();

fn fill(world: &World, part: Part, how: &MailboxFill) {
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, part, how).unwrap();
}

fn paths(world: &World, of: impl Fn(&LoggedRequest) -> bool) -> usize {
    world.simulator.requests().iter().filter(|one| of(one)).count()
}

/// The archive's endpoint is a preview: where a tenant does not have it, the report says so, everything else
/// comes, and the archive comes once the tenant has it.
#[test]
fn an_archive_whose_endpoint_is_missing_is_told_and_comes_once_it_is_there() {
    let mut world = World::new(21);
    world.subject.archive = true;
    let how = MailboxFill { least_items: 10, most_items: 10, ..MailboxFill::default() };
    fill(&world, Part::Primary, &how);
    fill(&world, Part::Archive, &how);
    let exchange = world.target_client.exchange();
    world.drive_future(exchange.enable_archive(&world.subject.target_user)).unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_hours(1));
    world.tamper(|_, path, _| {
        let body = r#"{"error":{"code":"ResourceNotFound","message":"Resource not found for the segment."}}"#;
        let preview = path.contains("/beta/") && path.ends_with("/settings/exchange");
        preview.then(|| (404, body.to_owned()))
    });
    let summary = world.copy(CopyMode::Initial, "job-1");
    let told = summary.notes.iter().find(|note| note.workload == Workload::Archive).unwrap();
    assert!(told.text.contains("has no archive endpoint (ResourceNotFound)"), "{told:?}");
    assert!(told.text.contains("the archive is not copied"), "{told:?}");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    assert!(!world.mailbox_differences(Part::Archive).is_empty());
    world.tamper_no_more();
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(world.mailbox_differences(Part::Archive), NONE);
}

/// Folders are paired by role, whatever their language, also where lists do not tell the roles: then each
/// role is asked for by its name.
#[test]
fn roles_that_the_folder_list_does_not_tell_are_asked_for() {
    let world = World::new(22);
    let language = "de-DE".to_owned();
    let how = MailboxFill { least_items: 40, most_items: 40, language, ..MailboxFill::default() };
    fill(&world, Part::Primary, &how);
    world.tamper(|method, path, body| {
        let list = path.ends_with("/folders") || path.ends_with("/childFolders");
        (list && method == "GET").then(|| {
            let mut page: Value = serde_json::from_str(body).unwrap();
            for folder in page["value"].as_array_mut().unwrap() {
                folder.as_object_mut().unwrap().remove("wellKnownName");
            }
            (200, page.to_string())
        })
    });
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
    let names = world.view(&world.source, &world.from, Part::Primary);
    let inbox = names.folders.get("inbox").unwrap();
    assert_eq!(inbox.name, "Posteingang", "the source speaks another language");
    let there = world.view(&world.target, &world.to, Part::Primary);
    let second = there.folders.values().filter(|folder| folder.name == inbox.name).count();
    assert_eq!(second, usize::from(there.folders["inbox"].name == inbox.name));
    let asked = paths(&world, |one| one.method == "GET" && one.path.ends_with("/folders/inbox"));
    assert_eq!(asked, 2, "once on each side");
}

/// The target does not take the import session.
fn ended(status: u16) -> FaultRule {
    let path = Some("importItem".to_owned());
    FaultRule { path, ..FaultRule::of(FaultKind::Status { status, retry_after: None }) }
}

/// A session that ends before it says so is opened anew; what the old one took is not imported again.
#[test]
fn an_import_session_that_ends_early_is_opened_anew() {
    for status in [401, 410] {
        let world = World::new(23);
        let how = MailboxFill { least_items: 60, most_items: 60, ..MailboxFill::default() };
        fill(&world, Part::Primary, &how);
        world.simulator.configure(|config| {
            config.faults.rules.push(FaultRule { from: 10, times: Some(1), ..ended(status) });
        });
        let summary = world.copy(CopyMode::Initial, "job-1");
        assert_eq!(world.mailbox_differences(Part::Primary), NONE, "{status}");
        assert_eq!(summary.bad_items, 0);
        let sessions = paths(&world, |one| one.path.ends_with("createImportSession"));
        assert_eq!(sessions, 2, "{status}");
    }
}

/// A target that takes no session back is asked again later, and not in a circle.
#[test]
fn a_target_that_refuses_every_session_is_waited_for() {
    let world = World::new(24);
    let how = MailboxFill { least_items: 10, most_items: 10, ..MailboxFill::default() };
    fill(&world, Part::Primary, &how);
    world.simulator.configure(|config| {
        config.faults.rules.push(ended(401));
    });
    let waited = loop {
        match world.unit(CopyMode::Initial, "job-1").unwrap().unwrap() {
            content::UnitOutcome::Wait { why, .. } => break why,
            content::UnitOutcome::More(_) => {}
            content::UnitOutcome::Finished(done) => panic!("{done:?}"),
        }
    };
    assert!(waited.contains("does not accept a fresh import session"), "{waited}");
    assert_eq!(paths(&world, |one| one.path.ends_with("createImportSession")), 2);
    world.simulator.configure(|config| config.faults.rules.clear());
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.mailbox_differences(Part::Primary), NONE);
}

/// Language and time zone name the default folders and days of what comes after them.
#[test]
fn regional_settings_are_written_before_the_first_folder_and_item() {
    let world = World::new(25);
    let how = MailboxFill { least_items: 20, most_items: 20, ..MailboxFill::default() };
    fill(&world, Part::Primary, &how);
    world.copy(CopyMode::Initial, "job-1");
    let requests = world.simulator.requests();
    let first = |of: &dyn Fn(&LoggedRequest) -> bool| requests.iter().position(of).unwrap();
    let settings = first(&|one| one.method == "PATCH" && one.path.ends_with("/mailboxSettings"));
    let folder = first(&|one| one.method == "POST" && one.path.to_lowercase().ends_with("folders"));
    let item = first(&|one| one.path.ends_with("importItem"));
    assert!(settings < folder && folder < item, "{settings}, {folder}, {item}");
}
