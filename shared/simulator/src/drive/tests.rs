//! OneDrive as a client meets it.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::{
    Arrival, Config, ContentRules, DriveFill,
    content::Content,
    scene::stage::{ADA, Answer, GRACE, Stage},
};

const GRAIN: usize = 320 * 1024;

fn put(stage: &Stage, path: &str, bytes: &[u8]) -> Answer {
    stage.call(Method::PUT, path, &[("content-type", "application/octet-stream")], bytes)
}

fn session(stage: &Stage, path: &str, body: &Value) -> String {
    stage.post(&format!("{path}:/createUploadSession"), body).ok().text("uploadUrl")
}

fn fragment(stage: &Stage, url: &str, bytes: &[u8], start: usize, total: usize) -> Answer {
    let range = format!("bytes {start}-{}/{total}", start + bytes.len() - 1);
    stage.send(Method::PUT, url, &[("content-range", &range)], bytes)
}

fn config(content: ContentRules) -> Config {
    Config { content, ..Config::default() }
}

#[test]
fn there_is_no_drive_until_the_site_is_asked_for_and_the_person_licensed() {
    let stage = Stage::calm();
    let user = json!({
        "accountEnabled": true, "displayName": "New", "mailNickname": "new",
        "userPrincipalName": "new@contoso.example",
        "passwordProfile": { "password": "not-a-secret-1" },
    });
    stage.post("/users", &user).ok();
    let answer = stage.get("/users/new@contoso.example/drive");
    assert_eq!((answer.status, answer.code()), (404, "ResourceNotFound"));
    let drive = stage.get(&format!("/users/{ADA}/drive")).ok();
    assert_eq!(drive.body["driveType"], "business");
    assert_eq!(stage.get("/drives/b!unknown").status, 404);
}

/// CSOM goes to the `-admin` host with a token of its own; only licensed people get a site.
#[test]
fn a_missing_drive_is_provisioned_by_asking_for_the_site() {
    let mut config = Config::default();
    config.lags.drive_provisioning = crate::Lag::seconds(60, 60);
    let stage = Stage::new(config);
    stage.forget_drive(ADA);
    assert_eq!(stage.get(&format!("/users/{ADA}/drive")).status, 404);
    let url = "https://contoso-admin.sharepoint.com/_vti_bin/client.svc/ProcessQuery";
    let body = format!(
        "<Request><Actions/><ObjectPaths><StaticMethod Name=\"RequestPersonalSites\" \
         TypeId=\"{{268004ae-ef6b-4e9b-8425-127220d84719}}\"><Parameters><Parameter Type=\"Array\">\
         <Object Type=\"String\">{ADA}</Object></Parameter></Parameters></StaticMethod></ObjectPaths></Request>"
    );
    let graph = stage.call(Method::POST, url, &[("content-type", "text/xml")], body.as_bytes());
    assert_eq!(graph.status, 401, "a token for Graph is none for SharePoint");
    let bearer = format!("Bearer {}", stage.token_for("https://contoso-admin.sharepoint.com"));
    let headers = [("content-type", "text/xml"), ("authorization", bearer.as_str())];
    let answer = stage.send(Method::POST, url, &headers, body.as_bytes());
    assert_eq!((answer.status, &answer.body[2]["IsComplete"]), (200, &json!(true)));
    assert_eq!(stage.get(&format!("/users/{ADA}/drive")).status, 404, "it takes a while");
    stage.pass(61);
    stage.get(&format!("/users/{ADA}/drive")).ok();
}

