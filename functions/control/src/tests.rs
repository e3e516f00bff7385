//! What several files' tests share: users, and a host on the reference store without any tenant.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use catalogue::ProjectType;
use conformance::reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock};
use engine::{Host, HostIdentity, StepError, StoredScripts, TenantPair, Tenants, records::Batch};
use model::{Capabilities, Keys, Profile, Project, SourceIdentity, TenantFacts, User};
use ports::{Clock, Queue, Store};
use scripting::Budget;

use crate::{Scope, store_project};

/// A user that was discovered a moment ago.
pub(crate) fn user(id: &str) -> User {
    let source = SourceIdentity {
        object_id: id.to_owned(),
        user_principal_name: format!("{id}@old.example"),
        display_name: id.to_owned(),
        mail: format!("{id}@old.example"),
        ..SourceIdentity::default()
    };
    User::discovered(id.parse().unwrap(), source)
}

/// A project on the reference store, with the clock in the test's hand.
pub(crate) struct Desk {
    pub(crate) host: Host,
    pub(crate) clock: VirtualClock,
    pub(crate) project: Project,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let clock = VirtualClock::at("2026-06-01T08:00:00Z".parse().unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let queue: Arc<dyn Queue> = Arc::new(ModelQueue::new(Arc::clone(&shared), 20));
        let store: Arc<dyn Store> = Arc::new(ModelStore::new());
        let scripts =
            StoredScripts::new(Arc::clone(&store), Arc::clone(&shared), Budget::default(), None);
        let host = Host {
            store,
            queue,
            clock: shared,
            random: Arc::new(SeededRandom::new(1)),
            tenants: Arc::new(Nowhere),
            scripts: Arc::new(scripts),
            webhooks: Arc::new(engine::NoWebhooks),
            identity: HostIdentity { incarnation: "test".to_owned(), sole: true, until: None },
        };
        let facts = |name: &str| TenantFacts {
            tenant_id: "00000000-0000-0000-0000-000000000001".to_owned(),
            initial_domain: format!("{name}.onmicrosoft.com"),
            domains: vec![format!("{name}.example")],
            capabilities: Capabilities::default(),
            licences: None,
        };
        let project = Project {
            customer: "local".parse().unwrap(),
            id: "merger".parse().unwrap(),
            project_type: ProjectType::Premium,
            source: facts("old"),
            target: facts("new"),
            match_by: Vec::new(),
            groups: model::GroupMatching::default(),
            target_domain: "new.example".to_owned(),
            default_profile: Profile::default(),
            profiles: BTreeMap::new(),
            notification_sender: None,
            quiet_hours: None,
            policy: model::ScriptPolicy::default(),
        };
        store_project(&host, &project).await.unwrap();
        Self { host, clock, project }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::of(&self.project)
    }

    /// Stores a user.
    pub(crate) async fn put(&self, user: &User) {
        let mut batch = Batch::new();
        batch.put(Keys::user(&self.scope().user(&user.id)), user, 0).unwrap();
        batch.commit(&*self.host.store).await.unwrap();
    }

    /// Everybody as stored.
    pub(crate) async fn users(&self) -> Vec<User> {
        let users = self.scope().users(&self.host).await.unwrap();
        users.into_iter().map(|user| user.value).collect()
    }
}

/// No tenant can be reached: what is tested asks none.
struct Nowhere;

#[async_trait]
impl Tenants for Nowhere {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Err(StepError::park("nowhere", "there is no tenant", "none"))
    }

    fn requests(&self, _project: &Project) -> u64 {
        0
    }
}
