//! Request budgets: windows per app and tenant or per mailbox, and requests in flight.

use std::collections::BTreeMap;

use http::{HeaderName, Method, StatusCode};
use jiff::Timestamp;
use ports::HttpRequest;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Call, decode},
    graph::{Backend, GraphError},
    reply::Reply,
};

/// The budgets. Each can be set; zero means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Throttling {
    /// Whether budgets are kept at all.
    pub enabled: bool,
    /// Windows are this many times shorter: 60 makes a minute a second.
    pub time_scale: u32,
    /// Outlook: requests per app and mailbox in ten minutes.
    pub mailbox_requests: u64,
    /// Outlook: requests in flight per app and mailbox.
    pub mailbox_concurrency: u64,
    /// Outlook: bytes uploaded per app and mailbox in five minutes.
    pub mailbox_upload_bytes: u64,
    /// Directory: resource units per app and tenant in ten seconds.
    pub directory_units: u64,
    /// Directory: writes per app and tenant in 150 seconds.
    pub directory_writes: u64,
    /// SharePoint: resource units per app and tenant in a minute.
    pub drive_units: u64,
    /// SharePoint: resource units per app and tenant in a day.
    pub drive_units_per_day: u64,
    /// Exchange admin API: requests in flight per tenant. No published number; a guess.
    pub exchange_concurrency: u64,
}

impl Default for Throttling {
    fn default() -> Self {
        let mut limits = Self::as_published();
        limits.enabled = false;
        limits
    }
}

impl Throttling {
    /// The published numbers for a small tenant.
    pub fn as_published() -> Self {
        Self {
            enabled: true,
            time_scale: 1,
            mailbox_requests: 10_000,
            mailbox_concurrency: 4,
            mailbox_upload_bytes: 150 * 1024 * 1024,
            directory_units: 5_000,
            directory_writes: 3_000,
            drive_units: 1_200,
            drive_units_per_day: 1_200_000,
            exchange_concurrency: 10,
        }
    }
}

/// A place among the requests in flight.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    key: String,
    /// Requests in flight on this key, this one included.
    pub(crate) in_flight: u64,
}

/// What has been used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budgets {
    in_flight: BTreeMap<String, u64>,
    windows: BTreeMap<String, (Timestamp, u64)>,
    /// SharePoint resource units spent so far, whether or not budgets are kept.
    pub(crate) drive_units: u64,
    /// Requests as throttling counts them: each item of a batch by itself.
    pub(crate) charged: u64,
    /// Those of them that were refused for being too much.
    pub(crate) throttled: u64,
    /// Whose budget the transfers of a tenant's files are charged to: the app's that asked for an
    /// address last. The address itself does not say.
    transfers: BTreeMap<uuid::Uuid, String>,
}

impl Budgets {
    /// Counts a request as in flight.
    pub(crate) fn enter(&mut self, request: &HttpRequest, _now: Timestamp) -> Ticket {
        let key = concurrency_key(request.url.path());
        let count = self.in_flight.entry(key.clone()).or_default();
        *count = count.saturating_add(1);
        Ticket { key, in_flight: *count }
    }

