//! GEN-2: schedules of a wave, in virtual time.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::sync::Arc;

use control::{Selection, waves};
use crosswave_tests::world::World;
use jiff::Timestamp;
use model::{Action, Blackout, Repeat, Schedule, User, UserState, WaveId};

use super::{
    support::{discovered, plain},
    twice::Mortal,
};

/// A wave of everybody who moves.
async fn wave_of(world: &World, people: &[User]) -> WaveId {
    let wave: WaveId = "one".parse().unwrap();
    waves::create(&world.host, &world.project, wave.clone(), None, None).await.unwrap();
    let names = people.iter().map(|user| user.source.user_principal_name.clone()).collect();
    let selection = Selection { wave: None, users: names };
    let changed = waves::assign(&world.host, &world.scope(), &selection, Some(&wave)).await;
    assert_eq!(changed.unwrap(), people.len());
    wave
}

fn at(first: &str) -> Schedule {
    Schedule {
        first: first.parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
        repeat: None,
        blackout: Vec::new(),
    }
}

/// Lets the hours pass as a host does: it looks every minute, starts what is due, and works it off.
/// The planned times that fired.
async fn live_until(world: &World, end: &str) -> Vec<(Action, String)> {
    let end: Timestamp = end.parse().unwrap();
    let mut fired = Vec::new();
    loop {
        let now = ports::Clock::now(&world.clock);
        if now >= end {
            return fired;
        }
        for due in waves::tick(&world.host, &world.scope(), now).await.unwrap() {
            fired.push((due.action, due.planned.to_string()));
        }
        for run in waves::pending_runs(&world.host, &world.scope()).await.unwrap() {
            waves::expand(&world.host, &world.scope(), &run).await.unwrap();
        }
        world.settle().await;
        // Working may have taken longer than a look.
        world.clock.advance(std::time::Duration::from_mins(1));
    }
}

/// GEN-2, GEN-1: prepare, a repeated sync and the cutover of a wave run at their planned times, by the
/// wall clock of their zone.
#[tokio::test]
async fn a_wave_moves_by_its_schedules() {
    let (world, people) = discovered(plain(2)).await;
    let wave = wave_of(&world, &people).await;
    let (host, scope) = (&world.host, world.scope());
    let sync = Schedule { repeat: Some(Repeat::Days { days: 1 }), ..at("2026-06-01T22:00") };
    for (action, schedule) in [
        (Action::Prepare, at("2026-06-01T12:00")),
        (Action::Sync, sync),
        (Action::Cutover, at("2026-06-03T06:00")),
    ] {
        waves::set_schedule(host, &scope, &wave, action, Some(schedule)).await.unwrap();
    }
    let fired = live_until(&world, "2026-06-03T06:00:00Z").await;
    let expected = [
        (Action::Prepare, "2026-06-01T10:00:00Z"),
        (Action::Sync, "2026-06-01T20:00:00Z"),
        (Action::Sync, "2026-06-02T20:00:00Z"),
        (Action::Cutover, "2026-06-03T04:00:00Z"),
    ];
    assert_eq!(fired, expected.map(|(action, time)| (action, time.to_owned())));
    for user in &people {
        let user = world.user(user).await;
        assert_eq!(user.state, UserState::Complete, "{:?}", user.problem);
        assert_eq!(user.jobs, 4, "each planned time ran once");
    }
}

/// GEN-2: a daily sync keeps its wall-clock time when summer time ends, fires once at the hour that
/// comes twice, and at the end of the gap when summer time begins.
#[tokio::test]
async fn a_daily_sync_fires_once_a_day_across_changes_of_the_clock() {
    for (start, first, end, expected) in [
        (
            "2026-10-24T00:00:00Z",
            "2026-10-24T02:30",
            "2026-10-26T06:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "2027-03-27T00:00:00Z",
            "2027-03-27T02:30",
            "2027-03-29T06:00:00Z",
            ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"],
        ),
    ] {
        let (world, people) = discovered(plain(1)).await;
        let wave = wave_of(&world, &people).await;
        world.clock.advance_to(start.parse().unwrap());
        let daily = Schedule { repeat: Some(Repeat::Days { days: 1 }), ..at(first) };
        waves::set_schedule(&world.host, &world.scope(), &wave, Action::Sync, Some(daily))
            .await
            .unwrap();
        let fired = live_until(&world, end).await;
        let times: Vec<&str> = fired.iter().map(|(_, time)| time.as_str()).collect();
        assert_eq!(times, expected);
    }
}

/// GEN-2: nothing starts in the black-out hours; it starts at their end.
#[tokio::test]
async fn nothing_starts_in_the_blackout_hours() {
    let (world, people) = discovered(plain(1)).await;
    let wave = wave_of(&world, &people).await;
    let hours = Blackout {
        days: Vec::new(),
        from: "08:00:00".parse().unwrap(),
        to: "18:00:00".parse().unwrap(),
    };
    let schedule = Schedule { blackout: vec![hours], ..at("2026-06-01T12:00") };
    waves::set_schedule(&world.host, &world.scope(), &wave, Action::Prepare, Some(schedule))
        .await
        .unwrap();
    let fired = live_until(&world, "2026-06-01T20:00:00Z").await;
    assert_eq!(fired, [(Action::Prepare, "2026-06-01T16:00:00Z".to_owned())]);
    assert_eq!(world.user(&people[0]).await.state, UserState::Prepared);
}

/// GEN-2, ERR-4: a planned time runs exactly once although two hosts look, each twice, and although
/// the host dies at each commit between looking and having started the last user.
#[tokio::test]
async fn a_planned_time_runs_once_although_the_host_dies() {
    let (mut world, people) = discovered(plain(3)).await;
    let wave = wave_of(&world, &people).await;
    let schedule = Some(at("2026-06-01T12:00"));
    waves::set_schedule(&world.host, &world.scope(), &wave, Action::Prepare, schedule)
        .await
        .unwrap();
    world.clock.advance_to("2026-06-01T10:00:00Z".parse().unwrap());
    let scope = world.scope();
    for written in [false, true] {
        for commits in 1..=12 {
            let mortal = Arc::new(Mortal::new(Arc::clone(&world.store), commits, written));
            world.host.store = Arc::clone(&mortal) as Arc<dyn ports::Store>;
            let host = &world.host;
            let now = ports::Clock::now(&world.clock);
            // What fails here is what a process leaves that ends.
            for _ in 0..2 {
                drop(waves::tick(host, &scope, now).await);
                for run in waves::pending_runs(host, &scope).await.unwrap_or_default() {
                    drop(waves::expand(host, &scope, &run).await);
                }
            }
            world.host.store = Arc::clone(&world.store) as Arc<dyn ports::Store>;
        }
    }
    assert_eq!(waves::pending_runs(&world.host, &scope).await.unwrap(), []);
    // A message that a death has lost is sent again by the sweeper.
    world.clock.advance(engine::STALE_AFTER);
    engine::sweep(&world.host, &scope.customer, &scope.project, engine::STALE_AFTER).await.unwrap();
    world.settle().await;
    for user in &people {
        let user = world.user(user).await;
        assert_eq!((user.state, user.jobs), (UserState::Prepared, 1), "{:?}", user.problem);
    }
}
