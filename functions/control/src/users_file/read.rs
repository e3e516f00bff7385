//! Reading: bytes to rows, with every fault at its line and column.

use std::collections::BTreeMap;

use ::csv::{ReaderBuilder, StringRecord};
use model::{BadId, Profile, WaveId};

use super::options::OPTIONS;
use crate::{FileFault, FileFaults};

/// Largest file in bytes.
const MOST_BYTES: usize = 50 * 1024 * 1024;
/// Most rows.
const MOST_ROWS: usize = 200_000;
/// Longest cell in characters.
const MOST_CHARS: usize = 1_000;

/// A cell that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<T> {
    /// Empty, or the column is not there: nothing changes.
    Keep,
    /// A hyphen: what was there is taken away.
    Clear,
    /// A value.
    Set(T),
}

/// One row: what it says about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in the file, from 1.
    pub(super) line: u64,
    /// The source user: object id, user principal name or mail address.
    pub(super) source: String,
    /// The target user: object id or user principal name.
    pub(super) target: Cell<String>,
    /// The wave.
    pub(super) wave: Cell<WaveId>,
    /// The options that the row sets: index in [`OPTIONS`] and cell.
    pub(super) options: BTreeMap<usize, String>,
    /// Whether the row takes the user's own options away.
    pub(super) clear_options: bool,
}

impl Row {
    /// The profile with the row's options.
    pub(super) fn over(&self, mut profile: Profile) -> Profile {
        for (index, cell) in &self.options {
            if let Some(column) = OPTIONS.get(*index) {
                let set = (column.set)(&mut profile, cell);
                debug_assert!(set.is_some(), "every cell was tried when it was read");
            }
        }
        profile
    }
}

/// The meaning of each column of a file, by place.
enum Column {
    Source,
    Target,
    Wave,
    Option(usize),
}

/// Reads a file whole; all its faults at once.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Row>, FileFaults> {
    let text = decode(file, bytes)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(record)) => record,
        Some(Err(error)) => return Err(unreadable(file, &error).into()),
        None => return Err(fault(file, 1, None, "", HEADER_EXPECTED).into()),
    };
    let columns = columns(file, &header)?;
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    for record in records {
        match record {
            Ok(record) if record.iter().all(|cell| cell.trim().is_empty()) => {}
            Ok(record) => match row(file, &columns, &record) {
                Ok(row) => rows.push(row),
                Err(found) => faults.extend(found),
            },
            Err(error) => {
                faults.push(unreadable(file, &error));
                break;
            }
        }
        if rows.len() > MOST_ROWS {
            let text = format!("more than {MOST_ROWS} rows; split the file");
            faults.push(fault(file, line_of(rows.last()), None, "", text));
            break;
        }
    }
    duplicates(file, &rows, &mut faults);
    FileFaults::check(faults)?;
    Ok(rows)
}

const HEADER_EXPECTED: &str =
    "expected a first line with column names, `source` among them, for instance source,target,wave";

fn line_of(row: Option<&Row>) -> u64 {
    row.map_or(1, |row| row.line)
}

fn fault(
    file: &str,
    line: u64,
    column: Option<&str>,
    found: &str,
    expected: impl Into<String>,
) -> FileFault {
    FileFault {
        file: file.to_owned(),
        line,
        column: column.map(str::to_owned),
        found: found.chars().take(80).collect(),
        expected: expected.into(),
    }
}

/// The text of a UTF-8 file, without a byte order mark.
fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, FileFault> {
    if bytes.len() > MOST_BYTES {
        let text = format!("{} bytes; at most {MOST_BYTES} are read; split the file", bytes.len());
        return Err(fault(file, 1, None, "", text));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let text = "the file is UTF-16; save it as `CSV UTF-8`";
        return Err(fault(file, 1, None, "", text));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        let in_line = good.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let place = String::from_utf8_lossy(in_line).chars().count().saturating_add(1);
        let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        FileFault {
            file: file.to_owned(),
            line: u64::try_from(line).unwrap_or(u64::MAX),
            column: Some(place.to_string()),
            found: format!("0x{bad:02X}"),
            expected: "this is not UTF-8; save the file as `CSV UTF-8`".to_owned(),
        }
    })
}

