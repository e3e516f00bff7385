//! A wave that its own schedule starts, and what the bus is told of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use catalogue::table;
use cloud::{Cloud, InTheCloud, Options, Pace};
use control::Scope;
use jiff::{SignedDuration, tz::TimeZone};
use model::{Keys, UserState};
use ports::Clock;
use rehearsal::{Scene, Stage};
use serde_json::{Value, json};
use system::SystemClock;

use crate::receiver::Receiver;

/// GEN-2, NOT-3: a schedule starts the wave at its time, and once, though it is delivered twice; nothing else
/// could have, for the tick sleeps. It is gone afterwards. The bus is told each change of each user
/// and of the wave, so that whoever builds on it sees each of them go from state to state; and the
/// receiver that a secret of the project names gets each signed webhook once.
#[test]
fn a_schedule_starts_its_wave_once_and_every_change_is_told() {
    crate::run(async {
        let scene = Scene { people: 2, seed: 1, mail_folder: None, told: false };
        let stage = Stage::open(&scene, Arc::new(SystemClock)).unwrap();
        let pace = Pace { period: Duration::from_hours(24), ..Pace::default() };
        let options = Options { pace, ..Options::of_workspace() };
        let cloud = Cloud::start(&options, &stage).await.unwrap();
        let receiver = Receiver::start(&cloud).await;
        InTheCloud::new(&cloud).by_schedules().prepare_everybody().await.unwrap();
        receiver.assert_heard_of(2);
        assert_eq!(cloud.fired().len(), 1);
        assert_eq!(cloud.planned(), BTreeMap::new(), "a time that is over is not planned");

        let (host, scope) = (cloud.host(), Scope::of(cloud.project()));
        let partition = Keys::project_partition(&scope.customer, &scope.project);
        let runs = host.store.query_all(&partition, Keys::WAVE_RUNS).await.unwrap();
        assert_eq!(runs.len(), 1, "one planned time, one run");
        let users = scope.users(host).await.unwrap();
        let moving: BTreeSet<String> = users
            .iter()
            .filter(|user| user.value.state == UserState::Prepared)
            .map(|user| user.value.id.to_string())
            .collect();
        assert_eq!(moving.len(), 2);
        let waiting = json!({ "users": moving, "to": UserState::Prepared });
        let told = cloud.told_until(|told| arrived(told, &moving)).await;
        assert!(arrived(&told, &moving), "{waiting}");
        for user in &moving {
            let chain = chain(&told, user);
            assert!(
                chain.windows(2).all(|pair| pair[0].1 == pair[1].0),
                "each change begins where the one before ended: {chain:?}"
            );
        }
        let wave: Vec<&str> = changes(&told, "Crosswave Wave Changed")
            .map(|detail| match detail["to"].as_str() {
                Some("starting") => "starting",
                Some("started") => "started",
                _ => "something else",
            })
            .collect();
        assert_eq!(wave, ["starting", "started"]);
        assert_eq!(cloud.denied(), Vec::<String>::new());
        // Whatever moved is kept for good; only what the tenants' services allowed may go.
        let goes = cloud.with_attribute(table::EXPIRES).await.unwrap();
        assert!(!goes.is_empty() && goes.iter().all(|key| key.contains("#LIMITS/")), "{goes:?}");
        let listed = cloud.with_attribute(table::LISTING).await.unwrap();
        let (partition, sort) = Keys::project(&scope.customer, &scope.project);
        assert_eq!(listed, [format!("{partition}/{sort}")], "the index is sparse");
        recurring(&cloud, &scope).await;
        by_name(&cloud, &scope, &moving).await;
        assert_eq!(cloud.denied(), Vec::<String>::new(), "the API's role is enough");
    });
}

/// People are reported and reset by the API, with its own role.
async fn by_name(cloud: &Cloud, scope: &Scope, users: &BTreeSet<String>) {
    let project = format!("/v1/customers/{}/projects/{}", scope.customer, scope.project);
    let reset = json!({ "action": "reset", "users": users, "to": "no_match" });
    let (_, acted) = cloud.ask("POST", &format!("{project}/actions"), &reset).await.unwrap();
    assert_eq!(acted, json!({ "started": users.len(), "refused": [] }));
    let (_, report) = cloud.ask("GET", &format!("{project}/report"), &Value::Null).await.unwrap();
    assert_eq!(report["states"]["prepared"], Value::Null, "{report}");
    assert!(report["people"].as_u64() >= Some(2), "{report}");
}

/// A schedule that recurs is planned with its wave, in its own time zone, again after each time, and
/// goes with the wave.
async fn recurring(cloud: &Cloud, scope: &Scope) {
    let wave = format!("/v1/customers/{}/projects/{}/waves/nightly", scope.customer, scope.project);
    let ask = async |method: &str, path: &str, body: Value| {
        let (status, said) = cloud.ask(method, path, &body).await.unwrap();
        assert_eq!(status, 200, "{said}");
    };
    ask("PUT", &wave, json!({})).await;
    let (zone, fired) = (TimeZone::get("Asia/Kolkata").unwrap(), cloud.fired().len());
    let first = (SystemClock.now() + SignedDuration::from_secs(2)).to_zoned(zone).datetime();
    let first = first.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let schedule = json!({
        "first": first, "zone": "Asia/Kolkata", "repeat": { "every": "days", "days": 1 },
    });
    ask("PUT", &format!("{wave}/schedules/sync"), schedule).await;
    let planned = cloud.planned().into_values().next().unwrap();
    let next = BTreeSet::from([planned + SignedDuration::from_hours(24)]);
    for _ in 0..100 {
        if cloud.fired().len() > fired && !cloud.planned().is_empty() {
            break;
        }
        SystemClock.sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(cloud.planned().into_values().collect::<BTreeSet<_>>(), next);
    ask("DELETE", &wave, Value::Null).await;
    assert_eq!(cloud.planned(), BTreeMap::new());
}

/// The details of one kind of event, each once: an event that comes again has the same id.
fn changes<'a>(told: &'a [Value], kind: &'a str) -> impl Iterator<Item = Value> + 'a {
    let mut seen = BTreeSet::new();
    let of_kind = told.iter().filter(move |event| event["DetailType"] == kind);
    of_kind.filter_map(move |event| {
        let detail: Value = serde_json::from_str(event["Detail"].as_str()?).ok()?;
        seen.insert(detail["id"].as_str()?.to_owned()).then_some(detail)
    })
}

/// From where to where a user went.
fn chain(told: &[Value], user: &str) -> Vec<(Value, Value)> {
    changes(told, "Crosswave User Changed")
        .filter(|detail| detail["user"] == user)
        .map(|detail| (detail["from"].clone(), detail["to"].clone()))
        .collect()
}

fn arrived(told: &[Value], users: &BTreeSet<String>) -> bool {
    let prepared = json!(UserState::Prepared);
    users.iter().all(|user| chain(told, user).last().is_some_and(|(_, to)| *to == prepared))
}
