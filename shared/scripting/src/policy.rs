//! The gate after a script: what it decided is legal for the schema; is it allowed in this project?

use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, AttributeValue, holds_addresses, is_address};
use crate::code::Code;
use crate::library::{HTML, words};
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
                    // One address and nothing else: a mail program reads a list in
                    // `a@evil.example,b@fabrikam.com`.
                    let domain = address.split_once('@').filter(|_| is_address(address));
                    let listed =
                        domain.is_some_and(|(_, it)| listed(it, &policy.recipient_domains));
                    if !listed {
                        add(Code::P004, format!("the recipient {address} is not approved"));
                    }
                }
            }
        }
        let mut texts = vec![notice.subject.clone()];
        // Where a template's links lead is looked at as a whole, and so are a message's own.
        let mut whole = notice.links.clone();
        let attached = notice
            .attach
            .iter()
            .filter_map(|file| Some((file.text.as_deref()?, file.content_type == HTML)));
        for (text, html) in attached.chain([(notice.body.as_str(), notice.html)]) {
            if html {
                let (read, links) = words(text);
                texts.push(read);
                whole.extend(links);
            } else {
                texts.push(text.to_owned());
            }
        }
        let in_text = texts.iter().flat_map(|text| links(text));
        for link in whole.iter().map(String::as_str).chain(in_text) {
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

/// Everything in a text that a mail program may make a link of, in time linear in the text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "<>\"'()[]{}|`,;".contains(c))
        .filter_map(|word| word.get(link_start(word)?..))
        .map(|link| link.trim_end_matches(['.', ':', '!', '?']))
}

/// Schemes that need no `//`.
const SCHEMES: &[&str] = &[
    "mailto:",
    "tel:",
    "sms:",
    "callto:",
    "sip:",
    "skype:",
    "msteams:",
    "data:",
    "javascript:",
    "file:",
];

/// Where in a word something begins that names a place: a scheme, `//host`, `\\host`, `www.`, or a
/// host with a path.
fn link_start(word: &str) -> Option<usize> {
    let lower = word.to_ascii_lowercase();
    let slashes = ["//", "\\\\"].iter().filter_map(|sign| lower.find(sign)).map(|at| {
        let before = lower.get(..at).unwrap_or_default();
        match before.strip_suffix(':') {
            Some(scheme) => {
                let scheme_char = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
                scheme.trim_end_matches(scheme_char).len()
            }
            None => at,
        }
    });
    let named = SCHEMES.iter().chain(&["www."]).filter_map(|sign| lower.find(sign));
    slashes.chain(named).chain(host_with_path(&lower)).min()
}

/// Where a host with a path, a port, a question or a mark after it begins: `evil.example/login`.
fn host_with_path(word: &str) -> Option<usize> {
    let mut from = 0;
    for (at, _) in word.match_indices(['/', '?', '#', ':', '\\']) {
        let before = word.get(from..at)?;
        let host = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let begin = before.trim_end_matches(host).len();
        let name = before.get(begin..)?.trim_matches('.');
        let top = name.rsplit_once('.').map(|(_, top)| top);
        let is_top = |top: &str| {
            top.starts_with("xn--")
                || top.chars().count() > 1 && top.chars().all(char::is_alphabetic)
        };
        let followed = word.get(at + 1..).is_some_and(|rest| !rest.is_empty())
            || word.get(at..).is_some_and(|rest| rest.starts_with('/'));
        if followed && top.is_some_and(is_top) {
            return Some(from + begin);
        }
        from = at + 1;
    }
    None
}

/// Whether a link is the approved one or lies below its path.
fn below(link: &str, approved: &str) -> bool {
    let approved = approved.trim_end_matches('/');
    let scheme_and_host = approved.match_indices('/').count() >= 2;
    // Two dots lead up and out of the path again, however they are written.
    let stays = |rest: &str| {
        let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        !path.contains("..") && !path.contains("%2e") && !path.contains('\\')
    };
    scheme_and_host
        && link.strip_prefix(approved).is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with(['/', '?', '#'])) && stays(rest)
        })
}
