//! PRE: the target is prepared, and nothing else is touched.

use std::collections::BTreeSet;

use catalogue::{ProjectType, Side, Step};
use crosswave_tests::world::drive;
use model::{Action, JournalEvent, User, UserState};
use simulator::{FreeBusy, RecipientView};
use tenant::exchange::{Anchor, Parameters};

use super::support::{
    account, after, client, contact, delivered, directory, discovered, plain, requests,
    source_recipient, target_recipient, written,
};

const PREPARED: &[Action] = &[Action::Prepare];

/// PRE-1
#[tokio::test]
async fn basic_and_advanced_projects_have_no_prepare() {
    for project in [ProjectType::Basic, ProjectType::Advanced] {
        let (world, people) = discovered(plain(2).project_type(project)).await;
        let (records, asked) = (world.store.records(), requests(&world));
        for user in &people {
            let refused = world.apply(user, Action::Prepare).await.unwrap_err().to_string();
            assert!(refused.contains("prepare is not part of a"), "{refused}");
        }
        world.settle().await;
        assert_eq!(world.store.records(), records);
        assert_eq!(requests(&world), asked);
    }
}

/// PRE-2: again from `prepared`, and from `prepare_error`; the second time changes nothing.
#[tokio::test]
async fn a_prepared_person_can_be_prepared_again() {
    let (world, people) = after(plain(2), PREPARED).await;
    let recipients = world.simulator.recipients(world.target.tenant_id);
    let accounts = directory(&world, Side::Target).await;
    let mut writes = Vec::new();
    for user in &people {
        writes.push(written(&world, user).await);
    }
    world.perform(&people, Action::Prepare).await;
    assert_eq!(world.simulator.recipients(world.target.tenant_id), recipients);
    assert_eq!(directory(&world, Side::Target).await, accounts);
    for (user, writes) in people.iter().zip(writes) {
        assert_eq!(world.user(user).await.state, UserState::Prepared);
        assert_eq!(written(&world, user).await, writes, "GEN-6: there is no difference to write");
    }
}

/// PRE-3: who exists in the target is found and updated; only who does not is created.
#[tokio::test]
async fn prepare_takes_the_account_that_exists() {
    let mut setup = plain(4);
    setup.population.existing_in_target = 2;
    let (world, people) = discovered(setup).await;
    let before = directory(&world, Side::Target).await;
    world.perform(&people, Action::Prepare).await;
    let after = directory(&world, Side::Target).await;
    let mut existed = 0;
    for user in &people {
        let user = world.user(user).await;
        assert_eq!(user.state, UserState::Prepared, "{:?}", user.problem);
        let target = user.target.unwrap();
        let was_there = before.iter().any(|account| account.id == target.object_id);
        existed += usize::from(was_there);
        assert_eq!(target.created, !was_there);
    }
    assert_eq!(existed, 2);
    assert_eq!(after.len(), before.len() + people.len() - existed);
    world.assert_wire_clean();
}

/// PRE-S1: the attributes that the mapping returns, the shipped one and a customer's over it.
#[tokio::test]
async fn the_target_user_gets_the_attributes_of_the_mapping() {
    let setup = plain(2).mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.companyName = \"Fabrikam \" + source.department;\n}\n",
    );
    let (world, people) = after(setup, PREPARED).await;
    let sources = directory(&world, Side::Source).await;
    for user in &people {
        let source = sources.iter().find(|it| it.id == user.source.object_id).unwrap();
        let target = account(&world, user).await;
        let local = user.source.user_principal_name.split('@').next().unwrap();
        assert_eq!(target.user_principal_name, format!("{local}@{}", world.target.vanity_domain));
        assert_eq!(target.display_name, source.display_name);
        assert_eq!(target.given_name, source.given_name);
        assert_eq!(target.surname, source.surname);
        assert_eq!(target.job_title, source.job_title);
        assert_eq!(target.department, source.department);
        assert_eq!(target.city, source.city);
        assert_eq!(target.business_phones, source.business_phones);
        let company = format!("Fabrikam {}", source.department.as_deref().unwrap());
        assert_eq!(target.company_name.as_deref(), Some(company.as_str()));
    }
}

/// PRE-S2, PRE-S3: a hidden mail user that routes to the source's initial domain.
#[tokio::test]
async fn the_person_becomes_a_hidden_mail_user() {
    let (world, people) = after(plain(2), PREPARED).await;
    for user in &people {
        let found = target_recipient(&world, user).await;
        assert_eq!(found.kind, "MailUser");
        assert!(found.hidden);
        assert_eq!(found.external_address, user.source.initial_address);
        let route = delivered(&world, &user.target.as_ref().unwrap().user_principal_name);
        let home = (world.source.tenant_id.to_string(), user.source.mail.clone());
        assert_eq!(route, [home], "mail for the new address still goes to the old mailbox");
    }
}

