//! `delta` of folders and of items.
//!
//! A token holds the last write that the client has seen and the options of the first request. What
//! changes during a round gets a higher number and so comes once more: the latest state is shown,
//! and an entry may appear several times, as with Graph.

use http::{StatusCode, header::LOCATION};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    error, form, ids,
    query::{self, Filter},
    store::{Change, Mailbox, Reason},
};
use crate::{
    call::Call,
    content::{ContentRules, keep_selected, set, token},
    graph::{GraphError, GraphResult, select},
    random::Rng,
    reply::Reply,
};

/// What a round is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scope {
    /// All folders of the mailbox.
    Folders,
    /// The direct children of a folder.
    Children(u64),
    /// The items of a folder.
    Items(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    mailbox: Uuid,
    scope: Scope,
    /// Seen up to here.
    since: u64,
    /// Where an enumeration from the start began: removals before it are no news. `None` later.
    first: Option<u64>,
    generation: u64,
    issued: Timestamp,
    size: usize,
    select: Option<Vec<String>>,
    expand: String,
    filter: String,
    immutable: bool,
}

/// A mailbox with what a page needs besides.
pub(super) struct Round<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) key: &'a str,
    pub(super) rules: &'a ContentRules,
    pub(super) random: &'a mut Rng,
}

/// Answers one page.
pub(super) fn answer(round: &mut Round<'_>, call: &Call, scope: Scope) -> GraphResult {
    let given = call.query("$deltatoken").or_else(|| call.query("$skiptoken"));
    // An empty token asks for everything again, as the address of a 410 does.
    let mut token = match given.filter(|text| !text.is_empty()) {
        Some("latest") => Token { since: round.mailbox.revision, ..begin(round, call, scope)? },
        Some(text) => resume(round, call, scope, text)?,
        None => begin(round, call, scope)?,
    };
    let filter = Filter::parse(&token.filter)?;
    let expand = query::expanded(&token.expand)?;
    let mut value = Vec::new();
    let mut more = false;
    if round.random.chance(round.rules.delta_empty_pages) && token.since < round.mailbox.revision {
        more = true;
    } else {
        let shape = Shape { filter: &filter, expand: &expand, token: &token };
        let entries = match scope {
            Scope::Items(folder) => items(round.mailbox, folder, &shape),
            Scope::Folders => folders(round.mailbox, None, &shape),
            Scope::Children(parent) => folders(round.mailbox, Some(parent), &shape),
        };
        let mut seen = token.since;
        for (revision, entry) in entries {
            if value.len() >= token.size {
                more = true;
                break;
            }
            if round.random.chance(round.rules.delta_duplicates) {
                value.push(entry.clone());
            }
            value.push(entry);
            seen = seen.max(revision);
        }
        token.since = if more { seen } else { round.mailbox.revision };
    }
    if !more {
        token.first = None;
        if round.random.chance(round.rules.delta_replays) {
            token.since = token.since.saturating_sub(1);
        }
    }
    token.issued = call.now;
    let name = if more { "$skiptoken" } else { "$deltatoken" };
    let link = link(call, Some((name, &token::seal(round.key, &token))));
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(call, scope)));
    body.insert("value".to_owned(), Value::Array(value));
    let name = if more { "@odata.nextLink" } else { "@odata.deltaLink" };
    body.insert(name.to_owned(), json!(link));
    Ok(Reply::ok(&Value::Object(body)))
}

fn context(call: &Call, scope: Scope) -> String {
    let kind = match scope {
        Scope::Items(_) => "mailboxItem",
        Scope::Folders | Scope::Children(_) => "mailboxFolder",
    };
    format!("{}/$metadata#Collection({kind})", call.base.graph(call.version()))
}

fn begin(round: &Round<'_>, call: &Call, scope: Scope) -> Result<Token, GraphError> {
    let text = |name: &str| call.query(name).unwrap_or_default().to_owned();
    let filter = text("$filter");
    let words: Vec<&str> = filter.split_whitespace().collect();
    let allowed = matches!(words.as_slice(), [] | ["receivedDateTime", "ge" | "gt", _]);
    if !allowed || call.query("$search").is_some() {
        return Err(error::bad_request(
            "The delta query supports a filter by receivedDateTime only.",
        ));
    }
    let size =
        call.preference("odata.maxpagesize").or_else(|| call.query("$top").map(str::to_owned));
    let size = size
        .map_or(Ok(10), |size| size.parse())
        .map_err(|fault| error::bad_request(&format!("The page size is no number: {fault}.")))?;
    Ok(Token {
        mailbox: round.mailbox.guid,
        scope,
        since: 0,
        first: Some(round.mailbox.revision),
        generation: round.mailbox.generation,
        issued: call.now,
        size: size.clamp(1, 1_000),
        select: select(call),
        expand: text("$expand"),
        filter,
        immutable: wants_immutable(call),
    })
}

