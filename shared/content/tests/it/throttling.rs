//! ERR-3: the tenants' budgets as published, kept by the simulator. The copy uses nearly all of them and
//! is nearly never refused, alone and beside another worker.

use std::sync::Arc;

use conformance::reference::ModelStore;
use content::{CopyJob, CopyMode, UnitOutcome};
use futures_util::future::join;
use jiff::SignedDuration;
use ports::{Clock as _, Store};
use simulator::{Config, DriveFill, Lag, MailboxFill, Part, Profile, Throttling};
use tenant::{LimitSettings, Limits, TenantClient};

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

/// What the simulator saw: requests, refused ones.
fn refused(world: &World) -> (usize, usize) {
    let requests = world.simulator.requests();
    (requests.len(), requests.iter().filter(|one| one.status == 429).count())
}

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
    let rate = tenant::Rate::new(15_000, std::time::Duration::from_mins(5));
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
