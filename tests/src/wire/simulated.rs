//! Every Graph operation that the simulator serves, once, under the judge's eyes: the simulator is
//! no tenant of its own making.

use std::{sync::Arc, time::Duration};

use conformance::reference::VirtualClock;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ports::{Clock, HttpRequest, Transport};
use serde_json::{Value, json};
use simulator::{Config, ContentRules, Credentials, Part, Population, Profile, Simulator};
use url::Url;

use judge::{Judge, JudgedTransport};

const GRAPH: &str = "https://graph.microsoft.com/v1.0";
const BETA: &str = "https://graph.microsoft.com/beta";

/// A simulated tenant behind a judged transport.
struct Client {
    transport: JudgedTransport<Simulator>,
    simulator: Simulator,
    tenant: Credentials,
    token: String,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn ok(self) -> Self {
        assert!((200..400).contains(&self.status), "{} {}", self.status, self.body);
        self
    }

    #[track_caller]
    fn text(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {}", self.body)).to_owned()
    }
}

impl Client {
    /// `None`, after a warning, where a missing description is allowed.
    async fn new() -> Option<Self> {
        let judge = Judge::load().unwrap_or_else(|reason| panic!("{reason}"))?;
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
        let population = Population::of(12, Profile::Calm);
        let content = ContentRules { delta_empty_pages: 0.2, ..ContentRules::default() };
        let config = Config { content, ..Config::default() };
        let rehearsal = Simulator::rehearsal_with(&population, 11, clock, config);
        let simulator = rehearsal.simulator;
        let transport = JudgedTransport::new(Arc::new(simulator.clone()), judge);
        let tenant = rehearsal.source;
        let mut client = Self { transport, simulator, tenant, token: String::new() };
        let form = format!(
            "client_id={}&client_secret={}&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
            client.tenant.client_id, client.tenant.client_secret
        );
        let url = format!(
            "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
            client.tenant.tenant_id
        );
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let token = client.send(Method::POST, &url, &kind, form.into_bytes()).await.ok();
        client.token = token.text("/access_token");
        Some(client)
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let request = HttpRequest {
            method,
            url: Url::parse(url).unwrap_or_else(|fault| panic!("{url}: {fault}")),
            headers: headers.collect(),
            body: body.into(),
            tail: None,
            timeout: Duration::from_secs(1),
        };
        let reply = self.transport.send(request).await.unwrap();
        let (status, headers) = (reply.status.as_u16(), reply.headers.clone());
        let bytes = reply.read(1 << 30).await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        let mut bytes = Vec::new();
        if !body.is_null() {
            headers.push(("content-type", "application/json"));
            bytes = body.to_string().into_bytes();
        }
        let url =
            if path.starts_with("https:") { path.to_owned() } else { format!("{GRAPH}{path}") };
        self.send(method, &url, &headers, bytes).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, &body).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &Value::Null).await
    }

    /// All pages; the last one's delta link.
    async fn all(&self, path: &str) -> (Vec<Value>, String) {
        let mut page = self.get(path).await.ok();
        let mut all = Vec::new();
        loop {
            all.extend(page.body["value"].as_array().unwrap().iter().cloned());
            let Some(next) = page.body["@odata.nextLink"].as_str().map(str::to_owned) else {
                break;
            };
            page = self.get(&next).await.ok();
        }
        (all, page.body["@odata.deltaLink"].as_str().unwrap_or_default().to_owned())
    }

    /// The user principal name of somebody with mailbox, archive and drive.
    async fn somebody(&self) -> String {
        let (users, _) = self.all("/users?$select=userPrincipalName&$top=50").await;
        for user in users {
            let upn = user["userPrincipalName"].as_str().unwrap().to_owned();
            let archive = self.get(&format!("{BETA}/users/{upn}/settings/exchange")).await;
            let drive = self.get(&format!("/users/{upn}/drive")).await;
            if archive.body["inPlaceArchiveMailboxId"].is_string() && drive.status == 200 {
                return upn;
            }
        }
        panic!("nobody has a mailbox, an archive and a drive")
    }
}

