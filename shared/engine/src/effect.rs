//! Writes as data: the same value is performed, journaled, shown by `plan`, and later undone.

use model::{Change, WriteRecord};
use serde_json::{Map, Value, json};
use tenant::{
    TenantClient, TenantError,
    exchange::{Anchor, Parameters},
    graph::{AssignedLicense, NewInvitation},
};

/// One write to a tenant.
#[derive(Clone, Debug)]
pub enum Effect {
    /// An Exchange cmdlet.
    Cmdlet {
        /// Its name.
        name: &'static str,
        /// Its parameters.
        parameters: Parameters,
        /// Where it is routed to.
        anchor: Anchor,
    },
    /// Properties of a directory user.
    UpdateUser {
        /// The user's object id.
        id: String,
        /// Graph's names and values; null clears.
        properties: Map<String, Value>,
    },
    /// A user's manager.
    SetManager {
        /// The user's object id.
        user: String,
        /// The manager's object id.
        manager: String,
    },
    /// A user's licences.
    AssignLicenses {
        /// The user's object id.
        user: String,
        /// Added.
        add: Vec<AssignedLicense>,
    },
    /// A person's OneDrive, which comes into being some time later.
    RequestPersonalSite {
        /// The user principal name.
        user_principal_name: String,
    },
    /// A guest.
    Invite(NewInvitation),
    /// A member of a group goes.
    RemoveGroupMember {
        /// The group's object id.
        group: String,
        /// The member's object id.
        object: String,
    },
    /// An owner of a group goes.
    RemoveGroupOwner {
        /// The group's object id.
        group: String,
        /// The owner's object id.
        object: String,
    },
    /// A member of a team goes.
    RemoveTeamMember {
        /// The team's object id.
        team: String,
        /// The membership's id.
        membership: String,
    },
}

impl Effect {
    /// A cmdlet in the directory.
    pub fn cmdlet(name: &'static str, parameters: Parameters) -> Self {
        Self::Cmdlet { name, parameters, anchor: Anchor::Tenant }
    }

    /// What it is called in the journal and in plans.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Cmdlet { name, .. } => name,
            Self::UpdateUser { .. } => "update user",
            Self::SetManager { .. } => "set manager",
            Self::AssignLicenses { .. } => "assign licences",
            Self::RequestPersonalSite { .. } => "request OneDrive",
            Self::Invite(_) => "invite guest",
            Self::RemoveGroupMember { .. } => "remove group member",
            Self::RemoveGroupOwner { .. } => "remove group owner",
            Self::RemoveTeamMember { .. } => "remove team member",
        }
    }

    /// Performs it. The answer is the object that was made, where one was; else null.
    pub(crate) async fn perform(&self, client: &TenantClient) -> Result<Value, TenantError> {
        match self {
            Self::Cmdlet { name, parameters, anchor } => {
                let reply = client.exchange().invoke(name, parameters.clone(), anchor).await?;
                Ok(reply.values.into_iter().next().unwrap_or(Value::Null))
            }
            Self::UpdateUser { id, properties } => {
                client.graph().update_user(id, properties).await.map(|()| Value::Null)
            }
            Self::SetManager { user, manager } => {
                client.graph().set_manager(user, manager).await.map(|()| Value::Null)
            }
            Self::AssignLicenses { user, add } => {
                client.graph().assign_license(user, add, &[]).await.map(|_user| Value::Null)
            }
            Self::RequestPersonalSite { user_principal_name } => {
                let people = [user_principal_name.clone()];
                client.sharepoint().request_personal_sites(&people).await.map(|()| Value::Null)
            }
            Self::Invite(invitation) => {
                let made = client.graph().invite(invitation).await?;
                Ok(json!({ "id": made.invited_user.id, "redeem": made.invite_redeem_url }))
            }
            Self::RemoveGroupMember { group, object } => {
                client.graph().remove_group_member(group, object).await.map(|()| Value::Null)
            }
            Self::RemoveGroupOwner { group, object } => {
                client.graph().remove_group_owner(group, object).await.map(|()| Value::Null)
            }
            Self::RemoveTeamMember { team, membership } => {
                client.graph().remove_team_member(team, membership).await.map(|()| Value::Null)
            }
        }
    }
}

/// A write, with the words and before-images that the journal keeps.
#[derive(Clone, Debug)]
pub struct Write {
    /// The object, by name and id.
    pub object: String,
    /// What changes.
    pub changes: Vec<Change>,
    /// The write itself.
    pub effect: Effect,
}

impl Write {
    pub(crate) fn record(&self, side: catalogue::Side) -> WriteRecord {
        WriteRecord {
            side,
            operation: self.effect.operation().to_owned(),
            object: self.object.clone(),
            changes: self.changes.clone(),
        }
    }
}

/// One attribute's change.
pub fn change(attribute: &str, before: impl Into<Value>, after: impl Into<Value>) -> Change {
    Change { attribute: attribute.to_owned(), before: before.into(), after: after.into() }
}
