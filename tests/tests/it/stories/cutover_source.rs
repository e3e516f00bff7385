//! The source side of a cutover, step by step, by what the tenants show; and what a cutover leaves.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use std::collections::BTreeSet;

use catalogue::{ProjectType, Side, Step};
use crosswave_tests::world::{World, drive};
use engine::{ApplyError, records::load_job};
use model::{Action, Branch, JobStatus, User, UserState};
use simulator::{FaultKind, FreeBusy};
use tenant::{
    exchange::Parameters,
    graph::{DirectoryObject, GraphGroup},
};

use super::stage::{
    all_cutover_steps, bare, contact_in, cutover_steps, fault, heal, holders, holds_x500,
    in_source, in_target, mails, movers, not_applicable, one_synced, outsider, plain, primary,
    problem, state, synced,
};
use super::support::client;

/// CUT-S1 and CUT-S6: the second delta goes on beside S2 to S5, and S6 waits for its end.
#[tokio::test]
async fn s1_starts_a_second_delta_and_s6_joins_it() {
    let (world, user) = one_synced(plain(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::BeginSecondDelta).await);
    world.simulator.send_mail("friend@outside.example", &user.source.mail, "late");
    let content = "/admin/exchange/mailboxes";
    fault(&world, content, Some(3), FaultKind::Status { status: 429, retry_after: Some(900) });
    assert!(world.settle_before(Step::CompleteSecondDelta).await);
    let key = world.key(&user);
    let side = load_job(&*world.host.store, &key, Branch::SecondDelta).await.unwrap().unwrap();
    assert!(!side.value.status.is_over(), "the delta still runs");
    assert_eq!(mails(&world, &user, "late").await, 0);
    assert!(world.settle_before(Step::NotifyUser).await);
    let side = load_job(&*world.host.store, &key, Branch::SecondDelta).await.unwrap().unwrap();
    assert_eq!(side.value.status, JobStatus::Done);
    assert_eq!(mails(&world, &user, "late").await, 1);
}

/// CUT-S2: the mapping's word of the phase `cutover_source` is on the source user.
#[tokio::test]
async fn s2_updates_the_source_user_by_the_mapping() {
    let script = r#"// crosswave-api: 1
fn map_user(source, target, ctx) {
    if ctx.step == "cutover_source" { target.displayName = "Has moved"; }
}
"#;
    let (world, user) = one_synced(bare(1).mapping(script)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::UpdateSourceUser).await);
    assert_eq!(in_source(&world, &user).display_name, user.source.display_name);
    assert!(world.settle_before(Step::HideSourceMailbox).await);
    assert_eq!(in_source(&world, &user).display_name, "Has moved");
}

/// CUT-S3: the source mailbox leaves the address list.
#[tokio::test]
async fn s3_hides_the_source_mailbox() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::HideSourceMailbox).await);
    assert!(!in_source(&world, &user).hidden);
    assert!(world.settle_before(Step::SetStoreAndForward).await);
    assert!(in_source(&world, &user).hidden);
}

/// CUT-S4: the source keeps a copy and forwards to the target.
#[tokio::test]
async fn s4_keeps_a_copy_and_forwards() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::SetStoreAndForward).await);
    assert_eq!(in_source(&world, &user).forwarding.target, None);
    assert!(world.settle_before(Step::CreateSourceContact).await);
    let forwarding = in_source(&world, &user).forwarding;
    assert_eq!(forwarding.target, Some(primary(&in_target(&world, &user).await)));
    assert!(forwarding.keeps_copy);
}

/// CUT-S4, CUT-6: refused while the target forwards to the source, whoever made it do so.
#[tokio::test]
async fn s4_is_refused_while_the_target_forwards() {
    let (world, user) = one_synced(bare(1)).await;
    let back = in_target(&world, &user).await.forwarding.target.unwrap();
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::SetStoreAndForward).await);
    let upn = in_target(&world, &user).await.user_principal_name;
    let forward = Parameters::identity(&upn).set("ForwardingSmtpAddress", format!("smtp:{back}"));
    outsider(&world, true, "Set-Mailbox", forward).await;
    assert_eq!(in_target(&world, &user).await.forwarding.target, Some(back));
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::CutoverError);
    let problem = problem(&world, &user).await;
    assert_eq!(
        (problem.step, problem.code.as_str()),
        (Step::SetStoreAndForward, "gave_up_waiting")
    );
    assert_eq!(in_source(&world, &user).forwarding.target, None, "nothing was written");
}

