//! The gate after a script: what it decided is legal for the schema; is it allowed in this project?

use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, AttributeValue, holds_addresses};
use crate::code::Code;
use crate::notice::{Notice, Recipient};
use crate::patch::{Assigned, Assignment, UserPatch};

/// What a project allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyContext {
    /// The domains that are verified in the tenant that is written to.
    #[serde(default)]
    pub verified_domains: Vec<String>,
    /// Attributes that this project keeps as they are, beyond those that no script may set.
    #[serde(default)]
    pub protected: Vec<AttributeName>,
    /// Domains that a notification may be sent to by address.
    #[serde(default)]
    pub recipient_domains: Vec<String>,
    /// Distribution lists that a notification may be sent to.
    #[serde(default)]
    pub lists: Vec<String>,
    /// Links that a notification may hold: each allows itself and what is below its path.
    #[serde(default)]
    pub links: Vec<String>,
}

/// Something that a script decided and the project does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The numbered code.
    pub code: Code,
    /// The attribute, for patches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<AttributeName>,
    /// What is not allowed, with the value.
    pub message: String,
    /// The script that decided it.
    pub script: String,
    /// The line, for patches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match self.line {
            Some(line) => write!(f, " ({}:{line})", self.script),
            None => Ok(()),
        }
    }
}

/// What a patch decides that the project does not allow: of every value that it sets, and of every
/// option of what it leaves to be chosen.
pub fn check(patch: &UserPatch, policy: &PolicyContext) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, assigned) in &patch.values {
        let texts: Vec<&str> = texts(assigned).collect();
        found.extend(refused(name, &texts, policy).into_iter().map(|(code, message)| Violation {
            code,
            attribute: Some(name.clone()),
            message,
            script: assigned.script.to_string(),
            line: Some(assigned.line),
        }));
    }
    let Some(linked) = &patch.linked else { return found };
    for (name, text) in linked.options.iter().flatten() {
        for (code, message) in refused(name, &[text], policy) {
            let known = |known: &Violation| known.code == code && known.message == message;
            if !found.iter().any(known) {
                found.push(Violation {
                    code,
                    attribute: Some(name.clone()),
                    message,
                    script: linked.script.to_string(),
                    line: Some(linked.line),
                });
            }
        }
    }
    found
}

/// What is not allowed about giving these texts to an attribute.
fn refused(name: &AttributeName, texts: &[&str], policy: &PolicyContext) -> Vec<(Code, String)> {
    let mut found = Vec::new();
    if policy.protected.contains(name) {
        found.push((Code::P003, format!("`{name}` is protected in this project")));
    }
    if holds_addresses(name.as_str()) {
        let foreign = texts
            .iter()
            .filter_map(|text| Some((text, domain(text)?)))
            .find(|(_, domain)| !listed(domain, &policy.verified_domains));
        if let Some((text, domain)) = foreign {
            found.push((
                Code::P001,
                format!("{text} is in the domain {domain}, which is not verified"),
            ));
        }
    }
    if name.as_str() == "proxyAddresses" {
        let primary = texts.iter().filter(|text| text.starts_with("SMTP:")).count();
        if primary != 1 && !texts.is_empty() {
            let message = format!("`{name}` has {primary} primary addresses, not exactly one");
            found.push((Code::P002, message));
        }
    }
    found
}

/// What messages hold that the project does not allow. `script` names the script in the report.
pub fn check_notices(script: &str, notices: &[Notice], policy: &PolicyContext) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut add = |code, message| {
        let script = script.to_owned();
        found.push(Violation { code, attribute: None, message, script, line: None });
    };
    for notice in notices {
        for recipient in &notice.to {
            match recipient {
                Recipient::User | Recipient::Manager | Recipient::Owner => {}
                Recipient::List(list) if policy.lists.contains(list) => {}
                Recipient::List(list) => {
                    add(Code::P004, format!("the list `{list}` is not approved"));
                }
                Recipient::Address(address) => {
                    let approved = address
                        .rsplit_once('@')
                        .is_some_and(|(_, domain)| listed(domain, &policy.recipient_domains));
                    if !approved {
                        add(Code::P004, format!("the recipient {address} is not approved"));
                    }
                }
            }
        }
        let texts = [notice.subject.as_str(), notice.body.as_str()];
        let in_text = texts.into_iter().flat_map(links);
        for link in notice.links.iter().map(String::as_str).chain(in_text) {
            if !policy.links.iter().any(|approved| below(link, approved)) {
                add(Code::P005, format!("the link {link} is not approved"));
            }
        }
    }
    found
}

fn texts(assigned: &Assigned) -> Box<dyn Iterator<Item = &str> + '_> {
    match &assigned.assignment {
        Assignment::Value(value) => {
            Box::new(AttributeValue::as_texts(value).iter().map(String::as_str))
        }
        Assignment::Candidates(texts) => Box::new(texts.samples()),
        Assignment::Clear => Box::new(std::iter::empty()),
    }
}

/// The domain of an address, with or without `smtp:` before it; other kinds have none.
fn domain(text: &str) -> Option<&str> {
    let address = match text.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("smtp") => rest,
        Some(_) => return None,
        None => text,
    };
    address.rsplit_once('@').map(|(_, domain)| domain)
}

fn listed(domain: &str, domains: &[String]) -> bool {
    domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
}

/// Everything in a text that a mail program makes a link of.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "<>\"'()[]".contains(c))
        .filter_map(|word| {
            let lower = word.to_ascii_lowercase();
            let start = ["https://", "http://", "www."].iter().filter_map(|sign| lower.find(sign));
            word.get(start.min()?..)
        })
        .map(|link| link.trim_end_matches(['.', ',', ';', ':', '!', '?']))
}

/// Whether a link is the approved one or lies below its path.
fn below(link: &str, approved: &str) -> bool {
    let approved = approved.trim_end_matches('/');
    let scheme_and_host = approved.match_indices('/').count() >= 2;
    scheme_and_host
        && link
            .strip_prefix(approved)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}
