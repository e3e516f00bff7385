//! What a mapping would do to a wave, against the directories as discovered: no tenant is asked,
//! nothing is written, nothing is reserved.

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    Host, policy_of,
    records::{EngineError, Loaded, load},
};
use model::{Action, Keys, Project, User, WaveId};
use scripting::{
    AttributeValue, Mapping, MatchKey, RunContext, Step, UserInput,
    preview::{
        Difference, Finished, Mapped, Previewer, Summary, Tally, UserPreview, differences_of,
    },
};
use serde::Serialize;

use super::{
    book::Book,
    pages::{self, Listed, Pages, Reader},
};
use crate::{
    ControlError, Scope, Selection,
    directory::{TargetEntry, entry},
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

/// Previews a mapping over users; `each` gets them in the order of their ids. Memory holds four
/// pages of them, and the names of the target.
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
    let of = |mapping: &Mapping| Previewer::new(mapping, &policy, asked.threads);
    let (previewer, against) = (of(asked.mapping), asked.against.map(of));
    let reader = reader_of(project, &asked, &run);
    let mut pages = Pages::of(host, &scope, asked.selection).await?;
    let (mut read, mut mapped, mut finished) = (None, None, None);
    loop {
        // Each stage works on the page before that of the stage below it, at the same time.
        let shown = finished.take();
        finished = mapped.take().map(|page: PageMapped| page.choose(&mut books));
        if let Some(page) = read.take() {
            let page = inputs(host, project, &scope, &asked, &mut books.0, page).await?;
            done.undiscovered += page.undiscovered;
            run.matches = managers(host, &scope, &page.inputs, run.matches).await?;
            mapped =
                Some(PageMapped::begin(page, &previewer, against.as_ref(), &Arc::new(run.clone())));
        }
        read = pages.next(host, &scope, &reader).await?;
        if let Some(page) = shown {
            page.show(&mut done, &mut each);
        } else if read.is_none() && mapped.is_none() && finished.is_none() {
            break;
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
    /// Users of whom discovery has kept nothing.
    undiscovered: usize,
}

/// A page whose mapping is under way.
struct PageMapped {
    own: BTreeMap<String, String>,
    unclear: Vec<UserPreview>,
    mapped: Mapped,
    against: Option<Mapped>,
}

/// A page whose preview is under way.
struct PageFinished {
    unclear: Vec<UserPreview>,
    finished: Finished,
    against: Option<Finished>,
}

impl PageMapped {
    fn begin(
        page: PageOf,
        previewer: &Previewer,
        against: Option<&Previewer>,
        run: &Arc<RunContext>,
    ) -> Self {
        let PageOf { inputs, own, unclear, .. } = page;
        let against = against.map(|against| against.begin(inputs.clone(), run));
        Self { own, unclear, mapped: previewer.begin(inputs, run), against }
    }

    fn choose(self, books: &mut (Book, Option<Book>)) -> PageFinished {
        let (book, other) = books;
        let against = self.against.zip(other.as_mut()).map(|(mapped, book)| {
            book.own.clone_from(&self.own);
            mapped.choose(book)
        });
        book.own = self.own;
        PageFinished { unclear: self.unclear, finished: self.mapped.choose(book), against }
    }
}

impl PageFinished {
    fn show(self, done: &mut Previewed, each: &mut impl FnMut(&Row)) {
        let unclear = || self.unclear.iter().cloned();
        let others = self.against.map(|against| unclear().chain(against.wait()));
        let mut others = others.into_iter().flatten();
        for user in unclear().chain(self.finished.wait()) {
            done.users += 1;
            done.tally.add(&user);
            let differences = others.next().map(|other| differences_of(&other, &user));
            let row = Row { user, differences: differences.unwrap_or_default() };
            done.differing += usize::from(!row.differences.is_empty());
            each(&row);
        }
    }
}

/// What reads pages: it asks the mapping for keys where the project has no rules of its own.
fn reader_of(project: &Project, asked: &Asked<'_>, run: &RunContext) -> Reader {
    let computed = project.match_by.is_empty() && asked.step != Step::CutoverSource;
    let run = Arc::new(RunContext { step: Step::Match, ..run.clone() });
    Reader {
        wave: asked.selection.wave.clone(),
        keys: computed.then(|| (asked.mapping.clone(), run)),
        threads: asked.threads,
    }
}

async fn inputs(
    host: &Host,
    project: &Project,
    scope: &Scope,
    asked: &Asked<'_>,
    book: &mut Book,
    read: pages::Page,
) -> Result<PageOf, ControlError> {
    let mut page =
        PageOf { inputs: Vec::new(), own: BTreeMap::new(), unclear: Vec::new(), undiscovered: 0 };
    for listed in read.wait() {
        let Some(Listed { user, input, keys }) = listed.map_err(EngineError::from)? else {
            continue;
        };
        let Some(input) = input else {
            page.undiscovered += 1;
            continue;
        };
        let found = match user.target {
            Some(target) => Found::As(target.object_id),
            None if asked.step == Step::CutoverSource => Found::Nobody,
            None => found(host, scope, book, keys_of(project, &input, keys)).await?,
        };
        match found {
            Found::As(target) => drop(page.own.insert(input.source_id.clone(), target)),
            Found::Nobody => {}
            Found::Unclear(reason) => {
                page.unclear.push(UserPreview::parked(&input, reason));
                continue;
            }
        }
        page.inputs.push(input);
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

/// Whether somebody is in the target already.
enum Found {
    As(String),
    Nobody,
    /// Several could be meant, in words.
    Unclear(String),
}

/// How a person would be found: by the project's rules, then by the mapping.
fn keys_of(project: &Project, input: &UserInput, computed: Vec<MatchKey>) -> Vec<(String, String)> {
    let mut keys: Vec<(String, String)> = Vec::new();
    for (source, target) in &project.match_by {
        let values = input.source.get(source).map(AttributeValue::as_texts).unwrap_or_default();
        keys.extend(values.iter().map(|value| (target.clone(), value.clone())));
    }
    keys.extend(computed.into_iter().map(|key| (key.attribute.to_string(), key.value)));
    keys
}

/// PRE-3: whoever exists in the target is found before an account is made.
async fn found(
    host: &Host,
    scope: &Scope,
    book: &mut Book,
    keys: Vec<(String, String)>,
) -> Result<Found, ControlError> {
    for (attribute, value) in keys {
        match book.found(host, scope, &attribute, &value).await?.as_slice() {
            [] => {}
            [one] => return Ok(Found::As(one.clone())),
            several => {
                let count = several.len();
                let text = format!("{attribute} = {value} matches {count} target users");
                return Ok(Found::Unclear(text));
            }
        }
    }
    Ok(Found::Nobody)
}
