//! What a mapping would do to a wave, against the directories as discovered: no tenant is asked,
//! nothing is written, nothing is reserved.

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    Host, policy_of,
    records::{EngineError, Loaded, load},
};
use model::{Action, Keys, Project, Stored, User, WaveId};
use ports::{Key, Record};
use scripting::{
    AttributeValue, Attributes, Mapping, RunContext, Step, UserInput,
    preview::{
        Difference, Effect, Summary, Tally, UserPreview, differences_of, in_parallel, match_keys,
    },
};
use serde::Serialize;

use super::book::Book;
use crate::{
    ControlError, Scope, Selection,
    directory::{SourceEntry, TargetEntry, entry, page_of},
};

/// What is previewed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whom.
    pub selection: &'a Selection,
    /// The version.
    pub mapping: &'a Mapping,
    /// The version that it is compared with.
    pub against: Option<&'a Mapping>,
    /// The phase.
    pub step: Step,
    /// On so many threads.
    pub threads: usize,
}

/// One user of a preview.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What the version would do to him.
    #[serde(flatten)]
    pub user: UserPreview,
    /// What it does otherwise than the version that it is compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// A preview in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Previewed {
    /// The version.
    pub hash: String,
    /// The version that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Users that were looked at.
    pub users: usize,
    /// Those of whom discovery has kept no attributes; they are not counted.
    pub undiscovered: usize,
    /// Counts, groups, collisions.
    pub summary: Summary,
    /// Users with whom the two versions differ.
    pub differing: usize,
    /// The counts, for [`Tally::blocks`].
    #[serde(skip)]
    pub tally: Tally,
}

/// Previews a mapping over users; `each` gets them in the order of their ids. Memory holds a page of
/// them, and the names of the target.
pub async fn preview(
    host: &Host,
    project: &Project,
    asked: Asked<'_>,
    mut each: impl FnMut(&Row),
) -> Result<Previewed, ControlError> {
    let scope = Scope::of(project);
    if let Some(wave) = &asked.selection.wave {
        scope.load_wave(host, wave).await?;
    }
    let mut run = run_of(host, project, &asked);
    let mut books = (Book::read(host, &scope).await?, None);
    if asked.against.is_some() {
        books.1 = Some(Book::read(host, &scope).await?);
    }
    let mut done = Previewed {
        hash: asked.mapping.hash(),
        against: asked.against.map(Mapping::hash),
        users: 0,
        undiscovered: 0,
        summary: Summary::default(),
        differing: 0,
        tally: Tally::default(),
    };
    let policy = policy_of(project, asked.step);
    let mut pages = Pages::of(host, &scope, asked.selection).await?;
    while let Some(users) = pages.next(host, &scope).await? {
        let page = inputs(host, project, &scope, &asked, &run, &mut books.0, &users).await?;
        run.matches = managers(host, &scope, &page.inputs, run.matches).await?;
        let run = Arc::new(run.clone());
        done.undiscovered += users.len() - page.inputs.len() - page.unclear.len();
        let through = |mapping: &Mapping, book: &mut Book| {
            let mut previews = page.unclear.clone();
            book.own.clone_from(&page.own);
            let users = page.inputs.iter().cloned();
            scripting::preview::preview(
                mapping,
                users,
                &run,
                &policy,
                asked.threads,
                book,
                |_, preview| previews.push(preview),
            );
            previews
        };
        let previews = through(asked.mapping, &mut books.0);
        let others = match (asked.against, &mut books.1) {
            (Some(against), Some(book)) => through(against, book),
            _ => Vec::new(),
        };
        let mut others = others.into_iter();
        for user in previews {
            done.users += 1;
            done.tally.add(&user);
            let differences = others.next().map(|other| differences_of(&other, &user));
            let row = Row { user, differences: differences.unwrap_or_default() };
            done.differing += usize::from(!row.differences.is_empty());
            each(&row);
        }
    }
    done.summary = done.tally.summary();
    Ok(done)
}

