//! Import/export as a client meets it.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};

use crate::{
    Config, ContentRules, MailboxFill, Part,
    scene::stage::{ADA, BETA, GRACE, Stage},
};

fn filled(config: Config, items: u32) -> Stage {
    let stage = Stage::new(config);
    let fill = MailboxFill { least_items: items, most_items: items, ..MailboxFill::default() };
    stage.simulator.fill_mailbox(stage.tenant, ADA, Part::Primary, &fill).unwrap();
    stage
}

fn export(stage: &Stage, mailbox: &str, ids: &[&str]) -> Vec<Value> {
    let body = json!({ "itemIds": ids });
    stage.post(&format!("{mailbox}/exportItems"), &body).ok().value().to_vec()
}

fn session(stage: &Stage, mailbox: &str) -> String {
    stage.post(&format!("{mailbox}/createImportSession"), &json!({})).ok().text("importUrl")
}

fn import(stage: &Stage, url: &str, body: &Value) -> crate::scene::stage::Answer {
    stage.send(
        Method::POST,
        url,
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
}

/// Ids of the items of a folder.
fn ids(stage: &Stage, mailbox: &str, folder: &str) -> Vec<String> {
    let (items, _) = stage.all(&format!("{mailbox}/folders/{folder}/items"));
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Puts `count` items into Ada's inbox.
fn inbox_of(stage: &Stage, count: usize) -> String {
    for n in 0..count {
        let mail = format!("Subject: number {n}\r\nMessage-ID: <{n}@x>\r\n\r\nbody {n}");
        stage
            .simulator
            .add_message_file(stage.tenant, ADA, Part::Primary, mail.as_bytes())
            .unwrap();
    }
    stage.mailbox(ADA)
}

#[test]
fn v1_names_the_mailbox_and_beta_the_archive_too() {
    let stage = Stage::calm();
    let v1 = stage.get(&format!("/users/{ADA}/settings/exchange")).ok();
    assert!(v1.text("primaryMailboxId").starts_with("MBX:"));
    assert!(v1.body.get("inPlaceArchiveMailboxId").is_none());
    let archive = stage.archive(ADA);
    stage.get(&format!("{archive}/folders")).ok();
    let id = archive.rsplit('/').next().unwrap();
    assert_eq!(stage.get(&format!("/admin/exchange/mailboxes/{id}/folders")).status, 404);
}

#[test]
fn there_is_no_rest_mailbox_before_the_licence() {
    let stage = Stage::calm();
    let user = json!({
        "accountEnabled": true, "displayName": "New", "mailNickname": "new",
        "userPrincipalName": "new@contoso.example",
        "passwordProfile": { "password": "not-a-secret-1" },
    });
    stage.post("/users", &user).ok();
    let answer = stage.get("/users/new@contoso.example/settings/exchange");
    assert_eq!((answer.status, answer.code()), (404, "MailboxNotEnabledForRESTAPI"));
    assert_eq!(stage.get("/users/nobody@x/settings/exchange").code(), "ErrorInvalidUser");
}

#[test]
fn folders_are_listed_ten_at_a_time_and_hidden_ones_on_demand() {
    let stage = Stage::calm();
    let folders = format!("{}/folders", stage.mailbox(ADA));
    let first = stage.get(&folders).ok();
    assert_eq!(first.value().len(), 10);
    assert!(first.body["@odata.nextLink"].is_string());
    let (shown, _) = stage.all(&folders);
    let (all, _) = stage.all(&format!("{folders}?includeHiddenFolders=true&$top=100"));
    assert!(all.len() > shown.len(), "{} {}", all.len(), shown.len());
    let inbox = shown.iter().find(|folder| folder["wellKnownName"] == "inbox").unwrap();
    assert_eq!(inbox["displayName"], "Inbox");
    assert_eq!(inbox["type"], "IPF.Note");
    let search = |folder: &&Value| folder["wellKnownName"] == "allitems";
    assert!(shown.iter().any(|folder| search(&folder)), "search folders are listed");
}

#[test]
fn default_folders_are_named_in_the_mailboxs_language_and_known_by_role() {
    let stage = Stage::calm();
    let fill = MailboxFill { language: "de-DE".to_owned(), ..MailboxFill::default() };
    stage.simulator.fill_mailbox(stage.tenant, ADA, Part::Primary, &fill).unwrap();
    let inbox = stage.get(&format!("{}/folders/INBOX", stage.mailbox(ADA))).ok();
    assert_eq!(inbox.text("displayName"), "Posteingang");
    assert_eq!(inbox.text("wellKnownName"), "inbox");
}

#[test]
fn folders_are_created_renamed_moved_and_deleted() {
    let stage = Stage::calm();
    let mailbox = stage.mailbox(ADA);
    let under = format!("{mailbox}/folders/inbox/childFolders");
    let new = json!({ "DisplayName": "Plans", "type": "IPF.Note" });
    let made = stage.post(&under, &new);
    assert_eq!(made.status, 201);
    let twice = stage.post(&under, &json!({ "displayName": "PLANS", "type": "IPF.Note" }));
    assert_eq!((twice.status, twice.code()), (409, "ErrorFolderExists"));
    assert_eq!(stage.post(&under, &json!({ "displayName": "x" })).status, 400, "type is required");
    let folder = format!("{mailbox}/folders/{}", made.text("id"));
    let drafts = stage.get(&format!("{mailbox}/folders/drafts")).ok().text("id");
    let change = json!({ "displayName": "Old plans", "parentFolderId": drafts });
    let changed = stage.patch(&folder, &change).ok();
    assert_eq!(changed.text("parentFolderId"), drafts);
    assert_eq!(changed.text("displayName"), "Old plans");
    assert_eq!(stage.delete(&folder).status, 204);
    assert_eq!(stage.get(&folder).code(), "ErrorItemNotFound");
    assert_eq!(stage.delete(&format!("{mailbox}/folders/inbox")).status, 403);
}

#[test]
fn lists_take_select_filter_orderby_count_and_expanded_properties() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 12);
    let items = format!("{mailbox}/folders/inbox/items");
    let page = stage.get(&format!("{items}?$select=size&$count=true&$top=3")).ok();
    assert_eq!(page.body["@odata.count"], 12);
    assert_eq!(page.value().len(), 3);
    let members: Vec<_> = page.value()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["id", "size"]);
    let expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x0037' or id eq 'String 0x1035')";
    let filter = "$filter=singleValueExtendedProperties/any(ep: ep/id eq 'String 0x1035' and ep/value eq '<7@x>')";
    let found = stage.get(&format!("{items}?{expand}&{filter}")).ok();
    let properties = &found.value()[0]["singleValueExtendedProperties"];
    assert_eq!(found.value().len(), 1);
    assert_eq!(properties[0], json!({ "id": "String 0x37", "value": "number 7" }));
    assert_eq!(properties[1]["value"], "<7@x>");
    let none = stage.get(&format!("{items}?$filter=createdDateTime lt 2020-01-01")).ok();
    assert!(none.value().is_empty());
    assert_eq!(stage.get(&format!("{items}?$filter=nonsense")).status, 400);
    let sized = stage.call(Method::GET, &items, &[("prefer", "odata.maxpagesize=5")], b"").ok();
    assert_eq!(sized.value().len(), 5);
}

