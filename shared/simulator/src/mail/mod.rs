//! Mail on its way: from a sender through forwardings of both tenants to where it ends.

mod free_busy;
mod mime;
mod outbound;
mod router;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use free_busy::FreeBusy;
pub(crate) use free_busy::look_up;
pub(crate) use mime::{addresses, header};
pub(crate) use router::{note_invitation, submit};

/// A message as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The simulator's own id; the same on every copy.
    #[serde(default)]
    pub id: String,
    /// The sender's SMTP address.
    pub from: String,
    /// The address of the envelope: SMTP, `IMCEAEX-...@domain` or an X500 name.
    pub to: String,
    /// The subject.
    #[serde(default)]
    pub subject: String,
    /// The body as plain text.
    #[serde(default)]
    pub body: String,
    /// The whole message as RFC 5322 text, where there is one.
    #[serde(default)]
    pub mime: Option<String>,
}

/// Where a copy of a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Arrival {
    /// In a mailbox's inbox.
    Mailbox {
        /// The tenant.
        tenant: Uuid,
        /// The recipient's guid.
        recipient: Uuid,
        /// Its primary address.
        address: String,
    },
    /// Outside the simulated tenants.
    Outside {
        /// The address.
        address: String,
    },
    /// Bounced.
    Ndr {
        /// The address that failed.
        address: String,
        /// For instance `550 5.7.520 Access denied, ...`.
        text: String,
    },
    /// Went round until the hop limit.
    Loop {
        /// The address at which it was given up.
        address: String,
    },
}

/// What became of all messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct MailState {
    pub(crate) arrivals: BTreeMap<String, Vec<(Timestamp, Arrival)>>,
    /// The last message that was sent as JSON, as it came.
    pub(crate) last_sent: Option<serde_json::Value>,
    /// Addresses to which an invitation was mailed, with the number of mails.
    pub(crate) invitations: BTreeMap<String, u32>,
}