#[test]
fn small_and_empty_files_are_put_and_come_back_by_a_redirect() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let path = format!("{drive}/root:/notes.txt:/content");
    let made = put(&stage, &path, b"hello world");
    assert_eq!(made.status, 201);
    assert_eq!(made.body["size"], 11);
    assert_eq!(put(&stage, &path, b"HELLO world").status, 200, "the same name is replaced");
    assert_eq!(put(&stage, &format!("{drive}/root:/empty.bin:/content"), b"").status, 201);
    let redirect = stage.get(&format!("{drive}/items/{}/content", made.text("id")));
    assert_eq!(redirect.status, 302);
    let link = redirect.header("location").to_owned();
    assert_eq!(stage.send(Method::GET, &link, &[], b"").bytes, b"HELLO world");
    let part = stage.send(Method::GET, &link, &[("range", "bytes=6-")], b"");
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 6-10/11"));
    assert_eq!(part.bytes, b"world");
    assert_eq!(stage.send(Method::GET, &link, &[("range", "bytes=50-")], b"").status, 416);
    assert_eq!(stage.get(&link).status, 401, "with a bearer token");
    stage.pass(3_601);
    assert_eq!(stage.send(Method::GET, &link, &[], b"").status, 401, "after its end");
}

#[test]
fn an_upload_session_takes_fragments_in_order_and_keeps_dates() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let bytes = Content::made(3, 700_000).read(0, u64::MAX);
    let item = json!({ "item": {
        "@microsoft.graph.conflictBehavior": "fail",
        "fileSystemInfo": {
            "createdDateTime": "2020-01-02T03:04:05Z", "lastModifiedDateTime": "2021-01-02T03:04:05Z",
        },
    } });
    let url = session(&stage, &format!("{drive}/root:/big.zip"), &item);
    let first = fragment(&stage, &url, &bytes[..GRAIN], 0, bytes.len());
    assert_eq!(first.status, 202);
    assert_eq!(first.body["nextExpectedRanges"], json!(["327680-"]));
    let again = fragment(&stage, &url, &bytes[..GRAIN], 0, bytes.len());
    assert_eq!(again.status, 416, "the range is held already");
    let far = fragment(&stage, &url, &bytes[2 * GRAIN..], 2 * GRAIN, bytes.len());
    assert_eq!(far.status, 416, "out of order");
    let status = stage.send(Method::GET, &url, &[], b"").ok();
    assert_eq!(status.body["nextExpectedRanges"], json!(["327680-"]));
    assert_eq!(fragment(&stage, &url, &bytes[GRAIN..2 * GRAIN], GRAIN, bytes.len()).status, 202);
    let last = fragment(&stage, &url, &bytes[2 * GRAIN..], 2 * GRAIN, bytes.len());
    assert_eq!(last.status, 201);
    assert_eq!(last.body["fileSystemInfo"]["lastModifiedDateTime"], "2021-01-02T03:04:05Z");
    let hash = Content::made(3, 700_000).hash().text();
    assert_eq!(last.body["file"]["hashes"]["quickXorHash"], hash);
    assert_eq!(stage.send(Method::GET, &url, &[], b"").status, 404, "the session is over");
}

#[test]
fn an_upload_address_refuses_tokens_expires_and_can_be_given_up() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let url = session(&stage, &format!("{drive}/root:/a.bin"), &json!({}));
    let range = [("content-range", "bytes 0-2/3")];
    assert_eq!(stage.call(Method::PUT, &url, &range, b"abc").status, 401);
    assert_eq!(stage.send(Method::DELETE, &url, &[], b"").status, 204);
    assert_eq!(fragment(&stage, &url, b"abc", 0, 3).status, 404);
    let url = session(&stage, &format!("{drive}/root:/a.bin"), &json!({}));
    stage.pass(86_401);
    assert_eq!(fragment(&stage, &url, b"abc", 0, 3).status, 404);
}

#[test]
fn uneven_fragments_break_at_the_end_only() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let url = session(&stage, &format!("{drive}/root:/a.bin"), &json!({}));
    assert_eq!(fragment(&stage, &url, &[1; 1_000], 0, 2_000).status, 202);
    assert_eq!(fragment(&stage, &url, &[1; 1_000], 1_000, 2_000).status, 400);
    assert_eq!(stage.get(&format!("{drive}/root:/a.bin")).status, 404);
}

