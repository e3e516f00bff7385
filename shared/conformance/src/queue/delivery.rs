//! Clauses about what is delivered, when, and how often.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::try_join_all;
use ports::MAX_BATCH;

use super::{Bench, MINUTE, QUEUES, SECOND, VISIBILITY, a, just_before, message, name};
use crate::verdict::{Verdict, ensure, ensure_eq, unexpected};

pub(super) async fn nothing(bench: Bench) -> Verdict {
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages of an empty queue");
    Ok(())
}

pub(super) async fn as_sent(bench: Bench) -> Verdict {
    for body in ["x", "{\"user\":\"Zoë\"}\n\t\\", "😀 «mañana»"] {
        bench.send(&[body]).await?;
        let delivery = bench.one(VISIBILITY).await?;
        ensure_eq!(delivery.body, body, "the body");
        ensure_eq!(delivery.receive_count, 1, "the receive count");
        bench.acknowledge(&delivery).await?;
    }
    Ok(())
}

pub(super) async fn at_most_max(bench: Bench) -> Verdict {
    bench.send(&["1", "2", "3", "4", "5"]).await?;
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let batch = bench.queue.receive(&a()?, 2, VISIBILITY).await.map_err(unexpected)?;
        ensure!(batch.len() <= 2, "2 messages were asked for, found {}", batch.len());
        seen.extend(batch.into_iter().map(|delivery| delivery.body));
    }
    ensure_eq!(seen.len(), 5, "the count of the messages received");
    Ok(())
}

pub(super) async fn batches(bench: Bench) -> Verdict {
    let bodies: Vec<String> = (0..MAX_BATCH * 3).map(|number| format!("{number:02}")).collect();
    let texts: Vec<&str> = bodies.iter().map(String::as_str).collect();
    for batch in texts.chunks(MAX_BATCH) {
        bench.send(batch).await?;
    }
    ensure_eq!(bench.bodies().await?, bodies, "the messages received");
    Ok(())
}

pub(super) async fn delays(bench: Bench) -> Verdict {
    bench.send_after("late", MINUTE).await?;
    bench.send_after("soon", SECOND).await?;
    bench.send(&["now"]).await?;
    ensure_eq!(bench.bodies().await?, ["now"], "the messages due at once");
    (bench.advance)(SECOND);
    ensure_eq!(bench.bodies().await?, ["soon"], "the messages due after a second");
    (bench.advance)(SECOND * 58);
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages due a second before the minute");
    (bench.advance)(SECOND);
    ensure_eq!(bench.bodies().await?, ["late"], "the messages due after a minute");
    Ok(())
}

pub(super) async fn visibility(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    bench.one(MINUTE).await?;
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages while it is hidden");
    (bench.advance)(just_before(MINUTE));
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages a second before its time");
    (bench.advance)(SECOND);
    ensure_eq!(bench.bodies().await?, ["x"], "the messages after the time-out");
    Ok(())
}

pub(super) async fn counts(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let mut receipts = BTreeSet::new();
    for expected in 1..=bench.max_receives.min(4) {
        let delivery = bench.one(MINUTE).await?;
        ensure_eq!(delivery.receive_count, expected, "the receive count");
        ensure!(receipts.insert(delivery.receipt.0), "two deliveries have one receipt");
        (bench.advance)(MINUTE);
    }
    Ok(())
}

