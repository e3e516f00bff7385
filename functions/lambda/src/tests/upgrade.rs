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

/// The same record in a form that this artifact does not know.
fn newer(bytes: &[u8]) -> Vec<u8> {
    let (own, next) = (Job::VERSION, Job::VERSION + 1);
    let text = std::str::from_utf8(bytes).unwrap();
    text.replacen(&format!("\"v\":{own}"), &format!("\"v\":{next}"), 1).into_bytes()
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

/// A deployment takes minutes, function by function: one that is still the older artifact meets records of a
/// newer form, and their messages come again until it has been replaced too. Nothing is a dead letter.
#[tokio::test]
async fn a_function_that_is_replaced_later_than_others_loses_nothing() {
    let desk = Desk::with(&["anna"]).await;
    desk.start().await;
    let bytes = desk.job("anna").await.to_bytes().unwrap();
    desk.overwrite(desk.job_of("anna"), newer(&bytes)).await;
    let began = desk.clock.now();
    for pause in [5, 10, 20, 40, 80, 160, 320, 320] {
        assert_eq!(desk.deliver().await, ["anna"], "it comes again");
        desk.on(pause);
    }
    assert!(desk.clock.now() > began + SignedDuration::from_mins(15), "that is enough for a stack");
    desk.overwrite(desk.job_of("anna"), bytes).await;
    assert!(desk.deliver().await.is_empty());
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 1);
    desk.run(Function::CollectDeadLetters, json!({})).await;
    assert_eq!(list_dead(&desk.deployment.host).await.unwrap().len(), 0);
}

/// What the first form kept apart is read on: a job without entries of its own, whose entry has a record to
/// itself.
#[tokio::test]
async fn a_job_and_a_journal_of_the_first_form_are_gone_on_with() {
    let desk = Desk::with(&["anna"]).await;
    desk.start().await;
    let mut job: Value = serde_json::to_value(desk.job("anna").await).unwrap();
    let entries = job.as_object_mut().unwrap().remove("journal").unwrap();
    let mut entry = entries[0].clone();
    for record in [&mut job, &mut entry] {
        record["v"] = json!(1);
    }
    let user = Scope::of(&desk.project).user(&"anna".parse().unwrap());
    let (partition, sort) = Keys::journal_page(&user, &model::JobId::numbered(1), 0);
    desk.overwrite(Key::new(partition, sort), serde_json::to_vec(&entry).unwrap()).await;
    desk.overwrite(desk.job_of("anna"), serde_json::to_vec(&job).unwrap()).await;
    for step in plan_of(Phase::Prepare) {
        let deliveries = desk.receive(&Function::Step(step).queue().unwrap()).await;
        assert_eq!(deliveries.len(), 1, "{step}");
        desk.run(Function::Step(step), event(&deliveries)).await;
    }
    let journal = engine::load_journal(&*desk.deployment.host.store, &user).await.unwrap();
    assert_eq!(serde_json::to_value(&journal[0]).unwrap(), entries[0], "as it was written");
    let steps: Vec<_> = journal.iter().filter_map(|entry| entry.step).collect();
    assert_eq!(steps, plan_of(Phase::Prepare));
    let last = &journal.last().unwrap().event;
    assert!(matches!(last, model::JournalEvent::Ended { .. }), "{last:?}");
}

/// An older artifact does not touch what a newer one wrote in a new form: it says so, the message is a
/// dead letter with that reason, and after the next upgrade it goes back and on.
#[tokio::test]
async fn an_older_artifact_leaves_newer_records_alone_until_the_next_upgrade() {
    let desk = Desk::with(&["anna"]).await;
    desk.start().await;
    let bytes = desk.job("anna").await.to_bytes().unwrap();
    let newer = newer(&bytes);
    desk.overwrite(desk.job_of("anna"), newer.clone()).await;
    for _ in 0..12 {
        desk.deliver().await;
        desk.on(900);
    }
    desk.run(Function::CollectDeadLetters, json!({})).await;
    let letters = list_dead(&desk.deployment.host).await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    let (own, next) = (Job::VERSION, Job::VERSION + 1);
    let told = format!("has version {next}; this Crosswave knows versions up to {own}");
    assert!(letter.why.contains(&told), "{letter:?}");
    let there = desk.deployment.host.store.get(&desk.job_of("anna")).await.unwrap().unwrap();
    assert_eq!(there.value, newer, "untouched");
    // The newer artifact reads it; here it is the form that this one reads.
    desk.overwrite(desk.job_of("anna"), bytes).await;
    assert_eq!(redrive(&desk.deployment).await.unwrap().redriven, 1);
    assert!(desk.deliver().await.is_empty());
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 1, "he goes on");
}
