//! Counting: one user after the other, so that a large wave needs no large memory.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::{CATALOGUE, Meter, Phase, Step};
use content::WaitingRight;
use jiff::Timestamp;
use model::{JournalEntry, JournalEvent, User, UserState};

use super::{
    NotApplicable, Parked, Report, Span, StepLine, UnclearMatch, WaitingRights, Warning, messages,
};

/// A report in the making.
#[derive(Debug, Default)]
pub struct Tally {
    people: usize,
    states: BTreeMap<UserState, usize>,
    span: Option<Span>,
    steps: BTreeMap<Step, StepTally>,
    parked: Vec<Parked>,
    not_applicable: BTreeMap<(Step, String), BTreeSet<String>>,
    warnings: BTreeMap<(Step, String), BTreeSet<String>>,
    unclear: Vec<UnclearMatch>,
    waiting: Vec<WaitingRights>,
    pub(super) messages: messages::Counts,
    usage: BTreeMap<Meter, usize>,
    requests: u64,
}

#[derive(Debug, Default)]
struct StepTally {
    done: BTreeSet<String>,
    not_applicable: BTreeSet<String>,
    parked: usize,
    retries: usize,
    milliseconds: Vec<u64>,
    requests: u64,
}

impl Tally {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user with the whole journal, in its order.
    pub fn add(&mut self, user: &User, journal: &[JournalEntry]) {
        self.people += 1;
        *self.states.entry(user.state).or_default() += 1;
        if let Some(note) = &user.match_note {
            self.unclear.push(UnclearMatch {
                user_principal_name: user.source.user_principal_name.clone(),
                note: note.clone(),
            });
        }
        self.add_problem(user);
        let mut metered = BTreeSet::new();
        for entry in journal {
            self.add_entry(user, entry, &mut metered);
        }
        for meter in metered {
            *self.usage.entry(meter).or_default() += 1;
        }
    }

    /// Adds the rights on a user's mailbox and drive that wait for their holders.
    pub fn add_waiting(&mut self, user: &User, rights: Vec<WaitingRight>) {
        if !rights.is_empty() {
            let user_principal_name = user.source.user_principal_name.clone();
            self.waiting.push(WaitingRights { user_principal_name, rights });
        }
    }

    fn add_problem(&mut self, user: &User) {
        let Some(problem) = user.problem.as_ref().filter(|_| user.state.is_error()) else { return };
        self.steps.entry(problem.step).or_default().parked += 1;
        self.parked.push(Parked {
            user: user.id.to_string(),
            name: user.source.display_name.clone(),
            user_principal_name: user.source.user_principal_name.clone(),
            state: user.state,
            step: problem.step,
            code: problem.code.clone(),
            message: problem.message.clone(),
            advice: problem.advice.clone(),
            retry: format!(
                "crosswave {} --user {}",
                action_of(user.state, problem.step),
                user.source.user_principal_name
            ),
            since: problem.at,
        });
    }

    fn add_entry(&mut self, user: &User, entry: &JournalEntry, metered: &mut BTreeSet<Meter>) {
        self.requests = self.requests.saturating_add(entry.cost.requests);
        self.widen(entry.at);
        let Some(step) = entry.step else { return };
        let tally = self.steps.entry(step).or_default();
        tally.requests = tally.requests.saturating_add(entry.cost.requests);
        let id = user.id.to_string();
        match &entry.event {
            JournalEvent::Done { warnings, .. } => {
                tally.done.insert(id);
                let elapsed = entry.at.duration_since(entry.reached_at).as_millis();
                tally.milliseconds.push(u64::try_from(elapsed).unwrap_or(0));
                metered.extend(step.spec().meter);
                for warning in warnings {
                    let who = user.source.user_principal_name.clone();
                    self.warnings.entry((step, warning.clone())).or_default().insert(who);
                }
            }
            JournalEvent::NotApplicable { cause } => {
                tally.not_applicable.insert(id.clone());
                self.not_applicable.entry((step, cause.clone())).or_default().insert(id);
            }
            JournalEvent::Retrying { .. } => tally.retries += 1,
            JournalEvent::Started { .. }
            | JournalEvent::Writing { .. }
            | JournalEvent::Remembered { .. }
            | JournalEvent::Waiting { .. }
            | JournalEvent::Parked { .. }
            | JournalEvent::Stopped
            | JournalEvent::Ended { .. }
            | JournalEvent::Reset { .. } => {}
        }
    }

    fn widen(&mut self, at: Timestamp) {
        let span = self.span.get_or_insert(Span { from: at, to: at });
        span.from = span.from.min(at);
        span.to = span.to.max(at);
    }

    /// The report over everybody who was added.
    pub fn finish(self, about: impl Into<String>, made_at: Timestamp) -> Report {
        let mut steps = self.steps;
        let lines = CATALOGUE
            .iter()
            .filter_map(|row| steps.remove(&row.step).map(|tally| tally.line(row.step)))
            .collect();
        let mut parked = self.parked;
        parked.sort_by(|a, b| (a.step, &a.code, &a.name).cmp(&(b.step, &b.code, &b.name)));
        let not_applicable = self
            .not_applicable
            .into_iter()
            .map(|((step, cause), people)| NotApplicable { step, cause, people: people.len() });
        let warnings = self.warnings.into_iter().map(|((step, text), people)| Warning {
            step,
            text,
            people: people.len(),
            example: people.into_iter().next().unwrap_or_default(),
        });
        let mut warnings: Vec<Warning> = warnings.collect();
        warnings.sort_by_key(|warning| std::cmp::Reverse(warning.people));
        Report {
            about: about.into(),
            made_at,
            people: self.people,
            states: self.states,
            span: self.span,
            steps: lines,
            parked,
            not_applicable: not_applicable.collect(),
            warnings,
            unclear_matches: self.unclear,
            waiting_rights: self.waiting,
            messages: messages::lines(self.messages),
            usage: self.usage,
            requests: self.requests,
        }
    }
}

impl StepTally {
    fn line(mut self, step: Step) -> StepLine {
        self.milliseconds.sort_unstable();
        let middle = self.milliseconds.len() / 2;
        StepLine {
            step,
            done: self.done.len(),
            not_applicable: self.not_applicable.len(),
            parked: self.parked,
            retries: self.retries,
            runs: self.milliseconds.len(),
            typical_ms: self.milliseconds.get(middle).copied().unwrap_or_default(),
            longest_ms: self.milliseconds.last().copied().unwrap_or_default(),
            requests: self.requests,
        }
    }
}

/// The command that goes on from an error: the state knows, because the delta of a cutover fails
/// in a step of the sync.
fn action_of(state: UserState, step: Step) -> &'static str {
    match (state, step.spec().phase) {
        (UserState::PrepareError, _) | (_, Phase::Prepare) => "prepare",
        (UserState::SyncError, _) => "sync",
        (UserState::CutoverError, _) | (_, Phase::Cutover) => "cutover",
        (_, Phase::InitialSync | Phase::DeltaSync) => "sync",
        (_, Phase::OnDemand) if step == Step::SendGuestInvite => "send-guest-invite",
        (_, Phase::OnDemand) => "verify",
    }
}
