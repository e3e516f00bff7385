//! The vendors' literal error bodies, each through a call, each to its class.

use serde_json::{Value, json};
use tenant::{
    Class, Operation, Retry, TenantError,
    exchange::{Anchor, Parameters},
};

use super::support::{Answer, world};

const ANY: Operation = Operation::new("try", &[]);

async fn graph_error(answer: Answer) -> TenantError {
    let world = world(std::iter::repeat_n(answer, 3));
    world.client.graph().get(ANY, &["x"]).done().await.unwrap_err()
}

fn graph_body(code: &str, message: &str) -> Value {
    let inner = json!({ "date": "2026-11-22T08:00:00", "request-id": "r-1",
        "client-request-id": "c-1" });
    json!({ "error": { "code": code, "message": message, "innerError": inner } })
}

#[tokio::test]
async fn graphs_codes_have_one_class_each() {
    let cases = [
        (404, "Request_ResourceNotFound", Class::NotFound),
        (403, "Authorization_RequestDenied", Class::Forbidden),
        (501, "NotImplemented", Class::NotSupported),
        (404, "MailboxNotEnabledForRESTAPI", Class::NoMailbox),
        (404, "ErrorItemNotFound", Class::NotFound),
        (403, "ErrorAccessDenied", Class::Forbidden),
        (409, "ErrorFolderExists", Class::AlreadyExists),
        (400, "ErrorQuotaExceeded", Class::QuotaExceeded),
        (500, "ErrorCorruptData", Class::Unreadable),
        (410, "SyncStateNotFound", Class::Gone),
        (400, "syncStateNotFound", Class::Gone),
        (410, "resyncChangesApplyDifferences", Class::Gone),
        (404, "itemNotFound", Class::NotFound),
        (409, "nameAlreadyExists", Class::AlreadyExists),
        (412, "resourceModified", Class::Changed),
        (423, "resourceLocked", Class::Locked),
        (507, "quotaLimitReached", Class::QuotaExceeded),
        (416, "fragmentOverlap", Class::RangeNotSatisfiable),
        (400, "pathIsTooLong", Class::Invalid),
        (400, "Request_BadRequest", Class::Invalid),
    ];
    for (status, code, class) in cases {
        let error = graph_error(Answer::json(status, &graph_body(code, "words"))).await;
        assert_eq!(error.class, class, "{status} {code}");
        assert_eq!((&*error.code, error.status), (code, Some(status)));
    }
}

#[tokio::test]
async fn the_innermost_code_is_the_most_specific_in_both_spellings() {
    for inner in ["innerError", "innererror"] {
        let body = json!({ "error": { "code": "invalidRequest", "message": "m",
            inner: { "code": "badArgument", inner: { "code": "sharingDisabled" } } } });
        assert_eq!(graph_error(Answer::json(400, &body)).await.class, Class::Forbidden);
    }
}

#[tokio::test]
async fn a_taken_value_is_a_conflict_that_names_the_property() {
    let message =
        "Another object with the same value for property userPrincipalName already exists.";
    let body = json!({ "error": { "code": "Request_BadRequest", "message": message,
        "details": [{ "code": "ObjectConflict", "target": "userPrincipalName",
                      "message": message }] } });
    let error = graph_error(Answer::json(400, &body)).await;
    let with = Some("another object (userPrincipalName)".into());
    assert_eq!(error.class, Class::Conflict { with });
    let body = json!({ "error": { "code": "Request_BadRequest", "message": "words",
        "details": [{ "code": "ObjectConflict", "target": "proxyAddresses" }] } });
    let error = graph_error(Answer::json(400, &body)).await;
    assert!(error.to_string().contains("proxyAddresses"), "{error}");
}

#[tokio::test]
async fn what_graph_tells_by_words_alone_is_understood() {
    let cases = [
        (
            "Unable to update the specified properties for on-premises mastered Directory Sync \
             objects or objects currently undergoing migration.",
            Class::DirectorySynced,
        ),
        ("User's mysite not found.", Class::NoDrive),
        ("Unable to retrieve user's mysite URL.", Class::NoDrive),
        ("Tenant does not have a SPO license.", Class::NoDrive),
        (
            "Call was made to the default drive, which is not supported for apponly tokens.",
            Class::NoDrive,
        ),
        ("License assignment cannot be done for user with invalid usage location.", Class::Invalid),
    ];
    for (words, class) in cases {
        let answer = Answer::json(400, &graph_body("Request_BadRequest", words));
        assert_eq!(graph_error(answer).await.class, class, "{words}");
    }
}

#[tokio::test]
async fn empty_and_foreign_error_bodies_go_by_their_status() {
    let cases = [(404, Class::NotFound), (503, Class::Transient), (502, Class::Transient)];
    for (status, class) in cases {
        for body in ["", "<html>Bad Gateway</html>", "{\"error\": 7}", "null"] {
            assert_eq!(graph_error(Answer::text(status, body)).await.class, class, "{body}");
        }
    }
}

