//! Clauses about the limits of a send, a receive and a deferral.

use std::time::Duration;

use ports::{MAX_BATCH, MAX_BODY_BYTES, MAX_DELAY, MAX_GROUP_BYTES, MAX_VISIBILITY, Outgoing};

use super::{Bench, MINUTE, SECOND, VISIBILITY, a, just_before, message, refused};
use crate::verdict::{Verdict, ensure_eq, unexpected};

pub(super) async fn send_count(bench: Bench) -> Verdict {
    let messages = vec![message(a()?, "x", Duration::ZERO); MAX_BATCH + 1];
    refused(bench.queue.send(&messages).await)?;
    refused(bench.queue.send(&[]).await)
}

pub(super) async fn receive_count(bench: Bench) -> Verdict {
    refused(bench.queue.receive(&a()?, MAX_BATCH + 1, VISIBILITY).await)?;
    refused(bench.queue.receive(&a()?, 0, VISIBILITY).await)
}

pub(super) async fn delay(bench: Bench) -> Verdict {
    refused(bench.queue.send(&[message(a()?, "x", MAX_DELAY + SECOND)]).await)?;
    bench.send_after("x", MAX_DELAY).await?;
    (bench.advance)(just_before(MAX_DELAY));
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages a second before its time");
    (bench.advance)(SECOND);
    ensure_eq!(bench.bodies().await?, ["x"], "the messages after the longest delay");
    Ok(())
}

pub(super) async fn visibility(bench: Bench) -> Verdict {
    bench.send(&["x"]).await?;
    refused(bench.queue.receive(&a()?, 1, MAX_VISIBILITY + SECOND).await)?;
    let delivery = bench.one(MAX_VISIBILITY).await?;
    refused(bench.queue.defer(&a()?, &delivery.receipt, MAX_VISIBILITY + SECOND).await)?;
    (bench.advance)(just_before(MAX_VISIBILITY));
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages a second before its time");
    (bench.advance)(SECOND);
    let delivery = bench.one(MINUTE).await?;
    bench.defer(&delivery, MAX_VISIBILITY).await?;
    (bench.advance)(just_before(MAX_VISIBILITY));
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages a second before the deferral's end");
    (bench.advance)(SECOND);
    ensure_eq!(bench.bodies().await?, ["x"], "the messages after the longest deferral");
    Ok(())
}

pub(super) async fn body(bench: Bench) -> Verdict {
    let largest = "m".repeat(MAX_BODY_BYTES);
    bench.send(&[&largest]).await?;
    ensure_eq!(bench.one(VISIBILITY).await?.body.len(), MAX_BODY_BYTES, "the length of the body");
    refused(bench.queue.send(&[message(a()?, &(largest + "m"), Duration::ZERO)]).await)
}

pub(super) async fn characters(bench: Bench) -> Verdict {
    for body in ["", "a\u{0}", "\u{1B}[31m", "\u{FFFE}"] {
        refused(bench.queue.send(&[message(a()?, body, Duration::ZERO)]).await)?;
    }
    bench.send(&["\t\r\n \u{7F}\u{E000}\u{10FFFF}"]).await?;
    let body = bench.one(VISIBILITY).await?.body;
    ensure_eq!(body, "\t\r\n \u{7F}\u{E000}\u{10FFFF}", "the body");
    Ok(())
}

pub(super) async fn group(bench: Bench) -> Verdict {
    let grouped = |group: &str| {
        a().map(|queue| Outgoing { group: group.to_owned(), ..message(queue, "x", Duration::ZERO) })
    };
    let longest = "g".repeat(MAX_GROUP_BYTES);
    for group in ["two words", "Zo\u{EB}", &format!("{longest}g")] {
        refused(bench.queue.send(&[grouped(group)?]).await)?;
    }
    for group in ["", &longest] {
        bench.queue.send(&[grouped(group)?]).await.map_err(unexpected)?;
        bench.acknowledge(&bench.one(VISIBILITY).await?).await?;
    }
    Ok(())
}

pub(super) async fn refused_wholly(bench: Bench) -> Verdict {
    let fine = message(a()?, "fine", Duration::ZERO);
    let late = message(a()?, "too late", MAX_DELAY + SECOND);
    refused(bench.queue.send(&[fine.clone(), late]).await)?;
    refused(bench.queue.send(&vec![fine.clone(); MAX_BATCH + 1]).await)?;
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages after refused sends");
    bench.queue.send(&[fine]).await.map_err(unexpected)
}
