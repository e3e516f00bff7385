//! What can be turned while the world runs.

use uuid::Uuid;

use crate::{
    Config, Simulator,
    directory::{Certificate, Outsider, Stamp},
};

impl Simulator {
    /// Stops injected faults and latency, or lets them begin again.
    pub fn pause_faults(&self, paused: bool) {
        self.world().faults.paused = paused;
    }

    /// Changes the knobs. Rules of faults count their hits anew.
    pub fn configure(&self, change: impl FnOnce(&mut Config)) {
        let mut world = self.world();
        change(&mut world.config);
        world.faults.forget_hits();
    }

    /// Gives an app a certificate: its thumbprint (`x5t#S256`, base64url of the SHA-256 of the DER
    /// form) and its public key as PEM; without a key the signature is not checked.
    pub fn register_certificate(
        &self,
        tenant: Uuid,
        client: Uuid,
        thumbprint: &str,
        public_key_pem: Option<&str>,
    ) {
        let mut world = self.world();
        let app = world.tenants.get_mut(&tenant).and_then(|tenant| tenant.apps.get_mut(&client));
        if let Some(app) = app {
            app.certificate = Some(Certificate {
                thumbprint: thumbprint.to_owned(),
                public_key_pem: public_key_pem.map(str::to_owned),
            });
        }
    }

    /// Gives an app a client secret whose time is over; the one that it has stays good.
    pub fn add_expired_secret(&self, (tenant, client): (Uuid, Uuid), secret: &str) {
        let mut world = self.world();
        let app = world.tenants.get_mut(&tenant).and_then(|tenant| tenant.apps.get_mut(&client));
        if let Some(app) = app {
            app.expired_secrets.push(secret.to_owned());
        }
    }

    /// Lets an app trust an outside identity (a federated identity credential): the issuer, the subject,
    /// and the issuer's public key as PEM.
    pub fn trust_outsider(
        &self,
        (tenant, client): (Uuid, Uuid),
        (issuer, subject): (&str, &str),
        public_key_pem: &str,
    ) {
        let mut world = self.world();
        let app = world.tenants.get_mut(&tenant).and_then(|tenant| tenant.apps.get_mut(&client));
        if let Some(app) = app {
            app.trusts.push(Outsider {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
                public_key_pem: public_key_pem.to_owned(),
            });
        }
    }

    /// Takes a consented application permission from an app; new tokens lack it.
    pub fn withdraw_consent(&self, tenant: Uuid, client: Uuid, permission: &str) {
        let mut world = self.world();
        let app = world.tenants.get_mut(&tenant).and_then(|tenant| tenant.apps.get_mut(&client));
        for roles in app.into_iter().flat_map(|app| app.roles.values_mut()) {
            roles.retain(|role| role != permission);
        }
    }

    /// Replaces the directory roles of an app, for instance `Exchange Recipient Administrator`.
    pub fn set_directory_roles(&self, tenant: Uuid, client: Uuid, roles: &[&str]) {
        let mut world = self.world();
        let app = world.tenants.get_mut(&tenant).and_then(|tenant| tenant.apps.get_mut(&client));
        if let Some(app) = app {
            app.directory_roles = roles.iter().map(|&role| role.to_owned()).collect();
        }
    }

    /// Sets the seats of a tenant's products.
    pub fn set_seats(&self, tenant: Uuid, seats: u32) {
        let mut world = self.world();
        let skus = world.tenants.get_mut(&tenant).map(|tenant| &mut tenant.skus);
        for sku in skus.into_iter().flatten() {
            sku.seats = seats;
        }
    }

    /// Marks a user (by id or UPN) as mastered in an on-premises directory, or as cloud-born.
    pub fn set_synced(&self, tenant: Uuid, user: &str, synced: bool) {
        let now = self.now();
        let mut world = self.world();
        let Some(tenant) = world.tenants.get_mut(&tenant) else { return };
        let Some(mut found) = tenant.user_by_name(user).cloned() else { return };
        found.synced = synced;
        tenant.put_user(found, Stamp::everywhere(now));
    }

    /// Sets the automatic-forwarding mode (`Automatic`, `On`, `Off`) of every outbound spam policy.
    pub fn set_auto_forwarding(&self, tenant: Uuid, mode: &str) {
        let mut world = self.world();
        let policies = world.tenants.get_mut(&tenant).map(|tenant| &mut tenant.policies);
        for policy in policies.into_iter().flat_map(|policies| &mut policies.outbound_spam) {
            mode.clone_into(&mut policy.auto_forwarding_mode);
        }
    }
}
