//! PRE-S4: create a mail contact, visible in the address list, whose external address is the
//! source mailbox, so that mail and free/busy look-ups go there.

use catalogue::Step;
use engine::{
    ContactPlace, ContactReceipt, Outcome, Receipt, StepContext, StepError, StepResult,
    ensure_contact, map_contact,
};
use serde::{Deserialize, Serialize};
use tenant::exchange::{ProxyAddress, RecipientTypeDetails};

/// The contact in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetContact(pub ContactPlace);

impl Receipt for TargetContact {
    const STEP: Step = Step::CreateContact;
}

impl ContactReceipt for TargetContact {
    fn of(place: ContactPlace) -> Self {
        Self(place)
    }
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let source = &cx.user().source;
    if source.mail.is_empty() {
        return Outcome::not_applicable("the source user has no mail address");
    }
    let external = ProxyAddress::secondary(&source.mail).map_err(|error| {
        StepError::park("bad_address", error.to_string(), "correct the address in the source")
    })?;
    if is_guest(cx).await? {
        return Outcome::not_applicable(
            "the person's guest account holds the source address, so mail for it goes there already",
        );
    }
    let mapped = map_contact(cx, scripting::Step::Prepare).await?;
    ensure_contact::<TargetContact>(cx, cx.target(), &external, &mapped).await
}

/// Whether the person was prepared as a guest (PRE-6). A guest's address is the source's, and no two
/// recipients may claim one (PRE-5).
async fn is_guest(cx: &StepContext<'_>) -> Result<bool, StepError> {
    let Some(identity) = cx.target_identity() else { return Ok(false) };
    let own = cx.target().recipient(&identity.object_id).await?;
    Ok(own.is_some_and(|own| own.recipient_type_details == RecipientTypeDetails::GuestMailUser))
}
