//! Operations of concurrent tasks share one transaction and one sync.

use futures_util::future::join_all;
use ports::{Change, CommitError, Key, Queue, Store};

use crate::{MINUTE, fixture, message, queue_name};

fn key(sort: &str) -> Key {
    Key::new("C#local", sort)
}

#[tokio::test]
async fn fifty_concurrent_commits_share_their_syncs() {
    let file = fixture().file;
    let store = file.store();
    let commits = (0..50).map(|task| {
        let changes = [Change::create(key(&task.to_string()), vec![])];
        let store = &store;
        async move { store.commit(&changes).await }
    });
    assert!(join_all(commits).await.into_iter().all(|outcome| outcome.is_ok()));
    let statistics = file.statistics();
    assert_eq!(statistics.operations, 50);
    // The first may go alone; the others wait while it is synced, and go together.
    assert!(statistics.syncs <= 25, "{statistics:?}");
}

#[tokio::test]
async fn each_commit_of_a_group_has_its_own_answer() {
    let file = fixture().file;
    let store = file.store();
    store.commit(&[Change::create(key("taken"), b"first".to_vec())]).await.unwrap();
    let fine = [Change::create(key("a"), vec![])];
    let conflicting = [Change::create(key("b"), vec![]), Change::create(key("taken"), vec![])];
    let refused: [Change; 0] = [];
    let (fine, conflicting, refused) =
        tokio::join!(store.commit(&fine), store.commit(&conflicting), store.commit(&refused),);
    assert_eq!(fine, Ok(()));
    assert_eq!(conflicting, Err(CommitError::Conflict { keys: vec![key("taken")] }));
    assert!(matches!(refused, Err(CommitError::OutsideLimits(_))));
    assert!(store.get(&key("a")).await.unwrap().is_some());
    assert_eq!(store.get(&key("b")).await.unwrap(), None);
}

#[tokio::test]
async fn commits_of_one_group_see_each_other_in_order() {
    let file = fixture().file;
    let store = file.store();
    let first = [Change::create(key("a"), vec![1])];
    let second = [Change::update(key("a"), vec![2], 1)];
    let (first, second) = tokio::join!(store.commit(&first), store.commit(&second));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, [2]);
}

#[tokio::test]
async fn looking_at_an_empty_queue_costs_nothing() {
    let file = fixture().file;
    let queue = file.queue();
    let before = file.statistics();
    for _ in 0..100 {
        assert!(queue.receive(&queue_name("a"), 10, MINUTE).await.unwrap().is_empty());
    }
    assert_eq!(file.statistics(), before);
}

#[tokio::test]
async fn receiving_and_acknowledging_wait_for_no_sync_and_flush_makes_them_durable() {
    let file = fixture().file;
    let queue = file.queue();
    let messages = [message("a", "x", std::time::Duration::ZERO)];
    queue.send(&messages).await.unwrap();
    file.flush().await.unwrap();
    let delivered = queue.receive(&queue_name("a"), 1, MINUTE).await.unwrap();
    queue.acknowledge(&queue_name("a"), &delivered[0].receipt).await.unwrap();
    let before = file.statistics();
    file.flush().await.unwrap();
    assert_eq!(file.statistics().syncs, before.syncs + 1);
}
