//! Budgets, fences, and the few tries inside one call. ERR-3: a throttled tenant slows the work
//! and never fails it.

use std::{sync::Arc, time::Duration};

use ports::{Clock as _, TransportErrorKind};
use serde_json::{Map, json};
use tenant::{Class, LimitSettings, Operation, Rate, Retry, TenantError, graph::Mail};
use tokio::sync::Semaphore;

use super::support::{Answer, Setup, World, world};

const ANY: Operation = Operation::new("try", &[]);

fn throttled(seconds: &str) -> Answer {
    let body = json!({ "error": { "code": "TooManyRequests", "message": "slow down" } });
    Answer::json(429, &body).header("retry-after", seconds)
}

fn fine() -> Answer {
    Answer::json(200, &json!({ "value": [] }))
}

async fn read(world: &World) -> Result<(), TenantError> {
    world.client.graph().get(ANY, &["x"]).done().await
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    let world = world([throttled("1"), fine()]);
    let before = world.clock.now();
    read(&world).await.unwrap();
    let waited = world.clock.now().duration_since(before);
    assert!(waited >= jiff::SignedDuration::from_secs(1), "{waited}");
}

#[tokio::test]
async fn a_throttled_write_goes_again_for_it_had_no_effect() {
    let world = world([throttled("1"), Answer::empty(204)]);
    world.client.graph().update_user("u", &Map::new()).await.unwrap();
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn a_long_retry_after_comes_back_and_stops_all_traffic_of_its_lane() {
    let world = world([throttled("30"), fine()]);
    let retry_after = Duration::from_secs(30);
    let error = read(&world).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { retry_after });
    assert_eq!(error.retry(), Retry::Later(retry_after));
    let error = read(&world).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("budget", None), "it was not even sent");
    assert_eq!(world.requests(), 1);
    world.clock.advance(Duration::from_secs(30));
    read(&world).await.unwrap();
}

#[tokio::test]
async fn a_fence_of_one_mailbox_leaves_the_others_alone() {
    let world = world([throttled("30"), fine(), fine()]);
    let call = |mailbox: &str| world.client.graph().get(ANY, &["x"]).mailbox(mailbox).done();
    call("ann").await.unwrap_err();
    call("bob").await.unwrap();
    read(&world).await.unwrap();
    let error = call("ann").await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }));
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn a_throttle_without_a_time_is_tried_three_times() {
    let body = json!({ "error": { "code": "ApplicationThrottled", "message": "limit" } });
    let world = world(std::iter::repeat_n(Answer::json(429, &body), 3));
    let error = read(&world).await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }));
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn a_retry_after_of_nothing_is_still_a_pause() {
    let world = world([throttled("0"), throttled("0"), fine()]);
    let before = world.clock.now();
    read(&world).await.unwrap();
    let waited = world.clock.now().duration_since(before);
    assert!(waited >= jiff::SignedDuration::from_millis(500), "{waited}");
}

#[tokio::test]
async fn a_503_with_a_time_is_a_throttle_also_for_a_write() {
    let world = world([Answer::empty(503).header("retry-after", "60")]);
    let error = world.client.graph().send_mail("s", &Mail::default()).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { retry_after: Duration::from_mins(1) });
}

#[tokio::test]
async fn a_read_survives_a_moment_of_trouble() {
    let world = world([Answer::empty(503), Answer::Fail(TransportErrorKind::Timeout), fine()]);
    read(&world).await.unwrap();
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn a_read_gives_up_after_three_tries() {
    let world = world(std::iter::repeat_n(Answer::empty(502), 3));
    let error = read(&world).await.unwrap_err();
    assert_eq!((error.class.clone(), world.requests()), (Class::Transient, 3));
    assert!(matches!(error.retry(), Retry::Later(_)));
}

#[tokio::test]
async fn a_write_that_never_got_a_connection_goes_again() {
    let world = world([Answer::Fail(TransportErrorKind::Connect), Answer::empty(202)]);
    world.client.graph().send_mail("s", &Mail::default()).await.unwrap();
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn an_absurd_retry_after_is_cut_to_an_hour() {
    let world = world([throttled("99999999999")]);
    let error = read(&world).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { retry_after: Duration::from_hours(1) });
}

/// No more than the rate in any window, and nothing lost: the caller is told when to come.
#[tokio::test]
async fn the_budget_of_a_mailbox_holds_in_every_window() {
    let limits = LimitSettings {
        wait_max: Duration::ZERO,
        mailbox_requests: Rate::new(100, Duration::from_mins(10)),
        ..LimitSettings::default()
    };
    let world = Setup { limits, ..Setup::default() }.world(std::iter::repeat_n(fine(), 1_000));
    let start = world.clock.now();
    let mut sent = Vec::new();
    while world.clock.now().duration_since(start) < jiff::SignedDuration::from_mins(30) {
        match world.client.graph().get(ANY, &["x"]).mailbox("ann").done().await {
            Ok(()) => sent.push(world.clock.now()),
            Err(error) => {
                let Class::Throttled { retry_after } = error.class else { panic!("{error}") };
                assert!(!retry_after.is_zero());
                world.clock.advance(retry_after);
            }
        }
    }
    let window = jiff::SignedDuration::from_mins(10);
    for (index, first) in sent.iter().enumerate() {
        let inside = sent[index..].iter().filter(|at| at.duration_since(*first) < window).count();
        assert!(inside <= 100, "{inside} requests in ten minutes");
    }
    assert!(sent.len() >= 270, "the budget is used: {} of 300", sent.len());
}

#[tokio::test]
async fn writes_draw_on_their_own_budget() {
    let limits = LimitSettings {
        wait_max: Duration::ZERO,
        directory_writes: Rate::new(10, Duration::from_secs(150)),
        ..LimitSettings::default()
    };
    let answers = std::iter::repeat_n(Answer::empty(204), 10);
    let world = Setup { limits, ..Setup::default() }.world(answers);
    let write = || async { world.client.graph().update_user("u", &Map::new()).await };
    write().await.unwrap();
    let error = write().await.unwrap_err();
    assert_eq!(&*error.code, "budget");
    read(&world).await.unwrap();
}

/// Four at a time: the fifth is told to come back when its patience ends.
#[tokio::test]
async fn a_mailbox_takes_four_requests_at_a_time() {
    let world = world(std::iter::repeat_n(fine(), 6));
    let graph = world.client.graph();
    let open = || graph.get(ANY, &["x"]).mailbox("ann").stream();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(open().await.unwrap());
    }
    let error = open().await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }), "{error:?}");
    graph.get(ANY, &["x"]).mailbox("bob").done().await.unwrap();
    held.pop();
    let again = open().await.unwrap();
    assert_eq!(again.status, http::StatusCode::OK);
}

#[tokio::test]
async fn exchange_takes_as_many_cmdlets_at_a_time_as_configured() {
    let limits = LimitSettings { exchange_concurrency: 1, ..LimitSettings::default() };
    let gate = Arc::new(Semaphore::new(0));
    let setup = Setup { limits, ..Setup::default() };
    let world = setup.world([Answer::Held(Arc::clone(&gate)), fine()]);
    let run = || async { world.client.exchange().accepted_domains().await };
    let beside = async {
        while world.requests() == 0 {
            tokio::task::yield_now().await;
        }
        let error = run().await.unwrap_err();
        assert!(matches!(error.class, Class::Throttled { .. }), "{error:?}");
        gate.add_permits(1);
    };
    let (first, ()) = tokio::join!(run(), beside);
    first.unwrap();
    run().await.unwrap();
    assert_eq!(world.requests(), 2);
}
