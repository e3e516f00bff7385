//! One tenant, as a step sees it: reads, and writes that are journaled before they happen.

use std::collections::BTreeMap;

use catalogue::{Need, Side};
use serde_json::Value;
use tenant::{
    TenantClient, TenantError,
    exchange::{Anchor, Parameters, Recipient, filter_literal},
    graph::{GraphUser, UserQuery, quoted},
};

use crate::{Effect, Failure, StepContext, StepError, Write};

/// Who holds which of the values that were asked for: the space and the value in lower case.
#[derive(Debug, Default)]
pub(crate) struct Holders(BTreeMap<(String, String), String>);

impl Holders {
    /// Who holds a value, in words.
    pub(crate) fn of(&self, space: &str, value: &str) -> Option<&str> {
        self.0.get(&(space.to_owned(), value.to_lowercase())).map(String::as_str)
    }

    /// The first who is found with a value is its holder.
    fn note(&mut self, wanted: &[(&str, &str)], space: &str, value: &str, holder: &str) {
        if wanted.iter().any(|(of, it)| *of == space && it.eq_ignore_ascii_case(value)) {
            let key = (space.to_owned(), value.to_lowercase());
            self.0.entry(key).or_insert_with(|| holder.to_owned());
        }
    }
}

/// One tenant of a step's project.
#[derive(Clone, Copy)]
pub struct TenantSide<'c> {
    cx: &'c StepContext<'c>,
    side: Side,
}

impl<'c> TenantSide<'c> {
    pub(crate) fn new(cx: &'c StepContext<'c>, side: Side) -> Self {
        Self { cx, side }
    }

