//! Hostile scripts: whatever they try, a call ends within its budget, with a clear end.
//!
//! Each file of `attacks/` says in its third line how it must end: `ok`, a code, or `budget` for
//! time, memory or operations, whichever a machine spends first. `⟦text⟧×N` stands for the text N
//! times, `{i}` in it for the number.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use scripting::{
    Budget, Code, Diagnostic, Entry, Event, EventKind, Mapping, Notifications, Script, ScriptError,
};

use crate::support::{anna, run};

/// How a script ended, and the most that one of its calls used.
struct End {
    words: String,
    micros: u64,
    peak: u64,
}

fn expand(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟦') {
        let (piece, after) = after.split_once("⟧×").unwrap();
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, after) = after.split_at(digits);
        out.push_str(before);
        for i in 0..count.parse::<usize>().unwrap() {
            out.push_str(&piece.replace("{i}", &i.to_string()));
        }
        rest = after;
    }
    out + rest
}

fn attack(text: &str) -> End {
    let script = match Script::compile("attack.rhai", text) {
        Ok(script) => script,
        Err(findings) => {
            return End { words: codes(&findings), micros: 0, peak: 0 };
        }
    };
    let mut end = End { words: "ok".into(), micros: 0, peak: 0 };
    let mut note = |result: Result<scripting::Cost, ScriptError>| {
        let cost = match result {
            Ok(cost) => cost,
            Err(error) => {
                end.words = match error.code() {
                    Code::R010 | Code::R011 | Code::R012 => "budget".into(),
                    code => code.to_string(),
                };
                error.cost
            }
        };
        end.micros = end.micros.max(cost.micros);
        end.peak = end.peak.max(cost.peak_bytes);
    };
    let (user, context) = (anna(), run());
    if script.has(Entry::Notify) {
        let event = Event::new(EventKind::Error, "w");
        let notifications = Notifications::of(script).unwrap();
        note(notifications.notify(&event, &user, &context).map(|notices| notices.cost));
        return end;
    }
    let entries = script.entries().clone();
    let mapping = Mapping::of(script).unwrap();
    for entry in entries {
        note(match entry {
            Entry::MapContact => mapping.map_contact(&user, &context).map(|patch| patch.cost),
            Entry::FinishUser => {
                mapping.finish_user(&user, &user.source, &context).map(|patch| patch.cost)
            }
            Entry::Select => mapping.select(&user, &context).map(|_| scripting::Cost::default()),
            Entry::MatchKeys => {
                mapping.match_keys(&user, &context).map(|_| scripting::Cost::default())
            }
            Entry::MapUser | Entry::Notify => {
                mapping.map_user(&user, &context).map(|patch| patch.cost)
            }
        });
    }
    end
}

fn codes(findings: &[Diagnostic]) -> String {
    findings.first().map_or_else(String::new, |found| found.code.to_string())
}

#[test]
fn every_attack_ends_within_its_budget_and_breaks_no_worker() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 100, "only {} attacks", files.len());
    let budget = Budget::default();
    let mut report = String::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = expand(&std::fs::read_to_string(&file).unwrap());
        let wanted = text.lines().nth(2).and_then(|line| line.strip_prefix("// ends: "));
        let started = Instant::now();
        let end = attack(&text);
        let wall = started.elapsed();
        let ms = end.micros / 1000;
        let mib = end.peak >> 20;
        if wanted != Some(end.words.as_str()) || end.words == Code::R020.as_str() {
            writeln!(report, "{name}: ends with {}, not {wanted:?}", end.words).unwrap();
        }
        // One native call may run, and one result may be built, beyond the budget.
        if u128::from(end.micros) > 4 * budget.time.as_micros() {
            writeln!(report, "{name}: took {ms} ms").unwrap();
        }
        if end.peak > 2 * budget.memory {
            writeln!(report, "{name}: used {mib} MiB").unwrap();
        }
        // The host's own patience is forty times the budget, for a machine that is busy.
        if wall > 60 * budget.time {
            writeln!(report, "{name}: returned after {} ms", wall.as_millis()).unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
}
