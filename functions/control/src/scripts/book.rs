//! Who holds which name in the target, as discovered: what a preview chooses unique values from.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Host, records::EngineError, reservations};
use model::Stored;
use scripting::{
    AttributeValue, Attributes, ChoiceOption, UserInput, UserPatch, nothing_free,
    preview::{Choose, Taken},
    space_of,
};

use crate::{
    ControlError, Scope,
    directory::{TARGET, TargetEntry, page_of},
};

/// The names of the target, those that are reserved, and those that the preview has given away.
/// Nothing of it is written.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Object id (empty for what has none) and words of each object.
    objects: Vec<(String, String)>,
    /// Space and value to the object's place in [`Self::objects`].
    held: BTreeMap<(&'static str, String), usize>,
    /// Space and value to the source user who has it reserved.
    reserved: BTreeMap<(&'static str, String), String>,
    /// Source users who have anything reserved.
    reserving: BTreeSet<String>,
    /// Space and value to the user of this preview who got it.
    given: BTreeMap<(&'static str, String), String>,
    /// Users' values by attribute, for those attributes that something is matched by.
    by_attribute: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Source ids to target ids, for the page in hand.
    pub(super) own: BTreeMap<String, String>,
}

impl Book {
    pub(super) async fn read(host: &Host, scope: &Scope) -> Result<Self, ControlError> {
        let mut book = Self::default();
        each_target(host, scope, |entry| {
            let place = book.objects.len();
            for address in entry.addresses {
                book.held.entry(("address", address)).or_insert(place);
            }
            if !entry.alias.is_empty() {
                book.held.entry(("mailNickname", entry.alias)).or_insert(place);
            }
            book.objects.push((entry.object_id, entry.words));
        })
        .await?;
        for (space, value, user) in
            reservations(&*host.store, &scope.customer, &scope.project).await?
        {
            book.reserving.insert(user.to_string());
            book.reserved.insert((space_of(&space, &value), value), user.to_string());
        }
        Ok(book)
    }

    /// The ids of the target users that have this value in this attribute.
    pub(super) async fn found(
        &mut self,
        host: &Host,
        scope: &Scope,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<String>, ControlError> {
        if !self.by_attribute.contains_key(attribute) {
            let mut index: BTreeMap<String, Vec<String>> = BTreeMap::new();
            each_target(host, scope, |entry| {
                for value in entry
                    .attributes
                    .get(attribute)
                    .map(AttributeValue::as_texts)
                    .unwrap_or_default()
                {
                    let value = bare(value).to_lowercase();
                    index.entry(value).or_default().push(entry.object_id.clone());
                }
            })
            .await?;
            self.by_attribute.insert(attribute.to_owned(), index);
        }
        let index = self.by_attribute.get(attribute);
        let found = index.and_then(|index| index.get(&bare(value).to_lowercase()));
        Ok(found.cloned().unwrap_or_default())
    }

    /// Who has a value, if it is not this user.
    fn holder(&self, user: &UserInput, key: &(&'static str, String)) -> Option<String> {
        let value = &key.1;
        let name = user.source.text("userPrincipalName").unwrap_or(&user.source_id);
        if let Some(other) = self.given.get(key).filter(|other| *other != name) {
            return Some(format!("{value} by {other} of this preview"));
        }
        match self.reserved.get(key) {
            Some(other) if *other == user.source_id => return None,
            Some(other) => {
                return Some(format!("{value} by user {other} of this project (reserved)"));
            }
            None => {}
        }
        let (id, words) = self.objects.get(*self.held.get(key)?)?;
        let mine = self.own.get(&user.source_id).is_some_and(|own| own.eq_ignore_ascii_case(id));
        (!mine).then(|| format!("{value} by {words}"))
    }
}

impl Choose for Book {
    fn choose(&mut self, user: &UserInput, patch: &UserPatch) -> Result<Attributes, Taken> {
        let name = user.source.text("userPrincipalName").unwrap_or(&user.source_id).to_owned();
        let mut chosen = Attributes::new();
        for choice in patch.choices(&user.target) {
            let mut refused = Vec::new();
            let keys = |option: &ChoiceOption| -> Vec<_> {
                let key = |(name, value): &(scripting::AttributeName, String)| {
                    (space_of(name.as_str(), value), value.to_lowercase())
                };
                option.iter().map(key).collect()
            };
            // What the account has already, or an earlier run has reserved, comes first. Most have
            // neither, and a hundred candidates are not built for them.
            let has = |(name, value): &(scripting::AttributeName, String)| {
                let now = user.target.text(name.as_str());
                now.is_some_and(|now| now.eq_ignore_ascii_case(value))
            };
            let mine = if user.target.is_empty() {
                None
            } else {
                choice.options().find(|option| option.iter().all(has))
            };
            let reserved = || {
                if !self.reserving.contains(&user.source_id) {
                    return None;
                }
                choice.options().find(|option| {
                    keys(option).iter().all(|key| self.reserved.get(key) == Some(&user.source_id))
                })
            };
            let free = |refused: &mut Vec<String>| {
                choice.options().find(|option| {
                    let held = keys(option).iter().find_map(|key| self.holder(user, key));
                    refused.extend(held.clone());
                    held.is_none()
                })
            };
            let Some(option) = mine.or_else(reserved).or_else(|| free(&mut refused)) else {
                let message = nothing_free(&choice.what, &refused);
                return Err(Taken { what: choice.what.clone(), message });
            };
            for key in keys(&option) {
                self.given.insert(key, name.clone());
            }
            for (name, value) in option {
                chosen.set(name.as_str(), value.as_str());
            }
        }
        Ok(chosen)
    }
}

/// An address without the kind before it.
fn bare(value: &str) -> &str {
    value.split_once(':').map_or(value, |(_, bare)| bare)
}

async fn each_target(
    host: &Host,
    scope: &Scope,
    mut each: impl FnMut(TargetEntry),
) -> Result<(), ControlError> {
    let mut after = None;
    loop {
        let page = host.store.query(&page_of(&scope.directory(), TARGET, after)).await?;
        for record in page.records {
            each(TargetEntry::from_bytes(&record.value).map_err(EngineError::from)?);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
