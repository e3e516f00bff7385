//! What must hold once everything has come to rest.

use std::collections::BTreeMap;

use engine::{
    load_journal,
    records::{load_all, load_job, load_user},
};
use jiff::Timestamp;
use model::{
    Branch, DeliveryState, EventKind, Job, JobKind, JobStatus, JournalEntry, JournalEvent, Keys,
    Notification, User, UserState,
};
use simulator::{Arrival, Part, RecipientView};

use crate::world::{Person, World};

/// Checks everything that can be stated at rest; nothing fails any more.
pub(crate) async fn at_rest(world: &World) {
    for person in &world.people {
        let store = &*world.quiet;
        match load_user(store, &person.key).await {
            Ok(user) => one(world, person, &user.value).await,
            Err(error) => world.stage.violated("simulation", error.to_string()),
        }
    }
    for letter in world.letters() {
        let arrivals = world.simulator.arrivals(&letter.id);
        for arrival in &arrivals {
            if let Arrival::Loop { address } = arrival {
                let text = format!("{} went round at {address}", letter.subject);
                world.stage.violated("CUT-6 (mail loop)", text);
            }
            if let Arrival::Ndr { address, text } = arrival {
                let text = format!("{} bounced at {address}: {text}", letter.subject);
                world.stage.violated("CUT-6 (bounced)", text);
            }
        }
    }
    notifications(world).await;
}

async fn one(world: &World, person: &Person, user: &User) {
    let wave = world.wave(&person.key.user);
    if user.wave != wave {
        let text = format!("{} was put into {wave:?} and is in {:?}", user.id, user.wave);
        world.stage.violated("GEN-1 (lost update)", text);
    }
    if user.state != UserState::Complete {
        let problem = user.problem.as_ref().map(|problem| {
            format!("{}: {} ({})", problem.step.id(), problem.message, problem.code)
        });
        let job = load_job(&*world.quiet, &person.key, Branch::Main).await;
        let job = job.ok().flatten().map(|job| (job.value.step(), job.value.status));
        let text = format!("{} rests at {}: {problem:?} {job:?}", user.id, user.state);
        world.stage.violated("liveness", text);
        return;
    }
    if user.job.is_some() {
        world.stage.violated("GEN-4", format!("{} is complete and has a job", user.id));
    }
    let Ok(journal) = load_journal(&*world.quiet, &person.key).await else { return };
    let partition = Keys::user_partition(&person.key);
    let jobs = load_all::<Job>(&*world.quiet, &partition, Keys::PAST_JOBS).await;
    let jobs: Vec<Job> = jobs.unwrap_or_default().into_iter().map(|job| job.value).collect();
    for job in &jobs {
        journal_of(world, job, &journal);
    }
    let last =
        jobs.iter().rev().find(|job| job.kind == JobKind::Cutover && job.status == JobStatus::Done);
    let Some(last) = last else {
        // A reset may have taken the user here; then there is nothing more to say.
        world.stage.violated("CUT-5", format!("{} is complete without a cutover", user.id));
        return;
    };
    addresses(world, person, user);
    let copied = journal.iter().find(|entry| {
        entry.job == last.id
            && entry.step == Some(catalogue::Step::BeginSecondDelta)
            && matches!(entry.event, JournalEvent::Done { .. })
    });
    if let Some(copied) = copied {
        let parts = parts(world, person);
        content(world, person, user, &parts, copied.at);
        super::bad::bad_items(world, person, &parts, copied.at).await;
        if let Some(target) = user.target.as_ref().filter(|_| world.moves_rights()) {
            super::rights::rights(world, person, &target.user_principal_name, copied.at);
            super::rights::shares(world, person, &target.user_principal_name, copied.at);
        }
        if world.verifies() {
            super::verified::verified(world, person, user, copied.at).await;
        }
    }
    letters(world, person, user);
    usage(world, person, &journal).await;
}

