//! Tries one script on one person, with everything that a real call has, and writes nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attributes::Attributes;
use crate::code::Code;
use crate::context::{Event, EventKind, RunContext, Step, UserInput};
use crate::diagnostic::{Diagnostic, ScriptError, printable};
use crate::entry::Entry;
use crate::mapping::Mapping;
use crate::notice::Notices;
use crate::notifications::Notifications;
use crate::patch::{
    Assigned, Assignment, Cost, MatchKey, Remark, SECRET, Selected, UserPatch, Verdict,
};
use crate::script::{Script, ScriptOptions};
use crate::testing::sample_run;

/// What a script is tried on. Everything may be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrialInput {
    /// The source user, with the names that scripts use.
    source: Option<Attributes>,
    /// The target user's present attributes.
    target: Attributes,
    /// The unique values that were chosen, for `finish_user`.
    chosen: Attributes,
    /// The run.
    run: Option<RunContext>,
    /// The event, for `notify`.
    event: Option<Event>,
}

impl TrialInput {
    /// Reads the JSON of a trial: this type's fields, or a user as Graph or a script names it.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(text)?;
        if value.get("source").is_some() || value.get("event").is_some() {
            return serde_json::from_value(value);
        }
        Ok(Self { source: Some(Attributes::from_graph(&value)), ..Self::default() })
    }
}

/// What came of a trial.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The script.
    pub script: String,
    /// Its version, if it passed its check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The entry function that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// What came.
    #[serde(flatten)]
    pub outcome: TrialOutcome,
}

/// What came of a trial.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// A patch of a user or a contact.
    Patch(UserPatch),
    /// Messages.
    Notices(Notices),
    /// Whether the user is moved.
    Selected(Selected),
    /// How the target user is found.
    Keys(Vec<MatchKey>),
    /// The script ran and failed.
    Error(ScriptError),
    /// The script does not pass its check.
    Check(Vec<Diagnostic>),
}

impl Trial {
    /// The trial of a script that broke the process it was tried in.
    pub(crate) fn broken(name: &str, code: Code, message: &str) -> Self {
        let outcome = TrialOutcome::Check(vec![Diagnostic::new(code, name, message)]);
        Self { script: name.to_owned(), hash: None, entry: None, outcome }
    }

    /// Whether the script did what it was asked for.
    pub fn passed(&self) -> bool {
        !matches!(self.outcome, TrialOutcome::Error(_) | TrialOutcome::Check(_))
    }
}

/// Tries a script: the entry asked for, else `map_user`, else `notify`, else the first it has.
pub fn try_script(
    name: &str,
    text: &str,
    options: ScriptOptions,
    entry: Option<Entry>,
    input: TrialInput,
) -> Trial {
    let script = match Script::compile_with(name, text, options) {
        Ok(script) => script,
        Err(findings) => {
            let (script, outcome) = (name.to_owned(), TrialOutcome::Check(findings));
            return Trial { script, hash: None, entry: None, outcome };
        }
    };
    let preferred = [Entry::MapUser, Entry::Notify];
    let entry = entry
        .or_else(|| preferred.into_iter().find(|entry| script.has(*entry)))
        .or_else(|| script.entries().first().copied());
    let outcome = match entry {
        Some(entry) if script.has(entry) => {
            call(&script, entry, input).unwrap_or_else(TrialOutcome::Check)
        }
        Some(entry) => {
            let message = format!("the script has no function `{}`", entry.signature());
            TrialOutcome::Check(vec![Diagnostic::new(Code::E001, name, message)])
        }
        None => TrialOutcome::Check(Vec::new()),
    };
    Trial { script: name.to_owned(), hash: Some(script.hash().to_owned()), entry, outcome }
}