/// What keeps a wave from starting: its mapping would park more people than its profile allows. In
/// words; `None` when nothing does.
pub(crate) async fn holds_back(
    host: &Host,
    project: &Project,
    wave: &WaveId,
    action: Action,
    mapping: &Mapping,
) -> Result<Option<String>, ControlError> {
    let step = match action {
        Action::Prepare => Step::Prepare,
        Action::Cutover => Step::CutoverTarget,
        // The first sync only fills in what prepare has made; later ones map nobody.
        _ => return Ok(None),
    };
    let record = Scope::of(project).load_wave(host, wave).await?.value;
    let profile = record.profile.as_ref().and_then(|name| project.profiles.get(name));
    let most = profile.unwrap_or(&project.default_profile).mapping.parked_percent;
    if most >= 100 {
        return Ok(None);
    }
    let selection = Selection { wave: Some(wave.clone()), users: Vec::new() };
    let asked = Asked { selection: &selection, mapping, against: None, step, threads: 2 };
    let done = preview(host, project, asked, |_| {}).await?;
    if !done.tally.blocks(most) {
        return Ok(None);
    }
    let reasons: Vec<String> = done
        .summary
        .groups
        .iter()
        .map(|group| format!("{} people: {} {}", group.users.len(), group.code, group.message))
        .collect();
    Ok(Some(format!(
        "wave {wave} does not start: the mapping would park {} of {} people, more than \
         parked_percent = {most} of its profile allows ({}); see `crosswave script preview --wave \
         {wave}`",
        done.summary.parked,
        done.users,
        reasons.join("; ")
    )))
}

fn run_of(host: &Host, project: &Project, asked: &Asked<'_>) -> RunContext {
    RunContext {
        project: project.id.to_string(),
        wave: asked.selection.wave.as_ref().map(ToString::to_string).unwrap_or_default(),
        step: asked.step,
        now: host.clock.now(),
        source_domains: project.source.domains.clone(),
        target_domains: project.target.domains.clone(),
        default_domain: project.target_domain.clone(),
        domain_map: BTreeMap::new(),
        matches: BTreeMap::new(),
    }
}

