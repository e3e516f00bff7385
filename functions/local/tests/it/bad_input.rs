//! ERR-1: what is wrong is named, the exit code says whose fault it is, nothing is half-written.

use crate::tenants::Office;

const BAD_INPUT: i32 = 2;
const TENANT: i32 = 3;

/// ERR-1: file, line, column, and what was expected.
#[test]
fn an_unknown_key_of_the_project_file_is_named() {
    let office = Office::open(2);
    office.write("crosswave.toml", &office.read("crosswave.toml").replace("type =", "tpye ="));
    let said = office.refused(&["check"], BAD_INPUT);
    assert!(said.contains("crosswave.toml:2, column 1: unknown field `tpye`"), "{said}");
}

#[test]
fn a_project_file_that_is_not_there_is_named() {
    let office = Office::open(2);
    let said = office.refused(&["check", "--project", "other.toml"], BAD_INPUT);
    assert!(said.contains("other.toml cannot be read"), "{said}");
    assert!(said.contains("crosswave init"), "{said}");
}

/// A project file that is there is never written over.
#[test]
fn init_writes_a_file_once() {
    let office = Office::open(2);
    office.well(&["init", "--project", "new.toml", "--name", "fresh"]);
    assert!(office.read("new.toml").contains("name = \"fresh\""));
    let said = office.refused(&["init", "--project", "new.toml"], BAD_INPUT);
    assert!(said.contains("nothing was written"), "{said}");
}

/// ERR-1: a wrong secret is named as such, without the secret.
#[test]
fn a_wrong_secret_is_named_and_not_shown() {
    let office = Office::open(2);
    office.write_project("not-the-secret");
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains("refuses the client secret"), "{said}");
    assert!(!said.contains("not-the-secret"), "{said}");
}

/// ERR-1: a wrong tenant id.
#[test]
fn a_wrong_tenant_id_is_named() {
    let office = Office::open(2);
    let id = office.rehearsal.source.tenant_id.to_string();
    let wrong = "99999999-9999-4999-8999-999999999999";
    office.write("crosswave.toml", &office.read("crosswave.toml").replace(&id, wrong));
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains("does not know the tenant"), "{said}");
    assert!(said.contains(wrong), "{said}");
}

/// ERR-1: an unreachable tenant.
#[test]
fn an_unreachable_tenant_is_named() {
    let office = Office::open(2);
    // Port 9 (discard) of this machine is closed.
    let text = office.read("crosswave.toml");
    let dead = text.lines().map(|line| match line.split_once("http://127.0.0.1:") {
        Some(_) => "endpoints = { login = \"http://127.0.0.1:9/login/\", \
                    graph = \"http://127.0.0.1:9/graph/\", \
                    exchange = \"http://127.0.0.1:9/outlook/\" }"
            .to_owned(),
        None => line.to_owned(),
    });
    office.write("crosswave.toml", &dead.collect::<Vec<_>>().join("\n"));
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains("cannot be reached"), "{said}");
}

/// ERR-1: a missing consent is named before anything is written.
#[test]
fn a_missing_consent_is_named() {
    let office = Office::open(2);
    let target = &office.rehearsal.target;
    let permission = "LicenseAssignment.ReadWrite.All";
    office.rehearsal.simulator.withdraw_consent(target.tenant_id, target.client_id, permission);
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains(&format!("the application lacks {permission}")), "{said}");
}

/// The outbound spam policy would bounce every forwarded mail (5.7.520).
#[test]
fn a_policy_against_forwarding_is_named() {
    let office = Office::open(2);
    let target = office.rehearsal.target.tenant_id;
    office.rehearsal.simulator.set_auto_forwarding(target, "Automatic");
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains("target tenant, outbound spam policy"), "{said}");
}

/// ERR-1: an empty licence pool is named by the check.
#[test]
fn an_empty_licence_pool_is_named() {
    let office = Office::open(2);
    office.rehearsal.simulator.set_seats(office.rehearsal.target.tenant_id, 0);
    office.well(&["discover"]);
    let said = office.refused(&["check"], TENANT);
    assert!(said.contains("SPE_E3: 0 free"), "{said}");
}

