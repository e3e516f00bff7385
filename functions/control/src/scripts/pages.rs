//! Users page after page with what discovery has kept of them, read while earlier pages are mapped.

use std::sync::Arc;

use engine::{Host, SourceEntry, records::Loaded};
use model::{Keys, Stored, User, WaveId, WireError};
use ports::{Key, Record};
use scripting::{
    Attributes, Mapping, MatchKey, RunContext, UserInput,
    preview::{Underway, begin},
};

use crate::{
    ControlError, Scope, Selection,
    directory::{SOURCE, page_of},
};

/// A user of a page.
pub(super) struct Listed {
    /// The record.
    pub(super) user: User,
    /// What a script is given of him; nothing when discovery has kept nothing.
    pub(super) input: Option<UserInput>,
    /// How the mapping would find him in the target, if that is asked for.
    pub(super) keys: Vec<MatchKey>,
}

/// A page that is being read; nobody for a user of another wave.
pub(super) type Page = Underway<Result<Option<Listed>, WireError>>;

/// What makes a page of records.
#[derive(Clone)]
pub(super) struct Reader {
    /// Only the users of this wave.
    pub(super) wave: Option<WaveId>,
    /// The mapping whose keys are asked for, and its run.
    pub(super) keys: Option<(Mapping, Arc<RunContext>)>,
    /// On so many threads.
    pub(super) threads: usize,
}

/// Users page after page, in the order of their ids.
pub(super) enum Pages {
    /// Those that were named.
    Named(Vec<Loaded<User>>),
    /// Everybody, or a wave.
    All(Next),
}

/// Where the next page begins.
pub(super) enum Next {
    Start,
    After(String),
    End,
}

impl Pages {
    pub(super) async fn of(
        host: &Host,
        scope: &Scope,
        selection: &Selection,
    ) -> Result<Self, ControlError> {
        if selection.users.is_empty() {
            return Ok(Self::All(Next::Start));
        }
        Ok(Self::Named(selection.resolve(host, scope).await?))
    }

    /// Begins to read the next page.
    pub(super) async fn next(
        &mut self,
        host: &Host,
        scope: &Scope,
        reader: &Reader,
    ) -> Result<Option<Page>, ControlError> {
        match self {
            Self::Named(users) => {
                let mut records = Vec::new();
                for Loaded { value: user, .. } in std::mem::take(users) {
                    let (partition, sort) = scope.source_entry(&user.id);
                    let entry = host.store.get(&Key { partition, sort }).await?;
                    records.push((Known::User(Box::new(user)), entry));
                }
                Ok((!records.is_empty()).then(|| reader.begin(records)))
            }
            Self::All(from) => {
                let after = match std::mem::replace(from, Next::End) {
                    Next::Start => None,
                    Next::After(sort) => Some(sort),
                    Next::End => return Ok(None),
                };
                let query = page_of(&scope.partition(), Keys::USERS, after.clone());
                let page = host.store.query(&query).await?;
                *from = page.next.map_or(Next::End, Next::After);
                let entries = entries(host, scope, after.as_deref(), &page.records).await?;
                let users = page.records.into_iter().map(Known::Record);
                Ok(Some(reader.begin(users.zip(entries).collect())))
            }
        }
    }
}

/// The directory entries of users who follow each other: both lists have the same order.
async fn entries(
    host: &Host,
    scope: &Scope,
    after: Option<&str>,
    users: &[Record],
) -> Result<Vec<Option<Record>>, ControlError> {
    let place = |sort: &str| format!("{SOURCE}{}", sort.strip_prefix(Keys::USERS).unwrap_or(sort));
    let places: Vec<String> = users.iter().map(|user| place(&user.key.sort)).collect();
    let mut found: Vec<Option<Record>> = places.iter().map(|_| None).collect();
    let Some(last) = places.last() else { return Ok(found) };
    let mut open = places.iter().zip(&mut found).peekable();
    let mut after = after.map(place);
    loop {
        let page = host.store.query(&page_of(&scope.directory(), SOURCE, after)).await?;
        for record in page.records {
            while open.next_if(|(place, _)| **place < record.key.sort).is_some() {}
            if let Some((_, found)) = open.next_if(|(place, _)| **place == record.key.sort) {
                *found = Some(record);
            }
        }
        after = page.next.filter(|next| next < last);
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// A user as he was found.
enum Known {
    User(Box<User>),
    Record(Record),
}

impl Reader {
    fn begin(&self, records: Vec<(Known, Option<Record>)>) -> Page {
        let reader = self.clone();
        begin(records, self.threads, move |records| reader.read(records))
    }

    fn read(&self, records: &[(Known, Option<Record>)]) -> Vec<Result<Option<Listed>, WireError>> {
        let mut page: Vec<_> =
            records.iter().map(|(user, entry)| self.listed(user, entry.as_ref())).collect();
        let Some((mapping, run)) = &self.keys else { return page };
        let mut open: Vec<&mut Listed> = page.iter_mut().flatten().flatten().collect();
        open.retain(|listed| listed.user.target.is_none() && listed.input.is_some());
        let people: Vec<UserInput> =
            open.iter().filter_map(|listed| listed.input.clone()).collect();
        for (listed, keys) in open.into_iter().zip(mapping.match_keys_of(&people, run)) {
            // A failing `match_keys` fails again, with its line, when the user is prepared.
            listed.keys = keys.unwrap_or_default();
        }
        page
    }

    fn listed(&self, user: &Known, entry: Option<&Record>) -> Result<Option<Listed>, WireError> {
        let user = match user {
            Known::User(user) => (**user).clone(),
            Known::Record(record) => User::from_bytes(&record.value)?,
        };
        if self.wave.is_some() && user.wave != self.wave {
            return Ok(None);
        }
        let entry = entry.map(|entry| SourceEntry::from_bytes(&entry.value)).transpose()?;
        let input = entry.map(|entry| UserInput {
            source_id: user.source.object_id.clone(),
            source: entry.attributes,
            target: Attributes::new(),
        });
        Ok(Some(Listed { user, input, keys: Vec::new() }))
    }
}
