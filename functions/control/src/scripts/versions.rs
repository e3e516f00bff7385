//! Listing versions, going back to one, and what a wave has pinned.

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    Host, ScriptPins, put_version,
    records::{Batch, EngineError, Loaded, load, load_all},
    shipped_version,
};
use jiff::Timestamp;
use model::{Keys, Project, Publication, PublishedScript, ScriptKind, ScriptVersion, WaveId};
use ports::CommitError;
use scripting::{Mapping, ScriptOptions};
use serde::Serialize;

use super::publish::put_in_force;
use crate::{ControlError, Scope};

/// A version as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionLine {
    /// Which kind.
    pub kind: ScriptKind,
    /// The content hash.
    pub hash: String,
    /// The file's name.
    pub name: String,
    /// Who published it.
    pub author: String,
    /// When; a shipped script that nothing has used yet was never published.
    pub at: Option<Timestamp>,
    /// The version of the script engine that it was checked with.
    pub engine: String,
    /// Whether jobs that start now use it.
    pub in_force: bool,
    /// The waves that have pinned it.
    pub waves: Vec<WaveId>,
    /// Why it is disabled.
    pub disabled: Option<String>,
}

/// Every version of the project, the newest first.
pub async fn versions(host: &Host, project: &Project) -> Result<Vec<VersionLine>, ControlError> {
    let pins = host.scripts.current(project).await?;
    let waves = Scope::of(project).waves(host).await?;
    let known = all(host, project).await?;
    // The shipped scripts are kept from their first use on, and can be used before.
    let mut shipped = ScriptKind::ALL.map(|kind| shipped_version(kind, host.clock.now())).to_vec();
    shipped.retain(|one| {
        !known.iter().any(|version| version.kind == one.kind && version.hash == one.hash)
    });
    let known = known.into_iter().map(|version| (Some(version.at), version));
    let unused = shipped.into_iter().map(|version| (None, version));
    let mut lines: Vec<VersionLine> = known
        .chain(unused)
        .map(|(at, version)| {
            let name = version.kind.name();
            let pinned = |pins: &ScriptPins| pins.get(name) == Some(&version.hash);
            VersionLine {
                in_force: pinned(&pins),
                waves: waves
                    .iter()
                    .filter(|wave| pinned(&wave.value.scripts))
                    .map(|wave| wave.value.id.clone())
                    .collect(),
                kind: version.kind,
                hash: version.hash,
                name: version.name,
                author: version.author,
                at,
                engine: version.engine,
                disabled: version.disabled,
            }
        })
        .collect();
    lines.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.kind.cmp(&other.kind)));
    Ok(lines)
}

async fn all(host: &Host, project: &Project) -> Result<Vec<ScriptVersion>, ControlError> {
    let partition = Keys::script_partition(&project.customer, &project.id);
    let all = load_all(&*host.store, &partition, Keys::SCRIPT_VERSIONS).await?;
    Ok(all.into_iter().map(|version| version.value).collect())
}

/// Puts an earlier version in force again: the one that is named by the first letters of its hash,
/// else the one before the present one, which is the shipped script when there is no other.
pub async fn rollback(
    host: &Host,
    project: &Project,
    kind: ScriptKind,
    to: Option<&str>,
    author: &str,
) -> Result<String, ControlError> {
    let now = host.clock.now();
    let hash = match to {
        Some(name) => named(host, project, kind, name).await?.hash,
        None => before(host, project, kind).await?,
    };
    let publication =
        Publication { hash: hash.clone(), at: now, author: author.to_owned(), rollback: true };
    put_in_force(host, project, kind, &publication).await?;
    Ok(hash)
}

