//! What must hold at every commit and at every request.

use http::{Method, StatusCode};
use model::{
    Branch, Job, JobStatus, JournalEntry, JournalEvent, JournalPage, STATE_TABLE, Stored, User,
    UserId, UserState,
};
use ports::{Change, HttpRequest, Key};

use super::Watch;
use crate::stage::{Inner, Outcome, Stage};

/// A request, as the checks see it.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// One line for the trace.
    pub(crate) line: String,
    write: bool,
    bearer: Option<String>,
    exchange_tenant: Option<String>,
    mail: Option<String>,
}

impl Effect {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let url = &request.url;
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let cmdlet = header("x-cmdletname").map(str::to_owned);
        let path = url.path();
        let reads = ["exportItems", "/token", "/$batch"];
        let write = match &cmdlet {
            Some(cmdlet) => !cmdlet.starts_with("Get-") && !cmdlet.starts_with("Exchange"),
            None => request.method != Method::GET && !reads.iter().any(|read| path.ends_with(read)),
        };
        let exchange_tenant =
            path.split('/').skip_while(|part| *part != "adminapi").nth(2).map(str::to_owned);
        let mail = path.ends_with("/sendMail").then(|| subject(&request.body)).flatten();
        let what = cmdlet.unwrap_or_else(|| shortened(path));
        let line = format!("{} {what}", request.method);
        let bearer = header("authorization").map(str::to_owned);
        Self { line, write, bearer, exchange_tenant, mail }
    }
}

fn shortened(path: &str) -> String {
    path.chars().take(160).collect()
}

fn subject(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get("message")?.get("subject")?.as_str()?.to_owned())
}

/// Remembers which tenant an access token belongs to.
pub(crate) fn signed_in(stage: &Stage, path: &str, body: &[u8]) {
    let Some(tenant) = path.split('/').nth(1).filter(|_| path.ends_with("/token")) else { return };
    let Ok(reply) = serde_json::from_slice::<serde_json::Value>(body) else { return };
    let token = reply.get("access_token").and_then(serde_json::Value::as_str);
    if let Some(token) = token {
        let mut inner = stage.lock();
        inner.watch.tokens.insert(format!("Bearer {token}"), tenant.to_owned());
    }
}

/// A request had its effect.
pub(crate) fn requested(stage: &Stage, effect: &Effect, status: StatusCode) {
    if !effect.write || !status.is_success() {
        return;
    }
    let mut broken = Vec::new();
    {
        let mut inner = stage.lock();
        inner.changed = true;
        let Some(current) = inner.current.clone() else { return };
        let tenant = effect.exchange_tenant.clone().or_else(|| {
            let bearer = effect.bearer.as_ref()?;
            inner.watch.tokens.get(bearer).cloned()
        });
        let in_source = tenant.is_some_and(|tenant| tenant == inner.watch.source);
        let phase = current.step.map(|step| step.spec().phase);
        if in_source && phase == Some(catalogue::Phase::Prepare) {
            let text = format!("{} wrote to the source: {}", current.what, effect.line);
            broken.push(("PRE-7", text));
        }
        let copies =
            current.step.is_some_and(|step| step.spec().needs.contains(&catalogue::Need::Content));
        if in_source && copies {
            let text = format!("{} wrote to the source: {}", current.what, effect.line);
            broken.push(("SYN-1", text));
        }
        if let (Some(user), Some(job)) = (&current.user, &current.job)
            && let Some((stopped, since)) = inner.watch.stops.get(user)
            && Branch::main_of(job).is_ok_and(|main| main == *stopped)
            && current.started > *since
        {
            let text = format!(
                "{} began after the stop of {user}'s job {stopped} and wrote: {}",
                current.what, effect.line
            );
            broken.push(("CUT-4", text));
        }
        if let (Some(place), Some(subject)) = (&current.notification, &effect.mail) {
            let count = inner.watch.mails.entry((place.clone(), subject.clone())).or_default();
            *count += 1;
            if *count > 1 {
                broken.push(("NOT-2", format!("`{subject}` was sent {count} times for {place}")));
            }
        }
    }
    for (rule, text) in broken {
        stage.violated(rule, text);
    }
}

