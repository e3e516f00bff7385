//! Scripts through the program: an author's way from a draft to a wave, and a script that kills its
//! worker.

use crate::tenants::Office;

pub(crate) const HEAD: &str = "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n";

fn office() -> Office {
    let office = Office::open(4);
    let file = office.read("crosswave.toml");
    office.write("crosswave.toml", &format!("{file}\n[scripts]\nmapping = \"ours.rhai\"\n"));
    office
}

fn draft(office: &Office, body: &str) {
    office.write("ours.rhai", &format!("{HEAD}{body}\n}}\n"));
}

fn people(office: &Office) -> Vec<serde_json::Value> {
    let users: Vec<serde_json::Value> =
        serde_json::from_str(&office.well(&["users", "--json"])).unwrap();
    users
        .into_iter()
        .filter(|user| user["blockers"].as_array().is_some_and(Vec::is_empty))
        .collect()
}

/// A draft is previewed, published, used, and taken back; what is not published does not run.
#[test]
fn a_draft_becomes_a_published_version_and_can_be_taken_back() {
    let office = office();
    draft(&office, "    target.companyName = \"Fabrikam\";");
    let said = office.refused(&["waves", "create", "w1"], 0);
    assert!(said.contains("w1"), "{said}");
    office.well(&["discover"]);
    let preview = office.well(&["script", "preview"]);
    assert!(preview.contains("nothing was written or reserved"), "{preview}");
    assert!(preview.contains("companyName"), "{preview}");
    let csv = office.well(&["script", "preview", "--csv"]);
    assert!(csv.starts_with("user,effect,attribute,before,after,script,line\n"), "{csv}");
    assert!(csv.contains(",companyName,") && csv.contains(",Fabrikam,"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&office.well(&["script", "preview", "--json"])).unwrap();
    assert_eq!(json["looked_at"], json["users"].as_array().unwrap().len());
    let mover = people(&office)[0]["source"].as_str().unwrap().to_owned();
    let why = office.well(&["script", "explain", "--user", &mover]);
    assert!(why.contains("ours.rhai:3  target.companyName = \"Fabrikam\";"), "{why}");
    let refused = office.refused(&["prepare", "--user", &mover], 1);
    assert!(refused.contains("run `crosswave script publish`"), "{refused}");

    // A red test stops the publication.
    let case = |company: &str| {
        format!(
            "[[case]]\nname = \"the company\"\nsource = {{ displayName = \"Anna\", \
             userPrincipalName = \"anna@contoso.com\" }}\n[case.expect.attributes]\n\
             companyName = \"{company}\"\n"
        )
    };
    office.write("ours.tests.toml", &case("Contoso"));
    let red = office.refused(&["script", "publish"], 2);
    assert!(red.contains("tests fail, so nothing is published"), "{red}");
    office.write("ours.tests.toml", &case("Fabrikam"));
    let said = office.well(&["script", "publish", "--author", "anna"]);
    assert!(said.contains("1 tests passed"), "{said}");

    draft(&office, "    target.companyName = \"Fabrikam Ltd\";");
    let against = office.well(&["script", "preview", "--against", "published", "--user", &mover]);
    assert!(against.contains("companyName: Fabrikam -> Fabrikam Ltd"), "{against}");
    office.write("ours.tests.toml", &case("Fabrikam Ltd"));
    office.well(&["script", "publish", "--author", "eva"]);
    let versions = office.well(&["script", "versions"]);
    assert!(versions.contains("anna") && versions.contains("eva"), "{versions}");
    office.well(&["script", "rollback"]);
    office.well(&["prepare", "--user", &mover]);
    office.well(&["discover"]);
    let plan = office.well(&["script", "explain", "--user", &mover, "--version", "published"]);
    assert!(!plan.contains("companyName"), "it is as the version in force wants it: {plan}");
}

/// A script that needs more than usual is tried, tested, previewed and published with what its project
/// gives it; away from the project with what is usual.
#[test]
fn trials_tests_and_previews_have_the_budget_of_the_project() {
    let office = office();
    let file = office.read("crosswave.toml");
    draft(&office, "    for n in 0..250000 { }\n    target.city = \"Oslo\";");
    office.write(
        "ours.tests.toml",
        "[[case]]\nname = \"the city\"\nsource = { displayName = \"Anna\", \
         userPrincipalName = \"anna@contoso.com\" }\n[case.expect.attributes]\ncity = \"Oslo\"\n",
    );
    for command in ["try", "test"] {
        let said = office.refused(&["script", command, "ours.rhai"], 2);
        assert!(said.contains("the script took more than"), "{said}");
    }
    office.write("crosswave.toml", &format!("{file}milliseconds = 9000\noperations = 10000000\n"));
    office.well(&["script", "try", "ours.rhai"]);
    office.well(&["script", "test", "ours.rhai"]);
    office.well(&["discover"]);
    let preview = office.well(&["script", "preview"]);
    assert!(preview.contains("0 would be parked"), "{preview}");
    assert!(office.well(&["script", "publish"]).contains("1 tests passed"));
    let named = &["script", "test", "ours.rhai", "--project", "other.toml"];
    let said = office.refused(named, 2);
    assert!(said.contains("other.toml cannot be read"), "{said}");
}

/// Kills the workers that a program lets work, until it ends.
#[cfg(target_os = "linux")]
fn killing_workers(program: &mut std::process::Child) -> std::process::ExitStatus {
    loop {
        for worker in busy_children(program.id()) {
            std::process::Command::new("kill").args(["-9", &worker]).status().unwrap();
        }
        if let Some(status) = program.try_wait().unwrap() {
            return status;
        }
        std::thread::yield_now();
    }
}

/// The processes whose parent is this one and that have used half a second of processor time.
#[cfg(target_os = "linux")]
fn busy_children(parent: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut found = Vec::new();
    for process in processes {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_whitespace().skip(1);
        let of = fields.next().and_then(|id| id.parse::<u32>().ok());
        let hundredths = fields.nth(9).and_then(|ticks| ticks.parse::<u32>().ok());
        if of == Some(parent) && hundredths > Some(50) {
            found.push(process.file_name().into_string().unwrap());
        }
    }
    found
}

/// A worker that dies parks its script's people and disables that version, also for the next start;
/// a wave with another version does not notice.
#[cfg(target_os = "linux")]
#[test]
fn a_script_whose_worker_dies_harms_only_its_own_wave() {
    let office = office();
    let file = office.read("crosswave.toml");
    // Time enough to be killed in.
    let budget = "milliseconds = 10000\noperations = 100000000\n";
    let open = "[profiles.default.mapping]\nparked_percent = 100\n";
    office.write("crosswave.toml", &format!("{file}{budget}\n{open}"));
    office.well_after_draft("    target.companyName = \"Good\";");
    office.well(&["discover"]);
    let movers = people(&office);
    assert!(movers.len() >= 2, "{movers:?}");
    for (wave, mover) in ["good", "bad"].iter().zip(&movers) {
        office.well(&["waves", "create", wave]);
        office.well(&["waves", "add", wave, "--user", mover["source"].as_str().unwrap()]);
    }
    // The good wave pins the good version; then the hostile one is in force.
    office.well(&["script", "pin", "--wave", "good"]);
    office.well_after_draft("    loop { }");

    let mut child = office.start(&["prepare", "--wave", "bad"]);
    let ended = killing_workers(&mut child);
    assert_eq!(ended.code(), Some(1), "the people of the bad wave are parked");
    let report = office.refused(&["report", "--wave", "bad"], 1);
    assert!(report.contains("R020") && report.contains("broke its worker"), "{report}");
    let versions = office.well(&["script", "versions"]);
    assert!(versions.contains("DISABLED"), "{versions}");
    // Nobody else notices.
    office.well(&["prepare", "--wave", "good"]);
    // A program that is started anew runs it for nobody.
    let again = office.refused(&["prepare", "--wave", "bad"], 2);
    assert!(again.contains("is disabled"), "{again}");
    // And the way out is one command for the project, one for the wave.
    office.well(&["script", "rollback"]);
    office.well(&["script", "pin", "--wave", "bad"]);
    office.well(&["prepare", "--wave", "bad"]);
}

/// The tests beside a draft are as hostile as the draft: what spends its budget is refused with its
/// code, what kills its process too, and the version in force stays the one before.
#[cfg(target_os = "linux")]
#[test]
fn a_draft_whose_tests_break_their_process_is_not_published() {
    let office = office();
    office.well_after_draft("    target.companyName = \"Good\";");
    let anna = "displayName = \"Anna\", userPrincipalName = \"anna@contoso.com\"";
    let case = format!("[[case]]\nname = \"c\"\nsource = {{ {anna} }}\n");
    let cases = |many: usize| case.repeat(many);
    let hoard = "    let all = []; loop { all.push(\"x\".pad(60000, \"y\")); }";
    for (body, code) in [("    loop { }", "R012"), (hoard, "R013")] {
        draft(&office, body);
        office.write("ours.tests.toml", &cases(1));
        let said = office.refused(&["script", "publish"], 2);
        assert!(said.contains("tests fail, so nothing is published"), "{said}");
        assert!(said.contains(code), "{said}");
    }

    // Cases enough to be killed in.
    draft(&office, "    loop { }");
    office.write("ours.tests.toml", &cases(100));
    let mut child = office.start_heard(&["script", "publish"]);
    let ended = killing_workers(&mut child);
    assert_eq!(ended.code(), Some(2));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(said.contains("error[R020]: the tests broke their worker"), "{said}");
    let versions: serde_json::Value =
        serde_json::from_str(&office.well(&["script", "versions", "--json"])).unwrap();
    let own: Vec<_> =
        versions.as_array().unwrap().iter().filter(|one| one["name"] == "ours.rhai").collect();
    assert!(own.len() == 1 && own[0]["in_force"] == true, "{versions}");
}

impl Office {
    /// Writes a draft and publishes it.
    fn well_after_draft(&self, body: &str) {
        draft(self, body);
        self.well(&["script", "publish", "--author", "anna"]);
    }
}
