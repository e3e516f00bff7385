//! The host loop: receives from every queue, runs steps with bounded workers, wakes on a send, fires
//! schedules, sweeps, and stops where it is safe.
//!
//! Everything that it knows is in the database. Killed at any point it goes on when started again:
//! messages that were in flight are delivered again, wave runs go on at their cursor.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use catalogue::CATALOGUE;
use control::{Scope, waves};
use embedded::EmbeddedQueue;
use engine::{Host, Steps, Verdict, notify::NOTIFICATION_QUEUE};
use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use ports::{Delivery, MAX_BATCH, MAX_DELAY, Outgoing, Queue, QueueError, QueueName};

use crate::{
    failure::Failure,
    session::Session,
    standing::{Ended, Standing, Until},
};

/// How long a delivery is hidden: longer than the longest step may take.
const VISIBILITY: Duration = Duration::from_mins(10);
/// How often schedules are looked at.
const TICK: Duration = Duration::from_secs(10);
/// How often jobs that do not move are looked for.
const SWEEP: SignedDuration = SignedDuration::from_mins(5);
/// How often progress is reported.
pub(crate) const REPORT: Duration = Duration::from_millis(500);
/// The shortest pause: a message may be due that this loop does not receive.
const SHORTEST: Duration = Duration::from_millis(20);
/// A message that waits long is sent anew after so many receives: half of those that a queue allows.
const RENEWED_AFTER: u32 = 10;
/// After a failed engine call the message comes again after so long.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The future of one message in hand.
type InHand<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A look at all queues, under way.
type Receiving =
    Pin<Box<dyn Future<Output = Result<Vec<(QueueName, Delivery)>, QueueError>> + Send>>;

/// The loop.
pub(crate) struct Runner<'s> {
    session: &'s Session,
    host: &'s Host,
    queue: &'s Arc<EmbeddedQueue>,
    scope: Scope,
    steps: &'s dyn Steps,
    workers: usize,
    queues: Vec<QueueName>,
    handled: u64,
}

impl<'s> Runner<'s> {
    /// A loop over the queues of a session and its open database.
    pub(crate) fn new(
        session: &'s Session,
        queue: &'s Arc<EmbeddedQueue>,
        steps: &'s dyn Steps,
    ) -> Result<Self, Failure> {
        let names = CATALOGUE.iter().map(catalogue::StepSpec::queue);
        let mut queues = Vec::new();
        for name in names.chain([NOTIFICATION_QUEUE.to_owned()]) {
            queues.push(QueueName::parse(&name)?);
        }
        Ok(Self {
            session,
            host: &session.host,
            queue,
            scope: session.scope(),
            steps,
            workers: session.workers,
            queues,
            handled: 0,
        })
    }

    /// Runs until `until`, telling `watch` where the work stands.
    pub(crate) async fn run(
        &mut self,
        until: &Until,
        mut watch: impl FnMut(&Standing),
    ) -> Result<Ended, Failure> {
        for run in waves::pending_runs(self.host, &self.scope).await? {
            waves::expand(self.host, &self.scope, &run).await?;
        }
        self.sweep(Duration::from_secs(1)).await?;
        let mut interrupt = Box::pin(interrupted());
        let mut arrivals = self.queue.arrivals();
        let mut in_hand: FuturesUnordered<InHand<'s>> = FuturesUnordered::new();
        let mut receiving: Option<Receiving> = None;
        // Whether something may be there to be received.
        let mut look = true;
        let mut stopping = false;
        let mut next_tick = self.host.clock.now();
        let mut next_sweep = next_tick + SWEEP;
        let mut next_report = next_tick;
        loop {
            let now = self.host.clock.now();
            if !stopping && now >= next_tick {
                self.tick(now).await?;
                next_tick = after(now, TICK);
            }
            if !stopping && now >= next_sweep {
                self.sweep(engine::STALE_AFTER).await?;
                next_sweep = now + SWEEP;
            }
            let room = self.workers.saturating_sub(in_hand.len());
            if look && !stopping && room > 0 && receiving.is_none() {
                receiving = Some(self.receive(room));
                look = false;
            }
            let idle = in_hand.is_empty() && receiving.is_none();
            if now >= next_report || idle {
                let standing = self.standing(until).await?;
                watch(&standing);
                next_report = self.next_report(now);
                if idle && !stopping && standing.is_over(self.session, until).await? {
                    // What the end of the work raises, a wave's report, is told before the end.
                    if waves::tell(self.host, &self.scope).await? == 0 {
                        return Ok(Ended::Done);
                    }
                }
            }
            if stopping && idle {
                return Ok(Ended::Interrupted);
            }
            let at_latest = if idle { next_tick } else { next_tick.min(next_report) };
            let (pause, then_look) = self.pause(now, at_latest, look)?;
            let sleep = self.host.clock.sleep(pause);
            tokio::select! {
                Some(()) = in_hand.next() => {
                    self.handled += 1;
                    // The last look may have left some for want of room.
                    look |= room == 0;
                }
                received = received(&mut receiving), if receiving.is_some() => {
                    receiving = None;
                    for (queue, delivery) in received? {
                        // There may be more where this one came from.
                        look = true;
                        let queues = Arc::clone(self.queue);
                        let work = handle(self.host, queues, self.steps, queue, delivery);
                        in_hand.push(Box::pin(tenant::counted(work)));
                    }
                }
                () = arrivals.next(), if !look => look = true,
                () = sleep => look |= then_look,
                () = &mut interrupt, if !stopping => stopping = true,
            }
        }
    }

