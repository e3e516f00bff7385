//! MAT-2: pairs the project's source users with existing target users. The decision itself is
//! [`model::pair`]; this reads both directories and writes what was decided.

use std::{collections::BTreeMap, sync::Arc};

use catalogue::Side;
use engine::{
    Host, attributes_of,
    records::{Batch, EngineError, Loaded, load},
};
use model::{
    Candidate, Decision, Keys, MatchRule, Project, Stored, TargetIdentity, User, UserId, UserState,
    pair,
};
use ports::CommitError;
use scripting::{Attributes, RunContext, UserInput};
use serde::{Deserialize, Serialize};
use tenant::{
    TenantClient,
    graph::{GraphUser, UserQuery},
};

use crate::{ControlError, Scope, Selection, patience::patiently, scope::change_user};

/// What a match did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// Users that were looked at: the chosen ones in state `no_match`.
    pub looked_at: usize,
    /// Users that are matched now: source and target user principal name, and the deciding pair.
    pub matched: Vec<MatchedPair>,
    /// Users whose match is in doubt, and why.
    pub unclear: Vec<Unclear>,
    /// Users that no pair of attributes hits.
    pub without: usize,
    /// Users that were skipped because they are matched or further on already.
    pub skipped: usize,
}

/// One match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchedPair {
    /// The source user principal name.
    pub source: String,
    /// The target user principal name.
    pub target: String,
    /// The pair of attributes that decided.
    pub by: String,
}

/// One doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unclear {
    /// The source user principal name.
    pub source: String,
    /// Why, in words.
    pub why: String,
}

/// That a target user is somebody's: one writer wins, so two commands cannot match it twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    user: UserId,
}

impl Stored for Claim {
    const KIND: &'static str = "match claim";
}

/// Matches the chosen users that have no match yet.
///
/// All unmatched users of the project take part in the decision, so that it does not depend on who
/// was chosen; only the chosen ones are written.
pub async fn match_users(
    host: &Host,
    project: &Project,
    selection: &Selection,
) -> Result<Matched, ControlError> {
    let scope = Scope::of(project);
    let chosen = selection.resolve(host, &scope).await?;
    let all = scope.users(host).await?;
    let tenants = host.tenants.of(project).await?;
    let wrong = ControlError::of;
    let sources = directory(host, &tenants.source).await.map_err(wrong(Side::Source))?;
    let targets = directory(host, &tenants.target).await.map_err(wrong(Side::Target))?;
    let (keys, faults) = script_keys(host, project, &all, &sources).await?;
    let (sources, rules) = candidates(project, &all, &sources, &keys);
    let by_id: BTreeMap<&str, &GraphUser> =
        targets.iter().map(|user| (user.id.as_str(), user)).collect();
    let decisions = pair(&sources, &target_candidates(&targets), &rules, &taken(&all));
    let mut done = Matched::default();
    for user in &chosen {
        let user = &user.value;
        if user.state != UserState::NoMatch || user.target.is_some() {
            done.skipped += 1;
            continue;
        }
        done.looked_at += 1;
        if let Some(why) = faults.get(&user.source.object_id) {
            // ERR-2: his attributes are what the script cannot cope with; the others are matched.
            unclear(host, &scope, user, why.clone(), &mut done).await?;
            continue;
        }
        let decision = decisions.get(&user.source.object_id).unwrap_or(&Decision::None);
        apply(host, &scope, user, decision, &by_id, &mut done).await?;
    }
    Ok(done)
}

async fn apply(
    host: &Host,
    scope: &Scope,
    user: &User,
    decision: &Decision,
    targets: &BTreeMap<&str, &GraphUser>,
    done: &mut Matched,
) -> Result<(), ControlError> {
    let source = user.source.user_principal_name.clone();
    let mut note = decision.note();
    if let Decision::Matched { target, rule } = decision
        && let Some(target) = targets.get(target.as_str())
    {
        match set_match(host, scope, user, target).await? {
            None => {
                done.matched.push(MatchedPair {
                    source,
                    target: target.user_principal_name.clone(),
                    by: rule.to_string(),
                });
                return Ok(());
            }
            Some(holder) => {
                let target = &target.user_principal_name;
                note = Some(format!("{rule} hits {target}, who was just matched to {holder}"));
            }
        }
    }
    match note {
        Some(why) => unclear(host, scope, user, why, done).await,
        None => {
            done.without += 1;
            note_match(host, scope, user, None).await
        }
    }
}