#[tokio::test]
async fn the_directory_answers_as_graph_does() {
    let Some(client) = Client::new().await else { return };
    let upn = client.somebody().await;
    let user = client.get(&format!("/users/{upn}")).await.ok();
    let id = user.text("/id");
    client.all("/users?$select=id,displayName,proxyAddresses&$top=5").await;
    let (_, link) = client.all("/users/delta?$select=displayName").await;
    let domain = &client.tenant.vanity_domain;
    let new = client.post("/users", json!({
        "accountEnabled": true, "displayName": "New", "mailNickname": "new",
        "userPrincipalName": format!("new@{domain}"), "usageLocation": "DE",
        "passwordProfile": { "password": "not-a-secret-1", "forceChangePasswordNextSignIn": true },
    })).await.ok();
    let new = new.text("/id");
    client.patch(&format!("/users/{new}"), json!({ "jobTitle": "Clerk" })).await.ok();
    client.all(&link).await;
    client.get("/organization").await.ok();
    client.get("/domains").await.ok();
    let skus = client.get("/subscribedSkus").await.ok();
    let sku = skus.text("/value/0/skuId");
    let licence =
        json!({ "addLicenses": [{ "skuId": sku, "disabledPlans": [] }], "removeLicenses": [] });
    client.post(&format!("/users/{new}/assignLicense"), licence).await.ok();
    client.get(&format!("/users/{id}/licenseDetails")).await.ok();
    client.get(&format!("/users/{id}/memberOf")).await.ok();
    client.get(&format!("/users/{id}/ownedObjects")).await;
    client.get(&format!("/users/{id}/joinedTeams")).await;
    client.get(&format!("/users/{id}/manager")).await;
    let manager = json!({ "@odata.id": format!("{GRAPH}/users/{id}") });
    client.call(Method::PUT, &format!("/users/{new}/manager/$ref"), &manager).await.ok();
    client.delete(&format!("/users/{new}/manager/$ref")).await;
    let invitation = json!({
        "invitedUserEmailAddress": "guest@elsewhere.example",
        "inviteRedirectUrl": "https://elsewhere.example", "sendInvitationMessage": false,
    });
    client.post("/invitations", invitation).await.ok();
    let (groups, _) = client.all("/groups").await;
    for group in groups {
        let group = group["id"].as_str().unwrap().to_owned();
        client.all(&format!("/groups/{group}/members")).await;
        client.all(&format!("/groups/{group}/owners")).await;
        let member = json!({ "@odata.id": format!("{GRAPH}/directoryObjects/{new}") });
        client.post(&format!("/groups/{group}/members/$ref"), member).await;
        client.delete(&format!("/groups/{group}/members/{new}/$ref")).await;
        let team = client.get(&format!("/teams/{group}/members")).await;
        if let Some(member) = team.body["value"][0]["id"].as_str() {
            client.delete(&format!("/teams/{group}/members/{member}")).await;
        }
    }
    client.get("/contacts").await;
    client.delete(&format!("/users/{new}")).await.ok();
    client.post(&format!("/directory/deletedItems/{new}/restore"), Value::Null).await;
    client.get("/users/nobody@nowhere.example").await;
    client.transport.assert_clean();
}

