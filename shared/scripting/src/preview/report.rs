//! All users of a preview together: counts, groups, collisions, differences between versions.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Unique values that are wanted first by several users, or by one while another object has it;
    /// and by whom.
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

/// Counts users as they come, so that a preview of any number needs no memory for each of them
/// beyond the names of those who need a person.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    summary: Summary,
    groups: BTreeMap<(String, Option<usize>), Group>,
    wanted: BTreeMap<String, Vec<String>>,
    /// Wanted values that somebody did not get.
    displaced: BTreeSet<String>,
    users: usize,
}

impl Tally {
    /// Counts one user.
    pub fn add(&mut self, user: &UserPreview) {
        self.users += 1;
        let summary = &mut self.summary;
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
            let group = self.groups.entry((code.clone(), line)).or_insert_with(|| Group {
                code,
                line,
                message: message.clone(),
                users: Vec::new(),
            });
            group.users.push(user.user.clone());
            return;
        }
        for change in &user.changes {
            match summary.attributes.get_mut(change.attribute.as_str()) {
                Some(count) => *count += 1,
                None => drop(summary.attributes.insert(change.attribute.to_string(), 1)),
            }
            let unique = find(change.attribute.as_str()).is_some_and(|spec| spec.unique);
            if let Some(value) = change.wanted.as_ref().or(change.after.as_ref()).filter(|_| unique)
            {
                let value = format!("{} {}", change.attribute, value.to_lowercase());
                if change.wanted.is_some() {
                    self.displaced.insert(value.clone());
                }
                self.wanted.entry(value).or_default().push(user.user.clone());
            }
        }
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        summary.groups = self.groups.values().cloned().collect();
        let several = self
            .wanted
            .iter()
            .filter(|(value, users)| users.len() > 1 || self.displaced.contains(value.as_str()));
        summary.collisions = several.map(|(value, users)| (value.clone(), users.clone())).collect();
        summary
    }

    /// Whether more than this share of the users, in percent, would need a person.
    pub fn blocks(&self, most_percent: u8) -> bool {
        self.summary.parked * 100 > self.users * usize::from(most_percent)
    }

    /// How many users were counted.
    pub fn users(&self) -> usize {
        self.users
    }
}

impl Preview {
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.users.iter().for_each(|user| tally.add(user));
        tally
    }

    /// Counts and groups.
    pub fn summary(&self) -> Summary {
        self.tally().summary()
    }

    /// Whether more than this share of the users, in percent, would need a person.
    pub fn blocks(&self, most_percent: u8) -> bool {
        self.tally().blocks(most_percent)
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
        let known = self
            .users
            .iter()
            .filter_map(|user| Some(differences_of(before.get(user.source_id.as_str())?, user)));
        known.flatten().collect()
    }

    /// The whole as CSV: [`csv_head`], then [`csv_lines`] of each user.
    pub fn csv(&self) -> String {
        let lines: String = self.users.iter().map(csv_lines).collect();
        format!("{}{lines}", csv_head())
    }
}

/// What one user's preview has otherwise than an earlier one.
pub fn differences_of(earlier: &UserPreview, user: &UserPreview) -> Vec<Difference> {
    let mut found = Vec::new();
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
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
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
    found
}

/// The line of names above [`csv_lines`].
pub fn csv_head() -> &'static str {
    "user,effect,attribute,before,after,script,line\n"
}

/// One line for each change of a user, or one for a user without: user, effect, attribute, before,
/// after, script, line. Cells that a spreadsheet would run as a formula are quoted with an
/// apostrophe.
pub fn csv_lines(user: &UserPreview) -> String {
    let mut out = String::new();
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
    out
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
