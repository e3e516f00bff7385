//! The rules of a value, checked where a script assigns it.

use std::collections::BTreeSet;

use super::schema::{AttributeSpec, Format, Kind};
use super::{AttributeValue, schema};
use crate::functions::is_country_code;

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
            let most = spec.max_values.unwrap_or(MOST_VALUES);
            if texts.len() > most {
                let allowed = if most == 1 { "one is".to_owned() } else { format!("{most} are") };
                return Err(Refusal::new(format!(
                    "`{}` has {} values, at most {allowed} allowed",
                    spec.name,
                    texts.len()
                )));
            }
            texts.iter().try_for_each(|text| one(spec, text))?;
            if spec.format == Format::Proxies { each_once(spec.name, texts) } else { Ok(()) }
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
        Format::Free | Format::Country => no_failed_number(name, text),
        Format::Name => display(name, text),
        Format::User => user(name, text),
        Format::Language => language(name, text),
        Format::Upn => upn(name, text),
        Format::Address => address(name, text),
        Format::Alias => alias(name, text),
        Format::Proxies => proxy(name, text),
        Format::Date => date(name, text),
    }
}

fn country(name: &str, text: &str) -> Result<(), Refusal> {
    if is_country_code(text) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not a two-letter country code")).help(
        "use ISO 3166 in capital letters, \"DE\", \"US\"; `country_code(source.country)` gives it",
    ))
}

/// What the script engine makes of a calculation without a result, such as `1.0 / 0.0`.
fn no_failed_number(name: &str, text: &str) -> Result<(), Refusal> {
    if matches!(text, "inf" | "-inf" | "NaN") {
        let message = format!("`{name}` is \"{text}\": the calculation has no result");
        return Err(Refusal::new(message).help("look for a division by zero"));
    }
    Ok(())
}

/// Characters that nobody sees: zero width, or part of no letter.
fn unseen(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}')
}

fn display(name: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().all(unseen) {
        return Err(Refusal::new(format!("`{name}` is blank"))
            .help("leave it alone with `()`, or give it a text that people can see"));
    }
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(c) = text.chars().find(|c| turns(*c)) {
        return Err(Refusal::new(format!(
            "`{name}` contains U+{:04X}, which turns the direction of the text",
            u32::from(c)
        ))
        .help("remove it: such a name looks like another one"));
    }
    no_failed_number(name, text)
}

fn user(name: &str, text: &str) -> Result<(), Refusal> {
    // A directory's ids are GUIDs; those of customers' tests and of a simulated tenant are shorter.
    let id = text.chars().all(|c| c == '-' || c.is_ascii_alphanumeric())
        && text.contains(|c: char| c.is_ascii_digit());
    if id || is_address(text) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not the id of a user"))
        .help(format!("take it from the source: `target.{name} = source.{name};`")))
}

fn language(name: &str, text: &str) -> Result<(), Refusal> {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let known = (2..=3).contains(&first.len())
        && first.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
        })
        && !text.ends_with("-x");
    if known {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` is \"{text}\", not a language like de-DE")))
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
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty()
        && local.is_ascii()
        && !local
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "()<>[]:;,\\\"@".contains(c))
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
    if rest.trim().is_empty() {
        return Err(Refusal::new(format!("`{name}` contains \"{text}\", which has no address")));
    }
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

/// `SMTP:` and `smtp:` are one kind, and no kind tells capital letters from small ones.
fn each_once(name: &str, texts: &[String]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match texts.iter().find(|text| !seen.insert(text.to_lowercase())) {
        None => Ok(()),
        Some(twice) => Err(Refusal::new(format!("`{name}` contains \"{twice}\" twice")).help(
            "make the list with `merge_proxies`, or use `remove_duplicates_ignore_case(list)`",
        )),
    }
}

fn date(name: &str, text: &str) -> Result<(), Refusal> {
    let moment = text.parse::<jiff::Timestamp>().ok();
    let day = moment.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date());
    match day.or_else(|| text.parse::<jiff::civil::Date>().ok()) {
        Some(day) if (1900..2200).contains(&day.year()) => Ok(()),
        Some(day) => {
            Err(Refusal::new(format!("`{name}` is \"{text}\", in the year {}", day.year()))
                .help("check the format that the date is read with"))
        }
        None => Err(Refusal::new(format!("`{name}` is \"{text}\", not a date like 2026-03-01"))),
    }
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
    fn a_value_that_no_directory_should_hold_is_refused() {
        for (name, value, why) in [
            ("usageLocation", "ZZ", "not a two-letter country code"),
            ("usageLocation", "UK", "not a two-letter country code"),
            ("displayName", " \u{a0}\u{3000}", "is blank"),
            ("displayName", "\u{200b}\u{2060}\u{feff}", "is blank"),
            ("displayName", "Anna \u{202e}nimda", "U+202E"),
            ("displayName", "Anna\u{1b}", "control character"),
            ("manager", "the boss", "not the id of a user"),
            ("manager", "boss", "not the id of a user"),
            ("preferredLanguage", "German", "not a language"),
            ("preferredLanguage", "de_DE", "not a language"),
            ("preferredLanguage", "de-", "not a language"),
            ("employeeHireDate", "0026-03-01", "in the year 26"),
            ("employeeHireDate", "9026-03-01T00:00:00Z", "in the year 9026"),
            ("city", "inf", "no result"),
            ("jobTitle", "NaN", "no result"),
        ] {
            let found = refusal(name, value);
            assert!(found.contains(why), "{name} {value:?}: {found}");
        }
        for (name, values, why) in [
            ("businessPhones", vec!["1", "2"], "has 2 values, at most one is allowed"),
            ("proxyAddresses", vec!["SMTP:a@b.com", "smtp:A@b.com"], "smtp:A@b.com\" twice"),
            ("proxyAddresses", vec!["X500:/o=A/cn=a", "x500:/o=a/cn=a"], "twice"),
            ("proxyAddresses", vec!["X500:"], "has no address"),
            ("proxyAddresses", vec!["EUM: "], "has no address"),
            ("proxyAddresses", vec!["sip:"], "has no address"),
        ] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            let found = refusal(name, values);
            assert!(found.contains(why), "{name}: {found}");
        }
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
        ok("employeeHireDate", "1999-12-31T23:00:00Z".into());
        // One address for mail and for calls is usual.
        ok("proxyAddresses", vec!["SMTP:a@b.com".into(), "sip:a@b.com".into()].into());
        ok("manager", "8d1e0f9a-0000-4a3b-9c3d-0123456789ab".into());
        ok("manager", "boss@contoso.com".into());
        ok("displayName", "\u{200f}אנה\u{200f} 👩\u{200d}🔬".into());
        for language in ["de", "de-DE", "zh-Hans-CN", "sr-Latn-RS"] {
            ok("preferredLanguage", language.into());
        }
        ok("businessPhones", vec!["+49 1".to_owned()].into());
        ok("accountEnabled", true.into());
    }
}