/// A comma, or a semicolon as spreadsheets of many countries write it.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |c| header.matches(c).count();
    if count(';') > count(',') { b';' } else { b',' }
}

fn unreadable(file: &str, error: &::csv::Error) -> FileFault {
    let line = error.position().map_or(1, ::csv::Position::line);
    fault(file, line, None, "", format!("this is no CSV: {error}"))
}

fn columns(file: &str, header: &StringRecord) -> Result<Vec<Column>, FileFaults> {
    let mut columns = Vec::new();
    let mut seen = BTreeMap::new();
    let mut faults = Vec::new();
    for (place, name) in header.iter().enumerate() {
        let name = name.trim();
        let number = (place + 1).to_string();
        let column = match name {
            "source" => Some(Column::Source),
            "target" => Some(Column::Target),
            "wave" => Some(Column::Wave),
            other => OPTIONS.iter().position(|option| option.name == other).map(Column::Option),
        };
        if let Some(column) = column {
            columns.push(column);
        } else {
            let known: Vec<&str> = super::column_names().collect();
            let text = format!("no such column; expected some of {}", known.join(", "));
            faults.push(fault(file, 1, Some(&number), name, text));
        }
        if let Some(first) = seen.insert(name.to_owned(), place + 1) {
            let text = format!("this column is there already, as number {first}");
            faults.push(fault(file, 1, Some(&number), name, text));
        }
    }
    FileFaults::check(faults)?;
    if !seen.contains_key("source") {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(fault(file, 1, None, &found, HEADER_EXPECTED).into());
    }
    Ok(columns)
}

fn row(file: &str, columns: &[Column], record: &StringRecord) -> Result<Row, Vec<FileFault>> {
    let line = record.position().map_or(1, ::csv::Position::line);
    let mut row = Row {
        line,
        source: String::new(),
        target: Cell::Keep,
        wave: Cell::Keep,
        options: BTreeMap::new(),
        clear_options: false,
    };
    let mut faults = Vec::new();
    if record.len() != columns.len() {
        let text = format!("{} cells; the first line has {}", record.len(), columns.len());
        return Err(vec![fault(file, line, None, "", text)]);
    }
    for (column, cell) in columns.iter().zip(record) {
        let cell = cell.trim();
        let name = column.name();
        if cell.chars().count() > MOST_CHARS {
            let text = format!("at most {MOST_CHARS} characters are read");
            faults.push(fault(file, line, Some(name), cell, text));
            continue;
        }
        if let Err(expected) = take(&mut row, column, cell) {
            faults.push(fault(file, line, Some(name), cell, expected));
        }
    }
    if faults.is_empty() { Ok(row) } else { Err(faults) }
}

/// Takes one cell into the row; `Err` says what was expected.
fn take(row: &mut Row, column: &Column, cell: &str) -> Result<(), String> {
    match column {
        Column::Source if cell.is_empty() => {
            return Err("expected a source user: user principal name, mail or object id".to_owned());
        }
        Column::Source => cell.clone_into(&mut row.source),
        Column::Target => {
            row.target = match cell {
                "" => Cell::Keep,
                "-" => Cell::Clear,
                text => Cell::Set(text.to_owned()),
            }
        }
        Column::Wave => {
            row.wave = match cell {
                "" => Cell::Keep,
                "-" => Cell::Clear,
                text => Cell::Set(text.parse().map_err(|error: BadId| error.to_string())?),
            }
        }
        Column::Option(_) if cell.is_empty() => {}
        Column::Option(_) if cell == "-" => row.clear_options = true,
        Column::Option(index) => {
            let Some(option) = OPTIONS.get(*index) else { return Ok(()) };
            (option.set)(&mut Profile::default(), cell)
                .ok_or_else(|| format!("expected {}", option.expected))?;
            row.options.insert(*index, cell.to_owned());
        }
    }
    Ok(())
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Wave => "wave",
            Self::Option(index) => OPTIONS.get(*index).map_or("?", |option| option.name),
        }
    }
}

