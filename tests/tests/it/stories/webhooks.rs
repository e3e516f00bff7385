//! NOT-3: webhooks are signed, tried again, and known by their id.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use catalogue::Step;
use control::scripts::{Draft, publish};
use crosswave_tests::world::World;
use engine::{StepError, Webhooks, records::load_all};
use http::{HeaderMap, StatusCode};
use model::{Action, DeliveryState, EventKind, Keys, Notification, Project, ScriptKind, UserState};
use ports::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use tenant::{SecretText, Webhook};

use super::{
    crash::{die_when, with_boundaries},
    stage::{bare, one_synced, state},
};

/// A receiver on the internet: what it heard, and what it answers, 204 when nothing is said.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<HttpRequest>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Lost,
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.heard.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(204));
        match answer {
            Answer::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                Ok(HttpResponse::of(status, HeaderMap::new(), ""))
            }
            Answer::Lost => {
                let text = "no answer".to_owned();
                Err(TransportError { kind: TransportErrorKind::Timeout, text })
            }
        }
    }
}

struct Registered(Webhook);

#[async_trait]
impl Webhooks for Registered {
    async fn of(&self, _project: &Project) -> Result<Option<Webhook>, StepError> {
        Ok(Some(self.0.clone()))
    }
}

impl Receiver {
    fn answering(answers: &[Answer]) -> Self {
        let receiver = Self::default();
        receiver.answers.lock().unwrap().extend(answers);
        receiver
    }

    /// What was heard: id, and the body as JSON.
    fn messages(&self) -> Vec<(String, serde_json::Value)> {
        let heard = self.heard.lock().unwrap();
        let message = |request: &HttpRequest| {
            let id = request.headers.get("x-crosswave-id").unwrap().to_str().unwrap().to_owned();
            (id, serde_json::from_slice(&request.body).unwrap())
        };
        heard.iter().map(message).collect()
    }
}

const SCRIPT: &str = "// crosswave-api: 1
fn notify(event, user, ctx) {
    if event.kind != \"cutover_complete\" { return []; }
    [#{ to: \"owner\", channel: \"webhook\", subject: \"moved\",
        body: `${event.old_address} is now ${event.new_address}` }]
}
";

/// A world with one synced person whose move is told to this receiver.
async fn told_to(receiver: &Receiver) -> (World, model::User) {
    let (mut world, user) = one_synced(bare(1)).await;
    let draft = Draft::new(ScriptKind::Notifications, "ours.rhai", SCRIPT);
    publish(&world.host, &world.project, &draft, "anna").await.unwrap();
    let url = "https://hooks.example/crosswave?token=hidden".parse().unwrap();
    let secret = SecretText::new("a-shared-secret-of-ours");
    let webhook = Webhook::new(url, secret, Arc::new(receiver.clone()));
    world.host.webhooks = Arc::new(Registered(webhook));
    (world, user)
}