#[test]
fn a_name_that_was_taken_meanwhile_clashes_at_the_commit() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let path = format!("{drive}/root:/a.bin");
    let url = session(&stage, &path, &json!({}));
    put(&stage, &format!("{path}:/content"), b"first").ok();
    let clash = fragment(&stage, &url, b"abc", 0, 3);
    assert_eq!((clash.status, clash.code()), (409, "nameAlreadyExists"));
    let rename = json!({ "item": { "@microsoft.graph.conflictBehavior": "rename" } });
    let url = session(&stage, &path, &rename);
    assert_eq!(fragment(&stage, &url, b"abc", 0, 3).body["name"], "a 1.bin");
}

#[test]
fn a_deferred_commit_waits_for_the_empty_post() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let url = session(&stage, &format!("{drive}/root:/a.bin"), &json!({ "deferCommit": true }));
    assert_eq!(fragment(&stage, &url, b"abc", 0, 3).status, 202);
    assert_eq!(stage.get(&format!("{drive}/root:/a.bin")).status, 404);
    assert_eq!(stage.send(Method::POST, &url, &[], b"").status, 201);
    stage.get(&format!("{drive}/root:/a.bin")).ok();
}

#[test]
fn a_full_drive_and_a_stale_etag_are_refused() {
    let stage =
        Stage::new(config(ContentRules { drive_quota_bytes: 100, ..ContentRules::default() }));
    let drive = stage.drive(ADA);
    let full = stage.post(
        &format!("{drive}/root:/a.bin:/createUploadSession"),
        &json!({ "item": { "fileSize": 101 } }),
    );
    assert_eq!((full.status, full.code()), (507, "quotaLimitReached"));
    let made = put(&stage, &format!("{drive}/root:/a.bin:/content"), b"abc").ok();
    let item = format!("{drive}/items/{}", made.text("id"));
    stage.patch(&item, &json!({ "name": "b.bin" })).ok();
    let stale = [("if-match", made.body["eTag"].as_str().unwrap())];
    assert_eq!(stage.call(Method::DELETE, &item, &stale, b"").status, 412);
}

#[test]
fn folders_are_created_renamed_moved_and_deleted() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let children = format!("{drive}/root/children");
    let folder = |name: &str| json!({ "name": name, "folder": {} });
    let made = stage.post(&children, &folder("Plans"));
    assert_eq!(made.status, 201);
    let clash = stage.post(&children, &folder("PLANS"));
    assert_eq!((clash.status, clash.code()), (409, "nameAlreadyExists"));
    let other = stage.post(&children, &folder("Other")).ok();
    let change = json!({
        "name": "Old plans", "parentReference": { "id": other.body["id"] },
        "fileSystemInfo": { "lastModifiedDateTime": "2019-05-05T00:00:00Z" },
    });
    let changed = stage.patch(&format!("{drive}/items/{}", made.text("id")), &change).ok();
    assert_eq!(changed.body["parentReference"]["id"], other.body["id"]);
    assert_eq!(changed.body["fileSystemInfo"]["lastModifiedDateTime"], "2019-05-05T00:00:00Z");
    let under = json!({ "parentReference": { "id": made.body["id"] } });
    assert_eq!(stage.patch(&format!("{drive}/items/{}", other.text("id")), &under).status, 400);
    assert_eq!(stage.delete(&format!("{drive}/items/{}", other.text("id"))).status, 204);
    assert_eq!(stage.get(&format!("{drive}/items/{}", made.text("id"))).code(), "itemNotFound");
    assert!(stage.get(&children).ok().value().is_empty());
}

#[test]
fn names_and_paths_that_sharepoint_does_not_take_are_refused() {
    let stage = Stage::calm();
    let children = format!("{}/root/children", stage.drive(ADA));
    let create = |name: &str| stage.post(&children, &json!({ "name": name, "folder": {} }));
    for name in ["a|b", "CON", "~$x", "trailing. ", "_vti_cnf", "forms"] {
        let answer = create(name);
        assert_eq!((answer.status, answer.code()), (400, "invalidRequest"), "{name}");
    }
    let long = create(&"x".repeat(390));
    assert_eq!(long.body["error"]["innerError"]["code"], "pathIsTooLong");
}

