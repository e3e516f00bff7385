//! A wave that a file in the bucket starts, from what S3 tells to what the bus hears.

use std::{sync::Arc, time::Duration};

use catalogue::Function;
use cloud::{Cloud, Fault, Options};
use control::{Scope, waves};
use model::{Keys, User, UserState};
use ports::Clock;
use rehearsal::{Scene, Stage};
use serde_json::{Value, json};
use system::SystemClock;
use tenant::graph::UserQuery;

const SCENE: Scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };

/// The sign-in names of the source's people.
async fn people(cloud: &Cloud, stage: &Stage) -> Vec<String> {
    let source = cloud.host().tenants.of(cloud.project()).await.unwrap().source;
    let all = source.graph().users_page(&UserQuery::default(), None).await.unwrap().value;
    let names = all.into_iter().filter(|user| user.mail.is_some());
    let names = names.map(|user| user.user_principal_name);
    names
        .filter(|name| *name != stage.tenants().service_account && !name.contains("#EXT#"))
        .collect()
}

async fn of_wave(cloud: &Cloud) -> Vec<User> {
    let users = Scope::of(cloud.project()).users(cloud.host()).await.unwrap();
    users.into_iter().map(|user| user.value).filter(|user| user.wave.is_some()).collect()
}

/// The last thing that the bus heard of a file, as soon as it is this.
async fn told(cloud: &Cloud, key: &str, state: &str) -> Value {
    let of_file = |event: &Value| -> Option<Value> {
        if event["DetailType"] != "Crosswave File Changed" {
            return None;
        }
        let detail: Value = serde_json::from_str(event["Detail"].as_str()?).ok()?;
        (detail["file"] == key && detail["state"] == state).then_some(detail)
    };
    let all = cloud.told_until(|told| told.iter().any(|event| of_file(event).is_some())).await;
    let heard = all.iter().find_map(of_file);
    assert!(heard.is_some(), "the bus hears that {key} is {state}: {all:?}");
    heard.unwrap()
}

/// A file of people whom nobody has discovered yet: they are found, put in the wave and prepared, each
/// once, though the event comes twice at once. What is wrong, too large, or in another customer's folder
/// starts nobody and says why; what is no file of users is not ours. A role that lacks the permission
/// makes a dead letter with its reason, which goes back by one request.
#[test]
fn a_file_in_the_bucket_starts_its_wave_once() {
    crate::run(async {
        let stage = Stage::open(&SCENE, Arc::new(SystemClock)).unwrap();
        let cloud = Cloud::start(&Options::of_workspace(), &stage).await.unwrap();
        let scope = Scope::of(cloud.project());
        let wave = "first".parse().unwrap();
        waves::create(cloud.host(), cloud.project(), wave, None, None).await.unwrap();
        let names = people(&cloud, &stage).await;
        assert!(names.len() >= 2, "{names:?}");
        let names = &names[..2];
        let folder = format!("{}/{}/first/prepare", scope.customer, scope.project);
        refusals(&cloud, &folder, &names[0]).await;
        assert_eq!(of_wave(&cloud).await, [], "nobody is in the wave yet");

        let key = format!("{folder}/monday morning.csv");
        let file = format!("source\n{}\n", names.join("\n"));
        for answer in cloud.put_file(&key, &file).await.unwrap() {
            assert_eq!(answer["state"], "started", "{answer}");
            assert_eq!(answer["users"], 2, "{answer}");
        }
        while of_wave(&cloud).await.iter().any(|user| user.job.is_some()) {
            SystemClock.sleep(Duration::from_millis(300)).await;
        }
        for user in of_wave(&cloud).await {
            assert_eq!((user.state, user.jobs), (UserState::Prepared, 1), "{user:?}");
            assert!(names.contains(&user.source.user_principal_name));
        }
        let partition = Keys::project_partition(&scope.customer, &scope.project);
        let runs = cloud.host().store.query_all(&partition, Keys::WAVE_RUNS).await.unwrap();
        assert_eq!(runs.len(), 1, "one version, one run");
        assert_eq!(told(&cloud, &key, "started").await["users"], 2);
        assert_eq!(cloud.denied(), Vec::<String>::new());
        without_permission(&cloud, &folder).await;
    });
}

async fn refusals(cloud: &Cloud, folder: &str, name: &str) {
    let good = format!("source\n{name}\n");
    let answers = cloud.put_file(&format!("{folder}/a.csv"), "sauce\nanna\n").await.unwrap();
    assert_eq!(answers.len(), 2);
    let heard = told(cloud, &format!("{folder}/a.csv"), "refused").await;
    assert!(heard["why"].as_str().unwrap().contains("a.csv:1, column 1: `sauce`"), "{heard}");
    let large = format!("source\n{}", "somebody@contoso.example\n".repeat(200_000));
    let answers = cloud.put_file(&format!("{folder}/b.csv"), &large).await.unwrap();
    assert!(answers[0]["why"].as_str().unwrap().contains("at most 4194304"), "{answers:?}");
    let foreign = folder.replacen(cloud.project().customer.as_str(), "somebody-else", 1);
    let answers = cloud.put_file(&format!("{foreign}/c.csv"), &good).await.unwrap();
    assert!(answers[0]["refused"].as_str().unwrap().contains("there is no project"), "{answers:?}");
    let answers = cloud.put_file(&format!("{folder}/d.xlsx"), &good).await.unwrap();
    assert_eq!(answers, Vec::<Value>::new(), "the rule lets it lie");
}

async fn without_permission(cloud: &Cloud, folder: &str) {
    let action = "s3:GetObjectVersion".to_owned();
    cloud.inject(Fault::Forbidden { function: Function::StartFromFile, action });
    let key = format!("{folder}/e.csv");
    let refused = cloud.put_file(&key, "source\n").await.unwrap_err().to_string();
    assert!(refused.contains("control.start_from_file may not s3:GetObjectVersion"), "{refused}");
    cloud.invoke(Function::CollectDeadLetters, &json!({})).await.unwrap();
    let (_, letters) = cloud.ask("GET", "/v1/dead-letters", &Value::Null).await.unwrap();
    let letter = &letters[0];
    assert_eq!(letter["queue"], "control-start-from-file", "{letters}");
    assert!(letter["why"].as_str().unwrap().contains("compare it with the template"), "{letter}");
    cloud.heal();
    let (_, done) = cloud.ask("POST", "/v1/dead-letters/redrive", &json!({})).await.unwrap();
    assert_eq!(done["redriven"], 1, "{done}");
    let heard = told(cloud, &key, "refused").await;
    assert!(heard["why"].as_str().unwrap().contains("no user stands in the file"), "{heard}");
}
