//! Scripts in worker processes.

use std::sync::Arc;
use std::time::Duration;

use scripting::{Budget, Code, Mapping, ScriptOptions, WorkerPool, worker::SuiteOf};

use crate::support::{HEAD, anna, run};

fn pool(most: usize) -> Arc<WorkerPool> {
    let program = env!("CARGO_BIN_EXE_crosswave-script-worker");
    Arc::new(WorkerPool::new(program, [""; 0], most))
}

fn mapping(body: &str, pool: &Arc<WorkerPool>) -> Mapping {
    let text = format!("{HEAD}fn map_user(source, target, ctx) {{ {body} }}");
    Mapping::compile("w.rhai", &text).unwrap().isolated(pool.of("contoso"))
}

#[test]
fn a_worker_gives_the_same_patch_as_the_host_itself() {
    let text = format!("{}\n// ours", scripting::MAPPING);
    let mapping = Mapping::compile("ours.rhai", &text).unwrap();
    let here = mapping.map_user(&anna(), &run()).unwrap();
    let there = mapping.isolated(pool(1).of("contoso")).map_user(&anna(), &run()).unwrap();
    assert_eq!(here.values, there.values);
    assert_eq!(here.cost.operations, there.cost.operations);
}

#[test]
fn every_kind_of_decision_travels() {
    let body = r#"clear(target, "department"); target.city = "Oslo"; target.seniorityIndex = 3;
        target.accountEnabled = true; target.mail = ["a@fabrikam.com", "b@fabrikam.com"];
        target.choose(candidates([#{ userPrincipalName: "a@fabrikam.com", mailNickname: "a" }]));
        warn("look"); target.notes = secret("x");"#;
    let there = mapping(body, &pool(1));
    let text = there.script().text().to_owned();
    let here = Mapping::compile("w.rhai", &text).unwrap().map_user(&anna(), &run()).unwrap();
    let there = there.map_user(&anna(), &run()).unwrap();
    assert_eq!((here.values, here.linked), (there.values, there.linked));
    assert_eq!(here.warnings, there.warnings);
}

#[test]
fn an_error_arrives_with_its_line() {
    let error = mapping("target.usageLocation = \"Germany\";", &pool(1))
        .map_user(&anna(), &run())
        .unwrap_err();
    assert_eq!((error.code(), error.diagnostic.line), (Code::R002, Some(3)));
}

/// The same text of two customers: a process that has served one never serves the other.
#[cfg(unix)]
#[test]
fn customers_with_the_same_script_share_no_process() {
    let log = std::env::temp_dir().join(format!("crosswave-workers-{}", std::process::id()));
    let worker = env!("CARGO_BIN_EXE_crosswave-script-worker");
    let counted = format!("echo started >> '{}'; exec '{worker}'", log.display());
    let pool = Arc::new(WorkerPool::new("/bin/sh", ["-c", &counted], 2));
    let text = format!("{HEAD}fn map_user(source, target, ctx) {{ target.city = \"Oslo\"; }}");
    let mut started = Vec::new();
    for owner in ["contoso", "contoso", "litware", "contoso", "litware"] {
        let mapping = Mapping::compile("w.rhai", &text).unwrap().isolated(pool.of(owner));
        assert_eq!(mapping.map_user(&anna(), &run()).unwrap().text("city"), Some("Oslo"));
        started.push(std::fs::read_to_string(&log).unwrap().lines().count());
    }
    std::fs::remove_file(&log).unwrap();
    assert_eq!(started, [1, 1, 2, 2, 2]);
}

#[test]
fn scripts_take_turns_when_the_pool_is_small() {
    let pool = pool(1);
    for city in ["Oslo", "Bergen", "Oslo"] {
        let patch = mapping(&format!("target.city = \"{city}\";"), &pool).map_user(&anna(), &run());
        assert_eq!(patch.unwrap().text("city"), Some(city));
    }
}

#[test]
fn a_hostile_script_or_a_missing_worker_harms_nobody_else() {
    // A program that is no worker: it ends at once.
    let dead = Arc::new(WorkerPool::new("/bin/false", [""; 0], 1));
    let error = mapping("", &dead).map_user(&anna(), &run()).unwrap_err();
    assert_eq!(error.code(), Code::R021);
    assert!(!error.disables_version());

    let pool = pool(2);
    let hostile = mapping("loop { }", &pool);
    assert_eq!(hostile.map_user(&anna(), &run()).unwrap_err().code(), Code::R012);
    assert!(mapping("target.city = \"Oslo\";", &pool).map_user(&anna(), &run()).is_ok());
}

/// Kibibytes of memory that the worker with this argument holds.
#[cfg(target_os = "linux")]
fn held_by_the_worker(argument: &str) -> u64 {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let read = |process: &std::fs::DirEntry, file| {
        std::fs::read_to_string(process.path().join(file)).unwrap_or_default()
    };
    let ours = processes
        .filter(|process| read(process, "cmdline").ends_with(&format!("{argument}\0")))
        .filter_map(|process| {
            let status = read(&process, "status");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
    ours.sum()
}

/// A file under `/proc` of the worker with this argument.
#[cfg(target_os = "linux")]
fn proc_of_the_worker(argument: &str, file: &str) -> String {
    let read = |process: &std::fs::DirEntry, file: &str| {
        std::fs::read_to_string(process.path().join(file)).unwrap_or_default()
    };
    let mut found = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|process| read(process, "cmdline").ends_with(&format!("{argument}\0")))
        .map(|process| read(&process, file));
    found.next().unwrap()
}

/// No credential of the host reaches a worker, and the system holds it to its limits.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_has_an_empty_environment_and_limits_of_the_system() {
    let argument = format!("bare-{}", std::process::id());
    let program = env!("CARGO_BIN_EXE_crosswave-script-worker");
    let pool = Arc::new(WorkerPool::new(program, [&argument], 1));
    assert!(mapping("target.city = \"Oslo\";", &pool).map_user(&anna(), &run()).is_ok());
    assert!(std::env::vars_os().count() > 1, "the test itself has an environment");
    assert_eq!(proc_of_the_worker(&argument, "environ"), "MIMALLOC_ARENA_RESERVE=0\0");
    let limits = proc_of_the_worker(&argument, "limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max address space"), (1_u64 << 30).to_string());
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max file size"), "0");
    assert_eq!(limit("Max open files"), "16");
    let seconds: u64 = limit("Max cpu time").parse().unwrap();
    assert!((10..60).contains(&seconds), "{seconds} seconds");
}

/// Scripts that the budgets would let go on: what ends them is the system's limit of the worker.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_meets_a_limit_of_the_system_ends_alone() {
    let pool = pool(1);
    let budget = Budget { time: Duration::from_secs(25), memory: u64::MAX, operations: u64::MAX };
    let memory = r#"let big = "x"; for i in 0..15 { big += big; }
        let lists = [[], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], []];
        for n in 0..20 { for i in 0..1900 { lists[n].push(()); } }
        for n in 0..20 { for i in 0..1900 { lists[n][i] = big + i; } }"#;
    for body in [memory, "loop { }"] {
        let text = format!("{HEAD}fn map_user(source, target, ctx) {{ {body} }}");
        let options = ScriptOptions { budget, ..Default::default() };
        let hostile =
            Mapping::compile_with("w.rhai", &text, options).unwrap().isolated(pool.of("contoso"));
        let error = hostile.map_user(&anna(), &run()).unwrap_err();
        assert_eq!(error.code(), Code::R020, "{body}: {error}");
        assert!(hostile.script().is_disabled());
        assert!(mapping("target.city = \"Oslo\";", &pool).map_user(&anna(), &run()).is_ok());
    }
}

