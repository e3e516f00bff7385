//! Opening: what is refused, in which words, and what a start makes of the last end.

use std::{fs, io::Write, time::Duration};

use conformance::reference::{SeededRandom, VirtualClock};
use embedded::{Embedded, OpenError};
use ports::{Change, Key, Queue, Random, Store};

use crate::{MINUTE, folder, message, options, queue_name};

#[test]
fn a_second_opener_hears_who_has_the_file() {
    let folder = folder();
    let path = folder.path().join("state");
    let first = Embedded::open(&path).unwrap();
    let refused = Embedded::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let text = refused.to_string();
    assert!(text.contains("another crosswave is running on it"), "{text}");
    assert!(text.contains(&path.display().to_string()), "{text}");
    drop(first);
    Embedded::open(&path).unwrap();
}

#[test]
fn adapters_keep_the_file_open() {
    let folder = folder();
    let path = folder.path().join("state");
    let store = Embedded::open(&path).unwrap().store();
    assert!(matches!(Embedded::open(&path), Err(OpenError::InUse { .. })));
    drop(store);
    Embedded::open(&path).unwrap();
}

/// ERR-1: the message names the file, and nothing is written into it.
#[test]
fn another_programs_file_is_refused_and_left_alone() {
    let folder = folder();
    for content in [&b"user,mailbox\r\nzoe,zoe@example.com\r\n"[..], b"SQLite format 3\0...", b"x"]
    {
        let path = folder.path().join("foreign");
        fs::write(&path, content).unwrap();
        let refused = Embedded::open(&path).unwrap_err();
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&path.display().to_string()));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn another_programs_database_of_the_same_engine_is_refused() {
    let folder = folder();
    let path = folder.path().join("state");
    let table = redb::TableDefinition::<u64, u64>::new("theirs");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(Embedded::open(&path), Err(OpenError::Foreign { .. })));
}

#[test]
fn a_newer_programs_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("state");
    drop(Embedded::open(&path).unwrap());
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    transaction.open_table(meta).unwrap().insert("crosswave-format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = Embedded::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 2, .. }), "{refused:?}");
}

#[test]
fn a_place_that_cannot_hold_a_file_is_named() {
    let folder = folder();
    for path in [folder.path().join("no/such/folder/state"), folder.path().to_owned()] {
        let refused = Embedded::open(&path).unwrap_err();
        assert!(matches!(refused, OpenError::System { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&path.display().to_string()));
    }
}

#[test]
fn an_empty_file_is_a_new_one() {
    let folder = folder();
    let path = folder.path().join("state");
    fs::write(&path, []).unwrap();
    Embedded::open(&path).unwrap();
}

/// A closed file with a hundred records.
async fn filled(path: &std::path::Path) -> Vec<u8> {
    let file = Embedded::open(path).unwrap();
    let changes: Vec<_> = (0..100)
        .map(|number| Change::create(Key::new("C#local", number.to_string()), vec![7; 2_000]))
        .collect();
    file.store().commit(&changes).await.unwrap();
    drop(file);
    fs::read(path).unwrap()
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_a_wrong_record() {
    let folder = folder();
    let path = folder.path().join("state");
    let whole = filled(&path).await;
    let random = SeededRandom::new(1);
    let mut refused = 0;
    for _ in 0..30 {
        let mut damaged = whole.clone();
        let length = u64::try_from(damaged.len()).unwrap();
        let at = usize::try_from(64 + random.below(length - 4_096)).unwrap();
        damaged[at..at + 64].fill(0xA5);
        fs::write(&path, &damaged).unwrap();
        match Embedded::open(&path) {
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("at {at}: {other:?}"),
            // The damage hit a page that holds nothing.
            Ok(file) => {
                let store = file.store() as std::sync::Arc<dyn Store>;
                let records = store.query_all("C#local", "").await.unwrap();
                assert_eq!(records.len(), 100, "at {at}");
                assert!(records.iter().all(|record| record.value == [7; 2_000]), "at {at}");
            }
        }
    }
    assert!(refused > 0, "no damage was noticed");
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_an_error() {
    let folder = folder();
    let path = folder.path().join("state");
    let whole = filled(&path).await;
    for length in [whole.len() / 2, 5_000, 4_096, 100, 9] {
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&whole[..length]).unwrap();
        drop(file);
        let refused = Embedded::open(&path).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{length}: {refused:?}");
    }
}

#[tokio::test]
async fn what_was_in_flight_is_visible_after_a_start_and_what_waits_keeps_its_time() {
    let (folder, clock) = (folder(), VirtualClock::new());
    let path = folder.path().join("state");
    let name = queue_name("steps");
    let queue = Embedded::open_with(&path, options(&clock)).unwrap().queue();
    queue
        .send(&[
            message("steps", "in flight", Duration::ZERO),
            message("steps", "deferred", Duration::ZERO),
            message("steps", "delayed", MINUTE),
        ])
        .await
        .unwrap();
    for delivery in queue.receive(&name, 10, MINUTE * 60).await.unwrap() {
        if delivery.body == "deferred" {
            queue.defer(&name, &delivery.receipt, MINUTE).await.unwrap();
        }
    }
    drop(queue);

    let queue = Embedded::open_with(&path, options(&clock)).unwrap().queue();
    let found = queue.receive(&name, 10, MINUTE * 60).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (&*one.body, one.receive_count)).collect();
    assert_eq!(found, [("in flight", 2)]);
    clock.advance(MINUTE);
    let found = queue.receive(&name, 10, MINUTE * 60).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (&*one.body, one.receive_count)).collect();
    assert_eq!(found, [("deferred", 2), ("delayed", 1)]);
}
