//! One customer cannot stop the clock for another.

use super::*;
use catalogue::metrics::NEGLECTED;
use control::Selection;
use model::{Action, CustomerId};
use ports::{Change, CommitError, Page, Query, Record};

/// Two customers' projects.
struct Several(Vec<Scope>);

#[async_trait]
impl Projects for Several {
    async fn all(&self) -> Result<Vec<Scope>, StoreError> {
        Ok(self.0.clone())
    }
}

/// A store that answers nothing about the first customer.
struct Stuck(Arc<dyn Store>);

impl Stuck {
    async fn about(&self, partition: &str) {
        if partition.starts_with("C#acme") {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Store for Stuck {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.about(&key.partition).await;
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.about(&query.partition).await;
        self.0.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.0.commit(changes).await
    }
}

/// A desk with a second customer, whose wave was told to start by somebody who died then, who waits for a
/// message that is due, and who has used something.
async fn with_a_neighbour() -> (Desk, Scope) {
    let mut desk = Desk::with(&[]).await;
    let host = desk.deployment.host.clone();
    let neighbour = Project { customer: "globex".parse().unwrap(), ..desk.project.clone() };
    let scope = Scope::of(&neighbour);
    store_project(&host, &neighbour).await.unwrap();
    let wave: model::WaveId = "first".parse().unwrap();
    waves::create(&host, &neighbour, wave.clone(), None, None).await.unwrap();
    let mut batch = Batch::new();
    let key = scope.user(&"zoe".parse().unwrap());
    batch.put(Keys::user(&key), &user("zoe"), 0).unwrap();
    let meter = catalogue::Meter::Prepared;
    let job = model::JobId::numbered(1);
    let used = model::UsageRecord { user: key.clone(), meter, job, at: desk.clock.now() };
    batch.put(Keys::usage(&key, meter), &used, 0).unwrap();
    batch.commit(&*host.store).await.unwrap();
    let who = Selection { wave: None, users: vec!["zoe".to_owned()] };
    waves::assign(&host, &scope, &who, Some(&wave)).await.unwrap();
    waves::start_run(&host, &scope, &wave, Action::Prepare, false).await.unwrap();
    let (queue, body) = (QueueName::parse(FIRST).unwrap(), r#"{"a":"message"}"#);
    crate::due::keep(&host, "globex", &queue, body, Duration::ZERO).await.unwrap();
    let both = vec![Scope::of(&desk.project), scope.clone()];
    desk.deployment.projects = Arc::new(Several(both));
    (desk, scope)
}

/// What the neighbour got: messages in the first queue, and users in hours.
async fn got(desk: &Desk, customer: &CustomerId) -> (usize, u64) {
    let hours = format!("C#{customer}#HOURS");
    let hours = load_all::<Hour>(&*desk.deployment.host.store, &hours, "").await.unwrap();
    (desk.receive(FIRST).await.len(), hours.iter().map(|hour| hour.value.quantity).sum())
}

/// A wave, a job, a message that is due and a usage record of one customer that nobody can read: the other's
/// wave starts, his message goes out, his lost baton comes back and his usage is counted.
#[tokio::test]
async fn what_cannot_be_read_of_one_customer_stops_no_other() {
    let (desk, scope) = with_a_neighbour().await;
    let own = Keys::project_partition(&desk.project.customer, &desk.project.id);
    for (partition, sort) in [
        (own.clone(), "W#broken"),
        (own, "A#anna#main"),
        ("C#acme#DUE".to_owned(), "000000000000#broken"),
        ("C#acme#USAGE".to_owned(), "merger#anna#Prepared"),
    ] {
        let put = Change::put(Key::new(partition, sort), b"{\"v\":99}".to_vec());
        desk.deployment.host.store.commit(&[put]).await.unwrap();
    }
    let pulse = desk.run(Function::Tick, json!({})).await;
    assert_eq!((&pulse["Neglected"], &pulse["Released"]), (&json!(2), &json!(1)), "{pulse}");
    assert_eq!((&pulse["InFlight"], &pulse["Polling"]), (&json!(1), &json!(true)), "{pulse}");
    let usage = desk.run(Function::RollUpUsage, json!({})).await;
    assert_eq!((&usage["users"], &usage["Neglected"]), (&json!(1), &json!(1)), "{usage}");
    assert_eq!(got(&desk, &scope.customer).await, (2, 1), "a baton and what was due");
    desk.on(3_600);
    let swept = desk.run(Function::Sweep, json!({})).await;
    assert_eq!((&swept["sent"], &swept["Neglected"]), (&json!(1), &json!(1)), "{swept}");
}

/// Somebody whose records take for ever has half of the time, and the others the rest.
#[tokio::test]
async fn who_takes_too_long_keeps_no_other_waiting() {
    let (mut desk, scope) = with_a_neighbour().await;
    desk.deployment.host.store = Arc::new(Stuck(Arc::clone(&desk.deployment.host.store)));
    for (function, seconds) in [(Function::Tick, 119), (Function::RollUpUsage, 119)] {
        let time = async { desk.on(seconds) };
        let (answer, ()) = tokio::join!(desk.run(function, json!({})), time);
        let failed = answer.get(NEGLECTED);
        assert!(failed.and_then(Value::as_u64).is_some_and(|failed| failed > 0), "{answer}");
    }
    assert_eq!(got(&desk, &scope.customer).await, (2, 1));
}
