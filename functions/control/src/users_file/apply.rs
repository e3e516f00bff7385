//! Applying a file that was read: every name is resolved first, then everything is written.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::Side;
use engine::{Host, profile_of, records::Loaded};
use futures_util::future::try_join_all;
use model::{Project, User, UserState, WaveId};
use serde::Serialize;
use tenant::graph::GraphUser;

use super::read::{Cell, Row, read};
use crate::{
    ControlError, FileFault, FileFaults, Scope, discover,
    matching::set_match,
    patience::patiently,
    scope::change_user,
    select::is_named,
    waves::{TOGETHER, has_newcomers},
};

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Rows of the file.
    pub rows: usize,
    /// Users whose match was set or taken away.
    pub matches: usize,
    /// Users whose wave changed.
    pub waves: usize,
    /// Users whose own options changed.
    pub options: usize,
}

/// A row whose names are known to be right.
struct Resolved {
    row: Row,
    user: User,
    target: Option<GraphUser>,
}

/// Imports a file (MAT-3). Any fault, and nothing of it is applied. `file` is what messages call it.
pub async fn import(
    host: &Host,
    project: &Project,
    file: &str,
    bytes: &[u8],
) -> Result<Imported, ControlError> {
    apply(host, project, file, read(file, bytes)?).await
}

/// Imports a file whose users all go into one wave, in rows that may leave the wave out. Users who are
/// not known yet are discovered first. A file without any user, or with one for another wave, is wrong.
pub async fn import_into(
    host: &Host,
    project: &Project,
    wave: &WaveId,
    (file, bytes): (&str, &[u8]),
) -> Result<Imported, ControlError> {
    let mut rows = read(file, bytes)?;
    let fault = |line, column: Option<&str>, found: &str, expected: String| FileFault {
        file: file.to_owned(),
        line,
        column: column.map(str::to_owned),
        found: found.to_owned(),
        expected,
    };
    if rows.is_empty() {
        let text = "no user stands in the file; expected a row for each".to_owned();
        return Err(FileFaults::from(fault(1, None, "", text)).into());
    }
    let mut faults = Vec::new();
    for row in &mut rows {
        let own = Cell::Set(wave.clone());
        if row.wave != own && row.wave != Cell::Keep {
            let found = if let Cell::Set(other) = &row.wave { other.as_str() } else { "-" };
            let text = format!("this file is for wave {wave}; leave the cell empty");
            faults.push(fault(row.line, Some("wave"), found, text));
        }
        row.wave = own;
    }
    FileFaults::check(faults)?;
    let users = Scope::of(project).users(host).await?;
    let names = Names::of(&users);
    if rows.iter().any(|row| !names.by_name.contains_key(&row.source.to_lowercase())) {
        discover(host, project, None, |_seen| {}).await?;
    }
    apply(host, project, file, rows).await
}

async fn apply(
    host: &Host,
    project: &Project,
    file: &str,
    rows: Vec<Row>,
) -> Result<Imported, ControlError> {
    let scope = Scope::of(project);
    let resolved = resolve(host, project, &scope, file, rows).await?;
    let mut done = Imported { rows: resolved.len(), ..Imported::default() };
    for rows in resolved.chunks(TOGETHER) {
        let all = rows.iter().map(|row| write(host, project, &scope, row));
        for row in try_join_all(all).await? {
            done.matches += row.matches;
            done.waves += row.waves;
            done.options += row.options;
        }
    }
    let set = |resolved: &Resolved| match &resolved.row.wave {
        Cell::Set(wave) => Some(wave.clone()),
        Cell::Keep | Cell::Clear => None,
    };
    let waves: BTreeSet<WaveId> = resolved.iter().filter_map(set).collect();
    for wave in &waves {
        has_newcomers(host, &scope, wave).await?;
    }
    Ok(done)
}

async fn resolve(
    host: &Host,
    project: &Project,
    scope: &Scope,
    file: &str,
    rows: Vec<Row>,
) -> Result<Vec<Resolved>, ControlError> {
    let users = scope.users(host).await?;
    let names = Names::of(&users);
    let waves: Vec<WaveId> =
        scope.waves(host).await?.into_iter().map(|wave| wave.value.id).collect();
    let mut faults = Vec::new();
    let mut resolved = Vec::new();
    for row in rows {
        let mut fault = |column: &str, found: &str, expected: String| {
            faults.push(FileFault {
                file: file.to_owned(),
                line: row.line,
                column: Some(column.to_owned()),
                found: found.to_owned(),
                expected,
            });
        };
        if let Cell::Set(wave) = &row.wave
            && !waves.contains(wave)
        {
            fault("wave", wave.as_str(), unknown_wave(&waves));
        }
        let user = match names.find(&row.source) {
            Ok(user) => user,
            Err(expected) => {
                fault("source", &row.source, expected);
                continue;
            }
        };
        let target = match &row.target {
            Cell::Set(name) => match target(host, project, name, user, &users).await? {
                Ok(target) => target,
                Err(expected) => {
                    fault("target", name, expected);
                    None
                }
            },
            Cell::Keep | Cell::Clear => None,
        };
        resolved.push(Resolved { user: user.clone(), target, row });
    }
    twice(file, &resolved, &mut faults);
    FileFaults::check(faults)?;
    Ok(resolved)
}

