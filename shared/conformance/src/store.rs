//! The contract of the store.

mod concurrency;
mod limits;
mod queries;

use std::sync::Arc;

use ports::{Change, CommitError, Expect, Key, Store};

use crate::verdict::{Breach, Broken, Clause, Verdict, clauses, ensure_eq, judge, unexpected};

type Subject = Arc<dyn Store>;

/// Every clause of the contract; `fresh` makes an empty store.
pub async fn suite(fresh: impl AsyncFn() -> Arc<dyn Store>) -> Result<(), Broken> {
    const CLAUSES: &[Clause<Subject>] = clauses![
        "a key that was never put has no record" => nothing_at_first,
        "a get returns what was put, byte for byte" => returns_what_was_put,
        "the version is 1 at first and one more with each put" => versions_count,
        "a record that was deleted and put again starts at version 1" => versions_start_again,
        "keys differ in each part, and no part runs into the other" => keys_are_pairs,
        "`Absent` holds only where there is no record" => absent,
        "`Version` holds only at this version" => version,
        "`Anything` always holds" => anything,
        "deleting an absent record is no error" => delete_absent,
        "a check writes nothing" => check_writes_nothing,
        "one expectation that fails undoes the whole commit" => all_or_nothing,
        "a conflict names the keys that failed, in the commit's order" => conflict_names_keys,
        "a query is in the byte order of the sort keys" => queries::byte_order,
        "a query sees its partition only" => queries::one_partition,
        "a query with a prefix sees the keys that start so" => queries::prefixes,
        "a query goes on after its cursor" => queries::cursors,
        "pages of any limit hold each record once" => queries::paging,
        "a cursor holds although its record has gone" => queries::cursor_of_deleted,
        "large records are paged too" => queries::large_pages,
        "a limit of 0 counts as 1" => queries::limit_zero,
        "a commit of 100 changes is applied, one of 101 refused" => limits::changes,
        "a commit without changes is refused" => limits::empty,
        "two changes of one key are refused" => limits::duplicates,
        "an empty part of a key is refused" => limits::empty_keys,
        "the longest key is kept, a longer one refused" => limits::key_size,
        "the largest record is kept whole, one byte more is refused" => limits::record_size,
        "the largest commit is applied, more is refused" => limits::commit_size,
        "a commit that was refused for its limits wrote nothing" => limits::refused_wholly,
        "of many writers over one version exactly one wins" => concurrency::one_winner,
        "of many creators of one record exactly one wins" => concurrency::one_creator,
        "counters lose no update" => concurrency::counters,
        "transfers between records keep the sum" => concurrency::transfers,
        "a get after a commit sees it" => concurrency::reads_own_writes,
    ];
    judge("store", CLAUSES, fresh).await
}

/// What a store that outlives its process must do: `open` opens the same store each time, and the
/// suite has dropped the one before.
pub async fn durability(open: impl AsyncFn() -> Arc<dyn Store>) -> Result<(), Broken> {
    let broken = |found| {
        let clause = "what was committed is there after the store was closed and opened again";
        Broken { port: "store", breaches: vec![Breach { clause, found }] }
    };
    let store = open().await;
    before_closing(&*store).await.map_err(broken)?;
    drop(store);
    after_opening(&*open().await).await.map_err(broken)
}

async fn before_closing(store: &dyn Store) -> Verdict {
    commit(store, &[Change::put(key("kept"), b"1".to_vec()), Change::put(key("gone"), vec![])])
        .await?;
    commit(store, &[Change::put(key("kept"), b"2".to_vec())]).await?;
    let expect = Expect::Anything;
    commit(store, &[Change::Delete { key: key("gone"), expect }]).await
}

async fn after_opening(store: &dyn Store) -> Verdict {
    ensure_eq!(get(store, &key("kept")).await?, Some((2, b"2".to_vec())), "the record");
    ensure_eq!(get(store, &key("gone")).await?, None, "the deleted record");
    commit(store, &[Change::update(key("kept"), b"3".to_vec(), 2)]).await
}

const PARTITION: &str = "C#conformance";

fn key(sort: &str) -> Key {
    Key::new(PARTITION, sort)
}

async fn commit(store: &dyn Store, changes: &[Change]) -> Verdict {
    store.commit(changes).await.map_err(unexpected)
}

/// Version and value.
async fn get(store: &dyn Store, key: &Key) -> Result<Option<(u64, Vec<u8>)>, String> {
    let record = store.get(key).await.map_err(unexpected)?;
    if let Some(record) = &record {
        ensure_eq!(record.key, *key, "the key of the record");
    }
    Ok(record.map(|record| (record.version, record.value)))
}

/// The commit must conflict at exactly these keys.
async fn conflicts(store: &dyn Store, changes: &[Change], keys: &[Key]) -> Verdict {
    match store.commit(changes).await {
        Err(CommitError::Conflict { keys: found }) => {
            ensure_eq!(found, keys, "the keys of the conflict");
            Ok(())
        }
        other => Err(format!("a conflict was expected, found {other:?}")),
    }
}

async fn nothing_at_first(store: Subject) -> Verdict {
    ensure_eq!(get(&*store, &key("a")).await?, None, "a record that was never put");
    Ok(())
}

async fn returns_what_was_put(store: Subject) -> Verdict {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    for value in [Vec::new(), all_bytes, "Zoë ❤".as_bytes().to_vec()] {
        commit(&*store, &[Change::put(key("a"), value.clone())]).await?;
        let found = get(&*store, &key("a")).await?;
        ensure_eq!(found.map(|(_, value)| value), Some(value), "the value");
    }
    Ok(())
}

