//! The file of tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::coverage::{Instrumented, asserted};
use super::{CaseReport, SuiteReport, compare, observe, update};
use crate::attributes::{Attributes, find, suggest};
use crate::context::{Event, RunContext, Step, UserInput};
use crate::diagnostic::{Diagnostic, printable, shorten};
use crate::entry::Entry;
use crate::library::Library;
use crate::mapping::Mapping;
use crate::policy::PolicyContext;
use crate::sandbox::Budget;
use crate::script::{DataSet, Script, ScriptOptions};

/// The tests of one script.
#[derive(Clone, Debug)]
pub struct Suite {
    text: String,
    file: File,
    library: Library,
    budget: Budget,
}

/// Why tests could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file is not what a file of tests looks like.
    #[error("{file}: {message}")]
    File {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// The script does not pass its check.
    #[error("the script does not pass its check")]
    Script(Vec<Diagnostic>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What the cases share of the run.
    #[serde(default)]
    run: Map<String, Value>,
    /// The data sets, by name, as CSV text.
    #[serde(default)]
    tables: BTreeMap<String, String>,
    /// What the project allows; `violations` of an expectation are checked against it.
    #[serde(default)]
    policy: PolicyContext,
    /// The cases.
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    entry: Option<Entry>,
    #[serde(default)]
    source: Attributes,
    #[serde(default)]
    target: Attributes,
    #[serde(default)]
    chosen: Attributes,
    #[serde(default)]
    event: Option<Event>,
    #[serde(default)]
    run: Map<String, Value>,
    #[serde(default)]
    pub(super) expect: Map<String, Value>,
}

/// The most bytes of a file of tests.
const MOST_BYTES: usize = 4 << 20;
/// The most cases of a file.
const MOST_CASES: usize = 2_000;
/// The most characters of a case's name.
const MOST_NAME: usize = 200;
/// The most values that one case expects.
const MOST_EXPECTED: usize = 1_000;

/// An error of the file with the line that it quotes, as a terminal may have them.
fn shown(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let lines: Vec<String> = text.lines().map(|line| printable(&shorten(line, 400))).collect();
    lines.join("\n")
}

/// TOML's dates are texts to scripts.
fn dates_as_text(value: &mut Value) {
    if let Some(text) = value.get_mut("$__toml_private_datetime") {
        *value = text.take();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(dates_as_text),
        Value::Object(fields) => fields.values_mut().for_each(dates_as_text),
        _ => {}
    }
}

/// The place of a number that is none: TOML has such, JSON has not, and nothing could be compared with
/// it.
fn no_number(value: &toml::Value) -> Option<String> {
    let under = |key: &str, inner: &toml::Value| {
        let place = no_number(inner)?;
        Some(if place.is_empty() { key.to_owned() } else { format!("{key}.{place}") })
    };
    match value {
        toml::Value::Float(number) if !number.is_finite() => Some(String::new()),
        toml::Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, inner)| under(&at.to_string(), inner))
        }
        toml::Value::Table(fields) => fields.iter().find_map(|(key, inner)| under(key, inner)),
        _ => None,
    }
}

/// How many values there are in it.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

impl Case {
    /// Whether it is a case that could be red: a misspelt attribute would never be.
    fn fits(&self) -> Result<(), String> {
        if self.name.chars().count() > MOST_NAME {
            return Err(format!("the name has more than {MOST_NAME} characters"));
        }
        if self.expect.values().map(size).sum::<usize>() > MOST_EXPECTED {
            return Err(format!("more than {MOST_EXPECTED} values are expected"));
        }
        let given = [&self.source, &self.target, &self.chosen];
        let given = given.into_iter().flat_map(Attributes::iter).map(|(name, _)| name.as_str());
        let expected = self.expect.get("attributes").and_then(Value::as_object);
        let expected = expected.into_iter().flat_map(Map::keys).map(String::as_str);
        match given.chain(expected).find(|name| find(name).is_none()) {
            None => Ok(()),
            Some(name) => {
                let meant = suggest(name).map(|meant| format!("; did you mean `{meant}`?"));
                let name = printable(&shorten(name, MOST_NAME));
                Err(format!("unknown attribute `{name}`{}", meant.unwrap_or_default()))
            }
        }
    }

    fn entry(&self) -> Entry {
        match (self.entry, &self.event) {
            (Some(entry), _) => entry,
            (None, Some(_)) => Entry::Notify,
            (None, None) => Entry::MapUser,
        }
    }
}

