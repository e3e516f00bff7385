//! A compiled script: checked, hashed, ready to be called.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use rhai::{AST, Engine};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::attributes::schema_hash;
use crate::check;
use crate::code::Code;
use crate::defaults::{MAPPING, NOTIFY};
use crate::diagnostic::{Diagnostic, Severity, printable};
use crate::entry::Entry;
use crate::functions::{Table, TableLimits, Tables};
use crate::library::Library;
use crate::patch::Cost;
use crate::sandbox::{self, Budget, Lost};

/// The version of the contract between host and script, in the first line of every script.
pub const API_VERSION: u32 = 1;
/// The version of the script engine; it is part of what a script means.
pub const RHAI_VERSION: &str = "1.27.0";

/// A customer's data set that scripts look values up in: `ctx.table("costcentre")`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// The name that scripts use.
    pub name: String,
    /// The CSV text; its first line names the columns, its first column is the key.
    pub csv: String,
}

/// What a script is compiled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOptions {
    /// What each call may use.
    pub budget: Budget,
    /// The data sets that the script can look into.
    pub tables: Vec<DataSet>,
    /// The files beside a notification script.
    #[serde(default)]
    pub library: Library,
    /// Whether each value of a patch carries the script and the line that set it. Without, its
    /// script is empty and its line 0; errors name their lines in any case.
    pub origins: bool,
}

impl Default for ScriptOptions {
    fn default() -> Self {
        Self {
            budget: Budget::default(),
            tables: Vec::new(),
            library: Library::default(),
            origins: true,
        }
    }
}

/// A script that passed the check. Cheap to clone; immutable.
#[derive(Clone)]
pub struct Script {
    inner: Arc<Inner>,
}

struct Inner {
    name: Arc<str>,
    text: String,
    hash: String,
    engine: Engine,
    ast: AST,
    entries: BTreeSet<Entry>,
    tables: Tables,
    options: ScriptOptions,
    warnings: Vec<Diagnostic>,
    broken: AtomicBool,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script")
            .field("name", &self.inner.name)
            .field("hash", &self.hash())
            .finish()
    }
}

impl Script {
    /// Checks and compiles a script with the default budget and no tables. `name` stands in
    /// messages: the file's name.
    pub fn compile(name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::compile_with(name, text, ScriptOptions::default())
    }

    /// Checks and compiles a script.
    pub fn compile_with(
        name: &str,
        text: &str,
        options: ScriptOptions,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::compile_measured(name, text, options).0
    }

    /// The same, and what it took. Checking is no call and has no budget: what it can take is bounded by
    /// the limits on a script's text (E010) and on the depth and number of its parts.
    pub fn compile_measured(
        name: &str,
        text: &str,
        options: ScriptOptions,
    ) -> (Result<Self, Vec<Diagnostic>>, Cost) {
        // Some editors begin a file with this mark; and a file's name may hold anything.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let name = &*printable(name);
        let wall = options.budget.wall();
        let (script, source) = (Arc::from(name), text.to_owned());
        let compiled = sandbox::run(wall, move || {
            let budget = options.budget;
            let compile = || Self::compile_here(script, source, options);
            let (compiled, cost, _) = sandbox::metered(budget, compile);
            (compiled, cost)
        });
        compiled.unwrap_or_else(|lost| {
            let message = match lost {
                Lost::Panicked | Lost::Overran => "the script broke the compiler",
                Lost::NoThread => "the system gave no thread to compile the script on",
            };
            (Err(vec![Diagnostic::new(Code::R020, name, message)]), Cost::default())
        })
    }