async fn versions_count(store: Subject) -> Verdict {
    for expected in 1..=5 {
        commit(&*store, &[Change::put(key("a"), vec![])]).await?;
        ensure_eq!(get(&*store, &key("a")).await?, Some((expected, vec![])), "the record");
    }
    Ok(())
}

async fn versions_start_again(store: Subject) -> Verdict {
    commit(&*store, &[Change::put(key("a"), vec![])]).await?;
    commit(&*store, &[Change::put(key("a"), vec![])]).await?;
    commit(&*store, &[Change::Delete { key: key("a"), expect: Expect::Version(2) }]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, None, "the deleted record");
    commit(&*store, &[Change::create(key("a"), vec![])]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((1, vec![])), "the record put again");
    Ok(())
}

async fn keys_are_pairs(store: Subject) -> Verdict {
    let keys =
        [Key::new("ab", "c"), Key::new("a", "bc"), Key::new("ab", "c#"), Key::new("AB", "c")];
    for (index, key) in keys.iter().enumerate() {
        commit(&*store, &[Change::create(key.clone(), index.to_string().into_bytes())]).await?;
    }
    for (index, key) in keys.iter().enumerate() {
        let expected = Some((1, index.to_string().into_bytes()));
        ensure_eq!(get(&*store, key).await?, expected, "the record at {key:?}");
    }
    Ok(())
}

async fn absent(store: Subject) -> Verdict {
    commit(&*store, &[Change::create(key("a"), b"first".to_vec())]).await?;
    conflicts(&*store, &[Change::create(key("a"), b"second".to_vec())], &[key("a")]).await?;
    for expect in [Expect::Absent, Expect::Version(2)] {
        conflicts(&*store, &[Change::Delete { key: key("a"), expect }], &[key("a")]).await?;
        conflicts(&*store, &[Change::Check { key: key("a"), expect }], &[key("a")]).await?;
    }
    ensure_eq!(get(&*store, &key("a")).await?, Some((1, b"first".to_vec())), "the record");
    Ok(())
}

async fn version(store: Subject) -> Verdict {
    conflicts(&*store, &[Change::update(key("a"), vec![], 1)], &[key("a")]).await?;
    conflicts(&*store, &[Change::update(key("a"), vec![], 0)], &[key("a")]).await?;
    commit(&*store, &[Change::create(key("a"), vec![1])]).await?;
    conflicts(&*store, &[Change::update(key("a"), vec![], 0)], &[key("a")]).await?;
    conflicts(&*store, &[Change::update(key("a"), vec![], 2)], &[key("a")]).await?;
    commit(&*store, &[Change::update(key("a"), vec![2], 1)]).await?;
    conflicts(&*store, &[Change::update(key("a"), vec![], 1)], &[key("a")]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((2, vec![2])), "the record");
    Ok(())
}

async fn anything(store: Subject) -> Verdict {
    commit(&*store, &[Change::put(key("a"), vec![1])]).await?;
    commit(&*store, &[Change::put(key("a"), vec![2])]).await?;
    let expect = Expect::Anything;
    commit(&*store, &[Change::Check { key: key("a"), expect }]).await?;
    commit(&*store, &[Change::Check { key: key("b"), expect }]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((2, vec![2])), "the record");
    commit(&*store, &[Change::Delete { key: key("a"), expect }]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, None, "the deleted record");
    Ok(())
}

async fn delete_absent(store: Subject) -> Verdict {
    for expect in [Expect::Anything, Expect::Absent] {
        commit(&*store, &[Change::Delete { key: key("a"), expect }]).await?;
    }
    let expect = Expect::Version(1);
    conflicts(&*store, &[Change::Delete { key: key("a"), expect }], &[key("a")]).await
}

async fn check_writes_nothing(store: Subject) -> Verdict {
    commit(&*store, &[Change::create(key("a"), vec![1])]).await?;
    for (sort, expect) in [("a", Expect::Version(1)), ("b", Expect::Absent)] {
        commit(&*store, &[Change::Check { key: key(sort), expect }]).await?;
    }
    ensure_eq!(get(&*store, &key("a")).await?, Some((1, vec![1])), "the checked record");
    ensure_eq!(get(&*store, &key("b")).await?, None, "the checked absence");
    Ok(())
}

async fn all_or_nothing(store: Subject) -> Verdict {
    commit(&*store, &[Change::create(key("a"), vec![1]), Change::create(key("b"), vec![1])])
        .await?;
    let changes = [
        Change::update(key("a"), vec![2], 1),
        Change::Delete { key: key("b"), expect: Expect::Version(1) },
        Change::create(key("c"), vec![2]),
        Change::Check { key: key("d"), expect: Expect::Version(1) },
    ];
    conflicts(&*store, &changes, &[key("d")]).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((1, vec![1])), "the record to be put");
    ensure_eq!(get(&*store, &key("b")).await?, Some((1, vec![1])), "the record to be deleted");
    ensure_eq!(get(&*store, &key("c")).await?, None, "the record to be made");
    Ok(())
}

async fn conflict_names_keys(store: Subject) -> Verdict {
    commit(&*store, &[Change::create(key("b"), vec![]), Change::create(key("z"), vec![])]).await?;
    let changes = [
        Change::create(key("z"), vec![]),
        Change::create(key("fine"), vec![]),
        Change::Check { key: key("b"), expect: Expect::Version(7) },
        Change::Delete { key: Key::new("C#other", "b"), expect: Expect::Version(1) },
        Change::update(key("y"), vec![], 1),
    ];
    let failed = [key("z"), key("b"), Key::new("C#other", "b"), key("y")];
    conflicts(&*store, &changes, &failed).await
}
