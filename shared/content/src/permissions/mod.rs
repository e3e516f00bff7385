//! Permissions (SYN-2): principals translated, rights added and never removed, what cannot be granted
//! yet kept and granted later.
//!
//! A right that was granted once is remembered and not granted again: if the target's people take it
//! away, it stays away.
//!
//! A right that waits is tried again by every later round of its mailbox. Behind the last one there is
//! none: so the match table is told for whom rights wait ([`Principals::awaited`]), and whoever sees
//! the holder come has them granted ([`CopyJob::grant_pending_permissions`]).
//!
//! [`Principals::awaited`]: crate::Principals::awaited

mod folder;
mod mailbox;

use ports::Store;
use serde::{Deserialize, Serialize};
use tenant::{
    Class, TenantError,
    exchange::{AutoMapping, FolderGrant},
    graph::drive::Recipient,
};

use crate::{
    ContentError, CopyJob, CopyMode, Granted, SourcePrincipal, TargetPrincipal, Translation,
    Workload,
    principals::obvious,
    store::{State, decode, encode, keys},
    unit::{Step, Stop, Unit, judge, pause},
};

const PERMISSIONS: Workload = Workload::Permissions;

/// A right to be granted in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// To whom, in the source.
    pub(crate) principal: SourcePrincipal,
    /// What.
    pub(crate) kind: GrantKind,
}

/// A kind of right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum GrantKind {
    /// To open the whole mailbox.
    FullAccess { mailbox: String },
    /// To send as the mailbox.
    SendAs { mailbox: String },
    /// To send on behalf of the mailbox.
    SendOnBehalf { mailbox: String },
    /// To a folder of the mailbox.
    Folder {
        mailbox: String,
        folder: String,
        path: String,
        rights: Vec<String>,
        flags: Vec<String>,
    },
    /// To a file or folder of the drive.
    Drive { drive: String, item: String, name: String, roles: Vec<String> },
}

impl GrantKind {
    /// In words.
    fn title(&self) -> String {
        match self {
            Self::FullAccess { .. } => "Full Access".to_owned(),
            Self::SendAs { .. } => "Send As".to_owned(),
            Self::SendOnBehalf { .. } => "Send on Behalf".to_owned(),
            Self::Folder { path, rights, .. } => format!("{} on `{path}`", rights.join(", ")),
            Self::Drive { name, roles, .. } => format!("{} on `{name}`", roles.join(", ")),
        }
    }
}

impl Unit<'_> {
    /// Copies permissions until all are done or the unit ends.
    pub(crate) async fn permissions(&mut self) -> Step {
        use crate::checkpoint::Stage;
        PERMISSIONS.title().clone_into(&mut self.state.checkpoint.progress.doing);
        let Stage::Permissions(mut stage) = self.state.checkpoint.stage.clone() else {
            return Ok(());
        };
        if !self.job.subject.permissions {
            self.state.checkpoint.stage = Stage::SideData;
            return Ok(());
        }
        if !stage.pending {
            self.grant_waiting(&|_| true).await?;
            stage.pending = true;
            self.state.checkpoint.stage = Stage::Permissions(stage.clone());
        }
        if self.job.subject.mailbox {
            self.mailbox_rights(stage).await?;
        }
        self.state.checkpoint.stage = Stage::SideData;
        Ok(())
    }

    /// Tries the permissions that wait for these principals.
    async fn grant_waiting(&mut self, of: OfPrincipal<'_>) -> Step {
        for grant in waiting(self.state.store, &self.state.partition).await? {
            if of(&grant.principal) {
                self.within_budget()?;
                self.grant(grant).await?;
                self.commit().await?;
            }
        }
        Ok(())
    }

    /// Grants a right, or keeps it, or drops it, as its principal translates.
    pub(crate) async fn grant(&mut self, grant: Grant) -> Step {
        let text = encode("a permission", &grant)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let granted = keys::granted(&text);
        if self.state.store.get(&self.state.key(granted.clone())).await?.is_some() {
            return Ok(());
        }
        let sort = keys::pending(&text);
        let waits = self.state.store.get(&self.state.key(sort.clone())).await?.is_some();
        let whom = whom(&grant.principal);
        let title = grant.kind.title();
        match self.translate(&grant.principal).await? {
            Translation::WellKnown => {}
            Translation::OfMigration => self.no_longer_waits(&sort, waits),
            Translation::Orphan => {
                self.note(PERMISSIONS, format!("{title} of {whom} is dropped: an orphan"));
                self.no_longer_waits(&sort, waits);
            }
            Translation::Unmatched => self.keep(&sort, &grant, waits).await?,
            Translation::Undecided(why) => {
                self.note(PERMISSIONS, format!("rights of {whom} wait: {why}"));
                self.keep(&sort, &grant, waits).await?;
            }
            Translation::Mapped(target) => match self.apply(&grant.kind, &target).await {
                Ok(()) => {
                    self.state.put(&granted, &target.object_id)?;
                    self.counts(PERMISSIONS).created += 1;
                    self.no_longer_waits(&sort, waits);
                }
                Err(error) if pause(&error).is_some() => {
                    return Err(judge("granting a permission", error));
                }
                Err(error) if matches!(error.class, Class::MissingConsent { .. }) => {
                    return Err(judge("granting a permission", error));
                }
                // Matched, but not able to hold rights yet, or the place is not there yet.
                Err(error) => {
                    self.note(PERMISSIONS, format!("{title} for {whom} waits: {error}"));
                    self.keep(&sort, &grant, waits).await?;
                }
            },
        }
        if self.state.waiting() >= 40 {
            self.commit().await?;
        }
        Ok(())
    }

    async fn translate(&self, principal: &SourcePrincipal) -> Step<Translation> {
        if principal.object_id.is_none()
            && let Some(obvious) = obvious(&principal.text)
        {
            return Ok(obvious);
        }
        Ok(self.job.principals.translate(principal).await?)
    }

    async fn keep(&mut self, sort: &str, grant: &Grant, waits: bool) -> Step {
        if !waits {
            // Told first: a right that nobody knows of would wait for ever.
            self.job.principals.awaited(&grant.principal).await?;
            self.state.put(sort, grant)?;
            self.state.checkpoint.pending = self.state.checkpoint.pending.saturating_add(1);
        }
        Ok(())
    }

    fn no_longer_waits(&mut self, sort: &str, waits: bool) {
        if waits {
            self.state.delete(sort);
            self.state.checkpoint.pending = self.state.checkpoint.pending.saturating_sub(1);
        }
    }

    async fn apply(&mut self, kind: &GrantKind, to: &TargetPrincipal) -> Result<(), TenantError> {
        self.spend(1);
        let target = self.job.target;
        let exchange = target.exchange();
        match kind {
            GrantKind::FullAccess { mailbox } => {
                let automapping = self.job.settings.automapping;
                let automapping = if automapping { AutoMapping::On } else { AutoMapping::Off };
                exchange.add_full_access(mailbox, &to.address, automapping).await
            }
            GrantKind::SendAs { mailbox } => exchange.add_send_as(mailbox, &to.address).await,
            GrantKind::SendOnBehalf { mailbox } => {
                exchange
                    .change_send_on_behalf(mailbox, std::slice::from_ref(&to.address), &[])
                    .await
            }
            GrantKind::Folder { mailbox, folder, rights, flags, .. } => {
                let grant = FolderGrant {
                    user: to.address.clone(),
                    access_rights: rights.clone(),
                    sharing_permission_flags: flags.clone(),
                };
                exchange.put_folder_permission(mailbox, folder, &grant).await
            }
            GrantKind::Drive { drive, item, roles, .. } => {
                let recipient = Recipient { object_id: Some(to.object_id.clone()), email: None };
                let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                target.graph().invite_quietly(drive, item, &recipient, &roles).await
            }
        }
    }
}

