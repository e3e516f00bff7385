//! The Exchange admin API: InvokeCommand, `$batch`, the v2.0 endpoints, the capability probe.

mod batch;
mod change;
mod cmdlets;
mod failure;
mod filter;
mod lookup;
mod parameters;
mod record;
mod show;

pub(crate) use cmdlets::{default_folder_rights, new_recipient};
pub(crate) use failure::Failure;
pub(crate) use parameters::{Given, ListChange, Parameters};
pub(crate) use record::Record;

use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header::CONTENT_ENCODING};
use ports::HttpRequest;
use serde_json::{Map, Value, json};

use crate::{
    call::{Call, Version},
    reply::Reply,
    throttle::Ticket,
    token,
    world::World,
};

/// Ceiling of a page.
const MOST_ON_A_PAGE: usize = 1_000;

/// What a cmdlet gives back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub(crate) records: Vec<Record>,
    pub(crate) warnings: Vec<String>,
}

impl Output {
    pub(crate) fn of(records: Vec<Record>) -> Self {
        Self { records, warnings: Vec::new() }
    }

    /// Success without an object.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self { records: Vec::new(), warnings: vec![text.into()] }
    }
}

/// The result of a cmdlet.
pub(crate) type Outcome = Result<Output, Failure>;

/// The cmdlet that a request names, if it is one to Exchange.
pub(crate) fn cmdlet_of(request: &HttpRequest) -> Option<String> {
    if !request.url.path().contains("/adminapi/") {
        return None;
    }
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    body.get("CmdletInput")?.get("CmdletName")?.as_str().map(str::to_owned)
}

/// Answers a request to the admin API.
pub(crate) fn answer(world: &mut World, mut call: Call, ticket: &Ticket) -> Reply {
    match token::check(world, &call, token::EXCHANGE) {
        Ok(caller) => {
            world.log.caller = Some(caller.tenant);
            call.caller = Some(caller);
        }
        Err(error) => return error.into(),
    }
    let limits = &world.config.throttling;
    if limits.enabled
        && limits.exchange_concurrency > 0
        && ticket.in_flight > limits.exchange_concurrency
    {
        return crate::faults::plain_text_throttle();
    }
    if let Some(reply) = refuse_caller(world, &call) {
        return reply;
    }
    if call.parts().get(1) == Some(&"$batch") && call.version() == Version::Beta {
        return batch::answer(world, &call);
    }
    one(world, &call)
}

/// Answers one request whose caller may: alone, or out of a batch.
pub(crate) fn one(world: &mut World, call: &Call) -> Reply {
    let parts = call.parts();
    let endpoint = parts.get(1).copied().unwrap_or_default();
    let not_allowed = Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    match (call.version(), endpoint) {
        (Version::V1, "EXOModuleFile") if call.method == Method::GET => capabilities(call),
        (Version::Beta, "InvokeCommand") if call.method == Method::POST => {
            invoke(world, call, None)
        }
        (Version::V2, name) if call.method == Method::POST => match cmdlets::endpoint(name) {
            Some(allowed) => invoke(world, call, Some(allowed)),
            None => Reply::empty(StatusCode::NOT_FOUND),
        },
        (_, "InvokeCommand") | (Version::V2, _) => not_allowed,
        _ => Reply::empty(StatusCode::NOT_FOUND),
    }
}

fn refuse_caller(world: &World, call: &Call) -> Option<Reply> {
    let named = call.parts().first().and_then(|name| token::find_tenant(world, name));
    if named.map(|tenant| tenant.id) != Some(call.tenant()) {
        return Some(Reply::empty(StatusCode::UNAUTHORIZED));
    }
    let role = if call.version() == Version::V2 {
        "Exchange.ManageAsAppV2"
    } else {
        "Exchange.ManageAsApp"
    };
    if !call.holds(&[role]) {
        return Some(Reply::empty(StatusCode::UNAUTHORIZED));
    }
    let directory_role = call.caller.as_ref().is_some_and(|caller| {
        caller.directory_roles.iter().any(|role| role.starts_with("Exchange "))
    });
    (!directory_role).then(|| {
        Reply::text(
            StatusCode::FORBIDDEN,
            "The role assigned to application isn't supported in this scenario.",
        )
    })
}

