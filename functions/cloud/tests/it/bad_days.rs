//! What goes wrong in a deployment: each with a clear message, and nothing lost.

use std::{sync::Arc, time::Duration};

use catalogue::{Function, Step};
use cloud::{Cloud, Fault, InTheCloud, Options, Pace};
use control::{Scope, Selection};
use model::UserState;
use ports::{Clock as _, Outgoing, QueueName};
use rehearsal::{Scene, Stage};
use serde_json::{Value, json};
use system::SystemClock;

const SCENE: Scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
/// Where a message goes that is none of ours.
const QUEUE: &str = "prepare-hide-user";

async fn a_cloud() -> (Cloud, Stage) {
    a_cloud_at(Pace::default()).await
}

async fn a_cloud_at(pace: Pace) -> (Cloud, Stage) {
    let stage = Stage::open(&SCENE, Arc::new(SystemClock)).unwrap();
    let options = Options { pace, ..Options::of_workspace() };
    let cloud = Cloud::start(&options, &stage).await.unwrap();
    (cloud, stage)
}

async fn prepared(cloud: &Cloud) -> usize {
    let scope = Scope::of(cloud.project());
    let report = control::report(cloud.host(), &scope, &Selection::everybody()).await.unwrap();
    report.states.get(&UserState::Prepared).copied().unwrap_or_default()
}

/// A table that is throttled, conditional writes that lose their race, replies that are lost after a
/// write, in each phase from prepare to cutover; batons that come twice at once to two processes, and
/// deploys while the wave runs: everybody arrives with everything, each step is done once for each, and
/// nothing is left behind as a dead letter.
#[test]
fn a_throttled_table_lost_races_lost_replies_doubled_batons_and_deploys_change_nothing() {
    crate::run(async {
        // Whoever lost a race waits for the winner's lease, which lasts as long as an invocation may.
        let (timeout, visibility) = (Duration::from_secs(10), Duration::from_secs(12));
        let (cloud, stage) = a_cloud_at(Pace { timeout, visibility, ..Pace::default() }).await;
        let throttled = |action: &str| Fault::Throttled { action: action.to_owned(), times: 5 };
        let lost = |action: &str, times| Fault::ReplyLost { action: action.to_owned(), times };
        let doubled = Fault::Doubled { action: "sqs:SendMessage".to_owned(), times: 1 };
        let mut place = InTheCloud::new(&cloud).with_faults([
            // First, for a transaction puts items too, and a phase has few of them.
            Fault::Raced { times: 2 },
            throttled("dynamodb:PutItem"),
            throttled("dynamodb:GetItem"),
            lost("dynamodb:PutItem", 3),
            lost("sqs:SendMessage", 1),
            doubled,
        ]);
        cloud.deploy_every(Duration::from_secs(12));
        let played = rehearsal::rehearse(&SCENE, &stage, &mut place).await.unwrap().unwrap();
        assert!(played.all_well(), "{played}");
        assert_eq!(place.spared(), [], "every fault has happened in each phase");
        let report = &played.report;
        assert_eq!(report.states.get(&UserState::Complete), Some(&2), "{report}");
        for line in &report.steps {
            assert_eq!(line.done + line.not_applicable, 2, "{report}");
        }
        cloud.invoke(Function::CollectDeadLetters, &json!({})).await.unwrap();
        let dead = lambda::list_dead(cloud.host()).await.unwrap();
        assert!(dead.is_empty(), "{dead:?}");
        assert_eq!(cloud.denied(), Vec::<String>::new());
        assert!(cloud.deployed() > 0, "no process was replaced");
    });
}

/// A permission is missing: the messages come again, the log says which function may not do what,
/// and when it is granted everything goes on.
#[test]
fn a_missing_permission_is_named_and_nothing_is_lost() {
    crate::run(async {
        let (cloud, _stage) = a_cloud().await;
        let function = Function::Step(Step::HideUser);
        let action = "dynamodb:PutItem".to_owned();
        cloud.inject(Fault::Forbidden { function, action });
        cloud.heal_when_denied();
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        assert_eq!(prepared(&cloud).await, 2);
        let denied = cloud.denied();
        assert!(denied.iter().any(|why| why.contains("prepare.hide_user")), "{denied:?}");
        let told = cloud.log().into_iter().find(|line| line.contains("may not dynamodb:PutItem"));
        let told: Value =
            serde_json::from_str(&told.expect("the log names the permission")).unwrap();
        let spans = told["spans"].as_array().unwrap();
        let says = |name: &str| spans.iter().any(|span| span.get(name).is_some());
        for name in ["request", "customer", "project", "user", "job", "step", "wave", "attempt"] {
            assert!(says(name), "the line does not say whose {name}: {told}");
        }
        // The invocation's trace, as Lambda handed it over: `Root=1-SECONDS-24 HEX;Sampled=1`.
        let trace = spans.iter().find_map(|span| span["trace"].as_str()).unwrap();
        let root = trace.strip_prefix("Root=1-").and_then(|rest| rest.strip_suffix(";Sampled=1"));
        assert_eq!(root.map(str::len), Some(8 + 1 + 24), "{trace}");
    });
}

