//! SYN-1, SYN-D1, SYN-4, SYN-5: what is copied, how often, and how one knows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

use async_trait::async_trait;
use catalogue::Step;
use content::{
    BadItem, ContentError, CopyJob, CopySettings, CopySubject, CopySummary, DifferenceReason,
    Principals, SourcePrincipal, Translation, VerifyReport, Workload,
};
use control::Selection;
use crosswave_tests::world::{World, drive};
use model::{Action, JournalEvent, Keys, User, UserState};
use simulator::Part;

use super::support::{after, client, discovered, fill, plain, requests, target_id};

/// People with a little of everything, prepared.
async fn prepared(people: usize) -> (World, Vec<User>) {
    let mut setup = plain(people);
    setup.population.archives = 1;
    let (world, users) = discovered(setup).await;
    fill(&world, &users);
    world.perform(&users, Action::Prepare).await;
    (world, users)
}

/// What the copies differ in from their sources, line by line.
async fn differences(world: &World, user: &User) -> Vec<String> {
    let target = target_id(&world.user(user).await);
    let source = &user.source.object_id;
    let (here, there) = (world.source.tenant_id, world.target.tenant_id);
    let mut lines = Vec::new();
    for part in [Part::Primary, Part::Archive] {
        let original = world.simulator.mailbox_view(here, source, part).unwrap();
        let copy = world.simulator.mailbox_view(there, &target, part).unwrap();
        lines.extend(original.differences(&copy, true));
    }
    let original = world.simulator.drive_view(here, source).unwrap();
    let copy = world.simulator.drive_view(there, &target).unwrap();
    lines.extend(original.differences(&copy));
    lines
}

/// The summaries of a user's copies, oldest first.
async fn summaries(world: &World, user: &User) -> Vec<CopySummary> {
    let journal = world.journal(user).await;
    let copies = journal
        .into_iter()
        .filter(|entry| matches!(entry.step, Some(Step::CopyContent | Step::CopyChanges)));
    let receipts = copies.filter_map(|entry| match entry.event {
        JournalEvent::Done { receipt, .. } => receipt.get("summary").cloned(),
        _ => None,
    });
    receipts.map(|summary| serde_json::from_value(summary).unwrap()).collect()
}

/// SYN-1, SYN-I5: mailbox, archive and OneDrive are copied whole, and the source keeps everything.
#[tokio::test]
async fn everything_is_copied_and_the_source_is_not_emptied() {
    let (world, people) = prepared(2).await;
    let here = world.source.tenant_id;
    let content = |user: &User| {
        let id = &user.source.object_id;
        let mail = [Part::Primary, Part::Archive]
            .map(|part| world.simulator.mailbox_view(here, id, part).unwrap());
        (mail, world.simulator.drive_view(here, id).unwrap())
    };
    let before: Vec<_> = people.iter().map(content).collect();
    world.perform(&people, Action::Sync).await;
    for (user, (mail, files)) in people.iter().zip(before) {
        let (mail_now, files_now) = content(user);
        // Notices of the migration have come in since.
        for (part, part_now) in mail.iter().zip(&mail_now) {
            assert_eq!(part.differences(part_now, true), Vec::<String>::new());
        }
        assert_eq!(files_now, files);
    }
    // The notice that the first sync is over came after it.
    world.perform(&people, Action::Sync).await;
    for user in &people {
        assert_eq!(differences(&world, user).await, Vec::<String>::new());
        let copied = summaries(&world, user).await.remove(0);
        for workload in [Workload::Mailbox, Workload::Archive, Workload::OneDrive] {
            assert!(copied.counts[&workload].created > 0, "{workload:?} in {copied:#?}");
        }
    }
    world.assert_wire_clean();
}

/// SYN-1: mailbox, archive and OneDrive come one after the other.
#[tokio::test]
async fn the_parts_of_one_person_are_copied_one_after_the_other() {
    let (world, people) = prepared(1).await;
    let seen = world.simulator.requests().len();
    world.perform(&people, Action::Sync).await;
    let parts = world.simulator.requests().into_iter().skip(seen).filter_map(|request| {
        let mail = request.path.contains("/admin/exchange/mailboxes/");
        match request.path.as_str() {
            path if mail && path.contains("xport") && path.starts_with("/beta") => Some("archive"),
            path if mail && path.contains("xport") => Some("mailbox"),
            path if path.ends_with("createUploadSession") => Some("drive"),
            _ => None,
        }
    });
    let mut order: Vec<&str> = parts.collect();
    order.dedup();
    assert_eq!(order, ["mailbox", "archive", "drive"]);
}

