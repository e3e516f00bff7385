//! Cutover: CUT-T1 to CUT-T10 under `target`, CUT-S1 to CUT-S9 under `source`, one file each, in
//! the order of the specification.

mod mailbox;
mod source;
mod target;

use catalogue::Step;
use engine::{StepContext, StepResult};

/// Runs a step of this phase; `None` for other phases' steps.
pub async fn run(step: Step, cx: &StepContext<'_>) -> Option<StepResult> {
    Some(match step {
        Step::BeginFirstDelta => target::begin_first_delta::run(cx),
        Step::UpdateTargetUser => target::update_target_user::run(cx).await,
        Step::UnhideTargetMailbox => target::unhide_target_mailbox::run(cx).await,
        Step::RemoveForwarding => target::remove_forwarding::run(cx).await,
        Step::HideContact => target::hide_contact::run(cx).await,
        Step::ClearContactLegacyDn => target::clear_contact_legacy_dn::run(cx).await,
        Step::StampContactX500 => target::stamp_contact_x500::run(cx).await,
        Step::StampSourceX500 => target::stamp_source_x500::run(cx).await,
        Step::CompleteFirstDelta => target::complete_first_delta::run(cx).await,
        Step::AwaitOutlookCutover => target::await_outlook_cutover::run(cx).await,
        Step::BeginSecondDelta => source::begin_second_delta::run(cx),
        Step::UpdateSourceUser => source::update_source_user::run(cx).await,
        Step::HideSourceMailbox => source::hide_source_mailbox::run(cx).await,
        Step::SetStoreAndForward => source::set_store_and_forward::run(cx).await,
        Step::CreateSourceContact => source::create_source_contact::run(cx).await,
        Step::CompleteSecondDelta => source::complete_second_delta::run(cx).await,
        Step::NotifyUser => source::notify_user::run(cx).await,
        Step::RemoveAppAccess => source::remove_app_access::run(cx).await,
        Step::Complete => source::complete::run(cx).await,
        _ => return None,
    })
}