/// Two rows that name the same user in different ways.
fn twice(file: &str, rows: &[Resolved], faults: &mut Vec<FileFault>) {
    let mut sources = BTreeMap::new();
    let mut targets = BTreeMap::new();
    let mut fault = |line, column: &str, found: &str, first| {
        faults.push(FileFault {
            file: file.to_owned(),
            line,
            column: Some(column.to_owned()),
            found: found.to_owned(),
            expected: format!("line {first} names the same user"),
        });
    };
    for Resolved { row, user, target } in rows {
        if let Some(first) = sources.insert(user.id.clone(), row.line) {
            fault(row.line, "source", &row.source, first);
        }
        if let Some(target) = target
            && let Some(first) = targets.insert(target.id.clone(), row.line)
        {
            fault(row.line, "target", &target.user_principal_name, first);
        }
    }
}

fn unknown_wave(waves: &[WaveId]) -> String {
    let known: Vec<&str> = waves.iter().map(WaveId::as_str).collect();
    if known.is_empty() {
        return "the project has no wave yet; make it with `crosswave waves create`".to_owned();
    }
    format!("no such wave; expected one of {}", known.join(", "))
}

/// Users by every name that a row may use.
struct Names<'a> {
    by_name: BTreeMap<String, Vec<&'a User>>,
}

impl<'a> Names<'a> {
    fn of(users: &'a [Loaded<User>]) -> Self {
        let mut by_name: BTreeMap<String, Vec<&User>> = BTreeMap::new();
        for user in users {
            let source = &user.value.source;
            let names = [user.value.id.as_str(), &source.user_principal_name, &source.mail];
            for name in names.map(str::to_lowercase) {
                let held = by_name.entry(name).or_default();
                if held.last().is_none_or(|last| last.id != user.value.id) {
                    held.push(&user.value);
                }
            }
        }
        Self { by_name }
    }

    fn find(&self, name: &str) -> Result<&'a User, String> {
        let found = self.by_name.get(&name.to_lowercase()).map_or(&[][..], Vec::as_slice);
        match found {
            [only] => {
                debug_assert!(is_named(only, name), "the index and the rule agree");
                Ok(only)
            }
            [] => Err("no such user in the source; run `crosswave discover`, or correct it".into()),
            many => Err(format!("{} users have this name; give the object id", many.len())),
        }
    }
}

/// The target user that a row names, if the row would change anything; `Err` is what was expected.
async fn target(
    host: &Host,
    project: &Project,
    name: &str,
    user: &User,
    all: &[Loaded<User>],
) -> Result<Result<Option<GraphUser>, String>, ControlError> {
    if let Some(held) = &user.target
        && (held.user_principal_name.eq_ignore_ascii_case(name)
            || held.object_id.eq_ignore_ascii_case(name))
    {
        return Ok(Ok(None));
    }
    if !matches!(user.state, UserState::NoMatch | UserState::Matched) {
        return Ok(Err(format!(
            "the user is {} already; only the match of no_match and matched users can be set",
            user.state
        )));
    }
    let graph = host.tenants.of(project).await?.target.graph();
    let found = patiently(host, || graph.find_user(name)).await;
    let Some(found) = found.map_err(ControlError::of(Side::Target))? else {
        let text = "no such user in the target; give a user principal name or object id";
        return Ok(Err(text.to_owned()));
    };
    let holder = all.iter().find(|other| {
        other.value.id != user.id
            && other.value.target.as_ref().is_some_and(|held| held.object_id == found.id)
    });
    if let Some(holder) = holder {
        let who = &holder.value.source.user_principal_name;
        return Ok(Err(format!("this target user is matched to {who} already")));
    }
    Ok(Ok(Some(found)))
}

async fn write(
    host: &Host,
    project: &Project,
    scope: &Scope,
    Resolved { row, user, target }: &Resolved,
) -> Result<Imported, ControlError> {
    let mut done = Imported::default();
    if let Some(target) = target {
        match set_match(host, scope, user, target).await? {
            None => done.matches += 1,
            Some(holder) => {
                let target = &target.user_principal_name;
                return Err(ControlError::Input(format!(
                    "{target} was matched to {holder} while the file was being applied; the rows \
                     from line {} on were not applied: correct it and import again",
                    row.line
                )));
            }
        }
    }
    let key = scope.user(&user.id);
    let with_wave = |user: &User| {
        let mut user = user.clone();
        match &row.wave {
            Cell::Keep => {}
            Cell::Clear => user.wave = None,
            Cell::Set(wave) => user.wave = Some(wave.clone()),
        }
        user
    };
    let base = profile_of(host, project, &with_wave(user), &key).await?;
    let (mut matches, mut waves, mut options) = (0, 0, 0);
    change_user(host, &key, |user| {
        let before = user.clone();
        *user = with_wave(user);
        if row.target == Cell::Clear && user.state == UserState::Matched {
            user.target = None;
            user.state = UserState::NoMatch;
        }
        if row.clear_options {
            user.profile = None;
        } else if !row.options.is_empty() {
            user.profile = Some(row.over(base.clone()));
        }
        matches = usize::from(user.target != before.target);
        waves = usize::from(user.wave != before.wave);
        options = usize::from(user.profile != before.profile);
        *user != before
    })
    .await?;
    done.matches += matches;
    done.waves += waves;
    done.options += options;
    Ok(done)
}

/// Exports users in the columns that [`import`] reads.
pub fn export(users: &[User]) -> Result<String, ControlError> {
    super::write::write(users).map_err(|error| ControlError::Project(error.to_string()))
}
