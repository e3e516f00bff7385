//! Who in the target is meant by a principal of the source (SYN-2): the match table, asked by the
//! copier.

use async_trait::async_trait;
use content::{ContentError, Principals, SourcePrincipal, TargetPrincipal, Translation};
use engine::{
    StepContext,
    records::{Loaded, load},
};
use model::{Keys, User, UserKey};
use tenant::exchange::Recipient;

/// The match table of a step's project.
pub(crate) struct MatchTable<'c> {
    pub(crate) cx: &'c StepContext<'c>,
}

#[async_trait]
impl Principals for MatchTable<'_> {
    async fn translate(&self, principal: &SourcePrincipal) -> Result<Translation, ContentError> {
        let name = principal.address.as_deref().unwrap_or(&principal.text);
        let own = self.cx.profile().cutover.app_accounts;
        if own.iter().any(|account| account.eq_ignore_ascii_case(name)) {
            return Ok(Translation::OfMigration);
        }
        let Some(object_id) = self.source_object(principal).await? else {
            return Ok(Translation::Unmatched);
        };
        let Ok(user) = object_id.parse() else { return Ok(Translation::Unmatched) };
        let key = UserKey { user, ..self.cx.key().clone() };
        let known: Option<Loaded<User>> =
            load(&*self.cx.host().store, Keys::user(&key)).await.map_err(asked)?;
        let Some(target) = known.and_then(|user| user.value.target) else {
            return Ok(Translation::Unmatched);
        };
        // A contact or plain account cannot hold rights yet: the grant waits for the mailbox.
        let recipient = self.cx.target().recipient(&target.object_id).await.map_err(refused)?;
        let able = recipient.filter(|found| found.recipient_type_details.is_security_principal());
        Ok(match able {
            Some(found) => Translation::Mapped(TargetPrincipal {
                object_id: target.object_id,
                address: found.primary_smtp_address.unwrap_or(target.user_principal_name),
            }),
            None => Translation::Unmatched,
        })
    }
}

impl MatchTable<'_> {
    /// The source object that is meant. Exchange often gives only a display name; one that several
    /// people share is nobody's.
    async fn source_object(
        &self,
        principal: &SourcePrincipal,
    ) -> Result<Option<String>, ContentError> {
        if let Some(id) = &principal.object_id {
            return Ok(Some(id.clone()));
        }
        let name = principal.address.as_deref().unwrap_or(&principal.text);
        if principal.address.is_none() {
            // As an identity a display name would find whoever has it as the name of the object, too.
            let named = self.namesakes(name).await?;
            if let Some(first) = named.first() {
                return Ok(Some(first).filter(|_| named.len() == 1).and_then(object_id));
            }
        }
        match self.cx.source().recipient(name).await {
            Ok(found) => Ok(found.as_ref().and_then(object_id)),
            Err(error) if error.failure == engine::Failure::Park => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
}

impl MatchTable<'_> {
    /// Everybody in the source who is shown under a name.
    async fn namesakes(&self, name: &str) -> Result<Vec<Recipient>, ContentError> {
        let source = self.cx.source();
        let client = source.client().await.map_err(refused)?;
        let filter = format!("DisplayName -eq '{}'", name.replace('\'', "''"));
        let found = client.exchange().list_recipients(Some(&filter)).await;
        found.map_err(|error| refused(error.into()))
    }
}

fn object_id(recipient: &Recipient) -> Option<String> {
    recipient.external_directory_object_id.map(|id| id.hyphenated().to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn asked(error: engine::EngineError) -> ContentError {
    ContentError::Principals(error.to_string())
}

fn refused(error: engine::StepError) -> ContentError {
    ContentError::Principals(error.message)
}