#[test]
fn a_delta_goes_by_id_and_shows_deletions_without_a_name() {
    let stage = Stage::calm();
    let fill = DriveFill { least_files: 30, most_files: 30, ..DriveFill::default() };
    stage.simulator.fill_drive(stage.tenant, ADA, &fill).unwrap();
    let drive = stage.drive(ADA);
    let (all, link) = stage.all(&format!("{drive}/root/delta?$top=7"));
    assert_eq!(all.len(), 1 + 6 + 30, "root, folders, files");
    assert!(all.iter().all(|entry| entry["parentReference"].get("path").is_none()));
    assert!(all.iter().all(|entry| entry.get("cTag").is_none()));
    let file = all.iter().find(|entry| entry.get("file").is_some()).unwrap();
    stage.delete(&format!("{drive}/items/{}", file["id"].as_str().unwrap())).ok();
    let (changes, next) = stage.all(&link);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["id"], file["id"]);
    assert_eq!(changes[0]["deleted"]["state"], "deleted");
    assert!(changes[0].get("name").is_none());
    assert!(stage.all(&next).0.is_empty());
    let (none, latest) = stage.all(&format!("{drive}/root/delta?token=latest"));
    assert!(none.is_empty());
    put(&stage, &format!("{drive}/root:/new.txt:/content"), b"x").ok();
    assert_eq!(stage.all(&latest).0.len(), 1);
    stage.simulator.expire_drive_deltas(stage.tenant, ADA).unwrap();
    let gone = stage.get(&latest);
    assert_eq!((gone.status, gone.code()), (410, "resyncChangesApplyDifferences"));
    assert!(!stage.all(gone.header("location")).0.is_empty());
}

#[test]
fn awkward_deltas_repeat_and_send_empty_pages_but_lose_nothing() {
    let content = ContentRules {
        delta_duplicates: 0.3,
        delta_empty_pages: 0.3,
        delta_replays: 1.0,
        ..ContentRules::default()
    };
    let stage = Stage::new(config(content));
    let fill = DriveFill { least_files: 40, most_files: 40, ..DriveFill::default() };
    stage.simulator.fill_drive(stage.tenant, ADA, &fill).unwrap();
    let (all, link) = stage.all(&format!("{}/root/delta?$top=5", stage.drive(ADA)));
    let distinct: BTreeSet<_> = all.iter().map(|entry| entry["id"].to_string()).collect();
    assert_eq!(distinct.len(), 47);
    assert!(all.len() > 47);
    assert!(!stage.all(&link).0.is_empty(), "a change was replayed");
}

#[test]
fn permissions_are_inherited_invited_linked_changed_and_removed() {
    let stage = Stage::calm();
    let drive = stage.drive(ADA);
    let folder = stage
        .post(&format!("{drive}/root/children"), &json!({ "name": "Team", "folder": {} }))
        .ok();
    let item = format!("{drive}/items/{}", folder.text("id"));
    let invite = |email: &str| {
        json!({
            "recipients": [{ "email": email }], "roles": ["read"],
            "requireSignIn": true, "sendInvitation": false,
        })
    };
    let granted = stage.post(&format!("{item}/invite"), &invite(GRACE)).ok();
    assert!(stage.simulator.messages().is_empty(), "nobody is mailed who is not to be");
    let id = granted.value()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(granted.value()[0]["grantedToV2"]["user"]["displayName"], "Grace");
    let mut loud = invite(GRACE);
    loud["sendInvitation"] = json!(true);
    stage.post(&format!("{item}/invite"), &loud).ok();
    let [mail] = <[String; 1]>::try_from(stage.simulator.messages()).unwrap();
    let arrived = stage.simulator.arrivals(&mail);
    assert!(matches!(&arrived[..], [Arrival::Mailbox { address, .. }] if address == GRACE));
    let unknown = stage.post(&format!("{item}/invite"), &invite("nobody@nowhere.example"));
    assert_eq!(unknown.status, 400);
    let link = json!({ "type": "view", "scope": "organization" });
    assert_eq!(stage.post(&format!("{item}/createLink"), &link).status, 201);
    assert_eq!(stage.post(&format!("{item}/createLink"), &link).status, 200);
    put(&stage, &format!("{item}:/a.txt:/content"), b"x").ok();
    let below = stage.get(&format!("{drive}/root:/Team/a.txt:/permissions")).ok();
    let inherited = below.value().iter().filter(|grant| grant.get("inheritedFrom").is_some());
    assert_eq!(inherited.count(), 3, "the owner's, Grace's and the link's");
    let permission = format!("{item}/permissions/{id}");
    let changed = stage.patch(&permission, &json!({ "roles": ["write"] })).ok();
    assert_eq!(changed.body["roles"], json!(["write"]));
    assert_eq!(stage.delete(&permission).status, 204);
    assert_eq!(stage.get(&permission).status, 404);
}