fn whom(principal: &SourcePrincipal) -> String {
    match &principal.address {
        Some(address) if *address != principal.text => format!("{} ({address})", principal.text),
        _ => principal.text.clone(),
    }
}

/// Which principals' rights are meant.
type OfPrincipal<'a> = &'a (dyn Fn(&SourcePrincipal) -> bool + Sync);

/// The grants of a copy that wait.
async fn waiting(store: &dyn Store, partition: &str) -> Result<Vec<Grant>, ContentError> {
    let records = store.query_all(partition, keys::PENDING).await?;
    records.iter().map(|record| decode(&record.key.sort, &record.value)).collect()
}

/// A right that waits for its holder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WaitingRight {
    /// Which, in words.
    pub right: String,
    /// Whose, as the source names him.
    pub holder: String,
}

/// The rights that wait in a copy's partition of the store, in an order that does not hang on the ids of
/// this run's tenants.
pub async fn waiting_rights(
    store: &dyn Store,
    partition: &str,
) -> Result<Vec<WaitingRight>, ContentError> {
    let waiting = waiting(store, partition).await?.into_iter();
    let line =
        |grant: Grant| WaitingRight { right: grant.kind.title(), holder: whom(&grant.principal) };
    let mut rights: Vec<WaitingRight> = waiting.map(line).collect();
    rights.sort();
    Ok(rights)
}

impl CopyJob<'_> {
    /// Grants the permissions that wait for these principals and can be granted now (SYN-2).
    /// Throttled, or out of its budget, it stops early: what is left waits on.
    ///
    /// It may run beside a unit of the same copy: of the two, one is [`ContentError::Superseded`].
    pub async fn grant_pending_permissions(
        &self,
        of: OfPrincipal<'_>,
    ) -> Result<Granted, ContentError> {
        let state = State::load(self.store, &self.partition).await?;
        let before = state.checkpoint.pending;
        if before == 0 {
            return Ok(Granted::default());
        }
        let mut unit = Unit::new(self, state, CopyMode::Delta);
        let ended = Box::pin(unit.grant_waiting(of)).await;
        if let Err(Stop::Failed(error)) = ended {
            return Err(error);
        }
        unit.state.commit().await?;
        let mut left: Vec<SourcePrincipal> = Vec::new();
        for grant in waiting(self.store, &self.partition).await? {
            if of(&grant.principal) && !left.contains(&grant.principal) {
                left.push(grant.principal);
            }
        }
        let waiting = unit.state.checkpoint.pending;
        Ok(Granted { granted: before.saturating_sub(waiting), waiting, left })
    }
}
