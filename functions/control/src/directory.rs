//! What discovery keeps of both directories, so that a mapping can be previewed over everybody
//! without asking a tenant again: the source users' attributes, and every object of the target that
//! holds a name.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::Side;
use engine::{
    Host, SourceEntry, attributes_of,
    records::{Batch, EngineError},
};
use model::{Keys, Project, Stored, UserId};
use ports::{Key, Query};
use scripting::Attributes;
use serde::{Deserialize, Serialize};
use tenant::{
    exchange::{Anchor, Parameters, ProxyAddress, Recipient},
    graph::{GraphUser, UserQuery},
};

use crate::{ControlError, Scope, patience::patiently};

/// Entries that are written together.
const TOGETHER: usize = 50;

/// An object of the target: a user, a group, a contact, a deleted one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetEntry {
    /// The Entra object id; empty for what has none.
    pub(crate) object_id: String,
    /// What it is and what it is called, for people.
    pub(crate) words: String,
    /// Sign-in name and mail addresses.
    pub(crate) addresses: BTreeSet<String>,
    /// The alias.
    pub(crate) alias: String,
    /// A user's attributes; empty for others.
    pub(crate) attributes: Attributes,
}

impl Stored for TargetEntry {
    const KIND: &'static str = "target directory entry";
}

impl Scope {
    pub(crate) fn directory(&self) -> String {
        Keys::directory_partition(&self.customer, &self.project)
    }

    pub(crate) fn source_entry(&self, user: &UserId) -> (String, String) {
        Keys::source_entry(&self.customer, &self.project, user)
    }

    pub(crate) fn target_entry(&self, id: &str) -> (String, String) {
        (self.directory(), format!("{TARGET}{id}"))
    }
}

pub(crate) const SOURCE: &str = Keys::SOURCE_ENTRIES;
pub(crate) const TARGET: &str = "T#";

/// Adds a source user's entry to a batch. `known` is what Exchange knows better than the directory:
/// addresses and custom attributes.
pub(crate) fn put_source(
    batch: &mut Batch,
    scope: &Scope,
    user: &GraphUser,
    known: Option<&Recipient>,
    manager: Option<&str>,
) -> Result<(), ControlError> {
    let mut attributes = attributes_of(user, known);
    if let Some(manager) = manager {
        attributes.set("manager", manager);
    }
    keep_source(batch, scope, &user.id.parse()?, attributes)
}

/// Adds a source user's attributes to a batch, for previews.
pub fn keep_source(
    batch: &mut Batch,
    scope: &Scope,
    user: &UserId,
    attributes: Attributes,
) -> Result<(), ControlError> {
    Ok(batch.overwrite(scope.source_entry(user), &SourceEntry { attributes })?)
}

/// Reads who and what is in the target, and keeps it; says how many objects there are. What is gone
/// since the last time is removed.
pub async fn discover_target(host: &Host, project: &Project) -> Result<usize, ControlError> {
    let scope = Scope::of(project);
    let target = host.tenants.of(project).await?.target;
    let wrong = ControlError::of(Side::Target);
    let (graph, exchange) = (target.graph(), target.exchange());
    let parameters = || Parameters::new().switch("IncludeSoftDeletedRecipients");
    let recipients =
        patiently(host, || exchange.invoke("Get-Recipient", parameters(), &Anchor::Tenant));
    let recipients = recipients.await.map_err(&wrong)?.values;
    let mut known: BTreeMap<String, Recipient> = BTreeMap::new();
    let mut entries: BTreeMap<String, TargetEntry> = BTreeMap::new();
    for value in &recipients {
        let recipient = Recipient::from_value(value);
        let (id, entry) = of_recipient(&recipient, value);
        entries.insert(id.clone(), entry);
        known.insert(id, recipient);
    }
    drop(recipients);
    let query = UserQuery::default();
    let mut link: Option<String> = None;
    loop {
        let page = patiently(host, || graph.users_page(&query, link.as_deref())).await;
        let page = page.map_err(&wrong)?;
        for user in page.value {
            let entry = entries.entry(user.id.to_lowercase()).or_default();
            entry.object_id.clone_from(&user.id);
            entry.addresses.insert(user.user_principal_name.to_lowercase());
            if entry.words.is_empty() {
                entry.words = format!("user {}", user.user_principal_name);
            }
            entry.attributes = attributes_of(&user, known.get(&user.id.to_lowercase()));
        }
        match page.next_link {
            Some(next) => link = Some(next),
            None => break,
        }
    }
    keep(host, &scope, entries).await
}