#[tokio::test]
async fn mailboxes_answer_as_graph_does() {
    let Some(client) = Client::new().await else { return };
    let upn = client.somebody().await;
    let id =
        client.get(&format!("/users/{upn}/settings/exchange")).await.ok().text("/primaryMailboxId");
    let mailbox = format!("/admin/exchange/mailboxes/{id}");
    client.all(&format!("{mailbox}/folders?includeHiddenFolders=true&$top=4")).await;
    client
        .all(&format!("{mailbox}/folders?$select=displayName&$orderby=displayName&$count=true"))
        .await;
    let (_, folders) = client.all(&format!("{mailbox}/folders/delta")).await;
    let new = json!({ "displayName": "Plans", "type": "IPF.Note" });
    let folder = client.post(&format!("{mailbox}/folders"), new.clone()).await.ok().text("/id");
    let child = client.post(&format!("{mailbox}/folders/{folder}/childFolders"), new).await.ok();
    client.get(&format!("{mailbox}/folders/{folder}/childFolders")).await.ok();
    let (_, children) = client.all(&format!("{mailbox}/folders/{folder}/childFolders/delta")).await;
    let child = format!("{mailbox}/folders/{}", child.text("/id"));
    client.patch(&child, json!({ "displayName": "Old plans" })).await.ok();
    client.get(&child).await.ok();
    client.delete(&child).await.ok();
    client.all(&folders).await;
    client.all(&children).await;

    let mail = b"Subject: Hello\r\nMessage-ID: <1@x>\r\n\r\nHi";
    client.simulator.add_message_file(client.tenant.tenant_id, &upn, Part::Primary, mail).unwrap();
    let inbox = format!("{mailbox}/folders/inbox/items");
    let expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x37')";
    let (items, _) = client.all(&format!("{inbox}?{expand}&$top=3")).await;
    let (_, link) = client.all(&format!("{inbox}/delta?$top=3")).await;
    let item = items[0]["id"].as_str().unwrap();
    client.get(&format!("{inbox}/{item}")).await.ok();
    client.get(&format!("{inbox}/unknown")).await;
    let export = json!({ "itemIds": [item, "unknown"] });
    let exported = client.post(&format!("{mailbox}/exportItems"), export).await.ok();
    let session = client.post(&format!("{mailbox}/createImportSession"), Value::Null).await.ok();
    let import =
        json!({ "FolderId": folder, "Mode": "create", "Data": exported.text("/value/0/data") });
    let kind = [("content-type", "application/json")];
    let url = session.text("/importUrl");
    client.send(Method::POST, &url, &kind, import.to_string().into_bytes()).await.ok();
    client
        .post(&format!("/users/{upn}/messages/{item}/move"), json!({ "destinationId": "archive" }))
        .await
        .ok();
    client.all(&link).await;
    let (moved, _) = client.all(&format!("{mailbox}/folders/archive/items")).await;
    let moved = moved.last().unwrap()["id"].as_str().unwrap();
    client
        .delete(&format!("{mailbox}/folders/archive/items/{moved}?disposalType=softDelete"))
        .await
        .ok();
    client.simulator.expire_mailbox_deltas(client.tenant.tenant_id, &upn, Part::Primary).unwrap();
    assert_eq!(client.get(&link).await.status, 410);

    let archive = client.get(&format!("{BETA}/users/{upn}/settings/exchange")).await.ok();
    let archive = archive.text("/inPlaceArchiveMailboxId");
    client.simulator.expand_archive(client.tenant.tenant_id, &upn, 2).unwrap();
    client.all(&format!("{BETA}/admin/exchange/mailboxes/{archive}/folders")).await;
    client.transport.assert_clean();
}

#[tokio::test]
async fn what_lies_beside_the_items_answers_as_graph_does() {
    let Some(client) = Client::new().await else { return };
    let upn = client.somebody().await;
    let settings = format!("/users/{upn}/mailboxSettings");
    client.get(&settings).await.ok();
    client
        .patch(&settings, json!({ "timeZone": "UTC", "language": { "locale": "de-DE" } }))
        .await
        .ok();
    let rules = format!("/users/{upn}/mailFolders/inbox/messageRules");
    let rule = json!({ "displayName": "x", "sequence": 1, "actions": { "markAsRead": true } });
    let rule = client.post(&rules, rule).await.ok().text("/id");
    client.get(&rules).await.ok();
    client.patch(&format!("{rules}/{rule}"), json!({ "isEnabled": false })).await.ok();
    client.get(&format!("{rules}/{rule}")).await.ok();
    client.delete(&format!("{rules}/{rule}")).await.ok();
    let categories = format!("/users/{upn}/outlook/masterCategories");
    client.post(&categories, json!({ "displayName": "Blue", "color": "preset7" })).await.ok();
    client.get(&categories).await.ok();
    let mail = json!({
        "message": {
            "subject": "Hello", "body": { "contentType": "text", "content": "Hi" },
            "toRecipients": [{ "emailAddress": { "address": upn } }],
        },
        "saveToSentItems": false,
    });
    client.post(&format!("/users/{upn}/sendMail"), mail).await.ok();
    let requests = json!([
        { "id": "1", "method": "GET", "url": format!("/users/{upn}/mailboxSettings") },
        { "id": "2", "method": "GET", "url": "/users/nobody@nowhere.example" },
        { "id": "3", "method": "PATCH", "url": format!("/users/{upn}"), "dependsOn": ["2"],
          "headers": { "Content-Type": "application/json" }, "body": { "jobTitle": "x" } },
    ]);
    client.post("/$batch", json!({ "requests": requests })).await.ok();
    client.transport.assert_clean();
}

