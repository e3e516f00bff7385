//! Mail addresses, domains, and names that an address may be made of.

use rhai::{Array, Dynamic, Map};

use super::call::{Answer, Text, argument, elements, one, two};
use super::diacritics::normalized;
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "domain_of",
        signature: "domain_of(address: text) -> text",
        sentence: "What follows the last `@`, in lower case. Empty when there is none.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"domain_of("SMTP:Anna@Contoso.com")"#,
            result: r#""contoso.com""#,
        }],
        register: |engine, name| {
            one(engine, name, |address: Text| domain_of(&address).to_lowercase());
        },
    },
    FunctionRow {
        name: "local_part",
        signature: "local_part(address: text) -> text",
        sentence: "What stands before the last `@`, without a kind such as `smtp:`. The whole text when there is no `@`.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"local_part("smtp:anna.m@contoso.com")"#,
            result: r#""anna.m""#,
        }],
        register: |engine, name| one(engine, name, |address: Text| local_part(&address).to_owned()),
    },
    FunctionRow {
        name: "replace_domain",
        signature: "replace_domain(address: any, domains: any) -> any",
        sentence: "An address, or each address of a list, with another domain. `domains` is the new domain, or a map from old to new that leaves other domains alone. What is not a mail address stays as it is.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"replace_domain("anna@contoso.com", "fabrikam.com")"#,
                result: r#""anna@fabrikam.com""#,
            },
            Example {
                script: r#"replace_domain(["SMTP:a@contoso.com", "smtp:a@other.org", "X500:/o=x"], #{ "contoso.com": "fabrikam.com" })"#,
                result: r#"["SMTP:a@fabrikam.com", "smtp:a@other.org", "X500:/o=x"]"#,
            },
        ],
        register: |engine, name| two(engine, name, replace_domain),
    },
    FunctionRow {
        name: "only_domains",
        signature: "only_domains(addresses: list, domains: list) -> list",
        sentence: "The addresses whose domain is one of these, without regard to case.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"only_domains(["smtp:a@x.com", "smtp:a@y.com"], ["X.com"])"#,
            result: r#"["smtp:a@x.com"]"#,
        }],
        register: |engine, name| two(engine, name, |list, domains| by_domain(list, domains, true)),
    },
    FunctionRow {
        name: "without_domains",
        signature: "without_domains(addresses: list, domains: list) -> list",
        sentence: "The addresses whose domain is none of these, without regard to case.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"without_domains(["smtp:a@x.com", "X500:/o=x"], ["x.com"])"#,
            result: r#"["X500:/o=x"]"#,
        }],
        register: |engine, name| two(engine, name, |list, domains| by_domain(list, domains, false)),
    },
    FunctionRow {
        name: "is_address",
        signature: "is_address(text: text) -> bool",
        sentence: "Whether the text has the form of a mail address: legal letters, one `@`, a domain with a dot.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example { script: r#"is_address("anna.m@contoso.com")"#, result: "true" },
            Example { script: r#"is_address("anna..m@contoso.com")"#, result: "false" },
        ],
        register: |engine, name| one(engine, name, |text: Text| is_address(&text)),
    },
    FunctionRow {
        name: "mail_nickname",
        signature: "mail_nickname(text: text) -> text",
        sentence: "A legal alias: no marks on letters, no spaces, only legal letters, single dots inside, at most 64.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"mail_nickname("José O'Neil (HR)")"#, result: r#""JoseO'NeilHR""#
            },
            Example { script: r#"mail_nickname(".anna..m.")"#, result: r#""anna.m""# },
        ],
        register: |engine, name| one(engine, name, |text: Text| alias(&text, is_alias_letter, 64)),
    },
    FunctionRow {
        name: "upn_safe",
        signature: "upn_safe(text: text) -> text",
        sentence: "A legal user principal name, or a legal part before the `@`: no marks on letters, only letters, digits and `'.-_!#^~`, at most 64 before the `@`. The domain is in lower case.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"upn_safe("José Muñoz.@Contoso.com")"#,
                result: r#""JoseMunoz@contoso.com""#,
            },
            Example { script: r#"upn_safe("anna+test")"#, result: r#""annatest""# },
        ],
        register: |engine, name| one(engine, name, upn_safe),
    },
];

/// Takes a kind such as `smtp:` off. What follows is the address.
pub(super) fn without_kind(entry: &str) -> &str {
    match entry.split_once(':') {
        Some((kind, address)) if is_kind(kind) => address,
        _ => entry,
    }
}

/// Whether a text may stand before the colon of a proxy address.
pub(super) fn is_kind(kind: &str) -> bool {
    (1..=9).contains(&kind.len()) && kind.chars().all(|letter| letter.is_ascii_alphanumeric())
}

