//! Which projects a deployment holds: those whose own record is in the table's listing.

use async_trait::async_trait;
use control::Scope;
use model::Keys;
use ports::{Key, StoreError};

/// Finds the projects of a deployment. The store's port knows one partition at a time; the table's
/// index knows all of them, a moment late.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Every project.
    async fn all(&self) -> Result<Vec<Scope>, StoreError>;
}

/// The project whose own record has this key.
pub fn project_of(key: &Key) -> Option<Scope> {
    let scope = scope_of(&key.partition)?;
    let (_, sort) = Keys::project(&scope.customer, &scope.project);
    (key.sort == sort).then_some(scope)
}

/// The project whose partition this is.
pub(crate) fn scope_of(partition: &str) -> Option<Scope> {
    let (customer, project) = partition.strip_prefix("C#")?.split_once("#P#")?;
    // No id has a `#`: what follows the project's is another partition.
    Some(Scope { customer: customer.parse().ok()?, project: project.parse().ok()? })
}
