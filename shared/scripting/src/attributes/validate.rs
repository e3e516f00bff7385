//! The rules of a value, checked where a script assigns it.

use super::schema::{AttributeSpec, Format, Kind};
use super::{AttributeValue, schema};

/// Why a value is refused, in words that name the attribute and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Refusal {
    fn new(message: String) -> Self {
        Self { message, help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The most characters of a text for which the vendor states no limit.
const MOST_CHARACTERS: usize = 8_000;
/// The most texts that one multi-valued attribute takes.
const MOST_VALUES: usize = 500;

/// Checks type, length and characters of a value for this attribute.
pub fn validate(spec: &AttributeSpec, value: &AttributeValue) -> Result<(), Refusal> {
    match (spec.kind, value) {
        (Kind::Text | Kind::Date | Kind::Link, AttributeValue::Text(text)) => one(spec, text),
        (Kind::Texts, AttributeValue::Texts(texts)) => {
            if texts.len() > MOST_VALUES {
                return Err(Refusal::new(format!(
                    "`{}` has {} values, at most {MOST_VALUES} are allowed",
                    spec.name,
                    texts.len()
                )));
            }
            texts.iter().try_for_each(|text| one(spec, text))
        }
        (Kind::Bool, AttributeValue::Bool(_)) | (Kind::Number, AttributeValue::Number(_)) => Ok(()),
        (kind, value) => Err(Refusal::new(format!(
            "`{}` takes {}, not {}",
            spec.name,
            kind.title(),
            title(value)
        ))),
    }
}

const fn title(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::Bool(_) => "true or false",
        AttributeValue::Number(_) => "a number",
        AttributeValue::Text(_) => "a text",
        AttributeValue::Texts(_) => "a list",
    }
}

fn one(spec: &AttributeSpec, text: &str) -> Result<(), Refusal> {
    let name = spec.name;
    if spec.format == Format::Country {
        return country(name, text);
    }
    let characters = text.chars().count();
    let most = spec.max_length.unwrap_or(MOST_CHARACTERS);
    if characters > most {
        return Err(Refusal::new(format!(
            "`{name}` is {characters} characters long, at most {most} are allowed"
        ))
        .help(format!("cut it: `truncate_to(value, {most})`")));
    }
    let line_breaks = matches!(name, "notes" | "streetAddress");
    if text.chars().any(|c| c.is_control() && !(line_breaks && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(Refusal::new(format!("`{name}` contains a control character")));
    }
    match spec.format {
        Format::Free | Format::Country => Ok(()),
        Format::Upn => upn(name, text),
        Format::Address => address(name, text),
        Format::Alias => alias(name, text),
        Format::Proxies => proxy(name, text),
        Format::Date => date(name, text),
    }
}

fn country(name: &str, text: &str) -> Result<(), Refusal> {
    if text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not a two-letter country code"))
        .help("use ISO 3166 in capital letters: \"DE\", \"US\""))
}

fn upn(name: &str, text: &str) -> Result<(), Refusal> {
    address(name, text)?;
    let local = text.split_once('@').map_or(text, |(local, _)| local);
    let strange = local.chars().find(|c| !c.is_ascii_alphanumeric() && !"'.-_!#^~".contains(*c));
    if let Some(c) = strange {
        return Err(Refusal::new(format!(
            "`{name}` is \"{text}\", and `{c}` is not allowed in a sign-in name"
        ))
        .help("clean the part before the @ with `upn_safe(value)`"));
    }
    if local.chars().count() > 64 {
        return Err(Refusal::new(format!("`{name}` has more than 64 characters before the @")));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(Refusal::new(format!(
            "`{name}` is \"{text}\"; a dot may not come first, last or twice before the @"
        )));
    }
    Ok(())
}

/// Whether a text is `local@domain` with a domain that has a dot and legal characters.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty()
        && local.is_ascii()
        && !local.chars().any(|c| c.is_whitespace() || "()<>[]:;,\\\"@".contains(c))
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn address(name: &str, text: &str) -> Result<(), Refusal> {
    if is_address(text) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not an address like name@example.com")))
}

fn alias(name: &str, text: &str) -> Result<(), Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dots = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    if !text.is_empty() && text.chars().all(legal) && !dots {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not a legal alias"))
        .help("clean it with `mail_nickname(value)`"))
}

fn proxy(name: &str, text: &str) -> Result<(), Refusal> {
    let Some((kind, rest)) = text.split_once(':') else {
        return Err(Refusal::new(format!("`{name}` contains \"{text}\", which has no kind"))
            .help("write `smtp:name@example.com`, or use `proxy(\"smtp\", address)`"));
    };
    match kind.to_ascii_lowercase().as_str() {
        "smtp" => address(name, rest),
        "x500" if rest.starts_with('/') => Ok(()),
        "x500" => {
            Err(Refusal::new(format!("`{name}` contains \"{text}\"; X500 begins with `/o=`")))
        }
        "sip" | "eum" | "spo" | "x400" => Ok(()),
        _ => Err(Refusal::new(format!("`{name}` contains \"{text}\", a kind nobody knows"))
            .help("the kinds are smtp, SMTP, X500, SIP, EUM, SPO and X400")),
    }
}

fn date(name: &str, text: &str) -> Result<(), Refusal> {
    let known =
        text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok();
    if known {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not a date like 2026-03-01")))
}

/// For messages: the names of attributes that hold addresses and must be in a verified domain.
pub(crate) fn holds_addresses(name: &str) -> bool {
    schema::find(name).is_some_and(|spec| matches!(spec.format, Format::Upn | Format::Proxies))
        || name == "mail"
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn refusal(name: &str, value: impl Into<AttributeValue>) -> String {
        validate(find(name).unwrap(), &value.into()).unwrap_err().message
    }

    #[test]
    fn a_value_of_the_wrong_type_length_or_shape_is_refused_in_words() {
        assert_eq!(refusal("displayName", 5), "`displayName` takes text, not a number");
        assert_eq!(
            refusal("city", "x".repeat(129)),
            "`city` is 129 characters long, at most 128 are allowed"
        );
        assert!(refusal("usageLocation", "de").contains("not a two-letter country code"));
        assert!(refusal("userPrincipalName", "josé@fabrikam.com").contains("not an address"));
        assert!(refusal("mailNickname", "anna smith").contains("not a legal alias"));
        assert!(refusal("proxyAddresses", vec!["a@b.com".to_owned()]).contains("has no kind"));
        assert!(refusal("city", "Ber\u{7}lin").contains("control character"));
    }

    #[test]
    fn a_good_value_passes() {
        let ok = |name: &str, value: AttributeValue| {
            assert_eq!(validate(find(name).unwrap(), &value), Ok(()), "{name}");
        };
        ok("displayName", "Muñoz, José".into());
        ok("userPrincipalName", "o'neil.anna@fabrikam.com".into());
        ok("proxyAddresses", vec!["SMTP:a@b.com".into(), "X500:/o=Org/cn=a".into()].into());
        ok("employeeHireDate", "2026-03-01".into());
        ok("accountEnabled", true.into());
    }
}
