//! Users through Graph: errors, paging, filters, delta.

use http::Method;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, OK};

fn create(bench: &Bench, upn: &str) -> Answer {
    let body = json!({
        "accountEnabled": true, "displayName": "Ada", "mailNickname": "ada",
        "userPrincipalName": upn, "passwordProfile": { "password": "x1!Xx", "forceChangePasswordNextSignIn": false },
    });
    bench.graph(&bench.target, Method::POST, "/v1.0/users", Some(body))
}

fn patch(bench: &Bench, user: &str, body: Value) -> Answer {
    bench.graph(&bench.target, Method::PATCH, &format!("/v1.0/users/{user}"), Some(body))
}

#[test]
fn a_second_user_of_one_sign_in_name_is_an_object_conflict() {
    let bench = Bench::calm();
    assert_eq!(create(&bench, "ada@fabrikam.example").status, 201);
    let again = create(&bench, "ADA@fabrikam.example");
    assert_eq!((again.status, again.code()), (400, "Request_BadRequest"));
    assert_eq!(
        again.body["error"]["message"],
        "Another object with the same value for property userPrincipalName already exists."
    );
    let detail = &again.body["error"]["details"][0];
    assert_eq!(
        (&detail["code"], &detail["target"]),
        (&json!("ObjectConflict"), &json!("userPrincipalName"))
    );
    assert_eq!(
        again.body["error"]["innerError"]["request-id"],
        again.headers["request-id"].to_str().expect("text")
    );
    assert!(again.headers.contains_key("request-id") && again.headers.contains_key("date"));
    assert_eq!(create(&bench, "ada@elsewhere.example").status, 400, "the domain must be verified");
    assert_eq!(create(&bench, "ädä@fabrikam.example").status, 400, "no accents");
}

#[test]
fn required_properties_are_required() {
    let bench = Bench::calm();
    let body = json!({ "displayName": "Ada", "userPrincipalName": "ada@fabrikam.example" });
    assert_eq!(bench.graph(&bench.target, Method::POST, "/v1.0/users", Some(body)).status, 400);
}

#[test]
fn what_may_not_be_written_is_refused_and_nothing_is_changed() {
    let bench = Bench::calm();
    create(&bench, "ada@fabrikam.example");
    let user = "ada@fabrikam.example";
    for (body, word) in [
        (json!({ "jobTitle": "x", "proxyAddresses": ["SMTP:a@b.example"] }), "read-only"),
        (json!({ "jobTitle": "x", "jobTitel": "y" }), "does not exist"),
        (json!({ "jobTitle": "ä".repeat(129) }), "Invalid value"),
        (json!({ "jobTitle": "x", "usageLocation": "Germany" }), "Invalid value"),
        (json!({ "jobTitle": "x", "businessPhones": ["1", "2"] }), "Invalid value"),
    ] {
        let answer = patch(&bench, user, body.clone());
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.body["error"]["message"].as_str().expect("text").contains(word),
            "{}",
            answer.body
        );
    }
    let seen = bench.get(&bench.target, &format!("/v1.0/users/{user}?$select=jobTitle"));
    assert_eq!(seen.body["jobTitle"], Value::Null);
    let password = patch(&bench, user, json!({ "passwordProfile": { "password": "y" } }));
    assert_eq!((password.status, password.code()), (403, "Authorization_RequestDenied"));
}

#[test]
fn a_synced_user_takes_its_usage_location_and_little_else() {
    let bench = Bench::calm();
    create(&bench, "ada@fabrikam.example");
    bench.simulator.set_synced(bench.target.tenant_id, "ada@fabrikam.example", true);
    assert_eq!(patch(&bench, "ada@fabrikam.example", json!({ "usageLocation": "de" })).status, 204);
    let refused = patch(&bench, "ada@fabrikam.example", json!({ "department": "x" }));
    assert!(
        refused.body["error"]["message"].as_str().expect("text").contains("on-premises mastered")
    );
}

#[test]
fn mail_written_on_a_recipient_becomes_a_proxy_or_a_conflict() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    assert_eq!(
        patch(&bench, "ada@fabrikam.example", json!({ "mail": "lovelace@fabrikam.example" }))
            .status,
        204
    );
    let view = bench
        .simulator
        .recipient(bench.target.tenant_id, "lovelace@fabrikam.example")
        .expect("ada");
    assert!(view.addresses.contains(&"SMTP:lovelace@fabrikam.example".to_owned()));
    assert!(view.addresses.contains(&"smtp:ada@fabrikam.example".to_owned()));
    let conflict =
        patch(&bench, "ada@fabrikam.example", json!({ "mail": "notifications@fabrikam.example" }));
    assert_eq!(conflict.body["error"]["details"][0]["target"], "proxyAddresses");
}

#[test]
fn custom_attributes_are_one_storage_for_both_sides() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    bench.done(
        &bench.target,
        "Set-MailUser",
        json!({ "Identity": "ada", "CustomAttribute3": "wave-1" }),
    );
    let seen = bench.get(
        &bench.target,
        "/v1.0/users/ada@fabrikam.example?$select=onPremisesExtensionAttributes",
    );
    assert_eq!(seen.body["onPremisesExtensionAttributes"]["extensionAttribute3"], "wave-1");
    patch(
        &bench,
        "ada@fabrikam.example",
        json!({ "onPremisesExtensionAttributes": { "extensionAttribute3": null, "extensionAttribute4": "x" } }),
    );
    let shown = bench.done(&bench.target, "Get-MailUser", json!({ "Identity": "ada" }));
    assert_eq!(
        (&shown.first()["CustomAttribute3"], &shown.first()["CustomAttribute4"]),
        (&json!(""), &json!("x"))
    );
}

