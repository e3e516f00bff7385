//! Errors of cmdlets: `details[].message` is `<id>|<exception type>|<text>`.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{call::Call, directory::View, reply::Reply, world::World};

/// Why a cmdlet failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// `error.code`.
    pub(crate) code: &'static str,
    /// For instance `Ex6F9304`.
    pub(crate) id: String,
    /// The exception's full type name.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

const NOT_FOUND: &str = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException";
const BINDING: &str = "System.Management.Automation.ParameterBindingException";
const PROXY_EXISTS: &str =
    "Microsoft.Exchange.Data.Directory.Recipient.ProxyAddressExistsException";

impl Failure {
    /// A 400 of a type.
    pub(crate) fn bad(id: &str, kind: &'static str, text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "BadRequest",
            id: id.to_owned(),
            kind,
            text: text.into(),
        }
    }

    /// A parameter that the binder does not take.
    pub(crate) fn binding(text: impl Into<String>) -> Self {
        Self::bad("", BINDING, text)
    }

    /// No such object on this directory server: missing, or not replicated yet.
    pub(crate) fn not_found(identity: &str, view: View) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NotFound",
            id: "Ex6F9304".to_owned(),
            kind: NOT_FOUND,
            text: format!(
                "The operation couldn't be performed because object '{identity}' couldn't be found on 'YQBPR01A12DC00{}.CANPR01A012.PROD.OUTLOOK.COM'.",
                view.server
            ),
        }
    }

    /// More than one object fits.
    pub(crate) fn ambiguous(identity: &str) -> Self {
        Self::bad(
            "Ex9A2C1D",
            "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException",
            format!(
                "There are multiple recipients matching identity \"{identity}\". Please specify a unique value."
            ),
        )
    }

    /// Another recipient holds the address, or has it as LegacyExchangeDN.
    pub(crate) fn proxy_exists(proxy: &str, holder: &str) -> Self {
        Self::bad("Ex7CB1F0", PROXY_EXISTS, proxy_text(proxy, holder))
    }

    /// The sign-in name exists already.
    pub(crate) fn member_exists(upn: &str, holder: &str) -> Self {
        Self::bad(
            "ExB10BE9",
            "Microsoft.Exchange.Management.Tasks.WLCDManagedMemberExistsException",
            proxy_text(&format!("SMTP:{upn}"), holder),
        )
    }

    /// A softly deleted recipient holds the address.
    pub(crate) fn held_by_deleted() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalServerError",
            ..Self::bad(
                "Ex3D8F10",
                "Microsoft.Exchange.Configuration.Tasks.RecipientTaskException",
                "The ExternalDirectoryObjectId was not returned by the directory for the new object.",
            )
        }
    }

    /// The CN is taken.
    pub(crate) fn name_exists(name: &str) -> Self {
        Self::bad(
            "Ex118FD0",
            "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
            format!("The name \"{name}\" is already being used. Please try another name."),
        )
    }

    /// A domain that must be, or must not be, one of the tenant's own.
    pub(crate) fn not_accepted_domain(address: &str, contact: bool) -> Self {
        let text = if contact {
            format!(
                "The address '{address}' can't be used because its domain is an accepted domain of your organization."
            )
        } else {
            format!(
                "You can't use the domain of '{address}' because it's not an accepted domain for your organization."
            )
        };
        Self::bad(
            "ExA0ADDE",
            "Microsoft.Exchange.Management.RecipientTasks.NotAcceptedDomainException",
            text,
        )
    }

    /// A write to an attribute that is mastered on premises.
    pub(crate) fn synced(cmdlet: &str, parameter: &str, object: &str) -> Self {
        Self::bad(
            "ExC9B2D5",
            "Microsoft.Exchange.Configuration.Tasks.InvalidOperationOnSyncedObjectException",
            format!(
                "The operation on mailbox \"{object}\" failed because it's out of the current user's write scope. The action '{cmdlet}', '{parameter}', can't be performed on the object '{object}' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization."
            ),
        )
    }

    /// Parameters outside the caller's role.
    pub(crate) fn access_denied(cmdlet: &str, parameters: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "Forbidden",
            ..Self::bad(
                "Ex5E8EA4",
                "Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException",
                format!(
                    "The parameters {parameters} of the cmdlet '{cmdlet}' aren't present in the role definition for the current user."
                ),
            )
        }
    }

    /// An address that is no SMTP address.
    pub(crate) fn not_smtp(address: &str) -> Self {
        Self::bad(
            "Ex2F61A5",
            "Microsoft.Exchange.Configuration.Tasks.RecipientTaskException",
            format!("The external e-mail address \"{address}\" is not an SMTP e-mail address."),
        )
    }

    /// A mailbox whose store does not answer yet.
    pub(crate) fn not_open(mailbox: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "ServiceUnavailable",
            ..Self::bad(
                "Ex81B3F7",
                "Microsoft.Exchange.Data.Storage.MailboxUnavailableTransientException",
                format!("The mailbox '{mailbox}' cannot be opened now. Please try again later."),
            )
        }
    }

    /// The reply, in the plain form, or with the variations that the real service shows.
    pub(crate) fn reply(&self, world: &mut World, call: &Call) -> Reply {
        let empty_id = world.random.chance(world.config.rules.empty_error_id);
        let proxied = world.random.chance(world.config.rules.proxied_error);
        let id = if empty_id { "" } else { &self.id };
        let plain =
            body(self.code, &format!("{id}|{}|{}", self.kind, self.text), &self.text, self.kind);
        let body = if proxied {
            let text = format!(
                "|Microsoft.Exchange.Configuration.CmdletProxyException|Cmdlet proxied to another server failed: {plain}"
            );
            body(
                self.code,
                &text,
                "Error executing cmdlet",
                "Microsoft.Exchange.Configuration.CmdletProxyException",
            )
        } else {
            plain
        };
        let short = self.kind.rsplit('.').next().unwrap_or(self.kind);
        let _ = call;
        Reply::json(self.status, &body)
            .with(http::HeaderName::from_static("x-exceptiontype"), short)
    }
}

fn proxy_text(proxy: &str, holder: &str) -> String {
    format!(
        "The proxy address \"{proxy}\" is already being used by the proxy addresses or LegacyExchangeDN of \"{holder}\". Please choose another proxy address."
    )
}

fn body(code: &str, detail: &str, text: &str, kind: &str) -> Value {
    json!({ "error": {
        "code": code,
        "message": "Error executing cmdlet",
        "details": [{ "code": "Client", "target": "", "message": detail }],
        "innererror": {
            "message": "Error executing cmdlet",
            "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
            "stacktrace": "   at Microsoft.Exchange.Admin.OData.Core.Core.ExecuteCmdlet()",
            "internalexception": { "message": text, "type": kind, "stacktrace": "" },
        },
    } })
}
