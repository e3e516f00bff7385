//! Replication.

use http::Method;
use serde_json::{Value, json};
use simulator::{Config, Lag, Lags};

use crate::bench::Bench;

fn lagging(lags: Lags) -> Bench {
    Bench::with(2, Config { lags, ..Config::default() })
}

fn contact() -> Value {
    json!({ "Name": "c", "ExternalEmailAddress": "c@x.example" })
}

#[test]
fn a_new_object_shows_on_the_anchors_server_at_once_and_elsewhere_later() {
    let bench = lagging(Lags { directory: Lag::seconds(60, 60), ..Lags::default() });
    let made = bench.done(&bench.target, "New-MailContact", contact());
    let get = json!({ "Identity": made.first()["Guid"] });
    assert_eq!(bench.run(&bench.target, "Get-MailContact", get.clone()).status, 200);
    let without_anchor = || bench.invoke(&bench.target, "Get-MailContact", get.clone(), &[]).status;
    let statuses: Vec<u16> = (0..30).map(|_| without_anchor()).collect();
    assert!(statuses.contains(&404) && statuses.contains(&200), "{statuses:?}");
    bench.pass(61);
    assert!((0..30).all(|_| without_anchor() == 200));
}

#[test]
fn an_anchor_is_likely_but_not_certain_to_hit_its_server() {
    let bench = lagging(Lags { directory: Lag::seconds(60, 60), ..Lags::default() });
    bench.simulator.configure(|config| config.rules.anchor_hits = 0.8);
    let made = bench.done(&bench.target, "New-MailContact", contact());
    let get = json!({ "Identity": made.first()["Guid"] });
    let hits = (0..200)
        .filter(|_| bench.run(&bench.target, "Get-MailContact", get.clone()).status == 200)
        .count();
    assert!(hits < 200, "it is not certain");
    let first = hits;
    assert!(first > 0, "it happens");
}

#[test]
fn a_deleted_object_goes_on_answering_for_a_while() {
    let bench = lagging(Lags::default());
    let made = bench.done(&bench.target, "New-MailContact", contact());
    bench.simulator.configure(|config| config.lags.directory = Lag::seconds(60, 60));
    let identity = json!({ "Identity": made.first()["Guid"] });
    bench.done(&bench.target, "Remove-MailContact", identity.clone());
    assert_eq!(
        bench.run(&bench.target, "Get-MailContact", identity.clone()).status,
        404,
        "the server that took it"
    );
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(bench.invoke(&bench.target, "Get-MailContact", identity.clone(), &[]).status);
    }
    assert!(statuses.contains(&200), "{statuses:?}");
    bench.pass(61);
    assert_eq!(bench.invoke(&bench.target, "Get-MailContact", identity, &[]).status, 404);
}

#[test]
fn a_freed_address_stays_taken_for_a_while() {
    let bench = lagging(Lags { address_release: Lag::seconds(600, 600), ..Lags::default() });
    let made = bench.done(&bench.target, "New-MailContact", contact());
    bench.done(&bench.target, "Remove-MailContact", json!({ "Identity": made.first()["Guid"] }));
    let again = json!({ "Name": "d", "ExternalEmailAddress": "c@x.example" });
    assert_eq!(
        bench.run(&bench.target, "New-MailContact", again.clone()).exception(),
        "ProxyAddressExistsException"
    );
    bench.pass(601);
    bench.done(&bench.target, "New-MailContact", again);
}

#[test]
fn graph_and_exchange_show_each_others_writes_after_the_forward_sync() {
    let bench = lagging(Lags { forward_sync: Lag::seconds(90, 90), ..Lags::default() });
    let made = bench.mail_user("ada");
    let id = made.first()["ExternalDirectoryObjectId"].as_str().expect("an id").to_owned();
    let path = format!("/v1.0/users/{id}?$select=displayName");
    assert_eq!(bench.get(&bench.target, &path).status, 404);
    bench.pass(91);
    assert_eq!(bench.get(&bench.target, &path).status, 200);
    let patch = bench.graph(
        &bench.target,
        Method::PATCH,
        &format!("/v1.0/users/{id}"),
        Some(json!({ "displayName": "Ada L" })),
    );
    assert_eq!(patch.status, 204);
    let name = || {
        bench.done(&bench.target, "Get-MailUser", json!({ "Identity": id })).first()["DisplayName"]
            .clone()
    };
    assert_eq!(name(), "ada");
    bench.pass(91);
    assert_eq!(name(), "Ada L");
}
