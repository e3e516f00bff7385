//! A commit of several changes: one `TransactWriteItems`, with a token that makes its repetition the
//! same transaction for ten minutes.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity, TransactWriteItem,
        Update,
    },
};
use aws_smithy_runtime_api::http::Response;
use ports::{CommitError, Key};
use uuid::Uuid;

use super::{
    DynamoStore,
    action::{Action, Verb},
    commit::{Conflicts, Failure},
    item::Mark,
};
use crate::{
    Operation,
    trouble::{Trouble, is_busy, trouble},
};

const WHAT: &str = "TransactWriteItems";

impl DynamoStore {
    /// Writes all of these or none.
    pub(super) async fn transact(
        &self,
        mark: Mark,
        actions: Vec<(Key, Action)>,
    ) -> Result<(), CommitError> {
        let (keys, actions): (Vec<Key>, Vec<Action>) = actions.into_iter().unzip();
        let items = actions.into_iter().map(|action| transact_item(action, &self.table));
        let items: Result<Vec<_>, _> = items.collect();
        let keys = &keys;
        let items = items.map_err(|error| CommitError::Refused(error.to_string()))?;
        let token = Uuid::from_u128(mark.0).hyphenated().to_string();
        self.attempt(Operation::TransactWriteItems, Conflicts::Certain, || {
            let request = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(&token)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            async move {
                let sent = request.send().await.map_err(|error| self.cancelled(&error, keys))?;
                for consumed in sent.consumed_capacity() {
                    self.wrote(Operation::TransactWriteItems, Some(consumed));
                }
                Ok(())
            }
        })
        .await
    }

    fn cancelled(
        &self,
        error: &SdkError<TransactWriteItemsError, Response>,
        keys: &[Key],
    ) -> Failure {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        else {
            return Failure::Trouble(trouble(WHAT, &self.table, error));
        };
        let reasons = cancelled.cancellation_reasons();
        let codes = || reasons.iter().map(|reason| reason.code().unwrap_or_default());
        let failed: Vec<_> = codes()
            .zip(keys)
            .filter(|(code, _)| *code == "ConditionalCheckFailed")
            .map(|(_, key)| key.clone())
            .collect();
        if !failed.is_empty() {
            return Failure::Conflict(failed);
        }
        let words: Vec<String> = reasons.iter().zip(keys).filter_map(in_words).collect();
        let text = format!("{WHAT} on {} was cancelled: {}", self.table, words.join("; "));
        Failure::Trouble(if codes().any(is_busy) {
            Trouble::Busy(text)
        } else {
            Trouble::Refused(text)
        })
    }
}

/// Why one action cancelled its transaction; `None` when it did not.
fn in_words((reason, key): (&CancellationReason, &Key)) -> Option<String> {
    let code = reason.code().filter(|code| *code != "None")?;
    let message = reason.message().unwrap_or("no message");
    Some(format!("{}/{}: {code}: {message}", key.partition, key.sort))
}

fn transact_item(action: Action, table: &str) -> Result<TransactWriteItem, BuildError> {
    let Action { verb, condition, names, values } = action;
    let item = TransactWriteItem::builder();
    Ok(match verb {
        Verb::Put(put) => item.put(
            Put::builder()
                .table_name(table)
                .set_item(Some(put))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()?,
        ),
        Verb::Update { key, expression } => item.update(
            Update::builder()
                .table_name(table)
                .set_key(Some(key))
                .update_expression(expression)
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()?,
        ),
        Verb::Delete(key) => item.delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(key))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()?,
        ),
        Verb::Check(key) => item.condition_check(
            ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()?,
        ),
    }
    .build())
}