#[test]
fn a_delta_round_shows_everything_and_the_next_one_what_changed() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 25);
    let items = format!("{mailbox}/folders/inbox/items");
    let (all, link) = stage.all(&format!("{items}/delta?$select=type"));
    assert_eq!(all.len(), 25);
    assert!(all[0].get("size").is_none(), "the token carries the options");
    let before = ids(&stage, &mailbox, "inbox");
    inbox_of(&stage, 1);
    stage.delete(&format!("{items}/{}?disposalType=hardDelete", before[0])).ok();
    let (changes, next) = stage.all(&link);
    assert_eq!(changes.len(), 2, "{changes:?}");
    let removed = changes.iter().find(|change| change.get("@removed").is_some()).unwrap();
    assert_eq!(removed, &json!({ "id": before[0], "@removed": { "reason": "deleted" } }));
    assert!(changes.iter().all(|change| change.get("size").is_none()));
    assert!(stage.all(&next).0.is_empty());
}

#[test]
fn folder_deltas_cover_the_whole_tree_and_show_removals() {
    let stage = Stage::calm();
    let mailbox = stage.mailbox(ADA);
    let under = format!("{mailbox}/folders/inbox/childFolders");
    let made = stage.post(&under, &json!({ "displayName": "Plans", "type": "IPF.Note" })).ok();
    let (all, link) = stage.all(&format!("{mailbox}/folders/delta"));
    assert!(all.iter().any(|folder| folder["id"] == made.body["id"]));
    stage.delete(&format!("{mailbox}/folders/{}", made.text("id"))).ok();
    let (changes, _) = stage.all(&link);
    assert_eq!(changes, [json!({ "id": made.body["id"], "@removed": { "reason": "deleted" } })]);
}

