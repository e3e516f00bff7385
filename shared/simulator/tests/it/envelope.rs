//! Wire shapes of the Exchange admin API.

use http::Method;
use serde_json::{Value, json};
use simulator::{Config, Rules};

use crate::bench::{Bench, OK, anchor, request};

fn url(bench: &Bench, version: &str, endpoint: &str) -> String {
    format!(
        "https://outlook.office365.com/adminapi/{version}/{}/{endpoint}",
        bench.target.tenant_id
    )
}

fn bearer(bench: &Bench) -> Vec<(&'static str, String)> {
    let token = bench.token(&bench.target, "https://outlook.office365.com");
    vec![("authorization", format!("Bearer {token}"))]
}

fn input(cmdlet: &str, parameters: &Value) -> String {
    json!({ "CmdletInput": { "CmdletName": cmdlet, "Parameters": parameters } }).to_string()
}

#[test]
fn values_carry_sidecars_and_the_names_of_their_object() {
    let bench = Bench::calm();
    let answer = bench.done(
        &bench.target,
        "Get-Mailbox",
        json!({ "Identity": "notifications@fabrikam.example" }),
    );
    let value = answer.first();
    assert_eq!(value["Guid@data.type"], "System.Guid");
    assert_eq!(value["WhenChanged@data.type"], "System.DateTime");
    assert_eq!(value["EmailAddresses@odata.type"], "#Collection(String)");
    assert_eq!(value["EmailAddresses"][0], "SMTP:notifications@fabrikam.example");
    for name in [
        "Identity",
        "Id",
        "ExchangeObjectId",
        "ExternalDirectoryObjectId",
        "DistinguishedName",
        "OrganizationId",
        "LegacyExchangeDN",
    ] {
        assert!(value[name].is_string(), "{name}");
    }
    assert_eq!(answer.body["@adminapi.warnings"], json!([]));
}

#[test]
fn invoke_command_is_beta_only() {
    let bench = Bench::calm();
    let body = input("Get-Mailbox", &json!({}));
    let answer = bench.send(&request(
        Method::POST,
        &url(&bench, "v1.0", "InvokeCommand"),
        &bearer(&bench),
        body,
    ));
    assert_eq!(answer.status, 405);
}