/// CUT-S5: the source's contact leads to the target address, for mail and for free/busy.
#[tokio::test]
async fn s5_leaves_a_contact_that_leads_to_the_target() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::CreateSourceContact).await);
    assert_eq!(contact_in(&world, &world.source, &user), None);
    assert!(world.settle_before(Step::CompleteSecondDelta).await);
    let contact = contact_in(&world, &world.source, &user).unwrap();
    let address = primary(&in_target(&world, &user).await);
    assert_eq!(contact.external_address.as_deref(), Some(address.as_str()));
    assert!(!contact.hidden);
    let seen = world.simulator.free_busy(world.source.tenant_id, &address);
    assert!(matches!(seen, FreeBusy::Answered { .. }), "{seen:?}");
}

/// CUT-S7 and CUT-3: the person is told once, in the new mailbox, and from then on nothing is copied.
#[tokio::test]
async fn s7_tells_the_person_and_nothing_is_copied_afterwards() {
    let (world, user) = one_synced(plain(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::NotifyUser).await);
    world.settle().await;
    assert_eq!(told(&world, &user).await, 1);
    let requests = world.simulator.requests();
    let mail = requests.iter().rposition(|request| request.path.ends_with("/sendMail")).unwrap();
    assert!(requests.iter().any(|request| is_content(&request.path)), "there was a copy before");
    let late: Vec<_> =
        requests[mail..].iter().filter(|request| is_content(&request.path)).collect();
    assert!(late.is_empty(), "{late:?}");
    // And no sync can be started that would copy.
    let refused = world.apply(&user, Action::Sync).await;
    assert!(matches!(refused, Err(ApplyError::Refused { .. })), "{refused:?}");
}

/// CUT-2: the notification is sent again on demand, and nothing else happens.
#[tokio::test]
async fn the_cutover_mail_can_be_sent_again_and_nothing_else_happens() {
    let (world, user) = one_synced(bare(1)).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    let look = || [&world.source, &world.target].map(|it| world.simulator.recipients(it.tenant_id));
    let (before, asked) = (look(), world.simulator.requests().len());
    world.perform(std::slice::from_ref(&user), Action::SendCutoverEmail).await;
    assert_eq!(told(&world, &user).await, 2);
    assert_eq!(look(), before);
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let requests = &world.simulator.requests()[asked..];
    let writes: Vec<_> = requests.iter().filter(|request| request.method != "GET").collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].path.ends_with("/sendMail"));
}

/// CUT-S8: the migration accounts of the profile lose their rights on the user's mailbox.
#[tokio::test]
async fn s8_removes_the_rights_of_the_migration_accounts() {
    let mut setup = bare(1);
    let account = setup.clone().build().service_account;
    setup.profile.cutover.app_accounts = vec![account.clone()];
    let (world, user) = one_synced(setup).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::RemoveAppAccess).await);
    assert!(rights(&world, &user).await.contains(&account.to_lowercase()));
    world.settle().await;
    assert!(!rights(&world, &user).await.contains(&account.to_lowercase()));
}