#[test]
fn without_select_few_properties_come_and_an_unknown_one_is_refused() {
    let bench = Bench::calm();
    let users = bench.get(&bench.source, "/v1.0/users?$top=1");
    let names: Vec<&String> = users.first().as_object().expect("a user").keys().collect();
    assert_eq!(names.len(), 11, "{names:?}");
    assert_eq!(bench.get(&bench.source, "/v1.0/users?$select=id,shoeSize").status, 400);
}

#[test]
fn lists_are_followed_by_their_links() {
    let bench = Bench::with(20, simulator::Config::default());
    let mut path = Some("/v1.0/users?$select=id&$top=3".to_owned());
    let mut ids = Vec::new();
    while let Some(next) = path {
        let answer = bench.get(&bench.source, &next);
        assert_eq!(answer.status, OK);
        ids.extend(
            answer.body["value"]
                .as_array()
                .expect("users")
                .iter()
                .map(|user| user["id"].to_string()),
        );
        path = answer.body["@odata.nextLink"]
            .as_str()
            .map(|link| link.trim_start_matches("https://graph.microsoft.com").to_owned());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert!(ids.len() == count && count > 20, "{count}");
    assert_eq!(bench.get(&bench.source, "/v1.0/users?$top=1000").status, 400);
}

#[test]
fn filters_work_and_advanced_ones_ask_for_eventual_consistency() {
    let bench = Bench::calm();
    let count = |filter: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let answer = bench
            .get(&bench.source, &format!("/v1.0/users?$filter={}", encoded.replace('+', "%20")));
        assert_eq!(answer.status, OK, "{filter}: {}", answer.body);
        answer.body["value"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("startsWith(displayName,'Andreas') and accountEnabled eq true"), 2);
    assert_eq!(
        count("proxyAddresses/any(p:p eq 'smtp:andreas.meyer2@contoso.onmicrosoft.com')"),
        1
    );
    assert_eq!(count("userPrincipalName in ('andreas.meyer@contoso.example','x')"), 1);
    assert_eq!(
        count(
            "surname eq 'O''Brien' or onPremisesExtensionAttributes/extensionAttribute1 eq 'P-andreas.meyer'"
        ),
        1
    );
    let advanced = bench.get(&bench.source, "/v1.0/users?$filter=surname%20ne%20'x'");
    assert_eq!((advanced.status, advanced.code()), (400, "Request_UnsupportedQuery"));
    assert_eq!(bench.get(&bench.source, "/v1.0/users?$filter=nonsense").status, 400);
}

fn follow(bench: &Bench, path: &str) -> (Vec<Value>, String) {
    let mut path = path.to_owned();
    let mut values = Vec::new();
    loop {
        let answer = bench.get(&bench.target, &path);
        assert_eq!(answer.status, OK, "{}", answer.body);
        values.extend(answer.body["value"].as_array().expect("values").clone());
        let cut = |link: &Value| {
            link.as_str()
                .map(|link| link.trim_start_matches("https://graph.microsoft.com").to_owned())
        };
        if let Some(next) = cut(&answer.body["@odata.nextLink"]) {
            path = next;
        } else {
            return (values, cut(&answer.body["@odata.deltaLink"]).expect("a delta link"));
        }
    }
}

#[test]
fn a_delta_of_users_gives_changes_removals_and_ends_after_seven_days() {
    let bench = Bench::calm();
    let (all, link) = follow(&bench, "/v1.0/users/delta?$select=displayName");
    assert!(!all.is_empty());
    assert!(follow(&bench, &link).0.is_empty(), "nothing has changed");
    create(&bench, "ada@fabrikam.example");
    let (changed, next) = follow(&bench, &link);
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["displayName"], "Ada");
    assert!(changed[0].get("userPrincipalName").is_none(), "the token carries the options");
    bench.graph(&bench.target, Method::DELETE, "/v1.0/users/ada@fabrikam.example", None);
    let (removed, _) = follow(&bench, &next);
    assert_eq!(removed[0]["@removed"]["reason"], "changed");
    let id = removed[0]["id"].as_str().expect("an id").to_owned();
    let restored = bench.graph(
        &bench.target,
        Method::POST,
        &format!("/v1.0/directory/deletedItems/{id}/restore"),
        None,
    );
    assert_eq!((restored.status, &restored.body["displayName"]), (OK, &json!("Ada")));
    bench.pass(8 * 24 * 3_600);
    let late = bench.get(&bench.target, &next);
    assert_eq!((late.status, late.code()), (410, "SyncStateNotFound"));
    let fresh = late.headers["location"]
        .to_str()
        .expect("a link")
        .trim_start_matches("https://graph.microsoft.com")
        .to_owned();
    assert!(!follow(&bench, &fresh).0.is_empty());
}
