//! Rules of addresses and names.

use serde_json::json;

use crate::bench::Bench;

#[test]
fn new_mail_user_makes_the_account_and_the_external_address_becomes_primary() {
    let bench = Bench::calm();
    let made = bench.done(&bench.target, "New-MailUser", json!({
        "Name": "ada", "MicrosoftOnlineServicesID": "ada@fabrikam.example", "Password": "x1!",
        "ExternalEmailAddress": "ada@contoso.onmicrosoft.com", "FirstName": "Ada", "LastName": "Lovelace",
    }));
    assert_eq!(made.first()["EmailAddresses"], json!(["SMTP:ada@contoso.onmicrosoft.com"]));
    assert_eq!(made.first()["ExternalEmailAddress"], "SMTP:ada@contoso.onmicrosoft.com");
    let id = made.first()["ExternalDirectoryObjectId"].as_str().expect("an id").to_owned();
    let user = bench.get(
        &bench.target,
        &format!("/v1.0/users/{id}?$select=userPrincipalName,givenName,proxyAddresses"),
    );
    assert_eq!(user.body["userPrincipalName"], "ada@fabrikam.example");
    assert_eq!(user.body["givenName"], "Ada");
    let legacy = made.first()["LegacyExchangeDN"].as_str().expect("a name");
    assert!(legacy.starts_with(
        "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
    ));
    assert!(legacy.ends_with("-ada"));
}

#[test]
fn new_mail_user_on_an_existing_sign_in_name_is_refused() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    let again = bench.run(
        &bench.target,
        "New-MailUser",
        json!({
            "Name": "ada2", "MicrosoftOnlineServicesID": "ada@fabrikam.example", "Password": "x1!",
            "ExternalEmailAddress": "other@contoso.onmicrosoft.com",
        }),
    );
    assert_eq!(again.exception(), "WLCDManagedMemberExistsException");
    assert!(
        again
            .failure()
            .2
            .contains("is already being used by the proxy addresses or LegacyExchangeDN of")
    );
}

#[test]
fn addresses_are_unique_over_all_recipients() {
    let bench = Bench::calm();
    bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "one", "ExternalEmailAddress": "ada@contoso.example" }),
    );
    let second = bench.run(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "two", "ExternalEmailAddress": "SMTP:Ada@Contoso.Example" }),
    );
    assert_eq!(second.exception(), "ProxyAddressExistsException");
    assert!(
        second
            .failure()
            .2
            .starts_with("The proxy address \"SMTP:Ada@Contoso.Example\" is already being used")
    );
    // PRE-5: the mail user may route to the same mailbox by another address.
    bench.mail_user("ada");
}

#[test]
fn a_softly_deleted_recipient_goes_on_holding_its_address() {
    let bench = Bench::calm();
    let made = bench.mail_user("ada");
    bench.done(
        &bench.target,
        "Remove-MailUser",
        json!({ "Identity": made.first()["Guid"], "Confirm": false }),
    );
    let taken = bench.run(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "x", "ExternalEmailAddress": "ada@fabrikam.onmicrosoft.com" }),
    );
    // An accepted domain is refused first, so take the check off to see the other rule.
    assert_eq!(taken.exception(), "NotAcceptedDomainException");
    bench.simulator.configure(|config| config.rules.contact_in_accepted_domain_refused = false);
    let taken = bench.run(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "x", "ExternalEmailAddress": "ada@fabrikam.onmicrosoft.com" }),
    );
    assert!(
        taken.failure().2.contains("ExternalDirectoryObjectId was not returned"),
        "{}",
        taken.body
    );
    let seen = bench.done(
        &bench.target,
        "Get-Recipient",
        json!({ "Identity": "ada@fabrikam.example", "IncludeSoftDeletedRecipients": true }),
    );
    assert_eq!(seen.first()["RecipientTypeDetails"], "MailUser");
}

#[test]
fn an_x500_address_collides_with_anothers_legacy_name_until_that_is_gone() {
    let bench = Bench::calm();
    let contact = bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "ada@contoso.example" }),
    );
    let legacy = contact.first()["LegacyExchangeDN"].as_str().expect("a name").to_owned();
    let stamp = json!({
        "Identity": "notifications@fabrikam.example",
        "EmailAddresses": { "@odata.type": "#Exchange.GenericHashTable", "Add": [format!("X500:{legacy}")] },
    });
    let refused = bench.run(&bench.target, "Set-Mailbox", stamp.clone());
    assert_eq!(refused.exception(), "ProxyAddressExistsException");
    bench.done(
        &bench.target,
        "Remove-MailContact",
        json!({ "Identity": contact.first()["Guid"], "Confirm": false }),
    );
    bench.done(&bench.target, "Set-Mailbox", stamp);
    let own = bench.simulator.recipient(bench.target.tenant_id, &format!("X500:{legacy}"));
    assert_eq!(own.expect("the mailbox").alias, "notifications");
    // One's own LegacyExchangeDN is exempt.
    let me = bench
        .simulator
        .recipient(bench.target.tenant_id, "notifications@fabrikam.example")
        .expect("me");
    bench.done(&bench.target, "Set-Mailbox", json!({
        "Identity": "notifications@fabrikam.example",
        "EmailAddresses": { "@odata.type": "#Exchange.GenericHashTable", "Add": [format!("x500:{}", me.legacy_exchange_dn)] },
    }));
}

