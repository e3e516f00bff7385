//! From mail user to mailbox.

use http::Method;
use serde_json::{Value, json};
use simulator::{Config, Lag, Lags};

use crate::bench::{Answer, Bench};

const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";

fn license(bench: &Bench, user: &str, add: Value, remove: Value) -> Answer {
    let body = json!({ "addLicenses": add, "removeLicenses": remove });
    bench.graph(
        &bench.target,
        Method::POST,
        &format!("/v1.0/users/{user}/assignLicense"),
        Some(body),
    )
}

fn locate(bench: &Bench, user: &str) {
    let patch = json!({ "usageLocation": "DE" });
    let answer =
        bench.graph(&bench.target, Method::PATCH, &format!("/v1.0/users/{user}"), Some(patch));
    assert_eq!(answer.status, 204);
}

fn kind(bench: &Bench) -> String {
    bench
        .simulator
        .recipient(bench.target.tenant_id, "ada@fabrikam.example")
        .map(|r| r.kind)
        .unwrap_or_default()
}

#[test]
fn a_licence_needs_a_usage_location_and_a_free_seat() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    let user = "ada@fabrikam.example";
    let add = json!([{ "skuId": E3, "disabledPlans": [] }]);
    let refused = license(&bench, user, add.clone(), json!([]));
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body["error"]["message"],
        "License assignment cannot be done for user with invalid usage location."
    );
    locate(&bench, user);
    bench.simulator.set_seats(bench.target.tenant_id, 0);
    let refused = license(&bench, user, add.clone(), json!([]));
    assert!(
        refused.body["error"]["message"]
            .as_str()
            .expect("text")
            .contains("does not have any available licenses")
    );
    bench.simulator.set_seats(bench.target.tenant_id, 100);
    assert_eq!(license(&bench, user, add, json!([])).status, 200);
    let both = json!({ "addLicenses": [] });
    let half = bench.graph(
        &bench.target,
        Method::POST,
        &format!("/v1.0/users/{user}/assignLicense"),
        Some(both),
    );
    assert_eq!(half.status, 400, "both lists are required");
}

#[test]
fn a_licence_turns_a_mail_user_into_a_mailbox_after_a_while_and_scrubs_foreign_addresses() {
    let lags = Lags {
        mailbox_provisioning: Lag::seconds(600, 600),
        mailbox_open: Lag::seconds(60, 60),
        ..Lags::default()
    };
    let bench = Bench::with(2, Config { lags, ..Config::default() });
    bench.mail_user("ada");
    let user = "ada@fabrikam.example";
    bench.done(&bench.target, "Set-MailUser", json!({
        "Identity": user, "HiddenFromAddressListsEnabled": true,
        "EmailAddresses": { "@odata.type": "#Exchange.GenericHashTable", "Add": ["smtp:ada@elsewhere.example", "X500:/o=Old/cn=ada"] },
    }));
    locate(&bench, user);
    license(&bench, user, json!([{ "skuId": E3 }]), json!([]));
    assert_eq!(kind(&bench), "MailUser");
    bench.pass(601);
    let view = bench.simulator.recipient(bench.target.tenant_id, user).expect("ada");
    assert_eq!(view.kind, "UserMailbox");
    assert_eq!(view.external_address, None);
    assert!(view.hidden, "it survives by default");
    assert!(view.addresses.contains(&"X500:/o=Old/cn=ada".to_owned()));
    assert!(
        !view
            .addresses
            .iter()
            .any(|address| address.contains("elsewhere") || address.contains("contoso")),
        "{:?}",
        view.addresses
    );
    let early =
        bench.run(&bench.target, "Get-MailboxRegionalConfiguration", json!({ "Identity": user }));
    assert!(early.status >= 500, "the store is not open yet");
    let warned = bench.done(&bench.target, "Get-MailboxStatistics", json!({ "Identity": user }));
    assert_eq!(warned.body["value"], json!([]));
    bench.pass(61);
    bench.done(&bench.target, "Get-MailboxRegionalConfiguration", json!({ "Identity": user }));
    let statistics =
        bench.done(&bench.target, "Get-MailboxStatistics", json!({ "Identity": user }));
    assert_eq!(statistics.first()["TotalItemSize"], "0 B (0 bytes)");
}

#[test]
fn the_hidden_flag_may_be_lost_on_the_way_to_the_mailbox() {
    let bench = Bench::calm();
    bench.simulator.configure(|config| config.rules.hidden_survives_licence = false);
    bench.mail_user("ada");
    let user = "ada@fabrikam.example";
    bench.done(
        &bench.target,
        "Set-MailUser",
        json!({ "Identity": user, "HiddenFromAddressListsEnabled": true }),
    );
    locate(&bench, user);
    license(&bench, user, json!([{ "skuId": E3 }]), json!([]));
    let view = bench.simulator.recipient(bench.target.tenant_id, user).expect("ada");
    assert_eq!((view.kind.as_str(), view.hidden), ("UserMailbox", false));
}

#[test]
fn a_mail_user_with_an_exchange_guid_stays_one() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    let user = "ada@fabrikam.example";
    bench.done(
        &bench.target,
        "Set-MailUser",
        json!({ "Identity": user, "ExchangeGuid": "11111111-2222-4333-8444-555555555555" }),
    );
    locate(&bench, user);
    license(&bench, user, json!([{ "skuId": E3 }]), json!([]));
    assert_eq!(kind(&bench), "MailUser");
}

#[test]
fn a_plain_user_becomes_a_mailbox_and_loses_it_with_the_licence() {
    let bench = Bench::calm();
    let body = json!({
        "accountEnabled": true, "displayName": "Ada", "mailNickname": "ada", "usageLocation": "DE",
        "userPrincipalName": "ada@fabrikam.example", "passwordProfile": { "password": "x1!Xx" },
    });
    let made = bench.graph(&bench.target, Method::POST, "/v1.0/users", Some(body));
    assert_eq!(made.status, 201);
    let user = made.body["id"].as_str().expect("an id").to_owned();
    let plain = bench.run(&bench.target, "Get-Recipient", json!({ "Identity": user }));
    assert_eq!(plain.status, 404, "a plain user is no recipient");
    license(&bench, &user, json!([{ "skuId": E3 }]), json!([]));
    assert_eq!(kind(&bench), "UserMailbox");
    license(&bench, &user, json!([]), json!([E3]));
    assert_eq!(kind(&bench), "");
    let former = bench.done(&bench.target, "Get-User", json!({ "Identity": user }));
    assert_eq!(former.first()["PreviousRecipientTypeDetails"], "UserMailbox");
    assert_eq!(former.first()["RecipientTypeDetails"], "User");
}

#[test]
fn an_archive_is_enabled_on_its_own() {
    let bench = Bench::calm();
    let identity = json!({ "Identity": "notifications@fabrikam.example", "Archive": true });
    let made = bench.done(&bench.target, "Enable-Mailbox", identity.clone());
    assert_ne!(made.first()["ArchiveGuid"], "00000000-0000-0000-0000-000000000000");
    assert!(bench.run(&bench.target, "Enable-Mailbox", identity).status >= 400);
}