    /// Which tenant.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The domains that the tenant has verified.
    pub fn domains(&self) -> &'c [String] {
        match self.side {
            Side::Source => &self.cx.project().source.domains,
            Side::Target | Side::Both => &self.cx.project().target.domains,
        }
    }

    /// The client, for reads beyond those of this type. Writes go through [`Self::write`], else
    /// they are in no journal and no plan.
    pub async fn client(&self) -> Result<&'c TenantClient, StepError> {
        let pair = self.cx.tenants().await?;
        Ok(match self.side {
            Side::Source => &pair.source,
            Side::Target | Side::Both => &pair.target,
        })
    }

    /// Any recipient, by GUID, address, alias or sign-in name; `None` when there is none (yet).
    pub async fn recipient(&self, identity: &str) -> Result<Option<Recipient>, StepError> {
        self.get("Get-Recipient", identity).await
    }

    /// A mailbox with its settings.
    pub async fn mailbox(&self, identity: &str) -> Result<Option<Recipient>, StepError> {
        self.get("Get-Mailbox", identity).await
    }

    /// A mail user with its settings.
    pub async fn mail_user(&self, identity: &str) -> Result<Option<Recipient>, StepError> {
        self.get("Get-MailUser", identity).await
    }

    /// A mail contact with its settings.
    pub async fn mail_contact(&self, identity: &str) -> Result<Option<Recipient>, StepError> {
        self.get("Get-MailContact", identity).await
    }

    /// Every recipient that holds an address (any prefix), soft-deleted ones among them.
    pub async fn holders_of(&self, address: &str) -> Result<Vec<Recipient>, StepError> {
        let filter = format!("EmailAddresses -eq '{}'", address.replace('\'', "''"));
        let parameters =
            Parameters::new().set("Filter", filter).switch("IncludeSoftDeletedRecipients");
        let client = self.client().await?;
        let reply = client.exchange().invoke("Get-Recipient", parameters, &Anchor::Tenant).await?;
        let mut held: Vec<Value> = reply.values;
        if let Some(overlay) = self.cx.overlay() {
            held.retain(|value| !overlay.is_removed(self.side, value));
            held.extend(overlay.made_with(self.side, address));
        }
        Ok(held.iter().map(Recipient::from_value).collect())
    }

    /// Who holds any of these values, each named with its space (`address`, `mailNickname`):
    /// directory users, then recipients of every kind, softly deleted ones among them. The account
    /// with the object id `mine` does not count.
    pub(crate) async fn holders_among(
        &self,
        values: &[(&str, &str)],
        mine: Option<&str>,
    ) -> Result<Holders, StepError> {
        let mut found = Holders::default();
        if values.is_empty() {
            return Ok(found);
        }
        let client = self.client().await?;
        let names = values.iter().filter(|(space, _)| *space == "address");
        let names: Vec<String> = names.map(|(_, value)| quoted(value)).collect();
        if !names.is_empty() {
            let filter = format!("userPrincipalName in ({})", names.join(","));
            for user in client.graph().list_users(&UserQuery::filter(filter)).await? {
                if mine != Some(user.id.as_str()) {
                    let upn = &user.user_principal_name;
                    found.note(values, "address", upn, &format!("user {upn}"));
                }
            }
        }
        let comparisons: Vec<String> =
            values.iter().flat_map(|(space, v)| compared(space, v)).collect();
        let parameters = Parameters::new()
            .set("Filter", comparisons.join(" -or "))
            .switch("IncludeSoftDeletedRecipients");
        let reply = client.exchange().invoke("Get-Recipient", parameters, &Anchor::Tenant).await?;
        for value in &reply.values {
            if self.cx.overlay().is_some_and(|overlay| overlay.is_removed(self.side, value)) {
                continue;
            }
            let recipient = Recipient::from_value(value);
            let id = recipient.external_directory_object_id.map(|id| id.hyphenated().to_string());
            if id.is_some() && id.as_deref() == mine {
                continue;
            }
            let deleted = if recipient.is_soft_deleted { "deleted " } else { "" };
            let kind = &recipient.recipient_type_details;
            let holder = format!("{deleted}{kind} {}", recipient.display_name);
            let sign_in = value.get("WindowsLiveID").and_then(Value::as_str);
            let smtp = recipient.email_addresses.iter().filter(|held| held.domain().is_some());
            let held = smtp.map(tenant::exchange::ProxyAddress::value).chain(sign_in);
            held.for_each(|held| found.note(values, "address", held, &holder));
            found.note(values, "mailNickname", &recipient.alias, &holder);
        }
        Ok(found)
    }

    /// A directory user, by object id or sign-in name; `None` when there is none (yet).
    pub async fn user(&self, id: &str) -> Result<Option<GraphUser>, StepError> {
        if let Some(overlay) = self.cx.overlay() {
            if let Some(made) = overlay.made_user(self.side, id) {
                return Ok(Some(made));
            }
            let Some(user) = self.client().await?.graph().find_user(id).await? else {
                return Ok(None);
            };
            return Ok(Some(overlay.patched_user(self.side, user)));
        }
        Ok(self.client().await?.graph().find_user(id).await?)
    }

    /// Makes one write: its before-images are journaled first; in a plan it is only recorded. The
    /// answer is the object that was made, where one was.
    pub async fn write(&self, write: Write) -> Result<Value, StepError> {
        self.check_need(&write.effect)?;
        let record = write.record(self.side);
        if let Some(overlay) = self.cx.overlay() {
            return Ok(overlay.perform(self.side, record, &write.effect));
        }
        let intent = format!("{:?} {} {}", self.side, record.operation, record.object);
        self.cx.intend(&intent, vec![record]).await?;
        write.effect.perform(self.client().await?).await.map_err(of_write)
    }

    /// As [`Self::write`], and "it is so already" counts as done.
    pub async fn write_tolerant(
        &self,
        write: Write,
        done: impl Fn(&TenantError) -> bool,
    ) -> Result<(), StepError> {
        self.check_need(&write.effect)?;
        let record = write.record(self.side);
        if let Some(overlay) = self.cx.overlay() {
            overlay.perform(self.side, record, &write.effect);
            return Ok(());
        }
        let intent = format!("{:?} {} {}", self.side, record.operation, record.object);
        self.cx.intend(&intent, vec![record]).await?;
        match write.effect.perform(self.client().await?).await {
            Ok(_) => Ok(()),
            Err(error) if done(&error) => Ok(()),
            Err(error) => Err(of_write(error)),
        }
    }

    async fn get(
        &self,
        cmdlet: &'static str,
        identity: &str,
    ) -> Result<Option<Recipient>, StepError> {
        let found = match self.cx.overlay() {
            None => self.get_live(cmdlet, identity).await?,
            Some(overlay) => match overlay.made(self.side, identity) {
                Some(made) => Some(made),
                None => {
                    let mut found = self.get_live(cmdlet, identity).await?;
                    if found.is_none() && !overlay.is_empty() {
                        // In a plan a mail user may have "become" a mailbox that is not there yet.
                        found = self.get_live("Get-Recipient", identity).await?;
                    }
                    found.and_then(|value| overlay.seen(self.side, value))
                }
            },
        };
        Ok(found.map(|value| Recipient::from_value(&value)))
    }

    async fn get_live(
        &self,
        cmdlet: &'static str,
        identity: &str,
    ) -> Result<Option<Value>, StepError> {
        let client = self.client().await?;
        let parameters = Parameters::identity(identity);
        match client.exchange().invoke(cmdlet, parameters, &Anchor::Tenant).await {
            Ok(reply) => Ok(reply.values.into_iter().next()),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A step can use only what its catalogue row says: so its cloud role is known to be minimal.
    fn check_need(&self, effect: &Effect) -> Result<(), StepError> {
        let need = match effect {
            Effect::Cmdlet { .. } => Need::ExchangeWrite,
            Effect::UpdateUser { .. }
            | Effect::SetManager { .. }
            | Effect::AssignLicenses { .. }
            | Effect::RequestPersonalSite { .. }
            | Effect::Invite(_)
            | Effect::RemoveGroupMember { .. }
            | Effect::RemoveGroupOwner { .. }
            | Effect::RemoveTeamMember { .. } => Need::DirectoryWrite,
        };
        let spec = self.cx.step().spec();
        if spec.needs.contains(&need) {
            return Ok(());
        }
        Err(StepError::park(
            "undeclared_need",
            format!("{} does not declare {need:?} in the catalogue", spec.id),
            "report it: this is a fault of Crosswave",
        ))
    }
}

/// The comparisons of a recipient filter that find a value's holders.
fn compared(space: &str, value: &str) -> Vec<String> {
    if space == "mailNickname" {
        return vec![format!("Alias -eq {}", filter_literal(value))];
    }
    vec![
        format!("EmailAddresses -eq {}", filter_literal(&format!("smtp:{value}"))),
        format!("WindowsLiveID -eq {}", filter_literal(value)),
    ]
}

/// What is written to was read moments ago: a server that does not find it has not heard of it yet.
/// So it is tried again, a bounded number of times.
fn of_write(error: TenantError) -> StepError {
    let lags = error.is_not_found();
    let mut error = StepError::from(error);
    if lags {
        error.failure = Failure::Retry;
    }
    error
}