async fn record(world: &World) -> Notification {
    let project = &world.project;
    let partition = Keys::project_partition(&project.customer, &project.id);
    let all = load_all::<Notification>(&*world.host.store, &partition, Keys::NOTIFICATIONS).await;
    let mut all: Vec<_> = all.unwrap().into_iter().map(|record| record.value).collect();
    all.retain(|record| record.event.kind == EventKind::CutoverComplete);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// NOT-3, NOT-1: what a script sends by webhook is posted, signed, and has a delivery record.
#[tokio::test]
async fn a_webhook_is_posted_signed() {
    let receiver = Receiver::default();
    let (world, user) = told_to(&receiver).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let record = record(&world).await;
    assert!(matches!(record.delivery, DeliveryState::Sent { .. }), "{record:?}");
    // The address may hold a token; its host does not.
    assert_eq!(record.accepted, [("webhook at hooks.example".to_owned(), "moved".to_owned())]);
    let [(_, body)] = &*receiver.messages() else { panic!("one message") };
    let moved = world.user(&user).await.target.unwrap().user_principal_name;
    assert_eq!(body["event"], "cutover_complete");
    assert_eq!(body["user"], user.source.user_principal_name.as_str());
    assert_eq!(body["body"], format!("{} is now {moved}", user.source.mail));
    let heard = receiver.heard.lock().unwrap();
    let headers = &heard[0].headers;
    let signature = headers["x-crosswave-signature"].to_str().unwrap();
    assert!(signature.starts_with("v1=") && signature.len() == 3 + 64, "{signature}");
    assert!(headers["x-crosswave-timestamp"].to_str().unwrap().parse::<i64>().unwrap() > 0);
    assert_eq!(heard[0].method, http::Method::POST);
}

/// NOT-3, NOT-2: a receiver that is busy, down or silent is asked again, later each time, with the
/// same message under the same id.
#[tokio::test]
async fn a_webhook_is_tried_again_until_it_is_accepted() {
    let receiver = Receiver::answering(&[Answer::Status(503), Answer::Lost, Answer::Status(429)]);
    let (world, user) = told_to(&receiver).await;
    let began = ports::Clock::now(&world.clock);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let record = record(&world).await;
    let DeliveryState::Sent { at } = record.delivery else { panic!("{record:?}") };
    let waited = at.duration_since(began);
    assert!(waited >= jiff::SignedDuration::from_secs(10 + 20 + 40), "{waited}");
    let messages = receiver.messages();
    assert_eq!(messages.len(), 4);
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
}

/// NOT-3: a redirect is not followed, and a refusal is final: recorded, told as a warning, and no
/// reason to fail the cutover.
#[tokio::test]
async fn a_refused_webhook_is_recorded_and_fails_no_cutover() {
    for (status, words) in [(302, "a redirect, which is not followed"), (410, "answers 410 Gone")] {
        let receiver = Receiver::answering(&[Answer::Status(status)]);
        let (world, user) = told_to(&receiver).await;
        world.perform(std::slice::from_ref(&user), Action::Cutover).await;
        assert_eq!(state(&world, &user).await, UserState::Complete);
        let DeliveryState::Failed { why } = record(&world).await.delivery else {
            panic!("{status}")
        };
        assert!(why.contains(words) && !why.contains("hidden"), "{why}");
        assert_eq!(receiver.messages().len(), 1);
    }
}

/// NOT-3: a receiver that never accepts is given up, in words.
#[tokio::test]
async fn a_receiver_that_is_down_for_good_is_given_up() {
    let receiver = Receiver::answering(&[Answer::Status(500); 100]);
    let (world, user) = told_to(&receiver).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let DeliveryState::Failed { why } = record(&world).await.delivery else { panic!("given up") };
    assert!(why.ends_with("given up after 14 tries"), "{why}");
    assert_eq!(receiver.messages().len(), 14);
}

/// NOT-3, ERR-4: a process that dies while it posts leaves a message that is posted again, under the
/// same id, so that the receiver knows it.
#[tokio::test]
async fn a_crash_while_posting_posts_the_same_message_again() {
    let receiver = Receiver::default();
    let (mut world, user) = told_to(&receiver).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::NotifyUser).await);
    with_boundaries(&mut world);
    die_when(&world, || !receiver.messages().is_empty()).await;
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert!(matches!(record(&world).await.delivery, DeliveryState::Sent { .. }));
    let messages = receiver.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], messages[1]);
}

/// NOT-3, ERR-1: a script that sends a webhook where the project names no receiver is told so.
#[tokio::test]
async fn a_webhook_without_a_receiver_fails_in_words() {
    let (mut world, user) = told_to(&Receiver::default()).await;
    world.host.webhooks = Arc::new(engine::NoWebhooks);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let DeliveryState::Failed { why } = record(&world).await.delivery else { panic!("refused") };
    assert!(why.contains("the project names no receiver"), "{why}");
}