/// The journal of a job: complete, in order, each step once and in the order of the plan.
fn journal_of(world: &World, job: &Job, journal: &[JournalEntry]) {
    let entries: Vec<&JournalEntry> = journal.iter().filter(|entry| entry.job == job.id).collect();
    let broken = |text: String| world.stage.violated("journal", text);
    for (place, entry) in (0_u32..).zip(&entries) {
        if entry.n != place {
            broken(format!("job {} has entry {} at place {place}", job.id, entry.n));
        }
    }
    if !entries.windows(2).all(|two| two.first().map(|e| e.at) <= two.last().map(|e| e.at)) {
        broken(format!("job {}'s journal is not in the order of time", job.id));
    }
    if u32::try_from(entries.len()).ok() != Some(job.journal_next) {
        broken(format!("job {} has {} entries of {}", job.id, entries.len(), job.journal_next));
    }
    if job.branch == Branch::Main {
        let first = entries.first().map(|entry| &entry.event);
        let last = entries.last().map(|entry| &entry.event);
        if !matches!(first, Some(JournalEvent::Started { .. }))
            || !matches!(last, Some(JournalEvent::Ended { .. }))
        {
            broken(format!("job {}'s journal begins {first:?} and ends {last:?}", job.id));
        }
    }
    let done: Vec<_> = entries
        .iter()
        .filter(|entry| {
            matches!(entry.event, JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. })
        })
        .filter_map(|entry| entry.step)
        .collect();
    let planned = job.plan.get(..done.len());
    if planned != Some(done.as_slice()) || (job.status == JobStatus::Done && done != job.plan) {
        let rule = if job.kind == JobKind::Cutover { "CUT-5" } else { "journal" };
        let text = format!("job {} finished {done:?} of {:?}", job.id, job.plan);
        world.stage.violated(rule, text);
    }
}

/// CUT-7, PRE-4 and the routing of a complete cutover.
fn addresses(world: &World, person: &Person, user: &User) {
    let broken = |rule: &'static str, text: String| world.stage.violated(rule, text);
    let simulator = &world.simulator;
    let Some(old) = simulator.recipient(world.source.tenant_id, &person.mail) else {
        return broken("SYN-1", format!("{} has no old mailbox any more", person.mail));
    };
    let Some(new) = world.new_mailbox(user) else {
        return broken("CUT-7", format!("{} has no new mailbox", person.mail));
    };
    let mut names = vec![old.legacy_exchange_dn.clone()];
    names.extend(old.addresses.iter().filter_map(|held| {
        held.split_once(':')
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("x500"))
            .map(|p| p.1.to_owned())
    }));
    let all = simulator.recipients(world.target.tenant_id);
    for name in names {
        let holders: Vec<&RecipientView> = all.iter().filter(|view| holds(view, &name)).collect();
        if holders.len() != 1 || holders.first().map(|view| view.guid) != Some(new.guid) {
            let holders: Vec<_> = holders.iter().map(|view| &view.name).collect();
            broken("CUT-7", format!("{name} of {} is held by {holders:?}", person.mail));
        }
    }
    for dn in world.contact_names(&person.key) {
        if !holds(&new, &dn) {
            broken("CUT-7", format!("the new mailbox lacks the contact's {dn}"));
        }
    }
    for (tenant, side) in [(world.source.tenant_id, "source"), (world.target.tenant_id, "target")] {
        let visible = simulator.address_list(tenant);
        let of_person: Vec<_> =
            visible.iter().filter(|entry| entry.display_name == old.display_name).collect();
        let namesakes = world.people.iter().filter(|other| other.name == person.name).count();
        if of_person.len() != namesakes {
            let text = format!(
                "{} is {} times visible in the {side}: {of_person:?}",
                person.name,
                of_person.len()
            );
            broken("CUT-7 (visible)", text);
        }
    }
    if new.forwarding.target.is_some() {
        broken("CUT-6", format!("the new mailbox forwards to {:?}", new.forwarding.target));
    }
    let routed = old.forwarding.target.as_ref().is_some_and(|to| {
        new.addresses.iter().any(|held| held.to_lowercase().ends_with(&to.to_lowercase()))
    });
    if !routed {
        broken("CUT-6", format!("the old mailbox forwards to {:?}", old.forwarding.target));
    }
}

fn holds(view: &RecipientView, name: &str) -> bool {
    let wanted = format!("x500:{name}");
    view.legacy_exchange_dn.eq_ignore_ascii_case(name)
        || view.addresses.iter().any(|held| held.eq_ignore_ascii_case(&wanted))
}

/// The mailboxes that move.
fn parts(world: &World, person: &Person) -> Vec<Part> {
    if world.profile().sync.archive && person.archive {
        vec![Part::Primary, Part::Archive]
    } else {
        vec![Part::Primary]
    }
}

/// SYN-1: every item exactly once in the target, and the source not emptied.
fn content(world: &World, person: &Person, user: &User, parts: &[Part], copied: Timestamp) {
    let Some(target) = user.target.as_ref() else { return };
    let (simulator, upn) = (&world.simulator, &target.user_principal_name);
    let ledger = world.ledger(&person.key.user);
    for part in parts.iter().copied() {
        let source = simulator.mailbox_view(world.source.tenant_id, &person.upn, part);
        let copy = simulator.mailbox_view(world.target.tenant_id, upn, part);
        let (Ok(source), Ok(copy)) = (source, copy) else {
            world.stage.violated("SYN-1", format!("{upn} has no {part:?} mailbox"));
            continue;
        };
        for (rule, text) in ledger.mail_differences(&source, &copy, copied) {
            world.stage.violated(rule, format!("{upn} {part:?}: {text}"));
        }
    }
    if world.profile().sync.onedrive {
        let source = simulator.drive_view(world.source.tenant_id, &person.upn);
        let copy = simulator.drive_view(world.target.tenant_id, upn);
        let (Ok(source), Ok(copy)) = (source, copy) else {
            world.stage.violated("SYN-1", format!("{upn} has no drive"));
            return;
        };
        for (rule, text) in ledger.file_differences(&source, &copy, copied) {
            world.stage.violated(rule, format!("{upn}: {text}"));
        }
    }
}

