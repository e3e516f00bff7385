//! The router of both tenants and free/busy.

use serde_json::{Value, json};
use simulator::{Arrival, FreeBusy, RecipientView};

use crate::bench::Bench;

const SENDER: &str = "somebody@outside.example";

/// A person of the source, and the target's mailbox to forward to.
fn person(bench: &Bench) -> (RecipientView, String) {
    let all = bench.simulator.recipients(bench.source.tenant_id);
    let person = all.into_iter().find(|view| view.kind == "UserMailbox").expect("a person");
    let address = person.addresses[0].trim_start_matches("SMTP:").to_owned();
    (person, address)
}

fn forward(bench: &Bench, source: bool, identity: &str, to: Value, keep: bool) {
    let who = if source { &bench.source } else { &bench.target };
    let parameters = json!({ "Identity": identity, "ForwardingSmtpAddress": to, "ForwardingAddress": null, "DeliverToMailboxAndForward": keep });
    bench.done(who, "Set-Mailbox", parameters);
}

fn mailboxes(arrivals: &[Arrival]) -> Vec<&str> {
    arrivals
        .iter()
        .filter_map(|arrival| match arrival {
            Arrival::Mailbox { address, .. } => Some(address.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn mail_reaches_the_mailbox_and_lies_in_it() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    let id = bench.simulator.send_mail(SENDER, &address.to_uppercase(), "hello");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), [address.as_str()]);
    assert!(bench.simulator.mailbox_holds(bench.source.tenant_id, &address, &id));
}

#[test]
fn store_and_forward_delivers_in_both_tenants_once() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    forward(&bench, true, &address, json!("smtp:notifications@fabrikam.example"), true);
    let id = bench.simulator.send_mail(SENDER, &address, "hello");
    assert_eq!(
        mailboxes(&bench.simulator.arrivals(&id)),
        [address.as_str(), "notifications@fabrikam.example"]
    );
    forward(&bench, true, &address, json!("smtp:notifications@fabrikam.example"), false);
    let id = bench.simulator.send_mail(SENDER, &address, "hello");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), ["notifications@fabrikam.example"]);
}

#[test]
fn forwarding_outside_is_blocked_unless_a_policy_allows_it() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    forward(&bench, true, &address, json!("notifications@fabrikam.example"), true);
    for mode in ["Automatic", "Off"] {
        bench.simulator.set_auto_forwarding(bench.source.tenant_id, mode);
        let id = bench.simulator.send_mail(SENDER, &address, "hello");
        let arrivals = bench.simulator.arrivals(&id);
        assert_eq!(mailboxes(&arrivals), [address.as_str()]);
        let blocked = arrivals.iter().any(|arrival| matches!(arrival, Arrival::Ndr { text, .. } if text.contains("5.7.520") && text.contains("AS(7555)")));
        assert!(blocked, "{arrivals:?}");
    }
}

#[test]
fn a_forwarding_recipient_beats_the_smtp_address() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    bench.done(
        &bench.source,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": "c@outside.example" }),
    );
    let both = json!({ "Identity": address, "ForwardingAddress": "c@outside.example", "ForwardingSmtpAddress": "smtp:notifications@fabrikam.example" });
    bench.done(&bench.source, "Set-Mailbox", both);
    let id = bench.simulator.send_mail(SENDER, &address, "hello");
    assert_eq!(
        bench.simulator.arrivals(&id),
        [Arrival::Outside { address: "c@outside.example".to_owned() }]
    );
    let unknown = json!({ "Identity": address, "ForwardingAddress": "nobody@outside.example" });
    assert_eq!(
        bench.run(&bench.source, "Set-Mailbox", unknown).status,
        404,
        "it must be a recipient of the tenant"
    );
    bench.done(&bench.source, "Set-Mailbox", json!({ "Identity": address, "ForwardingAddress": null, "ForwardingSmtpAddress": null, "DeliverToMailboxAndForward": false }));
    let view = bench.simulator.recipient(bench.source.tenant_id, &address).expect("the person");
    assert_eq!(view.forwarding, simulator::ForwardingView::default());
}

