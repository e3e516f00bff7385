//! MAT-2: which source user and which target user are one person. The decision alone, without I/O.
//!
//! Nothing here depends on the order in which people are listed: an earlier pair of attributes
//! beats a later one, and people who contradict each other at the same pair are reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

/// Whoever may be one half of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The object id.
    pub id: String,
    /// What a person calls it, for messages: the user principal name.
    pub name: String,
    /// Attributes by their Graph names, each with all its values.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Candidate {
    /// A candidate without attributes.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), attributes: BTreeMap::new() }
    }

    /// The same with one more attribute; empty values are left out.
    #[must_use]
    pub fn with<T: Into<String>>(
        mut self,
        attribute: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).filter(|value: &String| !value.is_empty());
        self.attributes.entry(attribute.to_owned()).or_default().extend(values);
        self
    }

    /// The values of an attribute in the form in which they are compared.
    fn values(&self, attribute: &str) -> BTreeSet<String> {
        let named = |name: &&String| name.eq_ignore_ascii_case(attribute);
        let found = self.attributes.keys().find(named).and_then(|name| self.attributes.get(name));
        found
            .into_iter()
            .flatten()
            .map(|value| comparable(value))
            .filter(|v| !v.is_empty())
            .collect()
    }
}

/// Trimmed, in lower case, and an SMTP proxy address without its prefix.
fn comparable(value: &str) -> String {
    let lower = value.trim().to_lowercase();
    lower.strip_prefix("smtp:").map_or_else(|| lower.clone(), str::to_owned)
}

/// One pair of attributes: they name the same person when they have a value in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRule {
    /// The attribute of the source user.
    pub source: String,
    /// The attribute of the target user.
    pub target: String,
}

impl MatchRule {
    /// A rule.
    pub fn new(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self { source: source.into(), target: target.into() }
    }
}

impl fmt::Display for MatchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.source, self.target)
    }
}

/// What was decided about one source user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// No pair of attributes hits.
    None,
    /// The person is this target user.
    Matched {
        /// The target's object id.
        target: String,
        /// The pair that decided.
        rule: MatchRule,
    },
    /// The pair that hits first does not say who it is; nothing is guessed.
    Ambiguous {
        /// The pair.
        rule: MatchRule,
        /// Whom it hits, or who else hits the same one: by name.
        why: Doubt,
    },
}

/// Why a hit is no match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Several target users have the value.
    SeveralTargets(Vec<String>),
    /// Several source users hit the same target user.
    SeveralSources {
        /// The target user.
        target: String,
        /// The other source users.
        others: Vec<String>,
    },
    /// The target user is somebody else's already.
    Taken {
        /// The target user.
        target: String,
        /// Whose.
        by: String,
    },
}

impl Decision {
    /// What the operator reads; `None` for a clear answer.
    pub fn note(&self) -> Option<String> {
        let Self::Ambiguous { rule, why } = self else { return None };
        Some(match why {
            Doubt::SeveralTargets(targets) => {
                format!("{rule} hits {} target users: {}", targets.len(), targets.join(", "))
            }
            Doubt::SeveralSources { target, others } => {
                format!("{rule} hits {target}, and so it does for {}", others.join(", "))
            }
            Doubt::Taken { target, by } => {
                format!("{rule} hits {target}, who is matched to {by} already")
            }
        })
    }
}

/// Pairs source users with target users by an ordered list of attribute pairs (MAT-2).
///
/// `taken` names the target users that are matched already, with the name of their source user.
/// The first pair that hits decides. A target user that two source users hit goes to the one with
/// the earlier pair; at the same pair to none of them.
pub fn pair(
    sources: &[Candidate],
    targets: &[Candidate],
    rules: &[MatchRule],
    taken: &BTreeMap<String, String>,
) -> BTreeMap<String, Decision> {
    let mut owners = taken.clone();
    let mut decided: BTreeMap<String, Decision> = BTreeMap::new();
    for rule in rules {
        let index = Index::of(targets, &rule.target);
        let open: Vec<&Candidate> =
            sources.iter().filter(|source| !decided.contains_key(&source.id)).collect();
        let mut claims: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
        for source in open {
            let hits = index.hits(&source.values(&rule.source));
            match hits.as_slice() {
                [] => {}
                [only] => claims.entry(&only.id).or_default().push(source),
                many => {
                    let names = many.iter().map(|target| target.name.clone()).collect();
                    let why = Doubt::SeveralTargets(names);
                    decided
                        .insert(source.id.clone(), Decision::Ambiguous { rule: rule.clone(), why });
                }
            }
        }
        for (target, claimants) in claims {
            let name = index.name(target);
            for (source, decision) in settle(target, &name, &claimants, rule, &mut owners) {
                decided.insert(source, decision);
            }
        }
    }
    for source in sources {
        decided.entry(source.id.clone()).or_insert(Decision::None);
    }
    decided
}

