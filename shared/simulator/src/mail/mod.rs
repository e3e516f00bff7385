//! Mail on its way: from a sender through forwardings of both tenants to where it ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

/// A message as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The simulator's own id; the same on every copy.
    pub id: String,
    /// The sender's SMTP address.
    pub from: String,
    /// The address of the envelope: SMTP, `IMCEAEX-...@domain` or an X500 name.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub body: String,
    /// The whole message as RFC 5322 text, where there is one.
    pub mime: Option<String>,
}

/// Where a copy of a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}