/// Reports that a user's match is in doubt.
async fn unclear(
    host: &Host,
    scope: &Scope,
    user: &User,
    why: String,
    done: &mut Matched,
) -> Result<(), ControlError> {
    let source = user.source.user_principal_name.clone();
    done.unclear.push(Unclear { source, why: why.clone() });
    note_match(host, scope, user, Some(why)).await
}

async fn note_match(
    host: &Host,
    scope: &Scope,
    user: &User,
    note: Option<String>,
) -> Result<(), ControlError> {
    change_user(host, &scope.user(&user.id), |user| {
        let changes = user.match_note != note;
        user.match_note.clone_from(&note);
        changes
    })
    .await?;
    Ok(())
}

/// Matches one user with one target user, unless that is somebody else's: then says whose. A user
/// that is further on than `matched` is left as he is.
pub(crate) async fn set_match(
    host: &Host,
    scope: &Scope,
    user: &User,
    target: &GraphUser,
) -> Result<Option<String>, ControlError> {
    if let Some(holder) = claim(host, scope, &user.id, &target.id).await? {
        return Ok(Some(holder));
    }
    change_user(host, &scope.user(&user.id), |user| {
        if !matches!(user.state, UserState::NoMatch | UserState::Matched) {
            return false;
        }
        user.state = UserState::Matched;
        user.match_note = None;
        user.target = Some(TargetIdentity {
            object_id: target.id.clone(),
            user_principal_name: target.user_principal_name.clone(),
            created: false,
        });
        true
    })
    .await?;
    Ok(None)
}

/// Claims a target user; `Some` names the user who has it. A claim whose holder has another match
/// by now, or none, is void.
async fn claim(
    host: &Host,
    scope: &Scope,
    user: &UserId,
    target: &str,
) -> Result<Option<String>, ControlError> {
    let place = Keys::reservation(&scope.customer, &scope.project, "match", target);
    loop {
        let held: Option<Loaded<Claim>> = load(&*host.store, place.clone()).await?;
        let version = held.as_ref().map_or(0, |held| held.version);
        if let Some(held) = held {
            if held.value.user == *user {
                return Ok(None);
            }
            let key = scope.user(&held.value.user);
            let holder: Option<Loaded<User>> = load(&*host.store, Keys::user(&key)).await?;
            let holds =
                |user: &User| user.target.as_ref().is_some_and(|held| held.object_id == target);
            if let Some(holder) = holder.filter(|holder| holds(&holder.value)) {
                return Ok(Some(holder.value.source.user_principal_name));
            }
        }
        let mut batch = Batch::new();
        batch.put(place.clone(), &Claim { user: user.clone() }, version)?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(None),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(EngineError::from(error).into()),
        }
    }
}

/// Every user of a tenant.
async fn directory(
    host: &Host,
    client: &TenantClient,
) -> Result<Vec<GraphUser>, tenant::TenantError> {
    let graph = client.graph();
    let query = UserQuery::default();
    let mut all = Vec::new();
    let mut link: Option<String> = None;
    loop {
        let page = patiently(host, || graph.users_page(&query, link.as_deref())).await?;
        all.extend(page.value);
        match page.next_link {
            Some(next) => link = Some(next),
            None => return Ok(all),
        }
    }
}

/// Target users that are somebody's, with that person's name.
fn taken(all: &[Loaded<User>]) -> BTreeMap<String, String> {
    let held = all.iter().filter_map(|user| {
        let target = user.value.target.as_ref()?;
        Some((target.object_id.clone(), user.value.source.user_principal_name.clone()))
    });
    held.collect()
}

/// What the mapping script's `match_keys` computes: per source user pairs of target attribute and
/// value, in order of precedence.
type ScriptKeys = BTreeMap<String, Vec<(String, String)>>;