/// SYN-1: a profile chooses what is copied.
#[tokio::test]
async fn a_profile_leaves_parts_out() {
    let mut setup = plain(1);
    setup.profile.sync.onedrive = false;
    let (world, people) = discovered(setup).await;
    fill(&world, &people);
    world.perform(&people, Action::Prepare).await;
    world.perform(&people, Action::Sync).await;
    let copied = summaries(&world, &people[0]).await.remove(0);
    assert!(copied.counts[&Workload::Mailbox].created > 0);
    assert!(copied.counts.get(&Workload::OneDrive).is_none_or(|counts| counts.created == 0));
}

/// SYN-1: archives go through a preview that a project may leave switched off: everybody with an archive is
/// told that it is not copied, and nobody is stopped.
#[tokio::test]
async fn an_archive_that_the_project_switches_off_is_told_and_not_copied() {
    let (mut world, people) = prepared(1).await;
    world.project.source.capabilities.archive = false;
    control::store_project(&world.host, &world.project).await.unwrap();
    let person = people.iter().find(|user| user.source.mailbox.archive).expect("an archive");
    world.perform(&people, Action::Sync).await;
    let copied = summaries(&world, person).await.remove(0);
    assert!(copied.counts[&Workload::Mailbox].created > 0, "{copied:#?}");
    assert!(copied.counts.get(&Workload::Archive).is_none_or(|counts| counts.created == 0));
    let told = |entry: &model::JournalEntry| {
        matches!(&entry.event, JournalEvent::Done { warnings, .. }
            if warnings.iter().any(|line| line.contains("archives are switched off in the project")))
    };
    assert!(world.journal(person).await.iter().any(told), "the report does not say so");
    let preview = |one: &simulator::LoggedRequest| {
        one.path.starts_with("/beta") && one.path.contains("xport")
    };
    assert!(!world.simulator.requests().iter().any(preview));
}

/// SYN-D1: a delta brings new, changed, moved and deleted items and files, in fewer requests; a delta
/// without any change copies nothing.
#[tokio::test]
async fn a_delta_copies_what_changed_in_fewer_requests() {
    let (world, people) = prepared(1).await;
    let (anna, here) = (&people[0], world.source.tenant_id);
    let id = &anna.source.object_id;
    let cost = async || {
        let before = requests(&world);
        world.perform(&people, Action::Sync).await;
        requests(&world) - before
    };
    let initial = cost().await;
    // Ten changes show every kind of them.
    world.simulator.touch_mailbox(here, id, Part::Primary, 10).unwrap();
    world.simulator.touch_mailbox(here, id, Part::Archive, 10).unwrap();
    world.simulator.touch_drive(here, id, 8).unwrap();
    assert_ne!(differences(&world, anna).await, Vec::<String>::new());
    let changed = cost().await;
    assert_eq!(differences(&world, anna).await, Vec::<String>::new());
    let idle = cost().await;
    assert!(idle < changed && changed < initial, "{idle} < {changed} < {initial}");
    let last = summaries(&world, anna).await.pop().unwrap();
    for (workload, counts) in &last.counts {
        assert_eq!((counts.created, counts.updated, counts.deleted), (0, 0, 0), "{workload:?}");
    }
    world.assert_wire_clean();
}

/// SYN-4: a complete copy verifies with counts and sizes of each place and a sample of hashes.
#[tokio::test]
async fn a_complete_copy_verifies() {
    let (world, people) = prepared(1).await;
    for _ in 0..2 {
        // The second one brings the notice that the first is over.
        world.perform(&people, Action::Sync).await;
    }
    let report = verified(&world, &people[0]).await;
    assert_eq!(report.differences, []);
    for workload in [Workload::Mailbox, Workload::Archive, Workload::OneDrive] {
        let places = report.places.iter().filter(|place| place.workload == workload);
        let items: u64 = places.clone().map(|place| place.source_items).sum();
        assert!(items > 0, "{workload:?}");
        for place in places {
            assert_eq!(place.source_items, place.target_items, "{place:?}");
            assert!(place.source_items == 0 || place.sampled > 0, "{place:?}");
        }
    }
    assert_eq!(world.user(&people[0]).await.state, UserState::Synced);
}

/// SYN-4: what changed since, and what was deleted in the target, is listed with its reason.
#[tokio::test]
async fn verification_lists_each_difference_with_its_reason() {
    let (world, people) = prepared(1).await;
    world.perform(&people, Action::Sync).await;
    let anna = world.user(&people[0]).await;
    let here = world.source.tenant_id;
    let id = &anna.source.object_id;
    world.simulator.touch_mailbox(here, id, Part::Primary, 2).unwrap();
    // Every fourth change of a drive is a deletion, of a copy or of what was made there.
    let there = world.target.tenant_id;
    world.simulator.touch_drive(there, &target_id(&anna), 20).unwrap();
    let report = verified(&world, &anna).await;
    let reasons: Vec<DifferenceReason> =
        report.differences.iter().map(|difference| difference.reason).collect();
    assert!(reasons.contains(&DifferenceReason::ChangedSince), "{report:#?}");
    assert!(reasons.contains(&DifferenceReason::DeletedInTarget), "{report:#?}");
    assert!(report.differences.iter().all(|it| !it.place.is_empty() && !it.name.is_empty()));
}

