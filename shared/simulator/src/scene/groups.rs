//! Groups that somebody makes in the meantime.

use uuid::Uuid;

use crate::{
    Simulator,
    directory::{RecipientKind, Stamp},
    generate::{entra_group, group_recipient},
};

impl Simulator {
    /// An administrator makes a mail-enabled security group of nobody, with this name and alias. Gives its
    /// object id; none for a tenant that is not there.
    pub fn add_security_group(&self, tenant: Uuid, name: &str, alias: &str) -> Option<Uuid> {
        self.add_group(tenant, name, alias, RecipientKind::MailUniversalSecurityGroup)
    }

    /// The same with a distribution list, which can hold no rights.
    pub fn add_distribution_list(&self, tenant: Uuid, name: &str, alias: &str) -> Option<Uuid> {
        self.add_group(tenant, name, alias, RecipientKind::MailUniversalDistributionGroup)
    }

    fn add_group(
        &self,
        tenant: Uuid,
        name: &str,
        alias: &str,
        kind: RecipientKind,
    ) -> Option<Uuid> {
        let stamp = Stamp::everywhere(self.now());
        let mut world = self.world();
        let domain = world.tenants.get(&tenant)?.default_domain().to_owned();
        let list = group_recipient(&mut world, name, alias, &domain, kind, Vec::new(), stamp);
        let home = world.tenants.get_mut(&tenant)?;
        let group = entra_group(&list, home, stamp);
        let id = group.id;
        home.groups.put(id, group, stamp);
        home.put_recipient(list, stamp);
        Some(id)
    }
}
