//! Script versions in the store.

use std::borrow::Cow;

use jiff::Timestamp;
use model::{BaseScript, Keys, Project, ScriptKind, ScriptTable, ScriptTablePart, ScriptVersion};
use ports::{CommitError, Store};
use scripting::{
    API_VERSION, DataSet, Library, LibraryFile, Mapping, Notifications, RHAI_VERSION, Script,
    ScriptOptions, hash_of, schema_hash,
};

use crate::records::{Batch, EngineError, Loaded, load};

/// Bytes of a data set in one record: a record has at most 400 KB, and JSON may double a text.
const PART_BYTES: usize = 150_000;

/// The record of a script as it is now. `base` is the shipped script under a mapping.
pub fn version_of(
    kind: ScriptKind,
    hash: String,
    script: &Script,
    base: Option<&Script>,
    author: &str,
    at: Timestamp,
) -> ScriptVersion {
    let tables = script.options().tables.iter().map(|table| stored(&table.name, &table.csv));
    let library = script.library().files().iter().map(|file| stored(&file.name, &json_of(file)));
    ScriptVersion {
        kind,
        hash,
        name: script.name().to_owned(),
        text: script.text().to_owned(),
        base: base
            .map(|base| BaseScript { name: base.name().to_owned(), text: base.text().to_owned() }),
        tables: tables.collect(),
        library: library.collect(),
        api: API_VERSION,
        engine: RHAI_VERSION.to_owned(),
        schema: schema_hash().to_owned(),
        author: author.to_owned(),
        at,
        shipped: false,
        disabled: None,
    }
}

fn stored(name: &str, text: &str) -> ScriptTable {
    let parts = u32::try_from(parts(text).len()).unwrap_or(u32::MAX);
    ScriptTable { name: name.to_owned(), hash: hash_of(text), parts }
}

/// A file of the library as it is stored; texts always have a JSON form.
fn json_of(file: &LibraryFile) -> String {
    serde_json::to_string(&file.content).unwrap_or_default()
}

/// The record of the script that this release ships.
pub fn shipped_version(kind: ScriptKind, at: Timestamp) -> ScriptVersion {
    let author = concat!("crosswave ", env!("CARGO_PKG_VERSION"));
    let version = match kind {
        ScriptKind::Mapping => {
            let mapping = Mapping::standard();
            version_of(kind, mapping.hash(), mapping.script(), None, author, at)
        }
        ScriptKind::Notifications => {
            let script = Notifications::standard();
            let script = script.script();
            version_of(kind, script.hash().to_owned(), script, None, author, at)
        }
    };
    ScriptVersion { shipped: true, ..version }
}

/// Keeps a version with its data sets and files, unless it is there: the same hash is the same
/// version.
pub async fn put_version(
    store: &dyn Store,
    project: &Project,
    version: &ScriptVersion,
    options: &ScriptOptions,
) -> Result<(), EngineError> {
    let (customer, id) = (&project.customer, &project.id);
    if load_version(store, project, version.kind, &version.hash).await?.is_some() {
        return Ok(());
    }
    // The parts first: a version that is there is whole.
    let sets = options.tables.iter().map(|set| Cow::Borrowed(set.csv.as_str()));
    let files = options.library.files().iter().map(|file| Cow::Owned(json_of(file)));
    let places = version.tables.iter().chain(&version.library);
    for (table, text) in places.zip(sets.chain(files)) {
        for (number, part) in parts(&text).into_iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let mut batch = Batch::new();
            let place = Keys::script_table(customer, id, &table.hash, number);
            batch.overwrite(place, &ScriptTablePart { text: part.to_owned() })?;
            batch.commit(store).await?;
        }
    }
    let mut batch = Batch::new();
    let place = Keys::script_version(customer, id, version.kind, &version.hash);
    batch.put(place, version, 0)?;
    match batch.commit(store).await {
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A version's record.
pub async fn load_version(
    store: &dyn Store,
    project: &Project,
    kind: ScriptKind,
    hash: &str,
) -> Result<Option<Loaded<ScriptVersion>>, EngineError> {
    load(store, Keys::script_version(&project.customer, &project.id, kind, hash)).await
}

/// A version's data sets.
pub async fn load_tables(
    store: &dyn Store,
    project: &Project,
    version: &ScriptVersion,
) -> Result<Vec<DataSet>, EngineError> {
    let mut sets = Vec::new();
    for table in &version.tables {
        let csv = load_text(store, project, table).await?;
        sets.push(DataSet { name: table.name.clone(), csv });
    }
    Ok(sets)
}

/// The files beside a version.
pub(super) async fn load_library(
    store: &dyn Store,
    project: &Project,
    version: &ScriptVersion,
) -> Result<Library, EngineError> {
    let mut files = Vec::new();
    for file in &version.library {
        let text = load_text(store, project, file).await?;
        let content = serde_json::from_str(&text).map_err(|_other| missing(file, 0))?;
        files.push(LibraryFile { name: file.name.clone(), content });
    }
    Ok(Library::new(files))
}

async fn load_text(
    store: &dyn Store,
    project: &Project,
    table: &ScriptTable,
) -> Result<String, EngineError> {
    let mut text = String::new();
    for number in 0..table.parts {
        let place = Keys::script_table(&project.customer, &project.id, &table.hash, number);
        let part: Option<Loaded<ScriptTablePart>> = load(store, place).await?;
        text.push_str(&part.ok_or_else(|| missing(table, number))?.value.text);
    }
    Ok(text)
}

fn missing(table: &ScriptTable, part: u32) -> EngineError {
    EngineError::Missing {
        what: format!("part {part} of {}, which belongs to a script", table.name),
        advice: "publish the script again",
    }
}

/// A text in parts of at most [`PART_BYTES`], cut between characters.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > PART_BYTES {
        let (part, more) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        parts.push(part);
        rest = more;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_table_is_cut_between_characters_and_nothing_is_lost() {
        let text = "ä,€\n".repeat(100_000);
        let cut = parts(&text);
        assert!(cut.len() > 3 && cut.iter().all(|part| part.len() <= PART_BYTES));
        assert_eq!(cut.concat(), text);
    }
}
