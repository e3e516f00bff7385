//! CUT-S5: create the contact in the source that points to the target address, for mail and
//! free/busy.

use std::collections::BTreeMap;

use catalogue::Step;
use engine::{
    ContactPlace, ContactReceipt, Mapped, Outcome, Receipt, StepContext, StepError, StepResult,
    ensure_contact, map_contact,
};
use serde::{Deserialize, Serialize};
use tenant::exchange::ProxyAddress;

use crate::mailbox::target_mailbox;

/// The contact in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SourceContact(ContactPlace);

impl Receipt for SourceContact {
    const STEP: Step = Step::CreateSourceContact;
}

impl ContactReceipt for SourceContact {
    fn of(place: ContactPlace) -> Self {
        Self(place)
    }
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let target = target_mailbox(cx).await?;
    let Some(address) = target.primary_smtp_address.clone() else {
        return Outcome::not_applicable("the target mailbox has no mail address");
    };
    let external = ProxyAddress::secondary(&address).map_err(|error| {
        StepError::park("bad_address", error.to_string(), "give the target mailbox an address")
    })?;
    let Mapped { values, warnings } = map_contact(cx, scripting::Step::CutoverSource).await?;
    // An address book shows the person under the name that the target uses.
    let mut values: BTreeMap<_, _> = values;
    values.insert("displayName".to_owned(), Some(target.display_name.as_str().into()));
    let mapped = Mapped { values, warnings };
    ensure_contact::<SourceContact>(cx, cx.source(), &external, &mapped).await
}
