//! Injected faults, budgets, the log.

use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use http::Method;
use ports::{Transport, TransportErrorKind};
use serde_json::json;
use simulator::{Config, FaultKind, FaultRule, Faults, Lag, Throttling};

use crate::bench::{Bench, now, request};

fn aimed(cmdlet: Option<&str>, path: Option<&str>, kind: FaultKind) -> FaultRule {
    FaultRule {
        path: path.map(str::to_owned),
        cmdlet: cmdlet.map(str::to_owned),
        method: None,
        from: 1,
        times: Some(1),
        kind,
    }
}

fn with(rule: FaultRule) -> Bench {
    let bench = Bench::calm();
    bench.simulator.configure(|config| config.faults.rules = vec![rule]);
    bench
}

fn users(bench: &Bench) -> ports::HttpRequest {
    let token = bench.token(&bench.source, "https://graph.microsoft.com");
    request(
        Method::GET,
        "https://graph.microsoft.com/v1.0/users",
        &[("authorization", format!("Bearer {token}"))],
        "",
    )
}

#[test]
fn a_rule_hits_the_nth_request_and_then_lets_go() {
    let status = FaultKind::Status { status: 429, retry_after: Some(7) };
    let mut rule = aimed(None, Some("/users"), status);
    rule.from = 2;
    let bench = with(rule);
    let get = || bench.get(&bench.source, "/v1.0/users");
    assert_eq!(get().status, 200);
    let hit = get();
    assert_eq!((hit.status, hit.headers["retry-after"].to_str().expect("text")), (429, "7"));
    assert_eq!(get().status, 200);
}

#[test]
fn a_lost_reply_has_taken_effect_and_a_reset_before_has_not() {
    for (kind, exists) in [(FaultKind::ResetAfter, true), (FaultKind::ResetBefore, false)] {
        let bench = with(aimed(Some("New-MailContact"), None, kind));
        let token = bench.token(&bench.target, "https://outlook.office365.com");
        let url = format!(
            "https://outlook.office365.com/adminapi/beta/{}/InvokeCommand",
            bench.target.tenant_id
        );
        let body = json!({ "CmdletInput": { "CmdletName": "New-MailContact", "Parameters": { "Name": "c", "ExternalEmailAddress": "c@x.example" } } });
        let call = request(
            Method::POST,
            &url,
            &[("authorization", format!("Bearer {token}"))],
            body.to_string(),
        );
        let broken = bench.simulator.handle(&call).expect_err("a broken connection");
        assert_eq!(broken.kind, TransportErrorKind::Broken);
        assert_eq!(
            bench.simulator.recipient(bench.target.tenant_id, "c@x.example").is_some(),
            exists
        );
        let again = bench.send(&call);
        assert_eq!(again.status >= 400, exists, "a retry meets 'already exists'");
    }
}

#[test]
fn a_truncated_body_breaks_in_the_middle() {
    let bench = with(aimed(None, Some("/users"), FaultKind::Truncated));
    let mut reply = bench.simulator.handle(&users(&bench)).expect("a head");
    assert_eq!(reply.status, 200);
    let half = now(reply.body.next()).expect("a chunk").expect("bytes");
    assert!(serde_json::from_slice::<serde_json::Value>(&half).is_err());
    assert!(now(reply.body.next()).expect("an end").is_err());
}

