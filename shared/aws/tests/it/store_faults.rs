//! Bad moments of the store: throttled, a transaction in the way, the reply lost, another writer in
//! between, a missing permission.

use std::{sync::Arc, time::Duration};

use aws::{DynamoStore, Operation};
use ports::{Change, CommitError, Expect, Key, Sleep, Store, StoreError};
use serde_json::json;

use crate::{
    support::{Impatient, Meanwhile, access, create_table, random, shared_double, unique},
    wire::{Fault, Wire},
};

/// A store on a wire with faults, and the same table without.
struct Fixture {
    store: DynamoStore,
    plain: Arc<DynamoStore>,
    wire: Wire,
    clock: Impatient,
}

async fn fixture(faults: impl IntoIterator<Item = Fault>) -> Fixture {
    let (access, wire, clock) = (access(shared_double()), Wire::with(faults), Impatient::default());
    let table = unique("faults");
    create_table(&access.dynamo(), &table).await;
    let plain = DynamoStore::new(access.dynamo(), &table, Arc::new(clock.clone()), random());
    let client = wire.over(&access).dynamo();
    let store = DynamoStore::new(client, &table, Arc::new(clock.clone()), random());
    Fixture { store, plain: Arc::new(plain), wire, clock }
}

fn key(sort: &str) -> Key {
    Key::new("C#acme", sort)
}

fn create(sort: &str) -> Change {
    Change::create(key(sort), b"new".to_vec())
}

/// Version and value.
async fn found(store: &DynamoStore, sort: &str) -> Option<(u64, Vec<u8>)> {
    store.get(&key(sort)).await.unwrap().map(|record| (record.version, record.value))
}

const NEW: &[u8] = b"new";
const THROTTLED: &str = "com.amazonaws.dynamodb.v20120810#ThrottlingException";

#[tokio::test]
async fn a_throttled_commit_goes_on_after_pauses_that_grow() {
    let codes = ["ProvisionedThroughputExceededException", THROTTLED, "RequestLimitExceeded"];
    let Fixture { store, clock, .. } = fixture(codes.map(|code| Fault::code(400, code))).await;
    store.commit(&[create("a")]).await.unwrap();
    assert_eq!(found(&store, "a").await, Some((1, NEW.to_vec())));
    let slept = clock.slept();
    assert_eq!(slept.len(), 3);
    for (pause, most) in slept.iter().zip([50, 100, 200]) {
        assert!(*pause <= Duration::from_millis(most), "{pause:?} of at most {most} ms");
    }
    let spent = store.meter().snapshot()[&Operation::PutItem];
    assert_eq!((spent.requests, spent.refused), (4, 3));
}

#[tokio::test]
async fn a_store_that_stays_throttled_says_so_and_that_nothing_was_written() {
    let faults = vec![Fault::code(400, THROTTLED); 24];
    let Fixture { store, plain, wire, .. } = fixture(faults).await;
    let one = store.commit(&[create("a")]).await;
    assert!(matches!(one, Err(CommitError::Throttled(_))), "{one:?}");
    let two = store.commit(&[create("a"), create("b")]).await;
    assert!(matches!(two, Err(CommitError::Throttled(_))), "{two:?}");
    let read = store.get(&key("a")).await;
    assert!(matches!(read, Err(StoreError::Throttled(_))), "{read:?}");
    assert_eq!(wire.seen().len(), 24, "eight attempts each");
    assert_eq!(found(&plain, "a").await, None);
}

#[tokio::test]
async fn a_transaction_in_the_way_is_waited_for() {
    let faults = [
        Fault::cancelled(&["None", "TransactionConflict"]),
        Fault::code(400, "TransactionInProgressException"),
        Fault::cancelled(&["ThrottlingError", "None"]),
    ];
    let Fixture { store, wire, .. } = fixture(faults).await;
    store.commit(&[create("a"), create("b")]).await.unwrap();
    assert_eq!(found(&store, "b").await, Some((1, NEW.to_vec())));
    let tokens: Vec<_> =
        wire.seen().iter().map(|(_, body)| body["ClientRequestToken"].clone()).collect();
    assert!(tokens[..4].iter().all(|token| *token == tokens[0]), "one token: {tokens:?}");

    wire.next([Fault::code(400, "TransactionConflictException")]);
    store.commit(&[create("c")]).await.unwrap();
    assert_eq!(found(&store, "c").await, Some((1, NEW.to_vec())));
}

#[tokio::test]
async fn a_failed_condition_beside_a_conflicting_transaction_is_a_conflict_at_its_key() {
    let faults = [Fault::cancelled(&["TransactionConflict", "ConditionalCheckFailed"])];
    let Fixture { store, .. } = fixture(faults).await;
    let conflict = store.commit(&[create("a"), create("b")]).await;
    assert_eq!(conflict, Err(CommitError::Conflict { keys: vec![key("b")] }));
}