#[test]
fn both_forwardings_at_once_are_a_loop() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    forward(&bench, true, &address, json!("notifications@fabrikam.example"), false);
    forward(&bench, false, "notifications@fabrikam.example", json!(address), false);
    let id = bench.simulator.send_mail(SENDER, &address, "hello");
    let arrivals = bench.simulator.arrivals(&id);
    assert!(mailboxes(&arrivals).is_empty());
    assert!(arrivals.iter().any(|arrival| matches!(arrival, Arrival::Loop { .. })), "{arrivals:?}");
}

#[test]
fn mail_users_and_contacts_route_by_their_external_address() {
    let bench = Bench::calm();
    let (person, address) = person(&bench);
    let initial = format!("{}@contoso.onmicrosoft.com", person.alias);
    bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": address }),
    );
    let made = bench.mail_user("ada");
    bench.done(
        &bench.target,
        "Set-MailUser",
        json!({ "Identity": made.first()["Guid"], "ExternalEmailAddress": initial }),
    );
    let id = bench.simulator.send_mail(SENDER, "ada@fabrikam.example", "hello");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), [address.as_str()]);
    let everybody = bench.simulator.send_mail(SENDER, "everybody@contoso.example", "hello");
    assert!(mailboxes(&bench.simulator.arrivals(&everybody)).len() >= 8, "lists are expanded");
}

#[test]
fn what_nobody_holds_bounces_and_what_is_elsewhere_leaves() {
    let bench = Bench::calm();
    let id = bench.simulator.send_mail(SENDER, "nobody@contoso.example", "hello");
    assert!(
        matches!(&bench.simulator.arrivals(&id)[..], [Arrival::Ndr { text, .. }] if text.contains("5.1.10"))
    );
    let id = bench.simulator.send_mail(SENDER, "x@outside.example", "hello");
    assert_eq!(
        bench.simulator.arrivals(&id),
        [Arrival::Outside { address: "x@outside.example".to_owned() }]
    );
}

#[test]
fn old_mails_find_people_by_legacy_name_and_by_x500_address() {
    let bench = Bench::calm();
    let (person, address) = person(&bench);
    let encoded: String = person
        .legacy_exchange_dn
        .chars()
        .map(|c| match c {
            '/' => "_".to_owned(),
            ' ' => "+20".to_owned(),
            '(' => "+28".to_owned(),
            ')' => "+29".to_owned(),
            '-' => "+2D".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let imceaex = format!("IMCEAEX-{}@contoso.example", encoded.to_uppercase());
    let id = bench.simulator.send_mail(SENDER, &imceaex, "hello");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), [address.as_str()]);
    let stamp = json!({ "Identity": "notifications@fabrikam.example", "EmailAddresses": { "@odata.type": "#Exchange.GenericHashTable", "Add": format!("X500:{}", person.legacy_exchange_dn) } });
    bench.done(&bench.target, "Set-Mailbox", stamp);
    let id = bench.simulator.send_mail("a@fabrikam.example", &person.legacy_exchange_dn, "reply");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), ["notifications@fabrikam.example"]);
}

#[test]
fn send_mail_through_graph_takes_any_case_and_needs_a_mailbox() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    let send = |sender: &str, body: Value| {
        bench.graph(
            &bench.target,
            http::Method::POST,
            &format!("/v1.0/users/{sender}/sendMail"),
            Some(body),
        )
    };
    let body = json!({ "Message": { "Subject": "x", "toRecipients": [{ "emailAddress": { "address": address } }] }, "SaveToSentItems": false });
    let sent = send("notifications@fabrikam.example", body.clone());
    assert_eq!((sent.status, sent.bytes.len()), (202, 0));
    let id = bench.simulator.messages().into_iter().next().expect("a message");
    assert_eq!(mailboxes(&bench.simulator.arrivals(&id)), [address.as_str()]);
    bench.mail_user("ada");
    let none = send("ada@fabrikam.example", body);
    assert_eq!((none.status, none.code()), (404, "MailboxNotEnabledForRESTAPI"));
    let nobody =
        send("notifications@fabrikam.example", json!({ "message": { "toRecipients": [] } }));
    assert_eq!(nobody.code(), "ErrorInvalidRecipients");
}

