//! What is known of each attribute. The rows are in [`super::table`].

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::table::{EXTENSION_ATTRIBUTES, EXTENSION_CUSTOM_ATTRIBUTES, ROWS};
use crate::suggest::nearest;

/// One attribute: its names at both vendors' interfaces, its type and its rules.
#[derive(Clone, Debug)]
pub struct AttributeSpec {
    /// The name that scripts use.
    pub name: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The most characters of one text, where the vendor states a limit.
    pub max_length: Option<usize>,
    /// The most values of a list, where the vendor states a limit.
    pub max_values: Option<usize>,
    /// A rule on its characters.
    pub format: Format,
    /// Which interface writes it.
    pub writer: Writer,
    /// Cannot be cleared, and a new user needs it.
    pub required: bool,
    /// No two objects of a tenant share it: a script may give candidates.
    pub unique: bool,
    /// Also an attribute of a mail contact.
    pub contact: bool,
    /// Its path in Microsoft Graph's user.
    pub graph: Option<&'static str>,
    /// Its parameter in Exchange's cmdlets.
    pub exchange: Option<&'static str>,
    /// Its name in LDAP and Active Directory.
    pub ldap: Option<&'static str>,
    /// What goes wrong or is missing without it, or a trap.
    pub note: &'static str,
}

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// A list of texts.
    Texts,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A date in RFC 3339 text.
    Date,
    /// Another user, named by source id or address, resolved in a second pass.
    Link,
}

impl Kind {
    /// The type as documents and messages call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Texts => "a list of texts",
            Self::Bool => "true or false",
            Self::Number => "a whole number",
            Self::Date => "a date as text",
            Self::Link => "the id of a user",
        }
    }
}

/// A rule on the characters of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Any text without control characters.
    Free,
    /// Two capital letters, a code of ISO 3166.
    Country,
    /// A name that people see: not blank, and nothing in it that turns the direction of the text.
    Name,
    /// The id of a user, or its address.
    User,
    /// A language as in BCP 47: `de`, `de-DE`, `zh-Hans-CN`.
    Language,
    /// `local@domain`, the local part of letters, digits and `' . - _ ! # ^ ~`.
    Upn,
    /// `local@domain`.
    Address,
    /// An alias: no spaces, no `@`, no accents.
    Alias,
    /// `smtp:local@domain`, `SMTP:` for the primary one, or `X500:/o=…`.
    Proxies,
    /// RFC 3339, or a plain date, of the years 1900 to 2199.
    Date,
}

/// Which interface writes an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Microsoft Graph's user.
    Graph,
    /// An Exchange cmdlet.
    Exchange,
    /// Set by Crosswave's own steps; a script may read it and not set it.
    Protected,
    /// The vendor's; nobody writes it.
    ReadOnly,
}

impl AttributeSpec {
    /// Whether a script may assign it.
    pub const fn writable(&self) -> bool {
        matches!(self.writer, Writer::Graph | Writer::Exchange)
    }
}

/// Every attribute, by name.
pub fn schema() -> &'static [AttributeSpec] {
    static ALL: LazyLock<Vec<AttributeSpec>> = LazyLock::new(|| {
        let mut all = ROWS.to_vec();
        all.extend(EXTENSION_ATTRIBUTES.iter().map(|(name, graph, exchange)| AttributeSpec {
            name,
            meaning: "custom attribute",
            kind: Kind::Text,
            max_length: Some(1024),
            max_values: None,
            format: Format::Free,
            writer: Writer::Graph,
            required: false,
            unique: false,
            contact: true,
            graph: Some(graph),
            exchange: Some(exchange),
            ldap: Some(name),
            note: "Read-only through Graph for a user that was ever synchronised.",
        }));
        all.extend(EXTENSION_CUSTOM_ATTRIBUTES.iter().map(|(name, exchange, ldap)| {
            AttributeSpec {
                name,
                meaning: "multi-valued custom attribute",
                kind: Kind::Texts,
                max_length: Some(1024),
                max_values: None,
                format: Format::Free,
                writer: Writer::Exchange,
                required: false,
                unique: false,
                contact: true,
                graph: None,
                exchange: Some(exchange),
                ldap: Some(ldap),
                note: "",
            }
        }));
        all.sort_by_key(|spec| spec.name);
        all
    });
    &ALL
}

/// The attribute of this name.
pub fn find(name: &str) -> Option<&'static AttributeSpec> {
    let all = schema();
    all.binary_search_by_key(&name, |spec| spec.name).ok().and_then(|at| all.get(at))
}

/// The attribute that was probably meant: one letter off, or another interface's name for it.
pub fn suggest(name: &str) -> Option<&'static str> {
    let same = |other: Option<&str>| other.is_some_and(|other| other.eq_ignore_ascii_case(name));
    schema()
        .iter()
        .find(|spec| same(Some(spec.name)) || same(spec.exchange) || same(spec.ldap))
        .map(|spec| spec.name)
        .or_else(|| nearest(name, schema().iter().map(|spec| spec.name)))
}

/// Says which schema a script was checked against: part of a script's version.
pub fn schema_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| hash(schema()));
    &HASH
}

fn hash(rows: &[AttributeSpec]) -> String {
    let mut hasher = Sha256::new();
    for spec in rows {
        hasher.update(format!("{spec:?}\n"));
    }
    crate::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_rule_for_one_attribute_is_another_schema() {
        let mut rows = schema().to_vec();
        assert_eq!(hash(&rows), schema_hash());
        let last = rows.last_mut().unwrap();
        last.max_length = Some(7);
        assert_ne!(hash(&rows), schema_hash());
    }
}
