//! Stores with one mistake each.

use std::sync::Arc;

use async_trait::async_trait;
use conformance::{differential, reference::ModelStore, store};
use ports::{Change, CommitError, Expect, Key, Page, Query, Record, Store, StoreError};

#[derive(Clone, Copy, Debug)]
enum Mistake {
    IgnoresVersions,
    WritesOneByOne,
    ForgetsKeysOfConflict,
    RepeatsCursor,
    IgnoresPrefix,
    NoLimits,
}

struct Wrong {
    inner: ModelStore,
    mistake: Mistake,
}

impl Wrong {
    fn new(mistake: Mistake) -> Self {
        Self { inner: ModelStore::new(), mistake }
    }
}

#[async_trait]
impl Store for Wrong {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let mut query = query.clone();
        match self.mistake {
            Mistake::RepeatsCursor => {
                // The cursor's own record comes again, as with an inclusive range.
                query.after = query.after.map(|mut after| {
                    after.pop();
                    after
                });
            }
            Mistake::IgnoresPrefix => query.prefix.clear(),
            _ => {}
        }
        self.inner.query(&query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        match self.mistake {
            Mistake::IgnoresVersions => {
                let blind: Vec<_> = changes.iter().cloned().map(without_version).collect();
                self.inner.commit(&blind).await
            }
            Mistake::WritesOneByOne => {
                ports::within_limits(changes)?;
                for change in changes {
                    self.inner.commit(std::slice::from_ref(change)).await?;
                }
                Ok(())
            }
            Mistake::ForgetsKeysOfConflict => match self.inner.commit(changes).await {
                Err(CommitError::Conflict { mut keys }) => {
                    keys.truncate(1);
                    Err(CommitError::Conflict { keys })
                }
                other => other,
            },
            Mistake::NoLimits => match self.inner.commit(changes).await {
                Err(CommitError::OutsideLimits(_)) => Ok(()),
                other => other,
            },
            _ => self.inner.commit(changes).await,
        }
    }
}

fn without_version(change: Change) -> Change {
    match change {
        Change::Put { key, value, expect: Expect::Version(_) } => Change::put(key, value),
        other => other,
    }
}

#[tokio::test]
async fn the_suite_names_the_clause_that_a_store_breaks() {
    for (mistake, clause) in [
        (Mistake::IgnoresVersions, "`Version` holds only at this version"),
        (Mistake::WritesOneByOne, "one expectation that fails undoes the whole commit"),
        (
            Mistake::ForgetsKeysOfConflict,
            "a conflict names the keys that failed, in the commit's order",
        ),
        (Mistake::RepeatsCursor, "a query goes on after its cursor"),
        (Mistake::IgnoresPrefix, "a query with a prefix sees the keys that start so"),
        (Mistake::NoLimits, "a commit of 100 changes is applied, one of 101 refused"),
    ] {
        let wrong = store::suite(async || Arc::new(Wrong::new(mistake)) as Arc<dyn Store>).await;
        let broken = wrong.expect_err("the mistake breaks the contract");
        let clauses: Vec<_> = broken.breaches.iter().map(|breach| breach.clause).collect();
        assert!(clauses.contains(&clause), "{mistake:?} broke {clauses:?}");
    }
}

#[tokio::test]
async fn a_history_ends_at_the_first_difference() {
    for mistake in [
        Mistake::IgnoresVersions,
        Mistake::WritesOneByOne,
        Mistake::ForgetsKeysOfConflict,
        Mistake::RepeatsCursor,
        Mistake::IgnoresPrefix,
        Mistake::NoLimits,
    ] {
        let (model, wrong) = (ModelStore::new(), Wrong::new(mistake));
        let mismatch = differential::store(&model, &wrong, 1, 2_000).await;
        let mismatch = mismatch.expect_err("two thousand steps find the mistake");
        assert_eq!(mismatch.seed, 1);
        let again = Wrong::new(mistake);
        let replayed =
            differential::store(&ModelStore::new(), &again, 1, mismatch.history.len()).await;
        assert_eq!(replayed, Err(mismatch), "the seed replays {mistake:?}");
    }
}