#[test]
fn awkward_deltas_repeat_replay_and_send_empty_pages_but_lose_nothing() {
    let content = ContentRules {
        delta_duplicates: 0.3,
        delta_empty_pages: 0.3,
        delta_replays: 1.0,
        ..ContentRules::default()
    };
    let stage = Stage::new(Config { content, ..Config::default() });
    let mailbox = inbox_of(&stage, 40);
    let (all, link) = stage.all(&format!("{mailbox}/folders/inbox/items/delta"));
    let distinct: std::collections::BTreeSet<_> =
        all.iter().map(|item| item["id"].to_string()).collect();
    assert_eq!(distinct.len(), 40);
    assert!(all.len() > 40, "some came twice");
    let (replayed, _) = stage.all(&link);
    assert!(!replayed.is_empty(), "a change was replayed");
}

#[test]
fn a_delta_token_that_is_too_old_or_void_is_gone_with_a_way_back() {
    let content = ContentRules { delta_token_seconds: 60, ..ContentRules::default() };
    let stage = Stage::new(Config { content, ..Config::default() });
    let delta = format!("{}/folders/inbox/items/delta", inbox_of(&stage, 5));
    let (_, link) = stage.all(&delta);
    stage.simulator.expire_mailbox_deltas(stage.tenant, ADA, Part::Primary).unwrap();
    let gone = stage.get(&link);
    assert_eq!((gone.status, gone.code()), (410, "SyncStateNotFound"));
    let (all, link) = stage.all(gone.header("location"));
    assert_eq!(all.len(), 5, "everything from the start");
    stage.pass(61);
    assert_eq!(stage.get(&link).status, 410);
    assert_eq!(stage.get(&format!("{delta}?$deltatoken=made-up")).code(), "SyncStateInvalid");
}

#[test]
fn exports_take_one_to_twenty_ids_and_answer_each_on_its_own() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 3);
    let all = ids(&stage, &mailbox, "inbox");
    stage.simulator.corrupt_items(stage.tenant, ADA, Part::Primary, 1).unwrap();
    let answers = export(&stage, &mailbox, &[&all[0], &all[1], "AAMkunknown"]);
    assert_eq!(answers[0]["error"]["code"], "ErrorCorruptData");
    assert!(STANDARD.decode(answers[1]["data"].as_str().unwrap()).is_ok());
    assert!(answers[1]["changeKey"].is_string());
    assert_eq!(answers[2]["error"]["code"], "ErrorItemNotFound");
    let many: Vec<_> = (0..21).map(|n| n.to_string()).collect();
    assert_eq!(
        stage.post(&format!("{mailbox}/exportItems"), &json!({ "ItemIds": many })).status,
        400
    );
}

#[test]
fn an_item_survives_export_and_import_unchanged() {
    let stage = filled(Config::default(), 30);
    let (from, to) = (stage.mailbox(ADA), stage.mailbox(GRACE));
    let url = session(&stage, &to);
    let mut copied = 0;
    for folder in ["inbox", "sentitems", "deleteditems", "calendar", "contacts", "tasks", "notes"] {
        let items = ids(&stage, &from, folder);
        for batch in items.chunks(20) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            for item in export(&stage, &from, &batch) {
                let body = json!({ "folderId": folder, "mode": "Create", "data": item["data"] });
                let made = import(&stage, &url, &body).ok();
                assert!(made.body["itemId"].is_string() && made.body["changeKey"].is_string());
                copied += 1;
            }
        }
    }
    let source = stage.simulator.mailbox_view(stage.tenant, ADA, Part::Primary).unwrap();
    let copy = stage.simulator.mailbox_view(stage.tenant, GRACE, Part::Primary).unwrap();
    assert_eq!(copy.count(), copied);
    for (path, folder) in source.folders.iter().filter(|(_, folder)| folder.well_known.is_some()) {
        assert_eq!(folder.items, copy.folders[path].items, "{path}");
    }
}

