//! Rights on the whole mailbox: Full Access, Send As, Send on Behalf; then those on its folders.

use tenant::{TenantError, exchange::MailboxRights};

use super::{Grant, GrantKind, PERMISSIONS};
use crate::{
    SourcePrincipal,
    checkpoint::{PermissionStage, Stage},
    unit::{Step, Unit, judge},
};

impl Unit<'_> {
    /// Copies the rights on the mailbox and its folders.
    pub(super) async fn mailbox_rights(&mut self, mut stage: PermissionStage) -> Step {
        let job = self.job;
        let exchange = job.source.exchange();
        // Four cmdlets.
        let call = exchange.mailbox_rights(&job.subject.source_user);
        let rights = self.ask_many("reading the source mailbox's rights", 4, call).await?;
        let Some(rights) = rights else {
            let text = "Exchange does not know the source mailbox; its rights are not copied";
            self.note(PERMISSIONS, text);
            return Ok(());
        };
        if !stage.mailbox {
            self.whole_mailbox(&rights).await?;
            stage.mailbox = true;
            self.state.checkpoint.stage = Stage::Permissions(stage.clone());
        }
        self.folder_rights(&rights.folders, stage).await
    }

    async fn whole_mailbox(&mut self, rights: &MailboxRights) -> Step {
        let mailbox = || self.job.subject.target_user.clone();
        let mut grants = Vec::new();
        for row in &rights.permissions {
            let full = row.access_rights.iter().any(|right| right == "FullAccess");
            if full && !row.is_inherited && !row.deny {
                grants.push((&row.user, GrantKind::FullAccess { mailbox: mailbox() }));
            }
        }
        for row in &rights.recipient_permissions {
            let denied = row.access_control_type.eq_ignore_ascii_case("Deny");
            if !row.is_inherited && !denied {
                grants.push((&row.trustee, GrantKind::SendAs { mailbox: mailbox() }));
            }
        }
        for name in &rights.mailbox.grant_send_on_behalf_to {
            grants.push((name, GrantKind::SendOnBehalf { mailbox: mailbox() }));
        }
        for (principal, kind) in grants {
            self.grant(Grant { principal: named(principal), kind }).await?;
        }
        Ok(())
    }
}

/// A principal by what Exchange writes: an address, a display name, a path.
pub(super) fn named(text: &str) -> SourcePrincipal {
    let address = text.contains('@').then(|| text.to_owned());
    SourcePrincipal { text: text.to_owned(), object_id: None, address }
}

/// A refusal that concerns one folder only.
pub(super) fn of_one_folder(error: &TenantError) -> bool {
    use tenant::Class;
    matches!(error.class, Class::NotFound | Class::Invalid | Class::Ambiguous | Class::Forbidden)
}

/// The stop for another refusal.
pub(super) fn stop(error: TenantError) -> crate::unit::Stop {
    judge("reading a folder's rights", error)
}
