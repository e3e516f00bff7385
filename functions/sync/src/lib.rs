//! Sync: the initial sync's steps SYN-I1 to SYN-I5, the delta SYN-D1 and the verification SYN-4.

mod assign_licenses;
mod awaited;
mod copy;
mod copy_changes;
mod copy_content;
mod enable_remote_mailbox;
mod groups;
mod principals;
mod set_forwarding;
mod update_user;
mod verify_content;

pub use content::{Difference, VerifyReport};
pub use copy::{CopyReceipt, copy_job, verify};
pub use copy_changes::ChangesCopied;
pub use copy_content::ContentCopied;
pub use set_forwarding::Forwarding;

use catalogue::Step;
use engine::{StepContext, StepResult};

/// Runs a step of this phase; `None` for other phases' steps.
pub async fn run(step: Step, cx: &StepContext<'_>) -> Option<StepResult> {
    Some(match step {
        Step::UpdateUser => update_user::run(cx).await,
        Step::EnableRemoteMailbox => enable_remote_mailbox::run(cx),
        Step::AssignLicenses => assign_licenses::run(cx).await,
        Step::SetForwarding => set_forwarding::run(cx).await,
        Step::CopyContent => copy_content::run(cx).await,
        Step::CopyChanges => copy_changes::run(cx).await,
        Step::VerifyContent => verify_content::run(cx).await,
        _ => return None,
    })
}
