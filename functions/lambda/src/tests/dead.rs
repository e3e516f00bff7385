//! Dead letters that are no messages of ours.

use super::*;

/// What the stream gave up is shown with its time, counts for the alarm, and goes with the next redrive,
/// which has nothing to send and is held up by it no more than the other letters.
#[tokio::test]
async fn changes_that_the_stream_gave_up_are_shown_and_taken_note_of() {
    let desk = Desk::with_a_dead_letter().await;
    let host = &desk.deployment.host;
    let given_up = json!({
        "requestContext": { "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 101 },
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1", "startSequenceNumber": "7", "endSequenceNumber": "7",
            "approximateArrivalOfFirstRecord": "2026-06-01T08:00:00Z",
            "approximateArrivalOfLastRecord": "2026-06-01T08:00:00Z", "batchSize": 1,
        },
    });
    let queue: QueueName = QueueName::parse("control-publish-changes").unwrap();
    let message = ports::Outgoing {
        queue: queue.dead_letter(),
        body: given_up.to_string(),
        delay: Duration::ZERO,
        group: String::new(),
    };
    host.queue.send(&[message]).await.unwrap();
    let collected = desk.run(Function::CollectDeadLetters, json!({})).await;
    assert_eq!(collected["DeadLetters"], 2);
    let letters = list_dead(host).await.unwrap();
    let letter = letters.iter().find(|letter| letter.queue == queue.as_str()).unwrap();
    assert!(letter.why.contains("RetryAttemptsExhausted: 1 changes"), "{}", letter.why);
    assert!(letter.why.contains("2026-06-01T08:00:00Z"), "{}", letter.why);
    let done = redrive(&desk.deployment).await.unwrap();
    assert_eq!((done.redriven, done.kept, done.noted), (1, 0, 1));
    assert!(list_dead(host).await.unwrap().is_empty());
    assert!(desk.noted.calls.lock().unwrap().is_empty(), "nobody is called");
}
