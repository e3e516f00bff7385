//! The commit: what is asked for, how often, and what the answers mean.

use ports::{Change, CommitError, Expect, Key};

use super::DynamoStore;
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
        match changes.as_slice() {
            [] => Ok(()),
            [change] => self.write_one(change).await,
            changes => self.write_all(changes).await,
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
