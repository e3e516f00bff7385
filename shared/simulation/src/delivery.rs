//! One delivery, handled as a host handles it.

use std::time::Duration;

use engine::{Verdict, handle, notify};
use model::{Baton, Stored};
use ports::{Delivery, Outgoing, Queue, QueueName};

use crate::planted::{Bug, steps::MistakenSteps};

/// A delivery and its queue.
pub(crate) struct Taken {
    pub(crate) queue: QueueName,
    pub(crate) delivery: Delivery,
}

/// Handles one delivery as a host does. `false`: it comes again after its visibility time-out.
pub(crate) async fn handled(
    host: &engine::Host,
    queues: &dyn Queue,
    steps: &MistakenSteps,
    taken: &Taken,
) -> bool {
    let Taken { queue, delivery } = taken;
    let receipt = &delivery.receipt;
    let bug = steps.stage.lock().bug;
    if bug == Some(Bug::AcknowledgedFirst) && queues.acknowledge(queue, receipt).await.is_err() {
        return false;
    }
    if bug == Some(Bug::NoResendOnReplay) && stale(host, &delivery.body).await {
        return queues.acknowledge(queue, receipt).await.is_ok();
    }
    let verdict = if queue.as_str() == notify::NOTIFICATION_QUEUE {
        notify::handle_notification(host, &delivery.body).await
    } else {
        handle(host, steps, &delivery.body).await
    };
    let told = match verdict {
        Ok(Verdict::Acknowledge) => queues.acknowledge(queue, receipt).await,
        Ok(Verdict::Defer(delay)) => queues.defer(queue, receipt, delay).await,
        Ok(Verdict::Poison(why)) => {
            if steps.stage.lock().garbled.is_none() {
                steps.stage.violated("ERR-4", format!("a message could not be read: {why}"));
            }
            let dead = Outgoing {
                queue: queue.dead_letter(),
                body: delivery.body.clone(),
                delay: Duration::ZERO,
                group: String::new(),
            };
            queues.send(&[dead]).await
        }
        Err(error) => {
            steps.stage.note(&format!("failed: {error}"));
            // Whether or not the queue hears it, the message comes again.
            let _deferred = queues.defer(queue, receipt, Duration::from_secs(30)).await;
            return false;
        }
    };
    told.is_ok()
}

/// Whether a baton asks for a step that is behind its job.
async fn stale(host: &engine::Host, body: &str) -> bool {
    let Ok(baton) = Baton::from_bytes(body.as_bytes()) else { return false };
    let branch = model::Branch::named_by(&baton.job);
    let job = engine::records::load_job(&*host.store, &baton.user, branch).await;
    job.ok().flatten().is_some_and(|job| job.value.step() != Some(baton.step))
}
