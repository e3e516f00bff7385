//! The functions that the host calls in a script, and what it hands them.

use serde::{Deserialize, Serialize};

/// An entry function of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Fills in the target user.
    MapUser,
    /// Fills in the target's mail contact.
    MapContact,
    /// Fills in what depends on the unique values that were chosen.
    FinishUser,
    /// Decides whether a user moves.
    Select,
    /// Says how an existing target user is found.
    MatchKeys,
    /// Writes the messages of an event.
    Notify,
}

/// What the host hands to one parameter of an entry function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Source,
    Target,
    Chosen,
    User,
    Event,
    Context,
}

impl Entry {
    /// Every entry.
    pub const ALL: [Self; 6] = [
        Self::MapUser,
        Self::MapContact,
        Self::FinishUser,
        Self::Select,
        Self::MatchKeys,
        Self::Notify,
    ];

    /// The function's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MapUser => "map_user",
            Self::MapContact => "map_contact",
            Self::FinishUser => "finish_user",
            Self::Select => "select",
            Self::MatchKeys => "match_keys",
            Self::Notify => "notify",
        }
    }

    /// The entry of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entry| entry.name() == name)
    }

    /// How the function is declared: `map_user(source, target, ctx)`.
    pub const fn signature(self) -> &'static str {
        match self {
            Self::MapUser => "map_user(source, target, ctx)",
            Self::MapContact => "map_contact(source, target, ctx)",
            Self::FinishUser => "finish_user(source, target, chosen, ctx)",
            Self::Select => "select(source, ctx)",
            Self::MatchKeys => "match_keys(source, ctx)",
            Self::Notify => "notify(event, user, ctx)",
        }
    }

    /// What the function is for.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::MapUser => "fills in the target user; runs after the shipped mapping",
            Self::MapContact => "fills in the target's mail contact",
            Self::FinishUser => "fills in what depends on the unique values that were chosen",
            Self::Select => "returns true, false, or a text that says why the user is left out",
            Self::MatchKeys => {
                "returns a list of `#{ attribute, value }`: how an existing target user is found"
            }
            Self::Notify => {
                "returns a list of messages, each a map: `#{ to: \"user\", subject: \"…\", body: \"…\" }`"
            }
        }
    }

    /// Whether the function decides a person's attributes, and may leave them to a person.
    pub(crate) const fn fills_in(self) -> bool {
        matches!(self, Self::MapUser | Self::MapContact | Self::FinishUser)
    }

    pub(crate) const fn parameters(self) -> &'static [Parameter] {
        use Parameter::{Chosen, Context, Event, Source, Target, User};
        match self {
            Self::MapUser | Self::MapContact => &[Source, Target, Context],
            Self::FinishUser => &[Source, Target, Chosen, Context],
            Self::Select | Self::MatchKeys => &[Source, Context],
            Self::Notify => &[Event, User, Context],
        }
    }
}
