//! The commit: what is asked for, how often, and what the answers mean.

use ports::{Change, CommitError, Expect, Key, StoreError};

use super::{
    DynamoStore,
    action::{Action, Verb},
    item::Mark,
};
use crate::{Operation, trouble::Trouble};

/// Why an attempt did not write.
pub(super) enum Failure {
    /// These keys are not as expected.
    Conflict(Vec<Key>),
    /// The item bears this commit's own mark: an earlier attempt has written it.
    Written,
    /// The service did not do it, or did not say.
    Trouble(Trouble),
}

/// Whether a conflict behind a lost reply is another writer's for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflicts {
    /// A request token makes the lost attempt and this one the same.
    Certain,
    /// The lost attempt itself may have changed what this one found.
    Doubtful,
}

impl DynamoStore {
    pub(super) async fn write(&self, changes: &[Change]) -> Result<(), CommitError> {
        // A check of anything asks for nothing, and DynamoDB has no such action.
        let asks =
            |change: &&Change| !matches!(change, Change::Check { expect: Expect::Anything, .. });
        let changes: Vec<&Change> = changes.iter().filter(asks).collect();
        if changes.iter().any(|change| self.anchor_of(&change.key().partition).is_some()) {
            return self.write_beside(&changes).await;
        }
        match changes.as_slice() {
            [] => Ok(()),
            [change] => self.write_one(change).await,
            changes => self.write_all(changes).await,
        }
    }

    async fn write_all(&self, changes: &[&Change]) -> Result<(), CommitError> {
        let mark = Mark(self.retry.random.next_u128());
        let now = self.retry.clock.now();
        let action =
            |change: &&Change| (change.key().clone(), Action::of(change, mark, self.layout, now));
        self.transact(mark, changes.iter().map(action).collect()).await
    }

    /// Writes all of these or none: one of them without a transaction, at half the price.
    pub(super) async fn write_actions(
        &self,
        mark: Mark,
        mut actions: Vec<(Key, Action)>,
    ) -> Result<(), CommitError> {
        match actions.pop() {
            None => Ok(()),
            Some((key, action)) if actions.is_empty() && matches!(action.verb, Verb::Put(_)) => {
                self.put(action, mark, &key).await
            }
            Some(last) => {
                actions.push(last);
                self.transact(mark, actions).await
            }
        }
    }

    /// Attempts a write until its outcome is known, or attempts are used up.
    pub(super) async fn attempt<F>(
        &self,
        operation: Operation,
        conflicts: Conflicts,
        write: impl Fn() -> F + Send,
    ) -> Result<(), CommitError>
    where
        F: Future<Output = Result<(), Failure>> + Send,
    {
        let mut attempts = self.retry.attempts();
        let mut lost = false;
        loop {
            self.meter.request(operation);
            let Err(failure) = write().await else { return Ok(()) };
            let trouble = match failure {
                Failure::Written => return Ok(()),
                Failure::Conflict(keys) => {
                    self.meter.refused(operation);
                    return Err(if lost && conflicts == Conflicts::Doubtful {
                        CommitError::Unknown(format!(
                            "{operation:?} on {}: the reply was lost, and the record has changed since",
                            self.table
                        ))
                    } else {
                        CommitError::Conflict { keys }
                    });
                }
                Failure::Trouble(trouble) => trouble,
            };
            self.meter.refused(operation);
            lost |= matches!(trouble, Trouble::Lost(_));
            if matches!(trouble, Trouble::Refused(_)) || !attempts.again().await {
                return Err(match trouble {
                    Trouble::Lost(text) | Trouble::Busy(text) | Trouble::Refused(text) if lost => {
                        CommitError::Unknown(text)
                    }
                    Trouble::Lost(text) => CommitError::Unknown(text),
                    Trouble::Busy(text) => CommitError::Throttled(text),
                    Trouble::Refused(text) => CommitError::Refused(text),
                });
            }
        }
    }
}

/// What a read that failed means for the commit that needed it.
pub(super) fn unread(error: StoreError) -> CommitError {
    match error {
        StoreError::Throttled(text) => CommitError::Throttled(text),
        StoreError::Unavailable(text) | StoreError::Damaged(text) => CommitError::Refused(text),
    }
}