#[test]
fn contacts_stay_out_of_accepted_domains_and_mailboxes_in_them() {
    let bench = Bench::calm();
    let contact = bench.run(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "c@fabrikam.example" }),
    );
    assert_eq!(contact.exception(), "NotAcceptedDomainException");
    let mailbox = bench.run(&bench.target, "Set-Mailbox", json!({
        "Identity": "notifications@fabrikam.example",
        "EmailAddresses": { "@odata.type": "#Exchange.GenericHashTable", "Add": "smtp:n@contoso.example" },
    }));
    assert_eq!(mailbox.exception(), "NotAcceptedDomainException");
}

#[test]
fn names_are_unique_and_have_at_most_64_characters() {
    let bench = Bench::calm();
    let new = |name: &str, address: &str| {
        bench.run(
            &bench.target,
            "New-MailContact",
            json!({ "Name": name, "ExternalEmailAddress": address }),
        )
    };
    assert!(new("Andreas Meyer", "a@x.example").status < 300);
    assert_eq!(new("andreas meyer", "b@x.example").exception(), "ADObjectAlreadyExistsException");
    assert!(new(&"ä".repeat(64), "c@x.example").status < 300);
    assert_eq!(new(&"ä".repeat(65), "d@x.example").exception(), "DataValidationException");
}

#[test]
fn one_display_name_for_two_is_ambiguous_and_guids_are_not() {
    let bench = Bench::calm();
    let mut guids = Vec::new();
    for (name, address) in [("one", "a@x.example"), ("two", "b@x.example")] {
        let made = bench.done(&bench.target, "New-MailContact", json!({ "Name": name, "ExternalEmailAddress": address, "DisplayName": "Andreas Meyer" }));
        guids.push(made.first()["Guid"].clone());
    }
    let both = bench.run(&bench.target, "Get-Recipient", json!({ "Identity": "Andreas Meyer" }));
    assert!(both.failure().2.contains("multiple recipients matching identity"));
    bench.done(&bench.target, "Get-Recipient", json!({ "Identity": guids[1] }));
}

#[test]
fn an_identity_may_be_any_name_of_the_object() {
    let bench = Bench::calm();
    bench.mail_user("ada");
    let view =
        bench.simulator.recipient(bench.target.tenant_id, "ada@fabrikam.example").expect("ada");
    for identity in [
        view.guid.to_string(),
        view.directory_id.to_string(),
        "ada@fabrikam.onmicrosoft.com".to_owned(),
        "ADA".to_owned(),
        view.user_principal_name,
        view.legacy_exchange_dn,
    ] {
        let found = bench.done(&bench.target, "Get-MailUser", json!({ "Identity": identity }));
        assert_eq!(found.first()["Alias"], "ada");
    }
    let filtered = bench.done(
        &bench.target,
        "Get-Recipient",
        json!({ "Filter": "EmailAddresses -eq 'smtp:ada@fabrikam.example'" }),
    );
    assert_eq!(filtered.body["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_new_external_address_takes_the_old_ones_place_and_the_old_is_not_kept() {
    let bench = Bench::calm();
    let made = bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "old@x.example" }),
    );
    let guid = &made.first()["Guid"];
    bench.done(
        &bench.target,
        "Set-MailContact",
        json!({ "Identity": guid, "ExternalEmailAddress": "new@x.example" }),
    );
    let view = bench.done(&bench.target, "Get-MailContact", json!({ "Identity": guid }));
    assert_eq!(view.first()["EmailAddresses"], json!(["SMTP:new@x.example"]));
    let bad = bench.run(
        &bench.target,
        "Set-MailContact",
        json!({ "Identity": guid, "ExternalEmailAddress": "no address" }),
    );
    assert!(bad.failure().2.contains("is not an SMTP e-mail address"));
}

#[test]
fn synced_attributes_are_refused_in_the_exact_words_and_cloud_owned_ones_are_not() {
    let bench = Bench::calm();
    let person = bench
        .simulator
        .recipients(bench.source.tenant_id)
        .into_iter()
        .find(|r| r.kind == "UserMailbox")
        .expect("a person");
    bench.simulator.set_synced(bench.source.tenant_id, &person.user_principal_name, true);
    let set = |parameters| bench.run(&bench.source, "Set-Mailbox", parameters);
    let hidden = set(json!({ "Identity": person.guid, "HiddenFromAddressListsEnabled": true }));
    assert_eq!(hidden.status, 400);
    let text = hidden.failure().2;
    assert!(text.contains("out of the current user's write scope"), "{text}");
    assert!(text.contains("is being synchronized from your on-premises organization"), "{text}");
    let forward = json!({ "Identity": person.guid, "ForwardingSmtpAddress": "smtp:x@fabrikam.example", "DeliverToMailboxAndForward": true });
    assert!(set(forward).status < 300);
    assert!(set(json!({ "Identity": person.guid, "IsExchangeCloudManaged": true })).status < 300);
    assert!(
        set(json!({ "Identity": person.guid, "HiddenFromAddressListsEnabled": true })).status < 300
    );
}