fn resume(round: &Round<'_>, call: &Call, scope: Scope, text: &str) -> Result<Token, GraphError> {
    let token: Token = token::open(round.key, text)
        .filter(|token: &Token| token.mailbox == round.mailbox.guid && token.scope == scope)
        .ok_or_else(|| {
            let text = "The sync state is not valid for this request.";
            GraphError::new(StatusCode::BAD_REQUEST, "SyncStateInvalid", text)
        })?;
    let age = call.now.as_second().saturating_sub(token.issued.as_second());
    let old = age > i64::from(round.rules.delta_token_seconds);
    if old || token.generation != round.mailbox.generation {
        let text = format!(
            "The sync state generation is not found; generation={};[highest={}]",
            token.generation, round.mailbox.generation
        );
        let error = GraphError::new(StatusCode::GONE, "SyncStateNotFound", &text);
        return Err(error.with_header(LOCATION, &link(call, Some(("$deltatoken", "")))));
    }
    Ok(token)
}

/// The request's own address with one option instead of all.
fn link(call: &Call, option: Option<(&str, &str)>) -> String {
    let mut url = call.url.clone();
    url.set_query(None);
    if let Some((name, value)) = option {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.to_string()
}

/// Whether the caller wants ids that survive moves.
pub(super) fn wants_immutable(call: &Call) -> bool {
    call.preference("IdType").is_some_and(|kind| kind.eq_ignore_ascii_case("ImmutableId"))
}

/// What entries of a round look like.
struct Shape<'a> {
    filter: &'a Filter,
    expand: &'a [String],
    token: &'a Token,
}

impl Shape<'_> {
    fn removed(&self, revision: u64, id: &str, reason: Reason) -> Option<(u64, Value)> {
        if self.token.first.is_some_and(|first| revision <= first) {
            return None;
        }
        let reason = if reason == Reason::Changed { "changed" } else { "deleted" };
        Some((revision, json!({ "id": id, "@removed": { "reason": reason } })))
    }
}

fn items(mailbox: &Mailbox, folder: u64, shape: &Shape<'_>) -> Vec<(u64, Value)> {
    let token = shape.token;
    let from = (folder, token.since.saturating_add(1));
    // One entry more than the page says whether there is a next one.
    let most = token.size.saturating_add(1);
    let entry = |(&(_, revision), change): (&(u64, u64), &Change)| match change {
        Change::Gone(number, moves, reason) => {
            let id = if token.immutable {
                ids::immutable(mailbox.guid, *number)
            } else {
                ids::item(mailbox.guid, *number, *moves)
            };
            shape.removed(revision, &id, *reason)
        }
        Change::Item(number) => {
            let item = mailbox.items.get(number)?;
            let mut form = form::item(mailbox, item, token.immutable);
            let property = |name: &str| form::item_property(item, &form, name);
            if !shape.filter.passes(property, |id| item.property(id)) {
                return None;
            }
            if !shape.expand.is_empty() {
                set(
                    &mut form,
                    "singleValueExtendedProperties",
                    query::expansion(shape.expand, |id| item.property(id)),
                );
            }
            keep_selected(&mut form, token.select.as_deref());
            Some((revision, form))
        }
    };
    mailbox.changes.range(from..=(folder, u64::MAX)).filter_map(entry).take(most).collect()
}

fn folders(mailbox: &Mailbox, parent: Option<u64>, shape: &Shape<'_>) -> Vec<(u64, Value)> {
    let token = shape.token;
    let wanted = |of: Option<u64>| parent.is_none_or(|parent| of == Some(parent));
    let mut entries: Vec<(u64, Value)> = mailbox
        .folders
        .values()
        .filter(|folder| folder.revision > token.since && wanted(folder.parent) && !folder.search)
        .map(|folder| {
            let mut form = form::folder(mailbox, folder);
            if !shape.expand.is_empty() {
                set(
                    &mut form,
                    "singleValueExtendedProperties",
                    query::expansion(shape.expand, |id| form::folder_property(folder, id)),
                );
            }
            keep_selected(&mut form, token.select.as_deref());
            (folder.revision, form)
        })
        .collect();
    let gone = mailbox.gone_folders.range(token.since.saturating_add(1)..);
    // A folder that moved is gone for those who list the children of one folder only.
    let news = |number: &u64| parent.is_some() || !mailbox.folders.contains_key(number);
    let gone = gone.filter(|(_, (number, of))| wanted(*of) && news(number));
    entries.extend(gone.filter_map(|(revision, (number, _))| {
        shape.removed(*revision, &ids::folder(mailbox.guid, *number), Reason::Deleted)
    }));
    entries.sort_by_key(|(revision, _)| *revision);
    entries
}
