//! The few headers that are needed of a mail message in a file. Anything may be malformed.

use jiff::{Timestamp, fmt::rfc2822};

/// What the headers say; empty where they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) subject: String,
    pub(super) message_id: String,
    pub(super) from: String,
    pub(super) date: Option<Timestamp>,
}

/// Headers end here at the latest: a file without an empty line is no message.
const LONGEST: usize = 256 * 1024;

/// Reads the headers of a message. Encoded words stay encoded.
pub(super) fn read(bytes: &[u8]) -> Headers {
    let mut headers = Headers::default();
    for line in unfolded(bytes.get(..LONGEST).unwrap_or(bytes)) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "subject" if headers.subject.is_empty() => value.clone_into(&mut headers.subject),
            "message-id" if headers.message_id.is_empty() => {
                value.clone_into(&mut headers.message_id);
            }
            "from" if headers.from.is_empty() => value.clone_into(&mut headers.from),
            "date" if headers.date.is_none() => {
                headers.date = rfc2822::parse(value).ok().map(|date| date.timestamp());
            }
            _ => {}
        }
    }
    headers
}

/// The header lines, each with its continuations, up to the first empty line.
fn unfolded(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = text(line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            if lines.is_empty() {
                continue;
            }
            break;
        }
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// UTF-8 where it is, else each byte as the Latin-1 character that it is.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_and_read_in_any_case() {
        let mail = b"SUBJECT: one\r\n two\r\nmessage-id: <1@x>\r\nFrom: Ada <a@x>\r\n\
            Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nSubject: not this\r\n";
        let headers = read(mail);
        assert_eq!(headers.subject, "one two");
        assert_eq!(headers.message_id, "<1@x>");
        assert_eq!(headers.from, "Ada <a@x>");
        assert_eq!(headers.date.unwrap().to_string(), "2026-03-02T09:00:00Z");
    }

    #[test]
    fn malformed_messages_give_what_they_have() {
        assert_eq!(read(b""), Headers::default());
        assert_eq!(read(b"no header at all"), Headers::default());
        assert_eq!(read(b"\n\nSubject: \xe9t\xe9\nDate: soon").subject, "été");
    }
}
