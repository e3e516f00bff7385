//! ERR-4: the program is killed (SIGKILL) at many moments of a running wave and started again; the
//! wave is completed, nothing is lost and nothing is there twice.

use std::{thread, time::Duration};

use simulator::Part;

use crate::tenants::Office;

/// Kills per action: 7 for each of prepare, first sync and cutover.
const KILLS: u32 = 7;

/// Moments that differ and are the same in each run: a linear congruential step (Knuth's MMIX).
struct Moments(u64);

impl Moments {
    fn next(&mut self, most: u64) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % most)
    }
}

#[expect(clippy::disallowed_methods, reason = "a real process is killed after a real while")]
fn let_it_run(duration: Duration) {
    thread::sleep(duration);
}

/// ERR-4, GEN-5, CUT-7, SYN-4
#[test]
fn a_wave_that_is_killed_many_times_is_completed_with_nothing_lost_or_doubled() {
    let office = Office::open(4);
    office.well(&["discover"]);
    office.well(&["match"]);
    office.well(&["waves", "create", "w1"]);
    let users: Vec<serde_json::Value> =
        serde_json::from_str(&office.well(&["users", "--json"])).unwrap();
    let movers: Vec<&str> = users
        .iter()
        .filter(|user| user["blockers"].as_array().is_some_and(Vec::is_empty))
        .filter_map(|user| user["source"].as_str())
        .collect();
    assert!(movers.len() >= 3, "{users:?}");
    let rows: Vec<String> = movers.iter().map(|mover| format!("{mover},w1\n")).collect();
    office.write("users.csv", &format!("source,wave\n{}", rows.concat()));
    office.well(&["import", "users.csv"]);
    let mut moments = Moments(1);
    for action in ["prepare", "sync", "cutover"] {
        let mut command = vec![action, "--wave", "w1"];
        for _ in 0..KILLS {
            let mut child = office.start(&command);
            let_it_run(Duration::from_millis(150) + moments.next(900));
            child.kill().unwrap();
            child.wait().unwrap();
            command = vec!["run"];
        }
        office.well(&["run"]);
        // A kill before the action was noted leaves nothing to go on with: ask again for those.
        let left = office.run(&[action, "--wave", "w1"]);
        assert!(left.status.code().is_some_and(|code| code <= 1), "{left:?}");
    }
    check(&office, &movers);
}

fn check(office: &Office, movers: &[&str]) {
    let users: Vec<serde_json::Value> =
        serde_json::from_str(&office.well(&["users", "--wave", "w1", "--json"])).unwrap();
    assert_eq!(users.len(), movers.len());
    let (source, target) = (&office.rehearsal.source, &office.rehearsal.target);
    let simulator = &office.rehearsal.simulator;
    let list = simulator.address_list(target.tenant_id);
    for user in &users {
        assert_eq!(user["state"], "complete", "{user}");
        let (old, new) = (user["source"].as_str().unwrap(), user["target"].as_str().unwrap());
        let shown = list.iter().filter(|entry| {
            entry.address.eq_ignore_ascii_case(new)
                || entry.external_address.as_ref().is_some_and(|held| held.contains(old))
        });
        assert_eq!(shown.count(), 1, "{old} in the target's address list");
        let from = simulator.mailbox_view(source.tenant_id, old, Part::Primary).unwrap();
        let to = simulator.mailbox_view(target.tenant_id, new, Part::Primary).unwrap();
        // Nothing is missing, and nothing is there that is not in the source, the final
        // notification aside.
        assert_eq!(from.differences(&to, true), Vec::<String>::new(), "{old}");
        assert!(to.count() <= from.count() + 1, "{old}: {} of {}", to.count(), from.count());
        let (from, to) = (
            simulator.drive_view(source.tenant_id, old).unwrap(),
            simulator.drive_view(target.tenant_id, new).unwrap(),
        );
        assert_eq!(from.differences(&to), Vec::<String>::new(), "{old}");
    }
}
