//! Graph: exact requests, paging, references, batches.

use http::{HeaderName, Method};
use ports::TransportErrorKind;
use serde_json::{Map, Value, json};
use tenant::{
    Class, Operation,
    graph::{
        AssignedLicense, BatchOrder, DirectoryObject, Mail, MailAttachment, MailBody,
        NewInvitation, UserQuery, quoted,
    },
};

use super::support::{Answer, Setup, body, granted, header, line, world};

const ANY: Operation = Operation::new("try", &[]);

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object is wanted") };
    object
}

#[tokio::test]
async fn a_user_is_asked_for_with_the_properties_that_matter() {
    let reply = json!({ "id": "u1", "userPrincipalName": "a@b.c", "onPremisesSyncEnabled": true });
    let world = world([Answer::json(200, &reply)]);
    let user = world.client.graph().get_user("a_x.com#EXT#@b.c").await.unwrap();
    assert!(user.is_directory_synced());
    let request = world.only_request();
    let start = "GET /graph/v1.0/users/a_x.com%23EXT%23@b.c?$select=id,userPrincipalName,";
    assert!(line(&request).starts_with(start), "{}", line(&request));
    assert_eq!(header(&request, "accept-encoding"), "identity");
    assert_eq!(header(&request, "client-request-id").len(), 36);
    assert!(header(&request, "user-agent").starts_with("NONISV|Crosswave|Crosswave/"));
}

