//! People who are ready for their cutover, and what both tenants show of them.

#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use crosswave_tests::world::{Setup, World, drive};
use model::{Action, JournalEvent, SyncOptions, User, UserState};
use simulator::{Credentials, FaultKind, FaultRule, Population, RecipientView};
use tenant::exchange::{Anchor, Parameters};

/// So many people without content and without oddities; each has X500 addresses of an earlier move.
pub(super) fn plain(people: usize) -> Setup {
    let population = Population {
        people,
        archives: 0,
        holds: 0,
        synced: 0,
        guests: 0,
        shared_mailboxes: 0,
        old_x500: 1,
        existing_in_target: 0,
        conflicts: 0,
        content: false,
    };
    let mut setup = Setup { population, ..Setup::default() };
    setup.profile.sync =
        SyncOptions { archive: false, onedrive: false, permissions: false, ..setup.profile.sync };
    setup
}

/// The same, and nothing is copied: for stories that are not about content.
pub(super) fn bare(people: usize) -> Setup {
    let mut setup = plain(people);
    setup.profile.sync.mailbox = false;
    setup
}

/// Those who move: people with a licence.
pub(super) async fn movers(world: &World) -> Vec<User> {
    let mut users = world.users().await;
    users.retain(|user| !user.source.licenses.is_empty());
    users
}

/// A world in which everybody is prepared and synced.
pub(super) async fn synced(setup: Setup) -> (World, Vec<User>) {
    let world = setup.build();
    world.discover().await;
    let users = movers(&world).await;
    assert!(!users.is_empty(), "somebody moves");
    world.perform(&users, Action::Prepare).await;
    world.perform(&users, Action::Sync).await;
    for user in &users {
        assert_eq!(state(&world, user).await, UserState::Synced, "{:?}", world.user(user).await);
    }
    (world, users)
}

/// The same with one person.
pub(super) async fn one_synced(setup: Setup) -> (World, User) {
    let (world, users) = synced(setup).await;
    let user = users.into_iter().next().expect("one person");
    (world, user)
}

/// Where the user stands.
pub(super) async fn state(world: &World, user: &User) -> UserState {
    world.user(user).await.state
}

/// The code of the problem that parks the user.
pub(super) async fn problem(world: &World, user: &User) -> model::Problem {
    world.user(user).await.problem.expect("the user has a problem")
}

/// The person's mailbox in the source.
pub(super) fn in_source(world: &World, user: &User) -> RecipientView {
    let view = world.simulator.recipient(world.source.tenant_id, &user.source.mail);
    view.expect("the source mailbox")
}

/// The person's account in the target.
pub(super) async fn in_target(world: &World, user: &User) -> RecipientView {
    let upn = world.user(user).await.target.expect("a target").user_principal_name;
    let all = world.simulator.recipients(world.target.tenant_id);
    let found = all.into_iter().find(|view| view.user_principal_name.eq_ignore_ascii_case(&upn));
    found.expect("the target recipient")
}

/// The contact that stands for the person in a tenant.
pub(super) fn contact_in(
    world: &World,
    tenant: &Credentials,
    user: &User,
) -> Option<RecipientView> {
    let name = format!("crosswave-{}", user.id);
    let all = world.simulator.recipients(tenant.tenant_id);
    all.into_iter().find(|view| view.kind == "MailContact" && name.starts_with(&view.name))
}

/// The primary address of a recipient.
pub(super) fn primary(view: &RecipientView) -> String {
    let mut primary = view.addresses.iter().filter_map(|held| held.strip_prefix("SMTP:"));
    primary.next().expect("a primary address").to_owned()
}

/// Whether a recipient holds an X500 address.
pub(super) fn holds_x500(view: &RecipientView, dn: &str) -> bool {
    let wanted = format!("x500:{dn}");
    view.addresses.iter().any(|held| held.eq_ignore_ascii_case(&wanted))
}

/// Who in a tenant answers to a LegacyExchangeDN: by name or by X500 address.
pub(super) fn holders(world: &World, tenant: &Credentials, dn: &str) -> Vec<RecipientView> {
    let mut all = world.simulator.recipients(tenant.tenant_id);
    all.retain(|view| view.legacy_exchange_dn.eq_ignore_ascii_case(dn) || holds_x500(view, dn));
    all
}

