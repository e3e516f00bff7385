//! ERR-3: the tenants' budgets as published, kept by the simulator. The copy uses nearly all of them and
//! is nearly never refused, alone and beside another worker.

use std::{sync::Arc, time::Duration};

use conformance::reference::ModelStore;
use content::{CopyJob, CopyMode, UnitOutcome};
use futures_util::future::join;
use jiff::SignedDuration;
use ports::{Clock as _, Store};
use simulator::{
    Config, DriveFill, FaultKind, FaultRule, Lag, MailboxFill, Part, Profile, Throttling,
};
use tenant::{Class, LimitSettings, Limits, Rate, TenantClient};

use crate::support::{World, client_of};

fn published() -> Config {
    let mut config = Config::of(Profile::Calm);
    config.throttling = Throttling::as_published();
    config.faults.latency = Lag::millis(20, 60);
    config
}

/// Runs a round to its end, as a host would.
async fn round(job: &CopyJob<'_>, world: &World) {
    loop {
        match job.run_unit(CopyMode::Initial, "job-1").await.unwrap() {
            UnitOutcome::Finished(_) => return,
            UnitOutcome::More(_) => {}
            UnitOutcome::Wait { after, .. } => world.clock.sleep(after).await,
        }
    }
}

/// What the simulator saw, each item of a batch by itself: requests, refused ones.
fn refused(world: &World) -> (u64, u64) {
    let counts = world.simulator.counts();
    (counts.charged, counts.throttled)
}

/// Fewer than one in a hundred.
fn assert_hardly_refused(world: &World) {
    let (all, refused) = refused(world);
    assert!(refused * 100 < all, "{refused} of {all} requests were refused");
}

/// Files of a test, over all workers.
const FILES: u64 = 900;
/// Resource units that a small file costs the target: an upload session, and its one fragment.
const UNITS: u64 = 4;

/// More than nine tenths of what so much time allows were used.
fn assert_share(used: u64, a_minute: u64, took: SignedDuration) {
    let seconds = u64::try_from(took.as_secs()).unwrap();
    let allowed = a_minute * seconds / 60;
    assert!(used * 10 > allowed * 9, "{used} of {allowed} in {seconds} s");
}

fn small_files(world: &World, user: &str, files: u32) {
    let how = DriveFill {
        least_files: files,
        most_files: files,
        // All of them of one small size.
        large_files: files,
        large_bytes: 500,
        folders: 3,
        shares: 0,
        ..DriveFill::default()
    };
    world.simulator.fill_drive(world.source.tenant_id, user, &how).unwrap();
}

/// Items of one small size each.
fn small_items(items: u32) -> MailboxFill {
    MailboxFill {
        least_items: items,
        most_items: items,
        large_items: items,
        large_bytes: 2_000,
        ..MailboxFill::default()
    }
}

/// SharePoint: 1,200 resource units a minute. A small file costs the target four.
#[test]
fn a_drive_copy_uses_the_units_of_sharepoint_and_is_hardly_refused() {
    let mut world = World::limited(51, published(), Limits::new(LimitSettings::default()));
    (world.subject.mailbox, world.subject.drive) = (false, true);
    small_files(&world, &world.from.clone(), 900);
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    let since = world.clock.now();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    assert_share(FILES * UNITS, 1_200, world.clock.now().duration_since(since));
    assert_hardly_refused(&world);
}

/// Outlook: so many bytes of uploads in five minutes to one mailbox; a tenth of the published number, so
/// that the test is short.
#[test]
fn a_mailbox_copy_uses_the_uploads_of_outlook_and_is_hardly_refused() {
    let mut config = published();
    config.throttling.mailbox_upload_bytes = 15_000_000;
    let rate = Rate::new(15_000, Duration::from_mins(5));
    let settings = LimitSettings { mailbox_upload_kilobytes: rate, ..LimitSettings::default() };
    let world = World::limited(52, config, Limits::new(settings));
    let how = MailboxFill { least_items: 250, most_items: 250, ..MailboxFill::default() };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    let since = world.clock.now();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
    let requests = world.simulator.requests();
    let imports = requests.iter().filter(|one| one.path.ends_with("importItem"));
    let kilobytes: u64 = imports.map(|one| one.request_bytes as u64 / 1_000).sum();
    let last = requests.iter().rfind(|one| one.path.ends_with("importItem")).unwrap().at;
    assert_share(kilobytes, 15_000 / 5, last.duration_since(since));
    assert_hardly_refused(&world);
}