    /// Counts it as ended.
    pub(crate) fn leave(&mut self, ticket: &Ticket) {
        if let Some(count) = self.in_flight.get_mut(&ticket.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.in_flight.remove(&ticket.key);
            }
        }
    }

    /// Charges one Graph request; the reply when a budget is exhausted. Throttled requests count.
    /// What is left of it is told in headers once it runs low.
    pub(crate) fn spend_graph(
        &mut self,
        limits: &Throttling,
        call: &Call,
        ticket: &Ticket,
    ) -> Result<Headroom, Reply> {
        let spent = self.spend_one(limits, call, ticket);
        self.count(spent)
    }

    fn spend_one(
        &mut self,
        limits: &Throttling,
        call: &Call,
        ticket: &Ticket,
    ) -> Result<Headroom, Reply> {
        if family(call) == Backend::Files {
            self.drive_units = self.drive_units.saturating_add(drive_cost(call));
        }
        if !limits.enabled {
            return Ok(Headroom::default());
        }
        let app = call.caller.as_ref().map_or(uuid::Uuid::nil(), |caller| caller.app);
        let scope = format!("{app}/{}", call.tenant());
        match family(call) {
            Backend::Outlook => self.spend_outlook(limits, call, ticket, &scope)?,
            Backend::Files => return self.spend_drive(limits, call, &scope),
            Backend::Directory | Backend::Teams => self.spend_directory(limits, call, &scope)?,
        }
        Ok(Headroom::default())
    }

    /// Notes a request to an upload or a download address, whether or not budgets are kept.
    pub(crate) fn note_transfer(&mut self, call: &Call) {
        let units = if call.method == Method::GET { 1 } else { 2 };
        self.drive_units = self.drive_units.saturating_add(units);
    }

    /// Charges an item sent to an import URL: it counts as the session's app's call on the mailbox.
    pub(crate) fn spend_import(
        &mut self,
        limits: &Throttling,
        call: &Call,
        ticket: &Ticket,
        scope: &str,
    ) -> Result<(), Reply> {
        if !limits.enabled {
            return Ok(());
        }
        let spent = self.spend_outlook(limits, call, ticket, scope);
        self.count(spent).map_err(|reply| {
            reply
                .with(HeaderName::from_static("ratelimit-exceeded"), "true")
                .with(HeaderName::from_static("rate-limit-reason"), "MailboxBudget")
        })
    }

    /// Charges a download (1 unit) or an upload (2 units) at a pre-authenticated address. Nothing says
    /// that these count against the app; whoever reckons with it is not surprised.
    pub(crate) fn spend_transfer(
        &mut self,
        limits: &Throttling,
        call: &Call,
        tenant: uuid::Uuid,
    ) -> Result<Headroom, Reply> {
        if !limits.enabled {
            return Ok(Headroom::default());
        }
        let units = if matches!(call.method, Method::PUT | Method::POST) { 2 } else { 1 };
        let scope = self.transfers.get(&tenant).cloned().unwrap_or_default();
        let spent = self.spend_files(limits, units, call.now, &scope);
        self.count(spent)
    }

    /// Counts a request, and its refusal.
    fn count<T>(&mut self, spent: Result<T, Reply>) -> Result<T, Reply> {
        self.charged = self.charged.saturating_add(1);
        self.throttled = self.throttled.saturating_add(u64::from(spent.is_err()));
        spent
    }

    fn spend_drive(
        &mut self,
        limits: &Throttling,
        call: &Call,
        scope: &str,
    ) -> Result<Headroom, Reply> {
        self.transfers.insert(call.tenant(), scope.to_owned());
        self.spend_files(limits, drive_cost(call), call.now, scope)
    }

    /// SharePoint tells how much of the minute's budget is left from 80 % on.
    fn spend_files(
        &mut self,
        limits: &Throttling,
        units: u64,
        now: Timestamp,
        scope: &str,
    ) -> Result<Headroom, Reply> {
        let day = Window {
            key: format!("spod/{scope}"),
            seconds: 86_400,
            limit: limits.drive_units_per_day,
        };
        let minute = Window { key: format!("spo/{scope}"), seconds: 60, limit: limits.drive_units };
        let spent = self.spend(limits, &day, units, now);
        let spent = spent.and_then(|()| self.spend(limits, &minute, units, now));
        let used = self.windows.get(&minute.key).map_or(0, |(_, used)| *used);
        let left = minute.limit.saturating_sub(used);
        match spent {
            Ok(()) if minute.limit == 0 || left > minute.limit / 5 => Ok(Headroom::default()),
            Ok(()) => {
                let reset = self.seconds_left(limits, &minute, now);
                Ok(Headroom::of(minute.limit, left, reset))
            }
            Err(wait) => {
                let error = GraphError::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "activityLimitReached",
                    "The app or user has been throttled",
                );
                let reply = Reply::from(error).retry_after(wait);
                Err(Headroom::of(minute.limit, 0, wait).tell(reply))
            }
        }
    }

    fn spend_outlook(
        &mut self,
        limits: &Throttling,
        call: &Call,
        ticket: &Ticket,
        scope: &str,
    ) -> Result<(), Reply> {
        if limits.mailbox_concurrency > 0 && ticket.in_flight > limits.mailbox_concurrency {
            let text = "Application is over its MailboxConcurrency limit.";
            let error =
                GraphError::new(StatusCode::TOO_MANY_REQUESTS, "ApplicationThrottled", text);
            return Err(Reply::from(error).retry_after(1));
        }
        let mailbox = concurrency_key(call.url.path());
        let upload = u64::try_from(call.body.len()).unwrap_or(u64::MAX);
        let windows = [
            (
                Window {
                    key: format!("mbx/{scope}/{mailbox}"),
                    seconds: 600,
                    limit: limits.mailbox_requests,
                },
                1,
            ),
            (
                Window {
                    key: format!("up/{scope}/{mailbox}"),
                    seconds: 300,
                    limit: limits.mailbox_upload_bytes,
                },
                upload,
            ),
        ];
        for (window, amount) in windows {
            self.spend(limits, &window, amount, call.now).map_err(|wait| {
                let text = "Application is over its budget for this mailbox.";
                let error =
                    GraphError::new(StatusCode::TOO_MANY_REQUESTS, "ApplicationThrottled", text);
                Reply::from(error).retry_after(wait)
            })?;
        }
        Ok(())
    }

    fn spend_directory(
        &mut self,
        limits: &Throttling,
        call: &Call,
        scope: &str,
    ) -> Result<(), Reply> {
        let reading = call.method == Method::GET;
        let window = if reading {
            Window { key: format!("dir/{scope}"), seconds: 10, limit: limits.directory_units }
        } else {
            Window { key: format!("dirw/{scope}"), seconds: 150, limit: limits.directory_writes }
        };
        let units = if reading { directory_cost(call) } else { 1 };
        self.spend(limits, &window, units, call.now).map_err(|wait| {
            let text = "Request is throttled.";
            let error = GraphError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", text)
                .with_header(
                    HeaderName::from_static("x-ms-throttle-scope"),
                    &format!("Tenant_Application/ReadWrite/{scope}"),
                )
                .with_header(
                    HeaderName::from_static("x-ms-throttle-information"),
                    "ResourceUnitLimitExceeded",
                );
            Reply::from(error).retry_after(wait)
        })
    }

    /// Charges a window; the seconds to wait when it is full. What is larger than a whole window
    /// passes once in each.
    fn spend(
        &mut self,
        limits: &Throttling,
        window: &Window,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), u64> {
        if window.limit == 0 {
            return Ok(());
        }
        let length = window.length_ms(limits);
        let (start, used) = self.windows.entry(window.key.clone()).or_insert((now, 0));
        let passed = now.as_millisecond().saturating_sub(start.as_millisecond());
        if passed >= length {
            (*start, *used) = (now, 0);
        }
        let first = *used == 0;
        *used = used.saturating_add(amount);
        if *used <= window.limit || first {
            return Ok(());
        }
        Err(self.seconds_left(limits, window, now))
    }

    /// Whole seconds until a window is over, at least one.
    fn seconds_left(&self, limits: &Throttling, window: &Window, now: Timestamp) -> u64 {
        let start = self.windows.get(&window.key).map_or(now, |(start, _)| *start);
        let passed = now.as_millisecond().saturating_sub(start.as_millisecond());
        let left = window.length_ms(limits).saturating_sub(passed).max(0);
        u64::try_from(left).unwrap_or(0).div_ceil(1_000).max(1)
    }
}