/// The same user, or the same target, in two rows.
fn duplicates(file: &str, rows: &[Row], faults: &mut Vec<FileFault>) {
    let mut sources = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for row in rows {
        if let Some(first) = sources.insert(row.source.to_lowercase(), row.line) {
            let text = format!("this user stands in line {first} already");
            faults.push(fault(file, row.line, Some("source"), &row.source, text));
        }
        if let Cell::Set(target) = &row.target
            && let Some(first) = targets.insert(target.to_lowercase(), row.line)
        {
            let text = format!("line {first} matches this target user already");
            faults.push(fault(file, row.line, Some("target"), target, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(bytes: &[u8]) -> String {
        read("users.csv", bytes).unwrap_err().to_string()
    }

    /// MAT-3
    #[test]
    fn a_row_sets_match_wave_and_options() {
        let rows = read(
            "users.csv",
            b"source,target,wave,licenses,archive\nanna@old,anna@new,w1,SPE_E3 VISIO,no\n",
        )
        .unwrap();
        let [row] = rows.as_slice() else { panic!("one row") };
        assert_eq!(row.target, Cell::Set("anna@new".to_owned()));
        assert_eq!(row.wave, Cell::Set("w1".parse().unwrap()));
        let profile = row.over(Profile::default());
        assert_eq!(profile.sync.licenses, ["SPE_E3", "VISIO"]);
        assert!(!profile.sync.archive && profile.sync.mailbox);
    }

    #[test]
    fn a_spreadsheets_semicolons_and_byte_order_mark_are_read() {
        let rows = read("u.csv", "\u{feff}source;wave\r\nanna@old;w1\r\n\r\n".as_bytes()).unwrap();
        assert_eq!(rows.len(), 1);
    }

    /// ERR-1: file, line, column, value, what was expected.
    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        let text = faults(b"source,archive,wave\nanna@old,perhaps,a b\n");
        assert_eq!(
            text,
            "users.csv:2, column archive: `perhaps`: expected yes or no\n\
             users.csv:2, column wave: `a b`: `a b` cannot be a wave id: use 1 to 64 letters, \
             digits, hyphens, dots or underscores, starting with a letter or digit\n\
             nothing of the file was applied"
        );
    }

    /// ERR-1: a bad encoding.
    #[test]
    fn a_latin_1_file_is_refused_at_the_first_byte_that_is_not_utf_8() {
        let text = faults(b"source\nanna@old\nJ\xFCrgen@old\n");
        assert!(text.starts_with("users.csv:3, column 2: `0xFC`: this is not UTF-8"), "{text}");
        assert!(faults(b"\xFF\xFEs\0").contains("UTF-16"));
    }

    /// ERR-1: a duplicate user, and a target that two users shall have (MAT-2).
    #[test]
    fn duplicates_are_named_with_the_line_of_the_first() {
        let text = faults(b"source,target\na@old,x@new\nA@OLD,\nb@old,X@new\n");
        assert!(text.contains("users.csv:3, column source: `A@OLD`: this user stands in line 2"));
        assert!(text.contains("users.csv:4, column target: `X@new`: line 2 matches"));
    }

    #[test]
    fn unknown_and_missing_columns_are_named() {
        let text = faults(b"source,waev\n");
        assert!(text.starts_with("users.csv:1, column 2: `waev`: no such column; expected some of source, target, wave, as_guest"), "{text}");
        assert!(faults(b"target,wave\n").contains("`source` among them"));
        assert!(faults(b"").contains("`source` among them"));
    }

    #[test]
    fn a_row_with_too_few_cells_is_named() {
        let text = faults(b"source,wave\na@old\n");
        assert!(text.starts_with("users.csv:2: 1 cells; the first line has 2"), "{text}");
    }

    #[test]
    fn many_faults_are_cut() {
        let mut file = b"source,archive\n".to_vec();
        for n in 0..30 {
            file.extend_from_slice(format!("u{n},x\n").as_bytes());
        }
        assert!(faults(&file).contains("and 10 more"));
    }
}
