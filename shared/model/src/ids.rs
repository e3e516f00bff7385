//! Ids as types. Parsed at the edge; inside, a `WaveId` is a wave id.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text that cannot be an id.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{text}` cannot be a {what}: use 1 to 64 letters, digits, hyphens, dots or underscores, \
     starting with a letter or digit"
)]
pub struct BadId {
    what: &'static str,
    text: String,
}

/// `#` separates the parts of store keys, so no id may hold it; the rest keeps ids readable in
/// logs, URLs and file names.
fn legal(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                if legal(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let text = text.chars().take(80).collect();
                    Err(BadId { what: $what, text })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An isolated account of the hosted offering; on one machine there is one, `local`.
    CustomerId, "customer id"
);
id!(
    /// A project: one source tenant, one target tenant.
    ProjectId, "project id"
);
id!(
    /// A wave of a project.
    WaveId, "wave id"
);
id!(
    /// One person of a project: the Entra object id of the source user.
    UserId, "user id"
);
id!(
    /// A job of one user: `j` and its number among the user's jobs; a side branch adds its name.
    JobId, "job id"
);

impl JobId {
    /// The id of the user's job number `n`, padded so that ids sort in the order of the jobs.
    pub fn numbered(n: u32) -> Self {
        Self(format!("j{n:06}"))
    }
}

/// A user and whose: everything that is kept about one person is found by this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The customer.
    pub customer: CustomerId,
    /// The project.
    pub project: ProjectId,
    /// The user.
    pub user: UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_hold_a_key_separator() {
        assert!("wave-1".parse::<WaveId>().is_ok());
        for bad in ["", "a#b", "-a", "a b", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<WaveId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn job_ids_sort_in_the_order_of_the_jobs() {
        assert!(JobId::numbered(9) < JobId::numbered(10));
    }
}
