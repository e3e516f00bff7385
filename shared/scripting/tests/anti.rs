//! Faulty scripts and the exact message that each must give: beside `E006-….rhai` stands
//! `E006-….expected`. `UPDATE=1` writes what is given.

use scripting::{
    Code, Diagnostic, Library, Script, ScriptOptions, TrialInput, TrialOutcome, try_script,
};

use crate::support::{folder, library};

fn message(name: &str, text: &str, library: Library) -> String {
    let options = ScriptOptions { library, ..ScriptOptions::default() };
    if name.starts_with('W') {
        let script = Script::compile_with(name, text, options).unwrap();
        return script.warnings().iter().map(Diagnostic::render).collect();
    }
    let trial = try_script(name, text, options, None, TrialInput::default());
    match trial.outcome {
        TrialOutcome::Check(findings) => findings.iter().map(Diagnostic::render).collect(),
        TrialOutcome::Error(error) => error.render(),
        other => panic!("{name} is no faulty script: {other:?}"),
    }
}

#[test]
fn every_faulty_script_gives_its_message() {
    let mut seen = Vec::new();
    let mut report = String::new();
    for file in std::fs::read_dir(folder("scripts/anti")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rhai") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let given = message(&format!("{stem}.rhai"), &text, library(&path));
        let expected = path.with_extension("expected");
        if std::env::var("UPDATE").is_ok() {
            std::fs::write(&expected, &given).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if wanted != given {
            report += &[&stem, "\n--- expected\n", &wanted, "\n+++ given\n", &given].concat();
        }
        let code = stem.get(..4).unwrap().to_owned();
        assert!(given.contains(&format!("[{code}]")), "{stem} gives another code:\n{given}");
        seen.push(code);
    }
    assert!(report.is_empty(), "{report}");
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| code.starts_with(['E', 'W']) && !seen.iter().any(|seen| seen == code))
        .collect();
    assert!(missing.is_empty(), "no faulty script shows {missing:?}");
}

#[test]
fn every_code_has_a_page_that_names_it() {
    for code in Code::ALL {
        let page = code.page();
        assert!(page.starts_with(&format!("# {code}: {}", code.title())), "{code}");
        assert!(page.lines().count() > 2, "the page of {code} says nothing");
    }
}