pub(super) fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn local_part(address: &str) -> &str {
    let address = without_kind(address);
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

/// Whether a text is a mail address as a proxy or alone, and not an X500 or another kind of entry.
pub(super) fn is_mail(entry: &str) -> bool {
    let kind = entry.split_once(':').map(|(kind, _)| kind).filter(|kind| is_kind(kind));
    entry.contains('@')
        && kind.is_none_or(|kind| {
            kind.eq_ignore_ascii_case("smtp") || kind.eq_ignore_ascii_case("sip")
        })
}

fn replace_domain(addresses: Dynamic, domains: Dynamic) -> Answer<Dynamic> {
    let new = NewDomain::read(domains)?;
    match addresses.try_cast_result::<Array>() {
        Ok(list) => {
            let list = elements::<Text>(list)?;
            list.iter()
                .map(|entry| Ok(new.apply(entry)?.into()))
                .collect::<Answer<Array>>()
                .map(Into::into)
        }
        Err(text) => Ok(new.apply(&argument::<Text>(1, text)?)?.into()),
    }
}

/// The most bytes of a domain.
const DOMAIN_BYTES: usize = 255;

enum NewDomain {
    Always(Text),
    From(Vec<(String, Text)>),
}

impl NewDomain {
    fn read(domains: Dynamic) -> Answer<Self> {
        match domains.try_cast_result::<Map>() {
            Ok(map) => map
                .into_iter()
                .map(|(old, new)| Ok((without_at(&old).to_lowercase(), argument(2, new)?)))
                .collect::<Answer<_>>()
                .map(Self::From),
            Err(domain) => Ok(Self::Always(argument(2, domain)?)),
        }
    }

    fn apply(&self, entry: &str) -> Answer<String> {
        let Some((local, domain)) = entry.rsplit_once('@').filter(|_| is_mail(entry)) else {
            return Ok(entry.to_owned());
        };
        let new = match self {
            Self::Always(new) => Some(new),
            Self::From(pairs) => {
                let domain = domain.to_lowercase();
                pairs.iter().find(|(old, _)| *old == domain).map(|(_, new)| new)
            }
        };
        let Some(new) = new else {
            return Ok(entry.to_owned());
        };
        let new = without_at(new);
        if !(1..=DOMAIN_BYTES).contains(&new.len()) {
            let bytes = new.len();
            return Err(Fault::Value(format!(
                "the new domain has {bytes} bytes, not 1 to {DOMAIN_BYTES}"
            )));
        }
        limits::text(local.len().saturating_add(new.len()).saturating_add(1))?;
        Ok(format!("{local}@{new}"))
    }
}

fn without_at(domain: &str) -> &str {
    domain.strip_prefix('@').unwrap_or(domain)
}

fn by_domain(addresses: Array, domains: Array, wanted: bool) -> Answer<Array> {
    let domains: std::collections::BTreeSet<String> =
        elements::<Text>(domains)?.iter().map(|domain| without_at(domain).to_lowercase()).collect();
    let addresses = elements::<Text>(addresses)?;
    let is_in = |entry: &Text| is_mail(entry) && domains.contains(&domain_of(entry).to_lowercase());
    Ok(addresses.into_iter().filter(|entry| is_in(entry) == wanted).map(Into::into).collect())
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let dots_inside =
        |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    (1..=64).contains(&local.len())
        && local.chars().all(is_alias_letter)
        && dots_inside(local)
        && domain.len() <= DOMAIN_BYTES
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// The letters of an alias: what RFC 5322 allows in an unquoted local part.
fn is_alias_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-./=?^_`{|}~".contains(letter)
}

/// The letters of a user principal name before the `@`, from "Prepare to provision users through directory sync".
fn is_upn_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "'.-_!#^~".contains(letter)
}

/// The legal letters of a text, with single dots inside, cut to a length.
fn alias(text: &str, is_legal: fn(char) -> bool, longest: usize) -> String {
    let mut result = String::new();
    for letter in normalized(text).chars().filter(|letter| is_legal(*letter)) {
        if result.len() >= longest {
            break;
        }
        if letter != '.' || !(result.is_empty() || result.ends_with('.')) {
            result.push(letter);
        }
    }
    result.truncate(result.trim_end_matches('.').len());
    result
}

fn upn_safe(text: Text) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            let domain: String = normalized(domain)
                .to_ascii_lowercase()
                .chars()
                .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-'))
                .collect();
            format!("{}@{domain}", alias(local, is_upn_letter, 64))
        }
        None => alias(&text, is_upn_letter, 64),
    }
}
