//! How a project's tenants are reached: which application signs in, and where its credential is kept.
//! The credential itself is never in the table.

use control::{ControlError, Scope};
use engine::{
    Host,
    records::{Batch, load},
};
use model::{Keys, Stored};
use serde::{Deserialize, Serialize};
use url::Url;

/// Where an application's credential is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// In the secret of this name: a client secret, or a certificate with its key.
    Secret(String),
    /// Nowhere: the application trusts the function's role.
    Role,
}

/// One tenant's application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub client_id: String,
    /// Its credential.
    pub credential: Kept,
    /// Other addresses than the public cloud's: a national cloud, or the simulator.
    #[serde(default)]
    pub endpoints: Option<Addresses>,
}

/// Addresses of a tenant's services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The identity platform.
    pub login: Url,
    /// Microsoft Graph.
    pub graph: Url,
    /// Exchange Online.
    pub exchange: Url,
    /// SharePoint's administration host.
    #[serde(default)]
    pub sharepoint_admin: Option<Url>,
}

/// Both applications of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The tenant that people leave.
    pub source: Application,
    /// The tenant that people join.
    pub target: Application,
}

impl Stored for Connection {
    const KIND: &'static str = "connection";
}

fn place(scope: &Scope) -> (String, String) {
    (Keys::project_partition(&scope.customer, &scope.project), "CONNECTION".to_owned())
}

impl Connection {
    /// Keeps how a project is reached.
    pub async fn store(&self, host: &Host, scope: &Scope) -> Result<(), ControlError> {
        let mut batch = Batch::new();
        batch.overwrite(place(scope), self)?;
        Ok(batch.commit(&*host.store).await?)
    }

    /// How a project is reached; `None` when nobody has said so.
    pub async fn of(store: &dyn ports::Store, scope: &Scope) -> Result<Option<Self>, ControlError> {
        Ok(load::<Self>(store, place(scope)).await?.map(|loaded| loaded.value))
    }
}