#[test]
fn sharing_can_be_switched_off() {
    let stage =
        Stage::new(config(ContentRules { sharing_disabled: true, ..ContentRules::default() }));
    let link = json!({ "type": "view", "scope": "organization" });
    let answer = stage.post(&format!("{}/root/createLink", stage.drive(ADA)), &link);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["error"]["innerError"]["code"], "sharingDisabled");
}

#[test]
fn office_files_are_rewritten_where_the_tenant_does_so() {
    let rules = ContentRules { rewrite_office_files: true, ..ContentRules::default() };
    let stage = Stage::new(config(rules));
    let drive = stage.drive(ADA);
    let made = put(&stage, &format!("{drive}/root:/a.docx:/content"), b"some words").ok();
    assert_ne!(made.body["size"], 10);
    let plain = put(&stage, &format!("{drive}/root:/a.txt:/content"), b"some words").ok();
    assert_eq!(plain.body["size"], 10);
    let view = stage.simulator.drive_view(stage.tenant, ADA).unwrap();
    assert_eq!(view.entries["a.docx"].fingerprint, view.entries["a.txt"].fingerprint);
}

#[test]
fn notebooks_shortcuts_and_malware_are_what_they_are() {
    let stage = Stage::calm();
    let fill = DriveFill { oddities: true, ..DriveFill::default() };
    stage.simulator.fill_drive(stage.tenant, ADA, &fill).unwrap();
    let drive = stage.drive(ADA);
    let of = |name: &str| stage.get(&format!("{drive}/root:/{name}")).ok();
    assert_eq!(of("Team notebook").body["package"]["type"], "oneNote");
    assert!(of("Shared plans").body["remoteItem"].is_object());
    assert!(of("invoice.exe").body["malware"].is_object());
    let over = put(&stage, &format!("{drive}/root:/Team notebook:/content"), b"x");
    assert_eq!((over.status, over.code()), (409, "nameAlreadyExists"));
    let redirect = stage.get(&format!("{drive}/root:/invoice.exe:/content"));
    let infected = stage.send(Method::GET, redirect.header("location"), &[], b"");
    assert_eq!((infected.status, infected.header("x-virus-infected")), (403, "true"));
}

#[test]
fn a_file_of_ten_gigabytes_is_read_in_parts_and_hashed_without_memory() {
    let stage = Stage::calm();
    let fill = DriveFill { least_files: 1, most_files: 1, large_files: 1, ..DriveFill::default() };
    stage.simulator.fill_drive(stage.tenant, ADA, &fill).unwrap();
    let drive = stage.drive(ADA);
    let (all, _) = stage.all(&format!("{drive}/root/delta"));
    let file = all.iter().find(|entry| entry.get("file").is_some()).unwrap();
    assert_eq!(file["size"], 10_u64 * 1024 * 1024 * 1024);
    assert!(file["file"]["hashes"]["quickXorHash"].is_string());
    let redirect = stage.get(&format!("{drive}/items/{}/content", file["id"].as_str().unwrap()));
    let range = [("range", "bytes=9000000000-9000000099")];
    let part = stage.send(Method::GET, redirect.header("location"), &range, b"");
    assert_eq!((part.status, part.bytes.len()), (206, 100));
    let large = [("range", "bytes=5000000000-5010485759")];
    let part = stage.send(Method::GET, redirect.header("location"), &large, b"");
    assert_eq!((part.bytes.len(), part.header("content-length")), (10_485_760, "10485760"));
}
