//! Permissions (SYN-2): translated, added, kept until they can be granted, dropped when orphaned.

use std::sync::atomic::Ordering;

use content::{CopyMode, Granted, SourcePrincipal};
use simulator::DriveFill;
use tenant::exchange::{AutoMapping, FolderGrant};

use crate::support::World;

/// Somebody who has a mailbox on both sides.
const DELEGATE: &str = "notifications";

fn grant_in_source(world: &World) {
    let exchange = world.source_client.exchange();
    let mailbox = world.subject.source_user.as_str();
    let delegate = format!("{DELEGATE}@{}", world.source.vanity_domain);
    let on = AutoMapping::Off;
    world.drive_future(exchange.add_full_access(mailbox, &delegate, on)).unwrap().unwrap();
    world.drive_future(exchange.add_send_as(mailbox, &delegate)).unwrap().unwrap();
    let whom = [delegate.clone()];
    world.drive_future(exchange.change_send_on_behalf(mailbox, &whom, &[])).unwrap().unwrap();
    let calendar = calendar(world, &world.source_client, mailbox);
    let grant = FolderGrant {
        user: delegate,
        access_rights: vec!["Editor".to_owned()],
        sharing_permission_flags: vec!["Delegate".to_owned()],
    };
    let granted = exchange.put_folder_permission(mailbox, &calendar, &grant);
    world.drive_future(granted).unwrap().unwrap();
}

fn calendar(world: &World, client: &tenant::TenantClient, mailbox: &str) -> String {
    let folders = client.exchange();
    let folders = world.drive_future(folders.folder_statistics(mailbox)).unwrap().unwrap();
    folders.into_iter().find(|folder| folder.folder_type == "Calendar").unwrap().folder_id
}

/// What the delegate may do in the target.
fn rights(world: &World) -> Vec<String> {
    let exchange = world.target_client.exchange();
    let mailbox = world.subject.target_user.as_str();
    let name = world
        .simulator
        .recipient(world.target.tenant_id, &format!("{DELEGATE}@{}", world.target.vanity_domain))
        .unwrap()
        .display_name;
    let mut rights = Vec::new();
    let rows = world.drive_future(exchange.mailbox_permissions(mailbox)).unwrap().unwrap();
    if rows.iter().any(|row| row.user.contains(DELEGATE)) {
        rights.push("full access".to_owned());
    }
    let rows = world.drive_future(exchange.recipient_permissions(mailbox)).unwrap().unwrap();
    if rows.iter().any(|row| row.trustee.contains(DELEGATE) || row.trustee == name) {
        rights.push("send as".to_owned());
    }
    let found = world.drive_future(exchange.get_mailbox(mailbox)).unwrap().unwrap().unwrap();
    if !found.grant_send_on_behalf_to.is_empty() {
        rights.push("send on behalf".to_owned());
    }
    let calendar = calendar(world, &world.target_client, mailbox);
    let rows = exchange.folder_permissions(mailbox, &calendar);
    for row in world.drive_future(rows).unwrap().unwrap() {
        if row.user == name {
            let flags = row.sharing_permission_flags.join(",");
            rights.push(format!("{} {flags}", row.access_rights.join(",")));
        }
    }
    rights
}

const ALL: [&str; 4] = ["full access", "send as", "send on behalf", "Editor Delegate"];

#[test]
fn rights_on_mailbox_and_folders_are_translated_with_their_flags() {
    let world = World::new(31);
    grant_in_source(&world);
    world.copy(CopyMode::Initial, "job-1");
    assert_eq!(rights(&world), ALL);
}

