//! The table's stream, fed to the function that publishes changes, as the template's mapping does:
//! in order, at least once, and from the first record on that was not handled again.

use std::{sync::Arc, time::Duration};

use catalogue::Function;
use ports::Clock;
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
pub(crate) async fn begin(double: Double, fleet: &Arc<Fleet>) -> Result<(), CloudError> {
    let table = json!({ "TableName": STACK });
    let table = double.json("dynamodb", "DynamoDB_20120810.DescribeTable", &table).await?;
    let arn = table.pointer("/Table/LatestStreamArn").and_then(Value::as_str).unwrap_or_default();
    let first = json!({
        "StreamArn": arn, "ShardId": "shardId-00000000000000000000-00000000",
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = ask(&double, "GetShardIterator", &first).await?;
    let mut iterator = iterator.get("ShardIterator").cloned().unwrap_or_default();
    let fleet = Arc::clone(fleet);
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
                feed(&fleet, batch).await;
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

/// Delivers a batch until all of it is handled.
async fn feed(fleet: &Fleet, mut batch: &[Value]) {
    while !batch.is_empty() {
        let answer = fleet.invoke(Function::PublishChanges, &json!({ "Records": batch })).await;
        let failed = match &answer {
            Ok(answer) => answer.pointer("/batchItemFailures/0/itemIdentifier"),
            Err(_) => batch.first().and_then(|record| record.pointer("/dynamodb/SequenceNumber")),
        };
        let Some(failed) = failed else { return };
        let place = batch
            .iter()
            .position(|record| record.pointer("/dynamodb/SequenceNumber") == Some(failed));
        batch = batch.get(place.unwrap_or_default()..).unwrap_or_default();
        SystemClock.sleep(LOOK).await;
    }
}
