//! MAT-1: who is in the source tenant, what they have, and what blocks a move.
//!
//! Reads the source only. A known user's facts are refreshed and the state is left alone, so that
//! it can be run at any time, and again after a crash.

use std::collections::BTreeMap;

use catalogue::Side;
use engine::{
    Host,
    records::{Batch, Loaded, load},
};
use futures_util::{StreamExt, stream};
use model::{Blocker, Keys, MailboxFacts, Project, SourceIdentity, User};
use ports::CommitError;
use tenant::{
    Class, TenantClient,
    exchange::Recipient,
    graph::{DirectoryObject, GraphUser, UserQuery, quoted},
};

use crate::{ControlError, Scope, directory::put_source, patience::patiently, scope::change_user};

/// Look-ups of drives at the same time.
const DRIVES_AT_ONCE: usize = 8;
/// Users whose records are committed together.
const COMMIT_AT_ONCE: usize = 50;

/// What a discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Discovered {
    /// Users that were seen.
    pub seen: usize,
    /// Those that were not known before.
    pub new: usize,
    /// Known ones whose facts have changed.
    pub changed: usize,
    /// How many have what blocks or burdens a move.
    pub blockers: BTreeMap<Blocker, usize>,
}

/// Discovers the source tenant's users: all, or the members of a group (object id or display name).
/// `progress` is told how many have been seen.
pub async fn discover(
    host: &Host,
    project: &Project,
    group: Option<&str>,
    mut progress: impl FnMut(usize),
) -> Result<Discovered, ControlError> {
    let source = host.tenants.of(project).await?.source;
    let facts = Facts::read(host, &source, project).await?;
    let mut found = Discovered::default();
    match group {
        Some(group) => {
            let members = members(host, &source, group).await?;
            for page in members.chunks(COMMIT_AT_ONCE) {
                keep(host, project, &source, &facts, page, &mut found).await?;
                progress(found.seen);
            }
        }
        None => {
            let graph = source.graph();
            let query = UserQuery::default();
            let mut link: Option<String> = None;
            loop {
                let page = patiently(host, || graph.users_page(&query, link.as_deref()))
                    .await
                    .map_err(ControlError::of(Side::Source))?;
                for part in page.value.chunks(COMMIT_AT_ONCE) {
                    keep(host, project, &source, &facts, part, &mut found).await?;
                    progress(found.seen);
                }
                match page.next_link {
                    Some(next) => link = Some(next),
                    None => break,
                }
            }
        }
    }
    Ok(found)
}

/// What is read once for all users.
struct Facts {
    /// Mailboxes by the Entra object id of their user.
    mailboxes: BTreeMap<String, Mailbox>,
    /// Names of licences by id.
    skus: BTreeMap<String, String>,
    /// `@` and the initial domain.
    initial: String,
}

/// What is kept of a recipient; the whole ones of a large tenant would be too much.
struct Mailbox {
    facts: MailboxFacts,
    on_hold: bool,
    initial_address: Option<String>,
    /// Addresses and custom attributes, which Exchange knows better than the directory.
    mail: Recipient,
}

impl Facts {
    async fn read(
        host: &Host,
        source: &TenantClient,
        project: &Project,
    ) -> Result<Self, ControlError> {
        let (graph, exchange) = (source.graph(), source.exchange());
        let wrong = ControlError::of(Side::Source);
        let skus = patiently(host, || graph.subscribed_skus()).await.map_err(&wrong)?;
        let all = patiently(host, || exchange.list_mailboxes(None)).await.map_err(&wrong)?;
        let initial = format!("@{}", project.source.initial_domain.to_lowercase());
        let mailboxes = all.iter().filter_map(|recipient| {
            let id = recipient.external_directory_object_id?;
            Some((id.hyphenated().to_string(), Mailbox::of(recipient, &initial)))
        });
        Ok(Self {
            mailboxes: mailboxes.collect(),
            skus: skus.into_iter().map(|sku| (sku.sku_id, sku.sku_part_number)).collect(),
            initial,
        })
    }
}

impl Mailbox {
    fn of(recipient: &Recipient, initial: &str) -> Self {
        let in_initial = |value: &&str| value.to_lowercase().ends_with(initial);
        let addresses = recipient.email_addresses.iter();
        let addresses = addresses.filter(|address| address.domain().is_some());
        Self {
            facts: MailboxFacts {
                recipient_type: Some(recipient.recipient_type_details.to_string()),
                recipient_guid: recipient.guid.map(|guid| guid.hyphenated().to_string()),
                mailbox: recipient.recipient_type_details.is_mailbox(),
                archive: recipient.archive_guid.is_some()
                    || recipient.archive_status.as_deref() == Some("Active"),
                drive: false,
                items: None,
                bytes: None,
            },
            on_hold: recipient.is_on_hold(),
            mail: Recipient {
                email_addresses: recipient.email_addresses.clone(),
                custom_attributes: recipient.custom_attributes.clone(),
                ..Recipient::default()
            },
            initial_address: addresses
                .map(tenant::exchange::ProxyAddress::value)
                .find(in_initial)
                .map(str::to_owned),
        }
    }
}

