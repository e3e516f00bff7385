//! Upload sessions that go wrong in every documented way (docs:api/driveitem-createuploadsession), and what
//! is compared afterwards.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use content::{CopyMode, FRAGMENT_UNIT, UnitOutcome, Workload};
use serde_json::{Value, json};
use simulator::{DriveFill, LoggedRequest};
use tenant::{
    LimitSettings, Limits,
    graph::drive::{Placement, UploadTarget},
};

use crate::support::{World, client_of};

const NONE: Vec<String> = Vec::new();
/// A file of five fragments, the last of them short.
const LARGE: u64 = 4 * FRAGMENT_UNIT + 99;

/// One file of so many bytes at the root of the source's drive.
fn world(seed: u64, bytes: u64) -> World {
    let mut world = World::new(seed);
    (world.subject.mailbox, world.subject.drive) = (false, true);
    world.settings.fragment_bytes = FRAGMENT_UNIT;
    let how = DriveFill {
        least_files: 1,
        most_files: 1,
        large_files: 1,
        large_bytes: bytes,
        folders: 0,
        shares: 0,
        ..DriveFill::default()
    };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world
}

/// The fragments that were sent.
fn fragments(world: &World) -> Vec<LoggedRequest> {
    let requests = world.simulator.requests();
    let sent = |one: &LoggedRequest| one.method == "PUT" && one.path.ends_with("/uploadSession");
    requests.into_iter().filter(sent).collect()
}

/// Ends the first unit after two fragments or so.
fn begin(world: &mut World) {
    let budget = world.settings.budget;
    world.settings.budget.requests = 10;
    let first = world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
    assert!(matches!(first, UnitOutcome::More(_)), "{first:?}");
    let sent = fragments(world).len();
    assert!((1..5).contains(&sent), "{sent} fragments");
    world.settings.budget = budget;
}

/// Another process, with clients of its own, goes on where `nextExpectedRanges` says. Fragments are
/// multiples of 320 KiB, and none is sent twice.
#[test]
fn an_upload_goes_on_in_another_process_where_the_session_expects() {
    let mut world = world(81, LARGE);
    begin(&mut world);
    let client = |of| {
        let clock = Arc::new(world.clock.clone());
        let limits = Arc::new(Limits::new(LimitSettings::default()));
        client_of(of, Arc::new(world.simulator.clone()), clock, 5, limits)
    };
    let (source, target) = (client(&world.source), client(&world.target));
    let mut job = world.job(&*world.store);
    (job.source, job.target) = (&source, &target);
    let outcome = world.drive_future(job.run_unit(CopyMode::Initial, "job-1")).unwrap().unwrap();
    assert!(matches!(outcome, UnitOutcome::Finished(_)), "{outcome:?}");
    assert_eq!(world.drive_differences(), NONE);
    let sizes: Vec<u64> = fragments(&world).iter().map(|one| one.request_bytes as u64).collect();
    assert_eq!(sizes, [FRAGMENT_UNIT, FRAGMENT_UNIT, FRAGMENT_UNIT, FRAGMENT_UNIT, 99]);
}

/// Changes the reply of the `n`th fragment, which the service has taken.
fn reply_to_fragment(world: &World, n: u32, status: u16, code: &'static str) {
    let seen = AtomicU32::new(0);
    world.tamper(move |method, path, _| {
        let fragment = method == "PUT" && path.ends_with("/uploadSession");
        let hit = fragment && seen.fetch_add(1, Ordering::Relaxed) + 1 == n;
        let body = json!({ "error": { "code": code, "message": "refused" } });
        hit.then(|| (status, body.to_string()))
    });
}

/// 416: the session has the fragment already. It is asked what it expects, and nothing is sent again.
#[test]
fn after_a_416_the_session_says_where_to_go_on() {
    let world = world(82, LARGE);
    reply_to_fragment(&world, 2, 416, "invalidRange");
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0));
    assert_eq!(fragments(&world).len(), 5);
}

/// 404: the session is gone, here because nobody went on with it in time. The file is sent again, once.
#[test]
fn an_expired_session_is_begun_anew() {
    let mut world = world(83, LARGE);
    world.simulator.configure(|config| config.content.upload_session_seconds = 600);
    begin(&mut world);
    world.clock.advance(Duration::from_hours(1));
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0));
}

