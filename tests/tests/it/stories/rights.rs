//! SYN-2: permissions are copied, and their principals translated.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

use catalogue::Side;
use control::{Report, Selection};
use crosswave_tests::world::{World, drive};
use model::{Action, JournalEvent, Keys, User, UserState};
use tenant::exchange::{AutoMapping, MailboxPermission};

use super::support::{client, discovered, plain, store_user, target_id};

/// Who has full access to the person's mailbox in the target.
async fn full_access(world: &World, user: &User) -> Vec<String> {
    let client = client(world, Side::Target).await;
    let mailbox = target_id(&world.user(user).await);
    let rights = drive(world, client.exchange().mailbox_permissions(&mailbox)).await.unwrap();
    let granted = rights.into_iter().filter(MailboxPermission::is_copyable);
    granted.map(|right| right.user).collect()
}

async fn grant(world: &World, side: Side, mailbox: &str, user: &str) {
    let client = client(world, side).await;
    let exchange = client.exchange();
    drive(world, exchange.add_full_access(mailbox, user, AutoMapping::Off)).await.unwrap();
}

/// Two discovered people, the second of whom has full access to the first one's mailbox in the source.
async fn owner_and_holder() -> (World, User, User) {
    let mut setup = plain(4);
    // The migration's own account has a right on every mailbox; that is not anybody's to have.
    setup.profile.cutover.app_accounts = vec![setup.clone().build().service_account];
    let (world, people) = discovered(setup).await;
    let (owner, holder) = (people[2].clone(), people[3].clone());
    grant(&world, Side::Source, &owner.source.mail, &holder.source.mail).await;
    (world, owner, holder)
}

/// SYN-2: a mapped principal gets the right, one who is not matched yet gets it once he is.
#[tokio::test]
async fn a_right_is_granted_when_its_holder_is_matched() {
    let (world, owner, holder) = owner_and_holder().await;
    let owners = std::slice::from_ref(&owner);
    let holders = std::slice::from_ref(&holder);
    for action in [Action::Prepare, Action::Sync] {
        world.perform(owners, action).await;
    }
    assert_eq!(full_access(&world, &owner).await, Vec::<String>::new(), "kept for later");
    assert_eq!(waiting(&world, &owner).await, 1);
    for action in [Action::Prepare, Action::Sync] {
        world.perform(holders, action).await;
    }
    world.perform(owners, Action::Sync).await;
    let target = world.user(&holder).await.target.unwrap();
    let granted = full_access(&world, &owner).await;
    assert_eq!(granted, [target.user_principal_name]);
    assert_eq!(waiting(&world, &owner).await, 0);
}

/// A profile that copies no permissions: nothing is granted, and nothing waits to be.
#[tokio::test]
async fn a_profile_without_permissions_grants_none() {
    let mut setup = plain(4);
    setup.profile.sync.permissions = false;
    let (world, people) = discovered(setup).await;
    grant(&world, Side::Source, &people[2].source.mail, &people[3].source.mail).await;
    for action in [Action::Prepare, Action::Sync] {
        world.perform(&people, action).await;
    }
    assert_eq!(world.user(&people[2]).await.state, UserState::Synced);
    assert_eq!(full_access(&world, &people[2]).await, Vec::<String>::new());
    assert_eq!(waiting(&world, &people[2]).await, 0);
}

/// SYN-2: who moves in a later wave than the owner of the mailbox gets his right with his own sync; the
/// owner is complete and syncs no more.
#[tokio::test]
async fn a_right_waits_no_longer_than_for_its_holders_own_sync() {
    let (world, owner, holder) = owner_and_holder().await;
    let owners = std::slice::from_ref(&owner);
    let holders = std::slice::from_ref(&holder);
    for action in [Action::Prepare, Action::Sync, Action::Cutover] {
        world.perform(owners, action).await;
    }
    assert_eq!(world.user(&owner).await.state, UserState::Complete);
    assert_eq!(full_access(&world, &owner).await, Vec::<String>::new(), "kept for later");
    let report = reported(&world).await;
    let line = format!("{}: Full Access for {}", owner.source.mail, holder.source.mail);
    assert!(report.to_string().contains(&line), "{report}");
    world.perform(holders, Action::Prepare).await;
    world.perform(holders, Action::Sync).await;
    assert_eq!(reported(&world).await.waiting_rights, []);
    let target = world.user(&holder).await.target.unwrap();
    assert_eq!(full_access(&world, &owner).await, [target.user_principal_name]);
    let partition = Keys::user_partition(&world.key(&holder));
    let noted = world.host.store.query_all(&partition, Keys::AWAITED).await.unwrap();
    assert!(noted.is_empty(), "nothing waits any more: {noted:?}");
}