/// The version in force before the present one; going back twice goes back two versions.
async fn before(host: &Host, project: &Project, kind: ScriptKind) -> Result<String, ControlError> {
    let place = Keys::published_script(&project.customer, &project.id, kind);
    let head: Option<Loaded<PublishedScript>> = load(&*host.store, place).await?;
    let history = head.map(|head| head.value.history).unwrap_or_default();
    // What a roll back left behind does not count: the history is read as a stack.
    let mut stack: Vec<&str> = Vec::new();
    for publication in &history {
        match stack.iter().position(|hash| *hash == publication.hash) {
            Some(at) if publication.rollback => stack.truncate(at + 1),
            _ => stack.push(&publication.hash),
        }
    }
    let shipped = shipped_version(kind, host.clock.now());
    if stack.last().is_none_or(|present| *present == shipped.hash) {
        return Err(ControlError::Input(format!(
            "the shipped {kind} script is in force: there is nothing to go back to"
        )));
    }
    if let Some(before) = stack.len().checked_sub(2).and_then(|at| stack.get(at)) {
        return Ok((*before).to_owned());
    }
    put_version(&*host.store, project, &shipped, &ScriptOptions::default()).await?;
    Ok(shipped.hash)
}

/// The version that the first letters of its hash name.
async fn named(
    host: &Host,
    project: &Project,
    kind: ScriptKind,
    name: &str,
) -> Result<ScriptVersion, ControlError> {
    let mut fitting = all(host, project)
        .await?
        .into_iter()
        .filter(|version| version.kind == kind && version.hash.starts_with(name));
    match (fitting.next(), fitting.next()) {
        (Some(version), None) if version.disabled.is_none() => Ok(version),
        (Some(version), None) => Err(ControlError::Input(format!(
            "version {name} is disabled: {}",
            version.disabled.unwrap_or_default()
        ))),
        (None, _) => Err(ControlError::Input(format!(
            "there is no {kind} version `{name}`; `crosswave script versions` lists them"
        ))),
        (Some(_), Some(_)) => Err(ControlError::Input(format!(
            "several {kind} versions begin with `{name}`; give more of the hash"
        ))),
    }
}

/// The mapping of a version: `published`, or the first letters of a hash.
pub async fn load_mapping(
    host: &Host,
    project: &Project,
    name: &str,
) -> Result<Arc<Mapping>, ControlError> {
    let mut pins = host.scripts.current(project).await?;
    if name != "published" {
        let version = named(host, project, ScriptKind::Mapping, name).await?;
        pins.insert(ScriptKind::Mapping.name().to_owned(), version.hash);
    }
    Ok(host.scripts.mapping(project, &pins).await?)
}

/// Lets a wave use another version from its next job on: the named one, else the one in force.
pub async fn pin(
    host: &Host,
    project: &Project,
    wave: &WaveId,
    kind: ScriptKind,
    to: Option<&str>,
) -> Result<String, ControlError> {
    let hash = match to {
        Some(name) => named(host, project, kind, name).await?.hash,
        None => in_force(host, project, kind).await?,
    };
    let present = host.scripts.current(project).await?;
    host.scripts.keep(project, &present).await?;
    change_pins(host, &Scope::of(project), wave, |pins| {
        if pins.is_empty() {
            pins.clone_from(&present);
        }
        pins.insert(kind.name().to_owned(), hash.clone());
    })
    .await?;
    Ok(hash)
}

async fn in_force(
    host: &Host,
    project: &Project,
    kind: ScriptKind,
) -> Result<String, ControlError> {
    let mut pins = host.scripts.current(project).await?;
    Ok(pins.remove(kind.name()).unwrap_or_default())
}

/// A wave that starts its first action takes the versions in force, and keeps them: later edits
/// touch later waves.
pub async fn pin_wave(
    host: &Host,
    project: &Project,
    wave: &WaveId,
) -> Result<ScriptPins, ControlError> {
    let present = host.scripts.current(project).await?;
    host.scripts.keep(project, &present).await?;
    change_pins(host, &Scope::of(project), wave, |pins| {
        if pins.is_empty() {
            pins.clone_from(&present);
        }
    })
    .await
}

async fn change_pins(
    host: &Host,
    scope: &Scope,
    wave: &WaveId,
    change: impl Fn(&mut BTreeMap<String, String>),
) -> Result<ScriptPins, ControlError> {
    loop {
        let mut wave = scope.load_wave(host, wave).await?;
        let before = wave.value.scripts.clone();
        change(&mut wave.value.scripts);
        if before == wave.value.scripts {
            return Ok(before);
        }
        let mut batch = Batch::new();
        batch.put(scope.wave(&wave.value.id), &wave.value, wave.version)?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(wave.value.scripts),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(EngineError::from(error).into()),
        }
    }
}
