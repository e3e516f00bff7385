//! What the judge objects to.

use std::fmt;

/// Whose message it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Ours: the client sent something that Graph would not take.
    Request,
    /// Theirs: the simulator answered as Graph would not.
    Reply,
}

/// One objection, readable on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Whose message it was.
    pub side: Side,
    /// Method and path, with the reply's status where it is about a reply.
    pub subject: String,
    /// What is wrong, and where in the message.
    pub message: String,
}

impl Finding {
    /// An objection to a request.
    pub(super) fn request(subject: &str, message: impl Into<String>) -> Self {
        Self { side: Side::Request, subject: subject.to_owned(), message: message.into() }
    }

    /// An objection to a reply.
    pub(super) fn reply(subject: &str, message: impl Into<String>) -> Self {
        Self { side: Side::Reply, subject: subject.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Request => "request",
            Side::Reply => "reply to",
        };
        write!(f, "{side} {}: {}", self.subject, self.message)
    }
}
