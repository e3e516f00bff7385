//! Waves, schedules and runs on the reference store.

use std::time::Duration;

use engine::records::{Batch, load};
use jiff::Timestamp;
use model::{Action, Repeat, Schedule, User, UserState, WaveId, WaveRun};

use super::{assign, create, delete, expand, list, pending_runs, set_schedule, start_run, tick};
use crate::{
    Selection,
    tests::{Desk, user},
};

fn wave() -> WaveId {
    "w1".parse().unwrap()
}

async fn desk_with(states: &[(&str, UserState)]) -> Desk {
    let desk = Desk::new().await;
    create(&desk.host, &desk.project, wave(), None, None).await.unwrap();
    for (id, state) in states {
        desk.put(&User { state: *state, wave: Some(wave()), ..user(id) }).await;
    }
    desk
}

fn daily(first: &str) -> Schedule {
    Schedule {
        first: first.parse().unwrap(),
        zone: "UTC".to_owned(),
        repeat: Some(Repeat::Days { days: 1 }),
        blackout: Vec::new(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// GEN-2: each planned time fires exactly once, however often and wherever it is looked at.
#[tokio::test]
async fn a_planned_time_fires_exactly_once() {
    let desk = desk_with(&[]).await;
    let scope = desk.scope();
    let schedule = daily("2026-06-01T20:00");
    set_schedule(&desk.host, &scope, &wave(), Action::Sync, Some(schedule)).await.unwrap();
    let fire = async |now: &str| tick(&desk.host, &scope, at(now)).await.unwrap().len();
    assert_eq!(fire("2026-06-01T19:59:59Z").await, 0);
    assert_eq!(fire("2026-06-01T20:00:00Z").await, 1);
    assert_eq!(fire("2026-06-01T20:00:00Z").await, 0);
    assert_eq!(fire("2026-06-02T20:00:01Z").await, 1);
    assert_eq!(pending_runs(&desk.host, &scope).await.unwrap().len(), 2);
}

/// GEN-2: a host that was off over some days does not repeat the sync for each of them.
#[tokio::test]
async fn of_missed_times_the_last_one_fires() {
    let desk = desk_with(&[]).await;
    let scope = desk.scope();
    let schedule = daily("2026-06-01T20:00");
    set_schedule(&desk.host, &scope, &wave(), Action::Sync, Some(schedule)).await.unwrap();
    let fired = tick(&desk.host, &scope, at("2026-06-05T00:00:00Z")).await.unwrap();
    let planned: Vec<String> = fired.iter().map(|fired| fired.planned.to_string()).collect();
    assert_eq!(planned, ["2026-06-04T20:00:00Z"]);
}

/// GEN-2: a time that is over when the schedule is set does not fire.
#[tokio::test]
async fn a_time_that_is_over_does_not_fire() {
    let desk = desk_with(&[]).await;
    let scope = desk.scope();
    let once = Schedule { repeat: None, ..daily("2026-05-01T20:00") };
    set_schedule(&desk.host, &scope, &wave(), Action::Cutover, Some(once)).await.unwrap();
    assert!(tick(&desk.host, &scope, at("2026-06-01T20:00:00Z")).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_a_sync_repeats_and_only_three_actions_are_scheduled() {
    let desk = desk_with(&[]).await;
    let scope = desk.scope();
    for (action, text) in [
        (Action::Cutover, "cutover happens once; only a sync repeats"),
        (Action::Verify, "verify cannot be scheduled; prepare, sync and cutover can"),
    ] {
        let schedule = Some(daily("2026-06-01T20:00"));
        let error = set_schedule(&desk.host, &scope, &wave(), action, schedule).await;
        assert_eq!(error.unwrap_err().to_string(), text);
    }
}

/// GEN-1, GEN-3, ERR-2: a refused user is noted and does not stop the wave.
#[tokio::test]
async fn a_refused_user_does_not_stop_the_wave() {
    let states = [("a", UserState::Synced), ("b", UserState::NoMatch), ("c", UserState::Stopped)];
    let desk = desk_with(&states).await;
    let scope = desk.scope();
    let run = start_run(&desk.host, &scope, &wave(), Action::Cutover, false).await.unwrap();
    let expanded = expand(&desk.host, &scope, &run).await.unwrap();
    assert_eq!(expanded.started, 2);
    let [refused] = expanded.refused.as_slice() else { panic!("one refusal") };
    assert!(
        refused.starts_with("b@old.example: cutover is not allowed while the user is no_match")
    );
    let states: Vec<UserState> = desk.users().await.into_iter().map(|user| user.state).collect();
    assert_eq!(states, [UserState::Finalizing, UserState::NoMatch, UserState::Finalizing]);
}

/// ERR-4: a run whose cursor was lost in a crash starts nobody twice and forgets nobody.
#[tokio::test]
async fn a_run_goes_on_after_a_crash_without_starting_anyone_twice() {
    let states = [("a", UserState::Synced), ("b", UserState::Synced)];
    let desk = desk_with(&states).await;
    let scope = desk.scope();
    let run = start_run(&desk.host, &scope, &wave(), Action::Sync, false).await.unwrap();
    desk.clock.advance(Duration::from_secs(1));
    expand(&desk.host, &scope, &run).await.unwrap();
    // The crash: the record of the run is as it was before.
    let place = super::schedule::run_place(&scope, &run);
    let done = load::<WaveRun>(&*desk.host.store, place.clone()).await.unwrap().unwrap();
    assert!(done.value.done);
    let mut batch = Batch::new();
    batch.put(place, &run, done.version).unwrap();
    batch.commit(&*desk.host.store).await.unwrap();
    let again = expand(&desk.host, &scope, &run).await.unwrap();
    assert_eq!((again.started, again.refused.len()), (2, 0));
    assert!(desk.users().await.iter().all(|user| user.jobs == 1));
}

/// ERR-1
#[tokio::test]
async fn an_unknown_wave_is_named_with_those_that_there_are() {
    let desk = desk_with(&[]).await;
    let unknown: WaveId = "w9".parse().unwrap();
    let error = start_run(&desk.host, &desk.scope(), &unknown, Action::Sync, false).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no wave `w9`; the project has w1; make it with `crosswave waves create w9`"
    );
}

#[tokio::test]
async fn a_wave_with_users_is_not_deleted() {
    let desk = desk_with(&[("a", UserState::NoMatch)]).await;
    let scope = desk.scope();
    let error = delete(&desk.host, &scope, &wave()).await.unwrap_err();
    assert!(error.to_string().contains("has 1 users"), "{error}");
    let everybody = Selection::everybody();
    assert_eq!(assign(&desk.host, &scope, &everybody, None).await.unwrap(), 1);
    delete(&desk.host, &scope, &wave()).await.unwrap();
    assert!(list(&desk.host, &scope).await.unwrap().is_empty());
}
