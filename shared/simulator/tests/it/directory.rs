//! Groups, teams, licences, domains, guests through Graph.

use http::Method;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, OK};

fn values(answer: &Answer) -> Vec<Value> {
    answer.body["value"].as_array().cloned().unwrap_or_default()
}

fn group(bench: &Bench, team: bool) -> Value {
    let groups = values(&bench.get(&bench.source, "/v1.0/groups?$filter=mailEnabled eq true"));
    let fits = |group: &Value| {
        let options = group["resourceProvisioningOptions"].as_array().map(Vec::len);
        group["groupTypes"] == json!(["Unified"]) && (options == Some(1)) == team
    };
    let busy = |group: &Value| {
        let path = format!("/v1.0/groups/{}/members", group["id"].as_str().expect("an id"));
        values(&bench.get(&bench.source, &path)).len() >= 2
    };
    groups.into_iter().find(|group| fits(group) && busy(group)).expect("a group")
}

#[test]
fn members_are_removed_by_reference_and_a_stranger_is_a_404() {
    let bench = Bench::with(40, simulator::Config::default());
    let group = group(&bench, false);
    let path = format!("/v1.0/groups/{}/members", group["id"].as_str().expect("an id"));
    let members = values(&bench.get(&bench.source, &path));
    let one = members[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(members[0]["@odata.type"], "#microsoft.graph.user");
    let remove = format!("{path}/{one}/$ref");
    assert_eq!(bench.graph(&bench.source, Method::DELETE, &remove, None).status, 204);
    let again = bench.graph(&bench.source, Method::DELETE, &remove, None);
    assert_eq!((again.status, again.code()), (404, "Request_ResourceNotFound"));
    let add =
        json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{one}") });
    let add_path = format!("{path}/$ref");
    assert_eq!(bench.graph(&bench.source, Method::POST, &add_path, Some(add.clone())).status, 204);
    assert_eq!(
        bench.graph(&bench.source, Method::POST, &add_path, Some(add)).status,
        400,
        "already a member"
    );
}

#[test]
fn the_last_owner_stays() {
    let bench = Bench::with(40, simulator::Config::default());
    let group = group(&bench, false);
    let path = format!("/v1.0/groups/{}/owners", group["id"].as_str().expect("an id"));
    let owners = values(&bench.get(&bench.source, &path));
    assert_eq!(owners.len(), 2);
    let remove = |owner: &Value| {
        let path = format!("{path}/{}/$ref", owner["id"].as_str().expect("an id"));
        bench.graph(&bench.source, Method::DELETE, &path, None).status
    };
    assert_eq!((remove(&owners[0]), remove(&owners[1])), (204, 400));
}

#[test]
fn a_teams_membership_has_an_id_of_its_own() {
    let bench = Bench::with(40, simulator::Config::default());
    let team = group(&bench, true);
    let path = format!("/v1.0/teams/{}/members", team["id"].as_str().expect("an id"));
    let members = values(&bench.get(&bench.source, &path));
    let member = members.iter().find(|member| member["roles"] == json!([])).expect("a member");
    assert_ne!(member["id"], member["userId"]);
    let wrong = format!("{path}/{}", member["userId"].as_str().expect("an id"));
    assert_eq!(bench.graph(&bench.source, Method::DELETE, &wrong, None).status, 404);
    let right = format!("{path}/{}", member["id"].as_str().expect("an id").replace('=', "%3D"));
    assert_eq!(bench.graph(&bench.source, Method::DELETE, &right, None).status, 204);
}

#[test]
fn distribution_lists_are_not_written_through_graph() {
    let bench = Bench::calm();
    let lists =
        values(&bench.get(&bench.source, "/v1.0/groups?$filter=displayName eq 'Everybody'"));
    let path = format!("/v1.0/groups/{}/members", lists[0]["id"].as_str().expect("an id"));
    let member =
        values(&bench.get(&bench.source, &path))[0]["id"].as_str().expect("an id").to_owned();
    let answer = bench.graph(&bench.source, Method::DELETE, &format!("{path}/{member}/$ref"), None);
    assert_eq!(answer.status, 400);
}

#[test]
fn seats_are_counted() {
    let bench = Bench::calm();
    let skus = values(&bench.get(&bench.source, "/v1.0/subscribedSkus"));
    let sku = &skus[0];
    assert_eq!((&sku["skuPartNumber"], &sku["consumedUnits"]), (&json!("SPE_E3"), &json!(8)));
    assert_eq!(sku["prepaidUnits"]["enabled"], 26);
    let plans: Vec<&Value> = sku["servicePlans"]
        .as_array()
        .expect("plans")
        .iter()
        .map(|plan| &plan["servicePlanName"])
        .collect();
    assert!(plans.contains(&&json!("EXCHANGE_S_ENTERPRISE")));
}

#[test]
fn domains_and_organization_say_which_tenant_it_is() {
    let bench = Bench::calm();
    let domains = values(&bench.get(&bench.source, "/v1.0/domains"));
    let initial = domains.iter().find(|domain| domain["isInitial"] == json!(true)).expect("one");
    assert_eq!(initial["id"], "contoso.onmicrosoft.com");
    let organization = values(&bench.get(&bench.source, "/v1.0/organization"));
    assert_eq!(organization[0]["id"], bench.source.tenant_id.to_string());
}

#[test]
fn an_invitation_makes_a_guest_and_mails_only_on_demand() {
    let bench = Bench::calm();
    let invite = |send: bool| {
        let body = json!({
            "invitedUserEmailAddress": "eve@contoso.example", "invitedUserDisplayName": "Eve",
            "inviteRedirectUrl": "https://myapps.microsoft.com", "sendInvitationMessage": send,
        });
        bench.graph(&bench.target, Method::POST, "/v1.0/invitations", Some(body))
    };
    let made = invite(false);
    assert_eq!((made.status, &made.body["status"]), (201, &json!("PendingAcceptance")));
    assert_eq!(bench.simulator.invitations("eve@contoso.example"), 0);
    let id = made.body["invitedUser"]["id"].as_str().expect("an id").to_owned();
    let guest = bench.get(
        &bench.target,
        &format!("/v1.0/users/{id}?$select=userType,userPrincipalName,externalUserState"),
    );
    assert_eq!(
        (&guest.body["userType"], &guest.body["externalUserState"]),
        (&json!("Guest"), &json!("PendingAcceptance"))
    );
    assert_eq!(
        guest.body["userPrincipalName"],
        "eve_contoso.example#EXT#@fabrikam.onmicrosoft.com"
    );
    let again = invite(true);
    assert_eq!(again.body["invitedUser"]["id"], id.as_str(), "the same account");
    assert_eq!(bench.simulator.invitations("eve@contoso.example"), 1);
    // A guest carries the address as a proxy: a contact for it collides.
    let contact = json!({ "Name": "c", "ExternalEmailAddress": "eve@contoso.example" });
    assert_eq!(
        bench.run(&bench.target, "New-MailContact", contact).exception(),
        "ProxyAddressExistsException"
    );
}

#[test]
fn organizational_contacts_are_read_only_in_graph() {
    let bench = Bench::calm();
    let made = bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "c@x.example" }),
    );
    let contacts = values(&bench.get(&bench.target, "/v1.0/contacts"));
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["id"], made.first()["ExternalDirectoryObjectId"]);
    assert_eq!(
        bench.graph(&bench.target, Method::POST, "/v1.0/contacts", Some(json!({}))).status,
        405
    );
}

#[test]
fn a_manager_is_a_reference_of_its_own() {
    let bench = Bench::calm();
    let users = values(
        &bench.get(&bench.source, "/v1.0/users?$filter=startsWith(userPrincipalName,'andreas')"),
    );
    let ids: Vec<&str> = users.iter().map(|user| user["id"].as_str().expect("an id")).collect();
    let path = format!("/v1.0/users/{}/manager/$ref", ids[0]);
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", ids[1]) });
    assert_eq!(bench.graph(&bench.source, Method::PUT, &path, Some(body)).status, 204);
    let manager = bench.get(&bench.source, &format!("/v1.0/users/{}/manager?$select=id", ids[0]));
    assert_eq!((manager.status, &manager.body["id"]), (OK, &json!(ids[1])));
    assert_eq!(bench.graph(&bench.source, Method::DELETE, &path, None).status, 204);
    assert_eq!(bench.get(&bench.source, &format!("/v1.0/users/{}/manager", ids[0])).status, 404);
}