/// CUT-6: a message sent to either address at any time is in the target mailbox, once.
fn letters(world: &World, person: &Person, user: &User) {
    let Some(target) = user.target.as_ref() else { return };
    let view = world.simulator.mailbox_view(
        world.target.tenant_id,
        &target.user_principal_name,
        Part::Primary,
    );
    let Ok(view) = view else { return };
    let there = super::content::items(&view);
    let ledger = world.ledger(&person.key.user);
    for letter in world.letters_to(&person.key.user) {
        let copies = there.get(&letter.subject).map_or(0, Vec::len);
        let deleted = ledger.deleted.contains_key(&letter.subject);
        let excused = deleted || ledger.touched.contains(&letter.subject);
        if copies > 1 && !ledger.may_be_doubled(&letter.subject) {
            let where_to = there.get(&letter.subject);
            let text = format!("{} is there {copies} times: {where_to:?}", letter.subject);
            world.stage.violated("CUT-6 (doubled)", text);
        } else if copies == 0 && !excused {
            let ended = world.simulator.arrivals(&letter.id);
            let text =
                format!("{} is not in the new mailbox; it ended at {ended:?}", letter.subject);
            world.stage.violated("CUT-6 (lost)", text);
        }
    }
}

/// Usage is counted once for each effect that was had.
async fn usage(world: &World, person: &Person, journal: &[JournalEntry]) {
    let mut expected: BTreeMap<String, bool> = BTreeMap::new();
    for step in catalogue::Step::all() {
        if let Some(meter) = step.spec().meter {
            let had = journal.iter().any(|entry| {
                entry.step == Some(step)
                    && entry.kind != JobKind::SideDelta
                    && matches!(
                        entry.event,
                        JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. }
                    )
            });
            let (partition, sort) = Keys::usage(&person.key, meter);
            let key = ports::Key::new(partition, sort);
            let counted = matches!(ports::Store::get(&*world.quiet, &key).await, Ok(Some(_)));
            if expected.insert(format!("{meter:?}"), had).is_none() && had != counted {
                let text =
                    format!("{meter:?} of {} happened: {had}, counted: {counted}", person.upn);
                world.stage.violated("ERR-4 (usage)", text);
            }
        }
    }
}

/// NOT-2: every notification is decided, and those that were sent were sent once.
async fn notifications(world: &World) {
    let project = &world.project;
    let partition = Keys::project_partition(&project.customer, &project.id);
    let records = world.quiet_records(&partition, Keys::NOTIFICATIONS).await;
    let mut complete = 0;
    for (place, notification) in &records {
        let mails: u32 = {
            let inner = world.stage.lock();
            let of_place = inner.watch.mails.iter().filter(|((at, _), _)| at == place);
            of_place.map(|(_, count)| *count).sum()
        };
        complete += usize::from(notification.event.kind == EventKind::CutoverComplete);
        let accepted = u32::try_from(notification.accepted.len()).unwrap_or(u32::MAX);
        let told = match &notification.delivery {
            DeliveryState::Sent { .. }
            | DeliveryState::Nothing
            | DeliveryState::Void { .. }
            | DeliveryState::Failed { .. } => mails == accepted,
            DeliveryState::Uncertain => mails == accepted || mails == accepted + 1,
            DeliveryState::Pending | DeliveryState::Sending { .. } => false,
        };
        if !told {
            let text = format!("{place} is {:?} after {mails} mails", notification.delivery);
            world.stage.violated("NOT-2", text);
        }
    }
    if complete < world.people.len() {
        let text = format!("{complete} final notifications for {} people", world.people.len());
        world.stage.violated("NOT-2 (missing)", text);
    }
}

/// Reads the notifications of the project.
impl World {
    async fn quiet_records(&self, partition: &str, prefix: &str) -> Vec<(String, Notification)> {
        let store: &dyn ports::Store = &*self.quiet;
        let records = store.query_all(partition, prefix).await.unwrap_or_default();
        records
            .into_iter()
            .filter_map(|record| {
                let notification =
                    <Notification as model::Stored>::from_bytes(&record.value).ok()?;
                Some((record.key.sort, notification))
            })
            .collect()
    }
}
