//! PRE-S4: create a mail contact, visible in the address list, whose external address is the
//! source mailbox, so that mail and free/busy look-ups go there.

use catalogue::Step;
use engine::{
    ContactPlace, ContactReceipt, Outcome, Receipt, StepContext, StepError, StepResult,
    ensure_contact, map_contact,
};
use serde::{Deserialize, Serialize};
use tenant::exchange::ProxyAddress;

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
    let mapped = map_contact(cx, scripting::Step::Prepare).await?;
    ensure_contact::<TargetContact>(cx, cx.target(), &external, &mapped).await
}