/// PRE-S2: a target that has a mailbox already keeps it, and the journal says so.
#[tokio::test]
async fn an_existing_mailbox_is_kept() {
    let mut setup = plain(4);
    setup.population.existing_in_target = 4;
    let (world, people) = discovered(setup).await;
    let mailboxes = || {
        let all = world.simulator.recipients(world.target.tenant_id).into_iter();
        all.filter_map(|found| found.mailbox.map(|mailbox| (found.guid, mailbox)))
            .collect::<BTreeSet<_>>()
    };
    let before = mailboxes();
    world.perform(&people, Action::Prepare).await;
    assert_eq!(mailboxes(), before);
    let mut kept = Vec::new();
    for user in &people {
        let notes = warnings(&world.journal(user).await);
        if notes.iter().any(|note| note == "already a mailbox") {
            kept.push(target_recipient(&world, user).await.kind);
        }
    }
    assert_eq!(kept, ["UserMailbox"]);
}

fn warnings(journal: &[model::JournalEntry]) -> Vec<String> {
    let notes = journal.iter().filter_map(|entry| match &entry.event {
        JournalEvent::Done { warnings, .. } => Some(warnings.clone()),
        _ => None,
    });
    notes.flatten().collect()
}

/// PRE-S4: mail and free/busy look-ups for the contact go to the source mailbox.
#[tokio::test]
async fn the_contact_leads_to_the_source_mailbox() {
    let (world, people) = after(plain(2), PREPARED).await;
    let target = world.target.tenant_id;
    for user in &people {
        let contact = contact(&world, user).expect("a contact");
        assert!(!contact.hidden);
        assert_eq!(contact.display_name, user.source.display_name);
        let mailbox = source_recipient(&world, user);
        let found = world.simulator.free_busy(target, &user.source.mail);
        let expected = FreeBusy::Answered {
            tenant: world.source.tenant_id,
            address: user.source.mail.clone(),
        };
        assert_eq!(found, expected);
        let message = world.simulator.send_mail(
            &format!("notifications@{}", world.target.vanity_domain),
            &user.source.mail,
            "Hello",
        );
        let source = world.source.tenant_id;
        assert!(world.simulator.mailbox_holds(source, &mailbox.addresses[0], &message));
    }
}

/// PRE-4: one object per person is visible, and it is the contact; also where the person has a
/// mailbox already.
#[tokio::test]
async fn exactly_the_contact_of_each_person_is_visible() {
    let mut setup = plain(4);
    setup.population.existing_in_target = 4;
    let (world, people) = after(setup, PREPARED).await;
    for user in &people {
        let own = target_recipient(&world, user).await;
        let visible: Vec<String> = world
            .simulator
            .address_list(world.target.tenant_id)
            .into_iter()
            .filter(|entry| {
                entry.guid == own.guid
                    || entry.external_address.as_deref() == Some(user.source.mail.as_str())
                    || entry.external_address == user.source.initial_address
            })
            .map(|entry| entry.kind)
            .collect();
        assert_eq!(visible, ["MailContact"], "{}", user.source.user_principal_name);
    }
}

/// PRE-5: no address belongs to both, the mail user has the target's and the contact the source's.
#[tokio::test]
async fn mail_user_and_contact_never_claim_the_same_address() {
    let (world, people) = after(plain(3), PREPARED).await;
    for user in &people {
        let own = target_recipient(&world, user).await;
        let contact = contact(&world, user).expect("a contact");
        let (of_user, of_contact) = (mail_addresses(&own), mail_addresses(&contact));
        assert!(of_user.is_disjoint(&of_contact), "{of_user:?} {of_contact:?}");
        let ours = [&world.target.vanity_domain, &world.target.initial_domain];
        for address in &of_user {
            assert!(
                ours.iter().any(|domain| address.ends_with(&format!("@{domain}"))),
                "{address}"
            );
        }
        assert_eq!(of_contact, BTreeSet::from([user.source.mail.to_lowercase()]));
        assert_eq!(own.external_address, user.source.initial_address);
    }
}

fn mail_addresses(recipient: &RecipientView) -> BTreeSet<String> {
    let mail = recipient.addresses.iter().filter_map(|address| {
        let (kind, value) = address.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then(|| value.to_lowercase())
    });
    mail.collect()
}

/// PRE-5, ERR-2: a third object that holds the address parks the user with that object's name; the
/// others go on.
#[tokio::test]
async fn an_address_that_a_third_object_holds_parks_the_user() {
    let mut setup = plain(4);
    setup.population.conflicts = 4;
    // The mapping insists on the address; the shipped one would take the next free name.
    setup = setup.mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.proxyAddresses = [\"SMTP:\" + local_part(source.userPrincipalName) + \
         \"@fabrikam.example\"];\n}\n",
    );
    let (_world, people) = after(setup, PREPARED).await;
    let parked: Vec<&User> =
        people.iter().filter(|user| user.state == UserState::PrepareError).collect();
    let [user] = parked.as_slice() else { panic!("one is parked: {people:#?}") };
    let problem = user.problem.as_ref().unwrap();
    assert_eq!(problem.code, "address_taken");
    assert!(problem.message.contains("Old list"), "{}", problem.message);
    assert!(!problem.advice.is_empty());
    assert_eq!(people.iter().filter(|user| user.state == UserState::Prepared).count(), 3);
}

