//! The table's stream, fed to the function that publishes changes, as the template's mapping does:
//! in order, at least once, and from the first record on that was not handled again, until that is
//! given up.

use std::{sync::Arc, time::Duration};

use catalogue::Function;
use ports::{Clock, Outgoing, Queue, QueueError, QueueName};
use serde_json::{Value, json};
use system::SystemClock;

use crate::{CloudError, double::Double, fleet::Fleet, serve::spawn, stack::STACK};

/// A pause between two looks at an empty stream.
const LOOK: Duration = Duration::from_millis(500);
/// Records of one invocation.
const BATCH: usize = 100;
/// What the mapping's filter lets through: users, runs of waves, and files.
const PREFIXES: [&str; 3] = ["U#", "R#", "F#"];

/// Feeds the stream from its beginning.
pub(crate) async fn begin(
    double: Double,
    fleet: &Arc<Fleet>,
    queues: &Arc<dyn Queue>,
) -> Result<(), CloudError> {
    let table = json!({ "TableName": STACK });
    let table = double.json("dynamodb", "DynamoDB_20120810.DescribeTable", &table).await?;
    let arn = table.pointer("/Table/LatestStreamArn").and_then(Value::as_str).unwrap_or_default();
    let first = json!({
        "StreamArn": arn, "ShardId": "shardId-00000000000000000000-00000000",
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = ask(&double, "GetShardIterator", &first).await?;
    let mut iterator = iterator.get("ShardIterator").cloned().unwrap_or_default();
    let (fleet, queues) = (Arc::clone(fleet), Arc::clone(queues));
    spawn(async move {
        loop {
            let page = ask(&double, "GetRecords", &json!({ "ShardIterator": iterator })).await;
            // A double that is gone ends this with its cloud.
            let Ok(page) = page else { return };
            iterator = page.get("NextShardIterator").cloned().unwrap_or_default();
            let records = page.get("Records").and_then(Value::as_array).cloned();
            let records: Vec<Value> =
                records.unwrap_or_default().into_iter().filter(seen).collect();
            for batch in records.chunks(BATCH) {
                feed(&fleet, &*queues, batch).await;
            }
            SystemClock.sleep(LOOK).await;
        }
    });
    Ok(())
}

async fn ask(double: &Double, operation: &str, body: &Value) -> Result<Value, CloudError> {
    double.json("dynamodb", &format!("DynamoDBStreams_20120810.{operation}"), body).await
}

fn seen(record: &Value) -> bool {
    let sort = record.pointer("/dynamodb/Keys/sk/S").and_then(Value::as_str).unwrap_or_default();
    PREFIXES.iter().any(|prefix| sort.starts_with(prefix))
}

/// Delivers a batch until all of it is handled, or has failed as often as the template allows.
async fn feed(fleet: &Fleet, queues: &dyn Queue, mut batch: &[Value]) {
    let mut tries = 0;
    while let Some(first) = batch.first().map(sequence) {
        let answer = fleet.invoke(Function::PublishChanges, &json!({ "Records": batch })).await;
        let failed = match &answer {
            Ok(answer) => answer.pointer("/batchItemFailures/0/itemIdentifier").cloned(),
            Err(_) => Some(first.clone()),
        };
        let Some(failed) = failed else { return };
        let place = batch.iter().position(|record| sequence(record) == failed).unwrap_or_default();
        batch = batch.get(place..).unwrap_or_default();
        tries = if place == 0 { tries + 1 } else { 1 };
        if tries > infra::STREAM_RETRIES {
            if keep(queues, &failed).await.is_err() {
                return;
            }
            batch = batch.get(1..).unwrap_or_default();
            tries = 0;
        }
        SystemClock.sleep(LOOK).await;
    }
}

fn sequence(record: &Value) -> Value {
    record.pointer("/dynamodb/SequenceNumber").cloned().unwrap_or_default()
}

/// What Lambda keeps of a record that it gives up ("Retaining discarded batch records for a `DynamoDB`
/// event source").
async fn keep(queues: &dyn Queue, sequence: &Value) -> Result<(), QueueError> {
    let name = Function::PublishChanges.dead_letters().unwrap_or_default();
    let record = json!({
        "requestContext": { "condition": "RetryAttemptsExhausted" }, "version": "1.0",
        "DDBStreamBatchInfo": {
            "startSequenceNumber": sequence, "endSequenceNumber": sequence, "batchSize": 1,
        },
    });
    let message = Outgoing {
        queue: QueueName::parse(&name)?.dead_letter(),
        body: record.to_string(),
        delay: Duration::ZERO,
        group: String::new(),
    };
    queues.send(&[message]).await
}