/// SYN-2: Exchange in the target may show an account minutes after it was made. The last round of a
/// cutover looks again for somebody who is prepared, and waits for nobody for ever.
#[tokio::test]
async fn the_last_round_waits_a_while_for_a_holder_whom_the_target_does_not_show_yet() {
    for comes in [true, false] {
        let (world, people) = discovered(plain(4)).await;
        let (owner, holder) = (people[2].clone(), people[3].clone());
        grant(&world, Side::Source, &owner.source.mail, &holder.source.mail).await;
        let owners = std::slice::from_ref(&owner);
        for action in [Action::Prepare, Action::Sync] {
            world.perform(owners, action).await;
        }
        world.perform(std::slice::from_ref(&holder), Action::Prepare).await;
        let shown = world.user(&holder).await;
        let mut hidden = shown.clone();
        hidden.target.as_mut().unwrap().object_id = "00000000-0000-4000-8000-000000000000".into();
        store_user(&world, &hidden).await;

        world.apply(&owner, Action::Cutover).await.unwrap();
        while !looks_again(&world, &owner).await {
            assert!(world.advance_one().await, "the cutover ended without another look");
        }
        if comes {
            store_user(&world, &shown).await;
        }
        world.settle().await;
        assert_eq!(world.user(&owner).await.state, UserState::Complete);
        let expected = shown.target.as_ref().filter(|_| comes).map(|it| &*it.user_principal_name);
        assert_eq!(full_access(&world, &owner).await, Vec::from_iter(expected));
    }
}

/// Whether the last round waits for a holder.
async fn looks_again(world: &World, user: &User) -> bool {
    let journal = world.journal(user).await;
    journal.iter().any(|entry| {
        matches!(&entry.event, JournalEvent::Waiting { why } if why.contains("whom rights wait for"))
    })
}

async fn reported(world: &World) -> Report {
    let everybody = Selection::everybody();
    control::report(&world.host, &world.scope(), &everybody).await.unwrap()
}

/// How many rights wait, by the last copy's own account.
async fn waiting(world: &World, user: &User) -> u64 {
    let journal = world.journal(user).await;
    let last = journal.iter().rev().find_map(|entry| match &entry.event {
        JournalEvent::Done { receipt, .. } => receipt["summary"]["pending_permissions"].as_u64(),
        _ => None,
    });
    last.unwrap()
}

/// SYN-2: grants are added, never removed: neither one that is gone from the source, nor one that
/// somebody made in the target.
#[tokio::test]
async fn rights_are_never_removed() {
    let (world, people) = discovered(plain(4)).await;
    let (owner, holder, other) = (&people[2], &people[3], &people[1]);
    grant(&world, Side::Source, &owner.source.mail, &holder.source.mail).await;
    for action in [Action::Prepare, Action::Sync, Action::Sync] {
        world.perform(&people, action).await;
    }
    let upn = async |user: &User| world.user(user).await.target.unwrap().user_principal_name;
    grant(&world, Side::Target, &upn(owner).await, &upn(other).await).await;
    let source = client(&world, Side::Source).await;
    let exchange = source.exchange();
    let gone = exchange.remove_full_access(&owner.source.mail, &holder.source.mail);
    drive(&world, gone).await.unwrap();
    let before = full_access(&world, owner).await;
    assert_eq!(before.len(), 2, "{before:?}");
    world.perform(&people, Action::Sync).await;
    assert_eq!(full_access(&world, owner).await, before);
}

/// SYN-2: well-known principals keep their right on a folder; what is left of a deleted account is
/// dropped and reported.
#[tokio::test]
async fn well_known_rights_are_kept_and_orphans_are_reported() {
    let (world, people) = discovered(plain(2)).await;
    for action in [Action::Prepare, Action::Sync] {
        world.perform(&people, action).await;
    }
    // The first person of a population shares a calendar and has rights without a holder.
    let first = people.iter().find(|user| user.source.mail.starts_with("andreas.meyer@"));
    let owner = first.unwrap();
    let target = client(&world, Side::Target).await;
    let mailbox = target_id(&world.user(owner).await);
    let exchange = target.exchange();
    let rights = drive(&world, exchange.folder_permissions(&mailbox, "\\Calendar")).await.unwrap();
    let default = rights.iter().find(|right| right.user == "Default").unwrap();
    assert_eq!(default.access_rights, ["LimitedDetails"]);
    assert!(rights.iter().all(|right| !right.is_orphan()), "{rights:?}");
    let journal = world.journal(owner).await;
    let reported = journal.iter().any(|entry| {
        matches!(&entry.event, JournalEvent::Done { warnings, .. }
            if warnings.iter().any(|note| note.contains("orphan")))
    });
    assert!(reported, "{journal:#?}");
}
