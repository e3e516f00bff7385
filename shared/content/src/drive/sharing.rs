//! Permissions of shared files and folders: granted to the translated principals, without a mail.

use tenant::{
    Class,
    graph::drive::{DrivePermission, IdentitySet},
};

use super::DriveCopy;
use crate::{
    Workload, pages,
    permissions::{Grant, GrantKind},
    principals::SourcePrincipal,
    store::keys,
    unit::{Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;

impl Unit<'_> {
    /// Copies the permissions of the items that this round found shared.
    pub(super) async fn sharing(&mut self, copy: &mut DriveCopy<'_>) -> Step {
        if !self.job.subject.permissions {
            // What is shared stays listed, for a sync that is asked for them.
            return Ok(());
        }
        loop {
            self.commit_drive(copy).await?;
            let query = ports::Query {
                partition: self.state.partition.clone(),
                prefix: keys::all_shared(DRIVE),
                after: None,
                limit: 1,
            };
            let page = self.state.store.query(&query).await?;
            let Some(record) = page.records.into_iter().next() else { return Ok(()) };
            let rows = pages::unpack::<2>(&record.key.sort, &record.value)?;
            let ids = rows.iter().map(|[id, _]| id.clone()).collect();
            let files = copy.files.find(&ids).await?;
            let mut left: Vec<[String; 2]> = rows.clone();
            let sort = record.key.sort.clone();
            for [id, name] in rows {
                let file = files.get(&id).map(|entry| entry.target.clone());
                let folder = copy.folder.get(&id).map(|place| place.target.clone());
                let shared = match file.or(folder) {
                    Some(target) => self.share(copy, &id, &name, &target).await,
                    // A bad item; its permissions come with it.
                    None => Ok(()),
                };
                if shared.is_ok() {
                    left.retain(|[other, _]| *other != id);
                }
                let over = shared.and_then(|()| self.within_budget());
                if over.is_err() {
                    let key = self.state.key(sort.clone());
                    self.state.change(ports::Change::put(key, pages::pack(&left)));
                    over?;
                }
            }
            self.state.delete(sort);
        }
    }

    async fn share(&mut self, copy: &DriveCopy<'_>, id: &str, name: &str, target: &str) -> Step {
        let source = self.job.source.graph();
        self.spend(1);
        let permissions = match source.drive_permissions(&copy.source, id).await {
            Ok(permissions) => permissions,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if matches!(error.class, Class::Forbidden) => {
                self.note(DRIVE, format!("the permissions of `{name}` cannot be read: {error}"));
                return Ok(());
            }
            Err(error) => return Err(judge("reading permissions of the source's OneDrive", error)),
        };
        for permission in permissions {
            if permission.inherited_from.is_some() {
                continue;
            }
            let roles: Vec<String> = permission.roles.clone().unwrap_or_default();
            // The owner owns the copy already.
            let roles: Vec<String> = roles.into_iter().filter(|role| role != "owner").collect();
            if permission.link.is_some() {
                let text = format!(
                    "a sharing link of `{name}` is not copied: its address changes; the people it names keep their rights"
                );
                self.note(DRIVE, text);
            }
            for principal in principals(&permission) {
                if roles.is_empty() {
                    continue;
                }
                let (drive, item) = (copy.target.clone(), target.to_owned());
                let kind =
                    GrantKind::Drive { drive, item, name: name.to_owned(), roles: roles.clone() };
                self.grant(Grant { principal, kind }).await?;
            }
        }
        Ok(())
    }
}

/// The people and groups that a permission names.
fn principals(permission: &DrivePermission) -> Vec<SourcePrincipal> {
    let several = permission.granted_to_identities_v2.iter().flatten();
    let all = permission.granted_to_v2.iter().chain(several);
    all.filter_map(principal).collect()
}

fn principal(set: &IdentitySet) -> Option<SourcePrincipal> {
    let identity = set.user.as_ref().or(set.group.as_ref()).or(set.site_user.as_ref())?;
    let text =
        identity.display_name.as_ref().or(identity.email.as_ref()).cloned().unwrap_or_default();
    Some(SourcePrincipal { text, object_id: identity.id.clone(), address: identity.email.clone() })
}