/// Two processes on the same tenants share the budget through the store.
#[test]
fn two_workers_share_a_tenants_budget_through_the_store() {
    let shared = Arc::new(ModelStore::new());
    let limits = || {
        let store: Arc<dyn Store> = Arc::<ModelStore>::clone(&shared);
        Limits::new(LimitSettings::default()).sharing(store, "limits")
    };
    let mut world = World::limited(53, published(), limits());
    (world.subject.mailbox, world.subject.drive) = (false, true);
    let target = world.simulator.recipients(world.target.tenant_id);
    let admin = format!("notifications@{}", world.target.vanity_domain);
    let other_to = target.iter().find(|one| one.user_principal_name == admin).unwrap();
    let source = world.simulator.recipients(world.source.tenant_id);
    let other_from = source
        .iter()
        .find(|one| one.kind == "UserMailbox" && one.user_principal_name != world.from)
        .unwrap();
    for (tenant, user) in [
        (world.target.tenant_id, &world.to),
        (world.target.tenant_id, &other_to.user_principal_name),
    ] {
        world.simulator.provision_drive(tenant, user).unwrap();
    }
    small_files(&world, &world.from.clone(), 450);
    small_files(&world, &other_from.user_principal_name, 450);
    // The second worker: another process, with clients and budgets of its own.
    let other_limits = Arc::new(limits());
    let clock: Arc<dyn ports::Clock> = Arc::new(world.clock.clone());
    let client = |of| -> TenantClient {
        let transport = Arc::new(world.simulator.clone());
        client_of(of, transport, Arc::clone(&clock), 99, Arc::clone(&other_limits))
    };
    let (source_client, target_client) = (client(&world.source), client(&world.target));
    let other_store = ModelStore::new();
    let mut other = world.job(&other_store);
    (other.source, other.target) = (&source_client, &target_client);
    other.subject.source_user = other_from.directory_id.to_string();
    other.subject.target_user = other_to.directory_id.to_string();
    let since = world.clock.now();
    let first = world.job(&*world.store);
    world.drive_future(join(round(&first, &world), round(&other, &world))).unwrap();
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    assert_share(FILES * UNITS, 1_200, world.clock.now().duration_since(since));
    assert_hardly_refused(&world);
}

/// Copies so many small files between tenants of 1,200 units a minute by a copier that takes them for
/// tenants of `believed`.
fn copy_with_a_wrong_tier(seed: u64, believed: u32, files: u32) -> World {
    let settings = LimitSettings {
        drive_units: Rate::new(believed, Duration::from_mins(1)),
        ..LimitSettings::default()
    };
    let mut world = World::limited(seed, published(), Limits::new(settings));
    (world.subject.mailbox, world.subject.drive) = (false, true);
    small_files(&world, &world.from.clone(), files);
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    let since = world.clock.now();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    let took = world.clock.now().duration_since(since);
    assert_share(u64::from(files) * UNITS, 1_200, took);
    world
}

/// The copier takes the tenant for one of a higher tier than it is. SharePoint's `RateLimit-*` headers tell
/// the true one before it refuses, and are heeded.
#[test]
fn what_sharepoint_tells_is_heeded_before_it_refuses() {
    let world = copy_with_a_wrong_tier(54, 6_000, 900);
    assert_eq!(refused(&world).1, 0);
}

/// The copier takes the tenant for one of a lower tier: nearly all of that is used and SharePoint tells
/// nothing, which it would from 80 % of its limit on. So the limit is higher.
#[test]
fn what_sharepoint_does_not_tell_is_heard_too() {
    let world = copy_with_a_wrong_tier(59, 600, 3_000);
    assert_hardly_refused(&world);
}

/// Outlook: so many requests in ten minutes to one mailbox; a twentieth of the published number, so that the
/// test is short.
#[test]
fn a_mailbox_copy_uses_the_requests_of_outlook_and_is_hardly_refused() {
    let mut config = published();
    config.throttling.mailbox_requests = 500;
    let settings = LimitSettings {
        mailbox_requests: Rate::new(500, Duration::from_mins(10)),
        ..LimitSettings::default()
    };
    let world = World::limited(55, config, Limits::new(settings));
    let how = small_items(700);
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
    let requests = world.simulator.requests();
    let imports = requests.iter().filter(|one| one.path.ends_with("importItem"));
    let imports: Vec<_> = imports.map(|one| one.at).collect();
    let (first, last) = (imports.first().unwrap(), imports.last().unwrap());
    assert!(last.duration_since(*first) > SignedDuration::from_mins(10), "the limit was not felt");
    // No ten minutes hold more than is allowed, and the first ones nearly all of it.
    let within = imports.iter().filter(|at| at.duration_since(*first).as_mins() < 10).count();
    assert!((450..=500).contains(&within), "{within} of 500");
    assert_hardly_refused(&world);
}

