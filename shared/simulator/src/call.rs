//! One request, taken apart: which service, which path, who calls, which directory server answers.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use ports::HttpRequest;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::{directory::View, graph::GraphError};

/// Version of Graph or of the Exchange admin API in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `v1.0`.
    V1,
    /// `beta`.
    Beta,
    /// `v2.0` (Exchange only).
    V2,
}

impl Version {
    pub(crate) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "v1.0" => Some(Self::V1),
            "beta" => Some(Self::Beta),
            "v2.0" => Some(Self::V2),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
            Self::V2 => "v2.0",
        }
    }
}

/// The service that a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// login.microsoftonline.com; the path follows.
    Login,
    /// graph.microsoft.com; the version is taken off the path.
    Graph(Version),
    /// outlook.office365.com/adminapi; version is taken off, the path starts with the tenant.
    ExchangeAdmin(Version),
    /// outlook.office365.com/api/gv1.0: import URLs.
    OutlookApi,
    /// *.sharepoint.com; the first label of the host (`contoso-my`, `contoso-admin`).
    SharePoint(String),
    /// `/_sim/...`: the simulator's own inspection.
    Inspect,
    /// Nothing that we know.
    Unknown,
}

/// How links in replies begin: the way the request came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Microsoft's own host names.
    Microsoft,
    /// One host for all services, told apart by the first path segment.
    Local {
        /// Scheme, host and port.
        origin: String,
    },
}

impl Base {
    /// `https://graph.microsoft.com/v1.0` or `{origin}/graph/v1.0`.
    pub(crate) fn graph(&self, version: Version) -> String {
        match self {
            Self::Microsoft => format!("https://graph.microsoft.com/{}", version.as_str()),
            Self::Local { origin } => format!("{origin}/graph/{}", version.as_str()),
        }
    }

    /// `https://outlook.office365.com` or `{origin}/outlook`.
    pub(crate) fn outlook(&self) -> String {
        match self {
            Self::Microsoft => "https://outlook.office365.com".to_owned(),
            Self::Local { origin } => format!("{origin}/outlook"),
        }
    }

    /// `https://{label}.sharepoint.com` or `{origin}/sharepoint/{label}`.
    pub(crate) fn sharepoint(&self, label: &str) -> String {
        match self {
            Self::Microsoft => format!("https://{label}.sharepoint.com"),
            Self::Local { origin } => format!("{origin}/sharepoint/{label}"),
        }
    }
}

/// Who calls: the claims of the access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `tid`.
    pub(crate) tenant: Uuid,
    /// `appid`.
    pub(crate) app: Uuid,
    /// `roles`: application permissions.
    pub(crate) roles: Vec<String>,
    /// `aud`: the resource.
    pub(crate) audience: String,
    /// `wids`: directory roles, by name here.
    pub(crate) directory_roles: Vec<String>,
}

/// One request, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The moment of the request.
    pub(crate) now: Timestamp,
    /// The method.
    pub(crate) method: Method,
    /// The service.
    pub(crate) service: Service,
    /// Path segments after the service's own part, percent-decoded.
    pub(crate) path: Vec<String>,
    /// Query parameters in order.
    pub(crate) query: Vec<(String, String)>,
    /// Headers as sent.
    pub(crate) headers: HeaderMap,
    /// The body as sent.
    pub(crate) body: Bytes,
    /// The address as sent.
    pub(crate) url: Url,
    /// How links begin.
    pub(crate) base: Base,
    /// Who calls; `None` until the token was checked, or where none is needed.
    pub(crate) caller: Option<Caller>,
    /// The directory server that answers.
    pub(crate) view: View,
}

