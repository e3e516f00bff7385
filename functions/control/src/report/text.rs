//! The report as a person reads it.

use std::fmt;

use catalogue::{Meter, Phase, StepSpec};

use super::{MessageOutcome, Report, Span, StepLine};

/// So many parked people are written out; the JSON form has all.
const PARKED_SHOWN: usize = 25;
/// So many warnings likewise.
const WARNINGS_SHOWN: usize = 12;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut about = self.about.clone();
        if let Some(first) = about.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        writeln!(f, "{about}: {}", people(self.people))?;
        let states: Vec<String> =
            self.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        if !states.is_empty() {
            writeln!(f, "  {}", states.join(", "))?;
        }
        if let Some(Span { from, to }) = self.span {
            let took = to.duration_since(from).as_millis();
            let took = duration(u64::try_from(took).unwrap_or_default());
            let requests = number(self.requests);
            writeln!(
                f,
                "  {took} from the first step to the last, {requests} requests to both tenants"
            )?;
        }
        self.write_steps(f)?;
        self.write_parked(f)?;
        self.write_notes(f)?;
        self.write_messages(f)?;
        self.write_usage(f)
    }
}

impl Report {
    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = self.steps.iter().map(|line| line.step.spec().title.chars().count());
        let title_width = titles.max().unwrap_or_default();
        let width = title_width + 10;
        let mut phase = None;
        for line in &self.steps {
            let spec = line.step.spec();
            if phase != Some(spec.phase) {
                phase = Some(spec.phase);
                writeln!(
                    f,
                    "\n{:<width$}{:>6}{:>6}{:>8}{:>9}{:>13}{:>13}",
                    title(spec.phase),
                    "done",
                    "n/a",
                    "parked",
                    "retries",
                    "typical",
                    "longest"
                )?;
            }
            write_line(f, line, spec, title_width)?;
        }
        Ok(())
    }

    fn write_parked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parked.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nParked: {}", people(self.parked.len()))?;
        for parked in self.parked.iter().take(PARKED_SHOWN) {
            let spec = parked.step.spec();
            writeln!(f, "\n  {} <{}>, {}", parked.name, parked.user_principal_name, parked.state)?;
            writeln!(f, "    step     {} {}", spec.spec, spec.title)?;
            writeln!(f, "    why      {} ({})", parked.message, parked.code)?;
            writeln!(f, "    advice   {}", parked.advice)?;
            writeln!(f, "    retry    {}", parked.retry)?;
        }
        let more = self.parked.len().saturating_sub(PARKED_SHOWN);
        if more > 0 {
            writeln!(f, "\n  and {more} more; --json lists them all")?;
        }
        Ok(())
    }

    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.not_applicable.is_empty() {
            writeln!(f, "\nNot applicable")?;
            for note in &self.not_applicable {
                let spec = note.step.spec().spec;
                writeln!(f, "  {spec:<7} {}: {}", note.cause, people(note.people))?;
            }
        }
        if !self.warnings.is_empty() {
            writeln!(f, "\nWorth knowing")?;
            for warning in self.warnings.iter().take(WARNINGS_SHOWN) {
                let spec = warning.step.spec().spec;
                let who = match warning.people {
                    1 => warning.example.clone(),
                    many => format!("{} and {} more", warning.example, many - 1),
                };
                writeln!(f, "  {spec:<7} {}: {who}", warning.text)?;
            }
            let more = self.warnings.len().saturating_sub(WARNINGS_SHOWN);
            if more > 0 {
                writeln!(f, "  and {more} more; --json lists them all")?;
            }
        }
        if !self.unclear_matches.is_empty() {
            writeln!(f, "\nUnclear matches")?;
            for unclear in &self.unclear_matches {
                writeln!(f, "  {}: {}", unclear.user_principal_name, unclear.note)?;
            }
        }
        self.write_waiting_rights(f)
    }

    fn write_waiting_rights(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.waiting_rights.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nRights that wait until their holder is moved")?;
        for waiting in self.waiting_rights.iter().take(WARNINGS_SHOWN) {
            let Some(first) = waiting.rights.first() else { continue };
            let more = match waiting.rights.len() {
                1 => String::new(),
                many => format!(", and {} more", many - 1),
            };
            let (owner, holder) = (&waiting.user_principal_name, &first.holder);
            writeln!(f, "  {owner}: {} for {holder}{more}", first.right)?;
        }
        let more = self.waiting_rights.len().saturating_sub(WARNINGS_SHOWN);
        if more > 0 {
            writeln!(f, "  and {more} more people; --json lists them all")?;
        }
        Ok(())
    }

    fn write_messages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.messages.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nMessages")?;
        for line in &self.messages {
            let (event, outcome) = (line.event.name(), line.outcome.name());
            write!(f, "  {event:<18} {} {outcome}", line.messages)?;
            if !line.why.is_empty() {
                write!(f, ", {}", line.why)?;
            }
            match (line.outcome, line.people) {
                (MessageOutcome::Sent, _) | (_, 0) => writeln!(f)?,
                (_, 1) => writeln!(f, ": {}", line.example)?,
                (_, many) => writeln!(f, ": {} and {} more", line.example, many - 1)?,
            }
        }
        Ok(())
    }

    fn write_usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.usage.is_empty() {
            return Ok(());
        }
        let usage: Vec<String> = self
            .usage
            .iter()
            .map(|(meter, count)| {
                let what = match meter {
                    Meter::Prepared => "prepared",
                    Meter::Synced => "synced",
                    Meter::CutOver => "cut over",
                };
                format!("{count} {what}")
            })
            .collect();
        writeln!(f, "\nUsage: {}", usage.join(", "))
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    line: &StepLine,
    spec: &StepSpec,
    width: usize,
) -> fmt::Result {
    let count = |n: usize| if n == 0 { "-".to_owned() } else { n.to_string() };
    let time = |ms: u64| if line.runs == 0 { "-".to_owned() } else { duration(ms) };
    writeln!(
        f,
        "  {:<7} {:<width$}{:>6}{:>6}{:>8}{:>9}{:>13}{:>13}",
        spec.spec,
        spec.title,
        count(line.done),
        count(line.not_applicable),
        count(line.parked),
        count(line.retries),
        time(line.typical_ms),
        time(line.longest_ms),
    )
}

fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "Prepare",
        Phase::InitialSync => "Initial sync",
        Phase::DeltaSync => "Delta sync",
        Phase::Cutover => "Cutover",
        Phase::OnDemand => "On demand",
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

/// A number with its thousands apart.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as people say it: `40 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..=59 => format!("{seconds}.{} s", (milliseconds % 1_000) / 100),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, (seconds % 3_600) / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use catalogue::Step;
    use model::{
        Cost, DeliveryState, Event, EventKind, JobId, JobKind, JournalEntry, JournalEvent, Later,
        Notification, Problem, User, UserState,
    };

    use super::*;
    use crate::{report::Tally, tests::user};

    fn entry(step: Step, seconds: i64, event: JournalEvent) -> JournalEntry {
        let start = jiff::Timestamp::UNIX_EPOCH;
        JournalEntry {
            at: start + jiff::SignedDuration::from_secs(seconds),
            job: JobId::numbered(1),
            kind: JobKind::Prepare,
            n: 0,
            step: Some(step),
            reached_at: start,
            attempt: 0,
            event,
            cost: Cost { requests: 700, milliseconds: 5 },
        }
    }

    fn done() -> JournalEvent {
        JournalEvent::Done { receipt: serde_json::Value::Null, warnings: Vec::new() }
    }

    fn parked(id: &str) -> User {
        let mut user = user(id);
        user.state = UserState::PrepareError;
        user.problem = Some(Problem {
            step: Step::CreateContact,
            code: "address_taken".to_owned(),
            message: "anna@old.example belongs to Sales".to_owned(),
            advice: "free the address at Sales".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
        user
    }

    /// ERR-2: step, message, advice and how to retry.
    #[test]
    fn a_report_lists_each_parked_user_with_step_message_advice_and_retry() {
        let mut tally = Tally::new();
        tally.add(&parked("anna"), &[entry(Step::HideUser, 2, done())]);
        let mut bert = user("bert");
        bert.state = UserState::Prepared;
        tally.add(
            &bert,
            &[
                entry(Step::HideUser, 4, done()),
                entry(Step::CreateContact, 75, done()),
                entry(
                    Step::MailEnableUser,
                    1,
                    JournalEvent::NotApplicable { cause: "already a mailbox".to_owned() },
                ),
            ],
        );
        let report = tally.finish("wave w1", jiff::Timestamp::UNIX_EPOCH);
        assert!(!report.all_well());
        let text = report.to_string();
        for line in [
            "Wave w1: 2 people",
            "  1 prepare_error, 1 prepared",
            "  1 min 14 s from the first step to the last, 2,800 requests to both tenants",
            "  anna <anna@old.example>, prepare_error",
            "    step     PRE-S4 Create the mail contact that points to the source mailbox",
            "    why      anna@old.example belongs to Sales (address_taken)",
            "    advice   free the address at Sales",
            "    retry    crosswave prepare --user anna@old.example",
            "  PRE-S2  already a mailbox: 1 person",
            "Usage: 1 prepared",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_step_that_was_run_again_counts_its_people_once() {
        let mut tally = Tally::new();
        let twice = [entry(Step::HideUser, 2, done()), entry(Step::HideUser, 6, done())];
        tally.add(&user("anna"), &twice);
        let report = tally.finish("all users", jiff::Timestamp::UNIX_EPOCH);
        let [line] = report.steps.as_slice() else { panic!("one step") };
        assert_eq!((line.done, line.runs, line.longest_ms), (1, 2, 6_000));
    }

    /// NOT-2: each message has a delivery record, and the report tells what became of it.
    #[test]
    fn a_report_tells_who_was_told_and_who_was_not_and_why() {
        let about = |event: EventKind, accepted: usize, delivery: DeliveryState| {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let (user, wave, job) = (None, None, None);
            let event = Event { kind: event, user, wave, job, at, details: BTreeMap::new() };
            let accepted = vec![("a".to_owned(), "b".to_owned()); accepted];
            Notification { accepted, delivery, ..Notification::new(event) }
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let sent = |count: usize| about(EventKind::PrepareDone, count, DeliveryState::Sent { at });
        let failed = |count: usize| {
            let why = "the project names no notification_sender".to_owned();
            about(EventKind::CutoverComplete, count, DeliveryState::Failed { why })
        };
        let mut waits = about(EventKind::WaveScheduled, 0, DeliveryState::Pending);
        waits.later = Some(Later { message: 0, at });
        let mut tally = Tally::new();
        tally.add_delivery(&sent(1), "anna@old.example");
        tally.add_delivery(&sent(2), "bert@old.example");
        tally.add_delivery(&about(EventKind::Error, 0, DeliveryState::Nothing), "bert@old.example");
        tally.add_delivery(&failed(1), "anna@old.example");
        tally.add_delivery(&failed(0), "bert@old.example");
        tally.add_delivery(&waits, "anna@old.example");
        let report = tally.finish("wave w1", at);
        let text = report.to_string();
        let (_, told) = text.split_once("\nMessages\n").expect("the section");
        let why = "the project names no notification_sender: anna@old.example and 1 more";
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "  wave_scheduled     1 waiting, until 1970-01-01T00:00:00Z: anna@old.example",
                "  prepare_done       3 sent",
                "  cutover_complete   1 sent",
                &format!("  cutover_complete   2 failed, {why}"),
            ]
        );
    }

    #[test]
    fn times_and_numbers_are_readable() {
        assert_eq!(duration(40), "40 ms");
        assert_eq!(duration(1_240), "1.2 s");
        assert_eq!(duration(185_000), "3 min 5 s");
        assert_eq!(duration(7_800_000), "2 h 10 min");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(123), "123");
    }
}
