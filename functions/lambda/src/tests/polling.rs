//! Polling: on while anything is in flight, off when nothing is, whatever comes at the same time.

use super::*;
use crate::polling;
use ports::{Change, CommitError, Page, Query, Record};

/// What happens while polling is switched off.
pub(super) enum Meanwhile {
    /// A wave is started.
    Starts(Box<Deployment>, Value),
    /// It cannot be switched.
    Fails,
}

fn start_now(deployment: &Deployment, event: Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = deployment.run(Function::StartWave, event, Timestamp::MAX);
    runtime.block_on(start).unwrap();
}

#[async_trait]
impl Switch for Noted {
    async fn polling(&self, on: bool) -> Result<(), String> {
        self.polling.lock().unwrap().push(on);
        let meanwhile = if on { None } else { self.meanwhile.lock().unwrap().take() };
        match meanwhile {
            None => Ok(()),
            Some(Meanwhile::Fails) => Err("the service is out of order".to_owned()),
            Some(Meanwhile::Starts(deployment, event)) => {
                // The mappings are switched one after the other; this comes in between.
                std::thread::spawn(move || start_now(&deployment, event)).join().unwrap();
                self.polling.lock().unwrap().push(false);
                Ok(())
            }
        }
    }
}

impl Desk {
    fn is_polled(&self) -> Option<bool> {
        self.noted.polling.lock().unwrap().last().copied()
    }

    async fn tick(&self) -> Value {
        self.run(Function::Tick, json!({})).await["Polling"].clone()
    }
}

/// An idle deployment polls nothing; one at work does, and some minutes longer.
#[tokio::test]
async fn polling_is_on_while_somebody_is_in_flight_and_off_afterwards() {
    let desk = Desk::with(&["anna"]).await;
    assert_eq!((desk.tick().await, desk.is_polled()), (json!(false), Some(false)));
    desk.start().await;
    assert_eq!((desk.tick().await, desk.is_polled()), (json!(true), Some(true)));
    desk.on(3_600);
    for step in plan_of(Phase::Prepare) {
        assert!(desk.deliver_to(Function::Step(step)).await.is_empty());
    }
    assert_eq!(desk.tick().await, true, "a notification is still to be sent");
    desk.deliver_to(Function::Notify).await;
    desk.on(240);
    assert_eq!(desk.tick().await, true, "whoever spoke last may still be at it");
    desk.on(60);
    assert_eq!((desk.tick().await, desk.is_polled()), (json!(false), Some(false)));
    let switched = desk.noted.polling.lock().unwrap().len();
    assert_eq!(desk.tick().await, false);
    assert_eq!(desk.noted.polling.lock().unwrap().len(), switched, "it is not said again");
}

/// A store that notes which records were listed.
struct Listed {
    inner: Arc<dyn Store>,
    prefixes: Mutex<Vec<String>>,
}

#[async_trait]
impl Store for Listed {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.prefixes.lock().unwrap().push(query.prefix.clone());
        self.inner.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.inner.commit(changes).await
    }
}

/// Nobody looks for what is lost while nothing is in flight: the notifications of years are not read again
/// and again.
#[tokio::test]
async fn an_idle_deployment_is_not_swept() {
    let mut desk = Desk::with(&["anna"]).await;
    let inner = Arc::clone(&desk.deployment.host.store);
    let listed = Arc::new(Listed { inner, prefixes: Mutex::default() });
    desk.deployment.host.store = Arc::<Listed>::clone(&listed);
    let mut looks = Vec::new();
    for start in [false, true] {
        desk.tick().await;
        if start {
            desk.start().await;
        }
        listed.prefixes.lock().unwrap().clear();
        desk.run(Function::Sweep, json!({})).await;
        let prefixes = listed.prefixes.lock().unwrap();
        looks.push(
            [Keys::JOBS, Keys::NOTIFICATIONS].map(|kind| prefixes.iter().any(|it| it == kind)),
        );
    }
    assert_eq!(looks, [[false; 2], [true; 2]]);
}

/// A wave that is started between the tick's look and its switching is polled.
#[tokio::test]
async fn a_start_after_the_look_leaves_polling_on() {
    let desk = Desk::with(&["anna"]).await;
    let looked = polling::said(&desk.deployment).await.unwrap();
    desk.start().await;
    assert!(polling::off(&desk.deployment, &looked).await.unwrap());
    assert_eq!(desk.is_polled(), Some(true));
}

/// And one that is started while the mappings are being switched off.
#[tokio::test]
async fn a_start_while_polling_is_switched_off_switches_it_on_again() {
    let desk = Desk::with(&["anna"]).await;
    let event = json!({
        "customer": "acme", "project": "merger", "wave": "first", "action": "prepare",
    });
    *desk.noted.meanwhile.lock().unwrap() =
        Some(Meanwhile::Starts(Box::new(desk.deployment.clone()), event));
    assert_eq!((desk.tick().await, desk.is_polled()), (json!(true), Some(true)));
    assert_eq!(desk.receive(FIRST).await.len(), 1, "the wave was started");
}

/// A tick that cannot switch off, or dies meanwhile, leaves it to the next one.
#[tokio::test]
async fn what_was_not_switched_off_is_by_the_next_tick() {
    let desk = Desk::with(&[]).await;
    *desk.noted.meanwhile.lock().unwrap() = Some(Meanwhile::Fails);
    let failed = desk.deployment.run(Function::Tick, json!({}), Timestamp::MAX).await;
    assert!(failed.unwrap_err().to_string().contains("out of order"));
    desk.on(301);
    assert_eq!((desk.tick().await, desk.is_polled()), (json!(false), Some(false)));
}