/// CUT-S8: and they leave the groups and teams that the user is in: those of the directory, teams,
/// and lists that Exchange masters; as owners too, unless nobody else would own the group.
#[tokio::test]
async fn s8_removes_the_migration_accounts_from_the_users_groups_and_teams() {
    let mut setup = bare(8);
    let account = setup.clone().build().service_account;
    setup.profile.cutover.app_accounts = vec![account.clone()];
    let (world, users) = synced(setup).await;
    let source = client(&world, Side::Source).await;
    let service = drive(&world, source.graph().find_user(&account)).await.unwrap().unwrap();
    let kinds = BTreeSet::from(["list", "security", "group", "team"]);
    assert_eq!(kinds_of(&groups(&world, &service.id).await), kinds, "the scene has every kind");
    // It owns its groups as well: in one of them it is the only owner.
    let graph = source.graph();
    let plain = groups(&world, &service.id).await.into_iter();
    let plain: Vec<_> = plain.filter(|group| kind_of(group) == "group").collect();
    for group in &plain {
        drive(&world, graph.add_group_owner(&group.id, &service.id)).await.unwrap();
    }
    for owner in drive(&world, graph.group_owners(&plain[0].id)).await.unwrap() {
        if owner.id() != service.id {
            let remove = graph.remove_group_owner(&plain[0].id, owner.id());
            drive(&world, remove).await.unwrap();
        }
    }
    world.perform(&users, Action::Cutover).await;
    let mut theirs = Vec::new();
    for user in &users {
        assert_eq!(state(&world, user).await, UserState::Complete);
        theirs.extend(groups(&world, &user.source.object_id).await);
    }
    let left = groups(&world, &service.id).await;
    let shared = |group: &GraphGroup| theirs.iter().any(|other| other.id == group.id);
    assert!(!left.iter().any(shared), "{left:#?}");
    for group in plain.iter().filter(|group| shared(group)) {
        let owners = drive(&world, graph.group_owners(&group.id)).await.unwrap();
        let still = owners.iter().any(|owner| owner.id() == service.id);
        assert_eq!(still, owners.len() == 1, "{group:?}");
    }
    let mut warned = false;
    for user in &users {
        let text = format!("{:?}", world.journal(user).await);
        warned |= text.contains("a migration account is the last owner of");
    }
    assert_eq!(warned, shared(&plain[0]));
}

async fn groups(world: &World, user: &str) -> Vec<GraphGroup> {
    let source = client(world, Side::Source).await;
    let all = drive(world, source.graph().member_of(user)).await.unwrap();
    let groups = all.into_iter().filter_map(|object| match object {
        DirectoryObject::Group(group) => Some(*group),
        _ => None,
    });
    groups.collect()
}

fn kind_of(group: &GraphGroup) -> &'static str {
    match (group.is_exchange_mastered(), group.security_enabled, group.is_team()) {
        (true, Some(true), _) => "security",
        (true, _, _) => "list",
        (false, _, true) => "team",
        (false, _, false) => "group",
    }
}

fn kinds_of(groups: &[GraphGroup]) -> BTreeSet<&'static str> {
    groups.iter().map(kind_of).collect()
}

/// CUT-S9, GEN-6: the cutover is complete, and all 19 steps are in the journal in their order.
#[tokio::test]
async fn s9_completes_a_cutover_of_19_steps() {
    let (world, user) = one_synced(bare(1)).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps());
    assert_eq!(all_cutover_steps().len(), 19);
}

/// CUT-1: a cutover of somebody who is not synced is refused, unless it is forced.
#[tokio::test]
async fn a_cutover_needs_a_sync_or_force() {
    let world = bare(1).build();
    world.discover().await;
    let users = movers(&world).await;
    world.perform(&users, Action::Prepare).await;
    let refused = world.apply(&users[0], Action::Cutover).await.unwrap_err().to_string();
    assert!(refused.contains("synced") && refused.contains("stopped"), "{refused}");
    assert_eq!(state(&world, &users[0]).await, UserState::Prepared);
    let forced = world.apply_as(&users[0], Action::Cutover, true).await.unwrap();
    assert_eq!(forced, UserState::Finalizing);
}

/// CUT-1: in basic and advanced projects the cutover is the final sync; the routing steps are
/// recorded as not of this project type, and neither tenant's routing changes.
#[tokio::test]
async fn without_premium_the_routing_steps_are_recorded_and_not_made() {
    for project_type in [ProjectType::Basic, ProjectType::Advanced] {
        let mut setup = plain(1).project_type(project_type);
        setup.population.existing_in_target = 1;
        let world = setup.build();
        world.discover().await;
        world.match_all().await;
        let users = movers(&world).await;
        let user = &users[0];
        give_mailbox(&world, user).await;
        world.perform(&users, Action::Sync).await;
        assert_eq!(state(&world, user).await, UserState::Synced, "{:?}", world.user(user).await);
        world.simulator.send_mail("friend@outside.example", &user.source.mail, "the last one");
        let (source, target) = (in_source(&world, user), in_target(&world, user).await);
        world.perform(&users, Action::Cutover).await;
        assert_eq!(state(&world, user).await, UserState::Complete, "{project_type:?}");
        assert_eq!(cutover_steps(&world, user).await, all_cutover_steps());
        for spec in ["CUT-T2", "CUT-T4", "CUT-T6", "CUT-S2", "CUT-S4", "CUT-S5"] {
            let cause = not_applicable(&world, user, spec).await;
            assert_eq!(cause.as_deref(), Some("not in this project type"), "{spec}");
        }
        assert_eq!(in_source(&world, user), source);
        assert_eq!(in_target(&world, user).await, target);
        assert_eq!(mails(&world, user, "the last one").await, 1, "the final sync");
    }
}