/// Gives one target user to its only claimant, or to none.
fn settle(
    target: &str,
    name: &str,
    claimants: &[&Candidate],
    rule: &MatchRule,
    owners: &mut BTreeMap<String, String>,
) -> Vec<(String, Decision)> {
    let doubt = |why| Decision::Ambiguous { rule: rule.clone(), why };
    if let Some(by) = owners.get(target) {
        let why = Doubt::Taken { target: name.to_owned(), by: by.clone() };
        return claimants.iter().map(|source| (source.id.clone(), doubt(why.clone()))).collect();
    }
    if let [only] = claimants {
        owners.insert(target.to_owned(), only.name.clone());
        let matched = Decision::Matched { target: target.to_owned(), rule: rule.clone() };
        return vec![(only.id.clone(), matched)];
    }
    let contest = |source: &&Candidate| {
        let others = claimants.iter().filter(|other| other.id != source.id);
        let others = others.map(|other| other.name.clone()).collect();
        let why = Doubt::SeveralSources { target: name.to_owned(), others };
        (source.id.clone(), doubt(why))
    };
    // Its owner is unknown, but it is somebody's: no later pair may hand it to a third.
    let names: Vec<&str> = claimants.iter().map(|source| source.name.as_str()).collect();
    owners.insert(target.to_owned(), names.join(" or "));
    claimants.iter().map(contest).collect()
}

/// Target users by the values of one attribute.
struct Index<'a> {
    by_value: BTreeMap<String, BTreeMap<&'a str, &'a Candidate>>,
    by_id: BTreeMap<&'a str, &'a Candidate>,
}

impl<'a> Index<'a> {
    fn of(targets: &'a [Candidate], attribute: &str) -> Self {
        let mut index = Self { by_value: BTreeMap::new(), by_id: BTreeMap::new() };
        for target in targets {
            index.by_id.insert(&target.id, target);
            for value in target.values(attribute) {
                index.by_value.entry(value).or_default().insert(&target.id, target);
            }
        }
        index
    }