/// The members of a group, by object id or display name.
async fn members(
    host: &Host,
    source: &TenantClient,
    group: &str,
) -> Result<Vec<GraphUser>, ControlError> {
    let graph = source.graph();
    let wrong = ControlError::of(Side::Source);
    let is_id = group.len() == 36 && group.split('-').count() == 5;
    let id = if is_id {
        group.to_owned()
    } else {
        let filter = format!("displayName eq {}", quoted(group));
        let found = patiently(host, || graph.list_groups(Some(&filter))).await.map_err(&wrong)?;
        match found.as_slice() {
            [only] => only.id.clone(),
            [] => {
                let text = format!(
                    "the source tenant has no group `{group}`; give a display name or object id"
                );
                return Err(ControlError::Input(text));
            }
            many => {
                let text =
                    format!("{} groups are called `{group}`; give the object id", many.len());
                return Err(ControlError::Input(text));
            }
        }
    };
    let members = patiently(host, || graph.group_members(&id)).await.map_err(&wrong)?;
    let user = |member| match member {
        DirectoryObject::User(user) => Some(*user),
        DirectoryObject::Group(_) | DirectoryObject::Other { .. } => None,
    };
    Ok(members.into_iter().filter_map(user).collect())
}

/// Stores what was found about some users.
async fn keep(
    host: &Host,
    project: &Project,
    source: &TenantClient,
    facts: &Facts,
    users: &[GraphUser],
    found: &mut Discovered,
) -> Result<(), ControlError> {
    let scope = Scope::of(project);
    let identities: Vec<Result<(SourceIdentity, Option<String>), ControlError>> =
        stream::iter(users)
            .map(|user| async move {
                let drive = has_drive(host, source, user).await?;
                let manager = manager(host, source, user).await?;
                Ok((identity(user, facts, drive), manager))
            })
            .buffered(DRIVES_AT_ONCE)
            .collect()
            .await;
    let mut fresh = Vec::new();
    let mut entries = Batch::new();
    for (user, identity) in users.iter().zip(identities) {
        let (identity, manager) = identity?;
        let known = facts.mailboxes.get(&user.id).map(|mailbox| &mailbox.mail);
        put_source(&mut entries, &scope, user, known, manager.as_deref())?;
        found.seen += 1;
        for blocker in &identity.blockers {
            *found.blockers.entry(*blocker).or_default() += 1;
        }
        let key = scope.user(&identity.object_id.parse()?);
        let known: Option<Loaded<User>> = load(&*host.store, Keys::user(&key)).await?;
        match known {
            None => fresh.push(User::discovered(key.user, identity)),
            Some(known) if known.value.source == identity => {}
            Some(_) => {
                found.changed += 1;
                change_user(host, &key, |user| {
                    user.source.clone_from(&identity);
                    true
                })
                .await?;
            }
        }
    }
    found.new += fresh.len();
    if !users.is_empty() {
        entries.commit(&*host.store).await?;
    }
    put_new(host, &scope, fresh).await
}

async fn put_new(host: &Host, scope: &Scope, fresh: Vec<User>) -> Result<(), ControlError> {
    if fresh.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::new();
    for user in &fresh {
        batch.put(Keys::user(&scope.user(&user.id)), user, 0)?;
    }
    match batch.commit(&*host.store).await {
        Ok(()) => Ok(()),
        // Another discovery runs beside this one: put those that it has not put.
        Err(CommitError::Conflict { .. }) => {
            for user in &fresh {
                let mut one = Batch::new();
                one.put(Keys::user(&scope.user(&user.id)), user, 0)?;
                match one.commit(&*host.store).await {
                    Ok(()) | Err(CommitError::Conflict { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn has_drive(
    host: &Host,
    source: &TenantClient,
    user: &GraphUser,
) -> Result<bool, ControlError> {
    let graph = source.graph();
    match patiently(host, || graph.user_drive(&user.id)).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.class, Class::NoDrive | Class::NotFound) => Ok(false),
        Err(error) => Err(ControlError::of(Side::Source)(error)),
    }
}

async fn manager(
    host: &Host,
    source: &TenantClient,
    user: &GraphUser,
) -> Result<Option<String>, ControlError> {
    let graph = source.graph();
    let manager = patiently(host, || graph.get_manager(&user.id)).await;
    Ok(manager.map_err(ControlError::of(Side::Source))?.map(|manager| manager.id))
}

/// One user as MAT-1 lists him.
fn identity(user: &GraphUser, facts: &Facts, drive: bool) -> SourceIdentity {
    let mailbox = facts.mailboxes.get(&user.id);
    let mut held = mailbox.map(|mailbox| mailbox.facts.clone()).unwrap_or_default();
    held.drive = drive;
    let mut blockers = Vec::new();
    let mut note = |is: bool, blocker: Blocker| {
        if is {
            blockers.push(blocker);
        }
    };
    note(mailbox.is_some_and(|mailbox| mailbox.on_hold), Blocker::Hold);
    note(!held.mailbox, Blocker::NoMailbox);
    note(user.is_guest(), Blocker::Guest);
    note(user.is_directory_synced(), Blocker::DirectorySynced);
    note(user.account_enabled == Some(false), Blocker::Disabled);
    let from_proxies = || {
        let addresses = user.proxy_addresses.iter();
        let mut bare = addresses.filter_map(|address| {
            address.get(..5).filter(|kind| kind.eq_ignore_ascii_case("smtp:"))?;
            address.get(5..)
        });
        bare.find(|address| address.to_lowercase().ends_with(&facts.initial)).map(str::to_owned)
    };
    let mut licenses: Vec<String> = user
        .assigned_licenses
        .iter()
        .map(|held| facts.skus.get(&held.sku_id).unwrap_or(&held.sku_id).clone())
        .collect();
    licenses.sort();
    SourceIdentity {
        object_id: user.id.clone(),
        user_principal_name: user.user_principal_name.clone(),
        display_name: user.display_name.clone().unwrap_or_default(),
        mail: user.mail.clone().unwrap_or_default(),
        initial_address: mailbox
            .and_then(|mailbox| mailbox.initial_address.clone())
            .or_else(from_proxies),
        language: user.preferred_language.clone(),
        mailbox: held,
        licenses,
        guest: user.is_guest(),
        directory_synced: user.is_directory_synced(),
        blockers,
    }
}
