//! Values of which the host takes the first that no other object holds.

use std::collections::BTreeMap;

use rhai::{Array, Dynamic, Engine, Map};

use super::call::{Answer, Text, argument};
use super::fault::Fault;
use super::limits;

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
    /// This value with each number from `from` to `to`. The number stands where `{n}` is, else before the `@`, else at
    /// the end.
    Numbered {
        /// The value without a number.
        base: Candidate,
        /// The first number.
        from: u32,
        /// The last number, not before the first.
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
    /// The most values that one `Candidates` stands for.
    pub const MAX: usize = 1_000;

    /// From what a script wrote: texts, records, and candidates inside, in order. Empty texts are left out, so that
    /// a rule over an empty attribute is no rule.
    pub(super) fn read(list: Array) -> Answer<Self> {
        limits::list(list.len())?;
        let mut rules = Vec::new();
        for value in list {
            match value.flatten().try_cast_result::<Self>() {
                Ok(inner) => rules.extend(inner.rules),
                Err(value) => rules.extend(Candidate::read(value)?.map(Rule::One)),
            }
            if rules.len() > Self::MAX {
                break;
            }
        }
        Self { rules }.checked()
    }

    /// One numbered rule.
    pub(super) fn numbered(base: Dynamic, from: i64, to: i64) -> Answer<Self> {
        let wrong = || {
            Fault::Value(format!(
                "the numbers must be from 0 up and in order, but are {from} to {to}"
            ))
        };
        let (Ok(from), Ok(to)) = (u32::try_from(from), u32::try_from(to)) else {
            return Err(wrong());
        };
        if to < from {
            return Err(wrong());
        }
        let base = Candidate::read(base)?;
        let rule = base.map(|base| Rule::Numbered { base, from, to });
        Self { rules: rule.into_iter().collect() }.checked()
    }

    fn checked(self) -> Answer<Self> {
        let found = self.count();
        if found > Self::MAX {
            return Err(Fault::TooLarge { what: "candidates", found, limit: Self::MAX });
        }
        Ok(self)
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How many values the rules stand for. At most [`Candidates::MAX`].
    pub fn count(&self) -> usize {
        self.rules.iter().map(Rule::count).fold(0, usize::saturating_add)
    }

    /// Every value in order, built one at a time.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Candidate> + '_> {
        Box::new(self.rules.iter().flat_map(Rule::values))
    }
}

impl<'a> IntoIterator for &'a Candidates {
    type Item = Candidate;
    type IntoIter = Box<dyn Iterator<Item = Candidate> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Rule {
    fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Numbered { from, to, .. } => {
                let numbers = u64::from(to.saturating_sub(*from)) + 1;
                usize::try_from(numbers).unwrap_or(usize::MAX)
            }
        }
    }

    fn values(&self) -> impl Iterator<Item = Candidate> + '_ {
        let (base, numbers) = match self {
            Self::One(value) => (value, None),
            Self::Numbered { base, from, to } => (base, Some(*from..=*to)),
        };
        let plain = numbers.is_none().then(|| base.clone());
        let numbered = numbers.into_iter().flatten().map(|number| base.with_number(number));
        plain.into_iter().chain(numbered)
    }
}

impl Candidate {
    /// The most bytes of a value: no attribute that must be unique is longer, and a rule may stand for a thousand.
    const BYTES: usize = 500;
    /// The most attributes of a record.
    const ATTRIBUTES: usize = 10;

    fn read(value: Dynamic) -> Answer<Option<Self>> {
        let text = |value| {
            let text = argument::<Text>(1, value)?;
            let found = text.len();
            if found > Self::BYTES {
                return Err(Fault::TooLong { what: "candidate", found, limit: Self::BYTES });
            }
            Ok(text.to_string())
        };
        match value.try_cast_result::<Map>() {
            Ok(map) if map.len() > Self::ATTRIBUTES => Err(Fault::TooLarge {
                what: "attributes",
                found: map.len(),
                limit: Self::ATTRIBUTES,
            }),
            Ok(map) => {
                let record =
                    map.into_iter().map(|(name, value)| Ok((name.to_string(), text(value)?)));
                let record: BTreeMap<_, _> = record.collect::<Answer<_>>()?;
                Ok(record.values().any(|value| !value.is_empty()).then_some(Self::Record(record)))
            }
            Err(value) => Ok(Some(text(value)?).filter(|text| !text.is_empty()).map(Self::Text)),
        }
    }

    fn with_number(&self, number: u32) -> Self {
        match self {
            Self::Text(text) => Self::Text(with_number(text, number)),
            Self::Record(record) => {
                let numbered =
                    |(name, value): (&String, &String)| (name.clone(), with_number(value, number));
                Self::Record(record.iter().map(numbered).collect())
            }
        }
    }
}

/// A text with a running number: where `{n}` stands, else before the `@`, else at the end.
pub(crate) fn with_number(base: &str, number: u32) -> String {
    if let Some((before, after)) = base.split_once("{n}") {
        return format!("{before}{number}{after}");
    }
    match base.rsplit_once('@') {
        Some((local, domain)) => format!("{local}{number}@{domain}"),
        None => format!("{base}{number}"),
    }
}

/// Names the type for messages and gives it a text form.
pub(super) fn register(engine: &mut Engine) {
    let show = |candidates: &mut Candidates| {
        const SHOWN: usize = 5;
        let mut shown: Vec<String> = candidates
            .iter()
            .take(SHOWN)
            .map(|value| match value {
                Candidate::Text(text) => text,
                Candidate::Record(record) => record.into_values().collect::<Vec<_>>().join(" + "),
            })
            .collect();
        let more = candidates.count().saturating_sub(SHOWN);
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        shown.join(", ")
    };
    engine
        .register_type_with_name::<Candidates>("candidates")
        .register_fn("to_string", show)
        .register_fn("to_debug", show)
        .register_get("count", |candidates: &mut Candidates| {
            i64::try_from(candidates.count()).unwrap_or(i64::MAX)
        });
}