/// CUT-6: at no moment do both mailboxes of a person forward to each other.
pub(crate) fn routed(stage: &Stage, simulator: &simulator::Simulator, pairs: &[Pair]) {
    for pair in pairs {
        let here = simulator.recipient(pair.source, &pair.old_address);
        let all = simulator.recipients(pair.target);
        let there = all.into_iter().find(|view| view.directory_id.to_string() == pair.new_id);
        let here = here.and_then(|view| view.forwarding.target);
        let there = there.and_then(|view| view.forwarding.target);
        if let (Some(here), Some(there)) = (here, there) {
            let text =
                format!("the old mailbox forwards to {here} while the new one forwards to {there}");
            stage.violated("CUT-6", text);
        }
    }
}

/// A person's two mailboxes.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) source: uuid::Uuid,
    pub(crate) old_address: String,
    pub(crate) target: uuid::Uuid,
    pub(crate) new_id: String,
}

/// A commit was applied.
pub(crate) fn committed(stage: &Stage, changes: &[Change]) {
    let now = stage.now();
    let mut broken = Vec::new();
    {
        let mut inner = stage.lock();
        for change in changes {
            match change {
                Change::Put { key, value, .. } => put(&mut inner, key, value, now, &mut broken),
                Change::Delete { key, .. } => deleted(&mut inner.watch, key),
                Change::Check { .. } => {}
            }
        }
    }
    for (rule, text) in broken {
        stage.violated(rule, text);
    }
}

