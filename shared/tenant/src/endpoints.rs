//! Where the services are, and the one place that makes an address from parts.

use url::Url;

/// Which service a token is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Microsoft Graph.
    Graph,
    /// Exchange Online.
    Exchange,
    /// SharePoint's administration host, which provisions OneDrives.
    SharePointAdmin,
}

/// The names by which tokens are asked for each service: `{name}/.default` is the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Microsoft Graph; `https://graph.microsoft.com` in the public cloud.
    pub graph: String,
    /// Exchange Online; `https://outlook.office365.com` in the public cloud.
    pub exchange: String,
    /// SharePoint administration; `https://{tenant}-admin.sharepoint.com`.
    pub sharepoint_admin: Option<String>,
}

/// The base addresses of the services. A base may have a path (`http://127.0.0.1:8080/graph/`);
/// everything is joined below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The identity platform.
    pub login: Url,
    /// Microsoft Graph, without version.
    pub graph: Url,
    /// Exchange Online.
    pub exchange: Url,
    /// SharePoint's administration host; `None` when OneDrives are not provisioned.
    pub sharepoint_admin: Option<Url>,
    /// The names of the services in token requests; the public cloud's also for a simulator.
    pub resources: Resources,
}

impl Endpoints {
    /// Endpoints of the given base addresses, with the public cloud's resource names.
    pub fn new(login: Url, graph: Url, exchange: Url) -> Self {
        let resources = Resources {
            graph: "https://graph.microsoft.com".to_owned(),
            exchange: "https://outlook.office365.com".to_owned(),
            sharepoint_admin: None,
        };
        Self { login, graph, exchange, sharepoint_admin: None, resources }
    }

    /// The public cloud.
    #[expect(clippy::expect_used, reason = "three literals, parsed by a test")]
    pub fn public() -> Self {
        let parse = |text| Url::parse(text).expect("a literal address");
        Self::new(
            parse("https://login.microsoftonline.com/"),
            parse("https://graph.microsoft.com/"),
            parse("https://outlook.office365.com/"),
        )
    }

    /// Also names SharePoint's administration host, `https://contoso-admin.sharepoint.com/`. A base
    /// with a path (a proxy, a simulator) ends with that host's first label:
    /// `http://127.0.0.1:8080/sharepoint/contoso-admin/`.
    #[must_use]
    pub fn with_sharepoint_admin(mut self, base: Url) -> Self {
        let mut segments = base.path_segments().into_iter().flatten();
        let label = segments.rfind(|segment| !segment.is_empty());
        let name = match label {
            Some(label) => format!("https://{label}.sharepoint.com"),
            None => base.origin().ascii_serialization(),
        };
        self.resources.sharepoint_admin = Some(name);
        self.sharepoint_admin = Some(base);
        self
    }

    /// The scope of a token request.
    pub(crate) fn scope(&self, resource: &Resource) -> Option<String> {
        let name = match resource {
            Resource::Graph => Some(&self.resources.graph),
            Resource::Exchange => Some(&self.resources.exchange),
            Resource::SharePointAdmin => self.resources.sharepoint_admin.as_ref(),
        };
        name.map(|name| format!("{name}/.default"))
    }
}

/// Joins path segments below a base. Each segment is one segment, whatever it holds: slashes,
/// question marks and hashes are escaped. `None` for a segment that would change the path's
/// structure (empty, `.`, `..`) or a base that cannot have a path.
pub(crate) fn join<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Option<Url> {
    let mut url = base.clone();
    {
        let mut path = url.path_segments_mut().ok()?;
        path.pop_if_empty();
        for segment in segments {
            if matches!(segment, "" | "." | "..") {
                return None;
            }
            path.push(segment);
        }
    }
    Some(url)
}

/// Adds a query option, escaped, but with `$`, commas and brackets left as OData's readers know them.
pub(crate) fn add_query(url: &mut Url, name: &str, value: &str) {
    let mut query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    escape(name, &mut query);
    query.push('=');
    escape(value, &mut query);
    url.set_query(Some(&query));
}

fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$,:()@/*".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 0xF] {
                into.extend(char::from_digit(u32::from(digit), 16).map(|d| d.to_ascii_uppercase()));
            }
        }
    }
}

/// Whether a link that a service sent stays with that service, so that it may see the token: same
/// scheme, host and port, and below the same base path.
pub(crate) fn same_service(base: &Url, link: &Url) -> bool {
    base.origin() == link.origin()
        && link.path().starts_with(base.path().trim_end_matches('/'))
        && link.username().is_empty()
        && link.password().is_none()
}

/// An address for people: host and path, never the query, which may hold a token.
pub(crate) fn target(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}", url.host_str().unwrap_or("?"), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_cloud_has_addresses() {
        assert_eq!(Endpoints::public().graph.as_str(), "https://graph.microsoft.com/");
    }

    #[test]
    fn joining_keeps_the_base_path_and_escapes_each_segment() {
        let base = Url::parse("http://127.0.0.1:8080/graph/").unwrap();
        let url =
            join(&base, ["v1.0", "users", "a_b.com#EXT#@t.onmicrosoft.com", "manager", "$ref"]);
        assert_eq!(
            url.unwrap().as_str(),
            "http://127.0.0.1:8080/graph/v1.0/users/a_b.com%23EXT%23@t.onmicrosoft.com/manager/$ref"
        );
        let url = join(&Url::parse("https://h/base").unwrap(), ["items", "a/b?c"]).unwrap();
        assert_eq!(url.as_str(), "https://h/base/items/a%2Fb%3Fc");
    }

    #[test]
    fn an_id_cannot_climb_out_of_its_path() {
        let base = Url::parse("https://h/").unwrap();
        for id in ["", ".", ".."] {
            assert!(join(&base, ["groups", id, "members"]).is_none(), "`{id}` was joined");
        }
    }

    #[test]
    fn a_link_to_another_host_is_not_the_same_service() {
        let base = Url::parse("https://graph.microsoft.com/").unwrap();
        let same = |link: &str| same_service(&base, &Url::parse(link).unwrap());
        assert!(same("https://graph.microsoft.com/v1.0/users?$skiptoken=x"));
        assert!(!same("https://graph.microsoft.com.evil.example/v1.0/users"));
        assert!(!same("http://graph.microsoft.com/v1.0/users"));
        assert!(!same("https://user@graph.microsoft.com/v1.0/users"));
    }

    #[test]
    fn a_query_option_is_escaped_and_stays_readable() {
        let mut url = Url::parse("https://h/v1.0/users").unwrap();
        add_query(&mut url, "$select", "id,mail");
        add_query(&mut url, "$filter", "mail eq 'o''neil+a&b@x.de'");
        assert_eq!(
            url.query().unwrap(),
            "$select=id,mail&$filter=mail%20eq%20%27o%27%27neil%2Ba%26b@x.de%27"
        );
    }

    #[test]
    fn a_target_shows_no_query() {
        let url = Url::parse("https://o.example:444/importItem?authtoken=secret").unwrap();
        assert_eq!(target(&url), "o.example:444/importItem");
    }
}
