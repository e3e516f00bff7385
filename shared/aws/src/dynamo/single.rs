//! A commit of one change: a conditional write without a transaction, at half the price.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{
        ConsumedCapacity, ReturnConsumedCapacity::Total,
        ReturnValuesOnConditionCheckFailure::AllOld,
    },
};
use ports::{Change, CommitError, Expect, Key};

use super::{
    DynamoStore,
    action::{Action, Verb},
    commit::{Conflicts, Failure, unread},
    item::{Item, Mark},
};
use crate::{Operation, trouble::trouble};

impl DynamoStore {
    pub(super) async fn write_one(&self, change: &Change) -> Result<(), CommitError> {
        let mark = Mark(self.retry.random.next_u128());
        let action = Action::of(change, mark, self.layout, self.retry.clock.now());
        match action.verb {
            Verb::Put(_) => self.put(action, mark, change.key()).await,
            Verb::Update { .. } => self.update(action, mark, change.key()).await,
            Verb::Delete(_) => self.delete(action, mark, change.key()).await,
            Verb::Check(_) => self.check_one(change).await,
        }
    }

    pub(super) async fn put(
        &self,
        action: Action,
        mark: Mark,
        key: &Key,
    ) -> Result<(), CommitError> {
        let Verb::Put(item) = action.verb else { return Ok(()) };
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(action.condition)
            .set_expression_attribute_names(action.names)
            .set_expression_attribute_values(action.values)
            .return_values_on_condition_check_failure(AllOld)
            .return_consumed_capacity(Total);
        self.attempt(Operation::PutItem, Conflicts::Doubtful, || {
            let request = request.clone();
            async move {
                let sent = request.send().await;
                let sent = sent.map_err(|error| {
                    let old = |error: &PutItemError| match error {
                        PutItemError::ConditionalCheckFailedException(e) => Some(e.item().cloned()),
                        _ => None,
                    };
                    self.failure("PutItem", &error, old, mark, key)
                })?;
                self.wrote(Operation::PutItem, sent.consumed_capacity());
                Ok(())
            }
        })
        .await
    }

    async fn update(&self, action: Action, mark: Mark, key: &Key) -> Result<(), CommitError> {
        let Verb::Update { key: item, expression } = action.verb else { return Ok(()) };
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item))
            .update_expression(expression)
            .set_condition_expression(action.condition)
            .set_expression_attribute_names(action.names)
            .set_expression_attribute_values(action.values)
            .return_values_on_condition_check_failure(AllOld)
            .return_consumed_capacity(Total);
        self.attempt(Operation::UpdateItem, Conflicts::Doubtful, || {
            let request = request.clone();
            async move {
                let sent = request.send().await;
                let sent = sent.map_err(|error| {
                    let old = |error: &UpdateItemError| match error {
                        UpdateItemError::ConditionalCheckFailedException(e) => {
                            Some(e.item().cloned())
                        }
                        _ => None,
                    };
                    self.failure("UpdateItem", &error, old, mark, key)
                })?;
                self.wrote(Operation::UpdateItem, sent.consumed_capacity());
                Ok(())
            }
        })
        .await
    }

    async fn delete(&self, action: Action, mark: Mark, key: &Key) -> Result<(), CommitError> {
        let Verb::Delete(item) = action.verb else { return Ok(()) };
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item))
            .set_condition_expression(action.condition)
            .set_expression_attribute_names(action.names)
            .set_expression_attribute_values(action.values)
            .return_consumed_capacity(Total);
        self.attempt(Operation::DeleteItem, Conflicts::Doubtful, || {
            let request = request.clone();
            async move {
                let sent = request.send().await;
                let sent = sent.map_err(|error| {
                    let old = |error: &DeleteItemError| {
                        error.is_conditional_check_failed_exception().then_some(None)
                    };
                    self.failure("DeleteItem", &error, old, mark, key)
                })?;
                self.wrote(Operation::DeleteItem, sent.consumed_capacity());
                Ok(())
            }
        })
        .await
    }

    /// A strongly consistent read tells the same as a transaction of one check, at a sixteenth of its
    /// price.
    async fn check_one(&self, change: &Change) -> Result<(), CommitError> {
        let Change::Check { key, expect } = change else { return Ok(()) };
        let found = self.read_one(key).await.map_err(unread)?;
        let version = found.map(|record| record.version);
        let holds = match expect {
            Expect::Absent => version.is_none(),
            Expect::Version(expected) => version == Some(*expected),
            Expect::Anything => true,
        };
        if holds { Ok(()) } else { Err(CommitError::Conflict { keys: vec![key.clone()] }) }
    }

    /// What a failed single write means; `condition` finds the item that the condition failed on.
    fn failure<E>(
        &self,
        what: &str,
        error: &SdkError<E, aws_smithy_runtime_api::http::Response>,
        condition: impl Fn(&E) -> Option<Option<Item>>,
        mark: Mark,
        key: &Key,
    ) -> Failure
    where
        E: aws_sdk_dynamodb::error::ProvideErrorMetadata
            + std::error::Error
            + Send
            + Sync
            + 'static,
    {
        match error.as_service_error().and_then(condition) {
            Some(Some(old)) if mark.is_on(&old) => Failure::Written,
            Some(_) => Failure::Conflict(vec![key.clone()]),
            None => Failure::Trouble(trouble(what, &self.table, error)),
        }
    }

    /// Counts the write units of a reply.
    pub(super) fn wrote(&self, operation: Operation, consumed: Option<&ConsumedCapacity>) {
        let Some(consumed) = consumed else { return };
        let units =
            consumed.write_capacity_units().or_else(|| consumed.capacity_units()).unwrap_or(0.0);
        self.meter.count(operation, |spent| spent.write_units += units);
    }
}