#[test]
fn unmatched_grants_are_kept_and_granted_once_the_match_appears() {
    let world = World::new(32);
    grant_in_source(&world);
    world.principals.empty.store(true, Ordering::Relaxed);
    let summary = world.copy(CopyMode::Initial, "job-1");
    assert!(summary.pending_permissions >= 4, "{summary:?}");
    assert!(rights(&world).is_empty());

    world.principals.empty.store(false, Ordering::Relaxed);
    let job = world.job(&*world.store);
    let others = job.grant_pending_permissions(&|principal| principal.text == "somebody else");
    let others = world.drive_future(others).unwrap().unwrap();
    assert_eq!((others.granted, others.left.len()), (0, 0), "nobody else comes");
    let all = |_: &SourcePrincipal| true;
    let granted = world.drive_future(job.grant_pending_permissions(&all)).unwrap().unwrap();
    assert_eq!(granted.granted, 4, "{granted:?}");
    assert_eq!(rights(&world), ALL);
    let again = world.drive_future(job.grant_pending_permissions(&all)).unwrap().unwrap();
    assert_eq!(again, Granted { granted: 0, ..granted });
}

/// SYN-2: for whom a right waits is told before it waits; told of nobody is whoever has it.
#[test]
fn the_match_table_is_told_for_whom_rights_wait() {
    let world = World::new(32);
    grant_in_source(&world);
    world.copy(CopyMode::Initial, "job-1");
    let told = || world.principals.awaited.lock().unwrap().clone();
    let of_delegate = |told: &std::collections::BTreeSet<SourcePrincipal>| {
        told.iter().filter(|principal| principal.text.contains(DELEGATE)).count()
    };
    assert_eq!(of_delegate(&told()), 0);

    let world = World::new(32);
    grant_in_source(&world);
    world.principals.empty.store(true, Ordering::Relaxed);
    world.copy(CopyMode::Initial, "job-1");
    let told = world.principals.awaited.lock().unwrap().clone();
    assert!(of_delegate(&told) > 0, "{told:?}");
    let partition = world.job(&*world.store).partition;
    let waiting = content::waiting_rights(&*world.store, &partition);
    let waiting = world.drive_future(waiting).unwrap().unwrap();
    let of_delegate = waiting.iter().filter(|right| right.holder.contains(DELEGATE));
    let rights: Vec<&str> = of_delegate.map(|right| right.right.as_str()).collect();
    assert!(rights.contains(&"Full Access"), "{waiting:?}");
}

/// Grants are added, never removed; and what the target took away stays away.
#[test]
fn a_right_that_the_target_took_away_is_not_granted_again() {
    let world = World::new(33);
    grant_in_source(&world);
    world.copy(CopyMode::Initial, "job-1");
    let exchange = world.target_client.exchange();
    let delegate = format!("{DELEGATE}@{}", world.target.vanity_domain);
    let removed = exchange.remove_full_access(&world.subject.target_user, &delegate);
    world.drive_future(removed).unwrap().unwrap();
    world.copy(CopyMode::Delta, "job-2");
    assert_eq!(rights(&world), ALL[1..]);
}

#[test]
fn shares_of_files_go_to_the_translated_people_without_a_mail() {
    let mut world = World::new(34);
    world.subject.mailbox = false;
    world.subject.drive = true;
    let how = DriveFill { shares: 6, ..DriveFill::default() };
    world.simulator.fill_drive(world.source.tenant_id, &world.from, &how).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    let mails = world.simulator.messages().len();
    let summary = world.copy(CopyMode::Initial, "job-1");
    let source = world.simulator.drive_view(world.source.tenant_id, &world.from).unwrap();
    let target = world.simulator.drive_view(world.target.tenant_id, &world.to).unwrap();
    let people = |view: &simulator::DriveView, domain: &str| {
        let grants = view.entries.iter().flat_map(|(path, entry)| {
            let people = entry.grants.iter().filter(|(who, _)| who.ends_with(domain));
            people.map(move |(who, roles)| {
                (path.clone(), who.split('@').next().unwrap_or_default().to_owned(), roles.clone())
            })
        });
        grants.collect::<std::collections::BTreeSet<_>>()
    };
    let expected = people(&source, &world.source.vanity_domain);
    assert!(!expected.is_empty(), "the scene shares nothing");
    assert_eq!(people(&target, &world.target.vanity_domain), expected, "{summary:?}");
    assert_eq!(world.simulator.messages().len(), mails);
}
