//! The person's contact in the target, as T5 and T6 look for it.
//!
//! A directory server that lags behind may not show a contact that prepare has made. Believing it would
//! lose the addresses that the contact answers to (CUT-7).

use catalogue::Step;
use engine::{ContactPlace, Receipt, StepContext, StepError, find_contact};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tenant::exchange::Recipient;

use super::clear_contact_legacy_dn::{ContactAddresses, REMEMBERED};

/// So long servers may lag behind each other.
const LAG: SignedDuration = SignedDuration::from_mins(15);

/// The contact that prepare has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Prepared(ContactPlace);

impl Receipt for Prepared {
    const STEP: Step = Step::CreateContact;
}

/// What a look for the contact has shown.
pub(crate) enum Sight {
    /// The contact.
    There(Box<Recipient>),
    /// Prepare has made it and this migration has not removed it, so it should show.
    NotYet,
    /// There is none (any more).
    Gone,
}

/// Looks for the contact.
pub(crate) async fn look(cx: &StepContext<'_>) -> Result<Sight, StepError> {
    if let Some(contact) = find_contact(cx, cx.target()).await? {
        return Ok(Sight::There(Box::new(contact)));
    }
    let removed = cx.remembered::<ContactAddresses>(REMEMBERED)?.is_some();
    let made = cx.receipt::<Prepared>()?.is_some();
    let young = cx.now().duration_since(cx.job().reached_at) < LAG;
    let expected = made && !removed && young && !cx.is_plan();
    Ok(if expected { Sight::NotYet } else { Sight::Gone })
}