/// What is left of a budget, to be told with a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headroom(Option<(u64, u64, u64)>);

impl Headroom {
    fn of(limit: u64, left: u64, reset: u64) -> Self {
        Self(Some((limit, left, reset)))
    }

    /// The reply with the `RateLimit-*` headers, where there is something to tell.
    pub(crate) fn tell(self, reply: Reply) -> Reply {
        let Some((limit, left, reset)) = self.0 else { return reply };
        reply
            .with(HeaderName::from_static("ratelimit-limit"), &limit.to_string())
            .with(HeaderName::from_static("ratelimit-remaining"), &left.to_string())
            .with(HeaderName::from_static("ratelimit-reset"), &reset.to_string())
    }
}

struct Window {
    key: String,
    seconds: i64,
    limit: u64,
}

impl Window {
    fn length_ms(&self, limits: &Throttling) -> i64 {
        (self.seconds * 1_000 / i64::from(limits.time_scale.max(1))).max(1)
    }
}

/// Which backend's budget a Graph request is charged to.
pub(crate) fn family(call: &Call) -> Backend {
    const OUTLOOK: [&str; 12] = [
        "settings",
        "mailboxSettings",
        "mailFolders",
        "messages",
        "events",
        "calendars",
        "calendar",
        "contactFolders",
        "outlook",
        "sendMail",
        "inferenceClassification",
        "calendarView",
    ];
    match call.parts().as_slice() {
        ["admin", "exchange", ..] => Backend::Outlook,
        ["drives" | "sites", ..] | ["users", _, "drive" | "drives", ..] => Backend::Files,
        ["users", _, part, ..] if OUTLOOK.contains(part) => Backend::Outlook,
        ["teams", ..] => Backend::Teams,
        _ => Backend::Directory,
    }
}

