//! Two terminals: while one crosswave works, the same commands read and act beside it.

use std::process::Child;

use simulator::{FaultKind, FaultRule};

use crate::tenants::Office;

/// A process of a test, ended with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

/// An office with one wave of everybody who can move.
fn with_wave(gate: &str) -> Office {
    let office = Office::open(4);
    let gate = format!("\n[profiles.default.cutover]\noutlook_gate = \"{gate}\"\n");
    office.write("crosswave.toml", &(office.read("crosswave.toml") + &gate));
    office.well(&["discover"]);
    office.well(&["match"]);
    office.well(&["waves", "create", "w1"]);
    let mut arguments = vec!["waves", "add", "w1"];
    let users = json(&office, &["users", "--json"]);
    let movers = users.as_array().unwrap().iter();
    let movers = movers.filter(|user| user["blockers"].as_array().unwrap().is_empty());
    for mover in movers {
        arguments.extend(["--user", mover["source"].as_str().unwrap()]);
    }
    office.well(&arguments);
    office
}

fn json(office: &Office, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&office.well(arguments)).unwrap()
}

/// Looks at the state of things until it is as expected.
fn look_until(office: &Office, expected: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let mut looks = (0..200).map(|_| json(office, &["status", "--wave", "w1", "--json"]));
    looks.find(expected).unwrap()
}

fn all_are(status: &serde_json::Value, state: &str) -> bool {
    status["states"].get(state) == Some(&status["people"])
}

/// CUT-4, ERR-4: a running sync is seen and stopped from a second terminal, and goes on later.
#[test]
fn a_running_wave_is_watched_and_stopped_from_a_second_terminal() {
    let office = with_wave("off");
    office.well(&["prepare", "--wave", "w1"]);
    // The copies get no further until this is over.
    let simulator = &office.rehearsal.simulator;
    let refusal = FaultKind::Status { status: 429, retry_after: Some(1) };
    let rule = FaultRule {
        path: Some("/exportItems".to_owned()),
        cmdlet: None,
        method: None,
        from: 1,
        times: None,
        kind: refusal,
    };
    simulator.configure(|config| config.faults.rules.push(rule));
    let host = Running(office.start(&["sync", "--wave", "w1"]));
    let status = look_until(&office, |status| all_are(status, "syncing"));
    assert_eq!(status["running"], true, "{status}");
    let text = office.well(&["status"]);
    assert!(text.contains("a running crosswave works on them"), "{text}");
    assert!(office.well(&["users", "--wave", "w1"]).contains("syncing"));
    let said = office.refused(&["stop", "--wave", "w1"], 0);
    assert!(!said.contains("in use"), "{said}");
    // The host has nothing left to do and ends; nobody was moved.
    assert_eq!(host.ended(), Some(0));
    let status = json(&office, &["status", "--wave", "w1", "--json"]);
    assert!(all_are(&status, "stopped"), "{status}");
    assert_eq!(status["running"], false, "{status}");
    simulator.configure(|config| config.faults.rules.clear());
    office.well(&["sync", "--wave", "w1"]);
    look_until(&office, |status| all_are(status, "synced"));
}

/// GEN-1: every command that a person gives works beside `run --forever`, which does the work.
#[test]
fn every_action_of_a_second_terminal_is_done_by_the_running_one() {
    let office = with_wave("wait");
    let host = Running(office.start(&["run", "--forever"]));
    look_until(&office, |status| status["running"] == true);
    office.well(&["discover"]);
    office.well(&["match"]);
    office.well(&["plan", "prepare", "--wave", "w1"]);
    office.well(&["prepare", "--wave", "w1"]);
    office.well(&["sync", "--wave", "w1"]);
    let refused = office.refused(&["prepare", "--wave", "w1"], 1);
    assert!(refused.contains("prepare is not allowed while the user is synced"), "{refused}");
    office.run(&["cutover", "--wave", "w1"]);
    look_until(&office, |status| all_are(status, "waiting_for_user"));
    office.run(&["stop", "--wave", "w1"]);
    look_until(&office, |status| all_are(status, "stopped"));
    office.well(&["reset", "--wave", "w1", "--to", "synced"]);
    office.run(&["cutover", "--wave", "w1"]);
    look_until(&office, |status| all_are(status, "waiting_for_user"));
    office.well(&["confirm", "--wave", "w1"]);
    let status = look_until(&office, |status| all_are(status, "complete"));
    assert_eq!(status["running"], true, "{status}");
    assert!(office.well(&["export"]).contains(",w1,"));
    // The host is killed: what it left beside the database hinders nobody.
    host.kill();
    assert!(office.path().join("it.crosswave.door").exists());
    office.well(&["report", "--wave", "w1"]);
    assert!(!office.path().join("it.crosswave.door").exists());
}

/// ERR-4: whoever watched takes over when the one that worked is killed.
#[test]
fn a_watcher_takes_over_from_a_host_that_is_killed() {
    let office = with_wave("off");
    let host = Running(office.start(&["run", "--forever"]));
    look_until(&office, |status| status["running"] == true);
    let watcher = Running(office.start(&["prepare", "--wave", "w1"]));
    // Then everybody has been started.
    look_until(&office, |status| status["states"].get("prepared").is_some());
    host.kill();
    assert_eq!(watcher.ended(), Some(0));
    let status = json(&office, &["status", "--wave", "w1", "--json"]);
    assert!(all_are(&status, "prepared"), "{status}");
}
