//! The only ways to change people and recipients: they keep the claims and both views in step.

use uuid::Uuid;

use super::{Claims, Proxy, ProxyKind, Recipient, SoftDeleted, Stamp, Tenant, User};

impl Tenant {
    /// Adds or replaces a user; its recipient, if any, follows with the shared attributes.
    pub(crate) fn put_user(&mut self, mut user: User, stamp: Stamp) {
        self.revision = self.revision.saturating_add(1);
        user.revision = self.revision;
        if let Some(recipient) = self.recipient_of(user.id) {
            let mut mirrored = recipient.clone();
            mirrored.display_name.clone_from(&user.display_name);
            mirrored.upn.clone_from(&user.upn);
            mirrored.attributes.clone_from(&user.attributes);
            mirrored.synced = user.synced;
            self.store_recipient(mirrored, stamp);
        }
        self.tombstones.remove(&user.id);
        self.users.put(user.id, user, stamp);
    }

    /// Adds or replaces a recipient; the account behind it, if any, follows.
    pub(crate) fn put_recipient(&mut self, mut recipient: Recipient, stamp: Stamp) {
        recipient.changed = stamp.now;
        if let Some(user) = self.users.get(recipient.directory_id) {
            let mut mirrored = user.clone();
            mirrored.display_name.clone_from(&recipient.display_name);
            mirrored.attributes.clone_from(&recipient.attributes);
            mirrored.mail_nickname.clone_from(&recipient.alias);
            mirrored.proxies = recipient.proxies.iter().map(Proxy::to_string).collect();
            mirrored.mail = shown_mail(&recipient);
            self.revision = self.revision.saturating_add(1);
            mirrored.revision = self.revision;
            self.users.put(mirrored.id, mirrored, stamp);
        }
        self.store_recipient(recipient, stamp);
    }

    /// Takes a recipient out; an account behind it stays as a plain user.
    pub(crate) fn remove_recipient(&mut self, guid: Uuid, stamp: Stamp) -> Option<Recipient> {
        let recipient = self.recipients.get(guid)?.clone();
        self.claims.replace(Some(&recipient), None, stamp.released);
        self.recipients.remove(guid, stamp);
        if let Some(user) = self.users.get(recipient.directory_id) {
            let mut plain = user.clone();
            plain.proxies.clear();
            plain.mail = None;
            self.put_user(plain, stamp);
        }
        Some(recipient)
    }

    /// Deletes a user softly: it and its recipient can be restored, and go on claiming their
    /// addresses.
    pub(crate) fn delete_user(&mut self, id: Uuid, stamp: Stamp) -> bool {
        let Some(user) = self.users.get(id).cloned() else { return false };
        let recipient = self.recipient_of(id).cloned();
        if let Some(recipient) = &recipient {
            self.recipients.remove(recipient.guid, stamp);
        }
        self.users.remove(id, stamp);
        self.revision = self.revision.saturating_add(1);
        self.tombstones.insert(id, self.revision);
        self.deleted.insert(id, SoftDeleted { user: Some(user), recipient });
        true
    }

    /// Brings a softly deleted user back.
    pub(crate) fn restore_user(&mut self, id: Uuid, stamp: Stamp) -> Option<User> {
        let SoftDeleted { user, recipient } = self.deleted.remove(&id)?;
        if let Some(recipient) = recipient {
            self.store_recipient(recipient, stamp);
        }
        let user = user?;
        self.put_user(user.clone(), stamp);
        Some(user)
    }

    fn store_recipient(&mut self, recipient: Recipient, stamp: Stamp) {
        let before = self.recipients.get(recipient.guid).cloned();
        self.claims.replace(before.as_ref(), Some(&recipient), stamp.released);
        self.recipients.put(recipient.guid, recipient, stamp);
    }

    /// The recipient that a name's claim leads to, deleted ones included.
    pub(crate) fn claimant(&self, guid: Uuid) -> Option<&Recipient> {
        self.recipients.get(guid).or_else(|| {
            self.deleted
                .values()
                .filter_map(|deleted| deleted.recipient.as_ref())
                .find(|recipient| recipient.guid == guid)
        })
    }

    /// A LegacyExchangeDN as Exchange Online makes them.
    pub(crate) fn legacy_dn(hex: &str, alias: &str) -> String {
        format!(
            "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={hex}-{alias}"
        )
    }

    /// A CN that nobody has: the wanted one, or the wanted one with the hex digits.
    pub(crate) fn free_name(&self, wanted: &str, hex: &str) -> String {
        if self.claims.holder(&Claims::name_key(wanted)).is_none() && wanted.chars().count() <= 64 {
            return wanted.to_owned();
        }
        let stem: String = wanted.chars().take(50).collect();
        format!("{stem} {hex}")
    }
}

fn shown_mail(recipient: &Recipient) -> Option<String> {
    recipient.shown_mail.clone().or_else(|| {
        recipient
            .proxies
            .iter()
            .find(|proxy| proxy.kind == ProxyKind::Primary)
            .map(|proxy| proxy.value.clone())
    })
}
