//! Values of which the host takes the first that no other object holds.

use std::collections::BTreeMap;

use rhai::Engine;

/// Rules in the order of the script's preference. Assign it to an attribute that must be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    rules: Vec<Rule>,
}

/// One rule: a value, or a value with a running number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// This value.
    One(Candidate),
    /// This value with each number from `from` to `to`, put where `{n}` stands, else before the `@`, else at the end.
    Numbered {
        /// The value without a number.
        base: Candidate,
        /// The first number.
        from: u32,
        /// The last number.
        to: u32,
    },
}

/// One value, or several attributes whose values must change together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// The value of the one attribute that it is assigned to.
    Text(String),
    /// Attribute to value, such as `userPrincipalName` and `mailNickname`.
    Record(BTreeMap<String, String>),
}

impl Candidates {
    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How many values the rules stand for. At most [`Candidates::MAX`].
    pub fn count(&self) -> usize {
        self.rules.iter().map(Rule::count).sum()
    }

    /// The most values that one `Candidates` stands for.
    pub const MAX: usize = 1_000;

    /// Every value in order, built one at a time.
    pub fn iter(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.rules.iter().flat_map(Rule::iter)
    }
}

impl Rule {
    fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Numbered { from, to, .. } => to.checked_sub(*from).map_or(0, |n| n as usize + 1),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Candidate> + '_> {
        match self {
            Self::One(value) => Box::new(std::iter::once(value.clone())),
            Self::Numbered { base, from, to } => Box::new((*from..=*to).map(|n| base.with_number(n))),
        }
    }
}

impl Candidate {
    fn with_number(&self, n: u32) -> Self {
        match self {
            Self::Text(text) => Self::Text(numbered(text, n)),
            Self::Record(record) => {
                Self::Record(record.iter().map(|(name, value)| (name.clone(), numbered(value, n))).collect())
            }
        }
    }
}

fn numbered(base: &str, n: u32) -> String {
    if base.contains("{n}") {
        return base.replace("{n}", &n.to_string());
    }
    match base.rsplit_once('@') {
        Some((local, domain)) => format!("{local}{n}@{domain}"),
        None => format!("{base}{n}"),
    }
}

/// Names the type for messages.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Candidates>("candidates");
}
