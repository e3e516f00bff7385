//! CUT-S4: the source keeps a copy and forwards to the target.
//!
//! Refused while the target still forwards to the source: the two together are a mail loop (CUT-6).

use engine::{Outcome, RecipientEdit, StepContext, StepError, StepResult, Wake};
use jiff::Timestamp;
use model::Memory;
use tenant::exchange::ProxyAddress;

use crate::mailbox::{changed_receipt, source_mailbox, target_mailbox};

changed_receipt!(StoreAndForward, SetStoreAndForward);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let target = target_mailbox(cx).await?;
    if target.is_forwarding() && !cx.is_plan() {
        // A directory server that lags behind may show what CUT-T4 has removed: look again first.
        let name = &target.display_name;
        let why = format!("{name} in the target to stop forwarding: both together are a mail loop");
        return Ok(Outcome::Wait(Wake::Soon { why }));
    }
    let mailbox = source_mailbox(cx).await?;
    let to = target
        .primary_smtp_address
        .clone()
        .or_else(|| cx.target_identity().map(|target| target.user_principal_name))
        .unwrap_or_default();
    let to = ProxyAddress::secondary(&to).map_err(|error| {
        StepError::park("bad_address", error.to_string(), "give the target mailbox an address")
    })?;
    if !cx.is_plan() {
        // Mail that comes in from now on is forwarded as well as kept: the copier must not bring
        // the kept copy a second time. An earlier cutover may have begun with it already.
        let since = cx.remembered::<Timestamp>(Memory::SOURCE_FORWARDS_SINCE)?;
        cx.remember(Memory::SOURCE_FORWARDS_SINCE, &since.unwrap_or_else(|| cx.now())).await?;
    }
    let changed =
        RecipientEdit::of(&mailbox).forwarding(Some(&to), true).apply(cx.source()).await?;
    Outcome::done(&StoreAndForward { identity: mailbox.identity(), changed })
}