/// ERR-4: the status alone does not say what clashes, and nothing was written.
#[tokio::test]
async fn a_refusal_whose_body_breaks_off_is_asked_for_again() {
    for status in [400, 403, 404, 409] {
        let told = Answer::json(409, &graph_body("nameAlreadyExists", "m"));
        let world = world([Answer::Breaks(http::StatusCode::from_u16(status).unwrap()), told]);
        let users = world.client.graph();
        let error = users.update_user("u", &serde_json::Map::new()).await.unwrap_err();
        assert_eq!((error.class, world.requests()), (Class::AlreadyExists, 2), "{status}");
    }
}

#[tokio::test]
async fn an_infected_file_is_unreadable_whatever_the_code() {
    let answer = Answer::json(403, &graph_body("accessDenied", "m"));
    let error = graph_error(answer.header("x-virus-infected", "true")).await;
    assert_eq!(error.class, Class::Unreadable);
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn an_error_carries_the_request_id_for_support() {
    let answer = Answer::json(404, &graph_body("itemNotFound", "m")).header("request-id", "r-77");
    assert_eq!(graph_error(answer).await.request_id.as_deref(), Some("r-77"));
}

/// `id|exception type|text` in Exchange's envelope.
fn exchange_body(line: &str) -> Value {
    json!({ "error": {
        "code": "NotFound",
        "message": "Error executing cmdlet",
        "details": [{ "code": "Client", "target": "", "message": line }],
        "innererror": {
            "message": "Error executing cmdlet",
            "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
            "stacktrace": "at A.B()",
            "internalexception": { "message": line, "type": "x.Y", "stacktrace": "" },
        },
    } })
}

async fn exchange_error(answer: Answer) -> TenantError {
    let world = world(std::iter::repeat_n(answer, 3));
    let exchange = world.client.exchange();
    let identity = Parameters::identity("x");
    exchange.invoke("Get-Mailbox", identity, &Anchor::Tenant).await.unwrap_err()
}

#[tokio::test]
async fn exchanges_exceptions_decide_and_not_the_status() {
    let cases = [
        (
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object 'x' couldn't be found on 'YQBPR01A12DC007.CANPR01A012.PROD.OUTLOOK.COM'.",
            Class::NotFound,
        ),
        (
            "|Microsoft.Exchange.Management.StoreTasks.UserAlreadyExistsInPermissionEntryException|An existing permission entry was found for user: Ann.",
            Class::AlreadyExists,
        ),
        (
            "|Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException|There is no existing permission entry found for user: Ann.",
            Class::AlreadyAbsent,
        ),
        (
            "|Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException|The recipient \"Ann\" is already a member of the group.",
            Class::AlreadyExists,
        ),
        (
            "|Microsoft.Exchange.Data.Directory.SystemConfiguration.NotAcceptedDomainException|The domain is not accepted.",
            Class::Invalid,
        ),
        (
            "|Microsoft.Exchange.Configuration.Tasks.TaskException|The operation on mailbox \"x\" failed because it's out of the current user's write scope. The action 'Set-Mailbox', 'EmailAddresses', can't be performed on the object 'x' because the object is being synchronized from your on-premises organization.",
            Class::DirectorySynced,
        ),
        (
            "Ex5E8EA4|Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException|The command you tried to run isn't allowed; parameters aren't present in the role definition of the current user.",
            Class::Forbidden,
        ),
        (
            "|System.Exception|The operation couldn't be performed because there are multiple recipients matching identity 'Andreas Meyer'.",
            Class::Ambiguous,
        ),
        (
            "|Microsoft.Exchange.Configuration.Tasks.RecipientTaskException|The external e-mail address x is not an SMTP e-mail address.",
            Class::Invalid,
        ),
        (
            "|System.InvalidOperationException|ExternalDirectoryObjectId was not returned.",
            Class::Conflict { with: Some("a soft-deleted recipient".into()) },
        ),
        (
            "|x.y.PropertyValidationException|The value specified for property EmailAddresses is incorrect. Reason: ObjectConflict",
            Class::Conflict { with: None },
        ),
    ];
    for (line, class) in cases {
        for status in [400, 403, 404, 409, 500] {
            let error = exchange_error(Answer::json(status, &exchange_body(line))).await;
            assert_eq!(error.class, class, "{status} {line}");
        }
    }
}

/// CUT-S8: "nothing to remove" is told apart from "nobody found", and is a kind of "not found".
#[tokio::test]
async fn an_absent_right_is_not_an_absent_person() {
    let line = "|x.UserNotFoundInPermissionEntryException|There is no existing entry.";
    let error = exchange_error(Answer::json(400, &exchange_body(line))).await;
    assert!(error.is_already_absent() && error.is_not_found());
    let line = "|x.ManagementObjectNotFoundException|couldn't be found on 'DC'.";
    let error = exchange_error(Answer::json(404, &exchange_body(line))).await;
    assert!(!error.is_already_absent() && error.is_not_found());
}

/// PRE-5: the message names the object that holds the address.
#[tokio::test]
async fn a_taken_proxy_address_names_its_owner() {
    let text = "The proxy address \"SMTP:ann@b.c\" is already being used by the proxy addresses \
                or LegacyExchangeDN of \"Ann Other\". Please choose another proxy address.";
    for kind in [
        "Microsoft.Exchange.Data.Directory.ProxyAddressExistsException",
        "Microsoft.Exchange.Management.Tasks.WLCDManagedMemberExistsException",
    ] {
        let line = format!("ExB10BE9|{kind}|{text}");
        let error = exchange_error(Answer::json(400, &exchange_body(&line))).await;
        assert_eq!(error.class, Class::Conflict { with: Some("Ann Other".into()) });
        assert_eq!(Some(&*error.code), kind.rsplit('.').next());
        assert!(error.to_string().contains("it belongs to Ann Other"), "{error}");
    }
}

#[tokio::test]
async fn bars_in_the_text_belong_to_the_text() {
    let line = "|a.B|one | two | three";
    let error = exchange_error(Answer::json(400, &exchange_body(line))).await;
    assert_eq!((&*error.code, &*error.message), ("B", "one | two | three"));
}

#[tokio::test]
async fn a_proxied_exception_is_looked_into() {
    let inner = exchange_body(
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|object 'x' couldn't be found on 'DC'.",
    );
    let line = format!(
        "|Microsoft.Exchange.Configuration.CmdletProxyException|Proxying failed. Error: {inner} (end)"
    );
    let error = exchange_error(Answer::json(500, &exchange_body(&line))).await;
    assert_eq!(error.class, Class::NotFound);
    assert_eq!(&*error.code, "ManagementObjectNotFoundException");
}

#[tokio::test]
async fn proxied_exceptions_inside_each_other_end() {
    let mut body = exchange_body("|a.CmdletProxyException|the end");
    for _ in 0..6 {
        body = exchange_body(&format!("|a.CmdletProxyException|{body}"));
    }
    let error = exchange_error(Answer::json(400, &body)).await;
    assert_eq!(error.class, Class::Invalid);
}

/// The falsely gzip-labelled 403.
#[tokio::test]
async fn an_unknown_cmdlet_is_a_403_of_zero_bytes() {
    let answer = Answer::bytes(403, &[0; 512]).header("content-encoding", "gzip");
    let error = exchange_error(answer).await;
    assert_eq!(error.class, Class::Forbidden);
    assert_eq!(&*error.code, "CmdletNotAvailable");
    assert!(error.to_string().contains("no role of the application"), "{error}");
}

#[tokio::test]
async fn a_403_without_the_permission_in_the_token_names_it() {
    use super::support::{Setup, granted};
    let sign_in = vec![granted(&[])];
    let setup = Setup { sign_in, ..Setup::default() };
    let world = setup.world([Answer::bytes(403, &[0; 8])]);
    let error = world.client.exchange().get_mailbox("x").await.unwrap_err();
    assert_eq!(error.class, Class::MissingConsent { role: "Exchange.ManageAsApp".into() });
}

/// ERR-3
#[tokio::test]
async fn the_plain_text_of_a_busy_tenant_is_a_throttle_with_any_status() {
    let text = "You have reached the maximum number of concurrent requests per tenant. Please \
                wait and try again";
    for status in [200, 400, 403, 429, 500, 503] {
        let error = exchange_error(Answer::text(status, text)).await;
        assert!(matches!(error.class, Class::Throttled { .. }), "{status}: {error:?}");
        assert!(matches!(error.retry(), Retry::Later(_)));
    }
}

#[tokio::test]
async fn a_missing_directory_role_is_named() {
    let text = "The role assigned to application isn't supported in this scenario. Please check \
                online documentation for assigning correct Directory Roles.";
    let error = exchange_error(Answer::text(403, text)).await;
    assert_eq!((error.class.clone(), &*error.code), (Class::Forbidden, "NoDirectoryRole"));
    assert!(error.to_string().contains("Exchange Administrator"), "{error}");
}

#[tokio::test]
async fn the_header_names_the_exception_when_the_body_does_not() {
    let answer =
        Answer::text(400, "failed").header("x-exceptiontype", "ADServerTransientException");
    let error = exchange_error(answer).await;
    assert_eq!((error.class, &*error.code), (Class::Transient, "ADServerTransientException"));
}

#[tokio::test]
async fn other_plain_text_with_200_is_no_success() {
    let error = exchange_error(Answer::text(200, "Hello.")).await;
    assert_eq!(error.class, Class::Unexpected);
}

#[tokio::test]
async fn an_error_says_what_where_why_and_what_to_do() {
    let error = exchange_error(Answer::json(404, &exchange_body("|a.B|Gone."))).await;
    assert_eq!(
        error.to_string(),
        "Get-Mailbox failed at 127.0.0.1:8080/outlook/adminapi/beta/\
         11111111-2222-4333-8444-555555555555/InvokeCommand (404 B): Gone; check that the object \
         exists; a new one takes minutes to appear everywhere"
    );
}
