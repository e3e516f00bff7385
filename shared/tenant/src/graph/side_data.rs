//! What Outlook keeps beside the items: inbox rules and categories.
//!
//! Rules are passed on in Graph's own JSON: the copier needs a few members and must keep the rest.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Graph;
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

impl Graph {
    /// The rules of a user's inbox (`messageRule`).
    pub async fn message_rules(&self, user: &str) -> Result<Vec<Value>, TenantError> {
        let operation = Operation::new("list inbox rules", READ);
        let path = ["users", user, "mailFolders", "inbox", "messageRules"];
        self.get(operation, &path).mailbox(user).pages(PAGES_MAX).await
    }

    /// Creates a rule of a user's inbox. Not idempotent: look for it first.
    pub async fn create_message_rule(&self, user: &str, rule: &Value) -> Result<(), TenantError> {
        let operation = Operation::new("create inbox rule", WRITE);
        let path = ["users", user, "mailFolders", "inbox", "messageRules"];
        self.post(operation, &path).mailbox(user).json(rule).done().await
    }

    /// The categories of a user's mailbox.
    pub async fn master_categories(&self, user: &str) -> Result<Vec<OutlookCategory>, TenantError> {
        let operation = Operation::new("list categories", READ);
        let path = ["users", user, "outlook", "masterCategories"];
        self.get(operation, &path).mailbox(user).pages(PAGES_MAX).await
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