#[test]
fn create_is_not_idempotent_and_update_needs_the_right_change_key() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 1);
    let id = ids(&stage, &mailbox, "inbox").remove(0);
    let data = export(&stage, &mailbox, &[&id])[0]["data"].clone();
    let url = session(&stage, &mailbox);
    let create = json!({ "FolderId": "drafts", "Mode": "create", "Data": data });
    let first = import(&stage, &url, &create).ok();
    import(&stage, &url, &create).ok();
    assert_eq!(ids(&stage, &mailbox, "drafts").len(), 2);
    let update = |key: &Value| {
        json!({
            "FolderId": "drafts", "Mode": "update", "Data": data,
            "ItemId": first.body["itemId"], "ChangeKey": key,
        })
    };
    let second = import(&stage, &url, &update(&first.body["changeKey"])).ok();
    assert_ne!(
        second.body["changeKey"], first.body["changeKey"],
        "each write has a key of its own"
    );
    let stale = import(&stage, &url, &update(&first.body["changeKey"]));
    assert_eq!((stale.status, stale.code()), (409, "ErrorIrresolvableConflict"));
    let mut both = create.clone();
    both["ItemId"] = first.body["itemId"].clone();
    assert_eq!(import(&stage, &url, &both).status, 400);
    assert_eq!(ids(&stage, &mailbox, "drafts").len(), 2);
    let mut broken = create;
    broken["Data"] = json!("AAAA");
    assert_eq!(import(&stage, &url, &broken).code(), "ErrorCorruptData");
}

#[test]
fn an_import_address_refuses_tokens_and_expires() {
    let stage = Stage::calm();
    let mailbox = stage.mailbox(ADA);
    let url = session(&stage, &mailbox);
    assert!(url.starts_with("https://outlook.office365.com/api/gv1.0/Mailboxes('MBX:"), "{url}");
    let body = json!({ "FolderId": "inbox", "Mode": "create", "Data": "AAAA" });
    assert_eq!(stage.post(&url, &body).status, 401, "with a bearer token");
    stage.pass(3_601);
    assert_eq!(import(&stage, &url, &body).status, 401, "after its end");
}

#[test]
fn deleting_needs_a_disposal_and_holds_keep_items() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 2);
    let all = ids(&stage, &mailbox, "inbox");
    let item = |n: usize| format!("{mailbox}/folders/inbox/items/{}", all[n]);
    assert_eq!(stage.delete(&item(0)).status, 400);
    assert_eq!(stage.delete(&format!("{}?disposalType=SoftDelete", item(0))).status, 204);
    assert_eq!(ids(&stage, &mailbox, "recoverableitemsdeletions").len(), 1);
    {
        let mut world = stage.simulator.world();
        let tenant = world.tenants.get_mut(&stage.tenant).unwrap();
        let owner = tenant.user_by_name(ADA).unwrap().id;
        let guid = tenant.recipient_of(owner).unwrap().guid;
        tenant.recipients.amend(guid, |owner| owner.litigation_hold = true);
    }
    assert_eq!(stage.delete(&format!("{}?disposalType=hardDelete", item(1))).status, 403);
}

#[test]
fn an_ordinary_id_ends_with_a_move_and_an_immutable_one_does_not() {
    let stage = Stage::calm();
    let mailbox = inbox_of(&stage, 1);
    let items = format!("{mailbox}/folders/inbox/items");
    let old = ids(&stage, &mailbox, "inbox").remove(0);
    let prefer = [("prefer", "IdType=\"ImmutableId\"")];
    let fixed = stage.call(Method::GET, &items, &prefer, b"").ok().value()[0]["id"].clone();
    assert_ne!(json!(old), fixed);
    let moved = stage
        .post(&format!("/users/{ADA}/messages/{old}/move"), &json!({ "DestinationId": "archive" }))
        .ok();
    assert_ne!(moved.body["id"], json!(old));
    let archive = format!("{mailbox}/folders/archive/items");
    assert_eq!(stage.get(&format!("{archive}/{old}")).status, 404);
    stage.get(&format!("{archive}/{}", fixed.as_str().unwrap())).ok();
    stage.get(&format!("{archive}/{}", moved.text("id"))).ok();
}

#[test]
fn an_expanded_archive_is_reached_by_the_folders_own_mailbox() {
    let stage = Stage::calm();
    stage.simulator.expand_archive(stage.tenant, ADA, 4).unwrap();
    let (folders, _) = stage.all(&format!("{}/folders?$top=100", stage.archive(ADA)));
    let branch = folders.iter().find(|folder| folder["parentMailboxUrl"].is_string()).unwrap();
    let url = branch["parentMailboxUrl"].as_str().unwrap();
    assert!(url.starts_with(BETA));
    let id = branch["id"].as_str().unwrap();
    let (items, _) = stage.all(&format!("{url}/folders/{id}/items"));
    assert_eq!(items.len(), 4);
    assert_eq!(stage.get(&format!("{}/folders/{id}/items", stage.archive(ADA))).status, 404);
}

