//! What a notification script decides: messages, not yet sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::functions::escaped;
use crate::patch::{Cost, Remark};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Who gets it.
    pub to: Vec<Recipient>,
    /// Not before this time; at once when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Timestamp>,
    /// How it travels.
    pub channel: Channel,
    /// Its language, as a culture or language code: `de`.
    pub language: String,
    /// The subject.
    pub subject: String,
    /// The body: plain text, or HTML of a template of the library.
    pub body: String,
    /// Whether the body is HTML.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// Files that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<Attachment>,
    /// Links that the message shows below its body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl Notice {
    /// The body with the message's links below it, as a mail shows it.
    pub fn body_with_links(&self) -> String {
        let mut body = self.body.clone();
        if !self.html && !self.links.is_empty() {
            body.push('\n');
        }
        for link in &self.links {
            if self.html {
                // What stands behind the end of an HTML document still belongs to its body.
                let link = escaped(link);
                put!(&mut body, "<p><a href=\"{link}\">{link}</a></p>\n");
            } else {
                put!(&mut body, "\n{link}");
            }
        }
        body
    }
}

/// A file of the library that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name in the library, which is its name in the message.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// The text with the message's values in it; none for a file that goes as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
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