fn drive_cost(call: &Call) -> u64 {
    let path = call.path.join("/");
    if path.contains("permissions") || path.ends_with("invite") || path.ends_with("createLink") {
        return 5;
    }
    let with_token = call.query("token").is_some();
    let single = call.method == Method::GET && !path.ends_with("children");
    match (path.contains("delta"), with_token) {
        (true, true) => 1,
        (true, false) => 2,
        _ if single => 1,
        _ => 2,
    }
}

fn directory_cost(call: &Call) -> u64 {
    let base: u64 = match call.parts().as_slice() {
        ["users", ..] => 2,
        ["groups", _, "members", ..] | ["subscribedSkus"] => 3,
        ["groups", _, "transitiveMembers", ..] => 5,
        _ => 1,
    };
    let selected = u64::from(call.query("$select").is_some());
    let expanded = u64::from(call.query("$expand").is_some());
    base.saturating_add(expanded).saturating_sub(selected).max(1)
}

/// Requests with the same key share a limit of requests in flight: a mailbox, or a tenant's
/// admin API.
fn concurrency_key(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let after = |name: &str, count: usize| {
        let at = segments.iter().position(|segment| segment.eq_ignore_ascii_case(name))?;
        segments.get(at + 1..at + 1 + count).map(|found| found.join("/"))
    };
    if let Some(id) = after("adminapi", 2) {
        return format!("admin/{id}").to_lowercase();
    }
    if let Some(id) = after("mailboxes", 1) {
        return format!("mailbox/{}", decode(&id)).to_lowercase();
    }
    // An import URL names its mailbox in OData's other way: `Mailboxes('...')`.
    let named = segments.iter().find_map(|segment| segment.strip_prefix("Mailboxes("));
    if let Some(id) = named {
        let id = decode(id);
        return format!("mailbox/{}", id.trim_matches(['(', ')', '\''])).to_lowercase();
    }
    if let Some(id) = after("users", 1) {
        return format!("user/{id}").to_lowercase();
    }
    "other".to_owned()
}