#[test]
fn large_items_cost_no_memory_until_they_are_exported_and_none_after_the_import() {
    let stage = Stage::calm();
    let fill = MailboxFill {
        least_items: 3,
        most_items: 3,
        large_items: 3,
        large_bytes: 1_000_000,
        ..MailboxFill::default()
    };
    stage.simulator.fill_mailbox(stage.tenant, ADA, Part::Primary, &fill).unwrap();
    let (from, to) = (stage.mailbox(ADA), stage.mailbox(GRACE));
    let (folders, _) = stage.all(&format!("{from}/folders/delta"));
    let url = session(&stage, &to);
    for folder in folders {
        for id in ids(&stage, &from, folder["id"].as_str().unwrap()) {
            let data = export(&stage, &from, &[&id])[0]["data"].clone();
            import(&stage, &url, &json!({ "FolderId": "inbox", "Mode": "create", "Data": data }))
                .ok();
        }
    }
    let world = stage.simulator.world();
    let large = world.tenants[&stage.tenant].mailboxes.values().flat_map(|m| m.items.values());
    let made =
        large.filter(|item| matches!(item.data.content, crate::content::Content::Made { .. }));
    assert_eq!(made.count(), 6);
}

#[test]
fn a_full_mailbox_takes_no_more() {
    let content = ContentRules { mailbox_quota_bytes: 1_200, ..ContentRules::default() };
    let stage = Stage::new(Config { content, ..Config::default() });
    let mailbox = inbox_of(&stage, 1);
    let id = ids(&stage, &mailbox, "inbox").remove(0);
    let data = export(&stage, &mailbox, &[&id])[0]["data"].clone();
    let url = session(&stage, &mailbox);
    let create = json!({ "FolderId": "inbox", "Mode": "create", "Data": data });
    let mut last = import(&stage, &url, &create);
    for _ in 0..3 {
        last = import(&stage, &url, &create);
    }
    assert_eq!(last.code(), "ErrorQuotaExceeded");
}

#[test]
fn settings_rules_and_categories_are_kept() {
    let stage = Stage::calm();
    let settings = format!("/users/{ADA}/mailboxSettings");
    let change = json!({
        "timeZone": "W. Europe Standard Time", "language": { "locale": "de-DE" },
        "automaticRepliesSetting": { "status": "alwaysEnabled", "internalReplyMessage": "Away" },
    });
    stage.patch(&settings, &change).ok();
    let read = stage.get(&settings).ok();
    assert_eq!(read.body["timeZone"], "W. Europe Standard Time");
    assert_eq!(read.body["language"]["locale"], "de-DE");
    assert_eq!(read.body["automaticRepliesSetting"]["status"], "alwaysEnabled");
    let rules = format!("/users/{ADA}/mailFolders/inbox/messageRules");
    assert_eq!(stage.post(&rules, &json!({ "displayName": "x" })).status, 400);
    let rule = json!({ "displayName": "x", "sequence": 1, "actions": { "delete": true } });
    let made = stage.post(&rules, &rule);
    assert_eq!(made.status, 201);
    stage.patch(&format!("{rules}/{}", made.text("id")), &json!({ "isEnabled": false })).ok();
    assert_eq!(stage.get(&rules).ok().value()[0]["isEnabled"], false);
    assert_eq!(stage.delete(&format!("{rules}/{}", made.text("id"))).status, 204);
    let categories = format!("/users/{ADA}/outlook/masterCategories");
    let blue = json!({ "displayName": "Blue", "color": "preset7" });
    assert_eq!(stage.post(&categories, &blue).status, 201);
    assert_eq!(stage.post(&categories, &blue).status, 409);
    assert_eq!(stage.get(&categories).ok().value().len(), 1);
}

#[test]
fn mail_that_is_delivered_is_an_item_of_the_inbox() {
    let stage = Stage::calm();
    let mail = json!({
        "message": {
            "subject": "Hello", "body": { "contentType": "text", "content": "Hi" },
            "toRecipients": [{ "emailAddress": { "address": GRACE } }],
        },
        "saveToSentItems": false,
    });
    assert_eq!(stage.post(&format!("/users/{ADA}/sendMail"), &mail).status, 202);
    let path = "folders/inbox/items?$expand=singleValueExtendedProperties($filter=id eq 'String 0x37' or id eq 'String 0x1035')";
    let inbox = stage.get(&format!("{}/{path}", stage.mailbox(GRACE))).ok();
    let properties = &inbox.value()[0]["singleValueExtendedProperties"];
    assert_eq!(properties[0]["value"], "Hello");
    assert!(properties[1]["value"].as_str().unwrap().starts_with('<'));
}
