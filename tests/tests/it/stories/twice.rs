//! GEN-5: every step is idempotent. One world runs each step once; the other is killed around each
//! of its commits, gets every message twice and is restarted; both tenants end the same.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use catalogue::{Side, Step};
use conformance::reference::ModelStore;
use crosswave_tests::world::{Setup, World, drive};
use dispatch::AllSteps;
use engine::{handle, notify, records::queue_of};
use model::{Action, OutlookGate, User};
use ports::{Change, CommitError, Key, Page, Query, Queue, QueueName, Record, Store, StoreError};
use regex::Regex;
use simulator::{Part, Population, Profile, RecipientView};

use super::support::{directory, discovered, fill, plain};

/// How often the process dies while one message is handled: every step commits at most so often
/// before a copy goes on unit by unit.
const DEATHS: i64 = 4;

/// A store whose process dies at a chosen commit: before it is written, or after it was and before
/// anybody hears of it.
pub(super) struct Mortal {
    inner: Arc<ModelStore>,
    /// Commits until the death; negative: none comes.
    left: AtomicI64,
    written: bool,
}

impl Mortal {
    /// Dies at the commit of this number, counted from 1.
    pub(super) fn new(inner: Arc<ModelStore>, commits: i64, written: bool) -> Self {
        Self { inner, left: AtomicI64::new(commits), written }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn gone<E>(&self, error: fn(String) -> E) -> Result<(), E> {
        if self.is_dead() { Err(error("the process has ended".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Mortal {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.gone(StoreError::Unavailable)?;
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.gone(StoreError::Unavailable)?;
        self.inner.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.gone(CommitError::Unknown)?;
        let last = self.left.fetch_sub(1, Ordering::Relaxed) == 1;
        if last && !self.written {
            return Err(CommitError::Unknown("the process has ended".to_owned()));
        }
        let done = self.inner.commit(changes).await;
        if last { Err(CommitError::Unknown("the process has ended".to_owned())) } else { done }
    }
}

/// Handles everything there is, dying at each of the first commits of each message, before it and
/// after it, and handling the message once more after it was handled well.
async fn settle_dying(world: &mut World, incarnation: &mut u32) {
    while let Some(due) = world.queue.next_due("") {
        if due > ports::Clock::now(&world.clock) {
            world.clock.advance_to(due);
        }
        for queue in queues() {
            let span = std::time::Duration::from_mins(10);
            for delivery in world.queue.receive(&queue, 1, span).await.unwrap() {
                for written in [false, true] {
                    for commits in 1..=DEATHS {
                        let mortal =
                            Arc::new(Mortal::new(Arc::clone(&world.store), commits, written));
                        world.host.store = Arc::clone(&mortal) as Arc<dyn Store>;
                        let verdict = once(world, &queue, &delivery.body).await;
                        world.host.store = Arc::clone(&world.store) as Arc<dyn Store>;
                        if !mortal.is_dead() {
                            verdict.unwrap();
                            break;
                        }
                        *incarnation += 1;
                        world.host.identity.incarnation = format!("life {incarnation}");
                    }
                }
                let verdict = once(world, &queue, &delivery.body).await.unwrap();
                match verdict {
                    engine::Verdict::Acknowledge => {
                        world.queue.acknowledge(&queue, &delivery.receipt).await.unwrap();
                    }
                    engine::Verdict::Defer(delay) => {
                        world.queue.defer(&queue, &delivery.receipt, delay).await.unwrap();
                    }
                    engine::Verdict::Poison(why) => panic!("{why}"),
                }
            }
        }
    }
}

async fn once(
    world: &World,
    queue: &QueueName,
    body: &str,
) -> Result<engine::Verdict, engine::EngineError> {
    if queue.as_str() == notify::NOTIFICATION_QUEUE {
        drive(world, notify::handle_notification(&world.host, body)).await
    } else {
        drive(world, handle(&world.host, &AllSteps, body)).await
    }
}

fn queues() -> Vec<QueueName> {
    let mut queues: Vec<QueueName> = Step::all().filter_map(|step| queue_of(step).ok()).collect();
    queues.extend(QueueName::parse(notify::NOTIFICATION_QUEUE));
    queues
}

/// Everything that can be seen of both tenants, one line each, without what the services draw by
/// chance (ids, and names made of them).
async fn state_of(world: &World, people: &[User]) -> Vec<String> {
    let chance = Regex::new("[0-9a-fA-F]{8,}(-[0-9a-fA-F]{4,})*").unwrap();
    let mut lines = Vec::new();
    for (side, tenant) in
        [(Side::Source, world.source.tenant_id), (Side::Target, world.target.tenant_id)]
    {
        for found in world.simulator.recipients(tenant) {
            lines.push(format!("{side:?} {}", recipient_line(found, &chance)));
        }
        for mut user in directory(world, side).await {
            user.id.clear();
            mask(&mut user.proxy_addresses, &chance);
            user.assigned_licenses.sort_by(|one, other| one.sku_id.cmp(&other.sku_id));
            lines.push(format!("{side:?} {user:?}"));
        }
    }
    for user in people {
        let user = world.user(user).await;
        let who = &user.source.user_principal_name;
        lines.push(format!("{who} {} {:?}", user.state, user.problem));
        let verified = world.last_receipt(&user, Step::VerifyContent).await;
        lines.push(format!("{who} verified {verified:?}"));
        let Some(target) = &user.target else { continue };
        for (tenant, id) in [
            (world.source.tenant_id, &user.source.object_id),
            (world.target.tenant_id, &target.object_id),
        ] {
            for part in [Part::Primary, Part::Archive] {
                let Ok(view) = world.simulator.mailbox_view(tenant, id, part) else { continue };
                for (path, folder) in &view.folders {
                    lines.push(format!("{who} {part:?} {path} {}", folder.class));
                    for item in &folder.items {
                        let (subject, hash) = (&item.subject, &item.fingerprint);
                        lines.push(format!("{who} {part:?} {path} {subject} {hash}"));
                    }
                }
            }
            let Ok(mut view) = world.simulator.drive_view(tenant, id) else { continue };
            for entry in view.entries.values_mut().filter(|entry| entry.kind == "folder") {
                // A folder is born when it is made.
                (entry.created, entry.modified) = <_>::default();
            }
            lines
                .extend(view.entries.iter().map(|(path, entry)| format!("{who} {path} {entry:?}")));
        }
    }
    let mut lines: Vec<String> =
        lines.iter().map(|line| chance.replace_all(line, "#").into_owned()).collect();
    lines.sort();
    lines
}

/// A list without what is drawn by chance, in an order that does not depend on it.
fn mask(list: &mut [String], chance: &Regex) {
    for text in &mut *list {
        *text = chance.replace_all(text, "#").into_owned();
    }
    list.sort();
}

fn recipient_line(mut found: RecipientView, chance: &Regex) -> String {
    mask(&mut found.addresses, chance);
    format!(
        "{} {} {:?} {} {:?} {:?} hidden {} {:?} mailbox {} archive {}",
        found.kind,
        found.name,
        found.display_name,
        found.alias,
        found.addresses,
        found.external_address,
        found.hidden,
        found.forwarding,
        found.mailbox.is_some(),
        found.archive.is_some(),
    )
}

fn same(once: &[String], twice: &[String], when: &str) {
    let lost: Vec<_> = once.iter().filter(|line| !twice.contains(line)).collect();
    let added: Vec<_> = twice.iter().filter(|line| !once.contains(line)).collect();
    assert!(lost.is_empty() && added.is_empty(), "{when}: without {lost:#?}\nbut {added:#?}");
    assert_eq!(once, twice, "{when}");
}

/// GEN-5, ERR-4: prepare, initial sync, delta, verify, cutover and the cutover mail of a few people,
/// once, and with deaths at every commit and every message twice: the tenants cannot tell.
#[tokio::test]
async fn every_step_run_twice_equals_run_once() {
    let mut setup = plain(2).gate(OutlookGate::Continue);
    setup.population =
        Population { archives: 1, old_x500: 1, existing_in_target: 2, ..setup.population };
    // The account that `Setup` makes in the source for the migration.
    setup.profile.cutover.app_accounts = vec!["migration@contoso.onmicrosoft.com".to_owned()];
    let moved = [Action::Prepare, Action::Sync, Action::Sync, Action::Verify, Action::Cutover];
    compare(&setup, &[moved.as_slice(), &[Action::SendCutoverEmail]].concat()).await;
}

/// GEN-5, PRE-6: as guests, who are invited later.
#[tokio::test]
async fn the_steps_of_a_guest_run_twice_equal_run_once() {
    let mut setup = plain(1);
    setup.profile.prepare.as_guests = true;
    compare(&setup, &[Action::Prepare, Action::SendGuestInvite, Action::Sync]).await;
}

/// GEN-4, GEN-5, ERR-3: with lags, budgets and faults as met in practice a wave ends in the state in
/// which a calm world ends.
#[tokio::test]
async fn a_wave_in_practice_ends_as_in_a_calm_world() {
    let setup = plain(3);
    let (calm, people) = discovered(setup.clone()).await;
    let (real, _) = discovered(setup.clone().simulator(Profile::Realistic)).await;
    let (rough, _) = discovered(setup.simulator(Profile::Awkward)).await;
    for action in [Action::Prepare, Action::Sync, Action::Cutover] {
        for world in [&calm, &real, &rough] {
            world.perform(&people, action).await;
            for user in &people {
                let user = world.user(user).await;
                assert!(user.problem.is_none(), "{action}: {:#?}", user.problem);
            }
            // What was written last has become visible everywhere.
            world.clock.advance(std::time::Duration::from_mins(30));
        }
    }
    let expected = state_of(&calm, &people).await;
    for (world, name) in [(&real, "realistic"), (&rough, "awkward")] {
        world.simulator.pause_faults(true);
        same(&expected, &state_of(world, &people).await, name);
    }
}

async fn compare(setup: &Setup, actions: &[Action]) {
    let (once, people) = discovered(setup.clone()).await;
    let (mut twice, same_people) = discovered(setup.clone()).await;
    assert_eq!(people, same_people, "one seed, one population");
    for world in [&once, &twice] {
        fill(world, &people);
    }
    let mut incarnation = 0;
    for (number, action) in actions.iter().enumerate() {
        if *action == Action::Cutover || number == 2 {
            for world in [&once, &twice] {
                touch(world, &people);
            }
        }
        once.perform(&people, *action).await;
        for user in &people {
            twice.apply(user, *action).await.unwrap();
        }
        settle_dying(&mut twice, &mut incarnation).await;
        let (once_lines, twice_lines) =
            (state_of(&once, &people).await, state_of(&twice, &people).await);
        same(&once_lines, &twice_lines, &format!("after {action} (action {number})"));
        for user in &people {
            // A mail cannot be taken back: one whose sending is in doubt is noted, not repeated.
            let sent = twice.simulator.invitations(&user.source.mail);
            assert!(sent <= once.simulator.invitations(&user.source.mail));
        }
    }
    assert!(incarnation > 20, "the process has died only {incarnation} times");
    twice.assert_wire_clean();
}

/// People go on working between two syncs: the same in both worlds.
fn touch(world: &World, people: &[User]) {
    for user in people {
        let message = simulator::Message {
            id: format!("0123456789-{}", user.source.mail),
            from: "someone@elsewhere.example".to_owned(),
            to: user.source.mail.clone(),
            subject: "News".to_owned(),
            body: "Hello".to_owned(),
            mime: None,
        };
        world.simulator.deliver(&message);
    }
}
