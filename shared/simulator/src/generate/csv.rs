//! A CSV of users: the header names Graph properties, and `mailbox`, `archive`, `shared`, `synced`.

use std::io::Read;

use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use super::people::{Wanted, add_person};
use crate::{
    Simulator,
    directory::{Stamp, domain_of},
};

/// Most users in one file.
const MOST_USERS: usize = 200_000;

/// Why a file was not loaded. Nothing of it is in the tenant then.
#[derive(Debug, Error)]
pub enum LoadError {
    /// There is no such tenant.
    #[error("the simulator has no tenant {0}")]
    NoTenant(Uuid),
    /// There is no such person, or no mailbox.
    #[error(transparent)]
    NoContent(#[from] crate::NoContent),
    /// A line is wrong.
    #[error("line {line}: {text}")]
    Line {
        /// The line in the file, from 1.
        line: u64,
        /// What was found and what is expected.
        text: String,
    },
    /// The file cannot be read.
    #[error("{place}: {text}")]
    Unreadable {
        /// The file or folder.
        place: String,
        /// The cause.
        text: String,
    },
}

fn wrong(line: u64, text: impl Into<String>) -> LoadError {
    LoadError::Line { line, text: text.into() }
}

impl Simulator {
    /// Adds the users of a CSV to a tenant and says how many. The header must name
    /// `userPrincipalName` and `displayName`; `mailNickname` and `usageLocation` and plain
    /// attributes of Graph's user may follow, and the flags `mailbox`, `archive`, `shared` and
    /// `synced` (`true` or `false`; a mailbox is the default).
    pub fn load_people(&self, tenant: Uuid, csv: impl Read) -> Result<usize, LoadError> {
        let now = self.now();
        let mut world = self.world();
        let target = world.tenants.get(&tenant).ok_or(LoadError::NoTenant(tenant))?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
        let header = reader.headers().map_err(|fault| wrong(1, fault.to_string()))?.clone();
        for name in ["userPrincipalName", "displayName"] {
            if !header.iter().any(|column| column == name) {
                return Err(wrong(1, format!("the column {name} is missing")));
            }
        }
        let mut users = Vec::new();
        let mut names = std::collections::BTreeMap::new();
        for row in reader.records() {
            let row = row.map_err(|fault| {
                let line = fault.position().map_or(0, csv::Position::line);
                wrong(line, fault.to_string())
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            let wanted = wanted(&header, &row, line)?;
            let domain = domain_of(&wanted.upn).unwrap_or_default();
            if !target.accepts(domain) {
                return Err(wrong(line, format!("{domain} is no domain of {}", target.name)));
            }
            if let Some(first) = names.insert(wanted.upn.to_lowercase(), line) {
                let text = format!("{} is in line {first} already", wanted.upn);
                return Err(wrong(line, text));
            }
            if target.user_by_name(&wanted.upn).is_some() {
                return Err(wrong(line, format!("{} is in the tenant already", wanted.upn)));
            }
            users.push(wanted);
            if users.len() > MOST_USERS {
                return Err(wrong(line, format!("more than {MOST_USERS} users")));
            }
        }
        for user in &users {
            add_person(&mut world, tenant, user, Stamp::everywhere(now));
        }
        Ok(users.len())
    }
}

fn wanted(
    header: &csv::StringRecord,
    row: &csv::StringRecord,
    line: u64,
) -> Result<Wanted, LoadError> {
    let mut user = Wanted { mailbox: true, ..Wanted::default() };
    for (name, text) in header.iter().zip(row.iter()).filter(|(_, text)| !text.is_empty()) {
        let flag = || match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            _ => Err(wrong(line, format!("{name} is `{text}`; true or false is expected"))),
        };
        match name {
            "userPrincipalName" => text.clone_into(&mut user.upn),
            "displayName" => text.clone_into(&mut user.display_name),
            "mailNickname" => text.clone_into(&mut user.alias),
            "usageLocation" => user.usage_location = Some(text.to_uppercase()),
            "mailbox" => user.mailbox = flag()?,
            "archive" => user.archive = flag()?,
            "shared" => user.shared = flag()?,
            "synced" => user.synced = flag()?,
            "businessPhones" => {
                user.attributes.insert(name.to_owned(), json!([text]));
            }
            _ if crate::graph::is_plain_user_text(name) => {
                user.attributes.insert(name.to_owned(), json!(text));
            }
            _ => return Err(wrong(1, format!("the column {name} is not known"))),
        }
    }
    if domain_of(&user.upn).is_none() {
        return Err(wrong(line, format!("`{}` is no sign-in name", user.upn)));
    }
    if user.display_name.is_empty() {
        return Err(wrong(line, "the display name is empty"));
    }
    if user.alias.is_empty() {
        user.alias = user.upn.split('@').next().unwrap_or_default().to_owned();
    }
    Ok(user)
}
