//! What the embedded queue tells hosts and operators beside the port.

use std::time::Duration;

use embedded::{DeadLetter, Depth, EmbeddedQueue};
use futures_util::FutureExt;
use ports::{Clock, Queue, Receipt};

use crate::{Fixture, MINUTE, fixture, message, queue_name};

const NOW: Duration = Duration::ZERO;

async fn receive(queue: &EmbeddedQueue, name: &str) -> Vec<(String, Receipt)> {
    let deliveries = queue.receive(&queue_name(name), 10, MINUTE).await.unwrap();
    deliveries.into_iter().map(|delivery| (delivery.body, delivery.receipt)).collect()
}

async fn bodies(queue: &EmbeddedQueue, name: &str) -> Vec<String> {
    receive(queue, name).await.into_iter().map(|(body, _)| body).collect()
}

#[tokio::test]
async fn a_host_learns_until_when_it_may_sleep() {
    let Fixture { file, clock, .. } = &fixture();
    let queue = file.queue();
    assert_eq!(queue.next_due("").unwrap(), None);
    let start = clock.now();
    queue
        .send(&[message("cut-t1", "late", MINUTE * 9), message("cut-t2", "soon", MINUTE * 2)])
        .await
        .unwrap();
    queue.send(&[message("pre-s1", "now", NOW)]).await.unwrap();
    assert_eq!(queue.next_due("cut-").unwrap(), Some(start + MINUTE * 2));
    assert_eq!(queue.next_due("cut-t1").unwrap(), Some(start + MINUTE * 9));
    assert_eq!(queue.next_due("").unwrap(), Some(start));
    assert_eq!(queue.next_due("syn-").unwrap(), None);

    // In flight, a message comes again when its visibility time-out is over.
    assert_eq!(bodies(&queue, "pre-s1").await, ["now"]);
    assert_eq!(queue.next_due("").unwrap(), Some(start + MINUTE));
}

#[tokio::test]
async fn a_host_is_woken_by_what_arrives_after_it_looked() {
    let Fixture { file, .. } = &fixture();
    let queue = file.queue();
    let mut arrivals = queue.arrivals();
    assert_eq!(arrivals.next().now_or_never(), None);
    queue.send(&[message("a", "x", MINUTE)]).await.unwrap();
    assert_eq!(arrivals.next().now_or_never(), Some(()));
    assert_eq!(arrivals.next().now_or_never(), None);
    drop(file.clone());
    assert_eq!(arrivals.next().now_or_never(), None);
}

#[tokio::test]
async fn an_operator_lists_dead_letters_and_moves_them_back() {
    let Fixture { file, clock, .. } = &fixture();
    let queue = file.queue();
    queue.send(&[message("a", "poison", NOW), message("b", "fine", NOW)]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(bodies(&queue, "a").await, ["poison"]);
        clock.advance(MINUTE);
    }
    assert_eq!(bodies(&queue, "a").await, [""; 0]);
    let dead = DeadLetter { body: "poison".to_owned(), group: "C#local".to_owned() };
    assert_eq!(queue.dead_letters(&queue_name("a"), 10).unwrap(), [dead]);
    assert_eq!(queue.dead_letters(&queue_name("b"), 10).unwrap(), []);
    assert_eq!(queue.next_due("a").unwrap(), None, "nobody is woken for dead letters");

    let mut arrivals = queue.arrivals();
    assert_eq!(queue.redrive(&queue_name("a")).await.unwrap(), 1);
    assert_eq!(arrivals.next().now_or_never(), Some(()));
    assert_eq!(queue.dead_letters(&queue_name("a"), 10).unwrap(), []);
    let again = queue.receive(&queue_name("a"), 10, MINUTE).await.unwrap();
    assert_eq!((&*again[0].body, again[0].receive_count), ("poison", 1));
    assert_eq!(queue.redrive(&queue_name("a")).await.unwrap(), 0);
}

#[tokio::test]
async fn depths_tell_what_is_due_what_waits_and_what_a_receiver_has() {
    let Fixture { file, clock, .. } = &fixture();
    let queue = file.queue();
    queue.send(&[message("b", "1", NOW), message("b", "2", MINUTE)]).await.unwrap();
    queue.send(&[message("a", "3", NOW)]).await.unwrap();
    bodies(&queue, "a").await;
    let depth = |queue: &str, due, waiting, in_flight| Depth {
        queue: queue.to_owned(),
        due,
        waiting,
        in_flight,
    };
    assert_eq!(queue.depths().unwrap(), [depth("a", 0, 0, 1), depth("b", 1, 1, 0)]);
    clock.advance(MINUTE);
    assert_eq!(queue.depths().unwrap(), [depth("a", 1, 0, 0), depth("b", 2, 0, 0)]);
}

#[tokio::test]
async fn an_old_receipt_does_nothing_while_a_later_receiver_works() {
    let Fixture { file, clock, .. } = &fixture();
    let (queue, name) = (file.queue(), queue_name("a"));
    queue.send(&[message("a", "x", NOW)]).await.unwrap();
    let (_, old) = receive(&queue, "a").await.remove(0);
    clock.advance(MINUTE);
    receive(&queue, "a").await;
    queue.acknowledge(&name, &old).await.unwrap();
    queue.defer(&name, &old, NOW).await.unwrap();
    assert_eq!(bodies(&queue, "a").await, [""; 0]);
    clock.advance(MINUTE);
    assert_eq!(bodies(&queue, "a").await, ["x"]);
}

#[tokio::test]
async fn a_receipt_of_a_message_that_is_gone_names_no_later_one() {
    let Fixture { file, .. } = &fixture();
    let (queue, name) = (file.queue(), queue_name("a"));
    queue.send(&[message("a", "first", NOW)]).await.unwrap();
    let (_, receipt) = receive(&queue, "a").await.remove(0);
    queue.acknowledge(&name, &receipt).await.unwrap();
    queue.send(&[message("a", "second", NOW)]).await.unwrap();
    let (_, other) = receive(&queue, "a").await.remove(0);
    queue.acknowledge(&name, &receipt).await.unwrap();
    queue.defer(&name, &other, NOW).await.unwrap();
    assert_eq!(bodies(&queue, "a").await, ["second"]);
}

#[tokio::test]
async fn receipts_that_are_none_of_ours_do_nothing() {
    let Fixture { file, .. } = &fixture();
    let (queue, name) = (file.queue(), queue_name("a"));
    queue.send(&[message("a", "x", NOW)]).await.unwrap();
    for text in ["", ".", "1", "1.", "1.x", "-1.1", "99999999999999999999.1", "1.0.0"] {
        queue.acknowledge(&name, &Receipt(text.to_owned())).await.unwrap();
        queue.defer(&name, &Receipt(text.to_owned()), MINUTE).await.unwrap();
    }
    assert_eq!(bodies(&queue, "a").await, ["x"]);
}
