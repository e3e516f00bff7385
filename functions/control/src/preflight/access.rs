//! Signing in, and what the application was given.

use catalogue::Side;
use tenant::{Class, Resource, TenantError};

use super::{Look, Preflight, Severity};
use crate::patience::patiently;

/// What the application needs in both tenants, and beyond it in each.
const GRAPH_BOTH: &[&str] = &[
    "User.Read.All",
    "Organization.Read.All",
    "MailboxFolder.Read.All",
    "MailboxItem.ImportExport.All",
    "MailboxSettings.ReadWrite",
    "Files.ReadWrite.All",
];
const GRAPH_SOURCE: &[&str] =
    &["User.ReadWrite.All", "GroupMember.ReadWrite.All", "TeamMember.ReadWrite.All"];
const GRAPH_TARGET: &[&str] = &[
    "User.ReadWrite.All",
    "LicenseAssignment.ReadWrite.All",
    "MailboxFolder.ReadWrite.All",
    "Mail.Send",
];
/// What it needs in the target to find the groups to which rights are due.
const GRAPH_GROUPS: &str = "GroupMember.Read.All";
const EXCHANGE: &[&str] = &["Exchange.ManageAsApp"];

/// The cmdlets that a premium project runs, by tenant.
const CMDLETS_SOURCE: &[&str] = &["Get-Mailbox", "Set-Mailbox", "New-MailContact"];
const CMDLETS_TARGET: &[&str] = &[
    "Get-Recipient",
    "New-MailUser",
    "Set-MailUser",
    "New-MailContact",
    "Set-MailContact",
    "Remove-MailContact",
    "Set-Mailbox",
];

/// Signs in to both services; whether further looks make sense.
pub(super) async fn look(look: &Look<'_>, found: &mut Preflight) -> bool {
    let side = look.side;
    let own: &[&str] = if side == Side::Source { GRAPH_SOURCE } else { GRAPH_TARGET };
    let mut graph: Vec<&str> = GRAPH_BOTH.iter().chain(own).copied().collect();
    if look.side == Side::Target && !look.project.groups.is_empty() {
        graph.push(GRAPH_GROUPS);
    }
    let wanted = [(Resource::Graph, "Microsoft Graph", graph.as_slice())];
    let wanted = wanted.into_iter().chain([(Resource::Exchange, "Exchange Online", EXCHANGE)]);
    let mut signed_in = true;
    for (resource, name, roles) in wanted {
        let missing = patiently(look.host, || look.client.missing_roles(&resource, roles)).await;
        match missing {
            Ok(missing) if missing.is_empty() => found.good(side, format!("signed in to {name}")),
            Ok(missing) => {
                let list = missing.join(", ");
                found.find(
                    Severity::Blocks,
                    side,
                    "consent",
                    format!("the application lacks {list} in {name}"),
                    "add them to the app registration as application permissions, and give admin \
                     consent",
                );
            }
            Err(error) => {
                not_signed_in(look, found, name, &error);
                signed_in = false;
                break;
            }
        }
    }
    if signed_in && look.routes_mail() {
        cmdlets(look, found).await;
    }
    signed_in
}

/// A wrong secret, a wrong tenant id and an unreachable service are different things to mend.
fn not_signed_in(look: &Look<'_>, found: &mut Preflight, name: &str, error: &TenantError) {
    let (what, advice) = match (&error.class, error.status) {
        (_, None) if &*error.code == "transport" => (
            "cannot be reached",
            "check network, proxy and the endpoints of the project file".to_owned(),
        ),
        (Class::Unauthorized, _)
            if error.message.contains("7000215") || error.code.contains("7000215") =>
        {
            (
                "refuses the client secret",
                "give the secret's value, not its id, and check that it has not expired".to_owned(),
            )
        }
        (_, _) if error.code.contains("90002") || error.message.contains("90002") => {
            ("does not know the tenant", format!("check tenant_id ({})", look.client.tenant()))
        }
        (_, _) if error.code.contains("700016") || error.message.contains("700016") => (
            "does not know the application in this tenant",
            "check client_id; the app registration must be in this tenant, or consented to there"
                .to_owned(),
        ),
        _ => ("refuses to sign in", "check tenant_id, client_id and the credential".to_owned()),
    };
    found.find(Severity::Blocks, look.side, "sign-in", format!("{name} {what}: {error}"), advice);
}

async fn cmdlets(look: &Look<'_>, found: &mut Preflight) {
    let exchange = look.client.exchange();
    let wanted = if look.side == Side::Source { CMDLETS_SOURCE } else { CMDLETS_TARGET };
    match patiently(look.host, || exchange.capabilities()).await {
        Ok(able) => {
            let missing = able.missing(wanted);
            if missing.is_empty() {
                found.good(look.side, "the application may run the cmdlets that the steps need");
            } else {
                found.find(
                    Severity::Blocks,
                    look.side,
                    "role",
                    format!("the application may not run {}", missing.join(", ")),
                    "give it the Exchange Administrator or Exchange Recipient Administrator role",
                );
            }
        }
        Err(error) => found.refused(look.side, "role", &error),
    }
}