impl Suite {
    /// Reads a file of tests; `file` is its name for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, SuiteError> {
        let wrong = |message: String| SuiteError::File { file: file.to_owned(), message };
        if text.len() > MOST_BYTES {
            return Err(wrong(format!("the file has more than {} MiB", MOST_BYTES >> 20)));
        }
        let plain: toml::Table = toml::from_str(text).map_err(|error| wrong(shown(&error)))?;
        if let Some(place) = no_number(&toml::Value::Table(plain)) {
            let place = printable(&shorten(&place, MOST_NAME));
            return Err(wrong(format!("`{place}`: nan and inf are no values, write another one")));
        }
        let mut parsed: File = toml::from_str(text).map_err(|error| wrong(shown(&error)))?;
        if parsed.cases.is_empty() {
            return Err(wrong("there is no `[[case]]`".to_owned()));
        }
        if parsed.cases.len() > MOST_CASES {
            return Err(wrong(format!("there are more than {MOST_CASES} cases")));
        }
        parsed.run.values_mut().for_each(dates_as_text);
        for case in &mut parsed.cases {
            case.run.values_mut().chain(case.expect.values_mut()).for_each(dates_as_text);
        }
        let (text, library) = (text.to_owned(), Library::default());
        let suite = Self { text, file: parsed, library, budget: Budget::default() };
        for case in &suite.file.cases {
            let name = printable(&shorten(&case.name, MOST_NAME));
            let wrong = |message: String| wrong(format!("case \"{name}\": {message}"));
            case.fits().map_err(wrong)?;
            suite.run_of(case).map_err(|error| wrong(printable(&error.to_string())))?;
        }
        Ok(suite)
    }

    /// The files beside the script.
    #[must_use]
    pub fn beside(self, library: Library) -> Self {
        Self { library, ..self }
    }

    /// What each call may use, where it is not the default.
    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Runs every case against a script. Values are decided by the whole host, over the shipped
    /// default where the script does not leave it out.
    pub fn run(&self, name: &str, text: &str) -> Result<SuiteReport, SuiteError> {
        let script =
            Script::compile_with(name, text, self.options()).map_err(SuiteError::Script)?;
        let instrumented = Instrumented::of(&script);
        let mut cases = Vec::new();
        let mut set = std::collections::BTreeSet::new();
        for case in &self.file.cases {
            let run = Arc::new(self.run_of(case).map_err(|error| SuiteError::File {
                file: name.to_owned(),
                message: error.to_string(),
            })?);
            let call = observe::Asked {
                entry: case.entry(),
                user: case.user(),
                chosen: &case.chosen,
                event: case.event.as_ref(),
                run,
                policy: &self.file.policy,
            };
            let seen = observe::observe(&script, &call).map_err(SuiteError::Script)?;
            instrumented.run(&call);
            set.extend(seen.set);
            let expected = Value::Object(case.expect.clone());
            let differences = compare::compare(&expected, &seen.value);
            let name = case.name.clone();
            cases.push(CaseReport { name, differences, cost: seen.cost, observed: seen.value });
        }
        let expected = self.file.cases.iter().flat_map(|case| asserted(&case.expect)).collect();
        let coverage = instrumented.coverage(&set, &expected);
        let (script, hash) = (script.name().to_owned(), script.hash().to_owned());
        Ok(SuiteReport { script, hash, cases, coverage })
    }

    /// The file's text with each expectation replaced by what was observed. An expectation keeps
    /// the keys that it has; an empty one takes everything. Comments stay.
    pub fn updated(&self, report: &SuiteReport) -> Result<String, SuiteError> {
        update::update(&self.text, report).map_err(|error| SuiteError::File {
            file: report.script.clone(),
            message: error.to_string(),
        })
    }

    fn options(&self) -> ScriptOptions {
        let tables = self.file.tables.iter();
        let tables =
            tables.map(|(name, csv)| DataSet { name: name.clone(), csv: csv.clone() }).collect();
        let (library, budget) = (self.library.clone(), self.budget);
        ScriptOptions { budget, tables, library, ..ScriptOptions::default() }
    }

    /// The run of a case: the defaults, the file's, the case's.
    fn run_of(&self, case: &Case) -> Result<RunContext, serde_json::Error> {
        let mut run = serde_json::to_value(sample_run())?;
        if let Some(fields) = run.as_object_mut() {
            if case.entry() == Entry::Notify {
                fields.insert("step".to_owned(), Step::Notify.as_str().into());
            }
            fields.extend(self.file.run.clone());
            fields.extend(case.run.clone());
        }
        serde_json::from_value(run)
    }
}

impl Case {
    fn user(&self) -> UserInput {
        let id = self.source.text("id").unwrap_or("00000000-0000-0000-0000-000000000001");
        UserInput {
            source_id: id.to_owned(),
            source: self.source.clone(),
            target: self.target.clone(),
        }
    }
}

