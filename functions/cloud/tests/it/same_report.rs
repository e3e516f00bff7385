//! The rehearsal in the cloud and on one machine: the same report.

use std::{path::Path, process::Command, time::Duration};

use cloud::{Kills, Options, rehearse};
use rehearsal::Scene;
use serde_json::Value;

const PEOPLE: usize = 2;

fn scene() -> Scene {
    Scene { people: PEOPLE, seed: 1, mail_folder: None, told: false }
}

/// The report of the one-machine host.
fn on_one_machine() -> Value {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let run = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "-p", "crosswave", "--manifest-path"])
        .arg(manifest)
        .args(["--", "rehearse", "--json", "--seed", "1", "--people", &PEOPLE.to_string()])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// What does not depend on how long something took, or on how often a tenant was asked: the rest
/// must be the same, field by field.
fn timeless(played: &Value) -> Value {
    let mut report = played["report"].clone();
    for name in ["made_at", "span", "requests"] {
        report.as_object_mut().unwrap().remove(name);
    }
    for line in report["steps"].as_array_mut().unwrap() {
        for name in ["requests", "retries", "typical_ms", "longest_ms"] {
            line.as_object_mut().unwrap().remove(name).unwrap();
        }
    }
    let proof = played["proof"].as_array().unwrap().iter();
    let proof: Vec<_> = proof.map(|one| (one["what"].clone(), one["holds"].clone())).collect();
    serde_json::json!({ "report": report, "proof": proof })
}

/// Both hosts say the same, and in the cloud nothing was asked that a role does not allow.
#[test]
fn the_cloud_and_one_machine_report_the_same() {
    let machine = on_one_machine();
    let played = crate::run(rehearse(&scene(), &Options::of_workspace(), Kills::default()))
        .unwrap()
        .unwrap();
    assert_eq!(played.denied, Vec::<String>::new());
    assert!(played.rehearsed.all_well(), "{}", played.rehearsed);
    let cloud = serde_json::to_value(&played).unwrap();
    assert_eq!(timeless(&cloud), timeless(&machine));
}

/// `kill -9` of function processes changes nothing in the outcome.
#[test]
fn killed_processes_change_nothing() {
    let kills = Kills { most: 4, every: Duration::from_secs(4) };
    let played = crate::run(rehearse(&scene(), &Options::of_workspace(), kills)).unwrap().unwrap();
    assert!(played.killed > 0, "nothing was killed");
    assert!(played.rehearsed.all_well(), "{}", played.rehearsed);
    let states = &played.rehearsed.report.states;
    assert_eq!(states.values().sum::<usize>(), states[&model::UserState::Complete]);
}