/// The keys, and the source users for whom the script fails, with its words.
async fn script_keys(
    host: &Host,
    project: &Project,
    all: &[Loaded<User>],
    directory: &[GraphUser],
) -> Result<(ScriptKeys, BTreeMap<String, String>), ControlError> {
    let (mut keys, mut faults) = (ScriptKeys::new(), BTreeMap::new());
    // As in PRE-3: the project's own pairs stand in for the script's keys.
    if !project.match_by.is_empty() {
        return Ok((keys, faults));
    }
    let pins = host.scripts.current(project).await?;
    let mapping = host.scripts.mapping(project, &pins).await?;
    let run = Arc::new(RunContext {
        project: project.id.to_string(),
        wave: String::new(),
        step: scripting::Step::Match,
        now: host.clock.now(),
        source_domains: project.source.domains.clone(),
        target_domains: project.target.domains.clone(),
        default_domain: project.target_domain.clone(),
        domain_map: BTreeMap::new(),
        matches: BTreeMap::new(),
    });
    let wanted: std::collections::BTreeSet<&str> =
        all.iter().map(|user| user.value.source.object_id.as_str()).collect();
    for user in directory.iter().filter(|user| wanted.contains(user.id.as_str())) {
        let input = UserInput {
            source_id: user.id.clone(),
            source: attributes_of(user, None),
            target: Attributes::new(),
        };
        match mapping.match_keys(&input, &run) {
            Ok(computed) if computed.is_empty() => {}
            Ok(computed) => {
                let pairs = computed.into_iter().map(|key| (key.attribute.to_string(), key.value));
                keys.insert(user.id.clone(), pairs.collect());
            }
            Err(error) => {
                faults.insert(user.id.clone(), format!("match_keys fails for this user: {error}"));
            }
        }
    }
    Ok((keys, faults))
}

/// The source users that still look for a match, and the pairs in order: the project's, or those that
/// the script computes.
fn candidates(
    project: &Project,
    all: &[Loaded<User>],
    directory: &[GraphUser],
    keys: &ScriptKeys,
) -> (Vec<Candidate>, Vec<MatchRule>) {
    let known: BTreeMap<&str, &GraphUser> =
        directory.iter().map(|user| (user.id.as_str(), user)).collect();
    let mut computed: BTreeMap<(usize, String), MatchRule> = BTreeMap::new();
    let open = all.iter().filter(|user| user.value.target.is_none());
    let sources = open.map(|user| {
        let source = &user.value.source;
        let mut candidate = Candidate::new(&source.object_id, &source.user_principal_name)
            .with("mail", [source.mail.as_str()])
            .with("userPrincipalName", [source.user_principal_name.as_str()]);
        if let Some(full) = known.get(source.object_id.as_str()) {
            candidate.attributes = attributes(full);
        }
        for (place, (attribute, value)) in
            keys.get(&source.object_id).into_iter().flatten().enumerate()
        {
            let name = format!("match_keys {}", place + 1);
            candidate = candidate.with(&format!("{name} {attribute}"), [value.as_str()]);
            computed
                .entry((place, attribute.clone()))
                .or_insert_with(|| MatchRule::new(format!("{name} {attribute}"), attribute));
        }
        candidate
    });
    let sources: Vec<Candidate> = sources.collect();
    let named = project.match_by.iter().map(|(source, target)| MatchRule::new(source, target));
    (sources, computed.into_values().chain(named).collect())
}

fn target_candidates(targets: &[GraphUser]) -> Vec<Candidate> {
    targets
        .iter()
        .map(|user| Candidate {
            id: user.id.clone(),
            name: user.user_principal_name.clone(),
            attributes: attributes(user),
        })
        .collect()
}

/// Every attribute of a directory user by the name that scripts and the project file use.
fn attributes(user: &GraphUser) -> BTreeMap<String, Vec<String>> {
    let all = attributes_of(user, None);
    let texts = all.iter().map(|(name, value)| (name.to_string(), value.as_texts().to_vec()));
    texts.filter(|(_, values)| !values.is_empty()).collect()
}
