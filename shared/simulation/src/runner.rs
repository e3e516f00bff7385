//! What happens in a world, and when: messages are received, people and operators act, somebody sweeps, faults
//! end, everything comes to rest.

use std::{sync::Arc, time::Duration};

use catalogue::Step;
use conformance::reference::SeededRandom;
use engine::HostIdentity;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use model::{Baton, Stored, UserState};
use ports::{Delivery, Queue, QueueName, Random};

use crate::{
    agenda,
    check::at_rest,
    delivery::{Taken, handled},
    executor::{Executor, Turn, Work},
    fault::{FaultKind, mix},
    fuzz::Garbled,
    planted::steps::MistakenSteps,
    rules,
    stage::Invocation,
    world::{World, drive},
};

/// The visibility time-out of a queue: six times the longest step, as it is advised for SQS.
const VISIBILITY: Duration = Duration::from_mins(30);
/// How often somebody sweeps.
const SWEEP: SignedDuration = SignedDuration::from_mins(10);
/// How often somebody looks at schedules.
const SCHEDULE: SignedDuration = SignedDuration::from_mins(15);
/// Everything rests so long after the last fault.
const BOUND: SignedDuration = SignedDuration::from_hours(72);
/// More turns than any run needs.
const MOST_TURNS: u64 = 3_000_000;
/// More deliveries than any run needs: a seed has 140 on the average. Where a mistake lets batons
/// multiply, each turn would take longer than the one before.
const MOST_HANDLED: u64 = 10_000;
/// After so many ticks people and operators leave everything alone.
const MOST_TICKS: u32 = 40;
/// Invocations beside each other.
const MOST_AT_WORK: usize = 6;

/// Runs a world until everything has come to rest.
pub(crate) struct Runner {
    world: World,
    executor: Executor,
    random: SeededRandom,
    steps: Arc<MistakenSteps>,
    one_machine: bool,
    operator_dies: bool,
    sweeps: bool,
    scheduled: bool,
    garbled: bool,
    incarnation: u64,
    /// Faults end then.
    quiet_from: Timestamp,
    next_tick: Timestamp,
    next_operator: Timestamp,
    next_sweep: Timestamp,
    next_schedule: Timestamp,
    seed: u64,
    handled: u64,
    ticked_at: u64,
    ticks: u32,
    quiet: bool,
    /// Everybody has come to rest, and the verification was asked for.
    verified: bool,
}

