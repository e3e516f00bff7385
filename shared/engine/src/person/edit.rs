//! The difference between a recipient as it is and as it is wanted.

use model::Change;
use serde_json::{Value, json};
use tenant::exchange::{Parameters, ProxyAddress, Recipient, RecipientTypeDetails};

use crate::{Effect, StepError, TenantSide, Write, change};

/// Wanted properties of a recipient; only those that differ are written.
#[derive(Debug)]
pub struct RecipientEdit<'r> {
    recipient: &'r Recipient,
    parameters: Parameters,
    changes: Vec<Change>,
    /// LDAP names of changed attributes that a directory-synced object takes from on premises.
    mastered: Vec<&'static str>,
}

impl<'r> RecipientEdit<'r> {
    /// Nothing is wanted yet.
    pub fn of(recipient: &'r Recipient) -> Self {
        Self {
            recipient,
            parameters: Parameters::identity(&recipient.identity()),
            changes: Vec::new(),
            mastered: Vec::new(),
        }
    }

    /// Hidden from, or shown in, the address list.
    #[must_use]
    pub fn hidden(self, hidden: bool) -> Self {
        let before = self.recipient.hidden_from_address_lists_enabled;
        if before == hidden {
            return self;
        }
        let mut this = self.set("HiddenFromAddressListsEnabled", json!(before), json!(hidden));
        this.mastered.push("msExchHideFromAddressLists");
        this
    }

    /// Forwards to this address; a copy is kept or not. `None` ends all forwarding.
    #[must_use]
    pub fn forwarding(self, to: Option<&ProxyAddress>, keep_copy: bool) -> Self {
        let recipient = self.recipient;
        let keep_copy = keep_copy && to.is_some();
        let same = match (to, &recipient.forwarding_smtp_address) {
            (Some(wanted), Some(now)) => wanted.is_same_address(now),
            (None, None) => true,
            _ => false,
        };
        let mut this = self;
        if !same {
            let before = recipient.forwarding_smtp_address.as_ref().map(ToString::to_string);
            let after = to.map(|address| format!("smtp:{}", address.value()));
            this = this.set("ForwardingSmtpAddress", json!(before), json!(after));
        }
        // ForwardingAddress wins over ForwardingSmtpAddress, so it must not stay.
        if let Some(before) = &recipient.forwarding_address {
            this = this.set("ForwardingAddress", json!(before), Value::Null);
            this.mastered.push("altRecipient");
        }
        if recipient.deliver_to_mailbox_and_forward != keep_copy {
            let before = json!(recipient.deliver_to_mailbox_and_forward);
            this = this.set("DeliverToMailboxAndForward", before, json!(keep_copy));
        }
        this
    }

    /// Routes to this address (mail users and contacts).
    #[must_use]
    pub fn external(self, address: &ProxyAddress) -> Self {
        let now = self.recipient.external_email_address.as_ref();
        if now.is_some_and(|now| now.is_same_address(address)) {
            return self;
        }
        let before = json!(now.map(ToString::to_string));
        let mut this = self.set("ExternalEmailAddress", before, json!(address.value()));
        this.mastered.push("targetAddress");
        this
    }

    /// Holds exactly these addresses.
    #[must_use]
    pub fn addresses(self, wanted: &[ProxyAddress]) -> Self {
        let now = &self.recipient.email_addresses;
        let same = now.len() == wanted.len() && wanted.iter().all(|address| now.contains(address));
        if same {
            return self;
        }
        let texts = |list: &[ProxyAddress]| -> Value {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().into()
        };
        let mut this = self.set("EmailAddresses", texts(now), texts(wanted));
        this.mastered.push("proxyAddresses");
        this
    }

    /// Holds these addresses too.
    #[must_use]
    pub fn add_addresses(self, wanted: &[ProxyAddress]) -> Self {
        let mut missing: Vec<String> = Vec::new();
        for address in wanted {
            let text = address.to_string();
            if !self.recipient.has_address(address) && !missing.contains(&text) {
                missing.push(text);
            }
        }
        if missing.is_empty() {
            return self;
        }
        let now: Vec<String> =
            self.recipient.email_addresses.iter().map(ToString::to_string).collect();
        let after: Vec<String> = now.iter().chain(&missing).cloned().collect();
        let mut this = self;
        this.changes.push(change("EmailAddresses", now, after));
        this.parameters = this.parameters.add_remove::<String>("EmailAddresses", &missing, &[]);
        this.mastered.push("proxyAddresses");
        this
    }

    /// Any property by its Exchange name.
    #[must_use]
    pub fn set(mut self, parameter: &str, before: Value, after: Value) -> Self {
        self.parameters = self.parameters.set(parameter, after.clone());
        self.changes.push(change(parameter, before, after));
        self
    }

    /// Whether everything is as wanted.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Writes what differs; says whether anything did. What is mastered on premises parks the user
    /// with the exact change to make there.
    pub async fn apply(self, side: TenantSide<'_>) -> Result<bool, StepError> {
        if self.is_empty() {
            return Ok(false);
        }
        if self.recipient.is_mastered_on_premises() && !self.mastered.is_empty() {
            return Err(on_premises(self.recipient, &self.changes, &self.mastered));
        }
        let name = match &self.recipient.recipient_type_details {
            RecipientTypeDetails::MailContact => "Set-MailContact",
            kind if kind.is_mail_user() => "Set-MailUser",
            _ => "Set-Mailbox",
        };
        let write = Write {
            object: describe(self.recipient),
            changes: self.changes,
            effect: Effect::cmdlet(name, self.parameters),
        };
        side.write(write).await?;
        Ok(true)
    }
}

/// What a person knows a recipient by.
pub(super) fn describe(recipient: &Recipient) -> String {
    let address = recipient.primary_smtp_address.as_deref().unwrap_or(&recipient.name);
    format!("{} <{address}>", recipient.display_name)
}

fn on_premises(recipient: &Recipient, changes: &[Change], ldap: &[&str]) -> StepError {
    let wanted: Vec<String> =
        changes.iter().map(|change| format!("{} = {}", change.attribute, change.after)).collect();
    StepError::park(
        "directory_synced",
        format!(
            "{} is mastered on premises, so the cloud refuses this change: {}",
            describe(recipient),
            wanted.join("; ")
        ),
        format!(
            "set {} on premises to these values, wait for the directory synchronisation, then \
             apply the action again",
            ldap.join(", ")
        ),
    )
}
