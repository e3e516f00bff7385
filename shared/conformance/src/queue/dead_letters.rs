//! Clauses about messages that were received too often.

use super::{Bench, MINUTE, VISIBILITY, a};
use crate::verdict::{Verdict, ensure_eq};

/// Receives the one message as often as it is delivered.
async fn exhaust(bench: &Bench) -> Verdict {
    for expected in 1..=bench.max_receives {
        let delivery = bench.one(MINUTE).await?;
        ensure_eq!(delivery.receive_count, expected, "the receive count");
        (bench.advance)(MINUTE);
    }
    Ok(())
}

pub(super) async fn after_max(bench: Bench) -> Verdict {
    bench.send(&["poison"]).await?;
    exhaust(&bench).await?;
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages of the queue");
    let dead = bench.drain(&a()?.dead_letter(), VISIBILITY).await?;
    let dead: Vec<_> = dead.iter().map(|delivery| &*delivery.body).collect();
    ensure_eq!(dead, ["poison"], "the dead letters");
    Ok(())
}

pub(super) async fn stays(bench: Bench) -> Verdict {
    bench.send(&["poison"]).await?;
    exhaust(&bench).await?;
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages of the queue");
    let dead = a()?.dead_letter();
    for _ in 0..bench.max_receives + 2 {
        let found = bench.drain(&dead, MINUTE).await?;
        ensure_eq!(found.len(), 1, "the count of dead letters");
        (bench.advance)(MINUTE);
    }
    for delivery in bench.drain(&dead, MINUTE).await? {
        let acknowledged = bench.queue.acknowledge(&dead, &delivery.receipt).await;
        acknowledged.map_err(crate::verdict::unexpected)?;
    }
    (bench.advance)(MINUTE);
    ensure_eq!(bench.drain(&dead, MINUTE).await?, [], "the dead letters after acknowledging");
    Ok(())
}

pub(super) async fn out_of_the_way(bench: Bench) -> Verdict {
    let poison: Vec<String> = (0..10).map(|number| format!("poison {number}")).collect();
    bench.send(&poison.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for _ in 0..bench.max_receives {
        bench.drain(&a()?, MINUTE).await?;
        (bench.advance)(MINUTE);
    }
    bench.send(&["fine"]).await?;
    ensure_eq!(bench.bodies().await?, ["fine"], "the messages of the queue");
    Ok(())
}
