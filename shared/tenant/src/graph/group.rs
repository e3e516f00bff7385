//! Groups and teams: who is in them, and taking the migration's accounts out again.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{Graph, GraphUser, nullable};
use crate::{
    Lane, Operation, TenantError,
    error::{already_is_fine, optional},
};

const READ: &[&str] = &[
    "GroupMember.ReadWrite.All",
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_OF_USER: &[&str] = &["Directory.Read.All", "GroupMember.ReadWrite.All"];
const WRITE: &[&str] =
    &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_OWNER: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const TEAM_READ: &[&str] = &["TeamMember.ReadWrite.All", "TeamMember.Read.All"];
const TEAM_WRITE: &[&str] = &["TeamMember.ReadWrite.All"];

const GET_GROUP: Operation = Operation::new("get group", READ);
const LIST_GROUPS: Operation = Operation::new("list groups", READ);
const LIST_MEMBERS: Operation = Operation::new("list members of group", READ);
const LIST_OWNERS: Operation = Operation::new("list owners of group", READ);
const MEMBER_OF: Operation = Operation::new("list groups of user", READ_OF_USER);
const ADD_MEMBER: Operation = Operation::new("add member to group", WRITE);
const REMOVE_MEMBER: Operation = Operation::new("remove member from group", WRITE);
const ADD_OWNER: Operation = Operation::new("add owner to group", WRITE_OWNER);
const REMOVE_OWNER: Operation = Operation::new("remove owner from group", WRITE_OWNER);
const TEAM_MEMBERS: Operation = Operation::new("list members of team", TEAM_READ);
const REMOVE_TEAM_MEMBER: Operation = Operation::new("remove member from team", TEAM_WRITE);

const GROUP_SELECT: &str = "id,displayName,mail,mailEnabled,mailNickname,securityEnabled,\
groupTypes,onPremisesSyncEnabled,resourceProvisioningOptions,membershipRule";
const PAGES_MAX: usize = 2_000;

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GraphGroup {
    /// The object id, a GUID.
    pub id: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// Its address.
    pub mail: Option<String>,
    /// Whether it takes mail.
    pub mail_enabled: Option<bool>,
    /// Exchange's alias.
    pub mail_nickname: Option<String>,
    /// Whether it can be granted rights.
    pub security_enabled: Option<bool>,
    /// `Unified` for Microsoft 365 groups, `DynamicMembership`.
    #[serde(deserialize_with = "nullable")]
    pub group_types: Vec<String>,
    /// `true` when it is mastered on premises.
    pub on_premises_sync_enabled: Option<bool>,
    /// `Team` when it is a team.
    #[serde(deserialize_with = "nullable")]
    pub resource_provisioning_options: Vec<String>,
    /// The rule of a dynamic group.
    pub membership_rule: Option<String>,
}

impl GraphGroup {
    /// A Microsoft 365 group.
    pub fn is_unified(&self) -> bool {
        self.group_types.iter().any(|kind| kind == "Unified")
    }

    /// Its members come from a rule and cannot be set.
    pub fn is_dynamic(&self) -> bool {
        self.group_types.iter().any(|kind| kind == "DynamicMembership")
    }

    /// A team.
    pub fn is_team(&self) -> bool {
        self.resource_provisioning_options.iter().any(|option| option == "Team")
    }

    /// Graph cannot change it: a distribution list or mail-enabled security group, which are
    /// Exchange's.
    pub fn is_exchange_mastered(&self) -> bool {
        self.mail_enabled == Some(true) && !self.is_unified()
    }
}

/// A member of a group, or what a user is a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryObject {
    /// A user.
    User(Box<GraphUser>),
    /// A group.
    Group(Box<GraphGroup>),
    /// Another kind: contact, device, directory role, service principal.
    Other {
        /// The object id.
        id: String,
        /// The kind, for instance `#microsoft.graph.directoryRole`.
        odata_type: String,
    },
}

impl DirectoryObject {
    /// The object id.
    pub fn id(&self) -> &str {
        match self {
            Self::User(user) => &user.id,
            Self::Group(group) => &group.id,
            Self::Other { id, .. } => id,
        }
    }
}

impl<'de> Deserialize<'de> for DirectoryObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let value = Value::deserialize(deserializer)?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, odata_type) = (text("id").to_owned(), text("@odata.type").to_owned());
        match odata_type.as_str() {
            "#microsoft.graph.user" => {
                serde_json::from_value(value).map(Self::User).map_err(D::Error::custom)
            }
            "#microsoft.graph.group" => {
                serde_json::from_value(value).map(Self::Group).map_err(D::Error::custom)
            }
            _ => Ok(Self::Other { id, odata_type }),
        }
    }
}

