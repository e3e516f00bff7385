//! SYN-I2: enable the remote mailbox.
//!
//! A hybrid target enables it on premises, which no cloud interface can do. A cloud-only target has
//! no such action: the licence converts the mail user (SYN-I4).

use engine::{Outcome, StepContext, StepError, StepResult};

pub(crate) fn run(cx: &StepContext<'_>) -> StepResult {
    if !cx.project().target.capabilities.hybrid {
        return Outcome::not_applicable(
            "the target is cloud-only: the licence converts the mail user",
        );
    }
    let target = cx.target_identity();
    let name = target.map_or_else(|| "the user".to_owned(), |target| target.user_principal_name);
    Err(StepError::park(
        "on_premises",
        format!("{name} needs a remote mailbox, which is made on premises"),
        format!(
            "run Enable-RemoteMailbox -Identity {name} -RemoteRoutingAddress on the target's \
             on-premises Exchange, wait for the directory synchronisation, then sync again"
        ),
    ))
}
