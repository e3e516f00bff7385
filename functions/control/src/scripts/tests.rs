//! Versions on the reference store.

use model::{Action, JournalEvent, ScriptKind};

use super::*;
use crate::{
    ControlError, Selection,
    tests::{Desk, user},
    waves,
};

const HEAD: &str = "// crosswave-api: 1\nfn map_user(source, target, ctx) { ";

fn draft(body: &str) -> Draft {
    Draft::new(ScriptKind::Mapping, "ours.rhai", &format!("{HEAD}{body} }}\n"))
}

async fn published(desk: &Desk, body: &str) -> String {
    let done = publish(&desk.host, &desk.project, &draft(body), "anna").await;
    desk.clock.advance(std::time::Duration::from_mins(1));
    done.unwrap().hash
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ControlError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn the_shipped_scripts_are_versions_from_their_first_use_on() {
    let desk = Desk::new().await;
    let lines = versions(&desk.host, &desk.project).await.unwrap();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.in_force && line.author.starts_with("crosswave ")));
}

#[tokio::test]
async fn a_version_has_author_time_and_engine_and_the_newest_is_in_force() {
    let desk = Desk::new().await;
    let first = published(&desk, "target.city = \"Oslo\";").await;
    let second = published(&desk, "target.city = \"Bergen\";").await;
    assert_ne!(first, second);
    let lines = versions(&desk.host, &desk.project).await.unwrap();
    let line = lines.iter().find(|line| line.hash == second).unwrap();
    assert_eq!((line.author.as_str(), line.in_force), ("anna", true));
    assert_eq!(line.engine, scripting::RHAI_VERSION);
    assert!(lines.iter().any(|line| line.hash == first && !line.in_force));
}

#[tokio::test]
async fn what_fails_its_check_or_its_tests_is_not_published() {
    let desk = Desk::new().await;
    let bad = publish(&desk.host, &desk.project, &draft("target.cty = 1;"), "anna").await;
    assert!(refusal(bad).contains("error[E006]"));
    let mut red = draft("target.city = \"Oslo\";");
    let case = "[[case]]\nname = \"c\"\nsource = { displayName = \"Anna\", userPrincipalName = \"anna@contoso.com\" }\n[case.expect.attributes]\ncity = \"Bergen\"\n";
    red.tests = Some(("ours.tests.toml".to_owned(), case.to_owned()));
    let said = refusal(publish(&desk.host, &desk.project, &red, "anna").await);
    assert!(said.contains("tests fail, so nothing is published"), "{said}");
    assert!(said.contains("Bergen") && said.contains("Oslo"), "{said}");
    let lines = versions(&desk.host, &desk.project).await.unwrap();
    assert!(lines.iter().all(|line| line.author != "anna"));
}

#[tokio::test]
async fn rolling_back_goes_one_version_back_each_time_and_ends_at_the_shipped_script() {
    let desk = Desk::new().await;
    let first = published(&desk, "target.city = \"Oslo\";").await;
    published(&desk, "target.city = \"Bergen\";").await;
    let back = || rollback(&desk.host, &desk.project, ScriptKind::Mapping, None, "eva");
    assert_eq!(back().await.unwrap(), first);
    assert_eq!(back().await.unwrap(), scripting::Mapping::standard().hash());
    assert!(refusal(back().await).contains("nothing to go back to"));
    let to = first.get(..10);
    let named = rollback(&desk.host, &desk.project, ScriptKind::Mapping, to, "eva").await;
    assert_eq!(named.unwrap(), first);
    let mapping = load_mapping(&desk.host, &desk.project, "published").await.unwrap();
    assert!(mapping.script().text().contains("Oslo"));
}

#[tokio::test]
async fn a_large_table_is_kept_and_found_again() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (0..40_000).map(|row| format!("d{row},centre {row}\n")).collect();
    let rows = rows.concat();
    let mut draft = draft("target.costCenter = ctx.table(\"centres\")[\"d39999\"].centre;");
    let csv = format!("department,centre\n{rows}");
    draft.tables = vec![scripting::DataSet { name: "centres".to_owned(), csv: csv.clone() }];
    publish(&desk.host, &desk.project, &draft, "anna").await.unwrap();
    let mapping = load_mapping(&desk.host, &desk.project, "published").await.unwrap();
    assert_eq!(mapping.script().options().tables[0].csv, csv);
}

/// A wave keeps the versions that it began with; the journal names them.
#[tokio::test]
async fn later_edits_touch_later_waves() {
    let desk = Desk::new().await;
    let (host, scope) = (&desk.host, desk.scope());
    let first = published(&desk, "target.city = \"Oslo\";").await;
    for (name, wave) in [("anna", "one"), ("ben", "one"), ("eva", "two")] {
        desk.put(&user(name)).await;
        let id: model::WaveId = wave.parse().unwrap();
        drop(waves::create(host, &desk.project, id.clone(), None, None).await);
        let who = Selection { wave: None, users: vec![name.to_owned()] };
        waves::assign(host, &scope, &who, Some(&id)).await.unwrap();
    }
    let began = async |wave: &str| {
        let wave = wave.parse().unwrap();
        let run = waves::start_run(host, &scope, &wave, Action::Prepare, false).await.unwrap();
        waves::expand(host, &scope, &run).await.unwrap()
    };
    assert_eq!(began("one").await.started, 2);
    let second = published(&desk, "target.city = \"Bergen\";").await;
    assert_eq!(began("two").await.started, 1);
    let used = async |name: &str| {
        let key = scope.user(&name.parse().unwrap());
        let journal = engine::load_journal(&*host.store, &key).await.unwrap();
        let JournalEvent::Started { scripts, .. } = journal[0].event.clone() else {
            panic!("the journal begins with the start");
        };
        scripts.into_iter().find(|(kind, _)| kind == "mapping").unwrap().1
    };
    assert_eq!([used("anna").await, used("ben").await], [first.clone(), first.clone()]);
    assert_eq!(used("eva").await, second);
    // Who joins the wave later gets what the wave has, also for a later action.
    let (anna, key) = (&desk.users().await[0], scope.user(&"anna".parse().unwrap()));
    let pins = engine::pins_of(host, &desk.project, anna, &key);
    assert_eq!(pins.await.unwrap()["mapping"], first);
    // Until an operator says otherwise.
    let one = "one".parse().unwrap();
    let now = pin(host, &desk.project, &one, ScriptKind::Mapping, None).await.unwrap();
    assert_eq!(now, second);
    let lines = versions(host, &desk.project).await.unwrap();
    let waves = |hash: &str| lines.iter().find(|line| line.hash == hash).unwrap().waves.len();
    assert_eq!((waves(&first), waves(&second)), (0, 2));
}

/// Whoever publishes is told what the check warns of; it is published all the same.
#[tokio::test]
async fn a_publication_says_what_the_check_warns_of() {
    let desk = Desk::new().await;
    let text = "// crosswave-api: 1\nfn notify(event, user, ctx) {\n    park(\"not today\");\n}\n";
    let news = Draft::new(ScriptKind::Notifications, "news.rhai", text);
    let done = publish(&desk.host, &desk.project, &news, "anna").await.unwrap();
    let [warning] = done.warnings.as_slice() else { panic!("{:?}", done.warnings) };
    assert!(warning.render().contains("W001") && warning.render().contains("news.rhai:3"));
    let ours = draft("target.city = \"Oslo\";");
    let done = publish(&desk.host, &desk.project, &ours, "anna").await.unwrap();
    assert!(done.warnings.is_empty());
}