    fn hits(&self, values: &BTreeSet<String>) -> Vec<&'a Candidate> {
        let mut found: BTreeMap<&str, &Candidate> = BTreeMap::new();
        for value in values {
            found.extend(self.by_value.get(value).into_iter().flatten());
        }
        found.into_values().collect()
    }

    fn name(&self, id: &str) -> String {
        self.by_id.get(id).map_or_else(|| id.to_owned(), |target| target.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, mail: &str, employee: &str) -> Candidate {
        Candidate::new(id, id).with("mail", [mail]).with("employeeId", [employee])
    }

    fn rules() -> Vec<MatchRule> {
        vec![MatchRule::new("employeeId", "employeeId"), MatchRule::new("mail", "mail")]
    }

    fn decide(sources: &[Candidate], targets: &[Candidate]) -> BTreeMap<String, Decision> {
        pair(sources, targets, &rules(), &BTreeMap::new())
    }

    fn target(decisions: &BTreeMap<String, Decision>, source: &str) -> Option<String> {
        match &decisions[source] {
            Decision::Matched { target, .. } => Some(target.clone()),
            _ => None,
        }
    }

    fn note(decisions: &BTreeMap<String, Decision>, source: &str) -> String {
        decisions[source].note().unwrap_or_default()
    }

    /// MAT-2: the list is ordered, and the first pair that hits decides.
    #[test]
    fn the_first_pair_that_hits_decides() {
        let sources = [person("anna", "anna@old", "7")];
        let targets = [person("t-mail", "anna@old", "8"), person("t-employee", "x@new", "7")];
        assert_eq!(target(&decide(&sources, &targets), "anna").as_deref(), Some("t-employee"));
    }

    /// MAT-2
    #[test]
    fn a_later_pair_decides_when_the_earlier_ones_miss() {
        let sources = [person("anna", "anna@old", "")];
        let targets = [person("t", "Anna@OLD ", "7")];
        let decisions = decide(&sources, &targets);
        let rule = MatchRule::new("mail", "mail");
        assert_eq!(decisions["anna"], Decision::Matched { target: "t".to_owned(), rule });
    }

    #[test]
    fn empty_values_are_no_match() {
        let decisions = decide(&[person("anna", "", "")], &[person("t", "", "")]);
        assert_eq!(decisions["anna"], Decision::None);
    }

    /// MAT-2: reported, not guessed; a later pair that would hit one alone does not repair it.
    #[test]
    fn several_targets_at_the_deciding_pair_are_reported() {
        let sources = [person("anna", "anna@old", "7")];
        let targets = [person("t1", "anna@old", "7"), person("t2", "other@new", "7")];
        let decisions = decide(&sources, &targets);
        assert_eq!(target(&decisions, "anna"), None);
        assert_eq!(note(&decisions, "anna"), "employeeId = employeeId hits 2 target users: t1, t2");
    }

    /// MAT-2: one target user at most one source user.
    #[test]
    fn two_source_users_that_hit_one_target_at_the_same_pair_get_neither() {
        let sources = [person("anna", "", "7"), person("anne", "", "7"), person("bert", "", "8")];
        let targets = [person("t7", "", "7"), person("t8", "", "8")];
        let decisions = decide(&sources, &targets);
        assert_eq!(target(&decisions, "bert").as_deref(), Some("t8"));
        assert_eq!(
            note(&decisions, "anna"),
            "employeeId = employeeId hits t7, and so it does for anne"
        );
        assert_eq!(
            note(&decisions, "anne"),
            "employeeId = employeeId hits t7, and so it does for anna"
        );
    }

    /// MAT-2: the earlier pair is the better evidence, whoever is listed first.
    #[test]
    fn an_earlier_pair_beats_a_later_one_in_any_order() {
        let by_mail = person("by-mail", "t@new", "");
        let by_id = person("by-id", "", "7");
        let targets = [person("t", "t@new", "7")];
        for sources in [[by_mail.clone(), by_id.clone()], [by_id, by_mail]] {
            let decisions = decide(&sources, &targets);
            assert_eq!(target(&decisions, "by-id").as_deref(), Some("t"));
            assert_eq!(
                note(&decisions, "by-mail"),
                "mail = mail hits t, who is matched to by-id already"
            );
        }
    }

    /// MAT-2: a third cannot take by a later pair what two contest.
    #[test]
    fn a_contested_target_goes_to_nobody() {
        let sources = [person("a", "", "7"), person("b", "", "7"), person("c", "t@new", "")];
        let decisions = decide(&sources, &[person("t", "t@new", "7")]);
        assert_eq!(note(&decisions, "c"), "mail = mail hits t, who is matched to a or b already");
    }

    /// MAT-2
    #[test]
    fn a_target_that_is_matched_already_is_not_given_again() {
        let taken = BTreeMap::from([("t".to_owned(), "berta@old".to_owned())]);
        let decisions = pair(&[person("anna", "", "7")], &[person("t", "", "7")], &rules(), &taken);
        assert_eq!(
            note(&decisions, "anna"),
            "employeeId = employeeId hits t, who is matched to berta@old already"
        );
    }

    #[test]
    fn any_proxy_address_counts_and_its_prefix_does_not() {
        let source = Candidate::new("a", "a").with("mail", ["anna@old.example"]);
        let target = Candidate::new("t", "t")
            .with("proxyAddresses", ["SMTP:anna@new.example", "smtp:Anna@old.example"]);
        let rule = MatchRule::new("mail", "proxyaddresses");
        let decisions = pair(&[source], &[target], std::slice::from_ref(&rule), &BTreeMap::new());
        assert_eq!(decisions["a"], Decision::Matched { target: "t".to_owned(), rule });
    }
}