#[tokio::test]
async fn a_commit_whose_reply_was_lost_is_applied_once() {
    let put = |sort| Change::put(key(sort), NEW.to_vec());
    for changes in [
        vec![create("x")],
        vec![put("x")],
        vec![create("x"), create("y")],
        vec![put("x"), put("y")],
    ] {
        let Fixture { store, wire, .. } = fixture([Fault::LoseReply, Fault::LoseReply]).await;
        store.commit(&changes).await.unwrap();
        assert_eq!(wire.seen().len(), 3, "{changes:?}");
        assert_eq!(found(&store, "x").await, Some((1, NEW.to_vec())), "{changes:?}");
    }
    // Over a version that was read.
    let Fixture { store, wire, .. } = fixture([]).await;
    store.commit(&[create("x")]).await.unwrap();
    wire.next([Fault::LoseReply]);
    store.commit(&[Change::update(key("x"), b"next".to_vec(), 1)]).await.unwrap();
    assert_eq!(found(&store, "x").await, Some((2, b"next".to_vec())));
}

#[tokio::test]
async fn a_server_error_after_the_commit_is_a_lost_reply_too() {
    let faults = [Fault::code(500, "InternalServerError"), Fault::code(503, "ServiceUnavailable")];
    let Fixture { store, .. } = fixture(faults).await;
    store.commit(&[create("a")]).await.unwrap();
    assert_eq!(found(&store, "a").await, Some((1, NEW.to_vec())));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_known_is_said_to_be_unknown() {
    // The reply is lost every time: written it is, known it is not.
    let Fixture { store, plain, .. } = fixture(vec![Fault::LoseReply; 16]).await;
    for changes in [vec![create("a")], vec![create("b"), create("c")]] {
        let unknown = store.commit(&changes).await;
        assert!(matches!(unknown, Err(CommitError::Unknown(_))), "{unknown:?}");
    }
    assert_eq!(found(&plain, "a").await, Some((1, NEW.to_vec())));

    // Lost, and then refused or throttled for good: still unknown.
    let refusal = [Fault::LoseReply, Fault::code(400, "AccessDeniedException")];
    let Fixture { store, .. } = fixture(refusal).await;
    let unknown = store.commit(&[create("a")]).await;
    assert!(matches!(unknown, Err(CommitError::Unknown(_))), "{unknown:?}");

    // A deletion that was lost leaves nothing to recognise it by.
    let Fixture { store, wire, .. } = fixture([]).await;
    store.commit(&[create("a")]).await.unwrap();
    wire.next([Fault::LoseReply]);
    let delete = Change::Delete { key: key("a"), expect: Expect::Version(1) };
    let unknown = store.commit(&[delete]).await;
    assert!(matches!(unknown, Err(CommitError::Unknown(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_lost_commit_that_another_writer_has_overwritten_is_unknown() {
    let Fixture { plain, wire, .. } = fixture([Fault::LoseReply]).await;
    let other = Arc::clone(&plain);
    let meanwhile = move || -> Sleep {
        let other = Arc::clone(&other);
        Box::pin(async move {
            let change = Change::update(key("a"), b"other".to_vec(), 1);
            other.commit(&[change]).await.unwrap();
        })
    };
    let client = wire.over(&access(shared_double())).dynamo();
    let clock = Arc::new(Meanwhile(meanwhile));
    let store = DynamoStore::new(client, plain.table(), clock, random());
    let unknown = store.commit(&[create("a")]).await;
    assert!(matches!(unknown, Err(CommitError::Unknown(_))), "{unknown:?}");
    assert_eq!(found(&plain, "a").await, Some((2, b"other".to_vec())));
}

#[tokio::test]
async fn a_missing_permission_is_refused_at_once_with_what_to_do() {
    let denied = json!({"__type": "AccessDeniedException", "message": "not authorized to perform: dynamodb:PutItem"});
    let Fixture { store, wire, .. } = fixture(vec![Fault::Refuse(400, denied); 3]).await;
    let Err(CommitError::Refused(text)) = store.commit(&[create("a")]).await else { panic!() };
    for part in ["PutItem", store.table(), "not authorized", "compare it with the template"] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    let Err(StoreError::Unavailable(text)) = store.get(&key("a")).await else { panic!() };
    assert!(text.contains("GetItem") && text.contains("template"), "{text}");
    let two = store.commit(&[create("a"), create("b")]).await;
    assert!(matches!(two, Err(CommitError::Refused(_))), "{two:?}");
    assert_eq!(wire.operations(), ["PutItem", "GetItem", "TransactWriteItems"], "none asked twice");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let access = access(shared_double());
    let clock = Arc::new(Impatient::default());
    let store = DynamoStore::new(access.dynamo(), "not-deployed", clock, random());
    let Err(CommitError::Refused(text)) = store.commit(&[create("a")]).await else { panic!() };
    assert!(text.contains("not-deployed") && text.contains("not deployed"), "{text}");
}

#[tokio::test]
async fn a_service_that_is_not_reached_is_tried_again_and_then_unavailable() {
    let access = access(shared_double()).at("http://127.0.0.1:1");
    let clock = Impatient::default();
    let store = DynamoStore::new(access.dynamo(), "any", Arc::new(clock.clone()), random());
    let read = store.get(&key("a")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert_eq!(clock.slept().len(), 7);
}