    /// Takes what is due, at most `room`, from each queue in turn. It runs beside the work in hand.
    fn receive(&mut self, room: usize) -> Receiving {
        // Another queue is first each time, so that a full one does not starve the others.
        self.queues.rotate_left(1);
        let (queue, names) = (Arc::clone(self.queue), self.queues.clone());
        Box::pin(async move {
            let mut received = Vec::new();
            for name in names {
                let room = room.saturating_sub(received.len()).min(MAX_BATCH);
                if room == 0 {
                    break;
                }
                let deliveries = queue.receive(&name, room, VISIBILITY).await?;
                received.extend(deliveries.into_iter().map(|delivery| (name.clone(), delivery)));
            }
            Ok(received)
        })
    }

    /// Progress is looked at twice a second, and less often where that look itself takes long.
    fn next_report(&self, began: Timestamp) -> Timestamp {
        let now = self.host.clock.now();
        let took = Duration::try_from(now.duration_since(began)).unwrap_or_default();
        after(now, REPORT.max(took.saturating_mul(20)))
    }

    async fn tick(&self, now: Timestamp) -> Result<(), Failure> {
        for fired in waves::tick(self.host, &self.scope, now).await? {
            tracing::info!(wave = %fired.wave, action = %fired.action, planned = %fired.planned, "fired");
        }
        for run in waves::pending_runs(self.host, &self.scope).await? {
            waves::expand(self.host, &self.scope, &run).await?;
        }
        waves::tell(self.host, &self.scope).await?;
        Ok(())
    }

    async fn sweep(&self, stale: Duration) -> Result<(), Failure> {
        let sent =
            engine::sweep(self.host, &self.scope.customer, &self.scope.project, stale).await?;
        if sent > 0 {
            tracing::debug!(sent, "swept");
        }
        Ok(())
    }

    async fn standing(&self, until: &Until) -> Result<Standing, Failure> {
        let standing = Standing::of(self.session, until).await?;
        Ok(Standing { handled: self.handled, ..standing })
    }

    /// How long until there is something to do, and whether that is a message that becomes due.
    fn pause(
        &self,
        now: Timestamp,
        until: Timestamp,
        looking: bool,
    ) -> Result<(Duration, bool), Failure> {
        let due = if looking { None } else { self.queue.next_due("")? };
        let due = due.map(|due| due.max(after(now, SHORTEST)));
        let then_look = due.is_some_and(|due| due <= until);
        let until = due.map_or(until, |due| due.min(until));
        let pause = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Ok((pause, then_look))
    }
}

/// Handles one delivery, and says to the queue what became of it.
async fn handle(
    host: &Host,
    queue: Arc<EmbeddedQueue>,
    steps: &dyn Steps,
    name: QueueName,
    delivery: Delivery,
) {
    let verdict = if name.as_str() == NOTIFICATION_QUEUE {
        engine::notify::handle_notification(host, &delivery.body).await
    } else {
        engine::handle(host, steps, &delivery.body).await
    };
    let verdict = verdict.unwrap_or_else(|error| {
        tracing::warn!(queue = %name, %error, "a message could not be handled; it comes again");
        Verdict::Defer(AFTER_FAILURE)
    });
    let answered = match verdict {
        Verdict::Acknowledge => queue.acknowledge(&name, &delivery.receipt).await,
        // A long wait is no failure, and must not use up a message's receives.
        Verdict::Defer(pause) if pause > MAX_DELAY && delivery.receive_count >= RENEWED_AFTER => {
            let (delay, group, body) = (MAX_DELAY, String::new(), delivery.body.clone());
            match queue.send(&[Outgoing { queue: name.clone(), body, delay, group }]).await {
                Ok(()) => queue.acknowledge(&name, &delivery.receipt).await,
                Err(error) => Err(error),
            }
        }
        Verdict::Defer(pause) => queue.defer(&name, &delivery.receipt, pause).await,
        Verdict::Poison(why) => {
            tracing::error!(queue = %name, why, "a message can never be handled; it is kept apart");
            let dead = Outgoing {
                queue: name.dead_letter(),
                body: delivery.body,
                delay: Duration::ZERO,
                group: String::new(),
            };
            match queue.send(&[dead]).await {
                Ok(()) => queue.acknowledge(&name, &delivery.receipt).await,
                Err(error) => Err(error),
            }
        }
    };
    if let Err(error) = answered {
        // It stays invisible for a while and is then delivered again.
        tracing::warn!(queue = %name, %error, "the queue could not be told");
    }
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// The outcome of the look that is under way; never ready without one.
async fn received(
    receiving: &mut Option<Receiving>,
) -> Result<Vec<(QueueName, Delivery)>, QueueError> {
    match receiving {
        Some(receiving) => receiving.await,
        None => std::future::pending().await,
    }
}

/// Ready at the first Ctrl-C; a second one ends the process at once, as ever.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
