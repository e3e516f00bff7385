//! `check`: looks at both tenants before anything is written, and says what is missing, where, and
//! what to do. Every finding stands for itself: one that stops the look at a tenant does not stop
//! the look at the other.

mod access;
mod people;
mod policies;

use std::fmt;

use catalogue::{ProjectType, Side};
use engine::Host;
use model::Project;
use serde::Serialize;
use tenant::{Class, TenantClient, TenantError};

use crate::{ControlError, Scope, Selection, error::side_name};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Work would fail: nothing should be started.
    Blocks,
    /// Some people, or some part of the work, would fail.
    Hinders,
    /// Worth knowing.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The tenant.
    pub side: Side,
    /// What was looked at, for instance `consent`.
    pub about: &'static str,
    /// What was found.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What was looked at and is as it should be.
    pub good: Vec<String>,
}

impl Preflight {
    /// Whether nothing blocks or hinders.
    pub fn is_clear(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Note)
    }

    fn good(&mut self, side: Side, what: impl fmt::Display) {
        self.good.push(format!("{}: {what}", side_name(side)));
    }

    fn find(
        &mut self,
        severity: Severity,
        side: Side,
        about: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (what, advice) = (what.into(), advice.into());
        self.findings.push(Finding { severity, side, about, what, advice });
    }

    /// A look that the tenant refused.
    fn refused(&mut self, side: Side, about: &'static str, error: &TenantError) {
        let advice = match &error.class {
            Class::MissingConsent { role } => {
                format!("grant {role} to the application in Microsoft Entra and give admin consent")
            }
            Class::Forbidden => {
                "give the application the Exchange Administrator role; a new token carries it"
                    .into()
            }
            _ => "see the message".to_owned(),
        };
        self.find(Severity::Hinders, side, about, error.to_string(), advice);
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for good in &self.good {
            writeln!(f, "  good     {good}")?;
        }
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Blocks => "blocks",
                Severity::Hinders => "hinders",
                Severity::Note => "note",
            };
            let Finding { about, what, advice, side, .. } = finding;
            writeln!(f, "  {severity:<8} {}, {about}: {what}", side_name(*side))?;
            writeln!(f, "           {advice}")?;
        }
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let (blocks, hinders) = (count(Severity::Blocks), count(Severity::Hinders));
        if self.is_clear() {
            writeln!(f, "Nothing stands in the way")
        } else {
            let things = |count, verb| match count {
                1 => format!("1 thing {verb}s"),
                _ => format!("{count} things {verb}"),
            };
            writeln!(f, "{} the work, {} it", things(blocks, "block"), things(hinders, "hinder"))
        }
    }
}

/// What every look needs.
struct Look<'a> {
    host: &'a Host,
    project: &'a Project,
    client: TenantClient,
    side: Side,
}

impl Look<'_> {
    /// Whether people are prepared and their mail is routed.
    fn routes_mail(&self) -> bool {
        self.project.project_type == ProjectType::Premium
    }
}

/// Looks at both tenants, and at what the chosen people need.
pub async fn preflight(
    host: &Host,
    project: &Project,
    selection: &Selection,
) -> Result<Preflight, ControlError> {
    let tenants = host.tenants.of(project).await?;
    let mut found = Preflight::default();
    let mut reachable = Vec::new();
    for (side, client) in [(Side::Source, tenants.source), (Side::Target, tenants.target)] {
        let look = Look { host, project, client, side };
        if access::look(&look, &mut found).await {
            policies::look(&look, &mut found).await;
            reachable.push(look);
        }
    }
    let users = selection.resolve(host, &Scope::of(project)).await?;
    if let [_, target] = reachable.as_slice() {
        people::look(target, &users, &mut found).await?;
    }
    found.findings.sort_by_key(|finding| finding.severity);
    Ok(found)
}
