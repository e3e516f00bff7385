//! Deploying a newer artifact while users are in flight, and going back to an older one.

use engine::records::load;
use model::{Branch, Job, Stored};
use ports::Change;

use super::*;

impl Desk {
    fn job_of(&self, user: &str) -> Key {
        let scope = Scope::of(&self.project);
        let (partition, sort) = Keys::job(&scope.user(&user.parse().unwrap()), Branch::Main);
        Key::new(partition, sort)
    }

    async fn job(&self, user: &str) -> Job {
        let key = self.job_of(user);
        let job = load(&*self.deployment.host.store, (key.partition, key.sort)).await.unwrap();
        job.unwrap().value
    }

    async fn overwrite(&self, key: Key, value: Vec<u8>) {
        let put = Change::Put { key, value, expect: ports::Expect::Anything };
        self.deployment.host.store.commit(&[put]).await.unwrap();
    }
}

/// A job holds the list of its steps: who began by a catalogue that had fewer of them, in another order,
/// finishes by that one, and who begins now goes by the new one.
#[tokio::test]
async fn a_user_in_flight_finishes_by_the_steps_with_which_he_began() {
    let desk = Desk::with(&["anna", "ben"]).await;
    desk.start().await;
    let older = vec![Step::CreateOrUpdateUser, Step::CreateContact, Step::HideUser];
    let job = Job { plan: older, ..desk.job("anna").await };
    desk.overwrite(desk.job_of("anna"), job.to_bytes().unwrap()).await;
    let mut went = BTreeMap::new();
    let functions = [Step::CreateOrUpdateUser, Step::CreateContact, Step::HideUser];
    for step in functions.into_iter().chain(plan_of(Phase::Prepare)) {
        let queue = Function::Step(step).queue().unwrap();
        for delivery in desk.receive(&queue).await {
            let baton: Value = serde_json::from_str(&delivery.body).unwrap();
            let user = baton["user"]["user"].as_str().unwrap().to_owned();
            went.entry(user).or_insert_with(Vec::new).push(step);
            let answer = desk.run(Function::Step(step), event(&[delivery])).await;
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }
    assert_eq!(went["anna"], functions);
    assert_eq!(went["ben"], plan_of(Phase::Prepare));
}

/// An older artifact does not touch what a newer one wrote in a new form: it says so, the message is a
/// dead letter with that reason, and after the next upgrade it goes back and on.
#[tokio::test]
async fn an_older_artifact_leaves_newer_records_alone_until_the_next_upgrade() {
    let desk = Desk::with(&["anna"]).await;
    desk.start().await;
    let bytes = desk.job("anna").await.to_bytes().unwrap();
    let newer = String::from_utf8(bytes.clone()).unwrap().replacen("\"v\":1", "\"v\":2", 1);
    desk.overwrite(desk.job_of("anna"), newer.clone().into_bytes()).await;
    for _ in 0..12 {
        desk.deliver().await;
        desk.on(900);
    }
    desk.run(Function::CollectDeadLetters, json!({})).await;
    let letters = list_dead(&desk.deployment.host).await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(
        letter.why.contains("has version 2; this Crosswave knows versions up to 1"),
        "{letter:?}"
    );
    let there = desk.deployment.host.store.get(&desk.job_of("anna")).await.unwrap().unwrap();
    assert_eq!(there.value, newer.into_bytes(), "untouched");
    // The newer artifact reads it; here it is the form that this one reads.
    desk.overwrite(desk.job_of("anna"), bytes).await;
    assert_eq!(redrive(&desk.deployment).await.unwrap().redriven, 1);
    assert!(desk.deliver().await.is_empty());
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 1, "he goes on");
}