/// PRE-5: so does one that holds the address which the contact is to have.
#[tokio::test]
async fn a_third_object_with_the_source_address_parks_the_user() {
    let (world, people) = discovered(plain(2)).await;
    let parameters = Parameters::new()
        .set("Name", "Partner Andreas")
        .set("ExternalEmailAddress", people[0].source.mail.as_str());
    let target = client(&world, Side::Target).await;
    let exchange = target.exchange();
    let made = exchange.invoke("New-MailContact", parameters, &Anchor::Tenant);
    drive(&world, made).await.unwrap();
    world.perform(&people, Action::Prepare).await;
    let parked = world.user(&people[0]).await;
    assert_eq!(parked.state, UserState::PrepareError);
    let problem = parked.problem.unwrap();
    assert_eq!((problem.step, problem.code.as_str()), (Step::CreateContact, "address_taken"));
    assert!(problem.message.contains("Partner Andreas"), "{}", problem.message);
    assert_eq!(world.user(&people[1]).await.state, UserState::Prepared);
}

/// PRE-S1: an account that is mastered on premises cannot be written in the cloud; the user is parked
/// with what is to be done there.
#[tokio::test]
async fn a_directory_synced_account_parks_with_what_to_do_on_premises() {
    let mut setup = plain(1).mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.department = \"Moved\";\n}\n",
    );
    setup.population.existing_in_target = 1;
    let (world, people) = discovered(setup).await;
    let there = directory(&world, Side::Target).await;
    let existing = there.iter().find(|it| it.user_principal_name.starts_with("andreas")).unwrap();
    world.simulator.set_synced(world.target.tenant_id, &existing.id, true);
    world.perform(&people, Action::Prepare).await;
    let user = world.user(&people[0]).await;
    assert_eq!(user.state, UserState::PrepareError);
    let problem = user.problem.unwrap();
    assert!(problem.advice.contains("on premises") || problem.advice.contains("on-premises"));
    assert!(problem.message.contains("department") || problem.advice.contains("department"));
    assert_ne!(account(&world, &people[0]).await.department.as_deref(), Some("Moved"));
}

/// PRE-6: prepared as guests nobody is invited; the invitation is sent on demand, once; the first
/// sync makes the guest a member.
#[tokio::test]
async fn a_guest_is_invited_later_and_becomes_a_member_at_the_first_sync() {
    let mut setup = plain(1);
    setup.profile.prepare.as_guests = true;
    let (world, people) = after(setup, PREPARED).await;
    let user = &people[0];
    let invited = || world.simulator.invitations(&user.source.mail);
    assert_eq!(user.state, UserState::Prepared, "{:?}", user.problem);
    assert_eq!(account(&world, user).await.user_type.as_deref(), Some("Guest"));
    assert_eq!(invited(), 0);
    world.perform(&people, Action::SendGuestInvite).await;
    assert_eq!(invited(), 1);
    world.perform(&people, Action::Sync).await;
    let now = world.user(user).await;
    assert_eq!(now.state, UserState::Synced, "{:?}", now.problem);
    assert_eq!(account(&world, user).await.user_type.as_deref(), Some("Member"));
    assert_eq!(target_recipient(&world, user).await.kind, "UserMailbox");
    assert_eq!(invited(), 1);
}

/// PRE-7: nothing is written to the source.
#[tokio::test]
async fn prepare_writes_nothing_to_the_source() {
    let (world, people) = discovered(plain(3)).await;
    let source = world.source.tenant_id;
    let recipients = world.simulator.recipients(source);
    let accounts = directory(&world, Side::Source).await;
    let seen = world.simulator.requests().len();
    world.perform(&people, Action::Prepare).await;
    assert_eq!(world.simulator.recipients(source), recipients);
    assert_eq!(directory(&world, Side::Source).await, accounts);
    for user in &people {
        let writes = written(&world, user).await;
        assert!(!writes.is_empty() && writes.iter().all(|write| write.side == Side::Target));
    }
    let ids: Vec<&str> = people.iter().map(|user| user.source.object_id.as_str()).collect();
    for request in world.simulator.requests().into_iter().skip(seen) {
        let writes = match &request.cmdlet {
            Some(cmdlet) => {
                !cmdlet.starts_with("Get-") && request.path.contains(&source.to_string())
            }
            None => request.method != "GET" && ids.iter().any(|id| request.path.contains(id)),
        };
        assert!(!writes, "{request:?}");
    }
}