#[tokio::test]
async fn an_id_that_would_change_the_path_is_refused_and_not_sent() {
    let world = world([]);
    for id in ["", "..", "."] {
        let error = world.client.graph().delete_user(id).await.unwrap_err();
        assert_eq!(error.class, Class::Invalid);
    }
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn next_links_are_followed_verbatim_through_empty_pages() {
    let link = |n| format!("http://127.0.0.1:8080/graph/v1.0/users?$skiptoken=a%20b{n}");
    let page = |ids: &[&str], next: Option<String>| {
        let value: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
        let mut page = json!({ "value": value });
        if let Some(next) = next {
            page["@odata.nextLink"] = json!(next);
        }
        Answer::json(200, &page)
    };
    let world =
        world([page(&["1", "2"], Some(link(1))), page(&[], Some(link(2))), page(&["3"], None)]);
    let filter = format!("mail eq {}", quoted("o'neil@b.c"));
    let users = world.client.graph().list_users(&UserQuery::filter(filter)).await.unwrap();
    let ids: Vec<_> = users.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    let first = line(&world.request(0));
    assert!(first.contains("&$top=999&$filter=mail%20eq%20%27o%27%27neil@b.c%27"), "{first}");
    assert_eq!(world.request(2).url.as_str(), link(2));
}

#[tokio::test]
async fn advanced_filters_ask_for_eventual_consistency() {
    let world = world([Answer::json(200, &json!({ "value": [] }))]);
    let query = UserQuery { advanced: true, ..UserQuery::filter("endsWith(mail,'@b.c')") };
    world.client.graph().list_users(&query).await.unwrap();
    let request = world.only_request();
    assert_eq!(header(&request, "consistencylevel"), "eventual");
    assert!(line(&request).contains("$count=true"));
}

#[tokio::test]
async fn a_next_link_to_another_host_never_sees_the_token() {
    let elsewhere = json!({ "value": [], "@odata.nextLink": "https://evil.example/v1.0/users" });
    let world = world([Answer::json(200, &elsewhere)]);
    let error = world.client.graph().list_users(&UserQuery::default()).await.unwrap_err();
    assert!(error.to_string().contains("leads away"), "{error}");
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn a_collection_that_never_ends_ends() {
    let link = "http://127.0.0.1:8080/graph/v1.0/groups?again";
    let page = json!({ "value": [{}], "@odata.nextLink": link });
    let world = world(std::iter::repeat_n(Answer::json(200, &page), 4));
    let call = world.client.graph().get(ANY, &["groups"]);
    let error = call.pages::<Value>(3).await.unwrap_err();
    assert_eq!(error.class, Class::Unexpected);
}

#[tokio::test]
async fn null_clears_a_property_of_a_user() {
    let world = world([Answer::empty(204)]);
    let changes = object(json!({ "jobTitle": "Smith", "faxNumber": null }));
    world.client.graph().update_user("u1", &changes).await.unwrap();
    let request = world.only_request();
    assert_eq!(line(&request), "PATCH /graph/v1.0/users/u1");
    assert_eq!(body(&request), json!({ "jobTitle": "Smith", "faxNumber": null }));
    assert_eq!(header(&request, "content-type"), "application/json");
}

#[tokio::test]
async fn a_manager_is_set_by_reference_and_an_absent_one_is_none() {
    let missing = json!({ "error": { "code": "Request_ResourceNotFound", "message": "no" } });
    let world = world([Answer::empty(204), Answer::json(404, &missing)]);
    let graph = world.client.graph();
    graph.set_manager("u1", "u2").await.unwrap();
    assert_eq!(graph.get_manager("u1").await.unwrap(), None);
    let request = world.request(0);
    assert_eq!(line(&request), "PUT /graph/v1.0/users/u1/manager/$ref");
    let id = "http://127.0.0.1:8080/graph/v1.0/users/u2";
    assert_eq!(body(&request), json!({ "@odata.id": id }));
}

/// CUT-S8: without `$ref` the same request would delete the person.
#[tokio::test]
async fn members_and_owners_are_taken_out_by_reference_only() {
    let gone = json!({ "error": { "code": "Request_ResourceNotFound", "message": "no" } });
    let world = world([Answer::empty(204), Answer::json(404, &gone), Answer::empty(204)]);
    let graph = world.client.graph();
    graph.remove_group_member("g", "u").await.unwrap();
    graph.remove_group_owner("g", "u").await.unwrap();
    graph.remove_team_member("t", "bWVtYmVyc2hpcA==").await.unwrap();
    assert_eq!(line(&world.request(0)), "DELETE /graph/v1.0/groups/g/members/u/$ref");
    assert_eq!(line(&world.request(1)), "DELETE /graph/v1.0/groups/g/owners/u/$ref");
    let team = "DELETE /graph/v1.0/teams/t/members/bWVtYmVyc2hpcA==";
    assert_eq!(line(&world.request(2)), team);
}

#[tokio::test]
async fn adding_a_member_twice_is_no_error() {
    let words = "One or more added object references already exist for the following modified \
                 properties: 'members'.";
    let again = json!({ "error": { "code": "Request_BadRequest", "message": words } });
    let world = world([Answer::json(400, &again)]);
    world.client.graph().add_group_member("g", "u").await.unwrap();
    let request = world.only_request();
    assert_eq!(line(&request), "POST /graph/v1.0/groups/g/members/$ref");
    let id = "http://127.0.0.1:8080/graph/v1.0/directoryObjects/u";
    assert_eq!(body(&request), json!({ "@odata.id": id }));
}

#[tokio::test]
async fn members_are_told_apart_by_their_type() {
    let value = json!({ "value": [
        { "@odata.type": "#microsoft.graph.user", "id": "u", "businessPhones": [] },
        { "@odata.type": "#microsoft.graph.group", "id": "g", "groupTypes": ["Unified"],
          "resourceProvisioningOptions": ["Team"] },
        { "@odata.type": "#microsoft.graph.directoryRole", "id": "r" },
    ] });
    let world = world([Answer::json(200, &value)]);
    let all = world.client.graph().member_of("u").await.unwrap();
    assert!(matches!(&all[0], DirectoryObject::User(user) if user.id == "u"));
    assert!(matches!(&all[1], DirectoryObject::Group(group) if group.is_team()));
    assert!(matches!(&all[2], DirectoryObject::Other { id, .. } if id == "r"));
}

/// SYN-I4: both lists are required, also when one is empty.
#[tokio::test]
async fn licences_are_assigned_in_one_call_and_an_empty_pool_is_named() {
    let words = "Subscription with SKU 6fd2c87f-b296-42f0-b197-1e91e994b900 does not have any \
                 available licenses.";
    let empty = json!({ "error": { "code": "Request_BadRequest", "message": words } });
    let world = world([Answer::json(200, &json!({ "id": "u" })), Answer::json(400, &empty)]);
    let graph = world.client.graph();
    let add = [AssignedLicense { sku_id: "s1".into(), disabled_plans: vec![] }];
    graph.assign_license("u", &add, &[]).await.unwrap();
    let expected = json!({
        "addLicenses": [{ "skuId": "s1", "disabledPlans": [] }], "removeLicenses": []
    });
    assert_eq!(body(&world.request(0)), expected);
    let error = graph.assign_license("u", &add, &[]).await.unwrap_err();
    assert_eq!(error.class, Class::QuotaExceeded);
}

#[tokio::test]
async fn mail_is_sent_from_a_mailbox_and_not_kept() {
    let world = world([Answer::empty(202)]);
    let mail = Mail {
        subject: "Ready".into(),
        body: MailBody::Html("<p>x</p>".into()),
        to: vec!["a@b.c".into()],
        cc: vec![],
        attachments: vec![MailAttachment {
            name: "move.ics".to_owned(),
            content_type: "text/calendar".to_owned(),
            base64: "QkVHSU4=".to_owned(),
        }],
    };
    world.client.graph().send_mail("sender@b.c", &mail).await.unwrap();
    let request = world.only_request();
    assert_eq!(line(&request), "POST /graph/v1.0/users/sender@b.c/sendMail");
    let expected = json!({
        "message": {
            "subject": "Ready",
            "body": { "contentType": "html", "content": "<p>x</p>" },
            "toRecipients": [{ "emailAddress": { "address": "a@b.c" } }],
            "ccRecipients": [],
            "attachments": [{
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": "move.ics",
                "contentType": "text/calendar",
                "contentBytes": "QkVHSU4=",
            }],
        },
        "saveToSentItems": false,
    });
    assert_eq!(body(&request), expected);
}

/// NOT-2: a lost reply is not answered with a second mail.
#[tokio::test]
async fn a_mail_whose_reply_was_lost_is_not_sent_again() {
    for answer in [
        Answer::Fail(TransportErrorKind::Broken),
        Answer::Fail(TransportErrorKind::Timeout),
        Answer::empty(504),
        Answer::empty(500),
    ] {
        let world = world([answer]);
        let error = world.client.graph().send_mail("s@b.c", &Mail::default()).await.unwrap_err();
        assert_eq!(error.class, Class::UnknownOutcome);
        assert_eq!(world.requests(), 1);
    }
}

/// PRE-6: no invitation goes out before send-guest-invite.
#[tokio::test]
async fn a_guest_is_made_with_or_without_a_message() {
    let reply = json!({ "id": "i", "inviteRedeemUrl": "https://x", "status": "PendingAcceptance",
        "invitedUser": { "id": "u9" } });
    let world = world([Answer::json(201, &reply)]);
    let invitation = NewInvitation {
        invited_user_email_address: "g@x.com".into(),
        invited_user_display_name: None,
        invite_redirect_url: "https://myapps.microsoft.com".into(),
        send_invitation_message: false,
    };
    let made = world.client.graph().invite(&invitation).await.unwrap();
    assert_eq!(made.invited_user.id, "u9");
    let expected = json!({
        "invitedUserEmailAddress": "g@x.com",
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "sendInvitationMessage": false,
    });
    assert_eq!(body(&world.only_request()), expected);
}

#[tokio::test]
async fn a_pre_authenticated_address_gets_no_token() {
    let world = world([Answer::json(200, &json!({}))]);
    let url = "https://outlook.office365.com/api/importItem?authtoken=abc";
    let call = world.client.graph().opaque(ANY, Method::POST, url).json(&json!({ "Data": "x" }));
    call.done().await.unwrap();
    let request = world.only_request();
    assert_eq!(request.url.as_str(), url);
    assert!(!request.headers.contains_key("authorization"));
    assert_eq!(world.sign_ins(), 0);
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_a_beta_call_changes_the_version_only() {
    let found = Answer::empty(302).header("location", "https://cdn.example/x?sig=1");
    let world = world([found]);
    let prefer = HeaderName::from_static("prefer");
    let call = world.client.graph().get(ANY, &["v1.0", "x"]).beta().header(prefer, "a");
    let reply = call.send().await.unwrap();
    assert_eq!(reply.headers["location"], "https://cdn.example/x?sig=1");
    assert_eq!(line(&world.only_request()), "GET /graph/beta/v1.0/x");
}

#[tokio::test]
async fn a_reply_that_is_no_json_is_unexpected_and_a_large_one_is_refused() {
    let world = world([Answer::text(200, "<html>"), Answer::text(200, &"x".repeat(100))]);
    let call = || world.client.graph().get(ANY, &["me"]);
    assert_eq!(call().read::<Value>().await.unwrap_err().class, Class::Unexpected);
    assert_eq!(call().limit(99).read::<Value>().await.unwrap_err().class, Class::Unexpected);
}

#[tokio::test]
async fn a_403_names_the_permission_that_the_token_lacks() {
    let denied = json!({ "error": { "code": "Authorization_RequestDenied",
        "message": "Insufficient privileges to complete the operation." } });
    let sign_in = vec![granted(&["User.Read.All"])];
    let answers = [Answer::json(403, &denied), Answer::json(403, &denied)];
    let world = Setup { sign_in, ..Setup::default() }.world(answers);
    let graph = world.client.graph();
    let error = graph.update_user("u", &Map::new()).await.unwrap_err();
    assert_eq!(error.class, Class::MissingConsent { role: "User.ReadWrite.All".into() });
    assert!(error.to_string().contains("User.ReadWrite.All"), "{error}");
    // Reading is consented: there it is a matter of roles and policies.
    assert_eq!(graph.get_user("u").await.unwrap_err().class, Class::Forbidden);
}

mod batch {
    use super::*;

    fn responses(all: &[Value]) -> Answer {
        Answer::json(200, &json!({ "responses": all }))
    }

    #[tokio::test]
    async fn items_are_matched_by_id_in_any_order_and_fail_on_their_own() {
        let missing = json!({ "error": { "code": "Request_ResourceNotFound", "message": "no" } });
        let world = world([responses(&[
            json!({ "id": "1", "status": 404, "body": missing }),
            json!({ "id": "0", "status": 200, "headers": { "ETag": "x" }, "body": { "id": "u0" } }),
        ])]);
        let graph = world.client.graph();
        let calls = vec![
            graph.get(ANY, &["users", "u0"]).query("$select", "id"),
            graph.patch(ANY, &["users", "u#1"]).json(&json!({ "city": "Bonn" })),
        ];
        let outcomes = graph.batch(calls, BatchOrder::Any).await.unwrap();
        assert_eq!(outcomes[0].as_ref().unwrap().body, r#"{"id":"u0"}"#);
        assert_eq!(outcomes[1].as_ref().unwrap_err().class, Class::NotFound);
        let request = world.only_request();
        assert_eq!(line(&request), "POST /graph/v1.0/$batch");
        let expected = json!({ "requests": [
            { "id": "0", "method": "GET", "url": "/users/u0?$select=id" },
            { "id": "1", "method": "PATCH", "url": "/users/u%231",
              "headers": { "content-type": "application/json" }, "body": { "city": "Bonn" } },
        ] });
        assert_eq!(body(&request), expected);
    }

    /// ERR-3
    #[tokio::test]
    async fn an_item_that_is_throttled_for_a_moment_goes_again_alone() {
        let throttled = json!({ "id": "1", "status": 429, "headers": { "Retry-After": "1" },
            "body": { "error": { "code": "TooManyRequests", "message": "slow" } } });
        let fine = |id: &str| json!({ "id": id, "status": 204 });
        let world = world([responses(&[fine("0"), throttled]), responses(&[fine("1")])]);
        let graph = world.client.graph();
        let calls = (0..2).map(|n| graph.delete(ANY, &["users", &format!("u{n}")])).collect();
        let outcomes = graph.batch(calls, BatchOrder::Any).await.unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
        let again = body(&world.request(1));
        assert_eq!(again["requests"].as_array().unwrap().len(), 1);
        assert_eq!(again["requests"][0]["url"], "/users/u1");
    }

    #[tokio::test]
    async fn an_item_that_is_throttled_for_long_is_handed_back() {
        let throttled = json!({ "id": "0", "status": 429, "headers": { "Retry-After": "30" },
            "body": { "error": { "code": "TooManyRequests", "message": "slow" } } });
        let world = world([responses(&[throttled])]);
        let graph = world.client.graph();
        let calls = vec![graph.get(ANY, &["users", "u"])];
        let outcomes = graph.batch(calls, BatchOrder::Any).await.unwrap();
        let retry_after = std::time::Duration::from_secs(30);
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!(error.class, Class::Throttled { retry_after });
    }

    #[tokio::test]
    async fn a_sequence_names_its_dependencies_and_424_is_one() {
        let world = world([responses(&[
            json!({ "id": "0", "status": 400, "body": { "error": { "code": "x", "message": "" } } }),
            json!({ "id": "1", "status": 424, "body": { "error": { "code": "x", "message": "" } } }),
        ])]);
        let graph = world.client.graph();
        let calls = (0..2).map(|n| graph.get(ANY, &["users", &format!("u{n}")])).collect();
        let outcomes = graph.batch(calls, BatchOrder::Sequence).await.unwrap();
        assert_eq!(outcomes[1].as_ref().unwrap_err().class, Class::DependencyFailed);
        let sent = body(&world.only_request());
        assert_eq!(sent["requests"][1]["dependsOn"], json!(["0"]));
    }

    #[tokio::test]
    async fn more_than_twenty_calls_are_several_batches() {
        let replies = |ids: std::ops::Range<usize>| {
            let all: Vec<_> =
                ids.map(|id| json!({ "id": id.to_string(), "status": 204 })).collect();
            responses(&all)
        };
        let world = world([replies(0..20), replies(0..1)]);
        let graph = world.client.graph();
        let calls = (0..21).map(|_| graph.get(ANY, &["users", "u"])).collect();
        let outcomes = graph.batch(calls, BatchOrder::Any).await.unwrap();
        assert_eq!((outcomes.len(), world.requests()), (21, 2));
    }

    #[tokio::test]
    async fn an_item_that_the_reply_lacks_has_an_unknown_outcome_if_it_writes() {
        let world = world([responses(&[])]);
        let graph = world.client.graph();
        let calls = vec![graph.delete(ANY, &["users", "u"])];
        let outcomes = graph.batch(calls, BatchOrder::Any).await.unwrap();
        assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::UnknownOutcome);
    }
}