fn call(script: &Script, entry: Entry, input: TrialInput) -> Result<TrialOutcome, Vec<Diagnostic>> {
    let source = input.source.unwrap_or_else(sample_user);
    let source_id = source.text("id").unwrap_or("00000000-0000-0000-0000-000000000001").to_owned();
    let user = UserInput { source_id, source, target: input.target };
    let step = if entry == Entry::Notify { Step::Notify } else { Step::Prepare };
    let run = Arc::new(input.run.unwrap_or_else(|| RunContext { step, ..sample_run() }));
    let patch = |result: Result<UserPatch, ScriptError>| {
        result.map_or_else(TrialOutcome::Error, |mut patch| {
            hide_secrets(&mut patch);
            TrialOutcome::Patch(patch)
        })
    };
    if entry == Entry::Notify {
        let event = input.event.unwrap_or_else(sample_event);
        let notices = Notifications::of(script.clone())?.notify(&event, &user, &run);
        return Ok(notices.map_or_else(TrialOutcome::Error, TrialOutcome::Notices));
    }
    let mapping = Mapping::of(script.clone())?;
    Ok(match entry {
        Entry::MapUser | Entry::Notify => patch(mapping.map_user(&user, &run)),
        Entry::MapContact => patch(mapping.map_contact(&user, &run)),
        Entry::FinishUser => patch(mapping.finish_user(&user, &input.chosen, &run)),
        Entry::Select => {
            mapping.select(&user, &run).map_or_else(TrialOutcome::Error, TrialOutcome::Selected)
        }
        Entry::MatchKeys => {
            mapping.match_keys(&user, &run).map_or_else(TrialOutcome::Error, TrialOutcome::Keys)
        }
    })
}

/// A trial is for people to read, also as JSON.
fn hide_secrets(patch: &mut UserPatch) {
    for assigned in patch.values.values_mut().filter(|assigned| assigned.secret) {
        assigned.assignment = Assignment::Value(SECRET.into());
    }
}

/// A person with most attributes set, as a source tenant would have her.
pub fn sample_user() -> Attributes {
    Attributes::from_graph(&serde_json::json!({
        "id": "5f1c2d3e-0000-4000-8000-000000000001",
        "displayName": "Muñoz, Anna",
        "givenName": "Anna",
        "surname": "Muñoz",
        "userPrincipalName": "anna.munoz@contoso.com",
        "mail": "anna.munoz@contoso.com",
        "mailNickname": "anna.munoz",
        "proxyAddresses": [
            "SMTP:anna.munoz@contoso.com",
            "smtp:amunoz@contoso.com",
            "smtp:anna.munoz@contoso.onmicrosoft.com",
            "X500:/o=Contoso/ou=Exchange/cn=Recipients/cn=anna"
        ],
        "jobTitle": "Engineer",
        "department": "Research",
        "companyName": "Contoso",
        "employeeId": "10042",
        "officeLocation": "Building 7",
        "streetAddress": "Calle Mayor 1",
        "city": "Madrid",
        "postalCode": "28013",
        "country": "Spain",
        "usageLocation": "ES",
        "preferredLanguage": "es-ES",
        "businessPhones": ["+34 91 555 0100"],
        "mobilePhone": "+34 600 555 010",
        "accountEnabled": true,
        "onPremisesExtensionAttributes": { "extensionAttribute5": "COST-1" },
        "legacyExchangeDN": "/o=Contoso/ou=Exchange/cn=Recipients/cn=anna-1"
    }))
}

fn sample_event() -> Event {
    Event {
        at: Some("2026-03-06T18:00:00+01:00".into()),
        old_address: Some("anna.munoz@contoso.com".into()),
        new_address: Some("anna.munoz@fabrikam.com".into()),
        ..Event::new(EventKind::CutoverComplete, "wave 1")
    }
}

