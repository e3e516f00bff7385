//! Exchange: exact requests of each cmdlet, paging by posting again, batches.

use ports::TransportErrorKind;
use serde_json::{Value, json};
use tenant::{
    Class, SecretText,
    exchange::{
        Anchor, AutoMapping, Copies, FolderGrant, ForwardTo, NewMailContact, NewMailUser,
        Parameters, ProxyAddress, RecipientTypeDetails, RegionalConfiguration,
    },
};

use super::support::{Answer, TENANT, World, body, cmdlet, header, line, world};

fn values(all: &[Value]) -> Answer {
    Answer::json(200, &json!({ "@odata.context": "c", "@adminapi.warnings": [], "value": all }))
}

fn done() -> Answer {
    values(&[])
}

fn failure(kind: &str, text: &str) -> Answer {
    let message = format!("|x.{kind}|{text}");
    Answer::json(
        400,
        &json!({ "error": { "code": "BadRequest", "message": "Error executing cmdlet",
        "details": [{ "code": "Client", "target": "", "message": message }] } }),
    )
}

fn address(text: &str) -> ProxyAddress {
    ProxyAddress::parse(text).unwrap()
}

/// The name and parameters of the only cmdlet that was run.
fn only(world: &World) -> (String, Value) {
    cmdlet(&world.only_request())
}

#[tokio::test]
async fn a_cmdlet_is_posted_with_a_constant_anchor_and_an_open_eye_for_pages() {
    let world = world([done()]);
    let parameters = Parameters::identity("a@b.c").switch("Force").clear("Notes");
    let exchange = world.client.exchange();
    exchange.invoke("Get-Mailbox", parameters, &Anchor::Tenant).await.unwrap();
    let request = world.only_request();
    assert_eq!(line(&request), format!("POST /outlook/adminapi/beta/{TENANT}/InvokeCommand"));
    let anchor = format!("APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}");
    assert_eq!(header(&request, "x-anchormailbox"), anchor);
    assert_eq!(header(&request, "prefer"), "odata.maxpagesize=1000");
    assert_eq!(header(&request, "accept-encoding"), "identity");
    assert_eq!(header(&request, "content-type"), "application/json");
    assert_eq!(header(&request, "connection-id").len(), 36);
    let parameters = json!({ "Identity": "a@b.c", "Force": true, "Notes": null });
    let expected =
        json!({ "CmdletInput": { "CmdletName": "Get-Mailbox", "Parameters": parameters } });
    assert_eq!(body(&request), expected);
}

#[tokio::test]
async fn further_pages_are_the_same_body_posted_to_the_next_link() {
    let link =
        format!("http://127.0.0.1:8080/outlook/adminapi/beta/{TENANT}/InvokeCommand?$skip=2");
    let first = json!({ "value": [{ "Name": "a" }], "@odata.nextLink": link,
        "@adminapi.warnings": ["careful"] });
    let world = world([Answer::json(200, &first), values(&[json!({ "Name": "b" })])]);
    let exchange = world.client.exchange();
    let reply = exchange.invoke("Get-Recipient", Parameters::new(), &Anchor::Tenant).await.unwrap();
    assert_eq!((reply.values.len(), reply.warnings), (2, vec!["careful".to_owned()]));
    assert_eq!(world.request(1).url.as_str(), link);
    assert_eq!(world.request(0).body, world.request(1).body);
    assert_eq!(
        header(&world.request(0), "x-anchormailbox"),
        header(&world.request(1), "x-anchormailbox")
    );
}

#[tokio::test]
async fn a_next_link_that_leads_away_or_in_a_circle_is_refused() {
    let own = format!("http://127.0.0.1:8080/outlook/adminapi/beta/{TENANT}/InvokeCommand");
    for link in [own.as_str(), "https://evil.example/adminapi", "http://127.0.0.1:8080/graph/x"] {
        let page = json!({ "value": [], "@odata.nextLink": link });
        let world = world([Answer::json(200, &page)]);
        let error = world.client.exchange().accepted_domains().await.unwrap_err();
        assert_eq!((error.class, world.requests()), (Class::Unexpected, 1), "{link}");
    }
}

#[tokio::test]
async fn a_write_that_changed_nothing_is_told_by_its_warning() {
    let text = "The command completed successfully but no settings of 'x' have been modified.";
    let world = world([Answer::json(200, &json!({ "value": [], "@adminapi.warnings": [text] }))]);
    let exchange = world.client.exchange();
    let reply = exchange.invoke("Set-Mailbox", Parameters::identity("x"), &Anchor::Tenant).await;
    assert!(reply.unwrap().nothing_modified());
}

