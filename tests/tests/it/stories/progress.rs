//! How far the copies in flight are, as `status` and the bars show it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use content::Forecast;
use control::{PersonCopy, Selection, Status};
use crosswave_tests::world::World;
use jiff::SignedDuration;
use model::Action;
use simulator::{Lag, MailboxFill, Part};

use super::support::{after, fill, plain};

async fn status(world: &World) -> Status {
    let everybody = Selection::everybody();
    control::status(&world.host, &world.scope(), &everybody).await.unwrap()
}

/// Every reply takes so long that a copy goes over several units, between which the status is read.
fn slow(world: &World) {
    world.simulator.configure(|config| config.faults.latency = Lag::seconds(5, 5));
}

/// Lets time pass until a person's copy shows in the status as wanted.
async fn shown(world: &World, wanted: impl Fn(&PersonCopy) -> bool) -> PersonCopy {
    loop {
        assert!(world.advance_one().await, "the work ended and the status never showed it");
        let status = status(world).await;
        if let Some(person) = status.copies.people.iter().find(|person| wanted(person)) {
            return person.clone();
        }
    }
}

/// What is left of a first copy, in items and bytes, and when it ends.
#[tokio::test]
async fn a_first_copy_tells_what_is_left_and_when_it_ends() {
    let (world, people) = after(plain(1), &[Action::Prepare]).await;
    let mail = MailboxFill { least_items: 150, most_items: 150, ..MailboxFill::default() };
    let (tenant, id) = (world.source.tenant_id, &people[0].source.object_id);
    world.simulator.fill_mailbox(tenant, id, Part::Primary, &mail).unwrap();
    slow(&world);
    world.apply(&people[0], Action::Sync).await.unwrap();
    let person = shown(&world, |person| person.forecast.items_left > 0).await;
    assert!(person.forecast.bytes_left > 0, "{person:?}");
    assert!(person.forecast.ends.is_some_and(|ends| ends >= world.host.clock.now()), "{person:?}");
}

/// CUT-T1: the delta beside a cutover is shown like any other copy, and is gone from the status once it
/// has ended.
#[tokio::test]
async fn a_copy_in_flight_tells_how_far_it_is() {
    let (world, people) = after(plain(1), &[Action::Prepare, Action::Sync]).await;
    assert_eq!(status(&world).await.copies.people, []);
    fill(&world, &people);
    slow(&world);
    world.apply(&people[0], Action::Cutover).await.unwrap();
    let rated = |person: &PersonCopy| {
        let forecast = &person.forecast;
        let done = forecast.items_done > 0 && forecast.bytes_done > 0;
        done && forecast.items_per_minute > 0 && forecast.ends.is_some()
    };
    let person = shown(&world, rated).await;
    assert_eq!(person.user, people[0].id);
    assert!(!person.doing.is_empty(), "{person:?}");
    let Forecast { bytes_per_second, seconds_left, ends, .. } = person.forecast;
    assert!(bytes_per_second > 0, "{person:?}");
    let now = world.host.clock.now();
    let left = SignedDuration::from_secs(i64::try_from(seconds_left.unwrap()).unwrap());
    assert_eq!(ends.unwrap().duration_since(now).as_secs(), left.as_secs(), "{person:?}");
    let together = status(&world).await.copies;
    assert_eq!(together.all.bytes_done, person.forecast.bytes_done);
    assert!(together.all.ends >= ends, "nobody is done before the last");
    assert_eq!(together.waves.len(), 1);
    world.settle().await;
    assert_eq!(status(&world).await.copies.people, []);
}
