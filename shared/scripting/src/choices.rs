//! What the host has to choose for a script: values that no two objects may share.

use crate::attributes::{AttributeName, AttributeValue, Attributes, schema};
use crate::patch::{Assignment, Preferences, UserPatch};

/// One choice: the first option whose every value is free is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is chosen, in words: the attribute, or several.
    pub what: String,
    options: Options,
}

/// One option: a value for each attribute of the choice.
pub type ChoiceOption = Vec<(AttributeName, String)>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Options {
    One(AttributeName, Preferences),
    Several(Vec<ChoiceOption>),
}

impl Choice {
    /// The options, the preferred one first, built one at a time.
    pub fn options(&self) -> Box<dyn Iterator<Item = ChoiceOption> + Send + '_> {
        match &self.options {
            Options::One(name, texts) => {
                Box::new(texts.iter().map(|text| vec![(name.clone(), text)]))
            }
            Options::Several(options) => Box::new(options.iter().cloned()),
        }
    }
}

/// Names that are decided when the account is made: a later mapping does not rename people.
pub const AT_CREATION: &[&str] = &["userPrincipalName", "mailNickname"];

/// What `finish_user` sees: what was chosen, and what an existing account is called already.
pub(crate) fn names(existing: &Attributes, chosen: &Attributes) -> Attributes {
    let mut names = chosen.clone();
    for name in AT_CREATION {
        if let (None, Some(value)) = (chosen.get(name), existing.get(name)) {
            names.set(name, value.clone());
        }
    }
    names
}

/// The values that a space of names holds once: mail addresses and sign-in names share one, since
/// an object holds both in the same way.
pub fn space_of(attribute: &str, value: &str) -> &'static str {
    match attribute {
        "mailNickname" => "mailNickname",
        _ if value.contains('@') => "address",
        _ => schema().iter().find(|spec| spec.name == attribute).map_or("other", |spec| spec.name),
    }
}

impl UserPatch {
    /// The choices that this patch leaves to the host, always in the same order: what is chosen
    /// together first, then attribute by attribute. What an existing account is called is no choice.
    pub fn choices(&self, existing: &Attributes) -> Vec<Choice> {
        let settled = |name: &str| AT_CREATION.contains(&name) && existing.get(name).is_some();
        let mut choices = Vec::new();
        if let Some(linked) = &self.linked {
            let mut options: Vec<ChoiceOption> = linked
                .options
                .iter()
                .map(|option| {
                    let open = option.iter().filter(|(name, _)| !settled(name.as_str()));
                    open.map(|(name, value)| (name.clone(), value.clone())).collect()
                })
                .collect();
            options.retain(|option| !option.is_empty());
            if let Some(first) = options.first() {
                let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
                let what = names.join(" and ");
                choices.push(Choice { what, options: Options::Several(options) });
            }
        }
        for spec in schema().iter().filter(|spec| spec.unique && !settled(spec.name)) {
            let texts = match self.values.get(spec.name).map(|assigned| &assigned.assignment) {
                Some(Assignment::Candidates(texts)) => texts.clone(),
                Some(Assignment::Value(AttributeValue::Text(text))) => {
                    let mut only = Preferences::default();
                    only.push(text.clone());
                    only
                }
                _ => continue,
            };
            let options = Options::One(spec.into(), texts);
            choices.push(Choice { what: spec.name.to_owned(), options });
        }
        choices
    }
}

/// The words of U101: nothing is free, and who holds what. `refused` has a line for each option.
pub fn nothing_free(what: &str, refused: &[String]) -> String {
    /// So many holders are named.
    const NAMED: usize = 6;
    let shown: Vec<&str> = refused.iter().take(NAMED).map(String::as_str).collect();
    let more = if refused.len() > NAMED { ", …" } else { "" };
    let count = refused.len();
    format!("all {count} candidates for {what} are taken: {}{more}", shown.join(", "))
}