impl Call {
    /// Takes a request apart. The token is checked later.
    pub(crate) fn parse(request: &HttpRequest, now: Timestamp, view: View) -> Self {
        let (service, path, base) = locate(&request.url);
        Self {
            now,
            method: request.method.clone(),
            service,
            path,
            query: request.url.query_pairs().map(|(k, v)| (k.into(), v.into())).collect(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            url: request.url.clone(),
            base,
            caller: None,
            view,
        }
    }

    /// The path's segments as text slices, to match on.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A query parameter, its name in any case.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of one preference, for instance `odata.maxpagesize`, over all `Prefer` headers.
    pub(crate) fn preference(&self, name: &str) -> Option<String> {
        self.headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .find_map(|part| {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                let hit = key.trim().eq_ignore_ascii_case(name);
                hit.then(|| value.trim().trim_matches('"').to_owned())
            })
    }

    /// The version of Graph or of the admin API; `V1` elsewhere.
    pub(crate) fn version(&self) -> Version {
        match self.service {
            Service::Graph(version) | Service::ExchangeAdmin(version) => version,
            _ => Version::V1,
        }
    }

    /// The caller's tenant; the nil GUID for a request without a token.
    pub(crate) fn tenant(&self) -> Uuid {
        self.caller.as_ref().map_or(Uuid::nil(), |caller| caller.tenant)
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(crate) fn json(&self) -> Result<Value, GraphError> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_slice(&self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(GraphError::bad_request("The request body is not a JSON object.")),
            Err(fault) => Err(GraphError::bad_request(&format!(
                "Unable to read JSON request payload. {fault}"
            ))),
        }
    }

    /// Whether the caller holds one of the application permissions.
    pub(crate) fn holds(&self, permissions: &[&str]) -> bool {
        self.caller.as_ref().is_some_and(|caller| {
            caller.roles.iter().any(|role| permissions.contains(&role.as_str()))
        })
    }
}

fn locate(url: &Url) -> (Service, Vec<String>, Base) {
    let host = url.host_str().unwrap_or_default();
    let mut path: Vec<String> = url
        .path_segments()
        .map(|segments| segments.filter(|s| !s.is_empty()).map(decode).collect())
        .unwrap_or_default();
    let named = match host {
        "login.microsoftonline.com" => Some("login".to_owned()),
        "graph.microsoft.com" => Some("graph".to_owned()),
        "outlook.office365.com" | "outlook.office.com" => Some("outlook".to_owned()),
        _ => None,
    };
    if let Some(label) = host.strip_suffix(".sharepoint.com") {
        return (Service::SharePoint(label.to_owned()), path, Base::Microsoft);
    }
    let (name, base) = if let Some(name) = named {
        (name, Base::Microsoft)
    } else {
        let origin = url.origin().ascii_serialization();
        (take_first(&mut path), Base::Local { origin })
    };
    let service = match name.as_str() {
        "login" => Service::Login,
        "graph" => match path.first().and_then(|first| Version::parse(first)) {
            Some(version) if version != Version::V2 => {
                take_first(&mut path);
                Service::Graph(version)
            }
            _ => Service::Unknown,
        },
        "outlook" => outlook(&mut path),
        "sharepoint" => Service::SharePoint(take_first(&mut path)),
        "_sim" => Service::Inspect,
        _ => Service::Unknown,
    };
    (service, path, base)
}

fn outlook(path: &mut Vec<String>) -> Service {
    match take_first(path).to_ascii_lowercase().as_str() {
        "adminapi" => match Version::parse(&take_first(path)) {
            Some(version) => Service::ExchangeAdmin(version),
            None => Service::Unknown,
        },
        "api" => {
            take_first(path);
            Service::OutlookApi
        }
        _ => Service::Unknown,
    }
}

fn take_first(path: &mut Vec<String>) -> String {
    if path.is_empty() { String::new() } else { path.remove(0) }
}

/// Percent-decodes one path segment; bytes that are no UTF-8 stay replaced.
pub(crate) fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let mut ahead = rest.clone();
        let digits = ahead.next().and_then(hex).zip(ahead.next().and_then(hex));
        if let Some((high, low)) = digits {
            plain.push(high << 4 | low);
            rest = ahead;
        } else {
            plain.push(byte);
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