/// The bus takes nothing for a while: changes wait in the stream, and each is told once it does, from the
/// wave's start on.
#[test]
fn changes_wait_until_the_bus_takes_them_again() {
    crate::run(async {
        let (cloud, _stage) = a_cloud().await;
        let action = "events:PutEvents".to_owned();
        cloud.inject(Fault::Forbidden { function: Function::PublishChanges, action });
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        assert_eq!(prepared(&cloud).await, 2);
        while cloud.denied().is_empty() {
            SystemClock.sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(cloud.told(), Vec::<Value>::new(), "nothing came through");
        cloud.heal();
        let to = |event: &Value| -> Value {
            serde_json::from_str::<Value>(event["Detail"].as_str().unwrap()).unwrap()["to"].take()
        };
        let count = |told: &[Value], state: &str| told.iter().filter(|it| to(it) == state).count();
        let told = cloud.told_until(|told| count(told, "prepared") >= 2).await;
        let states = ["starting", "started", "preparing", "prepared"];
        assert_eq!(states.map(|state| count(&told, state)), [1, 1, 2, 2], "{told:#?}");
        assert!(cloud.denied().iter().all(|why| why.contains("control.publish_changes")));
    });
}

/// An expired secret parks its users with words that say what to do; with the right one the same
/// action goes through.
#[test]
fn an_expired_secret_is_explained_and_its_users_go_on_with_the_right_one() {
    crate::run(async {
        let (cloud, stage) = a_cloud().await;
        let scope = Scope::of(cloud.project());
        let target = &stage.tenants().target;
        let old = "a secret of last year";
        stage.tenants().simulator.add_expired_secret((target.tenant_id, target.client_id), old);
        cloud.put_target_secret(&stage, old).await.unwrap();
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        for user in scope.users(cloud.host()).await.unwrap() {
            let user = user.value;
            if user.wave.is_none() {
                continue;
            }
            assert_eq!(user.state, UserState::PrepareError, "{}", user.id);
            let problem = user.problem.expect("a parked user has a problem");
            for words in ["AADSTS7000222", "has expired; create a new one and store it"] {
                assert!(problem.message.contains(words), "{problem:?}");
            }
            assert!(problem.advice.contains("credential"), "{problem:?}");
        }
        cloud.put_target_secret(&stage, &target.client_secret).await.unwrap();
        // A process believes a refusal for some seconds, so that a wrong secret is not tried for each
        // user of a wave; whoever applies the action again is through then.
        while prepared(&cloud).await < 2 {
            InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        }
    });
}

/// Messages that are none of ours, one of them longer than any of ours: they stop nobody, end with
/// their reasons where `status` shows them, and go back by one request.
#[test]
fn poisoned_and_too_long_messages_are_shown_with_their_reasons_and_redriven() {
    crate::run(async {
        let (cloud, _stage) = a_cloud().await;
        let long = "x".repeat(ports::MAX_BODY_BYTES);
        for body in ["hello", &long] {
            send(&cloud, QUEUE, body).await;
        }
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        assert_eq!(prepared(&cloud).await, 2);
        let dead = async || {
            cloud.invoke(Function::CollectDeadLetters, &json!({})).await.unwrap();
            lambda::list_dead(cloud.host()).await.unwrap()
        };
        // They may still be on their way when the people are done.
        let mut letters = dead().await;
        while letters.len() < 2 {
            letters = dead().await;
        }
        for letter in &letters {
            assert!(letter.why.contains("cannot be read"), "{letter:?}");
            assert_eq!(letter.cut, (letter.body != "hello").then_some(long.len()));
        }
        let scope = Scope::of(cloud.project());
        let path = format!("/v1/customers/{}/projects/{}", scope.customer, scope.project);
        let (_, status) = cloud.ask("GET", &path, &Value::Null).await.unwrap();
        assert_eq!(status["dead_letters"], json!({ QUEUE: 2 }));
        let (_, done) = cloud.ask("POST", "/v1/dead-letters/redrive", &json!({})).await.unwrap();
        assert_eq!(done, json!({ "redriven": 1, "kept": 1 }));
        // A message that is no step's says in the log whose it is as well.
        let whose = json!({ "customer": "local", "project": scope.project, "user": "nobody" });
        let queue = Function::Notify.queue().unwrap();
        send(&cloud, &queue, &json!({ "v": 1, "user": whose }).to_string()).await;
        while dead().await.iter().all(|letter| letter.queue != queue) {}
        let log = cloud.log();
        let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut spans = lines.filter_map(|line| line["spans"].as_array().cloned()).flatten();
        let told = spans.find(|span| span["user"] == "nobody").unwrap();
        assert_eq!((&told["customer"], &told["project"]), (&whose["customer"], &whose["project"]));
    });
}

async fn send(cloud: &Cloud, queue: &str, body: &str) {
    let message = Outgoing {
        queue: QueueName::parse(queue).unwrap(),
        body: body.to_owned(),
        delay: Duration::ZERO,
        group: "local".to_owned(),
    };
    cloud.host().queue.send(&[message]).await.unwrap();
}
