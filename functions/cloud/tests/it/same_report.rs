//! The rehearsal in the cloud and on one machine: the same report.

use std::{collections::BTreeMap, path::Path, process::Command, sync::LazyLock, time::Duration};

use cloud::{Kills, Options, rehearse};
use rehearsal::Scene;
use serde_json::Value;

const PEOPLE: usize = 2;

fn scene() -> Scene {
    Scene { people: PEOPLE, seed: 1, mail_folder: None, told: false }
}

/// The report of the one-machine host, for both tests.
static MACHINE: LazyLock<Value> = LazyLock::new(on_one_machine);

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
    // The wave's own report is sent when the clock next ticks, which may be after the rehearsal.
    let messages = report["messages"].as_array_mut().unwrap();
    messages.retain(|line| line["event"] != "wave_report");
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
    let played = crate::run(rehearse(&scene(), &Options::of_workspace(), Kills::default()))
        .unwrap()
        .unwrap();
    assert_eq!(played.denied, Vec::<String>::new());
    assert!(played.rehearsed.all_well(), "{}", played.rehearsed);
    let cloud = serde_json::to_value(&played).unwrap();
    assert_eq!(timeless(&cloud), timeless(&MACHINE));
}

/// Without the one thing that a kill may add: a process that dies while it hands a mail over cannot know
/// whether it went, and says so.
fn sure(mut timeless: Value) -> Value {
    let warnings = timeless["report"]["warnings"].as_array_mut().unwrap();
    warnings.retain(|warning| warning["step"] != "cutover.notify_user");
    // How many messages there were of each event; of those that may have gone it is not known.
    let mut messages = BTreeMap::<String, u64>::new();
    for line in timeless["report"]["messages"].as_array().unwrap() {
        assert!(line["outcome"] == "sent" || line["outcome"] == "uncertain", "{line}");
        *messages.entry(line["event"].to_string()).or_default() +=
            line["messages"].as_u64().unwrap();
    }
    timeless["report"]["messages"] = serde_json::json!(messages);
    timeless
}

/// `kill -9` of function processes at random moments changes nothing in the outcome: the same report.
#[test]
fn killed_processes_change_nothing() {
    let kills = Kills { most: 6, every: Duration::from_secs(2) };
    let played = crate::run(rehearse(&scene(), &Options::of_workspace(), kills)).unwrap().unwrap();
    assert!(played.killed > 0, "nothing was killed");
    assert_eq!(played.denied, Vec::<String>::new());
    assert!(played.rehearsed.all_well(), "{}", played.rehearsed);
    let states = &played.rehearsed.report.states;
    assert_eq!(states.values().sum::<usize>(), states[&model::UserState::Complete]);
    let cloud = serde_json::to_value(&played).unwrap();
    assert_eq!(sure(timeless(&cloud)), sure(timeless(&MACHINE)));
}
