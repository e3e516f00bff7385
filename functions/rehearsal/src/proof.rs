//! What must hold after a wave, looked at in the tenants themselves.

use std::collections::BTreeSet;

use control::{ControlError, Scope};
use engine::Host;
use model::{User, UserId, UserState};
use serde::Serialize;
use simulator::{Arrival, Part, RecipientView};

use crate::{Stage, mail::Postman};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Proof {
    /// What must hold, with the statement's id.
    pub what: String,
    /// Whether it does, for everybody who is complete.
    pub holds: bool,
    /// How much was looked at.
    pub found: String,
    /// Where it does not hold, the first cases.
    pub against: Vec<String>,
}

/// One person of the wave, as the proof needs it.
pub(crate) struct Person {
    /// The source user principal name.
    pub(crate) source_upn: String,
    /// The source's primary address.
    pub(crate) source_address: String,
    /// The source mailbox's LegacyExchangeDN.
    source_dn: String,
    /// The target contact's, while it was there.
    contact_dn: Option<String>,
    /// The target's sign-in name, once known.
    target_upn: Option<String>,
    /// The target's primary address, once known.
    pub(crate) target_address: Option<String>,
    /// The id in the project.
    id: UserId,
    /// Whether the cutover is complete.
    complete: bool,
}

/// Looks the movers up in the source.
pub(crate) async fn people(
    host: &Host,
    scope: &Scope,
    stage: &Stage,
    movers: &[UserId],
) -> Result<Vec<Person>, ControlError> {
    let tenant = stage.source().tenant_id;
    let mut people = Vec::new();
    for user in scope.users(host).await? {
        let User { id, source, .. } = user.value;
        if !movers.contains(&id) {
            continue;
        }
        let view = stage.simulator().recipient(tenant, &source.mail);
        people.push(Person {
            source_upn: source.user_principal_name,
            source_dn: view.map(|view| view.legacy_exchange_dn).unwrap_or_default(),
            source_address: source.mail,
            contact_dn: None,
            target_upn: None,
            target_address: None,
            complete: false,
            id,
        });
    }
    Ok(people)
}

/// After prepare: the contacts' LegacyExchangeDNs, which the cutover will move to their people.
pub(crate) fn note_contacts(stage: &Stage, people: &mut [Person]) {
    let contacts = stage.simulator().recipients(stage.target().tenant_id);
    for person in people {
        let mine = |view: &&RecipientView| {
            view.kind == "MailContact" && points_to(view, &person.source_address)
        };
        person.contact_dn = contacts.iter().find(mine).map(|view| view.legacy_exchange_dn.clone());
    }
}

/// After the cutover: who became whom.
pub(crate) async fn note_targets(
    host: &Host,
    scope: &Scope,
    stage: &Stage,
    people: &mut [Person],
) -> Result<(), ControlError> {
    let all = stage.simulator().recipients(stage.target().tenant_id);
    for user in scope.users(host).await? {
        let user = user.value;
        let Some(person) = people.iter_mut().find(|person| person.id == user.id) else { continue };
        person.complete = user.state == UserState::Complete;
        if let Some(target) = user.target {
            let upn = &target.user_principal_name;
            let view = all.iter().find(|view| view.user_principal_name.eq_ignore_ascii_case(upn));
            person.target_address = view.and_then(|view| {
                let mut primary =
                    view.addresses.iter().filter_map(|held| held.strip_prefix("SMTP:"));
                primary.next().map(str::to_owned)
            });
            person.target_upn = Some(target.user_principal_name);
        }
    }
    Ok(())
}

fn points_to(view: &RecipientView, address: &str) -> bool {
    view.external_address
        .as_ref()
        .is_some_and(|external| external.trim_start_matches("SMTP:").eq_ignore_ascii_case(address))
}

/// Looks at everything, for everybody whose cutover is complete.
pub(crate) fn prove(stage: &Stage, people: &[Person], postman: &Postman) -> Vec<Proof> {
    let complete: Vec<&Person> = people.iter().filter(|person| person.complete).collect();
    vec![
        address_lists(stage, &complete),
        x500(stage, &complete),
        mail(stage, people, postman),
        forwarding(stage, &complete),
        content(stage, &complete, postman),
        free_busy(stage, &complete),
    ]
}

