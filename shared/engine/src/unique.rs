//! Unique values: a reservation is one conditional write, so a race has one winner and a rerun the
//! same. Values that are chosen together are reserved together, or none of them is.
//!
//! A reservation outlives the write of its value, because a tenant shows a new name late. It ends
//! when its user is reset to `no_match`.

use std::collections::BTreeSet;

use model::{CustomerId, Keys, ProjectId, Stored, User, UserId, UserKey};
use ports::{CommitError, Store};
use serde::{Deserialize, Serialize};

use crate::{
    StepContext, StepError,
    context::internal,
    records::{Batch, EngineError, Loaded, load},
};

/// Who holds a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    user: UserId,
}

impl Stored for Reservation {
    const KIND: &'static str = "reservation";
}

/// What one user has reserved: found again with one read, and let go without a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reserved {
    /// Spaces with values in lower case.
    values: BTreeSet<(String, String)>,
}

impl Stored for Reserved {
    const KIND: &'static str = "reserved";
}

impl Reserved {
    /// Whether a value is among them.
    pub(crate) fn has(&self, (space, value): (&str, &str)) -> bool {
        self.values.contains(&(space.to_owned(), value.to_lowercase()))
    }
}

/// The values that a reset lets go with its own commit; a store takes a hundred changes at once.
const MOST_RELEASED: usize = 90;

async fn held(
    store: &dyn Store,
    user: &UserKey,
    (space, value): (&str, &str),
) -> Result<Option<Loaded<Reservation>>, EngineError> {
    load(store, Keys::reservation(&user.customer, &user.project, space, value)).await
}

async fn list(store: &dyn Store, user: &UserKey) -> Result<Loaded<Reserved>, EngineError> {
    let list = load(store, Keys::reserved(user)).await?;
    Ok(list.unwrap_or_else(|| Loaded { value: Reserved::default(), version: 0 }))
}

/// Who has reserved a value, if anybody has.
pub(crate) async fn holder(
    cx: &StepContext<'_>,
    value: (&str, &str),
) -> Result<Option<UserId>, StepError> {
    let held = held(&*cx.host().store, cx.key(), value).await.map_err(internal)?;
    Ok(held.map(|held| held.value.user))
}

/// What this user has reserved.
pub(crate) async fn mine(cx: &StepContext<'_>) -> Result<Reserved, StepError> {
    Ok(list(&*cx.host().store, cx.key()).await.map_err(internal)?.value)
}

/// Reserves values, each named with the space that it is unique in. `Some`: nothing is reserved,
/// since another user has this one of them.
pub(crate) async fn reserve(
    cx: &StepContext<'_>,
    values: &[(&str, &str)],
) -> Result<Option<(usize, UserId)>, StepError> {
    let me = cx.key();
    let store = &*cx.host().store;
    loop {
        let mut batch = Batch::new();
        let Loaded { value: mut mine, version } = list(store, me).await.map_err(internal)?;
        let before = mine.values.len();
        for (number, (space, value)) in values.iter().enumerate() {
            if !mine.values.insert(((*space).to_owned(), value.to_lowercase())) {
                continue;
            }
            match holder(cx, (space, value)).await? {
                // Reserved by a release that kept no list.
                Some(holder) if holder == me.user => continue,
                Some(other) => return Ok(Some((number, other))),
                None => {}
            }
            let place = Keys::reservation(&me.customer, &me.project, space, value);
            let reservation = Reservation { user: me.user.clone() };
            batch.put(place, &reservation, 0).map_err(internal)?;
        }
        if cx.is_plan() || mine.values.len() == before {
            return Ok(None);
        }
        batch.put(Keys::reserved(me), &mine, version).map_err(internal)?;
        match batch.commit(store).await {
            Ok(()) => return Ok(None),
            // Somebody was first: see who.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(StepError::retry("store", error.to_string())),
        }
    }
}

/// Adds to a batch what lets go of everything that a user has reserved.
pub(crate) async fn release(
    store: &dyn Store,
    user: &UserKey,
    batch: &mut Batch,
) -> Result<(), EngineError> {
    let Loaded { value: mut mine, version } = list(store, user).await?;
    for _ in 0..MOST_RELEASED {
        let Some((space, value)) = mine.values.pop_first() else { break };
        if let Some(held) = held(store, user, (&space, &value)).await? {
            let place = Keys::reservation(&user.customer, &user.project, &space, &value);
            batch.delete(place, held.version);
        }
    }
    match (version, mine.values.is_empty()) {
        (0, _) => {}
        (_, true) => batch.delete(Keys::reserved(user), version),
        (_, false) => batch.put(Keys::reserved(user), &mine, version)?,
    }
    Ok(())
}

/// Every reservation of a project: what the value is unique in, the value in lower case, who has it.
pub async fn reservations(
    store: &dyn Store,
    customer: &CustomerId,
    project: &ProjectId,
) -> Result<Vec<(String, String, UserId)>, EngineError> {
    let partition = Keys::project_partition(customer, project);
    let records = store.query_all(&partition, Keys::RESERVATIONS).await?;
    let mut all = Vec::new();
    for record in records {
        let name = record.key.sort.strip_prefix(Keys::RESERVATIONS).unwrap_or_default();
        let Some((space, value)) = name.split_once('#') else { continue };
        // Other kinds of claim share the prefix.
        if let Ok(held) = Reservation::from_bytes(&record.value) {
            all.push((space.to_owned(), value.to_owned(), held.user));
        }
    }
    Ok(all)
}

/// A user of the project as a person knows him.
pub(crate) async fn name_of(cx: &StepContext<'_>, user: &UserId) -> Result<String, StepError> {
    let key = UserKey { user: user.clone(), ..cx.key().clone() };
    let known: Option<Loaded<User>> =
        load(&*cx.host().store, Keys::user(&key)).await.map_err(internal)?;
    Ok(known.map_or_else(|| user.to_string(), |user| user.value.source.user_principal_name))
}