#[test]
fn a_set_answers_with_an_empty_value_and_one_of_nothing_with_a_warning() {
    let bench = Bench::calm();
    let hide = json!({ "Identity": "notifications@fabrikam.example", "HiddenFromAddressListsEnabled": true });
    let first = bench.done(&bench.target, "Set-Mailbox", hide.clone());
    assert_eq!(first.body["value"], json!([]));
    assert_eq!(first.body["@adminapi.warnings"], json!([]));
    let second = bench.done(&bench.target, "Set-Mailbox", hide);
    let warning = second.body["@adminapi.warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("no settings") && warning.contains("have been modified"), "{warning}");
    assert!(second.headers.contains_key("x-warnings"));
}

#[test]
fn pages_are_fetched_by_posting_the_same_body_to_the_link() {
    let bench = Bench::with(9, Config::default());
    let mut headers = bearer(&bench);
    headers[0].1 =
        format!("Bearer {}", bench.token(&bench.source, "https://outlook.office365.com"));
    headers.push(("prefer", "odata.maxpagesize=4".to_owned()));
    let mut link = Some(format!(
        "https://outlook.office365.com/adminapi/beta/{}/InvokeCommand?$select=Alias",
        bench.source.tenant_id
    ));
    let (mut aliases, mut pages) = (Vec::new(), 0);
    while let Some(url) = link {
        // ResultSize is the module's business: the service ignores it.
        let body = input("Get-Mailbox", &json!({ "ResultSize": 1 }));
        let answer = bench.send(&request(Method::POST, &url, &headers, body));
        assert_eq!(answer.status, OK);
        let values = answer.body["value"].as_array().expect("values").clone();
        assert!(values.len() <= 4);
        assert!(values.iter().all(|value| value.get("Guid").is_none()), "$select holds");
        aliases.extend(values.iter().map(|value| value["Alias"].to_string()));
        link = answer.body["@odata.nextLink"].as_str().map(str::to_owned);
        pages += 1;
    }
    let count = aliases.len();
    aliases.sort();
    aliases.dedup();
    assert_eq!(aliases.len(), count, "no alias twice");
    assert!(pages >= 3 && count >= 9, "{pages} pages, {count} mailboxes");
}

#[test]
fn a_missing_object_is_a_404_with_id_type_and_text() {
    let bench = Bench::calm();
    let answer = bench.run(&bench.target, "Get-MailContact", json!({ "Identity": "nobody" }));
    assert_eq!((answer.status, answer.code()), (404, "NotFound"));
    let (id, kind, text) = answer.failure();
    assert_eq!(id, "Ex6F9304");
    assert_eq!(kind, "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException");
    assert!(text.contains("object 'nobody' couldn't be found on '"), "{text}");
    assert!(answer.body.pointer("/error/innererror/internalexception/type").is_some());
}

#[test]
fn an_error_id_may_be_empty_and_an_error_may_be_proxied() {
    let rules = Rules { empty_error_id: 1.0, ..Rules::default() };
    let bench = Bench::with(2, Config { rules, ..Config::default() });
    let answer = bench.run(&bench.target, "Get-MailContact", json!({ "Identity": "nobody" }));
    assert_eq!(answer.failure().0, "");
    assert_eq!(answer.exception(), "ManagementObjectNotFoundException");
    bench.simulator.configure(|config| config.rules.proxied_error = 1.0);
    let answer = bench.run(&bench.target, "Get-MailContact", json!({ "Identity": "nobody" }));
    let (_, kind, text) = answer.failure();
    assert!(kind.ends_with("CmdletProxyException"), "{kind}");
    let nested = text.split_once('{').map(|(_, json)| format!("{{{json}")).expect("nested JSON");
    let nested: Value = serde_json::from_str(&nested).expect("JSON");
    let inner = nested.pointer("/error/details/0/message").and_then(Value::as_str);
    assert!(inner.expect("details").contains("ManagementObjectNotFoundException"));
}

#[test]
fn an_unknown_cmdlet_is_a_403_of_nul_bytes_that_call_themselves_gzip() {
    let bench = Bench::calm();
    let answer = bench.run(&bench.target, "Enable-MailUser", json!({ "Identity": "x" }));
    assert_eq!(answer.status, 403);
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert!(!answer.bytes.is_empty() && answer.bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn the_binder_refuses_parameters_and_plain_hashtables() {
    let bench = Bench::calm();
    let unknown = bench.run(
        &bench.target,
        "Set-Mailbox",
        json!({ "Identity": "notifications", "LegacyExchangeDN": "/o=x" }),
    );
    assert_eq!((unknown.status, unknown.exception().as_str()), (400, "ParameterBindingException"));
    assert!(unknown.failure().2.contains("'LegacyExchangeDN'"));
    let table = json!({ "Add": ["smtp:desk@fabrikam.example"] });
    let plain = bench.run(
        &bench.target,
        "Set-Mailbox",
        json!({ "Identity": "notifications", "EmailAddresses": table }),
    );
    assert_eq!(plain.exception(), "ParameterBindingArgumentTransformationException");
    let table =
        json!({ "@odata.type": "#Exchange.GenericHashTable", "add": "smtp:desk@fabrikam.example" });
    bench.done(
        &bench.target,
        "Set-Mailbox",
        json!({ "Identity": "notifications", "EmailAddresses": table }),
    );
    assert!(bench.simulator.recipient(bench.target.tenant_id, "desk@fabrikam.example").is_some());
}

#[test]
fn a_batch_answers_by_id_and_takes_links_of_its_own() {
    let bench = Bench::calm();
    let part = |id: &str, identity: &str| {
        json!({
            "id": id, "method": "POST", "url": url(&bench, "beta", "InvokeCommand"),
            "headers": { "X-AnchorMailbox": anchor(&bench.target) },
            "body": { "CmdletInput": { "CmdletName": "Get-Recipient", "Parameters": { "Identity": identity } } },
        })
    };
    let body =
        json!({ "requests": [part("a", "notifications@fabrikam.example"), part("b", "nobody")] });
    let answer = bench.send(&request(
        Method::POST,
        &url(&bench, "beta", "$batch"),
        &bearer(&bench),
        body.to_string(),
    ));
    assert_eq!(answer.status, OK);
    let of = |id: &str| {
        let responses = answer.body["responses"].as_array().expect("responses");
        responses.iter().find(|response| response["id"] == id).expect("the id").clone()
    };
    assert_eq!(of("a")["status"], 200);
    assert_eq!(of("a")["body"]["value"][0]["Alias"], "notifications");
    assert_eq!(of("b")["status"], 404);
}

#[test]
fn the_capability_probe_lists_cmdlets() {
    let bench = Bench::calm();
    let mut headers = bearer(&bench);
    headers.push(("commandname", "*".to_owned()));
    let url = url(&bench, "v1.0", "EXOModuleFile?Version=3.9.2");
    let answer = bench.send(&request(Method::GET, &url, &headers, ""));
    let cmdlets = answer.first()["exportedCmdlets"].as_str().expect("a list").to_owned();
    assert!(cmdlets.split(',').any(|name| name == "New-MailUser"));
}

#[test]
fn v2_has_six_endpoints_and_set_mailbox_only_for_send_on_behalf() {
    let bench = Bench::calm();
    let post = |endpoint: &str, cmdlet: &str, parameters: Value| {
        let body = input(cmdlet, &parameters);
        bench.send(&request(Method::POST, &url(&bench, "v2.0", endpoint), &bearer(&bench), body))
    };
    let identity = "notifications@fabrikam.example";
    assert_eq!(post("Mailbox", "Get-Mailbox", json!({ "Identity": identity })).status, OK);
    assert_eq!(post("AcceptedDomain", "Get-AcceptedDomain", json!({})).status, OK);
    assert_eq!(post("Mailbox", "Get-MailUser", json!({})).status, 403);
    assert_eq!(post("MailUser", "Get-MailUser", json!({})).status, 404);
    let hidden = json!({ "Identity": identity, "HiddenFromAddressListsEnabled": true });
    assert_eq!(post("Mailbox", "Set-Mailbox", hidden).exception(), "CmdletAccessDeniedException");
}

#[test]
fn roles_are_asked_for_token_and_directory_alike() {
    let bench = Bench::calm();
    let who = &bench.target;
    bench.simulator.set_directory_roles(
        who.tenant_id,
        who.client_id,
        &["Exchange Recipient Administrator"],
    );
    assert_eq!(bench.run(who, "Get-MailUser", json!({})).status, OK);
    let policy = bench.run(who, "New-HostedOutboundSpamFilterPolicy", json!({ "Name": "x" }));
    assert_eq!(policy.status, 403, "organization objects need more");
    bench.simulator.set_directory_roles(who.tenant_id, who.client_id, &[]);
    assert_eq!(bench.run(who, "Get-MailUser", json!({})).status, 403);
    bench.simulator.withdraw_consent(who.tenant_id, who.client_id, "Exchange.ManageAsApp");
    assert_eq!(bench.run(who, "Get-MailUser", json!({})).status, 401);
}