pub(super) async fn side_by_side(bench: Bench) -> Verdict {
    let mut sent = BTreeSet::new();
    for batch in 0..5 {
        let bodies: Vec<String> = (0..10).map(|number| format!("{batch}{number}")).collect();
        bench.send(&bodies.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        sent.extend(bodies);
    }
    let queue = a()?;
    let received = try_join_all((0..7).map(|_| bench.drain(&queue, VISIBILITY))).await?;
    let received: Vec<_> = received.into_iter().flatten().map(|delivery| delivery.body).collect();
    ensure_eq!(received.len(), sent.len(), "the count of deliveries");
    ensure_eq!(received.into_iter().collect::<BTreeSet<_>>(), sent, "the messages received");
    Ok(())
}

pub(super) async fn acknowledged(bench: Bench) -> Verdict {
    bench.send(&["gone", "there"]).await?;
    let delivered = bench.receive_by_body(MINUTE).await?;
    let gone = delivered.get("gone").ok_or("`gone` was not delivered")?;
    bench.acknowledge(gone).await?;
    (bench.advance)(MINUTE);
    ensure_eq!(bench.bodies().await?, ["there"], "the messages after the time-out");
    Ok(())
}

pub(super) async fn acknowledged_twice(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let delivery = bench.one(MINUTE).await?;
    bench.acknowledge(&delivery).await?;
    bench.send(&["y"]).await?;
    bench.acknowledge(&delivery).await?;
    ensure_eq!(bench.bodies().await?, ["y"], "the messages after the second acknowledgement");
    Ok(())
}

pub(super) async fn acknowledged_late(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let delivery = bench.one(MINUTE).await?;
    (bench.advance)(MINUTE * 2);
    bench.acknowledge(&delivery).await?;
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages");
    Ok(())
}

pub(super) async fn old_receipts(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let first = bench.one(MINUTE).await?;
    (bench.advance)(MINUTE);
    let second = bench.one(MINUTE).await?;
    ensure_eq!(second.receive_count, 2, "the receive count");
    bench.defer(&first, MINUTE * 2).await?;
    bench.acknowledge(&first).await?;
    bench.acknowledge(&second).await?;
    (bench.advance)(MINUTE * 3);
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages after the latest acknowledgement");
    Ok(())
}

pub(super) async fn deferred(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let delivery = bench.one(MINUTE).await?;
    bench.defer(&delivery, MINUTE * 10).await?;
    (bench.advance)(just_before(MINUTE * 10));
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages a second before its time");
    (bench.advance)(SECOND);
    let again = bench.one(MINUTE).await?;
    ensure_eq!(again.body, "x", "the body");
    ensure_eq!(again.receive_count, 2, "the receive count");
    Ok(())
}

pub(super) async fn deferred_both_ways(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let delivery = bench.one(VISIBILITY).await?;
    bench.defer(&delivery, SECOND).await?;
    (bench.advance)(SECOND);
    let delivery = bench.one(MINUTE).await?;
    bench.defer(&delivery, MINUTE * 60).await?;
    bench.defer(&delivery, MINUTE * 30).await?;
    (bench.advance)(MINUTE * 30);
    ensure_eq!(bench.bodies().await?, ["x"], "the messages after half an hour");
    Ok(())
}

pub(super) async fn deferred_gone(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    let delivery = bench.one(MINUTE).await?;
    bench.acknowledge(&delivery).await?;
    bench.defer(&delivery, Duration::ZERO).await?;
    (bench.advance)(MINUTE * 2);
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages");
    Ok(())
}

pub(super) async fn isolated(bench: Bench) -> Verdict {
    let other = name(QUEUES[1])?;
    let sent = [message(other.clone(), "b", Duration::ZERO), message(a()?, "a", Duration::ZERO)];
    bench.queue.send(&sent).await.map_err(unexpected)?;
    ensure_eq!(bench.bodies().await?, ["a"], "the messages of the first queue");
    let found = bench.drain(&other, VISIBILITY).await?;
    let found: Vec<_> = found.iter().map(|delivery| &*delivery.body).collect();
    ensure_eq!(found, ["b"], "the messages of the second queue");
    Ok(())
}

pub(super) async fn groups(bench: Bench) -> Verdict {
    for (group, bodies) in [("c1", ["1a", "1b", "1c"]), ("c2", ["2a", "2b", "2c"])] {
        for body in bodies {
            let mut message = message(a()?, body, Duration::ZERO);
            group.clone_into(&mut message.group);
            bench.queue.send(&[message]).await.map_err(unexpected)?;
        }
    }
    let expected = ["1a", "1b", "1c", "2a", "2b", "2c"];
    ensure_eq!(bench.bodies().await?, expected, "the messages of both groups");
    Ok(())
}
