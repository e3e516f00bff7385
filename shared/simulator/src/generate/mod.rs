//! Filling tenants: a seeded population, a CSV of users, a folder of `.eml` files.

mod content;
mod csv;
mod eml;
mod names;
mod people;
mod population;
mod setup;
mod social;

pub use csv::LoadError;
pub use eml::EmlLimits;
pub use population::Population;

use people::Person;
pub(crate) use setup::{add_service_account, prepare_pair, supply};
pub(crate) use social::{entra_group, group_recipient};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{directory::Stamp, world::World};

/// Fills a source tenant with a population, and the target with those of them who are there
/// already.
pub(crate) fn populate(
    world: &mut World,
    source: Uuid,
    target: Uuid,
    population: &Population,
    now: Timestamp,
) {
    let stamp = Stamp::everywhere(now);
    let people = people::source(world, source, population, stamp);
    social::weave(world, source, population, &people, stamp);
    people::target(world, target, population, &people, stamp);
    if population.content {
        content::fill(world, source, &people, now);
    }
}
