//! All users of a preview together: counts, groups, collisions, differences between versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::user::{Change, Effect, UserPreview};
use crate::attributes::find;

/// The preview of a wave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The mapping's version.
    pub hash: String,
    /// Every user, in the order of the input.
    pub users: Vec<UserPreview>,
}

/// The preview in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Users with changes.
    pub change: usize,
    /// Users without.
    pub unchanged: usize,
    /// Users that the script leaves out.
    pub skipped: usize,
    /// Users that the script parks, or for whom it fails.
    pub parked: usize,
    /// How many users each attribute changes for.
    pub attributes: BTreeMap<String, usize>,
    /// Those who would be parked, by code and message.
    pub groups: Vec<Group>,
    /// Unique values that several users want first, and who.
    pub collisions: BTreeMap<String, Vec<String>>,
}

/// Users who would be parked for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// The code; `park` when the script parked them itself.
    pub code: String,
    /// The line, when it is the same fault at one place.
    pub line: Option<usize>,
    /// What is wrong with the first of them.
    pub message: String,
    /// Who.
    pub users: Vec<String>,
}

/// What differs for one user between two versions of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The user.
    pub user: String,
    /// The attribute; none when what becomes of the user differs.
    pub attribute: Option<String>,
    /// With the other version.
    pub before: String,
    /// With this version.
    pub after: String,
}

impl Preview {
    /// Counts and groups.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let mut groups: BTreeMap<(String, Option<usize>), Group> = BTreeMap::new();
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for user in &self.users {
            let reason = match &user.effect {
                Effect::Changes => {
                    summary.change += 1;
                    None
                }
                Effect::Unchanged => {
                    summary.unchanged += 1;
                    None
                }
                Effect::Skipped(_) => {
                    summary.skipped += 1;
                    None
                }
                Effect::Parked(reason) => Some(("park".to_owned(), None, reason)),
                Effect::Fails { code, message, line } => Some((code.to_string(), *line, message)),
            };
            if let Some((code, line, message)) = reason {
                summary.parked += 1;
                let group = groups.entry((code.clone(), line)).or_insert_with(|| Group {
                    code,
                    line,
                    message: message.clone(),
                    users: Vec::new(),
                });
                group.users.push(user.user.clone());
                continue;
            }
            for change in &user.changes {
                *summary.attributes.entry(change.attribute.to_string()).or_default() += 1;
                let unique = find(change.attribute.as_str()).is_some_and(|spec| spec.unique);
                if let Some(value) = change.after.as_ref().filter(|_| unique) {
                    let value = format!("{} {}", change.attribute, value.to_lowercase());
                    wanted.entry(value).or_default().push(user.user.clone());
                }
            }
        }
        summary.groups = groups.into_values().collect();
        wanted.retain(|_, users| users.len() > 1);
        summary.collisions = wanted;
        summary
    }

    /// Whether more than this share of the users, in percent, would need a person.
    pub fn blocks(&self, most_percent: u8) -> bool {
        let parked = self.users.iter().filter(|user| user.effect.needs_a_person()).count();
        parked * 100 > self.users.len() * usize::from(most_percent)
    }

    /// One user's preview, by source id or by name.
    pub fn explain(&self, user: &str) -> Option<&UserPreview> {
        self.users
            .iter()
            .find(|found| found.source_id == user || found.user.eq_ignore_ascii_case(user))
    }

    /// What this version does otherwise than another, user by user.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let before: BTreeMap<&str, &UserPreview> =
            other.users.iter().map(|user| (user.source_id.as_str(), user)).collect();
        let mut found = Vec::new();
        for user in &self.users {
            let Some(earlier) = before.get(user.source_id.as_str()) else { continue };
            if std::mem::discriminant(&user.effect) != std::mem::discriminant(&earlier.effect) {
                found.push(Difference {
                    user: user.user.clone(),
                    attribute: None,
                    before: words(&earlier.effect),
                    after: words(&user.effect),
                });
            }
            let values = |changes: &[Change]| -> BTreeMap<String, String> {
                let shown = |change: &Change| {
                    let after = change.after.clone().unwrap_or_else(|| "(cleared)".to_owned());
                    (change.attribute.to_string(), after)
                };
                changes.iter().map(shown).collect()
            };
            let (old, new) = (values(&earlier.changes), values(&user.changes));
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names.into_iter().filter(|name| old.get(*name) != new.get(*name)) {
                let shown = |side: &BTreeMap<String, String>| {
                    side.get(name).cloned().unwrap_or_else(|| "(as it is)".to_owned())
                };
                found.push(Difference {
                    user: user.user.clone(),
                    attribute: Some(name.clone()),
                    before: shown(&old),
                    after: shown(&new),
                });
            }
        }
        found
    }

    /// One line for each change and each user without one: user, effect, attribute, before, after,
    /// script, line. Cells that a spreadsheet would run as a formula are quoted with an apostrophe.
    pub fn csv(&self) -> String {
        let mut out = String::from("user,effect,attribute,before,after,script,line\n");
        for user in &self.users {
            let effect = words(&user.effect);
            if user.changes.is_empty() {
                put!(&mut out, "{},{},,,,,\n", cell(&user.user), cell(&effect));
            }
            for change in &user.changes {
                let text = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
                put!(
                    &mut out,
                    "{},{},{},{},{},{},{}\n",
                    cell(&user.user),
                    cell(&effect),
                    change.attribute,
                    text(&change.before),
                    text(&change.after),
                    cell(&change.script),
                    change.line
                );
            }
        }
        out
    }
}

fn words(effect: &Effect) -> String {
    match effect {
        Effect::Changes => "changes".to_owned(),
        Effect::Unchanged => "unchanged".to_owned(),
        Effect::Skipped(reason) => format!("skipped: {reason}"),
        Effect::Parked(reason) => format!("parked: {reason}"),
        Effect::Fails { code, message, .. } => format!("fails with {code}: {message}"),
    }
}

/// A CSV cell; one that a spreadsheet would run is made a text.
fn cell(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if runs { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
