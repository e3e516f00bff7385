//! One message of `notify`, with its templates filled.

use jiff::{SignedDuration, Timestamp};
use rhai::{Dynamic, Map};

use super::{Fields, Given, Read};
use crate::diagnostic::{printable, readable};
use crate::functions::Moment;
use crate::library::{MOST_ATTACHED_BYTES, Unfit};
use crate::notice::{Attachment, Channel, Notice, Recipient};
use crate::places;

/// The fields of a message, and what each holds.
pub(crate) const FIELDS: &[(&str, &str)] = &[
    (
        "to",
        "who gets it, one or a list: `user`, `manager`, `owner`, `list:NAME` for an approved list, or an address in an approved domain",
    ),
    ("subject", "the subject, one line of at most 255 characters"),
    ("body", "the text; or, in its place, `template`"),
    (
        "template",
        "the name of a `.html` or `.txt` file of the library: the body, with `{name}` replaced by the value of that name; values are escaped in HTML",
    ),
    ("vars", "the values for `template` and for attached text files, a map"),
    (
        "when",
        "a date, or a text that writes one: not before this time, at most a year ahead; at once when it is empty or over. What the message tells of must still be so then, or it is void",
    ),
    ("channel", "`mail`, the default, or `webhook`"),
    ("language", "its language, `en` unless given; for the record and the webhook"),
    ("attach", "names of files of the library, one or a list: at most 2 MiB together"),
    ("links", "links below the body: addresses, or names of `.url` files of the library"),
];

/// A message may wait for so long.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The most attachments of a message.
const MOST_ATTACHED: usize = 10;

pub(super) fn notice(fields: &Fields<'_>, given: &Given<'_>) -> Read<Notice> {
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    fields.only(&names)?;
    let to: Vec<Recipient> = fields.texts("to")?.into_iter().map(Recipient::from).collect();
    if to.is_empty() {
        return fault(fields, "to", "`to` is missing");
    }
    let channel = match fields.optional("channel")?.as_deref() {
        None | Some("mail") => Channel::Mail,
        Some("webhook") => Channel::Webhook,
        Some(other) => {
            return fault(
                fields,
                "channel",
                &format!("`channel` is \"{other}\", not mail or webhook"),
            );
        }
    };
    let subject = fields.required("subject")?;
    if subject.contains('\t') || printable(&subject) != subject || subject.chars().count() > 255 {
        let message = "`subject` has a line break, a character that is not seen, or more than 255 \
                       characters";
        return fault(fields, "subject", message);
    }
    let language = fields.optional("language")?.unwrap_or_else(|| "en".to_owned());
    if language.len() > 35 || !language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return fault(fields, "language", "`language` is a code such as \"de\" or \"de-AT\"");
    }
    let vars = vars(fields)?;
    let (body, html) = match (fields.optional("template")?, fields.optional("body")?) {
        (Some(_), Some(_)) => {
            return fault(fields, "template", "it has `body` and `template`: one is enough");
        }
        (Some(name), None) => {
            given.library.body(&name, &vars).or_else(|why| unfit(fields, "template", why))?
        }
        (None, body) => {
            let body = readable(&body.unwrap_or_default()).into_owned();
            if body.trim().is_empty() {
                return fault(fields, "body", "`body` is missing");
            }
            (body, false)
        }
    };
    let links = fields.texts("links")?.into_iter();
    let links =
        links.map(|link| given.library.link(&link).or_else(|why| unfit(fields, "links", why)));
    Ok(Notice {
        to,
        when: when(fields, given.now)?,
        channel,
        language,
        subject,
        body,
        html,
        attach: attached(fields, given, &vars)?,
        links: links.collect::<Read<_>>()?,
    })
}

/// How long the texts are that values were put into.
pub(super) fn bytes(notice: &Notice) -> usize {
    let files = notice.attach.iter().filter_map(|file| file.text.as_ref()).map(String::len);
    notice.body.len() + files.sum::<usize>()
}

fn fault<T>(fields: &Fields<'_>, field: &str, message: &str) -> Read<T> {
    Err(fields.wrong(field, message, None))
}

/// A file that cannot be used; where its values are at fault, they are the place.
fn unfit<T>(fields: &Fields<'_>, field: &str, why: Unfit) -> Read<T> {
    let given = why.of_values && fields.map.contains_key("vars");
    Err(fields.wrong(if given { "vars" } else { field }, &why.message, why.help))
}

fn vars(fields: &Fields<'_>) -> Read<Map> {
    match fields.map.get("vars") {
        None => Ok(Map::new()),
        Some(vars) if vars.is_unit() => Ok(Map::new()),
        Some(vars) => match vars.as_map_ref() {
            Ok(vars) => {
                let mut vars = vars.clone();
                vars.retain(|_, value| !places::carries(value));
                Ok(vars)
            }
            Err(_other_type) => fault(fields, "vars", "`vars` must be a map: #{ name: value }"),
        },
    }
}

fn when(fields: &Fields<'_>, now: Timestamp) -> Read<Option<Timestamp>> {
    let Some(value) = fields.map.get("when").filter(|value| !value.is_unit()) else {
        return Ok(None);
    };
    let Some(when) = moment(value) else {
        let message = "`when` must be a date, or a text that writes one: 2026-03-06T18:00:00+01:00";
        return fault(fields, "when", message);
    };
    if when.duration_since(now) > LONGEST_WAIT {
        return fault(fields, "when", &format!("`when` is {when}, more than a year ahead"));
    }
    Ok(Some(when))
}

fn moment(value: &Dynamic) -> Option<Timestamp> {
    match value.as_immutable_string_ref() {
        Ok(text) => Moment::parse(&text)?.timestamp(),
        Err(_no_text) => value.clone().try_cast::<Moment>()?.timestamp(),
    }
}

fn attached(fields: &Fields<'_>, given: &Given<'_>, vars: &Map) -> Read<Vec<Attachment>> {
    let names = fields.texts("attach")?;
    if names.len() > MOST_ATTACHED {
        return fault(fields, "attach", &format!("`attach` has more than {MOST_ATTACHED} files"));
    }
    let mut bytes = 0_usize;
    let mut attached = Vec::new();
    for name in names {
        let file = given.library.attachment(&name, vars);
        let file = file.or_else(|why| unfit(fields, "attach", why))?;
        bytes = bytes.saturating_add(file.bytes);
        let content_type = file.content_type.to_owned();
        attached.push(Attachment { name, content_type, text: file.text });
    }
    if bytes > MOST_ATTACHED_BYTES {
        let message =
            format!("`attach` has {bytes} bytes, at most {MOST_ATTACHED_BYTES} are allowed");
        return fault(fields, "attach", &message);
    }
    Ok(attached)
}
