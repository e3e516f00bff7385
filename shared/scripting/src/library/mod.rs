//! The library of a notification script: the files that ship beside it.
//!
//! `messages.rhai` has its library in the folder `messages.library`. A script names its files by
//! their names: templates of bodies (`.html`, `.txt`), attachments, and links (`.url`). They are part
//! of the script's version and are checked with it; a value that a script puts into one cannot break
//! out of it.

mod html;
mod kind;
mod template;

use base64::{Engine, engine::general_purpose::STANDARD};
use rhai::Map;
use serde::{Deserialize, Serialize};

pub(crate) use self::html::words;
use self::kind::Kind;
pub(crate) use self::kind::Use;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, printable, shorten, visible};
use crate::suggest::nearest;

/// The media type of HTML.
pub(crate) const HTML: &str = "text/html";

/// The most bytes of a file's name.
const MOST_NAME_BYTES: usize = 100;
/// The most bytes of an address: browsers and mail programs take no longer ones.
const MOST_LINK_BYTES: usize = 2_000;
/// The most files of a library.
const MOST_FILES: usize = 50;
/// The most bytes of a file that values are put into.
const MOST_TEMPLATE_BYTES: usize = 64 << 10;
/// The most bytes of any other file, and of all attachments of one message: Graph takes a request of
/// 4 MB, and attachments travel as Base64.
pub(crate) const MOST_ATTACHED_BYTES: usize = 2 << 20;
/// The most bytes of a library.
const MOST_BYTES: usize = 8 << 20;

