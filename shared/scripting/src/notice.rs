//! What a notification script decides: messages, not yet sent.

use serde::{Deserialize, Serialize};

use crate::patch::{Cost, Remark};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Who gets it.
    pub to: Vec<Recipient>,
    /// How it travels.
    pub channel: Channel,
    /// Its language, as a culture or language code: `de`.
    pub language: String,
    /// The subject.
    pub subject: String,
    /// The body, plain text.
    pub body: String,
    /// Links that the message shows apart from its body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

/// Who gets a message: a role, or an address in an approved domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Recipient {
    /// The user who moves.
    User,
    /// That user's manager.
    Manager,
    /// Who runs the project.
    Owner,
    /// An approved distribution list of the project: `list:helpdesk`.
    List(String),
    /// An address; the policy gate looks at its domain.
    Address(String),
}

impl From<String> for Recipient {
    fn from(text: String) -> Self {
        match text.as_str() {
            "user" => Self::User,
            "manager" => Self::Manager,
            "owner" => Self::Owner,
            _ => match text.strip_prefix("list:") {
                Some(list) => Self::List(list.to_owned()),
                None => Self::Address(text),
            },
        }
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::User => "user".into(),
            Recipient::Manager => "manager".into(),
            Recipient::Owner => "owner".into(),
            Recipient::List(list) => format!("list:{list}"),
            Recipient::Address(address) => address,
        }
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// As mail.
    #[default]
    Mail,
    /// As a signed webhook of the project.
    Webhook,
}

/// The messages of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// In the order of the script.
    pub notices: Vec<Notice>,
    /// What the script wants a person to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Remark>,
    /// What the call used.
    pub cost: Cost,
}
