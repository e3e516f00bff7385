//! Proxy addresses: entries such as `SMTP:anna@contoso.com`, of which one in capitals is the primary address.

use rhai::Array;

use super::addresses::{is_kind, without_kind};
use super::call::{Answer, Text, elements, one, two};
use super::fault::Fault;
use super::limits;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "proxy",
        signature: "proxy(kind: text, address: text) -> text",
        sentence: "An entry of proxyAddresses. The kind \"SMTP\" in capitals makes the primary address, \"smtp\" another one; \"X500\" and other kinds are taken as they are.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"proxy("smtp", "anna@contoso.com")"#,
                result: r#""smtp:anna@contoso.com""#,
            },
            Example {
                script: r#"proxy("SMTP", "smtp:anna@contoso.com")"#,
                result: r#""SMTP:anna@contoso.com""#,
            },
        ],
        register: |engine, name| two(engine, name, proxy),
    },
    FunctionRow {
        name: "primary_of",
        signature: "primary_of(proxies: list) -> text",
        sentence: "The primary mail address, without `SMTP:`. `()` when there is none.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"primary_of(["smtp:b@x.com", "SMTP:a@x.com"])"#,
                result: r#""a@x.com""#,
            },
            Example { script: "primary_of(()) ?? \"none\"", result: r#""none""# },
        ],
        register: |engine, name| one(engine, name, primary_of),
    },
    FunctionRow {
        name: "with_primary",
        signature: "with_primary(proxies: list, address: text) -> list",
        sentence: "The list with this primary address first. The old primary stays as another address, and no address is twice in the list.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"with_primary(["SMTP:a@old.com", "smtp:A@new.com", "X500:/o=x"], "a@new.com")"#,
            result: r#"["SMTP:a@new.com", "smtp:a@old.com", "X500:/o=x"]"#,
        }],
        register: |engine, name| two(engine, name, with_primary),
    },
    FunctionRow {
        name: "addresses_of",
        signature: "addresses_of(proxies: list, kind: text) -> list",
        sentence: "The addresses of one kind, without the kind. The kind's case does not matter.",
        category: Category::Addresses,
        entra: None,
        examples: &[Example {
            script: r#"addresses_of(["SMTP:a@x.com", "smtp:b@x.com", "X500:/o=x"], "smtp")"#,
            result: r#"["a@x.com", "b@x.com"]"#,
        }],
        register: |engine, name| two(engine, name, addresses_of),
    },
    FunctionRow {
        name: "x500_of",
        signature: "x500_of(legacy_dn: text) -> text",
        sentence: "The proxy address that keeps replies to old mail working: `X500:` and the LegacyExchangeDN. `()` for an empty one.",
        category: Category::Addresses,
        entra: None,
        examples: &[
            Example {
                script: r#"x500_of("/o=ExchangeLabs/cn=Recipients/cn=anna")"#,
                result: r#""X500:/o=ExchangeLabs/cn=Recipients/cn=anna""#,
            },
            Example { script: "x500_of(()) ?? \"none\"", result: r#""none""# },
        ],
        register: |engine, name| one(engine, name, x500_of),
    },
];

fn proxy(kind: Text, address: Text) -> Answer<String> {
    if !is_kind(&kind) {
        return Err(Fault::Value(format!(
            "the kind must be letters such as \"smtp\", but is {kind:?}"
        )));
    }
    let bare = without_kind(&address);
    if bare.is_empty() {
        return Err(Fault::Value("the address is empty".to_owned()));
    }
    limits::text(kind.len().saturating_add(bare.len()).saturating_add(1))?;
    Ok(format!("{kind}:{bare}"))
}

fn primary_of(proxies: Array) -> Answer<Option<String>> {
    let proxies = elements::<Text>(proxies)?;
    Ok(proxies.iter().find_map(|entry| entry.strip_prefix("SMTP:")).map(str::to_owned))
}

fn with_primary(proxies: Array, address: Text) -> Answer<Vec<String>> {
    let primary = proxy("SMTP".into(), address)?;
    let proxies = elements::<Text>(proxies)?;
    limits::list(proxies.len().saturating_add(1))?;
    let mut seen = std::collections::BTreeSet::from([primary.to_lowercase()]);
    let mut result = vec![primary];
    for entry in &proxies {
        let entry = match entry.strip_prefix("SMTP:") {
            Some(bare) => format!("smtp:{bare}"),
            None => entry.to_string(),
        };
        if seen.insert(entry.to_lowercase()) {
            result.push(entry);
        }
    }
    Ok(result)
}

fn addresses_of(proxies: Array, kind: Text) -> Answer<Vec<String>> {
    let of_kind = |entry: &Text| {
        let (found, bare) = entry.split_once(':')?;
        found.eq_ignore_ascii_case(&kind).then(|| bare.to_owned())
    };
    Ok(elements::<Text>(proxies)?.iter().filter_map(of_kind).collect())
}

fn x500_of(legacy_dn: Text) -> Answer<Option<String>> {
    if legacy_dn.is_empty() { Ok(None) } else { proxy("X500".into(), legacy_dn).map(Some) }
}