/// MAT-3, GEN-1: unknown waves and users, and naming nobody, do nothing.
#[test]
fn unknown_waves_and_users_are_named() {
    let office = Office::open(2);
    office.well(&["discover"]);
    for (arguments, text) in [
        (["prepare", "--wave", "w9"].as_slice(), "there is no wave `w9`"),
        (&["prepare", "--user", "nobody@x"], "there is no user `nobody@x`"),
        (&["prepare"], "name the users: --wave WAVE, --user USER, or --all"),
        (&["prepare", "--wave", "a b"], "cannot be a wave id"),
    ] {
        let said = office.refused(arguments, BAD_INPUT);
        assert!(said.contains(text), "{said}");
    }
    office.write("users.csv", "source,wave\nnobody@x,w9\n");
    let said = office.refused(&["import", "users.csv"], BAD_INPUT);
    assert!(said.contains("users.csv:2, column source: `nobody@x`"), "{said}");
    assert!(said.contains("nothing of the file was applied"), "{said}");
}

/// GEN-3: a refused action writes nothing and says which states allow it.
#[test]
fn an_action_that_the_state_forbids_is_refused() {
    let office = Office::open(2);
    office.well(&["discover"]);
    let said = office.refused(&["cutover", "--all"], 1);
    assert!(said.contains("it is allowed from synced, stopped, cutover_error"), "{said}");
    let counts = office.rehearsal.simulator.counts();
    let written = counts.by_cmdlet.keys().find(|cmdlet| !cmdlet.starts_with("Get-"));
    assert_eq!(written, None, "something was written");
}

/// Data goes to stdout as JSON, everything else to stderr.
#[test]
fn json_is_all_that_stands_on_stdout() {
    let office = Office::open(2);
    for arguments in [
        ["discover", "--json"],
        ["check", "--json"],
        ["match", "--json"],
        ["users", "--json"],
        ["status", "--json"],
        ["waves", "--json"],
        ["report", "--json"],
        ["explain-steps", "--json"],
    ] {
        let data = office.well(&arguments);
        serde_json::from_str::<serde_json::Value>(&data)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{data}"));
    }
}

/// ERR-1: a path may name what is no file. A pipe that nobody writes into is not waited for, a device
/// is not read for ever. (Without this, the test does not end.)
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let office = Office::open(2);
    let made = std::process::Command::new("mkfifo").arg(office.path().join("pipe")).status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(office.path().join("socket")).unwrap();
    office.write("good.rhai", SCRIPT);
    let kinds =
        [("pipe", "a pipe"), ("socket", "a socket"), (".", "a folder"), ("/dev/zero", "a device")];
    for (path, kind) in kinds {
        let table = format!("t={path}");
        for arguments in [
            ["script", "check", path].as_slice(),
            &["script", "test", path],
            &["script", "try", path],
            &["script", "try", "good.rhai", "--source", path],
            &["script", "try", "good.rhai", "--table", &table],
            &["import", path],
            &["simulate", "--csv", path],
            &["check", "--project", path],
        ] {
            let said = office.refused(arguments, BAD_INPUT);
            assert!(said.contains(&format!("this is {kind}, not a file")), "{arguments:?}: {said}");
        }
    }
    let file = office.read("crosswave.toml");
    for keys in ["mapping = \"pipe\"", "mapping = \"good.rhai\"\ntables = { t = \"pipe\" }"] {
        office.write("crosswave.toml", &format!("{file}\n[scripts]\n{keys}\n"));
        let said = office.refused(&["script", "publish"], BAD_INPUT);
        assert!(said.contains("pipe cannot be read: this is a pipe"), "{said}");
    }
    office.write("crosswave.toml", &file.replace("source.secret", "pipe"));
    let said = office.refused(&["check"], BAD_INPUT);
    assert!(said.contains("this is a pipe"), "{said}");
}

/// Who publishes a folder that someone else has made sends no files of his own.
#[cfg(unix)]
#[test]
fn a_library_holds_no_files_from_elsewhere() {
    let office = Office::open(1);
    office.write("good.rhai", SCRIPT);
    office.write("private.txt", "private");
    let library = office.path().join("good.library");
    std::fs::create_dir(&library).unwrap();
    std::fs::write(library.join("a.txt"), "a").unwrap();
    // Some systems put files into place by such links.
    std::os::unix::fs::symlink("a.txt", library.join("b.txt")).unwrap();
    office.well(&["script", "check", "good.rhai"]);
    std::os::unix::fs::symlink("../private.txt", library.join("c.txt")).unwrap();
    for command in ["check", "try"] {
        let said = office.refused(&["script", command, "good.rhai"], BAD_INPUT);
        assert!(said.contains("c.txt: this leads out of the library"), "{said}");
    }
}

#[cfg(unix)]
const SCRIPT: &str = "// crosswave-api: 1\nfn map_user(source, target, ctx) {}\n";