    fn compile_here(
        name: Arc<str>,
        text: String,
        options: ScriptOptions,
    ) -> Result<Self, Vec<Diagnostic>> {
        let tables = tables(&name, &options.tables)?;
        let unusable = options.library.check();
        if !unusable.is_empty() {
            return Err(unusable);
        }
        let engine = sandbox::build();
        let draft = check::Draft { name: &name, text: &text, library: &options.library };
        let checked = check::script(&engine, &draft);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            checked.findings.into_iter().partition(|found| found.severity == Severity::Error);
        let Some(ast) = checked.ast.filter(|_| errors.is_empty()) else { return Err(errors) };
        let hash = version(&CONTRACT, &text, &options);
        let broken = AtomicBool::new(false);
        let entries = checked.entries;
        let inner =
            Inner { name, text, hash, engine, ast, entries, tables, options, warnings, broken };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The same script with more in its text, which its messages do not show: more functions, no
    /// check.
    pub(crate) fn instrumented(
        &self,
        text: &str,
        budget: Budget,
        more: impl FnOnce(&mut Engine) + Send + 'static,
    ) -> Option<Self> {
        let (original, text) = (self.clone(), text.to_owned());
        sandbox::run(self.budget().wall(), move || {
            let mut engine = sandbox::build();
            more(&mut engine);
            let ast = engine.compile(&text).ok()?;
            let text = original.inner.text.clone();
            let options = ScriptOptions { budget, ..original.inner.options.clone() };
            let inner = Inner {
                name: Arc::clone(&original.inner.name),
                text,
                hash: original.inner.hash.clone(),
                engine,
                ast,
                entries: original.inner.entries.clone(),
                tables: original.inner.tables.clone(),
                options,
                warnings: Vec::new(),
                broken: AtomicBool::new(false),
            };
            Some(Self { inner: Arc::new(inner) })
        })
        .ok()
        .flatten()
    }

    /// The name that messages use.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The name, to be kept with each value that the script sets.
    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.inner.name)
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The version: SHA-256 in hexadecimal over text, tables, library, schema, API version and the
    /// script engine's version. The same hash means the same behaviour.
    pub fn hash(&self) -> &str {
        &self.inner.hash
    }

    /// The entry functions that the script has.
    pub fn entries(&self) -> &BTreeSet<Entry> {
        &self.inner.entries
    }

    /// Whether the script has this entry function.
    pub fn has(&self, entry: Entry) -> bool {
        self.inner.entries.contains(&entry)
    }

    /// What the check found that does not keep the script from running.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.inner.warnings
    }

    /// What it was compiled with.
    pub fn options(&self) -> &ScriptOptions {
        &self.inner.options
    }

    /// Whether it endangered the host; then every call is refused.
    pub fn is_disabled(&self) -> bool {
        self.inner.broken.load(Ordering::Relaxed)
    }

    /// Whether it is one of the shipped scripts.
    pub(crate) fn is_shipped(&self) -> bool {
        [MAPPING, NOTIFY].contains(&self.inner.text.as_str())
    }

    pub(crate) fn disable(&self) {
        self.inner.broken.store(true, Ordering::Relaxed);
    }

    pub(crate) fn budget(&self) -> Budget {
        self.inner.options.budget
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn ast(&self) -> &AST {
        &self.inner.ast
    }

    /// The files beside it.
    pub fn library(&self) -> &Library {
        &self.inner.options.library
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.inner.tables
    }
}

fn tables(script: &str, sets: &[DataSet]) -> Result<Tables, Vec<Diagnostic>> {
    let read = |set: &DataSet| {
        Table::parse(&set.name, &set.csv, TableLimits::default())
            .map_err(|error| vec![Diagnostic::new(Code::E010, script, error.to_string())])
    };
    Ok(Tables::new(sets.iter().map(read).collect::<Result<Vec<_>, _>>()?))
}

/// What a script means besides its own text: the versions of the contract and of the engine, and the
/// schema of attributes.
static CONTRACT: LazyLock<[String; 3]> =
    LazyLock::new(|| [API_VERSION.to_string(), RHAI_VERSION.to_owned(), schema_hash().to_owned()]);

/// The content hash that names a version.
fn version(contract: &[String; 3], text: &str, options: &ScriptOptions) -> String {
    let mut hasher = Sha256::new();
    let mut part = |part: &str| {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    };
    for one in contract {
        part(one);
    }
    part(text);
    for table in &options.tables {
        part(&table.name);
        part(&table.csv);
    }
    if !options.library.files().is_empty() {
        // Tables come in pairs of parts, so this one alone cannot be taken for a table's.
        part("library");
    }
    for file in options.library.files() {
        part(&file.name);
        part(&file.base64());
    }
    crate::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release with another schema, contract or engine gives a script another version.
    #[test]
    fn a_version_names_contract_engine_and_schema() {
        let text = "// crosswave-api: 1\nfn map_user(source, target, ctx) { }";
        let now = version(&CONTRACT, text, &ScriptOptions::default());
        assert_eq!(Script::compile("v.rhai", text).unwrap().hash(), now);
        assert_eq!(CONTRACT[0], "1");
        assert_eq!(CONTRACT[1], RHAI_VERSION);
        assert_eq!(CONTRACT[2], schema_hash());
        for changed in 0..3 {
            let mut later = CONTRACT.clone();
            later[changed].push('0');
            assert_ne!(version(&later, text, &ScriptOptions::default()), now, "{changed}");
        }
    }
}
