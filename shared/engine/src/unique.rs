//! Unique values: a reservation is one conditional write, so a race has one winner and a rerun the
//! same.

use model::{Keys, Stored, UserId};
use ports::CommitError;
use serde::{Deserialize, Serialize};

use crate::{
    StepContext, StepError,
    context::internal,
    records::{Batch, Loaded, load},
};

/// Who holds a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    user: UserId,
}

impl Stored for Reservation {
    const KIND: &'static str = "reservation";
}

/// Reserves; `Some` is another user who has it.
pub(crate) async fn reserve(
    cx: &StepContext<'_>,
    attribute: &str,
    value: &str,
) -> Result<Option<UserId>, StepError> {
    let place = Keys::reservation(&cx.key().customer, &cx.key().project, attribute, value);
    let me = &cx.key().user;
    let store = &*cx.host().store;
    loop {
        let held: Option<Loaded<Reservation>> =
            load(store, place.clone()).await.map_err(internal)?;
        if let Some(held) = held {
            return Ok((held.value.user != *me).then_some(held.value.user));
        }
        if cx.is_plan() {
            return Ok(None);
        }
        let mut batch = Batch::new();
        let mine = Reservation { user: me.clone() };
        batch.put(place.clone(), &mine, 0).map_err(internal)?;
        match batch.commit(store).await {
            Ok(()) => return Ok(None),
            // Somebody was first: see who.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(StepError::retry("store", error.to_string())),
        }
    }
}

/// Whether this user holds the reservation of a value already.
pub(crate) async fn is_mine(
    cx: &StepContext<'_>,
    attribute: &str,
    value: &str,
) -> Result<bool, StepError> {
    let place = Keys::reservation(&cx.key().customer, &cx.key().project, attribute, value);
    let held: Option<Loaded<Reservation>> =
        load(&*cx.host().store, place).await.map_err(internal)?;
    Ok(held.is_some_and(|held| held.value.user == cx.key().user))
}
