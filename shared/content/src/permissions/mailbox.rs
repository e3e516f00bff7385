//! Rights on the whole mailbox: Full Access, Send As, Send on Behalf; then those on its folders.

use tenant::{TenantError, exchange::Recipient as ExchangeRecipient};

use super::{Grant, GrantKind, PERMISSIONS};
use crate::{
    SourcePrincipal,
    checkpoint::{PermissionStage, Stage},
    unit::{Step, Unit, judge},
};

/// Both mailboxes, as cmdlets name them.
pub(super) struct Pair {
    pub(super) source: String,
    pub(super) target: String,
}

impl Unit<'_> {
    /// Copies the rights on the mailbox and its folders.
    pub(super) async fn mailbox_rights(&mut self, mut stage: PermissionStage) -> Step {
        let job = self.job;
        let doing = "reading the source mailbox's rights";
        let source = job.source.exchange();
        let source = self.ask(doing, source.get_mailbox(&job.subject.source_user)).await?;
        let target = job.target.exchange();
        let doing = "finding the target mailbox for its rights";
        let target = self.ask(doing, target.get_mailbox(&job.subject.target_user)).await?;
        let (Some(source), Some(target)) = (source, target) else {
            self.note(PERMISSIONS, "Exchange does not know both mailboxes; rights are not copied");
            return Ok(());
        };
        let pair = Pair {
            source: identity(&source, &job.subject.source_user),
            target: identity(&target, &job.subject.target_user),
        };
        if !stage.mailbox {
            self.whole_mailbox(&pair, &source).await?;
            stage.mailbox = true;
            self.state.checkpoint.stage = Stage::Permissions(stage.clone());
        }
        self.folder_rights(&pair, stage).await
    }

    async fn whole_mailbox(&mut self, pair: &Pair, source: &ExchangeRecipient) -> Step {
        let exchange = self.job.source.exchange();
        let doing = "reading Full Access rights of the source mailbox";
        let rows = self.ask(doing, exchange.mailbox_permissions(&pair.source)).await?;
        for row in rows {
            let full = row.access_rights.iter().any(|right| right == "FullAccess");
            if !full || row.is_inherited || row.deny {
                continue;
            }
            let kind = GrantKind::FullAccess { mailbox: pair.target.clone() };
            self.grant(Grant { principal: named(&row.user), kind }).await?;
        }
        let doing = "reading Send As rights of the source mailbox";
        let rows = self.ask(doing, exchange.recipient_permissions(&pair.source)).await?;
        for row in rows {
            let denied = row.access_control_type.eq_ignore_ascii_case("Deny");
            if row.is_inherited || denied {
                continue;
            }
            let kind = GrantKind::SendAs { mailbox: pair.target.clone() };
            self.grant(Grant { principal: named(&row.trustee), kind }).await?;
        }
        for name in &source.grant_send_on_behalf_to {
            let kind = GrantKind::SendOnBehalf { mailbox: pair.target.clone() };
            self.grant(Grant { principal: named(name), kind }).await?;
        }
        Ok(())
    }
}

/// The GUID, or the Entra id where Exchange does not tell it.
fn identity(mailbox: &ExchangeRecipient, user: &str) -> String {
    mailbox.guid.map_or_else(|| user.to_owned(), |guid| guid.to_string())
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