/// Collects what speaks against a statement.
struct Case {
    what: &'static str,
    looked_at: usize,
    against: Vec<String>,
}

impl Person {
    /// The source user's id, for messages.
    fn who(&self) -> &str {
        &self.source_upn
    }
}

impl Case {
    fn new(what: &'static str) -> Self {
        Self { what, looked_at: 0, against: Vec::new() }
    }

    fn look(&mut self, holds: bool, against: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !holds {
            self.against.push(against());
        }
    }

    fn proof(mut self, things: &str) -> Proof {
        let good = self.looked_at.saturating_sub(self.against.len());
        let found = format!("{good} of {} {things}", self.looked_at);
        let holds = self.against.is_empty() && self.looked_at > 0;
        self.against.truncate(10);
        Proof { what: self.what.to_owned(), holds, found, against: self.against }
    }
}

/// CUT-7: exactly one object per person is visible in each tenant's address list.
fn address_lists(stage: &Stage, people: &[&Person]) -> Proof {
    let mut case = Case::new("Each person appears once in each address list (CUT-7)");
    let lists = [stage.source().tenant_id, stage.target().tenant_id]
        .map(|tenant| stage.simulator().address_list(tenant));
    let [in_source, in_target] = &lists;
    for person in people {
        let target = person.target_address.as_deref().unwrap_or_default();
        for (list, tenant) in [(in_source, "source"), (in_target, "target")] {
            let shown = list.iter().filter(|entry| {
                let external = entry.external_address.as_deref().unwrap_or_default();
                [person.source_address.as_str(), target].iter().any(|address| {
                    entry.address.eq_ignore_ascii_case(address)
                        || external.trim_start_matches("SMTP:").eq_ignore_ascii_case(address)
                })
            });
            let count = shown.count();
            case.look(count == 1, || format!("{}: {count} times in the {tenant}", person.who()));
        }
    }
    case.proof("entries")
}

/// CUT-7: the target user holds both X500 values, and no other object does.
fn x500(stage: &Stage, people: &[&Person]) -> Proof {
    let mut case = Case::new("Old replies arrive: both X500 on the person alone (CUT-7)");
    let all = stage.simulator().recipients(stage.target().tenant_id);
    for person in people {
        let upn = person.target_upn.as_deref().unwrap_or_default();
        for dn in [Some(&person.source_dn), person.contact_dn.as_ref()].into_iter().flatten() {
            let x500 = format!("x500:{dn}");
            let holders: Vec<&str> = all
                .iter()
                .filter(|view| {
                    view.legacy_exchange_dn.eq_ignore_ascii_case(dn)
                        || view.addresses.iter().any(|held| held.eq_ignore_ascii_case(&x500))
                })
                .map(|view| view.user_principal_name.as_str())
                .collect();
            let alone = matches!(holders.as_slice(), [only] if only.eq_ignore_ascii_case(upn));
            case.look(alone, || format!("{}: {dn} is held by {holders:?}", person.who()));
        }
    }
    case.proof("X500 addresses")
}

/// CUT-6: every message is in the target mailbox, whenever it was sent; but for those that people
/// have deleted in the source since.
fn mail(stage: &Stage, people: &[Person], postman: &Postman) -> Proof {
    let mut case = Case::new("Mail sent before, during and after is in the new mailbox (CUT-6)");
    for sent in &postman.sent {
        let Some(person) = people.get(sent.person).filter(|person| person.complete) else {
            continue;
        };
        let address = person.target_address.as_deref().unwrap_or_default();
        let address = format!("smtp:{address}");
        let there = stage.simulator().mailbox_holds(stage.target().tenant_id, &address, &sent.id);
        let old = format!("smtp:{}", person.source_address);
        let kept = || stage.simulator().mailbox_holds(stage.source().tenant_id, &old, &sent.id);
        let arrived = stage.simulator().arrivals(&sent.id);
        let source = stage.source().tenant_id;
        let came = |arrival: &Arrival| matches!(arrival, Arrival::Mailbox { tenant, .. } if *tenant == source);
        if !there && arrived.iter().any(came) && !kept() {
            continue;
        }
        case.look(there, || {
            let arrivals = stage.simulator().arrivals(&sent.id);
            format!("{}: a message {} ended at {arrivals:?}", person.who(), sent.when)
        });
    }
    case.proof("messages")
}

