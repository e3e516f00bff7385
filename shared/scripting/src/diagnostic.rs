//! What is wrong with a script, where, and what to do: as text with a caret, and as JSON.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::patch::Cost;

/// One finding, with its place in the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether the script can run all the same.
    pub severity: Severity,
    /// The numbered code, whose page explains more.
    pub code: Code,
    /// What is wrong, with the name or value in question.
    pub message: String,
    /// The script's name.
    pub script: String,
    /// The line, from 1; `None` when the finding concerns the script as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// How many characters are marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// The text of that line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_line: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The value that was refused, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The script cannot be used.
    Error,
    /// It can, and probably does something else than meant.
    Warning,
}

impl Diagnostic {
    /// A finding about a script as a whole; [`Self::at`] gives it a place.
    pub fn new(code: Code, script: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: printable(&message.into()),
            script: script.to_owned(),
            line: None,
            column: None,
            width: None,
            source_line: None,
            help: None,
            value: None,
        }
    }

    /// Puts the finding at a place of the script's text.
    #[must_use]
    pub fn at(mut self, text: &str, line: usize, column: usize, width: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column.max(1));
        self.width = Some(width.max(1));
        self.source_line = line
            .checked_sub(1)
            .and_then(|index| text.lines().nth(index))
            .map(|line| printable(&shorten(line, 400)));
        self
    }

    /// Lets the script run all the same.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(&help.into()));
        self
    }

    /// Shows the value that was refused.
    #[must_use]
    pub(crate) fn value(mut self, value: &str) -> Self {
        self.value = Some(printable(value));
        self
    }

    /// The finding as several lines, with the place marked.
    pub fn render(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!("{severity}[{}]: {}\n", self.code, self.message);
        if let (Some(line), Some(column)) = (self.line, self.column) {
            let number = line.to_string();
            let gap = " ".repeat(number.len());
            put!(&mut out, "{gap} --> {}:{line}:{column}\n", self.script);
            if let Some(source) = &self.source_line {
                // Tabs stay tabs in front of the caret, so that it stands under its character.
                let lead: String = source
                    .chars()
                    .take(column - 1)
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                let room = source.chars().count().saturating_sub(column - 1).max(1);
                let carets = "^".repeat(self.width.unwrap_or(1).min(room));
                put!(&mut out, "{gap} |\n{number} | {source}\n{gap} | {lead}{carets}\n");
            }
        } else {
            put!(&mut out, " --> {}\n", self.script);
        }
        if let Some(value) = &self.value {
            put!(&mut out, " = value: {value}\n");
        }
        if let Some(help) = &self.help {
            put!(&mut out, " = help: {help}\n");
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}", self.code, self.message, self.script)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(")")?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// A script failed for one user. Nothing was written; the user is parked with this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{diagnostic}")]
pub struct ScriptError {
    /// What went wrong and where.
    #[serde(flatten)]
    pub diagnostic: Box<Diagnostic>,
    /// What the call had used when it ended.
    pub cost: Cost,
}

impl ScriptError {
    pub(crate) fn new(diagnostic: Diagnostic, cost: Cost) -> Self {
        Self { diagnostic: Box::new(diagnostic), cost }
    }

    /// The numbered code.
    pub fn code(&self) -> Code {
        self.diagnostic.code
    }

    /// Whether the script endangered the host, so that this version must not run for anyone else.
    pub fn disables_version(&self) -> bool {
        self.diagnostic.code == Code::R020
    }

    /// The error as several lines, with the place marked.
    pub fn render(&self) -> String {
        self.diagnostic.render()
    }
}

/// A text without characters that act on a terminal, break a line or turn its direction: neither a
/// script's author nor a person's attribute may write over what the host says.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// The character, or a sign in the place of one that acts on what is shown.
pub(crate) fn visible(c: char) -> char {
    let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let acts = (breaks && c != '\t') || DIRECTION.contains(&c);
    if acts { char::REPLACEMENT_CHARACTER } else { c }
}

/// A text as a message may have it: line breaks and tabs stay, other characters that act on what is
/// shown and are not seen themselves are left out.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c != visible(c) && c != '\n';
    if !text.contains(acts) {
        return text.into();
    }
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    text.replace(acts, "").into()
}

/// Characters that make a text look different from what it does.
pub(crate) const DIRECTION: [char; 12] = [
    '\u{061c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// The first characters of a text, with a sign that something was left out.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most).collect();
    short.push('…');
    short
}