#[test]
fn exchange_throttles_in_plain_text() {
    let bench = with(aimed(Some("Get-Mailbox"), None, FaultKind::PlainTextThrottle));
    let answer = bench.run(&bench.target, "Get-Mailbox", json!({}));
    let text = String::from_utf8_lossy(&answer.bytes).into_owned();
    assert_eq!(
        text,
        "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
    );
    assert!(answer.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
}

#[test]
fn pausing_faults_pauses_them() {
    let faults = Faults { unavailable: 1.0, ..Faults::default() };
    let bench = Bench::calm();
    bench.simulator.configure(|config| config.faults = faults);
    bench.simulator.pause_faults(true);
    assert_eq!(bench.get(&bench.source, "/v1.0/users").status, 200);
    let call = users(&bench);
    bench.simulator.pause_faults(false);
    assert_eq!(bench.send(&call).status, 503);
}

#[test]
fn requests_in_flight_are_counted_per_mailbox_and_per_tenant() {
    let bench = Bench::calm();
    bench.simulator.configure(|config| {
        config.throttling =
            Throttling { enabled: true, exchange_concurrency: 2, ..Throttling::default() };
        config.throttling.enabled = true;
        config.faults.latency = Lag::seconds(1, 1);
    });
    bench.simulator.pause_faults(true);
    let graph = bench.token(&bench.source, "https://graph.microsoft.com");
    let exchange = bench.token(&bench.source, "https://outlook.office365.com");
    bench.simulator.pause_faults(false);
    let person = bench
        .simulator
        .recipients(bench.source.tenant_id)
        .into_iter()
        .find(|r| r.kind == "UserMailbox")
        .expect("a person");
    let mailbox = format!(
        "https://graph.microsoft.com/v1.0/admin/exchange/mailboxes/MBX:{}@{}/folders",
        person.mailbox.expect("a mailbox"),
        bench.source.tenant_id
    );
    let folders =
        request(Method::GET, &mailbox, &[("authorization", format!("Bearer {graph}"))], "");
    let url = format!(
        "https://outlook.office365.com/adminapi/beta/{}/InvokeCommand",
        bench.source.tenant_id
    );
    let cmdlet = json!({ "CmdletInput": { "CmdletName": "Get-AcceptedDomain", "Parameters": {} } })
        .to_string();
    let domains =
        request(Method::POST, &url, &[("authorization", format!("Bearer {exchange}"))], cmdlet);
    for (call, limit, status) in [(folders, 4, 429_u16), (domains, 2, 200)] {
        let mut context = Context::from_waker(Waker::noop());
        let mut flying: Vec<_> = (0..=limit).map(|_| bench.simulator.send(call.clone())).collect();
        for future in &mut flying {
            assert!(future.as_mut().poll(&mut context).is_pending(), "it takes its time");
        }
        bench.pass(1);
        let mut refused = 0;
        for future in &mut flying {
            let Poll::Ready(Ok(reply)) = future.as_mut().poll(&mut context) else {
                panic!("an answer")
            };
            let plain =
                reply.headers["content-type"].to_str().expect("text").starts_with("text/plain");
            let throttled = reply.status.as_u16() == status
                && (plain || reply.headers.contains_key("retry-after"));
            refused += usize::from(throttled);
        }
        assert_eq!(refused, 1, "the one over the limit of {limit}");
    }
}

#[test]
fn the_directory_budget_is_spent_and_comes_back_with_time() {
    let bench = Bench::calm();
    bench.simulator.configure(|config| {
        config.throttling =
            Throttling { enabled: true, directory_units: 6, ..Throttling::default() };
        config.throttling.enabled = true;
    });
    let get = || bench.get(&bench.source, "/v1.0/users");
    assert_eq!([get().status, get().status, get().status], [200, 200, 200], "two units each");
    let refused = get();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["x-ms-throttle-information"], "ResourceUnitLimitExceeded");
    let wait: u64 =
        refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    bench.pass(wait);
    assert_eq!(get().status, 200);
}

#[test]
fn the_log_counts_by_status_cmdlet_and_tenant() {
    let bench = Bench::calm();
    bench.run(&bench.target, "Get-AcceptedDomain", json!({}));
    bench.get(&bench.source, "/v1.0/users");
    let counts = bench.simulator.counts();
    assert_eq!(counts.by_cmdlet["Get-AcceptedDomain"], 1);
    assert_eq!(counts.by_tenant[&bench.source.tenant_id.to_string()], 1);
    assert_eq!(counts.by_status[&200], 4, "two tokens among them");
    let last = bench.simulator.requests().pop().expect("a request");
    assert_eq!((last.path.as_str(), last.status), ("/v1.0/users", 200));
}

#[test]
fn a_seed_replays_exactly() {
    let history = || {
        let mut config = Config::of(simulator::Profile::Awkward);
        config.faults.latency = Lag::NONE;
        let bench = Bench::with(5, config);
        let call = request(Method::GET, "https://graph.microsoft.com/v1.0/users", &[], "");
        let outcomes: Vec<String> = (0..300)
            .map(|_| match bench.simulator.handle(&call) {
                Ok(reply) => reply.status.to_string(),
                Err(fault) => fault.to_string(),
            })
            .collect();
        (outcomes, bench.simulator.recipients(bench.source.tenant_id))
    };
    let (first, second) = (history(), history());
    assert_eq!(first, second);
    assert!(first.0.iter().any(|outcome| outcome.starts_with("503")), "faults happen");
}
