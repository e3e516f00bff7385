//! Rights on mailboxes and folders.

use serde_json::{Value, json};
use simulator::RecipientView;

use crate::bench::Bench;

fn people(bench: &Bench) -> Vec<RecipientView> {
    let all = bench.simulator.recipients(bench.source.tenant_id);
    let mut people: Vec<_> = all.into_iter().filter(|view| view.kind == "UserMailbox").collect();
    people.sort_by(|a, b| a.alias.cmp(&b.alias));
    people
}

fn calendar(owner: &RecipientView) -> String {
    format!("{}:\\Calendar", owner.addresses[0].trim_start_matches("SMTP:"))
}

/// A person without a delegate, and another one.
fn pair(bench: &Bench) -> (RecipientView, RecipientView) {
    let people = people(bench);
    let owner = people.iter().find(|person| {
        let rows = bench.done(
            &bench.source,
            "Get-MailboxFolderPermission",
            json!({ "Identity": calendar(person) }),
        );
        rows.body["value"].as_array().map(Vec::len) == Some(2)
    });
    let owner = owner.expect("somebody without a delegate").clone();
    let other = people.into_iter().find(|person| person.guid != owner.guid).expect("another");
    (owner, other)
}

#[test]
fn default_and_anonymous_are_always_there() {
    let bench = Bench::calm();
    let (owner, _) = pair(&bench);
    let rows = bench.done(
        &bench.source,
        "Get-MailboxFolderPermission",
        json!({ "Identity": calendar(&owner) }),
    );
    let shown: Vec<Value> = rows.body["value"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| json!([row["User"], row["AccessRights"]]))
        .collect();
    assert_eq!(shown, [json!(["Default", ["AvailabilityOnly"]]), json!(["Anonymous", ["None"]])]);
    let add = json!({ "Identity": calendar(&owner), "User": "Default", "AccessRights": "LimitedDetails" });
    assert_eq!(
        bench.run(&bench.source, "Add-MailboxFolderPermission", add.clone()).exception(),
        "UserAlreadyExistsInPermissionEntryException"
    );
    bench.done(&bench.source, "Set-MailboxFolderPermission", add);
}

#[test]
fn the_user_of_a_folder_right_comes_back_as_a_display_name() {
    let bench = Bench::calm();
    let (owner, other) = pair(&bench);
    let add = json!({ "Identity": calendar(&owner), "User": other.user_principal_name, "AccessRights": ["Editor"], "SharingPermissionFlags": "Delegate,CanViewPrivateItems" });
    let added = bench.done(&bench.source, "Add-MailboxFolderPermission", add.clone());
    assert_eq!(added.first()["User"], other.display_name);
    assert_eq!(added.first()["SharingPermissionFlags"], "Delegate,CanViewPrivateItems");
    let twice = bench.run(&bench.source, "Add-MailboxFolderPermission", add);
    assert_eq!(
        (twice.status, twice.exception().as_str()),
        (400, "UserAlreadyExistsInPermissionEntryException")
    );
    assert_eq!(twice.failure().0, "", "this one has an empty id");
    // Asking for a notification without the flags resets them.
    let set = json!({ "Identity": calendar(&owner), "User": other.guid, "AccessRights": ["Editor"], "SendNotificationToUser": false });
    bench.done(&bench.source, "Set-MailboxFolderPermission", set);
    let one = json!({ "Identity": calendar(&owner), "User": other.guid });
    let row = bench.done(&bench.source, "Get-MailboxFolderPermission", one.clone());
    assert_eq!(row.first()["SharingPermissionFlags"], Value::Null);
    bench.done(&bench.source, "Remove-MailboxFolderPermission", one.clone());
    assert_eq!(
        bench.run(&bench.source, "Remove-MailboxFolderPermission", one).exception(),
        "UserNotFoundInPermissionEntryException"
    );
}

#[test]
fn folders_are_found_by_path_and_by_id_whatever_their_language() {
    let bench = Bench::calm();
    let (owner, _) = pair(&bench);
    let language =
        json!({ "Identity": owner.guid, "Language": "de-DE", "LocalizeDefaultFolderName": true });
    bench.done(&bench.source, "Set-MailboxRegionalConfiguration", language);
    assert_eq!(
        bench
            .run(
                &bench.source,
                "Get-MailboxFolderPermission",
                json!({ "Identity": calendar(&owner) })
            )
            .status,
        404
    );
    let folders =
        bench.done(&bench.source, "Get-MailboxFolderStatistics", json!({ "Identity": owner.guid }));
    let folder = folders.body["value"]
        .as_array()
        .expect("folders")
        .iter()
        .find(|folder| folder["FolderType"] == "Calendar")
        .expect("a calendar")
        .clone();
    assert_eq!(folder["FolderPath"], "/Kalender");
    let by_id = format!("{}:{}", owner.alias, folder["FolderId"].as_str().expect("an id"));
    let rows =
        bench.done(&bench.source, "Get-MailboxFolderPermission", json!({ "Identity": by_id }));
    assert_eq!(rows.first()["FolderName"], "Kalender");
}

