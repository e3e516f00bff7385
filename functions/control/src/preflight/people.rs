//! What the chosen people need, and what stands in their way.

use std::collections::BTreeMap;

use catalogue::Side;
use engine::{profile_of, records::Loaded};
use model::{Blocker, User, UserState};
use tenant::exchange::ProxyAddress;

use super::{Look, Preflight, Severity};
use crate::{ControlError, Scope, patience::patiently};

/// So many people's addresses are looked up one by one.
const ADDRESSES_MAX: usize = 500;
/// So many names stand in a finding.
const NAMES_SHOWN: usize = 5;

/// Looks at licences, holds, directory-synced people and addresses.
pub(super) async fn look(
    target: &Look<'_>,
    users: &[Loaded<User>],
    found: &mut Preflight,
) -> Result<(), ControlError> {
    let open: Vec<&User> = users
        .iter()
        .map(|user| &user.value)
        .filter(|user| user.state != UserState::Complete)
        .collect();
    if open.is_empty() {
        found.find(
            Severity::Note,
            Side::Source,
            "people",
            "nobody was discovered yet",
            "run `crosswave discover`, then check again: licences and addresses are then looked at",
        );
        return Ok(());
    }
    blockers(&open, found);
    if target.routes_mail() {
        licences(target, &open, found).await?;
        addresses(target, &open, found).await;
    }
    Ok(())
}

fn blockers(users: &[&User], found: &mut Preflight) {
    for (blocker, severity, advice) in [
        (Blocker::Hold, Severity::Note, "held items in Recoverable Items stay in the source"),
        (
            Blocker::NoMailbox,
            Severity::Note,
            "only what they have is copied; leave out who has nothing",
        ),
        (
            Blocker::DirectorySynced,
            Severity::Hinders,
            "their source attributes change on premises only: the steps say what to do there",
        ),
        (Blocker::Guest, Severity::Note, "guests have nothing to move; leave them out of waves"),
    ] {
        let names = names(users.iter().filter(|user| user.source.blockers.contains(&blocker)));
        if let Some((count, names)) = names {
            let what = format!("{count} with {}: {names}", blocker.describe());
            found.find(severity, Side::Source, "people", what, advice);
        }
    }
    let unclear = names(users.iter().filter(|user| user.match_note.is_some()));
    if let Some((count, names)) = unclear {
        found.find(
            Severity::Hinders,
            Side::Target,
            "match",
            format!("{count} people's match is in doubt: {names}"),
            "set their matches in a users file: `crosswave export`, then `import`",
        );
    }
}

fn names<'a>(users: impl Iterator<Item = &'a &'a User>) -> Option<(usize, String)> {
    let all: Vec<&str> = users.map(|user| user.source.user_principal_name.as_str()).collect();
    let shown = all.get(..NAMES_SHOWN.min(all.len())).unwrap_or_default().join(", ");
    let more = all.len().saturating_sub(NAMES_SHOWN);
    let text = if more > 0 { format!("{shown} and {more} more") } else { shown };
    (!all.is_empty()).then_some((all.len(), text))
}

/// The pools against the need of those who have no mailbox in the target yet.
async fn licences(
    target: &Look<'_>,
    users: &[&User],
    found: &mut Preflight,
) -> Result<(), ControlError> {
    let scope = Scope::of(target.project);
    let mut need: BTreeMap<String, u64> = BTreeMap::new();
    let waiting =
        |user: &&&User| !user.synced_once && !user.source.guest && user.source.mailbox.mailbox;
    for user in users.iter().filter(waiting) {
        let profile = profile_of(target.host, target.project, user, &scope.user(&user.id)).await?;
        for sku in profile.sync.licenses {
            *need.entry(sku).or_default() += 1;
        }
    }
    let graph = target.client.graph();
    let pools = match patiently(target.host, || graph.subscribed_skus()).await {
        Ok(pools) => pools,
        Err(error) => {
            found.refused(target.side, "licences", &error);
            return Ok(());
        }
    };
    for (sku, need) in need {
        let pool = pools.iter().find(|pool| pool.sku_part_number.eq_ignore_ascii_case(&sku));
        match pool.map(tenant::graph::SubscribedSku::free_seats) {
            None => {
                let all: Vec<&str> = pools.iter().map(|p| p.sku_part_number.as_str()).collect();
                found.find(
                    Severity::Blocks,
                    target.side,
                    "licences",
                    format!("the tenant has no {sku}; it has {}", all.join(", ")),
                    "correct `licenses` in the profile, or buy the product",
                );
            }
            Some(free) if free < need => found.find(
                Severity::Hinders,
                target.side,
                "licences",
                format!("{sku}: {free} free, {need} needed"),
                "buy or free licences: who finds none is parked and can be tried again",
            ),
            Some(free) => found.good(target.side, format!("{sku}: {free} free, {need} needed")),
        }
    }
    Ok(())
}

/// PRE-5: the contact takes the source's primary address; a third object that holds it parks the
/// person later, so it is named now.
async fn addresses(target: &Look<'_>, users: &[&User], found: &mut Preflight) {
    let exchange = target.client.exchange();
    let mut looked_at = 0;
    let open = users.iter().filter(|user| {
        matches!(user.state, UserState::NoMatch | UserState::Matched | UserState::PrepareError)
            && !user.source.mail.is_empty()
    });
    for user in open.take(ADDRESSES_MAX) {
        let Ok(address) = ProxyAddress::secondary(&user.source.mail) else { continue };
        looked_at += 1;
        let held = patiently(target.host, || exchange.recipients_with_address(&address)).await;
        let held = match held {
            Ok(held) => held,
            Err(error) => return found.refused(target.side, "addresses", &error),
        };
        let matched = user.target.as_ref().map(|target| target.object_id.to_lowercase());
        let third = held.iter().find(|holder| {
            let id = holder.external_directory_object_id.map(|id| id.hyphenated().to_string());
            !holder.recipient_type_details.to_string().contains("Contact")
                && (id.is_none() || id != matched)
        });
        if let Some(third) = third {
            found.find(
                Severity::Hinders,
                target.side,
                "addresses",
                format!(
                    "{} is held by {} ({})",
                    user.source.mail, third.display_name, third.recipient_type_details
                ),
                "free the address there, or match the person with that object",
            );
        }
    }
    found.good(target.side, format!("{looked_at} people's addresses were looked up"));
}
