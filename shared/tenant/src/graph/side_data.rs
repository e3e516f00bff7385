//! What Outlook keeps beside the items: inbox rules and categories.
//!
//! Rules are passed on in Graph's own JSON: the copier needs a few members and must keep the rest.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BatchOrder, Graph, GraphCall, MailboxSettings};
use crate::{Operation, TenantError};

const READ: &[&str] = &["MailboxSettings.Read", "MailboxSettings.ReadWrite"];
const WRITE: &[&str] = &["MailboxSettings.ReadWrite"];
const PAGES_MAX: usize = 100;

/// A category of a mailbox (`outlookCategory`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlookCategory {
    /// The name, by which items refer to it.
    pub display_name: String,
    /// `preset0` to `preset24`, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// A mailbox's side data, each part with its own fate.
#[derive(Debug)]
pub struct SideData {
    /// Settings: automatic replies, language, time zone.
    pub settings: Result<MailboxSettings, TenantError>,
    /// The categories.
    pub categories: Result<Vec<OutlookCategory>, TenantError>,
    /// The rules of the inbox (`messageRule`).
    pub rules: Result<Vec<Value>, TenantError>,
}

impl Graph {
    /// Settings, categories and rules of a user's mailbox, in one request.
    pub async fn mailbox_side_data(&self, user: &str) -> Result<SideData, TenantError> {
        let settings = self.settings_call(user);
        let (categories, rules) = (self.categories_call(user), self.rules_call(user));
        let calls = vec![settings.clone(), categories.clone(), rules.clone()];
        let mut replies = self.batch(calls, BatchOrder::Any).await?.into_iter();
        let mut next = || {
            let lacking = || TenantError::refused("batch", "the batch's reply lacks an item");
            replies.next().unwrap_or_else(|| Err(lacking()))
        };
        Ok(SideData {
            settings: next().and_then(|reply| settings.parse(&reply)),
            categories: match next() {
                Ok(first) => categories.pages_from(&first, PAGES_MAX).await,
                Err(error) => Err(error),
            },
            rules: match next() {
                Ok(first) => rules.pages_from(&first, PAGES_MAX).await,
                Err(error) => Err(error),
            },
        })
    }

    fn rules_call(&self, user: &str) -> GraphCall {
        let operation = Operation::new("list inbox rules", READ);
        let path = ["users", user, "mailFolders", "inbox", "messageRules"];
        self.get(operation, &path).mailbox(user)
    }

    fn categories_call(&self, user: &str) -> GraphCall {
        let operation = Operation::new("list categories", READ);
        self.get(operation, &["users", user, "outlook", "masterCategories"]).mailbox(user)
    }

    /// The rules of a user's inbox (`messageRule`).
    pub async fn message_rules(&self, user: &str) -> Result<Vec<Value>, TenantError> {
        self.rules_call(user).pages(PAGES_MAX).await
    }

    /// Creates a rule of a user's inbox. Not idempotent: look for it first.
    pub async fn create_message_rule(&self, user: &str, rule: &Value) -> Result<(), TenantError> {
        let operation = Operation::new("create inbox rule", WRITE);
        let path = ["users", user, "mailFolders", "inbox", "messageRules"];
        self.post(operation, &path).mailbox(user).json(rule).done().await
    }

    /// The categories of a user's mailbox.
    pub async fn master_categories(&self, user: &str) -> Result<Vec<OutlookCategory>, TenantError> {
        self.categories_call(user).pages(PAGES_MAX).await
    }

    /// Creates a category. One of that name is no error.
    pub async fn create_master_category(
        &self,
        user: &str,
        category: &OutlookCategory,
    ) -> Result<(), TenantError> {
        let operation = Operation::new("create category", WRITE);
        let path = ["users", user, "outlook", "masterCategories"];
        match self.post(operation, &path).mailbox(user).json(category).done().await {
            Err(error) if error.is_already_exists() => Ok(()),
            other => other,
        }
    }
}