/// The target users of these users' managers, as the steps give them to the script. `known` is
/// looked into first.
async fn managers(
    host: &Host,
    scope: &Scope,
    users: &[UserInput],
    known: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ControlError> {
    let mut matches = BTreeMap::new();
    for manager in users.iter().filter_map(|user| user.source.text("manager")) {
        if matches.contains_key(manager) {
            continue;
        }
        let target = match (known.get(manager), manager.parse()) {
            (Some(target), _) => Some(target.clone()),
            (None, Ok(id)) => {
                let user: Option<Loaded<User>> =
                    load(&*host.store, Keys::user(&scope.user(&id))).await?;
                user.and_then(|user| user.value.target).map(|target| target.object_id)
            }
            (None, Err(_)) => None,
        };
        matches.extend(target.map(|target| (manager.to_owned(), target)));
    }
    Ok(matches)
}

/// A page of users, ready for the script.
struct PageOf {
    inputs: Vec<UserInput>,
    /// Source ids to target ids.
    own: BTreeMap<String, String>,
    /// Users whose match is in doubt.
    unclear: Vec<UserPreview>,
}

async fn inputs(
    host: &Host,
    project: &Project,
    scope: &Scope,
    asked: &Asked<'_>,
    run: &RunContext,
    book: &mut Book,
    users: &[User],
) -> Result<PageOf, ControlError> {
    let mut page = PageOf { inputs: Vec::new(), own: BTreeMap::new(), unclear: Vec::new() };
    let mut open = Vec::new();
    let mut records = Vec::new();
    for user in users {
        let (partition, sort) = scope.source_entry(&user.id);
        records.push(host.store.get(&Key { partition, sort }).await?);
    }
    // Reading them as attributes takes longer than fetching them.
    let entries = in_parallel(&records, asked.threads, |records| {
        let read = |record: &Record| SourceEntry::from_bytes(&record.value);
        records.iter().map(|record| record.as_ref().map(read)).collect()
    });
    for (user, known) in users.iter().zip(entries) {
        let Some(known) = known.transpose().map_err(EngineError::from)? else { continue };
        let source_id = user.source.object_id.clone();
        match &user.target {
            Some(target) => drop(page.own.insert(source_id.clone(), target.object_id.clone())),
            None => open.push(page.inputs.len()),
        }
        let (source, target) = (known.attributes, Attributes::new());
        page.inputs.push(UserInput { source_id, source, target });
    }
    if asked.step != Step::CutoverSource {
        find_matches(host, project, scope, asked, run, book, &mut page, &open).await?;
    }
    for input in &mut page.inputs {
        if asked.step == Step::CutoverSource {
            input.target = input.source.clone();
        } else if let Some(id) = page.own.get(&input.source_id) {
            let found: Option<TargetEntry> = entry(host, scope.target_entry(id)).await?;
            input.target = found.map(|found| found.attributes).unwrap_or_default();
        }
    }
    Ok(page)
}

/// PRE-3: whoever exists in the target is found before an account is made.
#[expect(clippy::too_many_arguments, reason = "one step of `inputs`, told apart for its length")]
async fn find_matches(
    host: &Host,
    project: &Project,
    scope: &Scope,
    asked: &Asked<'_>,
    run: &RunContext,
    book: &mut Book,
    page: &mut PageOf,
    open: &[usize],
) -> Result<(), ControlError> {
    let people: Vec<UserInput> =
        open.iter().filter_map(|at| page.inputs.get(*at).cloned()).collect();
    let computed = if project.match_by.is_empty() && !people.is_empty() {
        let run = RunContext { step: Step::Match, ..run.clone() };
        match_keys(asked.mapping, &people, &Arc::new(run), asked.threads)
    } else {
        Vec::new()
    };
    let mut computed = computed.into_iter();
    for person in &people {
        let mut keys: Vec<(String, String)> = Vec::new();
        for (source, target) in &project.match_by {
            let values =
                person.source.get(source).map(AttributeValue::as_texts).unwrap_or_default();
            keys.extend(values.iter().map(|value| (target.clone(), value.clone())));
        }
        // A failing `match_keys` fails again, with its line, when the user is prepared.
        let found = computed.next().and_then(Result::ok).unwrap_or_default();
        keys.extend(found.into_iter().map(|key| (key.attribute.to_string(), key.value)));
        for (attribute, value) in keys {
            let found = book.found(host, scope, &attribute, &value).await?;
            match found.as_slice() {
                [] => continue,
                [one] => drop(page.own.insert(person.source_id.clone(), one.clone())),
                several => {
                    let name = person.source.text("userPrincipalName").unwrap_or(&person.source_id);
                    page.unclear.push(UserPreview {
                        source_id: person.source_id.clone(),
                        user: name.to_owned(),
                        effect: Effect::Parked(format!(
                            "{attribute} = {value} matches {} target users",
                            several.len()
                        )),
                        changes: Vec::new(),
                        warnings: Vec::new(),
                        cost: scripting::Cost::default(),
                    });
                }
            }
            break;
        }
    }
    let unclear: Vec<&str> = page.unclear.iter().map(|user| user.source_id.as_str()).collect();
    page.inputs.retain(|input| !unclear.contains(&input.source_id.as_str()));
    Ok(())
}

/// Users page after page, in the order of their ids.
enum Pages {
    /// Those that were named.
    Named(Option<Vec<User>>),
    /// Everybody, or a wave.
    All { from: Next, wave: Option<WaveId> },
}

/// Where the next page begins.
enum Next {
    Start,
    After(String),
    End,
}

impl Pages {
    async fn of(host: &Host, scope: &Scope, selection: &Selection) -> Result<Self, ControlError> {
        if selection.users.is_empty() {
            return Ok(Self::All { from: Next::Start, wave: selection.wave.clone() });
        }
        let named = selection.resolve(host, scope).await?;
        Ok(Self::Named(Some(named.into_iter().map(|user| user.value).collect())))
    }

    async fn next(
        &mut self,
        host: &Host,
        scope: &Scope,
    ) -> Result<Option<Vec<User>>, ControlError> {
        match self {
            Self::Named(users) => Ok(users.take()),
            Self::All { from, wave } => {
                let after = match std::mem::replace(from, Next::End) {
                    Next::Start => None,
                    Next::After(sort) => Some(sort),
                    Next::End => return Ok(None),
                };
                let page =
                    host.store.query(&page_of(&scope.partition(), Keys::USERS, after)).await?;
                *from = page.next.map_or(Next::End, Next::After);
                let mut users = Vec::new();
                for record in page.records {
                    let user = User::from_bytes(&record.value).map_err(EngineError::from)?;
                    if wave.is_none() || user.wave == *wave {
                        users.push(user);
                    }
                }
                Ok(Some(users))
            }
        }
    }
}