/// How long a copy of a mailbox takes that has so many places for requests, when the copier thinks so many.
fn time_with_places(places: u64, believed: usize) -> (SignedDuration, World) {
    let mut config = published();
    config.throttling.mailbox_concurrency = places;
    // Slow enough that the places are what bounds the copy.
    config.faults.latency = Lag::millis(400, 800);
    let settings = LimitSettings { mailbox_concurrency: believed, ..LimitSettings::default() };
    let world = World::limited(56, config, Limits::new(settings));
    let how = small_items(800);
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    let since = world.clock.now();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
    (world.clock.now().duration_since(since), world)
}

/// A mailbox that takes as many requests at a time as is published, or fewer: the copier finds out how
/// many, and is nearly as fast as one that knew.
#[test]
fn requests_at_a_time_adapt_to_what_a_mailbox_takes() {
    for places in [4, 2, 1] {
        let (known, _) = time_with_places(places, usize::try_from(places).unwrap());
        let (found, world) = time_with_places(places, 4);
        assert_hardly_refused(&world);
        assert!(found * 9 < known * 10, "{places} places: {found} instead of {known}");
    }
}

/// Requests of a `$batch` are throttled one by one: those that were not are not made again.
#[test]
fn a_batch_of_which_some_are_throttled_is_finished_and_nothing_comes_twice() {
    let mut config = published();
    config.content.batch_items_throttled = 0.2;
    let mut world = World::limited(57, config, Limits::new(LimitSettings::default()));
    (world.subject.mailbox, world.subject.drive) = (true, true);
    let how = MailboxFill { least_items: 60, most_items: 60, ..MailboxFill::default() };
    world.simulator.fill_mailbox(world.source.tenant_id, &world.from, Part::Primary, &how).unwrap();
    small_files(&world, &world.from.clone(), 60);
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    let requests = world.simulator.requests();
    let uploads = requests.iter().filter(|one| one.path.ends_with("/uploadSession")).count();
    assert_eq!(uploads, 60, "one upload for each file");
}

/// One worker is told to stay away: another process, which shares the budgets through the store, stays
/// away too, without a request of its own.
#[test]
fn a_refusal_that_one_worker_meets_stops_the_other_through_the_store() {
    let shared = Arc::new(ModelStore::new());
    let limits = || {
        let store: Arc<dyn Store> = Arc::<ModelStore>::clone(&shared);
        Limits::new(LimitSettings::default()).sharing(store, "limits")
    };
    let world = World::limited(58, published(), limits());
    world.simulator.provision_drive(world.source.tenant_id, &world.from).unwrap();
    let clock: Arc<dyn ports::Clock> = Arc::new(world.clock.clone());
    let transport = Arc::new(world.simulator.clone());
    let other = client_of(&world.source, transport, clock, 99, Arc::new(limits()));
    let user = world.subject.source_user.clone();
    let ask = |client: &TenantClient| {
        let graph = client.graph();
        let user = user.clone();
        world.drive_future(async move { graph.user_drive(&user).await }).unwrap()
    };
    // Both have signed in and lease from the store.
    ask(&world.source_client).unwrap();
    ask(&other).unwrap();
    world.simulator.configure(|config| {
        config.faults.rules.push(FaultRule {
            path: Some("/drive".to_owned()),
            times: Some(1),
            ..FaultRule::of(FaultKind::Status { status: 429, retry_after: Some(300) })
        });
    });
    let refused = ask(&world.source_client).unwrap_err();
    assert!(matches!(refused.class, Class::Throttled { .. }), "{refused}");
    // What the other has leased already it may spend: that is over in seconds.
    world.clock.advance(Duration::from_secs(5));
    let before = world.requests();
    let heeded = ask(&other).unwrap_err();
    assert!(matches!(heeded.class, Class::Throttled { .. }), "{heeded}");
    assert_eq!(world.requests(), before, "the other worker asked all the same");
    world.clock.advance(Duration::from_secs(301));
    ask(&other).unwrap();
}

/// SharePoint: so many resource units a day. What does not fit waits for the next day, and is not refused all
/// day long.
#[test]
fn a_drive_copy_that_is_more_than_a_day_s_units_goes_on_the_next_day() {
    let mut config = published();
    config.throttling.drive_units_per_day = 1_000;
    let settings = LimitSettings {
        drive_units_a_day: Rate::new(1_000, Duration::from_hours(24)),
        ..LimitSettings::default()
    };
    let mut world = World::limited(60, config, Limits::new(settings));
    (world.subject.mailbox, world.subject.drive) = (false, true);
    small_files(&world, &world.from.clone(), 400);
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    let since = world.clock.now();
    world.drive_future(round(&world.job(&*world.store), &world)).unwrap();
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    let took = world.clock.now().duration_since(since);
    // Four units a file in the target, of which the first day has a thousand.
    assert!(took > SignedDuration::from_hours(12), "the day's units were not felt: {took:#}");
    assert!(took < SignedDuration::from_hours(48), "{took:#}");
    assert_hardly_refused(&world);
}
