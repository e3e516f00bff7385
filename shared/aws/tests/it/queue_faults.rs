//! Bad moments of the queue: a batch that fails in part, throttling, lost replies, messages that are
//! gone, a deferral beyond what the service allows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws::{Access, Operation, SqsQueues};
use conformance::queue::QUEUES;
use ports::{Outgoing, Queue, QueueError, QueueName, Receipt};
use serde_json::json;

use crate::{
    support::{Impatient, access, create_queues, random, shared_double, unique},
    wire::{Fault, Wire},
};

async fn fixture(faults: impl IntoIterator<Item = Fault>) -> (SqsQueues, Wire) {
    let (access, wire): (Access, _) = (access(shared_double()), Wire::with(faults));
    let prefix = unique("faults");
    create_queues(&access.sqs(), &prefix).await;
    let base = format!("{}{prefix}-", shared_double().queues());
    let clock = Arc::new(Impatient::default());
    (SqsQueues::new(wire.over(&access).sqs(), base, clock, random()), wire)
}

fn name() -> QueueName {
    QueueName::parse(QUEUES[0]).unwrap()
}

fn messages(count: usize) -> Vec<Outgoing> {
    let message = |number: usize| Outgoing {
        queue: name(),
        body: format!("m{number}"),
        delay: Duration::ZERO,
        group: format!("C#{}", number % 2),
    };
    (0..count).map(message).collect()
}

/// How often each body is in the queue.
async fn bodies(queues: &SqsQueues) -> BTreeMap<String, u32> {
    let mut bodies = BTreeMap::new();
    loop {
        let batch = queues.receive(&name(), 10, Duration::from_mins(5)).await.unwrap();
        if batch.is_empty() {
            return bodies;
        }
        for delivery in batch {
            *bodies.entry(delivery.body).or_default() += 1;
        }
    }
}

fn once(count: usize) -> BTreeMap<String, u32> {
    (0..count).map(|number| (format!("m{number}"), 1)).collect()
}

#[tokio::test]
async fn of_a_batch_that_fails_in_part_only_the_failed_entries_go_again() {
    let faults = [
        Fault::FailEntries(&["1", "4", "8"], "InternalError"),
        Fault::FailEntries(&["2"], "RequestThrottled"),
    ];
    let (queues, wire) = fixture(faults).await;
    queues.send(&messages(10)).await.unwrap();
    let sizes: Vec<_> =
        wire.seen().iter().map(|(_, body)| body["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 3, 1]);
    assert_eq!(bodies(&queues).await, once(10));
    let spent = queues.meter().snapshot()[&Operation::SendMessageBatch];
    assert_eq!((spent.requests, spent.messages, spent.refused), (3, 10, 2));
}

#[tokio::test]
async fn an_entry_that_the_service_will_never_take_ends_the_attempts() {
    let (queues, wire) = fixture([Fault::FailEntries(&["0"], "InvalidMessageContents")]).await;
    let refused = queues.send(&messages(2)).await;
    assert!(
        matches!(&refused, Err(QueueError::Unavailable(text)) if text.contains("InvalidMessageContents")),
        "{refused:?}"
    );
    assert_eq!(wire.seen().len(), 1);
}

#[tokio::test]
async fn throttling_is_waited_for_and_a_lost_reply_is_sent_again() {
    let (queues, wire) = fixture([Fault::code(400, "ThrottlingException")]).await;
    queues.send(&messages(2)).await.unwrap();
    wire.next([Fault::code(403, "OverLimit"), Fault::code(503, "ServiceUnavailable")]);
    assert_eq!(bodies(&queues).await, once(2));
    // At least once: the receivers are idempotent.
    wire.next([Fault::LoseReply]);
    queues.send(&messages(1)).await.unwrap();
    assert_eq!(bodies(&queues).await, BTreeMap::from([("m0".to_owned(), 2)]));
}

#[tokio::test]
async fn messages_of_several_queues_go_in_one_batch_each_under_their_customers_group() {
    let (queues, wire) = fixture([]).await;
    let mut batch = messages(4);
    batch[3].queue = QueueName::parse(QUEUES[1]).unwrap();
    batch[0].delay = Duration::from_millis(1_001);
    queues.send(&batch).await.unwrap();
    let mut entries = wire.seen().into_iter().map(|(_, body)| body["Entries"].clone());
    let (Some(one), Some(other), None) = (entries.next(), entries.next(), entries.next()) else {
        panic!()
    };
    let groups = |entries: &serde_json::Value| -> Vec<_> {
        entries.as_array().unwrap().iter().map(|entry| entry["MessageGroupId"].clone()).collect()
    };
    assert_eq!(groups(&one), ["C#0", "C#1", "C#0"]);
    assert_eq!(groups(&other), ["C#1"]);
    assert_eq!(one[0]["DelaySeconds"], 2, "never before its time");
}

#[tokio::test]
async fn each_64_kib_of_a_batch_is_billed() {
    let (queues, _) = fixture([]).await;
    let mut batch = messages(3);
    for message in &mut batch {
        message.body = "x".repeat(50_000);
    }
    queues.send(&batch).await.unwrap();
    assert_eq!(queues.meter().snapshot()[&Operation::SendMessageBatch].billed, 3);
}

#[tokio::test]
async fn a_message_that_is_gone_is_no_error_in_any_of_the_services_words() {
    let gone = "Value x for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.";
    let words = [
        Fault::code(400, "ReceiptHandleIsInvalid"),
        Fault::code(400, "com.amazonaws.sqs#ReceiptHandleIsInvalid"),
        Fault::Refuse(400, json!({"__type": "InvalidParameterValue", "message": gone})),
    ];
    let (queues, wire) = fixture([]).await;
    let receipt = Receipt("AQEB".to_owned());
    for fault in words {
        wire.next([fault.clone(), fault]);
        queues.acknowledge(&name(), &receipt).await.unwrap();
        queues.defer(&name(), &receipt, Duration::from_mins(1)).await.unwrap();
    }
    wire.next([Fault::code(400, "com.amazonaws.sqs#MessageNotInflight")]);
    queues.defer(&name(), &receipt, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_deferral_that_would_end_more_than_twelve_hours_after_the_receive_is_shortened() {
    let too_long = json!({
        "__type": "InvalidParameterValue",
        "message": "Value 36000 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
    });
    let (queues, wire) = fixture([]).await;
    queues.send(&messages(1)).await.unwrap();
    let delivery = queues.receive(&name(), 1, Duration::from_mins(5)).await.unwrap().remove(0);
    wire.next([Fault::Refuse(400, too_long.clone()), Fault::Refuse(400, too_long)]);
    queues.defer(&name(), &delivery.receipt, Duration::from_hours(10)).await.unwrap();
    let asked: Vec<_> =
        wire.seen().iter().filter_map(|(_, body)| body.get("VisibilityTimeout").cloned()).collect();
    assert_eq!(asked, [300, 36_000, 18_000, 9_000]);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named_with_what_to_do() {
    let access = access(shared_double());
    let base = format!("{}nowhere-", shared_double().queues());
    let queues = SqsQueues::new(access.sqs(), base, Arc::new(Impatient::default()), random());
    let Err(QueueError::Unavailable(text)) = queues.send(&messages(1)).await else { panic!() };
    assert!(text.contains("nowhere-conformance-a") && text.contains("not deployed"), "{text}");
}
