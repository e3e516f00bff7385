//! Settings of a mailbox that Graph offers: language, time zone, automatic replies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Graph, GraphCall};
use crate::{Operation, TenantError};

const GET: Operation =
    Operation::new("get mailbox settings", &["MailboxSettings.ReadWrite", "MailboxSettings.Read"]);
const UPDATE: Operation = Operation::new("update mailbox settings", &["MailboxSettings.ReadWrite"]);

/// Settings of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MailboxSettings {
    /// The time zone, a Windows name.
    pub time_zone: Option<String>,
    /// The date format.
    pub date_format: Option<String>,
    /// The time format.
    pub time_format: Option<String>,
    /// The language.
    pub language: Option<Locale>,
    /// `user`, `linked`, `shared`, `room`, `equipment`, `others`.
    pub user_purpose: Option<String>,
    /// Automatic replies, as Graph describes them (`automaticRepliesSetting`).
    pub automatic_replies_setting: Option<Value>,
    /// Working hours, as Graph describes them (`workingHours`).
    pub working_hours: Option<Value>,
}

/// A language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Locale {
    /// `de-DE`.
    pub locale: Option<String>,
    /// `German (Germany)`.
    pub display_name: Option<String>,
}

impl Graph {
    /// The settings of a user's mailbox; [`crate::Class::NoMailbox`] if there is none.
    pub async fn mailbox_settings(&self, user: &str) -> Result<MailboxSettings, TenantError> {
        self.settings_call(user).read().await
    }

    pub(super) fn settings_call(&self, user: &str) -> GraphCall {
        self.get(GET, &["users", user, "mailboxSettings"]).mailbox(user)
    }

    /// Changes settings of a user's mailbox.
    pub async fn update_mailbox_settings(
        &self,
        user: &str,
        settings: &Map<String, Value>,
    ) -> Result<(), TenantError> {
        let call = self.patch(UPDATE, &["users", user, "mailboxSettings"]).json(settings);
        call.mailbox(user).done().await
    }
}
