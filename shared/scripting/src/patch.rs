//! What a mapping script decides: the patch of one user, before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, AttributeValue};
use crate::functions::with_number;

/// The attributes that a script sets for one user or contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPatch {
    /// What is set, by attribute.
    pub values: BTreeMap<AttributeName, Assigned>,
    /// Values of several attributes that are chosen together, in order of preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<LinkedCandidates>,
    /// What the script wants a person to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Remark>,
    /// Lines of `debug(…)`, for previews.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub debug: Vec<Remark>,
    /// Whether the user goes on, and if not, why.
    #[serde(default)]
    pub verdict: Verdict,
    /// What the call used.
    pub cost: Cost,
}

impl UserPatch {
    /// The plain value that the patch sets for an attribute.
    pub fn value(&self, name: &str) -> Option<&AttributeValue> {
        match &self.values.get(name)?.assignment {
            Assignment::Value(value) => Some(value),
            Assignment::Candidates(_) | Assignment::Clear => None,
        }
    }

    /// The plain text that the patch sets for an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(AttributeValue::as_text)
    }
}

/// One attribute's assignment and where it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// What is assigned.
    pub assignment: Assignment,
    /// The script: the customer's, or the shipped default under it.
    #[serde(with = "crate::shared")]
    pub script: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// Not to be shown: in place of the value, print [`SECRET`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// What stands in for a value that a script marked as `secret(…)`.
pub const SECRET: &str = "[secret]";

/// What is assigned to an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// This value.
    Value(AttributeValue),
    /// The first of these that no other object holds, in this order.
    Candidates(Preferences),
    /// Nothing: the attribute is emptied.
    Clear,
}

impl Assignment {
    /// About how much memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(String::len).sum();
        match self {
            Self::Value(value) => texts(value.as_texts()),
            Self::Candidates(texts) => texts.samples().map(str::len).sum(),
            Self::Clear => 0,
        }
    }
}

/// Texts in the order of preference. A running number stays one, so that a hundred values are not
/// built for each person of a wave, most of whom get the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preferences(Vec<Preference>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Preference {
    Text(String),
    Numbered { base: String, from: u32, to: u32 },
}

impl Preferences {
    /// Adds one text, unless it is there.
    pub(crate) fn push(&mut self, text: String) {
        let is_same = |known: &Preference| matches!(known, Preference::Text(known) if known.eq_ignore_ascii_case(&text));
        if !self.0.iter().any(is_same) {
            self.0.push(Preference::Text(text));
        }
    }

    /// Adds a text with each number from `from` to `to`.
    pub(crate) fn push_numbered(&mut self, base: String, from: u32, to: u32) {
        self.0.push(Preference::Numbered { base, from, to });
    }

    /// Each text once, built one at a time.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let mut seen = BTreeSet::new();
        self.0.iter().flat_map(Preference::texts).filter(move |text| {
            // Most take the first, and no set is kept for them.
            seen.insert(text.to_lowercase())
        })
    }

    /// The preferred one.
    pub fn first(&self) -> Option<String> {
        self.0.iter().flat_map(Preference::texts).next()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        let count = |preference: &Preference| match preference {
            Preference::Text(_) => 1,
            Preference::Numbered { from, to, .. } => {
                usize::try_from(to.saturating_sub(*from)).unwrap_or(usize::MAX).saturating_add(1)
            }
        };
        self.0.iter().map(count).fold(0, usize::saturating_add)
    }

    /// One text of each rule: a number changes neither domain nor kind.
    pub fn samples(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|preference| match preference {
            Preference::Text(text) => text.as_str(),
            Preference::Numbered { base, .. } => base.as_str(),
        })
    }
}

impl Preference {
    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let (text, numbers) = match self {
            Self::Text(text) => (Some(text.clone()), None),
            Self::Numbered { base, from, to } => (None, Some((base, *from..=*to))),
        };
        let numbered = numbers
            .into_iter()
            .flat_map(|(base, numbers)| numbers.map(move |number| with_number(base, number)));
        text.into_iter().chain(numbered)
    }
}

/// Values of several attributes that must change together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedCandidates {
    /// The first set whose every value is free is taken.
    pub options: Vec<BTreeMap<AttributeName, String>>,
    /// The script.
    #[serde(with = "crate::shared")]
    pub script: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// A line of a script's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// What the script said.
    pub text: String,
    /// The line that said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// Whether a user goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The patch stands.
    #[default]
    GoOn,
    /// The script parked the user: a person must look.
    Parked(Remark),
    /// The script leaves the user out; no error.
    Skipped(Remark),
}

/// What one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Operations of the script.
    pub operations: u64,
    /// Microseconds of processor time.
    pub micros: u64,
    /// Bytes above the start, at the highest.
    pub peak_bytes: u64,
}

impl Cost {
    /// Both calls' costs: times and operations add up, the higher peak counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            operations: self.operations.saturating_add(other.operations),
            micros: self.micros.saturating_add(other.micros),
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
        }
    }
}

/// What `select` decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selected {
    /// The user is moved.
    Yes,
    /// The user is not, for this reason.
    No(String),
}

/// One look-up of an existing target user (MAT-2), in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchKey {
    /// The target's attribute.
    pub attribute: AttributeName,
    /// The value to look for.
    pub value: String,
}