/// `GET EXOModuleFile`: the cmdlets that this principal may run.
fn capabilities(call: &Call) -> Reply {
    let names: Vec<&str> = cmdlets::all().map(|cmdlet| cmdlet.name).collect();
    Reply::ok(&json!({
        "@odata.context": format!("{}/adminapi/v1.0/$metadata#EXOModuleFile", call.base.outlook()),
        "value": [{ "exportedCmdlets": names.join(","), "version": call.query("Version") }],
    }))
}

fn invoke(world: &mut World, call: &Call, allowed: Option<&[&str]>) -> Reply {
    let Some((name, parameters)) = input(&call.body) else {
        return Failure::binding("The request body is no CmdletInput with a CmdletName.")
            .reply(world, call);
    };
    let narrowed =
        allowed.is_some_and(|allowed| !allowed.iter().any(|a| a.eq_ignore_ascii_case(&name)));
    let Some(cmdlet) = cmdlets::find(&name).filter(|_| !narrowed) else { return unknown_cmdlet() };
    if !cmdlets::permitted(cmdlet, call) {
        return unknown_cmdlet();
    }
    let outcome = Parameters::bind(cmdlet.name, cmdlet.parameters, &parameters)
        .and_then(|parameters| (cmdlet.run)(world, call, &parameters));
    match outcome {
        Ok(output) => success(call, output),
        Err(failure) => failure.reply(world, call),
    }
}

fn input(body: &Bytes) -> Option<(String, Map<String, Value>)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let input = body.get("CmdletInput")?;
    let name = input.get("CmdletName")?.as_str()?.to_owned();
    let parameters = match input.get("Parameters") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return None,
    };
    Some((name, parameters))
}

/// 403 with NUL bytes that call themselves gzip: a cmdlet that does not exist for the caller.
fn unknown_cmdlet() -> Reply {
    let mut reply = Reply::empty(StatusCode::FORBIDDEN);
    reply.body = Bytes::from_static(&[0; 64]);
    reply.with(CONTENT_ENCODING, "gzip")
}

fn success(call: &Call, output: Output) -> Reply {
    let select: Option<Vec<String>> = call
        .query("$select")
        .map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    let size = call
        .preference("odata.maxpagesize")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(MOST_ON_A_PAGE)
        .clamp(2, MOST_ON_A_PAGE);
    let skip = call.query("$skiptoken").and_then(|token| token.parse::<usize>().ok()).unwrap_or(0);
    let count = output.records.len();
    let values: Vec<Value> = output
        .records
        .into_iter()
        .skip(skip)
        .take(size)
        .map(|record| record.into_value(select.as_deref()))
        .collect();
    let end = skip.saturating_add(values.len());
    let tenant = call.tenant();
    let version = call.version().as_str();
    let mut body = json!({
        "@odata.context": format!("{}/adminapi/{version}/{tenant}/$metadata#Collection(Exchange.GenericHashTable)", call.base.outlook()),
        "@adminapi.warnings": output.warnings,
        "value": values,
    });
    if end < count
        && let Some(map) = body.as_object_mut()
    {
        let mut url = call.url.clone();
        url.query_pairs_mut().clear();
        for (name, value) in call.query.iter().filter(|(name, _)| name != "$skiptoken") {
            url.query_pairs_mut().append_pair(name, value);
        }
        url.query_pairs_mut().append_pair("$skiptoken", &end.to_string());
        map.insert("@odata.nextLink".to_owned(), json!(url.to_string()));
    }
    let reply = Reply::ok(&body);
    match output.warnings.first() {
        Some(warning) => reply.with(HeaderName::from_static("x-warnings"), warning),
        None => reply,
    }
}
