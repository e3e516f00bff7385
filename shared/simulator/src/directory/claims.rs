//! Who holds which address: one claim per address over all recipients of a tenant, deleted ones
//! included, and for a while after an address was given up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Proxy, Recipient};

/// A claim on one key.
#[derive(Clone, Debug)]
struct Claim {
    holder: Uuid,
    /// Given up; free from then on.
    until: Option<Timestamp>,
}

/// All claims of a tenant, by key: `smtp:a@b`, `x500:/o=...`, `ledn:/o=...`, `cn:name`,
/// `upn:a@b`, `id:<object id>`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    map: BTreeMap<String, Claim>,
}

impl Claims {
    /// The key that leads from an Entra object id to its recipient.
    pub(crate) fn directory_key(id: Uuid) -> String {
        format!("id:{id}")
    }

    /// The key of a mailbox's or archive's GUID.
    pub(crate) fn mailbox_key(id: Uuid) -> String {
        format!("mbx:{id}")
    }

    /// The key of a sign-in name.
    pub(crate) fn upn_key(upn: &str) -> String {
        format!("upn:{}", upn.to_lowercase())
    }

    /// The key of a LegacyExchangeDN.
    pub(crate) fn legacy_key(name: &str) -> String {
        format!("ledn:{}", name.to_lowercase())
    }

    /// The key of a CN.
    pub(crate) fn name_key(name: &str) -> String {
        format!("cn:{}", name.to_lowercase())
    }

    /// Who holds a key now; keys that were given up have no holder.
    pub(crate) fn holder(&self, key: &str) -> Option<Uuid> {
        self.map.get(key).filter(|claim| claim.until.is_none()).map(|claim| claim.holder)
    }

    /// Who holds a key, or held it last.
    pub(crate) fn last_holder(&self, key: &str) -> Option<Uuid> {
        self.map.get(key).map(|claim| claim.holder)
    }

    /// Who stands in the way of `holder` taking the key: its holder, or the last one for a while.
    pub(crate) fn taken_by_other(&self, key: &str, holder: Uuid, now: Timestamp) -> Option<Uuid> {
        self.map
            .get(key)
            .filter(|claim| claim.holder != holder)
            .filter(|claim| claim.until.is_none_or(|until| now < until))
            .map(|claim| claim.holder)
    }

    /// Who stands in the way of an address. An X500 address also collides with the
    /// LegacyExchangeDN of another recipient.
    pub(crate) fn conflict(&self, proxy: &Proxy, holder: Uuid, now: Timestamp) -> Option<Uuid> {
        let key = proxy.key();
        self.taken_by_other(&key, holder, now).or_else(|| {
            let name = key.strip_prefix("x500:")?;
            self.taken_by_other(&Self::legacy_key(name), holder, now)
        })
    }

    /// Claims everything that a recipient holds, and gives up what `before` held and it does not.
    pub(crate) fn replace(
        &mut self,
        before: Option<&Recipient>,
        after: Option<&Recipient>,
        released: Timestamp,
    ) {
        let old = before.map(keys).unwrap_or_default();
        let new = after.map(keys).unwrap_or_default();
        for key in &old {
            if !new.contains(key)
                && let Some(claim) = self.map.get_mut(key)
                && before.is_some_and(|recipient| recipient.guid == claim.holder)
            {
                claim.until = Some(released);
            }
        }
        if let Some(recipient) = after {
            for key in new {
                self.map.insert(key, Claim { holder: recipient.guid, until: None });
            }
        }
    }
}

fn keys(recipient: &Recipient) -> Vec<String> {
    let mut keys: Vec<String> = recipient.proxies.iter().map(Proxy::key).collect();
    keys.push(Claims::legacy_key(&recipient.legacy_dn));
    keys.push(Claims::name_key(&recipient.name));
    keys.push(Claims::directory_key(recipient.directory_id));
    for mailbox in [recipient.mailbox, recipient.archive].into_iter().flatten() {
        keys.push(Claims::mailbox_key(mailbox));
    }
    if !recipient.upn.is_empty() {
        keys.push(Claims::upn_key(&recipient.upn));
    }
    keys
}