#[tokio::test]
async fn a_write_without_content_succeeds() {
    let world = world([Answer::empty(204), Answer::empty(200)]);
    let exchange = world.client.exchange();
    exchange.set_mailbox_hidden("x", true).await.unwrap();
    exchange.set_mailbox_hidden("x", false).await.unwrap();
}

/// ERR-4: nothing is written twice for want of a reply.
#[tokio::test]
async fn a_write_whose_reply_was_lost_is_not_repeated_and_a_read_is() {
    for answer in [
        Answer::Fail(TransportErrorKind::Broken),
        Answer::Breaks(http::StatusCode::OK),
        Answer::text(500, ""),
        Answer::text(200, "garbled"),
    ] {
        let world = world([answer]);
        let contact = NewMailContact::default();
        let error = world.client.exchange().new_mail_contact(&contact).await.unwrap_err();
        assert_eq!((error.class, world.requests()), (Class::UnknownOutcome, 1));
    }
    let world = world([Answer::Fail(TransportErrorKind::Broken), done()]);
    world.client.exchange().get_mailbox("x").await.unwrap();
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn a_recipient_is_read_by_name_and_its_sidecars_are_ignored() {
    let object = json!({
        "Guid@data.type": "System.Guid",
        "Guid": "6fd2c87f-b296-42f0-b197-1e91e994b900",
        "ExternalDirectoryObjectId": "7fd2c87f-b296-42f0-b197-1e91e994b900",
        "RecipientTypeDetails": "UserMailbox",
        "Name": "ann", "Alias": "ann", "DisplayName": "Ann Ä",
        "PrimarySmtpAddress": "ann@b.c",
        "EmailAddresses@odata.type": "#Collection(String)",
        "EmailAddresses": ["SMTP:ann@b.c", "smtp:ann@t.onmicrosoft.com", "X500:/o=E/cn=ann", "??"],
        "LegacyExchangeDN": "/o=ExchangeLabs/cn=1-ann",
        "HiddenFromAddressListsEnabled": true,
        "CustomAttribute1": "", "CustomAttribute15": "mark",
        "IsDirSynced": true, "IsExchangeCloudManaged": true,
        "ForwardingSmtpAddress": "smtp:ann@s.onmicrosoft.com",
        "DeliverToMailboxAndForward": false,
        "ExchangeGuid": "8fd2c87f-b296-42f0-b197-1e91e994b900",
        "ArchiveGuid": "00000000-0000-0000-0000-000000000000",
        "LitigationHoldEnabled": false,
        "InPlaceHolds": ["mbxcdb"],
        "GrantSendOnBehalfTo": "Bob",
    });
    let world = world([values(&[object])]);
    let ann = world.client.exchange().get_mailbox("ann@b.c").await.unwrap().unwrap();
    assert_eq!(ann.identity(), "6fd2c87f-b296-42f0-b197-1e91e994b900");
    assert_eq!(ann.recipient_type_details, RecipientTypeDetails::UserMailbox);
    assert_eq!(ann.email_addresses.len(), 3, "what is no address is left out");
    assert!(ann.has_address(&address("smtp:ANN@b.c")));
    assert!(ann.exchange_guid.is_some() && ann.archive_guid.is_none());
    assert!(ann.is_dir_synced && !ann.is_mastered_on_premises());
    assert!(ann.is_forwarding() && ann.is_on_hold() && ann.hidden_from_address_lists_enabled);
    assert_eq!(ann.custom_attributes.into_iter().collect::<Vec<_>>(), [(15, "mark".to_owned())]);
    assert_eq!(ann.grant_send_on_behalf_to, ["Bob"]);
}

#[tokio::test]
async fn an_absent_object_is_none() {
    let world = world([failure("ManagementObjectNotFoundException", "couldn't be found on 'DC'")]);
    assert_eq!(world.client.exchange().get_mail_contact("x").await.unwrap(), None);
}

/// PRE-5: a soft-deleted object holds its addresses, too.
#[tokio::test]
async fn holders_of_an_address_are_looked_for_among_the_deleted_too() {
    let world = world([done()]);
    let wanted = address("smtp:o'neil@b.c");
    world.client.exchange().recipients_with_address(&wanted).await.unwrap();
    let expected = json!({ "Filter": "EmailAddresses -eq 'smtp:o''neil@b.c'",
        "IncludeSoftDeletedRecipients": true });
    assert_eq!(only(&world), ("Get-Recipient".to_owned(), expected));
}

#[tokio::test]
async fn a_mail_user_is_made_with_its_account() {
    let made = json!({ "Guid": "6fd2c87f-b296-42f0-b197-1e91e994b900", "Name": "ann" });
    let world = world([values(&[made])]);
    let user = NewMailUser {
        name: "ann".into(),
        microsoft_online_services_id: "ann@t.com".into(),
        external_email_address: "ann@s.onmicrosoft.com".into(),
        password: SecretText::new("first-pass"),
        alias: None,
        display_name: Some("Ann".into()),
        first_name: None,
        last_name: None,
    };
    let made = world.client.exchange().new_mail_user(&user).await.unwrap();
    assert!(made.guid.is_some());
    let expected = json!({ "Name": "ann", "MicrosoftOnlineServicesID": "ann@t.com",
        "ExternalEmailAddress": "ann@s.onmicrosoft.com", "Password": "first-pass",
        "DisplayName": "Ann" });
    assert_eq!(only(&world), ("New-MailUser".to_owned(), expected));
}

#[tokio::test]
async fn all_addresses_of_a_mail_user_are_replaced_by_a_list() {
    let world = world([done()]);
    let all = [address("SMTP:a@t.com"), address("smtp:a@t.onmicrosoft.com")];
    world.client.exchange().replace_mail_user_addresses("x", &all).await.unwrap();
    let list = json!(["SMTP:a@t.com", "smtp:a@t.onmicrosoft.com"]);
    let expected = json!({ "Identity": "x", "EmailAddresses": list });
    assert_eq!(only(&world), ("Set-MailUser".to_owned(), expected));
}

/// CUT-T7, CUT-T8
#[tokio::test]
async fn addresses_are_added_and_removed_by_a_typed_hashtable() {
    let world = world([done()]);
    let x500 = ProxyAddress::x500("/o=ExchangeLabs/ou=Group (FYDI)/cn=1-ann").unwrap();
    world.client.exchange().change_mailbox_addresses("x", &[x500], &[]).await.unwrap();
    let table = json!({ "@odata.type": "#Exchange.GenericHashTable",
        "Add": ["X500:/o=ExchangeLabs/ou=Group (FYDI)/cn=1-ann"] });
    let expected = json!({ "Identity": "x", "EmailAddresses": table });
    assert_eq!(only(&world), ("Set-Mailbox".to_owned(), expected));
}

/// SYN-I3, CUT-S4, CUT-T4
#[tokio::test]
async fn forwarding_is_set_one_way_and_cleared_both_ways() {
    let world = world([done(), done(), done()]);
    let exchange = world.client.exchange();
    let to = ForwardTo::Address("a@s.com".into());
    exchange.set_forwarding("x", &to, Copies::Drop).await.unwrap();
    let to = ForwardTo::Recipient("guid".into());
    exchange.set_forwarding("x", &to, Copies::Keep).await.unwrap();
    exchange.clear_forwarding("x").await.unwrap();
    let sent: Vec<_> = (0..3).map(|index| cmdlet(&world.request(index)).1).collect();
    let expected = [
        json!({ "Identity": "x", "ForwardingAddress": null,
            "ForwardingSmtpAddress": "smtp:a@s.com", "DeliverToMailboxAndForward": false }),
        json!({ "Identity": "x", "ForwardingAddress": "guid",
            "ForwardingSmtpAddress": null, "DeliverToMailboxAndForward": true }),
        json!({ "Identity": "x", "ForwardingAddress": null,
            "ForwardingSmtpAddress": null, "DeliverToMailboxAndForward": false }),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_contact_is_made_hidden_and_removed() {
    let made = json!({ "Guid": "6fd2c87f-b296-42f0-b197-1e91e994b900" });
    let gone = failure("ManagementObjectNotFoundException", "couldn't be found on 'DC'");
    let world = world([values(&[made]), done(), done(), done(), gone]);
    let exchange = world.client.exchange();
    let contact = NewMailContact {
        name: "ann@s.com".into(),
        external_email_address: "ann@s.com".into(),
        display_name: Some("Ann".into()),
        ..NewMailContact::default()
    };
    exchange.new_mail_contact(&contact).await.unwrap();
    exchange.set_contact("c", Parameters::new().set("Company", "B")).await.unwrap();
    exchange.set_mail_contact_hidden("c", true).await.unwrap();
    exchange.remove_mail_contact("c").await.unwrap();
    exchange.remove_mail_contact("c").await.unwrap();
    let sent: Vec<_> = (0..4).map(|index| cmdlet(&world.request(index))).collect();
    let expected = [
        (
            "New-MailContact".to_owned(),
            json!({ "Name": "ann@s.com",
            "ExternalEmailAddress": "ann@s.com", "DisplayName": "Ann" }),
        ),
        ("Set-Contact".to_owned(), json!({ "Company": "B", "Identity": "c" })),
        (
            "Set-MailContact".to_owned(),
            json!({ "HiddenFromAddressListsEnabled": true, "Identity": "c" }),
        ),
        ("Remove-MailContact".to_owned(), json!({ "Identity": "c", "Confirm": false })),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn rights_on_mailboxes_are_read_granted_and_taken() {
    let rows = [
        json!({ "User": "NT AUTHORITY\\SELF", "AccessRights": ["FullAccess, ReadPermission"],
            "IsInherited": false, "Deny": false }),
        json!({ "User": "S-1-5-21-1", "AccessRights": ["FullAccess"], "IsInherited": false }),
        json!({ "User": "bob@b.c", "AccessRights": ["FullAccess"], "IsInherited": "False" }),
    ];
    let nobody = failure("UserNotFoundInPermissionEntryException", "There is no entry");
    let world = world([values(&rows), done(), nobody, done()]);
    let exchange = world.client.exchange();
    let rows = exchange.mailbox_permissions("x").await.unwrap();
    assert_eq!(rows[0].access_rights, ["FullAccess", "ReadPermission"]);
    let copyable: Vec<_> = rows.iter().filter(|row| row.is_copyable()).collect();
    assert_eq!((copyable.len(), copyable[0].user.as_str()), (1, "bob@b.c"));
    exchange.add_full_access("x", "bob", AutoMapping::Off).await.unwrap();
    exchange.remove_full_access("x", "bob").await.unwrap();
    exchange.add_send_as("x", "bob").await.unwrap();
    let added = json!({ "Identity": "x", "User": "bob", "AccessRights": ["FullAccess"],
        "InheritanceType": "All", "AutoMapping": false });
    assert_eq!(cmdlet(&world.request(1)).1, added);
    assert_eq!(cmdlet(&world.request(2)).1["Confirm"], json!(false));
    let sent = cmdlet(&world.request(3));
    assert_eq!((sent.0.as_str(), &sent.1["Trustee"]), ("Add-RecipientPermission", &json!("bob")));
}

/// SYN-2: what a read names by display name, the attempt tells for sure.
#[tokio::test]
async fn a_folder_right_that_exists_is_changed_and_nobody_is_notified() {
    let exists = failure("UserAlreadyExistsInPermissionEntryException", "An existing entry");
    let world = world([exists, done()]);
    let grant = FolderGrant {
        user: "bob@b.c".into(),
        access_rights: vec!["Editor".into()],
        sharing_permission_flags: vec!["Delegate".into(), "CanViewPrivateItems".into()],
    };
    let exchange = world.client.exchange();
    exchange.put_folder_permission("ann@b.c", "\\Calendar", &grant).await.unwrap();
    let expected = json!({ "Identity": "ann@b.c:\\Calendar", "User": "bob@b.c",
        "AccessRights": ["Editor"], "SharingPermissionFlags": "Delegate,CanViewPrivateItems" });
    let (first, second) = (world.request(0), world.request(1));
    assert_eq!(cmdlet(&first), ("Add-MailboxFolderPermission".to_owned(), expected.clone()));
    assert_eq!(cmdlet(&second), ("Set-MailboxFolderPermission".to_owned(), expected));
    assert_eq!(header(&first, "x-anchormailbox"), "UPN:ann@b.c");
}

#[tokio::test]
async fn folders_and_their_rights_are_read() {
    let folder = json!({ "FolderId": "LgA=", "FolderPath": "/Posteingang", "Name": "Posteingang",
        "FolderType": "Inbox", "ItemsInFolder": 12, "FolderSize": "1.5 KB (1,536 bytes)" });
    let rights = [
        json!({ "User": "Default", "AccessRights": ["None"] }),
        json!({ "User": { "DisplayName": "Bob B" }, "AccessRights": "Editor",
            "SharingPermissionFlags": "None" }),
        json!({ "User": "NT:S-1-5-21-9", "AccessRights": ["Owner"] }),
    ];
    let world = world([values(&[folder]), values(&rights)]);
    let exchange = world.client.exchange();
    let folders = exchange.folder_statistics("x").await.unwrap();
    assert_eq!(folders[0].folder_size_bytes, Some(1_536));
    assert_eq!((folders[0].items_in_folder, folders[0].folder_type.as_str()), (Some(12), "Inbox"));
    let rows = exchange.folder_permissions("x", "LgA=").await.unwrap();
    assert!(rows[0].is_well_known() && rows[2].is_orphan());
    assert_eq!(
        (rows[1].user.as_str(), rows[1].access_rights.as_slice()),
        ("Bob B", &["Editor".to_owned()][..])
    );
    assert!(rows[1].sharing_permission_flags.is_empty());
}

#[tokio::test]
async fn settings_of_a_mailbox_are_read_and_set_at_the_mailbox() {
    let region = json!({ "Language": "de-DE", "TimeZone": "W. Europe Standard Time",
        "DefaultFolderNameMatchingUserLanguage": true });
    let world = world([values(&[region]), done()]);
    let exchange = world.client.exchange();
    let region = exchange.regional_configuration("ann@b.c").await.unwrap();
    assert!(region.default_folder_name_matching_user_language);
    let wanted = RegionalConfiguration { date_format: None, ..region };
    exchange.set_regional_configuration("ann@b.c", &wanted, true).await.unwrap();
    let expected = json!({ "Identity": "ann@b.c", "Language": "de-DE",
        "TimeZone": "W. Europe Standard Time", "LocalizeDefaultFolderName": true });
    assert_eq!(cmdlet(&world.request(1)).1, expected);
    assert_eq!(header(&world.request(1), "x-anchormailbox"), "UPN:ann@b.c");
}

/// CUT-S8: absent is success.
#[tokio::test]
async fn a_member_of_a_distribution_list_is_taken_out_without_questions() {
    let gone = failure("MemberNotFoundException", "The recipient isn't a member of the group");
    let world = world([gone]);
    world.client.exchange().remove_distribution_group_member("g", "m").await.unwrap();
    let expected = json!({ "Identity": "g", "Member": "m",
        "BypassSecurityGroupManagerCheck": true, "Confirm": false });
    assert_eq!(only(&world), ("Remove-DistributionGroupMember".to_owned(), expected));
}

/// CUT-S8: a person who was not found still has the right; that is no success.
#[tokio::test]
async fn a_right_is_not_taken_for_removed_because_somebody_was_not_found() {
    let missing = || failure("ManagementObjectNotFoundException", "couldn't be found on 'DC'");
    let world = world([missing(), missing(), missing()]);
    let exchange = world.client.exchange();
    assert_eq!(exchange.remove_full_access("x", "b").await.unwrap_err().class, Class::NotFound);
    assert_eq!(exchange.remove_send_as("x", "b").await.unwrap_err().class, Class::NotFound);
    let removed = exchange.remove_folder_permission("x", "LgA=", "b").await;
    assert_eq!(removed.unwrap_err().class, Class::NotFound);
}

#[tokio::test]
async fn a_second_archive_is_no_error() {
    let world =
        world([failure("RecipientTaskException", "The mailbox \"x\" already has an archive.")]);
    world.client.exchange().enable_archive("x").await.unwrap();
    let expected = json!({ "Identity": "x", "Archive": true });
    assert_eq!(only(&world), ("Enable-Mailbox".to_owned(), expected));
}

#[tokio::test]
async fn the_tenants_policies_are_read() {
    let policy = json!({ "Name": "Default", "IsDefault": true, "AutoForwardingMode": "Automatic" });
    let domain = json!({ "DomainName": "B.com", "DomainType": "Authoritative", "Default": true,
        "InitialDomain": false });
    let world = world([values(&[policy]), values(&[domain])]);
    let exchange = world.client.exchange();
    let policies = exchange.outbound_spam_policies().await.unwrap();
    assert!(!policies[0].allows_forwarding(), "Automatic equals Off");
    assert_eq!(exchange.accepted_domains().await.unwrap()[0].domain_name, "b.com");
}

#[tokio::test]
async fn the_probe_says_which_cmdlets_the_roles_contain() {
    let module = json!({ "exportedCmdlets": "Get-Mailbox, Set-Mailbox,New-MailUser" });
    let world = world([values(&[module])]);
    let capabilities = world.client.exchange().capabilities().await.unwrap();
    assert!(capabilities.has("get-mailbox"));
    assert_eq!(capabilities.missing(&["Set-Mailbox", "Set-Contact"]), ["Set-Contact"]);
    let request = world.only_request();
    let path = format!("GET /outlook/adminapi/v1.0/{TENANT}/EXOModuleFile?Version=3.9.2");
    assert_eq!(line(&request), path);
    assert_eq!(header(&request, "commandname"), "*");
}