#[test]
fn a_contact_cannot_hold_rights() {
    let bench = Bench::calm();
    let (owner, _) = pair(&bench);
    bench.done(
        &bench.source,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "c@x.example" }),
    );
    let add =
        json!({ "Identity": calendar(&owner), "User": "c@x.example", "AccessRights": "Reviewer" });
    assert_eq!(
        bench.run(&bench.source, "Add-MailboxFolderPermission", add).exception(),
        "UserIsNotSecurityPrincipalException"
    );
    let add =
        json!({ "Identity": owner.guid, "User": "c@x.example", "AccessRights": "FullAccess" });
    assert!(bench.run(&bench.source, "Add-MailboxPermission", add).status >= 400);
}

#[test]
fn full_access_is_added_shown_and_removed() {
    let bench = Bench::calm();
    let (owner, other) = pair(&bench);
    let right = json!({ "Identity": owner.guid, "User": other.guid, "AccessRights": "FullAccess", "InheritanceType": "All", "AutoMapping": false });
    bench.done(&bench.source, "Add-MailboxPermission", right.clone());
    let again = bench.done(&bench.source, "Add-MailboxPermission", right);
    assert!(
        again.body["@adminapi.warnings"][0]
            .as_str()
            .expect("a warning")
            .contains("already present")
    );
    let rows =
        bench.done(&bench.source, "Get-MailboxPermission", json!({ "Identity": owner.guid }));
    let rows = rows.body["value"].as_array().expect("rows").clone();
    let own = rows.iter().find(|row| row["User"] == "NT AUTHORITY\\SELF");
    assert!(own.is_some());
    let row = rows.iter().find(|row| row["User"] == other.user_principal_name).expect("the right");
    assert_eq!(
        (&row["IsInherited"], &row["Deny"], &row["AccessRights"]),
        (&json!(false), &json!(false), &json!(["FullAccess"]))
    );
    let gone = json!({ "Identity": owner.guid, "User": other.guid, "AccessRights": "FullAccess", "Confirm": false });
    bench.done(&bench.source, "Remove-MailboxPermission", gone.clone());
    let nothing = bench.done(&bench.source, "Remove-MailboxPermission", gone);
    assert_eq!(
        nothing.body["@adminapi.warnings"].as_array().map(Vec::len),
        Some(1),
        "absent is a warning"
    );
}

#[test]
fn send_as_shows_its_trustee_by_name_or_on_demand_by_address() {
    let bench = Bench::calm();
    let (owner, other) = pair(&bench);
    let right = json!({ "Identity": owner.guid, "Trustee": other.guid, "AccessRights": "SendAs", "Confirm": false });
    bench.done(&bench.source, "Add-RecipientPermission", right.clone());
    let find = |extra: Value| {
        let mut parameters = json!({ "Identity": owner.guid, "Trustee": other.guid });
        parameters
            .as_object_mut()
            .expect("an object")
            .extend(extra.as_object().expect("an object").clone());
        bench.done(&bench.source, "Get-RecipientPermission", parameters).first()["Trustee"].clone()
    };
    assert_eq!(find(json!({})), other.name);
    assert_eq!(
        find(json!({ "IncludeTrusteeWithPrimarySmtpAddress": true })),
        other.addresses[0].trim_start_matches("SMTP:")
    );
    bench.done(&bench.source, "Remove-RecipientPermission", right);
}

#[test]
fn send_on_behalf_is_a_list_on_the_mailbox() {
    let bench = Bench::calm();
    let (owner, other) = pair(&bench);
    let add = json!({ "Identity": owner.guid, "GrantSendOnBehalfTo": { "@odata.type": "#Exchange.GenericHashTable", "Add": [other.guid] } });
    bench.done(&bench.source, "Set-Mailbox", add);
    let shown = bench.done(&bench.source, "Get-Mailbox", json!({ "Identity": owner.guid }));
    assert!(
        shown.first()["GrantSendOnBehalfTo"]
            .as_array()
            .expect("names")
            .contains(&json!(other.name))
    );
}

#[test]
fn members_of_lists_come_and_go_once() {
    let bench = Bench::calm();
    let (owner, _) = pair(&bench);
    let row = json!({ "Identity": "everybody", "Member": owner.guid, "BypassSecurityGroupManagerCheck": true, "Confirm": false });
    assert_eq!(
        bench.run(&bench.source, "Add-DistributionGroupMember", row.clone()).exception(),
        "MemberAlreadyExistsException"
    );
    bench.done(&bench.source, "Remove-DistributionGroupMember", row.clone());
    assert_eq!(
        bench.run(&bench.source, "Remove-DistributionGroupMember", row).exception(),
        "MemberNotFoundException"
    );
    let members = bench.done(
        &bench.source,
        "Get-DistributionGroupMember",
        json!({ "Identity": "everybody" }),
    );
    let guids: Vec<&Value> =
        members.body["value"].as_array().expect("members").iter().map(|m| &m["Guid"]).collect();
    assert!(!guids.contains(&&json!(owner.guid)));
}
