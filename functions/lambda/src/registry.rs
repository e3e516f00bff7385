//! Which projects a deployment holds: its books, apart from the customers' partitions.

use control::{ControlError, Scope};
use engine::{
    Host,
    records::{Batch, load_all},
};
use model::{CustomerId, ProjectId, Stored};
use serde::{Deserialize, Serialize};

/// The partition of the books.
pub(crate) const BOOKS: &str = "DEPLOYMENT";
const PROJECTS: &str = "P#";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    customer: CustomerId,
    project: ProjectId,
}

impl Stored for Entry {
    const KIND: &'static str = "registered project";
}

/// Enters a project; entering it again changes nothing.
pub async fn register(host: &Host, scope: &Scope) -> Result<(), ControlError> {
    let entry = Entry { customer: scope.customer.clone(), project: scope.project.clone() };
    let place = (BOOKS.to_owned(), format!("{PROJECTS}{}#{}", scope.customer, scope.project));
    let mut batch = Batch::new();
    batch.overwrite(place, &entry)?;
    Ok(batch.commit(&*host.store).await?)
}

/// Every project of the deployment.
pub async fn all_projects(host: &Host) -> Result<Vec<Scope>, ControlError> {
    let entries = load_all::<Entry>(&*host.store, BOOKS, PROJECTS).await?;
    let scope = |entry: Entry| Scope { customer: entry.customer, project: entry.project };
    Ok(entries.into_iter().map(|entry| scope(entry.value)).collect())
}