impl Runner {
    pub(crate) fn new(seed: u64, world: World) -> Self {
        let stage = Arc::clone(&world.stage);
        let now = stage.now();
        let faults = stage.lock().faults.clone();
        let hours = 1 + mix(seed, 0x40_0125, 0) % 6;
        let scheduled = faults.has(FaultKind::Schedule);
        let hours = if scheduled { hours + 48 } else { hours };
        let garbled = stage.lock().garbled.is_some();
        let hours = if garbled { 1 } else { hours };
        let lasts = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(8));
        Self {
            executor: Executor::new(Arc::clone(&stage)),
            random: SeededRandom::new(mix(seed, 0x5C4ED, 0)),
            steps: Arc::new(MistakenSteps { stage }),
            one_machine: faults.has(FaultKind::OneMachine),
            // No message stands behind a command: one that dies before it sends is for the sweeper.
            operator_dies: faults.has(FaultKind::OperatorDies) && !faults.has(FaultKind::NoSweeper),
            sweeps: !faults.has(FaultKind::NoSweeper),
            scheduled,
            garbled,
            seed,
            next_schedule: now,
            incarnation: 0,
            quiet_from: now + lasts,
            next_tick: now,
            next_operator: now,
            next_sweep: now + SWEEP,
            handled: 0,
            ticked_at: 0,
            ticks: 0,
            quiet: false,
            verified: false,
            world,
        }
    }

    /// Runs it; says how many deliveries were handled.
    pub(crate) fn run(mut self) -> u64 {
        self.world.stage.lock().faults.arm(true);
        rules::bend(&self.world);
        for turn in 0.. {
            if turn > MOST_TURNS || self.handled > MOST_HANDLED {
                self.world.stage.violated("liveness", "the run does not come to rest");
                break;
            }
            let now = self.world.stage.now();
            if !self.quiet && now >= self.quiet_from {
                self.calm_down();
            }
            let bound = if self.garbled { SignedDuration::ZERO } else { BOUND };
            if self.quiet && now > self.quiet_from + bound {
                break;
            }
            self.do_what_is_due(now);
            self.receive();
            match self.executor.turn(&self.random) {
                Turn::Worked => {
                    self.look();
                    continue;
                }
                Turn::Died => {
                    self.look();
                    if self.one_machine {
                        self.restart();
                    }
                    continue;
                }
                Turn::Idle => {}
            }
            if self.at_rest() {
                if self.verified || !self.world.verifies() {
                    break;
                }
                self.verified = true;
                agenda::verify(&self.world);
                continue;
            }
            let next = self.next_event();
            self.world.stage.clock.advance_to(next.max(now + SignedDuration::from_millis(1)));
        }
        self.executor.die_all();
        self.world.stage.lock().faults.arm(false);
        if self.garbled {
            return self.handled;
        }
        let clock = self.world.stage.clock.clone();
        drive(&clock, at_rest(&self.world));
        if self.scheduled {
            crate::schedule::check(&self.world, self.seed, self.quiet_from);
        }
        self.handled
    }

    /// Faults stop, and people leave their mailboxes alone.
    fn calm_down(&mut self) {
        self.quiet = true;
        self.world.stage.note("faults stop");
        self.world.stage.lock().faults.arm(false);
        self.world.simulator.configure(|config| {
            let slow = config.lags.clone();
            *config = simulator::Config::of(simulator::Profile::Calm);
            config.lags = slow;
        });
        if self.scheduled
            && let Err(error) = crate::schedule::clear(&self.world)
        {
            self.world.stage.violated("GEN-2", error.to_string());
        }
    }

    fn do_what_is_due(&mut self, now: Timestamp) {
        if !self.quiet && (now >= self.next_tick || self.handled >= self.ticked_at + 9) {
            self.ticked_at = self.handled;
            self.next_tick = now + seconds(300 + self.random.below(2_400));
            if self.ticks < MOST_TICKS {
                self.ticks += 1;
                agenda::people(&self.world);
                agenda::interference(&mut self.world);
            }
        }
        if now >= self.next_operator {
            self.next_operator = now + seconds(30 + self.random.below(600));
            if self.operator_dies && !self.quiet {
                self.command();
            } else {
                agenda::operator(&self.world);
            }
        }
        if now >= self.next_sweep {
            self.next_sweep = now + SWEEP;
            if self.sweeps {
                self.sweep(engine::STALE_AFTER);
            }
        }
        if self.scheduled && now >= self.next_schedule {
            self.next_schedule = now + SCHEDULE;
            let scope = self.world.scope();
            self.desk("schedule", move |host| {
                Box::pin(async move { crate::schedule::tick(&host, &scope).await.is_ok() })
            });
        }
        if !self.quiet && self.executor.len() > 0 {
            agenda::wave_meanwhile(&self.world);
        }
        self.world.queue.find();
        if self.executor.time_out() > 0 && self.one_machine {
            self.look();
        }
    }

    fn sweep(&mut self, stale: Duration) {
        let scope = self.world.scope();
        self.desk("sweep", move |host| {
            Box::pin(async move {
                engine::sweep(&host, &scope.customer, &scope.project, stale).await.is_ok()
            })
        });
    }

    /// The operator's commands, in a process that meets every fault.
    fn command(&mut self) {
        for request in agenda::wanted(&self.world) {
            self.desk("operator", move |host| {
                Box::pin(async move {
                    let applied = engine::apply(&host, request).await;
                    matches!(applied, Ok(_) | Err(engine::ApplyError::Refused { .. }))
                })
            });
        }
    }

    /// Begins something that no message asks for.
    fn desk(&mut self, what: &str, work: impl FnOnce(engine::Host) -> Work) {
        let number = self.executor.next_number();
        let invocation = self.invocation(number, what, "");
        let deadline = self.world.stage.now() + SignedDuration::from_mins(5);
        let work = work(self.host(number, Some(deadline)));
        self.executor.spawn(invocation, deadline, work);
    }

    /// The machine comes up again.
    fn restart(&mut self) {
        self.executor.die_all();
        self.incarnation += 1;
        self.sweep(Duration::from_secs(1));
    }

    fn host(&self, number: u64, until: Option<Timestamp>) -> engine::Host {
        let mut host = self.world.host.clone();
        let incarnation = if self.one_machine {
            format!("host-{}", self.incarnation)
        } else {
            format!("function-{number}")
        };
        let until = until.filter(|_| !self.one_machine);
        host.identity = HostIdentity { incarnation, sole: self.one_machine, until };
        host
    }

    /// Takes messages that are due, one at a time, from any queue.
    fn receive(&mut self) {
        while self.executor.len() < MOST_AT_WORK {
            let due = self.world.queue.inner.due_now();
            let place = usize::try_from(self.random.below(due.len() as u64)).unwrap_or_default();
            let Some(queue) = due.into_iter().nth(place) else { return };
            let received = self.world.queue.receive(&queue, 1, VISIBILITY).now_or_never();
            let Some(Ok(deliveries)) = received else { return };
            for delivery in deliveries {
                self.begin(&queue, delivery);
            }
        }
    }

    fn begin(&mut self, queue: &QueueName, delivery: Delivery) {
        self.handled += 1;
        let number = self.executor.next_number();
        let invocation = self.invocation(number, queue.as_str(), &delivery.body);
        let now = self.world.stage.now();
        let time = invocation.step.map_or(Duration::from_mins(2), |step| step.spec().timeout);
        let deadline = now + SignedDuration::try_from(time).unwrap_or(SignedDuration::from_mins(5));
        // One machine ends nothing by itself.
        let deadline = if self.one_machine { Timestamp::MAX } else { deadline };
        let delivery = match self.world.stage.garble(Garbled::Messages, delivery.body.as_bytes()) {
            Some(body) => {
                Delivery { body: String::from_utf8_lossy(&body).into_owned(), ..delivery }
            }
            None => delivery,
        };
        let count = delivery.receive_count;
        let job = invocation.job.as_ref().map(ToString::to_string).unwrap_or_default();
        self.world.stage.note(&format!("[{number}] receive {queue} {job} (delivery {count})"));
        let host = self.host(number, Some(deadline));
        let (queues, steps) = (Arc::clone(&self.world.queue), Arc::clone(&self.steps));
        let (queue, stage) = (queue.clone(), Arc::clone(&self.world.stage));
        let store = Arc::clone(&self.world.quiet);
        let work: Work = Box::pin(async move {
            let delivery = Taken { queue, delivery };
            let well = handled(&host, &*queues, &steps, &delivery).await;
            crate::planted::store::flush(&stage, &store).await;
            well
        });
        self.executor.spawn(invocation, deadline, work);
    }

    fn invocation(&self, number: u64, queue: &str, body: &str) -> Invocation {
        let started = self.world.stage.now();
        let mut invocation = Invocation {
            number,
            what: queue.to_owned(),
            step: None,
            user: None,
            job: None,
            notification: None,
            started,
        };
        if let Ok(baton) = Baton::from_bytes(body.as_bytes()) {
            baton.step.id().clone_into(&mut invocation.what);
            if baton.step == Step::NotifyUser {
                let kind = model::EventKind::CutoverComplete;
                let (_, sort) = model::Keys::notification(&baton.user, kind, &baton.job);
                invocation.notification = Some(sort);
            }
            invocation.step = Some(baton.step);
            invocation.user = Some(baton.user.user);
            invocation.job = Some(baton.job);
        } else if let Ok(message) = serde_json::from_str::<serde_json::Value>(body) {
            let sort = message.get("sort").and_then(serde_json::Value::as_str);
            invocation.notification = sort.map(str::to_owned);
        }
        invocation
    }

    /// Looks at both tenants after something changed there.
    fn look(&self) {
        let changed = std::mem::take(&mut self.world.stage.lock().changed);
        if changed {
            self.world.look();
        }
    }

    /// Whether nothing is left to do: everybody is cut over and no message waits.
    fn at_rest(&self) -> bool {
        self.quiet
            && self.executor.len() == 0
            && self.world.queue.inner.next_due("").is_none()
            && self.world.queue.next_found().is_none()
            && self.world.people.iter().all(|person| {
                self.world
                    .user(person)
                    .is_some_and(|user| user.state == UserState::Complete && user.job.is_none())
            })
    }

    fn next_event(&self) -> Timestamp {
        let room = self.executor.len() < MOST_AT_WORK;
        let mut next = vec![self.next_operator, self.next_sweep];
        next.extend(self.scheduled.then_some(self.next_schedule));
        next.extend((!self.quiet).then_some(self.next_tick));
        next.extend((!self.quiet).then_some(self.quiet_from));
        next.extend(self.world.stage.clock.next_deadline());
        next.extend(self.world.queue.inner.next_due("").filter(|_| room));
        next.extend(self.world.queue.next_found());
        next.extend(self.executor.next_deadline());
        next.into_iter().min().unwrap_or(self.next_operator)
    }
}

fn seconds(count: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(count).unwrap_or(60))
}