#[tokio::test]
async fn drives_answer_as_graph_does() {
    let Some(client) = Client::new().await else { return };
    let upn = client.somebody().await;
    let id = client.get(&format!("/users/{upn}/drive")).await.ok().text("/id");
    client.get(&format!("/users/{upn}/drives")).await.ok();
    let drive = format!("/drives/{id}");
    client.get(&drive).await.ok();
    client.get(&format!("{drive}/root")).await.ok();
    client.all(&format!("{drive}/root/children?$top=2")).await;
    let (_, link) = client.all(&format!("{drive}/root/delta?$top=5")).await;
    let new =
        json!({ "name": "Judged", "folder": {}, "@microsoft.graph.conflictBehavior": "fail" });
    let folder = client.post(&format!("{drive}/root/children"), new).await.ok().text("/id");
    let folder = format!("{drive}/items/{folder}");
    let bearer = format!("Bearer {}", client.token);
    let raw = [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
    let url = format!("{GRAPH}{folder}:/a.txt:/content");
    let file = client.send(Method::PUT, &url, &raw, b"hello".to_vec()).await.ok();
    let item = format!("{drive}/items/{}", file.text("/id"));
    client.patch(&item, json!({
        "name": "b.txt", "fileSystemInfo": { "lastModifiedDateTime": "2020-01-01T00:00:00Z" },
    })).await.ok();
    client.get(&item).await.ok();
    client.get(&format!("{folder}:/b.txt")).await.ok();
    let content = client.get(&format!("{item}/content")).await.ok();
    let location = content.headers["location"].to_str().unwrap().to_owned();
    client.send(Method::GET, &location, &[("range", "bytes=1-2")], Vec::new()).await.ok();
    let body = json!({ "item": {
        "@microsoft.graph.conflictBehavior": "replace", "name": "c.bin", "fileSize": 400_000,
        "fileSystemInfo": { "lastModifiedDateTime": "2020-01-01T00:00:00Z" },
    } });
    let session = client.post(&format!("{folder}:/c.bin:/createUploadSession"), body).await.ok();
    let url = session.text("/uploadUrl");
    let first = [("content-range", "bytes 0-327679/400000")];
    client.send(Method::PUT, &url, &first, vec![1; 327_680]).await.ok();
    client.send(Method::GET, &url, &[], Vec::new()).await.ok();
    let last = [("content-range", "bytes 327680-399999/400000")];
    client.send(Method::PUT, &url, &last, vec![1; 72_320]).await.ok();
    let permissions = format!("{folder}/permissions");
    client.get(&permissions).await.ok();
    let invite = json!({
        "recipients": [{ "email": upn }], "roles": ["read"], "requireSignIn": true,
        "sendInvitation": false, "retainInheritedPermissions": true,
    });
    let grant = client.post(&format!("{folder}/invite"), invite).await.ok().text("/value/0/id");
    let grant = format!("{permissions}/{grant}");
    client.patch(&grant, json!({ "roles": ["write"] })).await.ok();
    client.get(&grant).await.ok();
    client.get(&format!("{item}/permissions")).await.ok();
    client.delete(&grant).await.ok();
    let link_kind = json!({ "type": "view", "scope": "organization" });
    client.post(&format!("{folder}/createLink"), link_kind).await.ok();
    client.delete(&item).await.ok();
    client.all(&link).await;
    client.post(&format!("{folder}/permanentDelete"), Value::Null).await.ok();
    client.get(&item).await;
    client.simulator.expire_drive_deltas(client.tenant.tenant_id, &upn).unwrap();
    assert_eq!(client.get(&link).await.status, 410);
    client.transport.assert_clean();
}
