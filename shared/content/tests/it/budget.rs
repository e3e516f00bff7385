//! One unit of a copy is well inside one invocation of a step, whatever it is at.

use std::time::Duration;

use content::{CopyMode, UnitBudget, UnitOutcome};
use jiff::SignedDuration;
use ports::Clock;
use simulator::{Config, DriveFill, Lag, MailboxFill, Part, Profile};

use crate::support::World;

/// Every reply takes a second or two; then how long each unit of a first copy takes, and what it is at.
fn units(budget: Duration) -> Vec<(SignedDuration, String)> {
    let mut config = Config::of(Profile::Calm);
    config.faults.latency = Lag::millis(1_000, 2_000);
    let mut world = World::with(91, config);
    world.settings.budget = UnitBudget { time: budget, requests: u32::MAX };
    (world.subject.archive, world.subject.drive) = (true, true);
    let mail = MailboxFill { least_items: 120, most_items: 120, ..MailboxFill::default() };
    let files = DriveFill {
        least_files: 150,
        most_files: 150,
        large_files: 1,
        large_bytes: 120_000_000,
        small_bytes: Some(20_000),
        ..DriveFill::default()
    };
    let (tenant, from) = (world.source.tenant_id, world.from.clone());
    world.simulator.fill_mailbox(tenant, &from, Part::Primary, &mail).unwrap();
    world.simulator.fill_drive(tenant, &from, &files).unwrap();
    world.simulator.provision_drive(world.target.tenant_id, &world.to).unwrap();
    let mut units = Vec::new();
    loop {
        let begun = world.clock.now();
        let ended = world.unit(CopyMode::Initial, "job-1").unwrap().unwrap();
        let took = world.clock.now().duration_since(begun);
        let progress = world.drive_future(world.job(&*world.store).progress());
        units.push((took, progress.unwrap().unwrap().unwrap().doing));
        match ended {
            UnitOutcome::More(_) => {}
            UnitOutcome::Wait { after, .. } => world.clock.advance(after),
            UnitOutcome::Finished(_) => break,
        }
    }
    assert_eq!(world.mailbox_differences(Part::Primary), Vec::<String>::new());
    assert_eq!(world.drive_differences(), Vec::<String>::new());
    units
}

/// Requests that are on their way when the time is over are waited for, so a unit keeps room for them. And
/// it uses the time that it has.
#[test]
fn a_unit_that_time_bounds_ends_inside_its_budget() {
    for seconds in [40_u32, 60] {
        let budget = SignedDuration::from_secs(seconds.into());
        let units = units(Duration::from_secs(seconds.into()));
        let [used @ .., _last] = units.as_slice() else { panic!("there are units") };
        assert!(used.len() >= 3, "{units:?}");
        for (took, doing) in used {
            assert!(*took <= budget, "{doing}: {took:#} of {seconds} s");
            assert!(*took * 3 > budget * 2, "{doing}: {took:#} of {seconds} s");
        }
    }
}