async fn verified(world: &World, user: &User) -> VerifyReport {
    world.perform(std::slice::from_ref(user), Action::Verify).await;
    let receipt = world.last_receipt(user, Step::VerifyContent).await.unwrap();
    serde_json::from_value(receipt["report"].clone()).unwrap()
}

/// SYN-5: unreadable items are listed with all that is known of them and do not stop the sync; the
/// next one tries them again, and copies those that can be read by then.
#[tokio::test]
async fn bad_items_are_listed_and_tried_again() {
    let (world, people) = prepared(1).await;
    let (anna, here) = (&people[0], world.source.tenant_id);
    world.simulator.corrupt_items(here, &anna.source.object_id, Part::Primary, 2).unwrap();
    world.perform(&people, Action::Sync).await;
    let now = world.user(anna).await;
    assert_eq!(now.state, UserState::Synced, "{:?}", now.problem);
    let bad = bad_items(&world, &now).await;
    assert_eq!(bad.len(), 2);
    for item in &bad {
        assert_eq!((item.workload, item.tries), (Workload::Mailbox, 1));
        for text in [&item.id, &item.folder, &item.name, &item.reason, &item.advice] {
            assert!(!text.is_empty(), "{item:?}");
        }
    }
    assert_eq!(summaries(&world, anna).await[0].bad_items, 2);
    // The report has each with its reason and advice.
    let report =
        control::report(&world.host, &world.scope(), &Selection::everybody()).await.unwrap();
    let told: Vec<&str> = report.warnings.iter().map(|warning| warning.text.as_str()).collect();
    for item in &bad {
        assert!(told.contains(&item.line().as_str()), "{told:?}");
    }
    world.perform(&people, Action::Sync).await;
    let tries: Vec<u32> = bad_items(&world, &now).await.iter().map(|item| item.tries).collect();
    assert_eq!(tries, [2, 2]);
    let report = verified(&world, &now).await;
    let listed = report.differences.iter().filter(|it| it.reason == DifferenceReason::BadItem);
    assert_eq!(listed.count(), 2);
}

/// SYN-5: above the profile's limit the sync fails, and says what to do.
#[tokio::test]
async fn too_many_bad_items_fail_the_sync() {
    let mut setup = plain(1);
    setup.profile.sync.bad_item_limit = 1;
    let (world, people) = discovered(setup).await;
    fill(&world, &people);
    world.perform(&people, Action::Prepare).await;
    let (here, id) = (world.source.tenant_id, &people[0].source.object_id);
    world.simulator.corrupt_items(here, id, Part::Primary, 3).unwrap();
    world.perform(&people, Action::Sync).await;
    let user = world.user(&people[0]).await;
    assert_eq!(user.state, UserState::SyncError);
    let problem = user.problem.unwrap();
    assert_eq!(problem.code, "too_many_bad_items");
    assert!(problem.advice.contains("bad_item_limit"), "{}", problem.advice);
    for item in bad_items(&world, &world.user(&people[0]).await).await {
        assert!(problem.message.contains(&item.line()), "{}", problem.message);
    }
}

/// SYN-1: a sync from an empty start copies nothing and is well.
#[tokio::test]
async fn an_empty_mailbox_is_synced_too() {
    let (world, people) = after(plain(1), &[Action::Prepare, Action::Sync]).await;
    assert_eq!(people[0].state, UserState::Synced, "{:?}", people[0].problem);
    let report = verified(&world, &people[0]).await;
    // Only the notice of the sync itself has come in since.
    assert!(report.differences.iter().all(|it| it.reason == DifferenceReason::ChangedSince));
}

/// Nobody is asked about while a list is read.
struct Nobody;

#[async_trait]
impl Principals for Nobody {
    async fn translate(&self, _principal: &SourcePrincipal) -> Result<Translation, ContentError> {
        Ok(Translation::Unmatched)
    }

    async fn awaited(&self, _principal: &SourcePrincipal) -> Result<(), ContentError> {
        Ok(())
    }
}

async fn bad_items(world: &World, user: &User) -> Vec<BadItem> {
    let source = client(world, catalogue::Side::Source).await;
    let target = client(world, catalogue::Side::Target).await;
    let job = CopyJob {
        source: &source,
        target: &target,
        store: &*world.host.store,
        clock: &*world.host.clock,
        partition: Keys::copy_partition(&world.key(user)),
        subject: CopySubject {
            source_user: user.source.object_id.clone(),
            target_user: target_id(user),
            mailbox: true,
            archive: true,
            drive: true,
            permissions: true,
        },
        principals: &Nobody,
        settings: CopySettings::default(),
    };
    drive(world, job.bad_items()).await.unwrap()
}