/// What calls use they give back: good ones, failing ones, those of the helper functions that keep
/// something (patterns, texts).
#[cfg(target_os = "linux")]
#[test]
fn a_worker_holds_no_more_after_thousands_of_calls() {
    let argument = format!("steady-{}", std::process::id());
    let program = env!("CARGO_BIN_EXE_crosswave-script-worker");
    let pool = Arc::new(WorkerPool::new(program, [&argument], 1));
    let steady = mapping(
        r##"let list = [];
        for n in 0..50 { list.push(`${source.displayName} ${n}`); }
        let big = #{};
        for text in list.filter(|text| text.contains("4")) { big[text] = [text, text]; }
        target.notes = replace_re(list.reduce(|sum, text| sum + text, ""), "[0-9]+", "#");
        target.userPrincipalName = candidates([numbered("a@fabrikam.com", 2, 99)]);
        if source.surname == "fails" { target.usageLocation = "Germany"; }"##,
        &pool,
    );
    let good = anna();
    let mut failing = anna();
    failing.source.set("surname", "fails");
    let calls = |count: usize| {
        for number in 0..count {
            let fails = number % 5 == 0;
            let answer = steady.map_user(if fails { &failing } else { &good }, &run());
            assert_eq!(answer.is_err(), fails, "{answer:?}");
        }
    };
    calls(500);
    let before = held_by_the_worker(&argument);
    calls(4_000);
    let after = held_by_the_worker(&argument);
    assert!(before > 0 && after < before + 1_024, "from {before} KiB to {after} KiB");
}

