//! Who in the target is meant by a principal of the source (SYN-2): the match table, asked by the
//! copier.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use content::{ContentError, Principals, SourcePrincipal, TargetPrincipal, Translation};
use engine::{
    StepContext,
    records::{Loaded, load},
};
use model::{Keys, User, UserKey, UserState};
use tenant::exchange::Recipient;

use crate::{
    awaited,
    groups::{self, Meant},
};

/// The match table of a step's project.
pub(crate) struct MatchTable<'c> {
    cx: &'c StepContext<'c>,
    /// The source objects that were looked up: one person may have rights on many folders.
    meant: Mutex<BTreeMap<SourcePrincipal, Option<String>>>,
    /// Those that are no users of the project, by object id.
    others: Mutex<BTreeMap<String, Meant>>,
    lag: AtomicBool,
}

impl<'c> MatchTable<'c> {
    /// The table, with nobody looked up yet.
    pub(crate) fn new(cx: &'c StepContext<'c>) -> Self {
        Self { cx, meant: Mutex::default(), others: Mutex::default(), lag: AtomicBool::new(false) }
    }

    /// Whether somebody was asked for who is prepared and whom the target does not show yet.
    pub(crate) fn met_lag(&self) -> bool {
        self.lag.load(Ordering::Relaxed)
    }

    fn meant(&self) -> MutexGuard<'_, BTreeMap<SourcePrincipal, Option<String>>> {
        // A panic elsewhere leaves a whole map behind.
        self.meant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<String, Meant>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a user of this state has an account that can hold rights, whatever a server says.
fn is_prepared(state: UserState) -> bool {
    !matches!(
        state,
        UserState::NoMatch | UserState::Matched | UserState::Preparing | UserState::PrepareError
    )
}

#[async_trait]
impl Principals for MatchTable<'_> {
    async fn translate(&self, principal: &SourcePrincipal) -> Result<Translation, ContentError> {
        let name = principal.address.as_deref().unwrap_or(&principal.text);
        let own = self.cx.profile().cutover.app_accounts;
        if own.iter().any(|account| account.eq_ignore_ascii_case(name)) {
            return Ok(Translation::OfMigration);
        }
        let Some(key) = self.user_meant(principal).await? else {
            return Ok(Translation::Unmatched);
        };
        let Some(user) = self.user(&key).await? else {
            return Ok(match self.other(key.user.as_str()).await? {
                Meant::Group(group) => Translation::Mapped(group),
                Meant::Alone(why) => Translation::Undecided(why),
                Meant::NoGroup => Translation::Unmatched,
            });
        };
        let Some(target) = user.target else { return Ok(Translation::Unmatched) };
        // A contact or plain account cannot hold rights yet: the grant waits for the mailbox.
        let recipient = self.cx.target().recipient(&target.object_id).await.map_err(refused)?;
        let able = recipient.filter(|found| found.recipient_type_details.is_security_principal());
        Ok(match able {
            Some(found) => Translation::Mapped(TargetPrincipal {
                object_id: target.object_id,
                address: found.primary_smtp_address.unwrap_or(target.user_principal_name),
            }),
            None => {
                self.lag.fetch_or(is_prepared(user.state), Ordering::Relaxed);
                Translation::Unmatched
            }
        })
    }

    async fn awaited(&self, principal: &SourcePrincipal) -> Result<(), ContentError> {
        // Whom nobody can tell, nobody can tell anything.
        let Some(holder) = self.user_meant(principal).await? else { return Ok(()) };
        // A group has no round of its own: its rights are tried by those of the mailbox's owner.
        if self.user(&holder).await?.is_none()
            && self.other(holder.user.as_str()).await? != Meant::NoGroup
        {
            return Ok(());
        }
        awaited::note(self.cx, &holder, principal).await.map_err(asked)
    }
}

impl MatchTable<'_> {
    async fn user(&self, key: &UserKey) -> Result<Option<User>, ContentError> {
        let known: Result<Option<Loaded<User>>, _> =
            load(&*self.cx.host().store, Keys::user(key)).await;
        Ok(known.map_err(asked)?.map(|user| user.value))
    }

    /// What an object of the source is that is no user of the project.
    async fn other(&self, object: &str) -> Result<Meant, ContentError> {
        let known = self.others().get(object).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let meant = groups::meant(self.cx, object).await?;
        self.others().insert(object.to_owned(), meant.clone());
        Ok(meant)
    }

    /// The user of the project, or one it may have some day, that is meant.
    async fn user_meant(
        &self,
        principal: &SourcePrincipal,
    ) -> Result<Option<UserKey>, ContentError> {
        let known = self.meant().get(principal).cloned();
        let object = match known {
            Some(object) => object,
            None => {
                let object = self.source_object(principal).await?;
                self.meant().insert(principal.clone(), object.clone());
                object
            }
        };
        let user = object.and_then(|id| id.parse().ok());
        Ok(user.map(|user| UserKey { user, ..self.cx.key().clone() }))
    }

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

pub(crate) fn refused(error: engine::StepError) -> ContentError {
    ContentError::Principals(error.message)
}
