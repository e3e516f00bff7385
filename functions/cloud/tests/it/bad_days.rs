//! What goes wrong in a deployment: each with a clear message, and nothing lost.

use std::{sync::Arc, time::Duration};

use catalogue::{Function, Step};
use cloud::{Cloud, Fault, InTheCloud, Options};
use control::{Scope, Selection};
use model::UserState;
use ports::{Outgoing, QueueName};
use rehearsal::{Rehearsed, Scene, Stage};
use serde_json::json;
use system::SystemClock;

/// A cloud with two people, and whether something happens while they move.
async fn on_a_day<F: AsyncFn(&Cloud, &Stage)>(trouble: F) -> (Rehearsed, Vec<String>, Cloud) {
    let scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
    let stage = Stage::open(&scene, Arc::new(SystemClock)).unwrap();
    let cloud = Cloud::start(&Options::of_workspace(), &stage).await.unwrap();
    trouble(&cloud, &stage).await;
    let mut place = InTheCloud::new(&cloud);
    let rehearsed = rehearsal::rehearse(&scene, &stage, &mut place).await.unwrap().unwrap();
    let denied = cloud.denied();
    (rehearsed, denied, cloud)
}

/// A table that is throttled, replies that are lost after a write, a wave in the middle of which all
/// processes are replaced (a deploy), and batons that come twice at once: everybody arrives.
#[test]
#[ignore = "takes minutes, and has not been run to its end yet"]
fn throttling_lost_replies_a_deploy_and_doubled_batons_change_nothing() {
    crate::run(async {
        let (rehearsed, denied, cloud) = on_a_day(async |cloud, _| {
            for (action, times) in [
                ("dynamodb:PutItem", 15),
                ("dynamodb:GetItem", 15),
                ("dynamodb:ConditionCheckItem", 5),
            ] {
                cloud.inject(Fault::Throttled { action: action.to_owned(), times });
            }
            for action in ["dynamodb:PutItem", "sqs:SendMessage"] {
                cloud.inject(Fault::ReplyLost { action: action.to_owned(), times: 10 });
            }
            cloud.inject(Fault::Doubled { action: "sqs:SendMessage".to_owned(), times: 40 });
            cloud.deploy_every(Duration::from_secs(5));
        })
        .await;
        assert!(rehearsed.all_well(), "{rehearsed}");
        assert_eq!(denied, Vec::<String>::new());
        let (started, _) = cloud.processes();
        assert!(started > 40, "the deploys started {started} processes only");
    });
}

/// A permission is missing: the messages come again, the log says which function may not do what,
/// and when it is granted everything goes on.
#[test]
#[ignore = "takes minutes, and has not been run to its end yet"]
fn a_missing_permission_is_named_and_nothing_is_lost() {
    crate::run(async {
        let (rehearsed, denied, cloud) = on_a_day(async |cloud, _| {
            let function = Function::Step(Step::HideUser);
            let action = "dynamodb:PutItem".to_owned();
            cloud.inject(Fault::Forbidden { function, action });
            cloud.heal_after(Duration::from_secs(20));
        })
        .await;
        assert!(rehearsed.all_well(), "{rehearsed}");
        assert!(denied.iter().any(|why| why.contains("prepare.hide_user")), "{denied:?}");
        let told = cloud.log().into_iter().any(|line| line.contains("may not dynamodb:PutItem"));
        assert!(told, "the log does not name the permission");
    });
}

/// An expired secret parks its user with words that say what to do; with the right one the same
/// action goes through. A message that is none of ours ends with its reason and can be sent again.
#[test]
#[ignore = "takes minutes, and has not been run to its end yet"]
fn an_expired_secret_and_a_poisoned_message_are_explained() {
    crate::run(async {
        let scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
        let stage = Stage::open(&scene, Arc::new(SystemClock)).unwrap();
        let cloud = Cloud::start(&Options::of_workspace(), &stage).await.unwrap();
        let (host, project) = (cloud.host(), cloud.project());
        let scope = Scope::of(project);
        cloud.put_target_secret(&stage, "expired").await.unwrap();
        poison(&cloud).await;
        let played = InTheCloud::new(&cloud).prepare_everybody().await;
        played.unwrap();
        for user in scope.users(host).await.unwrap() {
            let user = user.value;
            if user.wave.is_none() {
                continue;
            }
            assert_eq!(user.state, UserState::PrepareError, "{}", user.id);
            let problem = user.problem.expect("a parked user has a problem");
            assert!(
                problem.message.contains("AADSTS") || problem.message.contains("credential"),
                "{problem:?}"
            );
        }
        cloud.invoke(Function::CollectDeadLetters, &json!({})).await.unwrap();
        let dead = lambda::list_dead(host).await.unwrap();
        assert!(
            dead.iter()
                .any(|letter| letter.body == "hello" && letter.why.contains("cannot be read")),
            "{dead:?}"
        );
        cloud.put_target_secret(&stage, &stage.tenants().target.client_secret).await.unwrap();
        InTheCloud::new(&cloud).prepare_everybody().await.unwrap();
        let report = control::report(host, &scope, &Selection::everybody()).await.unwrap();
        assert_eq!(report.states.get(&UserState::Prepared), Some(&2), "{report}");
    });
}

async fn poison(cloud: &Cloud) {
    let message = Outgoing {
        queue: QueueName::parse("prepare-hide-user").unwrap(),
        body: "hello".to_owned(),
        delay: Duration::ZERO,
        group: "local".to_owned(),
    };
    cloud.host().queue.send(&[message]).await.unwrap();
}