/// Kills the worker with this argument, once it has run for half a second: it is in its call then.
#[cfg(target_os = "linux")]
fn kill_the_busy_worker(argument: &str) {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    for process in processes {
        let read = |file| std::fs::read_to_string(process.path().join(file)).unwrap_or_default();
        let hundredths = read("stat")
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(11)?.parse::<u32>().ok());
        if read("cmdline").ends_with(&format!("{argument}\0")) && hundredths > Some(50) {
            let id = process.file_name().into_string().unwrap();
            std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_dies_disables_its_script_and_the_caller_lives() {
    let argument = format!("doomed-{}", std::process::id());
    let program = env!("CARGO_BIN_EXE_crosswave-script-worker");
    let pool = Arc::new(WorkerPool::new(program, [&argument], 1));
    let body = "if source.surname == \"endless\" { loop { } } target.city = \"Oslo\";";
    let text = format!("{HEAD}fn map_user(source, target, ctx) {{ {body} }}");
    let budget = Budget { time: Duration::from_mins(1), operations: u64::MAX, ..Budget::default() };
    let options = ScriptOptions { budget, ..Default::default() };
    let endless =
        Mapping::compile_with("w.rhai", &text, options).unwrap().isolated(pool.of("contoso"));
    let mut doomed = anna();
    doomed.source.set("surname", "endless");
    let (caller, together) = (endless.clone(), [anna(), doomed, anna()]);
    let calls = std::thread::spawn(move || caller.map_users(&together, &run()));
    while !calls.is_finished() {
        kill_the_busy_worker(&argument);
    }
    // Those before the culprit have their answers; the others find the version disabled.
    let answers = calls.join().unwrap();
    assert_eq!(answers[0].as_ref().unwrap().text("city"), Some("Oslo"));
    for answer in &answers[1..] {
        assert_eq!(answer.as_ref().unwrap_err().code(), Code::R020);
    }
    assert!(endless.script().is_disabled());
    let again = endless.map_user(&anna(), &run()).unwrap_err();
    assert!(again.diagnostic.message.contains("broke its worker before"), "{again}");
    assert!(mapping("target.city = \"Oslo\";", &pool).map_user(&anna(), &run()).is_ok());
}

#[test]
fn a_trial_in_its_own_process_answers_whatever_the_script_does() {
    let worker = std::path::Path::new(env!("CARGO_BIN_EXE_crosswave-script-worker"));
    let try_it = |text: &str| {
        let (options, input) = (ScriptOptions::default(), scripting::TrialInput::default());
        scripting::worker::try_isolated((worker, &[]), ("t.rhai", text), &options, None, &input)
    };
    let good = try_it(scripting::MAPPING);
    assert!(good.passed && good.json["patch"]["values"]["displayName"].is_object());
    let endless = try_it(&format!("{HEAD}fn map_user(source, target, ctx) {{ loop {{ }} }}"));
    assert!(!endless.passed && endless.text.contains("R012"), "{}", endless.text);
    assert!(endless.text.contains("t.rhai:3:"), "{}", endless.text);
    assert!(try_it("garbage").text.contains("error[E0"));
}

/// Tests are as hostile as scripts: they run in a process of their own, within the budgets, and a
/// process that dies is an answer.
#[test]
fn tests_in_their_own_process_answer_whatever_they_do() {
    let worker = std::path::Path::new(env!("CARGO_BIN_EXE_crosswave-script-worker"));
    let head = format!("{HEAD}fn map_user(source, target, ctx) {{ ");
    let suite = |body: &str, tests: &str| SuiteOf {
        name: "t.rhai".into(),
        text: format!("{head}{body} }}").into(),
        file: "t.tests.toml".into(),
        tests: tests.to_owned().into(),
        library: std::borrow::Cow::default(),
        budget: Budget::default(),
    };
    let expect = |city: &str| {
        format!("[[case]]\nname = \"c\"\n[case.expect.attributes]\ncity = \"{city}\"\n")
    };
    let oslo = "target.city = \"Oslo\";";
    let good = suite(oslo, &expect("Oslo"));
    let tested = good.run_isolated(worker, &[]);
    assert_eq!((tested.passed, tested.cases), (true, 1), "{}", tested.text);
    assert_eq!(tested.text, good.run().text);
    let red = suite(oslo, &expect("Bergen")).run_isolated(worker, &[]);
    assert!(!red.passed && red.updated.unwrap().contains("Oslo"), "{}", red.text);
    for (body, code) in [
        ("loop { }", "R012"),
        ("let all = []; loop { all.push(\"x\".pad(60000, \"y\")); }", "R013"),
    ] {
        let tested = suite(body, &expect("Oslo")).run_isolated(worker, &[]);
        assert!(!tested.passed && tested.text.contains(code), "{}", tested.text);
    }
}

/// A script may need more than usual, and its project may give it more, or less.
#[test]
fn tests_in_their_own_process_have_the_budget_of_their_project() {
    let worker = std::path::Path::new(env!("CARGO_BIN_EXE_crosswave-script-worker"));
    let tested = |operations: u64| {
        let suite = SuiteOf {
            name: "t.rhai".into(),
            text: format!("{HEAD}fn map_user(source, target, ctx) {{ for n in 0..100000 {{ }} }}")
                .into(),
            file: "t.tests.toml".into(),
            tests: "[[case]]\nname = \"c\"\n".into(),
            library: std::borrow::Cow::default(),
            budget: Budget { operations, ..Budget::default() },
        };
        suite.run_isolated(worker, &[])
    };
    let few = tested(50_000);
    assert!(!few.passed && few.text.contains("more than 50000 operations"), "{}", few.text);
    let enough = tested(1_000_000);
    assert!(enough.passed, "{}", enough.text);
}

/// As a system does that is out of memory.
#[cfg(unix)]
#[test]
fn tests_whose_process_is_killed_are_an_answer_too() {
    let suite = SuiteOf {
        name: "t.rhai".into(),
        text: "".into(),
        file: "t.tests.toml".into(),
        tests: "".into(),
        library: std::borrow::Cow::default(),
        budget: Budget::default(),
    };
    let killed = ["-c", "head -c 4 > /dev/null; kill -9 $$"].map(std::ffi::OsString::from);
    let tested = suite.run_isolated(std::path::Path::new("/bin/sh"), &killed);
    assert!(tested.text.contains("error[R020]: the tests broke their worker"), "{}", tested.text);
}
