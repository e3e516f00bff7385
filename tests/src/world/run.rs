//! Time and messages: nothing happens that the story does not let happen.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_trait::async_trait;
use catalogue::Step;
use control::{
    Selection, discover, match_users,
    scripts::{self, Draft},
    store_project,
};
use dispatch::AllSteps;
use engine::{Apply, ApplyError, Host, Verdict, apply, handle, notify, records::queue_of};
use jiff::Timestamp;
use model::{Action, ScriptKind, User, UserKey, UserState};
use ports::{Change, CommitError, Key, Page, Query, Queue, QueueName, Record, Store, StoreError};

use super::World;

/// The visibility time-out of a story's queue.
const VISIBILITY: Duration = Duration::from_mins(10);
/// More handled messages than any story needs: a story that passes it does not end by itself.
const MOST_MESSAGES: usize = 200_000;

/// Notes that something asked to be polled again.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future to its end, moving the clock whenever everything sleeps.
#[expect(clippy::panic, reason = "a future that waits for nothing would hang the test")]
pub async fn drive<F: Future>(world: &World, future: F) -> F::Output {
    // One poll here may do the work of a whole story, so it must not be cut short as unfair.
    let mut future = std::pin::pin!(tokio::task::unconstrained(future));
    // Nobody else is there to wake it: it is asked again when it has yielded, and after each move of
    // the clock.
    let asked = Arc::new(Asked::default());
    let waker = Waker::from(Arc::clone(&asked));
    let mut context = Context::from_waker(&waker);
    loop {
        asked.0.store(false, Ordering::Relaxed);
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        match ports::Clock::now(&world.clock) {
            _ if asked.0.load(Ordering::Relaxed) => {}
            now if world.clock.next_deadline().is_some_and(|at| at >= now) => {
                if let Some(at) = world.clock.next_deadline() {
                    world.clock.advance_to(at);
                }
            }
            _ => panic!("the future waits, and nothing in this world will wake it"),
        }
    }
}

/// A store whose every call lets the others go first, so that what runs at the same time meets in
/// the middle of what it does.
struct Yielding(Arc<dyn Store>);