/// CUT-6: at no moment do both forwardings hold, and no message went round.
fn forwarding(stage: &Stage, people: &[&Person]) -> Proof {
    let mut case = Case::new("Mail flows to the new mailbox, and nothing loops (CUT-6)");
    let looped = stage.simulator().counts().mail.get("loop").copied().unwrap_or_default();
    case.look(looped == 0, || format!("{looped} messages went round"));
    for person in people {
        let look = |tenant, address: &str| stage.simulator().recipient(tenant, address);
        let source = look(stage.source().tenant_id, &person.source_address);
        let address = person.target_address.as_deref().unwrap_or_default();
        let target = look(stage.target().tenant_id, address);
        let leaves = target.and_then(|view| view.forwarding.target);
        let goes = source.and_then(|view| view.forwarding.target);
        let right = leaves.is_none() && goes.is_some();
        case.look(right, || {
            format!("{}: source forwards to {goes:?}, target to {leaves:?}", person.who())
        });
    }
    case.proof("routes")
}

/// SYN-4: what is in the source is in the target. The postman's messages are looked up one by one:
/// those that came after the last copy are in the target by forwarding, as messages of their own.
fn content(stage: &Stage, people: &[&Person], postman: &Postman) -> Proof {
    let subjects: BTreeSet<&str> = postman.sent.iter().map(|sent| sent.subject.as_str()).collect();
    let is_post = |difference: &String| {
        difference.split('`').nth(1).is_some_and(|subject| subjects.contains(subject))
    };
    let mut case = Case::new("Items and files are the same on both sides (SYN-4)");
    for person in people {
        let upn = person.target_upn.as_deref().unwrap_or_default();
        let simulator = stage.simulator();
        let (from, to) = (stage.source().tenant_id, stage.target().tenant_id);
        for part in [Part::Primary, Part::Archive] {
            let Ok(source) = simulator.mailbox_view(from, person.who(), part) else { continue };
            match simulator.mailbox_view(to, upn, part) {
                // What arrived at the new address only has no counterpart in the old mailbox.
                Ok(target) => {
                    let mut differences = source.differences(&target, true);
                    differences.retain(|difference| !is_post(difference));
                    case.look(differences.is_empty(), || {
                        let first = differences.first().cloned().unwrap_or_default();
                        format!("{}: {} differences: {first}", person.who(), differences.len())
                    });
                }
                Err(error) => case.look(false, || format!("{}: {error}", person.who())),
            }
        }
        let Ok(source) = simulator.drive_view(from, person.who()) else { continue };
        match simulator.drive_view(to, upn) {
            Ok(target) => {
                let differences = source.differences(&target);
                case.look(differences.is_empty(), || {
                    let first = differences.first().cloned().unwrap_or_default();
                    format!("{}: {} in OneDrive: {first}", person.who(), differences.len())
                });
            }
            Err(error) => case.look(false, || format!("{}: {error}", person.who())),
        }
    }
    case.proof("mailboxes, archives and drives")
}

/// Colleagues who stayed see the free/busy of those who moved.
fn free_busy(stage: &Stage, people: &[&Person]) -> Proof {
    let mut case = Case::new("Colleagues who stay see the new calendar's free/busy");
    for person in people {
        let address = person.target_address.as_deref().unwrap_or_default();
        let seen = stage.simulator().free_busy(stage.source().tenant_id, address);
        let found = matches!(seen, simulator::FreeBusy::Answered { .. });
        case.look(found, || format!("{}: {seen:?}", person.who()));
    }
    case.proof("look-ups")
}