/// A member of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamMember {
    /// The membership's id, which is not the user's.
    pub id: String,
    /// The user's object id.
    pub user_id: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// `owner`, `guest`, or none for a plain member.
    #[serde(deserialize_with = "nullable")]
    pub roles: Vec<String>,
}

/// Which of a group's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Members,
    Owners,
}

impl Part {
    /// The path of one entry's *reference*. The only place that makes it: without `$ref` the same
    /// request deletes the object itself.
    fn reference<'a>(self, group: &'a str, object: &'a str) -> [&'a str; 5] {
        ["groups", group, self.segment(), object, "$ref"]
    }

    fn segment(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Owners => "owners",
        }
    }
}

impl Graph {
    /// A group by object id.
    pub async fn get_group(&self, group: &str) -> Result<GraphGroup, TenantError> {
        self.get(GET_GROUP, &["groups", group]).query("$select", GROUP_SELECT).read().await
    }

    /// The groups that an OData filter lets through; all without one.
    pub async fn list_groups(&self, filter: Option<&str>) -> Result<Vec<GraphGroup>, TenantError> {
        let mut call = self.get(LIST_GROUPS, &["groups"]).query("$select", GROUP_SELECT);
        call = call.query("$top", "999");
        if let Some(filter) = filter {
            call = call.query("$filter", filter);
        }
        call.pages(PAGES_MAX).await
    }

    /// The direct members of a group.
    pub async fn group_members(&self, group: &str) -> Result<Vec<DirectoryObject>, TenantError> {
        self.group_part(LIST_MEMBERS, group, Part::Members).await
    }

    /// The owners of a group.
    pub async fn group_owners(&self, group: &str) -> Result<Vec<DirectoryObject>, TenantError> {
        self.group_part(LIST_OWNERS, group, Part::Owners).await
    }

    async fn group_part(
        &self,
        operation: Operation,
        group: &str,
        part: Part,
    ) -> Result<Vec<DirectoryObject>, TenantError> {
        let call = self.get(operation, &["groups", group, part.segment()]);
        // Users come with all that a migration reads; other kinds leave out what they do not have.
        let call = call.query("$select", super::user::SELECT).query("$top", "999");
        call.lane(Lane::Directory { units: 3 }).pages(PAGES_MAX).await
    }

    /// What a user is directly a member of: groups, and directory roles among them.
    pub async fn member_of(&self, user: &str) -> Result<Vec<DirectoryObject>, TenantError> {
        let call = self.get(MEMBER_OF, &["users", user, "memberOf"]);
        let call = call.query("$select", GROUP_SELECT).query("$top", "999");
        call.lane(Lane::Directory { units: 2 }).pages(PAGES_MAX).await
    }

    /// Adds a member. One who is in already is no error.
    pub async fn add_group_member(&self, group: &str, object: &str) -> Result<(), TenantError> {
        self.add_to_group(ADD_MEMBER, group, Part::Members, object).await
    }

    /// Adds an owner. One who is in already is no error.
    pub async fn add_group_owner(&self, group: &str, object: &str) -> Result<(), TenantError> {
        self.add_to_group(ADD_OWNER, group, Part::Owners, object).await
    }

    async fn add_to_group(
        &self,
        operation: Operation,
        group: &str,
        part: Part,
        object: &str,
    ) -> Result<(), TenantError> {
        let address = self.reference(operation, &["directoryObjects", object])?;
        let body = json!({ "@odata.id": address });
        let call = self.post(operation, &["groups", group, part.segment(), "$ref"]).json(&body);
        already_is_fine(call.done().await)
    }

    /// Takes a member out. One who is not in is no error.
    pub async fn remove_group_member(&self, group: &str, object: &str) -> Result<(), TenantError> {
        let call = self.delete(REMOVE_MEMBER, &Part::Members.reference(group, object));
        optional(call.done().await).map(|_absent| ())
    }

    /// Takes an owner out; the last one cannot be. One who is not in is no error.
    pub async fn remove_group_owner(&self, group: &str, object: &str) -> Result<(), TenantError> {
        let call = self.delete(REMOVE_OWNER, &Part::Owners.reference(group, object));
        optional(call.done().await).map(|_absent| ())
    }

    /// The members of a team.
    pub async fn team_members(&self, team: &str) -> Result<Vec<TeamMember>, TenantError> {
        let call = self.get(TEAM_MEMBERS, &["teams", team, "members"]);
        call.lane(Lane::Teams).pages(PAGES_MAX).await
    }

    /// Takes a member out of a team, by the id of the membership. One who is not in is no error.
    pub async fn remove_team_member(
        &self,
        team: &str,
        membership: &str,
    ) -> Result<(), TenantError> {
        let call = self.delete(REMOVE_TEAM_MEMBER, &["teams", team, "members", membership]);
        optional(call.lane(Lane::Teams).done().await).map(|_absent| ())
    }
}