/// A run between two fictitious tenants, for tests and for trying a script.
pub fn sample_run() -> RunContext {
    RunContext {
        project: "Contoso to Fabrikam".into(),
        wave: "wave 1".into(),
        step: Step::Prepare,
        now: jiff::Timestamp::constant(1_772_442_000, 0),
        source_domains: vec!["contoso.com".into(), "contoso.onmicrosoft.com".into()],
        target_domains: vec!["fabrikam.com".into(), "fabrikam.onmicrosoft.com".into()],
        default_domain: "fabrikam.com".into(),
        domain_map: BTreeMap::new(),
        matches: BTreeMap::new(),
    }
}

/// Whether a script is run as a mapping, over the default.
pub(super) fn mapping_of(script: &Script) -> Result<Mapping, Vec<Diagnostic>> {
    Mapping::of(script.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Suite::parse("t.tests.toml", text).unwrap_err().to_string()
    }

    /// A file of tests may come from anybody: it is bounded, and its words cannot act on a terminal.
    #[test]
    fn a_hostile_file_is_refused_in_few_harmless_words() {
        let case = "[[case]]\nname = \"c\"\n";
        let expected = format!("x = [{}]", "1, ".repeat(2_000));
        for (text, words) in [
            (format!("a={}", "[".repeat(100_000)), "TOML parse error"),
            (format!("[case{}]", ".a".repeat(50_000)), "recursion limit"),
            ("[[case]]\nname=\"\u{1b}[2J\"".to_owned(), "TOML parse error"),
            (case.repeat(2_001), "more than 2000 cases"),
            (format!("# {}\n{case}", "x".repeat(4 << 20)), "more than 4 MiB"),
            (format!("[[case]]\nname = \"{}\"", "x".repeat(300)), "more than 200 characters"),
            (format!("{case}[case.expect]\n{expected}"), "more than 1000 values"),
            (format!("{case}run = {{ step = \"\\u001b\" }}"), "unknown variant"),
        ] {
            let said = refused(&text);
            assert!(said.contains(words), "{said}");
            assert!(said.len() < 2_000, "{} bytes", said.len());
            assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
        }
    }

    /// Such a case could never be red.
    #[test]
    fn a_misspelt_attribute_of_a_case_is_named() {
        for place in ["source", "target", "chosen", "expect.attributes"] {
            let said = refused(&format!("[[case]]\nname = \"c\"\n{place}.citty = \"absent\"\n"));
            assert!(
                said.contains("case \"c\": unknown attribute `citty`; did you mean `city`?"),
                "{said}"
            );
        }
    }

    /// TOML can write numbers that JSON and attributes have not. What is expected of them could not be
    /// compared.
    #[test]
    fn a_number_that_is_none_is_refused_wherever_it_stands() {
        let case = "[[case]]\nname = \"c\"\n";
        for number in ["nan", "-nan", "inf", "+inf"] {
            for place in [
                "expect.attributes.seniorityIndex = N",
                "expect.warnings = [[N]]",
                "expect.notices = [{ to = N }]",
                "expect.absent = N",
                "run.matches = N",
                "source.seniorityIndex = N",
                "source.proxyAddresses = [N]",
                "event = { kind = \"error\", users = N }",
            ] {
                let said = refused(&format!("{case}{}", place.replace('N', number)));
                assert!(said.contains("nan and inf are no values"), "{place}: {said}");
            }
        }
        for text in ["[run]\nmatches = { a = nan }\n", "[policy]\nlinks = [inf]\n"] {
            assert!(
                refused(&format!("{text}{case}")).contains("nan and inf are no values"),
                "{text}"
            );
        }
    }

    /// As people write dates in TOML.
    #[test]
    fn a_date_is_its_text() {
        let text = "[[case]]\nname = \"c\"\n[case.expect]\nwarnings = [2026-03-06T18:00:00Z]\n";
        let suite = Suite::parse("t.tests.toml", text).unwrap();
        let expected = suite.file.cases.first().and_then(|case| case.expect.get("warnings"));
        assert_eq!(expected, Some(&serde_json::json!(["2026-03-06T18:00:00Z"])));
    }

    #[test]
    fn a_name_cannot_forge_a_line_of_the_report() {
        let text = "[[case]]\nname = \"\\u001b[2J\\n  ok    forged\"\n";
        let script = "// crosswave-api: 1\n// crosswave-base: none\n\
                      fn map_user(source, target, ctx) { }\n";
        let report = Suite::parse("t.tests.toml", text).unwrap().run("t.rhai", script).unwrap();
        assert_eq!(report.render().lines().count(), 2, "{}", report.render());
        assert!(!report.render().contains('\u{1b}'));
    }
}