/// 404 and 416 for the one fragment of a small file: a new session mends it, and the file is not taken for
/// one that is gone from the source.
#[test]
fn a_small_file_survives_the_end_of_its_session() {
    for (status, code) in [(404, "itemNotFound"), (416, "invalidRange")] {
        let mut world = world(84, 5_000);
        let how = DriveFill { least_files: 5, most_files: 5, shares: 0, ..DriveFill::default() };
        world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
        world.settings.fragment_bytes = 32 * FRAGMENT_UNIT;
        reply_to_fragment(&world, 2, status, code);
        let summary = world.copy(CopyMode::Initial, "job-1");
        assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0), "{status}");
    }
}

/// A target folder that cannot be found, again and again: the file is listed, tried again by the next
/// sync, and never taken for one that is gone from the source.
#[test]
fn a_place_that_is_not_found_is_no_deletion() {
    for bytes in [5_000, LARGE] {
        let world = world(85, bytes);
        world.tamper(|method, path, _| {
            let body = json!({ "error": { "code": "itemNotFound", "message": "not found" } });
            let session = method == "POST" && path.ends_with("/createUploadSession");
            session.then(|| (404, body.to_string()))
        });
        let summary = world.copy(CopyMode::Initial, "job-1");
        assert_eq!(summary.bad_items, 1, "{summary:?}");
        world.tamper_no_more();
        let summary = world.copy(CopyMode::Delta, "job-2");
        assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0));
    }
}

/// 409 at the last fragment: somebody put another file of that name there meanwhile. It stays, ours is
/// listed.
#[test]
fn a_name_that_is_taken_during_the_upload_is_listed() {
    let mut world = world(86, LARGE);
    begin(&mut world);
    let tenant = world.source.tenant_id;
    let here = world.simulator.drive_view(tenant, &world.from).unwrap();
    let name = here.entries.keys().next().unwrap().trim_start_matches('/').to_owned();
    let graph = world.target_client.graph();
    let upload = async {
        let drive = graph.user_drive(&world.subject.target_user).await?;
        let root = graph.drive_root(&drive.id).await?;
        let at = UploadTarget::New(Placement { parent: &root.id, name: &name });
        graph.upload_small(&drive.id, at, "somebody's own".into()).await
    };
    world.drive_future(upload).unwrap().unwrap();
    world.copy(CopyMode::Initial, "job-1");
    let bad = world.bad_items();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(bad[0].line().contains("another file of this name"), "{}", bad[0].line());
    let there = world.simulator.drive_view(world.target.tenant_id, &world.to).unwrap();
    assert_eq!(there.entries.len(), 1);
}

/// 507: the session is refused, the copy says that the drive is full and goes on once there is room.
#[test]
fn a_large_file_that_does_not_fit_stops_the_copy_in_words() {
    let world = world(87, LARGE);
    world.simulator.configure(|config| config.content.drive_quota_bytes = 1_000);
    let error = world.try_copy(CopyMode::Initial, "job-1").unwrap_err().to_string();
    assert!(error.contains("the target OneDrive is full"), "{error}");
    world.simulator.configure(|config| config.content.drive_quota_bytes = 1 << 40);
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(world.drive_differences(), NONE);
}

/// The target's hash is compared with that of the bytes that were sent; the next sync writes over what is
/// damaged. SharePoint rewrites Office files, so theirs is not compared.
#[test]
fn a_hash_that_differs_is_listed_unless_sharepoint_rewrote_the_file() {
    for (bytes, ending, bad) in
        [(5_000, "bin", 1), (LARGE, "bin", 1), (5_000, "docx", 0), (LARGE, "docx", 0)]
    {
        let world = world(88, bytes);
        world.tamper(move |method, path, body| {
            let mut reply: Value = serde_json::from_str(body).ok()?;
            if path.ends_with("/delta") {
                for item in reply["value"].as_array_mut()? {
                    if item.get("file").is_some() {
                        item["name"] = json!(format!("report.{ending}"));
                    }
                }
            } else if method == "PUT" && reply.get("file").is_some() {
                reply["file"]["hashes"]["quickXorHash"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            } else {
                return None;
            }
            Some((if method == "PUT" { 201 } else { 200 }, reply.to_string()))
        });
        let summary = world.copy(CopyMode::Initial, "job-1");
        let lines: Vec<String> = world.bad_items().iter().map(content::BadItem::line).collect();
        assert_eq!(lines.len(), bad, "{ending}: {lines:?}");
        assert!(lines.iter().all(|line| line.contains("another hash")), "{lines:?}");
        assert_eq!(summary.counts[&Workload::OneDrive].created, 1 - bad as u64);
        if bad > 0 {
            world.tamper_no_more();
            let summary = world.copy(CopyMode::Delta, "job-2");
            assert_eq!((world.drive_differences(), summary.bad_items), (NONE, 0));
        }
    }
}
