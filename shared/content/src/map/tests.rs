//! The map against a plain one, over random histories.

use std::collections::{BTreeMap, BTreeSet};

use conformance::reference::{ModelStore, SeededRandom};
use futures_util::FutureExt;
use ports::{Change, Random, Store};

use super::{Entry, ItemMap};

const PREFIX: &str = "M/m/00000001/";

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the store in memory does not wait")
}

fn open(store: &ModelStore) -> ItemMap<'_> {
    now(ItemMap::open(store, "p", PREFIX.to_owned())).unwrap()
}

fn commit(store: &ModelStore, map: &mut ItemMap<'_>) {
    let changes = map.changes();
    for part in changes.chunks(ports::MAX_CHANGES) {
        now(store.commit(part)).unwrap();
    }
    map.committed();
}

fn entry(id: u64, tag: u64) -> Entry {
    Entry {
        source: format!("AAMkAGVmMDEzMTM4LTZmYWUtNDdkNC1hMDZiLTU1OGY5OTZhYmY4OABGAAAAAA{id:08}="),
        source_tag: format!("CQAAABYAAAC{tag}"),
        target: format!("AAMkADAyNTk3NmQtNzk1Yi00YWVjLWI1OGEtZTEzYzQwOTUxNTZmAEYAAAAAAA{id:08}="),
        target_tag: format!("CQAAABYBBBC{tag}"),
    }
}

/// Put, replaced, removed, reopened and merged: it always holds what a plain map holds.
#[test]
fn the_map_holds_what_a_plain_map_holds_over_random_histories() {
    for seed in 0..6 {
        let random = SeededRandom::new(seed);
        let store = ModelStore::new();
        let mut plain: BTreeMap<String, Entry> = BTreeMap::new();
        let mut map = open(&store);
        for step in 0..2_500 {
            let id = random.below(900);
            if random.below(5) == 0 {
                let gone = entry(id, 0).source;
                map.remove(&gone);
                plain.remove(&gone);
            } else {
                let new = entry(id, step);
                map.put(&new);
                plain.insert(new.source.clone(), new);
            }
            match random.below(60) {
                0..20 => commit(&store, &mut map),
                20 => {
                    commit(&store, &mut map);
                    map = open(&store);
                }
                21 => {
                    commit(&store, &mut map);
                    let merge: Vec<Change> = now(map.merge()).unwrap();
                    if !merge.is_empty() {
                        now(store.commit(&merge)).unwrap();
                        map = open(&store);
                    }
                }
                _ => {}
            }
        }
        assert_eq!(now(map.all()).unwrap(), plain, "seed {seed}");
        commit(&store, &mut map);
        let map = open(&store);
        assert_eq!(now(map.all()).unwrap(), plain, "seed {seed}, reopened");
        let some: BTreeSet<String> = (0..40).map(|id| entry(id * 23, 0).source).collect();
        let found = now(map.find(&some)).unwrap();
        assert!(found.iter().all(|(id, entry)| plain.get(id) == Some(entry)));
        assert_eq!(found.len(), some.iter().filter(|id| plain.contains_key(*id)).count());
        let target = plain.values().next().unwrap().target.clone();
        let stale = "nobody's".to_owned();
        let known = now(map.known_targets(&BTreeSet::from([target.clone(), stale]))).unwrap();
        assert_eq!(known, BTreeSet::from([target]), "seed {seed}");
    }
}

#[test]
fn full_segments_are_merged_into_few_records() {
    let store = ModelStore::new();
    let mut map = open(&store);
    for id in 0..6_000 {
        map.put(&entry(id, id));
        if id % 20 == 0 {
            commit(&store, &mut map);
        }
    }
    commit(&store, &mut map);
    let before = store.records().len();
    let merge = now(open(&store).merge()).unwrap();
    now(store.commit(&merge)).unwrap();
    let after = store.records();
    assert!(before >= 8, "{before} records leave nothing to merge");
    assert_eq!(after.len(), 1, "of {before} records");
    assert!(after.iter().all(|record| record.value.len() < ports::MAX_RECORD_BYTES));
    assert_eq!(now(open(&store).all()).unwrap().len(), 6_000);
    assert!(after.iter().map(|record| record.value.len()).sum::<usize>() < 6_000 * 30);
}
