//! What a file of a library is, by its name.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A template in HTML.
    Html,
    /// A template in plain text.
    Text,
    /// A date for a calendar; it takes values.
    Calendar,
    /// A file that holds one address.
    Link,
    /// A file that is sent as it is, with its media type.
    AsItIs(&'static str),
}

/// What a message names a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Template,
    Attachment,
    Link,
}

impl Use {
    pub(super) const fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Template => matches!(kind, Kind::Html | Kind::Text),
            Self::Attachment => !matches!(kind, Kind::Link),
            Self::Link => matches!(kind, Kind::Link),
        }
    }

    /// In messages.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Attachment => "attachment",
            Self::Link => "link",
        }
    }

    /// Which files fit, in messages.
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Template => "templates are .html and .txt files",
            Self::Attachment => "any file can be attached but a .url file, which goes into `links`",
            Self::Link => "links are .url files",
        }
    }
}

/// Every ending that a library knows. What a mail program may run is not among them.
const ENDINGS: &[(&str, Kind)] = &[
    ("html", Kind::Html),
    ("txt", Kind::Text),
    ("ics", Kind::Calendar),
    ("url", Kind::Link),
    ("pdf", Kind::AsItIs("application/pdf")),
    ("png", Kind::AsItIs("image/png")),
    ("jpg", Kind::AsItIs("image/jpeg")),
    ("csv", Kind::AsItIs("text/csv")),
    (
        "docx",
        Kind::AsItIs("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ),
];

impl Kind {
    /// The kind of a file of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Html => super::HTML,
            Self::Text | Self::Link => "text/plain",
            Self::Calendar => "text/calendar",
            Self::AsItIs(content_type) => content_type,
        }
    }

    /// Whether `{name}` in it is replaced by a value.
    pub(super) const fn takes_values(self) -> bool {
        matches!(self, Self::Html | Self::Text | Self::Calendar)
    }
}

/// The endings, for messages.
pub(super) fn names() -> String {
    let names: Vec<String> = ENDINGS.iter().map(|(ending, _)| format!(".{ending}")).collect();
    names.join(", ")
}