/// The files beside a script, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Library {
    files: Vec<LibraryFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryFile {
    /// Its name, by which scripts name it.
    pub name: String,
    /// What it holds.
    pub content: FileContent,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileContent {
    /// Text in UTF-8.
    Text(String),
    /// Anything else, as Base64.
    Base64(String),
}

impl LibraryFile {
    /// A file as it was read.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let content = match String::from_utf8(bytes) {
            Ok(text) => FileContent::Text(text),
            Err(error) => FileContent::Base64(STANDARD.encode(error.as_bytes())),
        };
        Self { name: name.into(), content }
    }

    /// The file as Base64.
    pub fn base64(&self) -> String {
        match &self.content {
            FileContent::Text(text) => STANDARD.encode(text),
            FileContent::Base64(bytes) => bytes.clone(),
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.content {
            // Some editors begin a text with a mark that is none of it.
            FileContent::Text(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
            FileContent::Base64(_) => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.content {
            FileContent::Text(text) => text.len(),
            FileContent::Base64(bytes) => bytes.trim_end_matches('=').len() * 3 / 4,
        }
    }
}

/// A file with the values of a message in it.
pub(crate) struct Filled {
    /// The text; none for a file that takes no values.
    pub(crate) text: Option<String>,
    /// The media type.
    pub(crate) content_type: &'static str,
    /// The bytes.
    pub(crate) bytes: usize,
}

/// Why a file cannot be used as a message asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Whether the message's values are at fault, and not the name.
    pub(crate) of_values: bool,
}

impl Unfit {
    fn name(message: String) -> Self {
        Self { message, help: None, of_values: false }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl Library {
    /// A library of these files.
    pub fn new(files: impl IntoIterator<Item = LibraryFile>) -> Self {
        let mut files: Vec<LibraryFile> = files.into_iter().collect();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Self { files }
    }

    /// Its files.
    pub fn files(&self) -> &[LibraryFile] {
        &self.files
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&LibraryFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// What is wrong with the files (E015).
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = self.files.iter().filter_map(check).collect();
        let whole = |message: String| {
            Diagnostic::new(Code::E015, self.files.first().map_or("", |file| &file.name), message)
        };
        if self.files.len() > MOST_FILES {
            found.push(whole(format!("the library has more than {MOST_FILES} files")));
        }
        if self.files.iter().map(LibraryFile::bytes).sum::<usize>() > MOST_BYTES {
            found.push(whole(format!("the library has more than {} MiB", MOST_BYTES >> 20)));
        }
        found
    }

    /// The body of a message: a template with values in it; and whether it is HTML.
    pub(crate) fn body(&self, name: &str, vars: &Map) -> Result<(String, bool), Unfit> {
        let (file, kind) = self.named(name, Use::Template)?;
        let body = filled(file, kind, vars)?;
        Ok((body, kind == Kind::Html))
    }

    /// An attachment; text files take values too.
    pub(crate) fn attachment(&self, name: &str, vars: &Map) -> Result<Filled, Unfit> {
        let (file, kind) = self.named(name, Use::Attachment)?;
        let content_type = kind.content_type();
        if !kind.takes_values() {
            return Ok(Filled { text: None, content_type, bytes: file.bytes() });
        }
        let text = filled(file, kind, vars)?;
        Ok(Filled { bytes: text.len(), text: Some(text), content_type })
    }

    /// A link: an address as it is, or the address in a `.url` file.
    pub(crate) fn link(&self, link: &str) -> Result<String, Unfit> {
        if !names_a_file(link) {
            return match link_fault(link) {
                None => Ok(link.to_owned()),
                Some(fault) => Err(Unfit::name(format!("a link {fault}"))),
            };
        }
        let (file, _) = self.named(link, Use::Link)?;
        Ok(file.text().unwrap_or_default().trim().to_owned())
    }

    /// What is wrong with a name, if it is one of a file.
    pub(crate) fn misnamed(&self, name: &str, used: Use) -> Option<Unfit> {
        let named = used != Use::Link || names_a_file(name);
        self.named(name, used).err().filter(|_| named)
    }

    /// The file of this name; if there is none, what could be meant among the files that fit.
    fn named(&self, name: &str, used: Use) -> Result<(&LibraryFile, Kind), Unfit> {
        let what = used.what();
        let kind = Kind::of(name);
        if let Some(file) = self.file(name) {
            return match kind.filter(|kind| used.fits(*kind)) {
                Some(kind) => Ok((file, kind)),
                None => Err(Unfit::name(format!("`{}` is no {what}", file.name)).help(used.hint())),
            };
        }
        let name = shorten(&printable(name), MOST_NAME_BYTES);
        let names = self.files.iter().map(|file| file.name.as_str());
        let fitting: Vec<&str> =
            names.filter(|name| Kind::of(name).is_some_and(|kind| used.fits(kind))).collect();
        let unfit = Unfit::name(format!("the library has no {what} `{name}`"));
        Err(match nearest(&name, fitting.iter().copied()) {
            Some(meant) => unfit.help(format!("did you mean `{meant}`?")),
            None if self.files.is_empty() => unfit
                .help("the library is the folder `ours.library` beside `ours.rhai`; it is empty"),
            None if fitting.is_empty() => unfit.help(used.hint()),
            None => {
                let names: Vec<&str> = fitting.into_iter().take(20).collect();
                unfit.help(format!("it has {}", names.join(", ")))
            }
        })
    }
}

/// Whether a link of a message is the name of a file and no address.
fn names_a_file(link: &str) -> bool {
    !link.contains(':') && Kind::of(link) == Some(Kind::Link)
}

/// A file with values in it.
fn filled(file: &LibraryFile, kind: Kind, vars: &Map) -> Result<String, Unfit> {
    let text = file.text().unwrap_or_default();
    template::fill(kind, text, vars)
        .map_err(|why| Unfit { of_values: true, ..Unfit::name(format!("`{}`: {why}", file.name)) })
}

/// What is wrong with an address, whoever approves it.
fn link_fault(link: &str) -> Option<String> {
    if link.chars().any(|c| c.is_whitespace() || c != visible(c)) {
        Some("has no spaces and no characters that are not seen".to_owned())
    } else if link.len() > MOST_LINK_BYTES {
        Some(format!("has at most {MOST_LINK_BYTES} bytes"))
    } else {
        None
    }
}

/// What is wrong with a file.
fn check(file: &LibraryFile) -> Option<Diagnostic> {
    let name = &*printable(&file.name);
    let wrong = |message: String| Some(Diagnostic::new(Code::E015, name, message));
    let plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    if file.name.len() > MOST_NAME_BYTES || !file.name.chars().all(plain) {
        return wrong(
            "a file's name has letters, digits, `-`, `_`, `.` and at most 100 bytes".into(),
        );
    }
    let Some(kind) = Kind::of(&file.name) else {
        return wrong(format!(
            "files of this kind are not sent; those that are: {}",
            kind::names()
        ));
    };
    let most = if kind.takes_values() { MOST_TEMPLATE_BYTES } else { MOST_ATTACHED_BYTES };
    if file.bytes() > most {
        return wrong(format!("the file has {} bytes, at most {most} are allowed", file.bytes()));
    }
    if !kind.takes_values() && kind != Kind::Link {
        return None;
    }
    let Some(text) = file.text() else { return wrong("the file is not text in UTF-8".into()) };
    if kind == Kind::Link {
        let one = text.trim();
        let good = one.starts_with("https://") && link_fault(one).is_none();
        return if good { None } else { wrong("a .url file holds one https address".into()) };
    }
    let hidden = text.char_indices().find(|(_, c)| !"\r\n\t".contains(*c) && *c != visible(*c));
    let hidden =
        hidden.map(|(at, _)| (at, "a character here is not seen and acts on what is".to_owned()));
    let (at, message) = hidden.or_else(|| template::check(kind, text).err())?;
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some(Diagnostic::new(Code::E015, name, message).at(text, line, column, 1))
}

#[cfg(test)]
mod tests;