fn of_recipient(recipient: &Recipient, value: &serde_json::Value) -> (String, TargetEntry) {
    let object_id = recipient
        .external_directory_object_id
        .filter(|_| !recipient.is_soft_deleted)
        .map(|id| id.hyphenated().to_string());
    let smtp = recipient.email_addresses.iter().filter(|address| address.domain().is_some());
    let mut addresses: BTreeSet<String> =
        smtp.map(ProxyAddress::value).map(str::to_lowercase).collect();
    let sign_in = value.get("WindowsLiveID").and_then(serde_json::Value::as_str);
    addresses.extend(sign_in.filter(|name| !name.is_empty()).map(str::to_lowercase));
    let deleted = if recipient.is_soft_deleted { "deleted " } else { "" };
    let entry = TargetEntry {
        object_id: object_id.clone().unwrap_or_default(),
        words: format!("{deleted}{} {}", recipient.recipient_type_details, recipient.display_name),
        addresses,
        alias: recipient.alias.to_lowercase(),
        attributes: Attributes::new(),
    };
    (object_id.unwrap_or_else(|| recipient.identity()), entry)
}

async fn keep(
    host: &Host,
    scope: &Scope,
    entries: BTreeMap<String, TargetEntry>,
) -> Result<usize, ControlError> {
    let mut gone = Vec::new();
    each_page(host, &scope.directory(), TARGET, |sort, version| {
        let id = sort.strip_prefix(TARGET).unwrap_or(sort);
        if !entries.contains_key(id) {
            gone.push((id.to_owned(), version));
        }
    })
    .await?;
    let all: Vec<(&String, &TargetEntry)> = entries.iter().collect();
    for part in all.chunks(TOGETHER) {
        let mut batch = Batch::new();
        for (id, entry) in part {
            batch.overwrite(scope.target_entry(id), *entry)?;
        }
        batch.commit(&*host.store).await?;
    }
    for (id, version) in gone {
        let mut batch = Batch::new();
        batch.delete(scope.target_entry(&id), version);
        match batch.commit(&*host.store).await {
            // Another discovery has removed it, or found it again.
            Ok(()) | Err(ports::CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries.len())
}

/// The keys under a prefix and their versions, page after page.
async fn each_page(
    host: &Host,
    partition: &str,
    prefix: &str,
    mut each: impl FnMut(&str, u64),
) -> Result<(), ControlError> {
    let mut after = None;
    loop {
        let query = page_of(partition, prefix, after);
        let page = host.store.query(&query).await?;
        page.records.iter().for_each(|record| each(&record.key.sort, record.version));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// A page's worth of records under a prefix.
pub(crate) fn page_of(partition: &str, prefix: &str, after: Option<String>) -> Query {
    let (partition, prefix) = (partition.to_owned(), prefix.to_owned());
    Query { partition, prefix, after, limit: 500 }
}

/// A record's entry.
pub(crate) async fn entry<T: Stored>(
    host: &Host,
    (partition, sort): (String, String),
) -> Result<Option<T>, ControlError> {
    let Some(record) = host.store.get(&Key { partition, sort }).await? else { return Ok(None) };
    Ok(Some(T::from_bytes(&record.value).map_err(EngineError::from)?))
}
