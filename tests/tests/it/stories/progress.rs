//! How far the copies in flight are, as `status` and the bars show it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use control::{PersonCopy, Selection, Status};
use crosswave_tests::world::World;
use model::Action;

use super::support::{after, fill, plain};

async fn status(world: &World) -> Status {
    let everybody = Selection::everybody();
    control::status(&world.host, &world.scope(), &everybody).await.unwrap()
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

/// CUT-T1: the delta beside a cutover is shown like any other copy, and is gone from the status once it
/// has ended.
#[tokio::test]
async fn a_copy_in_flight_tells_how_far_it_is() {
    let (world, people) = after(plain(1), &[Action::Prepare, Action::Sync]).await;
    assert_eq!(status(&world).await.copies.people, []);
    fill(&world, &people);
    world.apply(&people[0], Action::Cutover).await.unwrap();
    let person = shown(&world, |person| person.forecast.items_done > 0).await;
    assert_eq!(person.user, people[0].id);
    assert!(!person.doing.is_empty(), "{person:?}");
    world.settle().await;
    assert_eq!(status(&world).await.copies.people, []);
}
