//! GEN-6, ERR-2: what is in a user's journal stays there, in the job's record and in pages.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use catalogue::Step;
use engine::records::{load_all, load_job};
use model::{Action, Branch, JournalEntry, JournalPage, Keys, User, UserState};

use crosswave_tests::world::World;

use super::support::{after, discovered, plain};

/// The user's pages, and the entries that wait in the records of his jobs.
async fn places(world: &World, user: &User) -> (Vec<JournalPage>, Vec<JournalEntry>) {
    let (store, key) = (&*world.host.store, world.key(user));
    let partition = Keys::user_partition(&key);
    let pages = load_all::<JournalPage>(store, &partition, Keys::JOURNAL).await.unwrap();
    let mut waiting = Vec::new();
    for branch in Branch::ALL {
        if let Some(job) = load_job(store, &key, branch).await.unwrap() {
            waiting.extend(job.value.journal);
        }
    }
    (pages.into_iter().map(|page| page.value).collect(), waiting)
}

/// After each delivery of a whole move the journal is what it was, with new entries behind: also while some
/// wait in the jobs' records and when they go into pages, and when the jobs are over and their records gone.
#[tokio::test]
async fn a_journal_only_grows_while_its_entries_wait_and_go_into_pages() {
    let (world, people) = discovered(plain(1)).await;
    let user = &people[0];
    let mut before: Vec<JournalEntry> = Vec::new();
    let (mut most_waiting, mut moved) = (0, false);
    for action in [Action::Prepare, Action::Sync, Action::Sync, Action::Cutover] {
        world.apply(user, action).await.unwrap();
        loop {
            let journal = world.journal(user).await;
            assert!(before.iter().all(|entry| journal.contains(entry)), "{before:#?} {journal:#?}");
            for entry in &journal {
                let earlier = |it: &&JournalEntry| it.job == entry.job && it.n < entry.n;
                let earlier = journal.iter().filter(earlier).count();
                assert_eq!(earlier, usize::try_from(entry.n).unwrap(), "{entry:#?}");
            }
            let (pages, waiting) = places(&world, user).await;
            moved |= most_waiting > waiting.len() && pages.iter().any(|it| it.entries.len() > 1);
            most_waiting = most_waiting.max(waiting.len());
            before = journal;
            if !world.advance_one().await {
                break;
            }
        }
    }
    assert_eq!(world.user(user).await.state, UserState::Complete);
    assert!(most_waiting > 1 && moved, "entries wait, several at a time");
    let (pages, waiting) = places(&world, user).await;
    assert!(waiting.is_empty(), "nothing waits when no job is in flight");
    let paged: usize = pages.iter().map(|page| page.entries.len()).sum();
    assert_eq!(paged, before.len());
    assert!(pages.len() * 2 < paged, "{} pages for {paged} entries", pages.len());
}

/// Receipts that later steps read are in the memory, the others in the journal alone.
#[tokio::test]
async fn a_receipt_that_no_step_reads_is_in_the_journal_alone() {
    let (world, people) = after(plain(1), &[Action::Prepare, Action::Sync]).await;
    let memory = engine::records::load_memory(&*world.host.store, &world.key(&people[0])).await;
    let kept = memory.unwrap().value.receipts;
    for (step, is_kept) in [
        (Step::CreateOrUpdateUser, true),
        (Step::HideUser, false),
        (Step::CreateContact, true),
        (Step::SetForwarding, true),
        (Step::CopyContent, false),
    ] {
        let told = world.last_receipt(&people[0], step).await;
        assert!(told.is_some(), "{step} is done");
        assert_eq!(kept.get(&step), told.as_ref().filter(|_| is_kept), "{step}");
    }
}