#[test]
fn free_busy_takes_one_hop_where_it_is_set_up() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    let target = bench.target.tenant_id;
    assert_eq!(bench.simulator.free_busy(target, &address), FreeBusy::Unknown);
    bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "c", "ExternalEmailAddress": address }),
    );
    assert_eq!(
        bench.simulator.free_busy(target, &address),
        FreeBusy::Answered { tenant: bench.source.tenant_id, address: address.clone() }
    );
    bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "d", "ExternalEmailAddress": "d@outside.example" }),
    );
    assert_eq!(
        bench.simulator.free_busy(target, "d@outside.example"),
        FreeBusy::NotConfigured { domain: "outside.example".to_owned() }
    );
    // A second redirect is not followed.
    bench.done(&bench.source, "New-MailUser", json!({ "Name": "e", "MicrosoftOnlineServicesID": "e@contoso.example", "Password": "x", "ExternalEmailAddress": "e@far.example" }));
    bench.done(
        &bench.source,
        "Set-MailUser",
        json!({ "Identity": "e", "EmailAddresses": ["SMTP:e@contoso.example"] }),
    );
    bench.done(
        &bench.target,
        "New-MailContact",
        json!({ "Name": "e", "ExternalEmailAddress": "e@contoso.example" }),
    );
    assert_eq!(
        bench.simulator.free_busy(target, "e@contoso.example"),
        FreeBusy::SecondRedirect { address: "e@contoso.example".to_owned() }
    );
    // Both sides must have set it up.
    bench.done(
        &bench.source,
        "Set-OrganizationRelationship",
        json!({ "Identity": "Fabrikam", "FreeBusyAccessEnabled": false }),
    );
    assert_eq!(
        bench.simulator.free_busy(target, &address),
        FreeBusy::NotConfigured { domain: "contoso.example".to_owned() }
    );
    bench.done(&bench.source, "New-AvailabilityConfig", json!({ "AllowedTenantIds": [target] }));
    bench.done(&bench.target, "Add-AvailabilityAddressSpace", json!({ "ForestName": "contoso.example", "AccessMethod": "OrgWideFBToken", "TargetTenantId": bench.source.tenant_id }));
    assert!(matches!(bench.simulator.free_busy(target, &address), FreeBusy::Answered { .. }));
}

/// A sender with a mailbox hears that his message was not delivered; one outside does not, and a report
/// that cannot be delivered is not reported.
#[test]
fn a_sender_with_a_mailbox_gets_a_non_delivery_report() {
    let bench = Bench::calm();
    let (_, address) = person(&bench);
    let nobody = "nobody.at.all@fabrikam.example";
    let reports = || {
        let tenant = bench.source.tenant_id;
        let view = bench.simulator.mailbox_view(tenant, &address, simulator::Part::Primary);
        let view = view.expect("the mailbox");
        let items: Vec<_> = view.folders.into_values().flat_map(|folder| folder.items).collect();
        items.into_iter().filter(|item| item.subject == "Undeliverable: hello").count()
    };
    bench.simulator.send_mail(SENDER, nobody, "hello");
    assert_eq!(reports(), 0);
    let id = bench.simulator.send_mail(&address, nobody, "hello");
    let arrivals = bench.simulator.arrivals(&id);
    assert!(matches!(&arrivals[..], [Arrival::Ndr { address, .. }] if address == nobody));
    assert_eq!(reports(), 1);
    // A sender whose own mail goes round for ever is told nothing, and the mail ends.
    forward(&bench, true, &address, json!("smtp:nobody.at.all@fabrikam.example"), false);
    bench.simulator.send_mail(&address, nobody, "hello");
    assert_eq!(reports(), 1);
}