/// CUT-7: the target user alone holds both X500 values, and each person is visible once in each
/// tenant's address list.
#[tokio::test]
async fn afterwards_each_person_is_there_once_and_holds_both_x500_values() {
    let setup = bare(3);
    let world = setup.build();
    world.discover().await;
    let users = movers(&world).await;
    world.perform(&users, Action::Prepare).await;
    let contact = |user| contact_in(&world, &world.target, user).unwrap().legacy_exchange_dn;
    let contacts: Vec<String> = users.iter().map(contact).collect();
    world.perform(&users, Action::Sync).await;
    world.perform(&users, Action::Cutover).await;
    for (user, contact) in users.iter().zip(&contacts) {
        let target = in_target(&world, user).await;
        for dn in [contact, &in_source(&world, user).legacy_exchange_dn] {
            assert!(holds_x500(&target, dn), "{dn}");
            assert_eq!(holders(&world, &world.target, dn).len(), 1, "nobody else holds {dn}");
        }
        for tenant in [&world.source, &world.target] {
            let list = world.simulator.address_list(tenant.tenant_id);
            let mine = [user.source.mail.to_lowercase(), primary(&target).to_lowercase()];
            let shown: Vec<_> = list
                .iter()
                .filter(|entry| {
                    let leads = entry.external_address.as_deref().unwrap_or(&entry.address);
                    mine.contains(&leads.to_lowercase())
                })
                .collect();
            assert_eq!(shown.len(), 1, "{shown:?}");
        }
    }
}

/// GEN-5, CUT-S5: after a failure on the source side the next cutover goes through from T1.
#[tokio::test]
async fn a_cutover_that_failed_on_the_source_side_is_done_again() {
    let (world, users) = synced(bare(1)).await;
    let user = &users[0];
    let no = FaultKind::Status { status: 400, retry_after: None };
    super::stage::aim(
        &world,
        simulator::FaultRule {
            cmdlet: Some("New-MailContact".to_owned()),
            ..super::stage::rule(no)
        },
    );
    world.perform(&users, Action::Cutover).await;
    assert_eq!(state(&world, user).await, UserState::CutoverError);
    assert_eq!(problem(&world, user).await.step, Step::CreateSourceContact);
    heal(&world);
    world.perform(&users, Action::Cutover).await;
    assert_eq!(state(&world, user).await, UserState::Complete);
    let steps = cutover_steps(&world, user).await;
    assert_eq!(steps[steps.len() - 19..], all_cutover_steps());
}

/// How many final notifications lie in the person's new mailbox.
async fn told(world: &World, user: &User) -> usize {
    let english = mails(world, user, "Your mailbox has moved").await;
    english + mails(world, user, "Ihr Postfach ist umgezogen").await
}

fn is_content(path: &str) -> bool {
    path.contains("/admin/exchange/mailboxes") || path.contains("/drives/")
}

/// Who has Full Access to the person's source mailbox, in lower case.
async fn rights(world: &World, user: &User) -> String {
    let parameters = Parameters::identity(&user.source.object_id);
    let rows = outsider(world, false, "Get-MailboxPermission", parameters).await;
    rows.iter().map(|row| row.to_string().to_lowercase()).collect::<Vec<_>>().join("\n")
}

/// What an administrator does beforehand in a project without prepare: a licence and its mailbox.
async fn give_mailbox(world: &World, user: &User) {
    let target = world.user(user).await.target.unwrap();
    let pair = world.host.tenants.of(&world.project).await.unwrap();
    let graph = pair.target.graph();
    let work = async {
        let skus = graph.subscribed_skus().await.unwrap();
        let add: Vec<_> = skus
            .iter()
            .take(1)
            .map(|sku| tenant::graph::AssignedLicense {
                sku_id: sku.sku_id.clone(),
                disabled_plans: Vec::new(),
            })
            .collect();
        graph.assign_license(&target.object_id, &add, &[]).await.unwrap();
    };
    drive(world, work).await;
}