#[async_trait]
impl Store for Yielding {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        yield_once().await;
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        yield_once().await;
        self.0.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        yield_once().await;
        self.0.commit(changes).await
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl World {
    /// Stores the project, discovers everybody, and puts them into the wave `one`.
    #[expect(clippy::expect_used, reason = "a story fails where its set-up fails")]
    pub async fn discover(&self) {
        store_project(&self.host, &self.project).await.expect("the project is stored");
        if let Some(text) = &self.mapping {
            let draft = Draft::new(ScriptKind::Mapping, "story.rhai", text);
            scripts::publish(&self.host, &self.project, &draft, "the story")
                .await
                .expect("publish");
        }
        let found = drive(self, discover(&self.host, &self.project, None, |_seen| {})).await;
        found.expect("discovery");
    }

    /// Matches everybody.
    #[expect(clippy::expect_used, reason = "a story fails where its set-up fails")]
    pub async fn match_all(&self) -> control::Matched {
        let everybody = Selection::everybody();
        let matched = drive(self, match_users(&self.host, &self.project, &everybody)).await;
        matched.expect("matching")
    }

    /// Everybody, in the order of their ids.
    #[expect(clippy::expect_used, reason = "a story fails where the store fails")]
    pub async fn users(&self) -> Vec<User> {
        let users = self.scope().users(&self.host).await.expect("the users");
        users.into_iter().map(|user| user.value).collect()
    }

    /// A user as it stands now.
    #[expect(clippy::expect_used, reason = "a story fails where the store fails")]
    pub async fn user(&self, user: &User) -> User {
        let key = self.key(user);
        engine::records::load_user(&*self.host.store, &key).await.expect("the user").value
    }

    /// A user's key.
    pub fn key(&self, user: &User) -> UserKey {
        self.scope().user(&user.id)
    }

    /// Applies an action to one user.
    pub async fn apply(&self, user: &User, action: Action) -> Result<UserState, ApplyError> {
        self.apply_as(user, action, false).await
    }

    /// Applies an action, forced or not.
    pub async fn apply_as(
        &self,
        user: &User,
        action: Action,
        force: bool,
    ) -> Result<UserState, ApplyError> {
        let request = Apply { user: self.key(user), action, force, reset_to: None };
        drive(self, apply(&self.host, request)).await.map(|applied| applied.state)
    }

    /// Applies an action to users and lets everything come to rest.
    #[expect(clippy::expect_used, reason = "a story that is refused says so by itself")]
    pub async fn perform(&self, users: &[User], action: Action) {
        for user in users {
            self.apply(user, action).await.expect("the action is accepted");
        }
        self.settle().await;
    }

    /// Handles messages, moving the clock to the next one each time, until none is left.
    #[expect(clippy::panic, reason = "a story that does not end is a fault")]
    pub async fn settle(&self) {
        for _ in 0..MOST_MESSAGES {
            if !self.advance_one().await {
                return;
            }
        }
        panic!("the story does not come to rest");
    }

    /// Handles messages until one of this step is due; it stays in the queue. `false`: none came.
    pub async fn settle_before(&self, step: Step) -> bool {
        for _ in 0..MOST_MESSAGES {
            let Some(due) = self.queue.next_due("") else { return false };
            self.wait_until(due);
            let Some(queue) = self.due_queue() else { continue };
            if queue_of(step).is_ok_and(|name| name == queue) {
                return true;
            }
            self.handle_from(&queue).await;
        }
        false
    }

    /// Handles the next message, moving the clock to it. `false`: there is none.
    pub async fn advance_one(&self) -> bool {
        let Some(due) = self.queue.next_due("") else { return false };
        self.wait_until(due);
        if let Some(queue) = self.due_queue() {
            self.handle_from(&queue).await;
        }
        true
    }

    /// Handles every message of a step at the same time: after each look into the store the others
    /// go first.
    #[expect(clippy::expect_used, reason = "the models of store and queue do not fail")]
    pub async fn handle_together(&self, step: Step) {
        let queue = queue_of(step).expect("the step's queue");
        let store = Arc::clone(&self.host.store);
        let host = Host { store: Arc::new(Yielding(store)), ..self.host.clone() };
        let mut received = Vec::new();
        loop {
            let some = self.queue.receive(&queue, 10, VISIBILITY).await.expect("receive");
            if some.is_empty() {
                break;
            }
            received.extend(some);
        }
        let all = received.iter().map(|delivery| handle(&host, &AllSteps, &delivery.body));
        let verdicts = drive(self, futures_util::future::join_all(all)).await;
        for (delivery, verdict) in received.iter().zip(verdicts) {
            let receipt = &delivery.receipt;
            match verdict.expect("the engine") {
                Verdict::Acknowledge => self.queue.acknowledge(&queue, receipt).await,
                Verdict::Defer(delay) => self.queue.defer(&queue, receipt, delay).await,
                Verdict::Poison(why) => unexpected(&why),
            }
            .expect("the queue");
        }
    }

    /// A host like this world's, over the same store and queue: each of its looks into the store lets
    /// others go first.
    pub fn another_host(&self, incarnation: &str) -> Host {
        let store = Arc::new(Yielding(Arc::clone(&self.host.store)));
        let incarnation = incarnation.to_owned();
        let identity = engine::HostIdentity { incarnation, sole: false, until: None };
        Host { store, identity, ..self.host.clone() }
    }

    /// Handles everything there is on several hosts: every baton comes to all of them at the same time,
    /// so that they fight over every step. Those that come again, as a fight leaves some, come to one.
    /// A message is removed once all are done with it.
    #[expect(clippy::expect_used, reason = "the models of store and queue do not fail")]
    pub async fn settle_on(&self, hosts: &[Host]) {
        let mut fought = std::collections::BTreeSet::new();
        for number in 0..MOST_MESSAGES {
            let Some(due) = self.queue.next_due("") else { return };
            self.wait_until(due);
            let Some(queue) = self.due_queue() else { continue };
            for delivery in self.queue.receive(&queue, 1, VISIBILITY).await.expect("receive") {
                let first = fought.insert(delivery.body.clone());
                let alone = number % hosts.len().max(1);
                let takers = hosts.iter().enumerate().filter(|(place, _)| first || *place == alone);
                let all = takers.map(|(_, host)| on(host, &queue, &delivery.body));
                let verdicts = drive(self, futures_util::future::join_all(all)).await;
                let mut pause = None;
                for verdict in verdicts {
                    match verdict.expect("the engine") {
                        Verdict::Acknowledge => {}
                        Verdict::Defer(delay) => pause = pause.max(Some(delay)),
                        Verdict::Poison(why) => unexpected(&why),
                    }
                }
                let receipt = &delivery.receipt;
                match pause {
                    None => self.queue.acknowledge(&queue, receipt).await,
                    Some(delay) => self.queue.defer(&queue, receipt, delay).await,
                }
                .expect("the queue");
            }
        }
    }

    fn wait_until(&self, due: Timestamp) {
        if due > ports::Clock::now(&self.clock) {
            self.clock.advance_to(due);
        }
    }

    /// The queue with the message that has been due longest.
    fn due_queue(&self) -> Option<QueueName> {
        let now = ports::Clock::now(&self.clock);
        let due = |queue: &QueueName| self.queue.next_due(queue.as_str()).filter(|at| *at <= now);
        let mut queues = all_queues();
        queues.retain(|queue| due(queue).is_some());
        queues.into_iter().min_by_key(|queue| due(queue))
    }

    /// Receives one message of a queue and handles it as a host does.
    #[expect(clippy::expect_used, reason = "the models of store and queue do not fail")]
    pub async fn handle_from(&self, queue: &QueueName) {
        let received = self.queue.receive(queue, 1, VISIBILITY).await.expect("receive");
        for delivery in received {
            let verdict = if queue.as_str() == notify::NOTIFICATION_QUEUE {
                drive(self, notify::handle_notification(&self.host, &delivery.body)).await
            } else {
                drive(self, handle(&self.host, &AllSteps, &delivery.body)).await
            };
            let receipt = &delivery.receipt;
            match verdict.expect("the engine") {
                Verdict::Acknowledge => self.queue.acknowledge(queue, receipt).await,
                Verdict::Defer(delay) => self.queue.defer(queue, receipt, delay).await,
                Verdict::Poison(why) => unexpected(&why),
            }
            .expect("the queue");
        }
    }
}

/// One host handles a message.
async fn on(host: &Host, queue: &QueueName, body: &str) -> Result<Verdict, engine::EngineError> {
    if queue.as_str() == notify::NOTIFICATION_QUEUE {
        notify::handle_notification(host, body).await
    } else {
        handle(host, &AllSteps, body).await
    }
}

#[expect(clippy::panic, reason = "nobody poisons a story's queue")]
fn unexpected(why: &str) -> ! {
    panic!("a message could not be read: {why}")
}

/// Every queue: one a step, and the notifications'.
fn all_queues() -> Vec<QueueName> {
    let mut queues: Vec<QueueName> = Step::all().filter_map(|step| queue_of(step).ok()).collect();
    queues.extend(QueueName::parse(notify::NOTIFICATION_QUEUE));
    queues
}
