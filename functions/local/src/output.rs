//! The only place that prints: data on stdout, everything else on stderr.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Where a command's output goes, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Data as JSON.
    pub(crate) json: bool,
}

impl Output {
    /// Prints data: its text form, or JSON when that was asked for.
    pub(crate) fn data<T: Serialize>(
        self,
        data: &T,
        text: impl std::fmt::Display,
    ) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string_pretty(data).map_err(Failure::internal)?;
            return Self::print(&format!("{json}\n"));
        }
        Self::print(&text.to_string())
    }

    /// Prints text as it is.
    pub(crate) fn print(text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let line_end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        match out.write_all(text.as_bytes()).and_then(|()| out.write_all(line_end.as_bytes())) {
            // The reader has seen enough (`crosswave users | head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Tells a person something beside the data.
    pub(crate) fn note(text: impl std::fmt::Display) {
        let written = writeln!(std::io::stderr().lock(), "{text}");
        // A closed stderr is no reason to stop the work.
        drop(written);
    }

    /// Whether a person watches.
    pub(crate) fn is_watched() -> bool {
        std::io::stderr().is_terminal()
    }
}

/// Adds a line to a text.
pub(crate) fn line(text: &mut String, what: impl std::fmt::Display) {
    text.push_str(&what.to_string());
    text.push('\n');
}

/// A plain table: columns as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let gap = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