/// The specification's ids of all steps that the user's cutovers have finished, oldest first.
pub(super) async fn cutover_steps(world: &World, user: &User) -> Vec<&'static str> {
    let mut steps = Vec::new();
    for entry in world.journal(user).await {
        let done =
            matches!(entry.event, JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. });
        if let Some(step) = entry.step.filter(|_| done && entry.kind == model::JobKind::Cutover) {
            steps.push(step.spec().spec);
        }
    }
    steps
}

/// The 19 steps of a cutover, in the order of the specification.
pub(super) fn all_cutover_steps() -> Vec<&'static str> {
    model::JobKind::Cutover.plan().iter().map(|step| step.spec().spec).collect()
}

/// Why a step did not apply, in the user's latest cutover.
pub(super) async fn not_applicable(world: &World, user: &User, spec: &str) -> Option<String> {
    let journal = world.journal(user).await;
    journal.into_iter().rev().find_map(|entry| match entry.event {
        JournalEvent::NotApplicable { cause }
            if entry.step.is_some_and(|step| step.spec().spec == spec) =>
        {
            Some(cause)
        }
        _ => None,
    })
}

/// Somebody outside Crosswave runs a cmdlet.
pub(super) async fn outsider(
    world: &World,
    target: bool,
    cmdlet: &'static str,
    parameters: Parameters,
) -> Vec<serde_json::Value> {
    let pair = world.host.tenants.of(&world.project).await.expect("the tenants");
    let client = if target { pair.target } else { pair.source };
    let exchange = client.exchange();
    let reply = drive(world, exchange.invoke(cmdlet, parameters, &Anchor::Tenant)).await;
    reply.expect("the cmdlet").values
}

/// Aims a fault at requests whose path contains a text.
pub(super) fn fault(world: &World, path: &str, times: Option<u32>, kind: FaultKind) {
    aim(world, FaultRule { path: Some(path.to_owned()), times, ..rule(kind) });
}

/// Adds a rule of faults.
pub(super) fn aim(world: &World, rule: FaultRule) {
    world.simulator.configure(|config| config.faults.rules.push(rule));
}

/// A rule that hits everything.
pub(super) fn rule(kind: FaultKind) -> FaultRule {
    FaultRule::of(kind)
}

/// The tenants answer a cmdlet with status 400 from now on.
pub(super) fn refuse_cmdlet(world: &World, cmdlet: &str) {
    let refused = FaultKind::Status { status: 400, retry_after: None };
    let rule = FaultRule { cmdlet: Some(cmdlet.to_owned()), ..rule(refused) };
    world.simulator.configure(|config| config.faults.rules = vec![rule]);
}

/// No faults from now on.
pub(super) fn heal(world: &World) {
    world.simulator.configure(|config| config.faults.rules.clear());
}

/// How many messages with a subject that contains a text lie in the target mailbox of a person.
pub(super) async fn mails(world: &World, user: &User, subject: &str) -> usize {
    let upn = world.user(user).await.target.expect("a target").user_principal_name;
    let tenant = world.target.tenant_id;
    let view = world.simulator.mailbox_view(tenant, &upn, simulator::Part::Primary);
    let view = view.expect("the target mailbox");
    // What is deleted can be recovered from a hidden folder.
    let shown = view.folders.values().filter(|folder| !folder.hidden);
    let items = shown.flat_map(|folder| &folder.items);
    items.filter(|item| item.subject.contains(subject)).count()
}

/// How many notifications of a kind lie in mailboxes: counted by their delivery records, and proven
/// by `sendMail` having been accepted as often.
pub(super) async fn sent(world: &World, kind: model::EventKind) -> usize {
    let project = &world.project;
    let partition = model::Keys::project_partition(&project.customer, &project.id);
    let records = engine::records::load_all::<model::Notification>(
        &*world.host.store,
        &partition,
        model::Keys::NOTIFICATIONS,
    );
    let records = records.await.expect("the notifications");
    let of_kind = records.iter().filter(|record| record.value.event.kind == kind);
    of_kind.map(|record| record.value.accepted.len()).sum()
}
