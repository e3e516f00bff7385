//! Unique values: a reservation is one conditional write, so a race has one winner and a rerun the
//! same. Values that are chosen together are reserved together, or none of them is.

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

fn place(cx: &StepContext<'_>, (space, value): (&str, &str)) -> (String, String) {
    Keys::reservation(&cx.key().customer, &cx.key().project, space, value)
}

/// Who has reserved a value, if anybody has.
pub(crate) async fn holder(
    cx: &StepContext<'_>,
    value: (&str, &str),
) -> Result<Option<UserId>, StepError> {
    let held: Option<Loaded<Reservation>> =
        load(&*cx.host().store, place(cx, value)).await.map_err(internal)?;
    Ok(held.map(|held| held.value.user))
}

/// Reserves values, each named with the space that it is unique in. `Some`: nothing is reserved,
/// since another user has this one of them.
pub(crate) async fn reserve(
    cx: &StepContext<'_>,
    values: &[(&str, &str)],
) -> Result<Option<(usize, UserId)>, StepError> {
    let me = &cx.key().user;
    let store = &*cx.host().store;
    loop {
        let mut batch = Batch::new();
        let mut wanted = std::collections::BTreeSet::new();
        for (number, value) in values.iter().enumerate() {
            match holder(cx, *value).await? {
                Some(held) if held == *me => {}
                Some(other) => return Ok(Some((number, other))),
                None => {
                    let place = place(cx, *value);
                    let mine = Reservation { user: me.clone() };
                    if wanted.insert(place.clone()) {
                        batch.put(place, &mine, 0).map_err(internal)?;
                    }
                }
            }
        }
        if cx.is_plan() || wanted.is_empty() {
            return Ok(None);
        }
        match batch.commit(store).await {
            Ok(()) => return Ok(None),
            // Somebody was first: see who.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(StepError::retry("store", error.to_string())),
        }
    }
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
