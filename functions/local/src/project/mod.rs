//! The project file: what a person writes, checked strictly, with every fault at its line and column.

mod credentials;
mod file;
mod template;

pub(crate) use credentials::{Connections, CredentialError, connections};
pub(crate) use file::{Network, ProjectFile, read};
pub(crate) use template::{Template, TenantTemplate, template};