impl Trial {
    /// The trial as text: each value with the line that set it, and what the call used.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let cost = match &self.outcome {
            TrialOutcome::Check(findings) => {
                return findings.iter().map(Diagnostic::render).collect();
            }
            TrialOutcome::Error(error) => {
                out.push_str(&error.render());
                Some(error.cost)
            }
            TrialOutcome::Patch(patch) => {
                patch_lines(&mut out, patch);
                Some(patch.cost)
            }
            TrialOutcome::Notices(notices) => {
                notice_lines(&mut out, notices);
                Some(notices.cost)
            }
            TrialOutcome::Selected(Selected::Yes) => {
                out.push_str("selected\n");
                None
            }
            TrialOutcome::Selected(Selected::No(reason)) => {
                put!(&mut out, "left out: {reason}\n");
                None
            }
            TrialOutcome::Keys(keys) => {
                for key in keys {
                    put!(&mut out, "{} = {}\n", key.attribute, printable(&key.value));
                }
                None
            }
        };
        if let Some(Cost { operations, micros, peak_bytes }) = cost {
            put!(
                &mut out,
                "{operations} operations, {}.{:03} ms, {} KiB\n",
                micros / 1000,
                micros % 1000,
                peak_bytes.div_ceil(1024)
            );
        }
        out
    }
}

fn patch_lines(out: &mut String, patch: &UserPatch) {
    for (name, assigned) in &patch.values {
        let value = printable(&shown(assigned));
        put!(out, "{name} = {value}  ({}:{})\n", assigned.script, assigned.line);
    }
    if let Some(linked) = &patch.linked {
        for option in &linked.options {
            let option: Vec<String> = option
                .iter()
                .map(|(name, value)| format!("{name} = {}", printable(value)))
                .collect();
            let at = (&linked.script, linked.line);
            put!(out, "one of: {}  ({}:{})\n", option.join(", "), at.0, at.1);
        }
    }
    remarks(out, "warning", &patch.warnings);
    remarks(out, "debug", &patch.debug);
    match &patch.verdict {
        Verdict::GoOn => {}
        Verdict::Parked(remark) => {
            put!(out, "parked: {}\n", remark.text);
        }
        Verdict::Skipped(remark) => {
            put!(out, "skipped: {}\n", remark.text);
        }
    }
}

/// An assignment as people read it; a secret stays one.
pub(crate) fn shown(assigned: &Assigned) -> String {
    if assigned.secret {
        return SECRET.to_owned();
    }
    match &assigned.assignment {
        Assignment::Value(value) => value.to_string(),
        Assignment::Candidates(texts) => {
            let first: Vec<String> = texts.iter().take(2).collect();
            match (first.as_slice(), texts.count()) {
                ([], _) => "one of none".to_owned(),
                ([first], _) => first.clone(),
                ([first, second, ..], 2) => format!("{first}, else {second}"),
                ([first, second, ..], count) => {
                    format!("{first}, else {second}, else one of {} more", count - 2)
                }
            }
        }
        Assignment::Clear => "(cleared)".to_owned(),
    }
}

fn notice_lines(out: &mut String, notices: &Notices) {
    for notice in &notices.notices {
        let to: Vec<String> = notice.to.iter().cloned().map(String::from).collect();
        put!(out, "to {} ({})\n", printable(&to.join(", ")), printable(&notice.language));
        if let Some(when) = notice.when {
            put!(out, "when: not before {when}\n");
        }
        put!(out, "subject: {}\n\n", printable(&notice.subject));
        for line in notice.body.lines() {
            put!(out, "{}\n", printable(line));
        }
        for link in &notice.links {
            put!(out, "link: {}\n", printable(link));
        }
        for file in &notice.attach {
            put!(out, "attached: {} ({})\n", printable(&file.name), file.content_type);
        }
        out.push('\n');
    }
    if notices.notices.is_empty() {
        out.push_str("no message\n");
    }
    remarks(out, "warning", &notices.warnings);
}

fn remarks(out: &mut String, kind: &str, remarks: &[Remark]) {
    for remark in remarks {
        let line = remark.line.map(|line| format!("  (line {line})")).unwrap_or_default();
        put!(out, "{kind}: {}{line}\n", remark.text);
    }
}