type Broken = Vec<(&'static str, String)>;

fn put(inner: &mut Inner, key: &Key, value: &[u8], now: jiff::Timestamp, broken: &mut Broken) {
    let sort = key.sort.as_str();
    if sort.starts_with("U#") {
        if let Ok(user) = User::from_bytes(value) {
            let at_work = inner.current.is_some();
            wave_kept(&mut inner.watch, &user, at_work, broken);
            user_moved(&mut inner.watch, &user, now, broken);
            inner.changed |= !inner.watch.prepared.is_empty();
        }
    } else if sort.starts_with("A#") {
        if let Ok(job) = Job::from_bytes(value) {
            cursor_moved(&mut inner.watch, &job, broken);
            waits(inner, &job, broken);
        }
    } else if sort.starts_with("L#") {
        if let (Ok(page), Some((_, user))) =
            (JournalPage::from_bytes(value), key.partition.rsplit_once("#U#"))
            && let Ok(user) = user.parse()
        {
            stays(inner, &user, &page.entries, broken);
        }
    } else if key.partition.ends_with("#USAGE")
        && let Ok(usage) = model::UsageRecord::from_bytes(value)
    {
        let name = format!("{}/{:?}", usage.user.user, usage.meter);
        let places = inner.watch.usage.entry(format!("{name}@{sort}")).or_default();
        *places += 1;
        let records = inner.watch.usage.keys().filter(|key| key.starts_with(&name)).count();
        if records > 1 {
            broken.push(("ERR-4", format!("usage of {name} is counted {records} times")));
        }
    }
}

fn deleted(watch: &mut Watch, key: &Key) {
    let mut parts = key.sort.split('#');
    if parts.next() == Some("A")
        && let Some(user) = parts.next()
    {
        let main = parts.next() == Some("main");
        watch.cursors.retain(|(of, job), _| {
            of.as_str() != user || (Branch::named_by(job) == Branch::Main) != main
        });
    }
}

/// Whether a problem that parked somebody is a tenant's request to slow down.
fn is_throttling(problem: &model::Problem) -> bool {
    problem.code == "tenant" && problem.message.contains("TooManyRequests")
}

/// Only the operator puts people into waves, and he does it between invocations: one that writes another
/// wave has overwritten his change with what it had read before. A later change would hide it at rest.
fn wave_kept(watch: &mut Watch, user: &User, at_work: bool, broken: &mut Broken) {
    let before = watch.waves.insert(user.id.clone(), user.wave.clone());
    if let Some(before) = before.filter(|before| at_work && *before != user.wave) {
        let text = format!("{} was put into {before:?} and is in {:?}", user.id, user.wave);
        broken.push(("GEN-1 (lost update)", text));
    }
}

/// The states are reached by the table alone.
fn user_moved(watch: &mut Watch, user: &User, now: jiff::Timestamp, broken: &mut Broken) {
    let before = watch.states.insert(user.id.clone(), user.state);
    let Some(before) = before.filter(|before| *before != user.state) else { return };
    if !allowed(before, user.state) {
        let text = format!("{} went from {before} to {}", user.id, user.state);
        broken.push(("state table", text));
    }
    if user.state == UserState::Prepared {
        watch.prepared.push(user.id.clone());
        watch.prepared_at.entry(user.id.clone()).or_insert(now);
    }
    if user.state == UserState::Stopping {
        if let Some(job) = &user.job {
            watch.stops.insert(user.id.clone(), (job.clone(), now));
        }
    } else {
        watch.stops.remove(&user.id);
    }
    if before == UserState::Stopping && user.state != UserState::Stopped {
        let text = format!("{} was stopped and became {}", user.id, user.state);
        broken.push(("CUT-4", text));
    }
    if let Some(problem) = &user.problem
        && user.state.is_error()
        && is_throttling(problem)
    {
        let text = format!("{} is parked by a throttled tenant: {}", user.id, problem.message);
        broken.push(("ERR-3", text));
    }
}

/// Whether the table knows a way from one state to the other.
fn allowed(from: UserState, to: UserState) -> bool {
    STATE_TABLE.iter().any(|rule| {
        let starts = rule.from.contains(&from);
        let into = starts && rule.during == Some(to);
        let at_once = starts && rule.during.is_none() && rule.to.contains(&to);
        let ends = rule.during == Some(from) && rule.to.contains(&to);
        into || at_once || ends
    }) || matches!(
        (from, to),
        (UserState::Finalizing, UserState::WaitingForUser)
            | (UserState::WaitingForUser, UserState::Finalizing | UserState::CutoverError)
    )
}

/// A cursor goes forward, one step at a time, in a plan that stays.
fn cursor_moved(watch: &mut Watch, job: &Job, broken: &mut Broken) {
    let place = (job.user.clone(), job.id.clone());
    let before = watch.cursors.insert(place, job.at);
    let Some(before) = before else { return };
    let ended = !matches!(job.status, JobStatus::Running | JobStatus::Waiting { .. })
        || job.ending.is_some();
    if job.at != before && job.at != before + 1 && !ended {
        let text = format!("{}'s job {} went from {before} to {}", job.user, job.id, job.at);
        broken.push(("GEN-5", text));
    }
}

/// A page of the journal: it goes on where the page before it ended, and says nothing again.
fn stays(inner: &mut Inner, user: &UserId, entries: &[JournalEntry], broken: &mut Broken) {
    for entry in entries {
        journaled(inner, user, entry, broken);
        let pages = inner.watch.pages.entry((user.clone(), entry.job.clone())).or_default();
        if entry.n != *pages {
            let text = format!("entry {} of {user}'s job {} follows {pages}", entry.n, entry.job);
            broken.push(("journal", text));
        }
        *pages = entry.n + 1;
    }
}

/// The entries in a job's record go on where its last page ended, up to the last one: none goes with a job
/// that is put anew.
fn waits(inner: &mut Inner, job: &Job, broken: &mut Broken) {
    let place = (job.user.clone(), job.id.clone());
    let mut next = inner.watch.pages.get(&place).copied().unwrap_or_default();
    for entry in &job.journal {
        journaled(inner, &job.user, entry, broken);
        if entry.n == next {
            next += 1;
        }
    }
    if next != job.journal_next {
        let text = format!(
            "{}'s job {} has entries up to {next} of {}",
            job.user, job.id, job.journal_next
        );
        broken.push(("journal", text));
    }
}

/// The journal is append-only and has no gap: what is seen for the first time is the next one, and what has
/// been seen stays as it was.
fn journaled(inner: &mut Inner, user: &UserId, entry: &JournalEntry, broken: &mut Broken) {
    let seen = inner.watch.journal.entry((user.clone(), entry.job.clone())).or_default();
    let place = usize::try_from(entry.n).unwrap_or(usize::MAX);
    if let Some(before) = seen.get(place) {
        if before != entry {
            let text = format!("entry {} of {user}'s job {} has changed", entry.n, entry.job);
            broken.push(("journal", text));
        }
        return;
    }
    if place != seen.len() {
        let next = seen.len();
        let text = format!("entry {} of {user}'s job {} follows {next}", entry.n, entry.job);
        broken.push(("journal", text));
    }
    seen.push(entry.clone());
    let told = match &entry.event {
        JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. } => Outcome::Done,
        JournalEvent::Waiting { .. } | JournalEvent::Retrying { .. } => Outcome::Again,
        JournalEvent::Parked { .. } => Outcome::Parked,
        JournalEvent::Stopped => Outcome::Stopped,
        _ => return,
    };
    if let Some(number) = inner.current.as_ref().map(|current| current.number) {
        inner.told.insert(number, told);
    }
}
