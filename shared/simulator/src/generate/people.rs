//! People: accounts, mailboxes, drives, guests, and who exists in the target already.

use serde_json::json;
use uuid::Uuid;

use super::{
    names::{DEPARTMENTS, FAMILY, GIVEN, PLACES, TITLES},
    population::Population,
};
use crate::{
    directory::{
        AssignedLicence, Attributes, Proxy, Recipient, RecipientKind, Regional, Stamp, Tenant, User,
    },
    exchange::new_recipient,
    mailbox::Mailbox,
    world::World,
};

/// A person of a population.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: Uuid,
    pub(crate) recipient: Uuid,
    pub(crate) alias: String,
    pub(crate) display_name: String,
    pub(crate) given_name: String,
    pub(crate) surname: String,
    pub(crate) department: String,
    pub(crate) title: String,
    pub(crate) place: usize,
}

/// What an account to add is like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) upn: String,
    pub(crate) alias: String,
    pub(crate) display_name: String,
    pub(crate) attributes: Attributes,
    pub(crate) usage_location: Option<String>,
    pub(crate) mailbox: bool,
    pub(crate) archive: bool,
    pub(crate) hold: bool,
    pub(crate) synced: bool,
    pub(crate) shared: bool,
    pub(crate) regional: Regional,
    /// X500 addresses besides its own LegacyExchangeDN.
    pub(crate) x500: Vec<String>,
}

/// The people of a source tenant.
pub(super) fn source(
    world: &mut World,
    tenant: Uuid,
    population: &Population,
    stamp: Stamp,
) -> Vec<Person> {
    let mut people = Vec::with_capacity(population.people);
    for index in 0..population.people {
        let person = named(world, index);
        let hits = |share, offset| Population::hits(share, index, offset);
        let wanted = Wanted {
            mailbox: true,
            archive: hits(population.archives, 2),
            hold: hits(population.holds, 7),
            synced: hits(population.synced, 5),
            x500: if hits(population.old_x500, 1) {
                (0..=index % 2)
                    .map(|_| Tenant::legacy_dn(&world.random.hex(16), "old (2009)"))
                    .collect()
            } else {
                Vec::new()
            },
            ..like(&person, world, tenant)
        };
        let (user, recipient) = add_person(world, tenant, &wanted, stamp);
        people.push(Person { user, recipient, ..person });
    }
    people
}

/// The name of person number `index`: the first two share one, later repetitions of a name get a
/// number in the address.
fn named(world: &mut World, index: usize) -> Person {
    let round = index / GIVEN.len();
    let shifted = index.saturating_add(round.saturating_mul(7));
    // Two people of one name, next to each other.
    let place_in_list = if index == 1 { 0 } else { shifted };
    let given = GIVEN.get(place_in_list % GIVEN.len()).copied().unwrap_or_default();
    let family = FAMILY.get(place_in_list % FAMILY.len()).copied().unwrap_or_default();
    let alias = match index {
        0 => format!("{}.{}", given.1, family.1),
        1 => format!("{}.{}2", given.1, family.1),
        _ if round > 0 => format!("{}.{}{}", given.1, family.1, index),
        _ => format!("{}.{}", given.1, family.1),
    };
    let department = world.random.pick(&DEPARTMENTS).copied().unwrap_or_default();
    let title = world.random.pick(&TITLES).copied().unwrap_or_default();
    Person {
        user: Uuid::nil(),
        recipient: Uuid::nil(),
        alias,
        display_name: format!("{} {}", given.0, family.0),
        given_name: given.0.to_owned(),
        surname: family.0.to_owned(),
        department: department.to_owned(),
        title: title.to_owned(),
        place: world.random.index(PLACES.len()),
    }
}

fn like(person: &Person, world: &mut World, tenant: Uuid) -> Wanted {
    let domain = world.tenants.get(&tenant).map(|t| t.default_domain().to_owned());
    let (city, country, location, zone, language) =
        PLACES.get(person.place).copied().unwrap_or_default();
    let phone = format!("+49 89 {:07}", world.random.below(10_000_000));
    let mut attributes = Attributes::new();
    for (name, text) in [
        ("givenName", person.given_name.as_str()),
        ("surname", person.surname.as_str()),
        ("department", person.department.as_str()),
        ("jobTitle", person.title.as_str()),
        ("city", city),
        ("country", country),
        ("preferredLanguage", language),
    ] {
        attributes.insert(name.to_owned(), json!(text));
    }
    attributes.insert("businessPhones".to_owned(), json!([phone]));
    attributes.insert("extensionAttribute1".to_owned(), json!(format!("P-{}", person.alias)));
    Wanted {
        upn: format!("{}@{}", person.alias, domain.unwrap_or_default()),
        alias: person.alias.clone(),
        display_name: person.display_name.clone(),
        attributes,
        usage_location: Some(location.to_owned()),
        regional: Regional {
            language: Some(language.to_owned()),
            time_zone: Some(zone.to_owned()),
            date_format: None,
            time_format: None,
        },
        ..Wanted::default()
    }
}

/// Adds an account, with a mailbox and a drive if it is to have them. Gives the ids of the account
/// and of the recipient (nil for none).
pub(crate) fn add_person(
    world: &mut World,
    tenant_id: Uuid,
    wanted: &Wanted,
    stamp: Stamp,
) -> (Uuid, Uuid) {
    let (user_id, guid, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let (mailbox, archive) = (world.random.guid(), world.random.guid());
    let now = stamp.now;
    let random = &mut world.random;
    let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return (user_id, Uuid::nil()) };
    let licences: Vec<AssignedLicence> = tenant
        .skus
        .first()
        .filter(|_| wanted.mailbox && !wanted.shared)
        .map(|sku| AssignedLicence { sku: sku.id, disabled_plans: Vec::new() })
        .into_iter()
        .collect();
    let user = User {
        id: user_id,
        upn: wanted.upn.clone(),
        display_name: wanted.display_name.clone(),
        mail_nickname: wanted.alias.clone(),
        enabled: !wanted.shared,
        user_type: "Member".to_owned(),
        external_state: None,
        usage_location: wanted.usage_location.clone(),
        synced: wanted.synced,
        licences,
        mail: None,
        proxies: Vec::new(),
        manager: None,
        attributes: wanted.attributes.clone(),
        created: now,
        revision: 0,
        former_mailbox: None,
    };
    tenant.put_user(user, stamp);
    if !wanted.mailbox {
        return (user_id, Uuid::nil());
    }
    let kind =
        if wanted.shared { RecipientKind::SharedMailbox } else { RecipientKind::UserMailbox };
    let mut recipient = new_recipient(guid, user_id, kind, now);
    recipient.name = tenant.free_name(&wanted.display_name, &hex);
    recipient.alias.clone_from(&wanted.alias);
    recipient.display_name.clone_from(&wanted.display_name);
    recipient.upn.clone_from(&wanted.upn);
    recipient.attributes.clone_from(&wanted.attributes);
    recipient.synced = wanted.synced;
    recipient.litigation_hold = wanted.hold;
    recipient.regional = wanted.regional.clone();
    recipient.legacy_dn = Tenant::legacy_dn(&hex, &wanted.alias);
    recipient.proxies = addresses(tenant, wanted);
    recipient.mailbox = Some(mailbox);
    tenant.mailboxes.insert(mailbox, Mailbox::new(mailbox, random, now));
    if wanted.archive {
        recipient.archive = Some(archive);
        tenant.mailboxes.insert(archive, Mailbox::new(archive, random, now));
    }
    tenant.put_recipient(recipient, stamp);
    if !wanted.shared {
        crate::drive::provision(world, tenant_id, user_id, now);
    }
    (user_id, guid)
}

fn addresses(tenant: &Tenant, wanted: &Wanted) -> Vec<Proxy> {
    let mut proxies = vec![Proxy::primary(&wanted.upn)];
    let initial = format!("{}@{}", wanted.alias, tenant.initial_domain());
    if !initial.eq_ignore_ascii_case(&wanted.upn) {
        proxies.push(Proxy::smtp(&initial));
    }
    proxies.extend(wanted.x500.iter().map(|name| Proxy::x500(name)));
    proxies.push(Proxy::parse(&format!("SPO:SPO_{}@SPO_{}", wanted.alias, tenant.id)));
    proxies
}

/// Who is in the target already: accounts of the same alias, and, for conflicts, a distribution
/// list that holds the address.
pub(super) fn target(
    world: &mut World,
    tenant: Uuid,
    population: &Population,
    people: &[Person],
    stamp: Stamp,
) {
    for (index, person) in people.iter().enumerate() {
        if Population::hits(population.existing_in_target, index, 3) {
            let existing = Wanted { mailbox: index % 8 == 3, ..like(person, world, tenant) };
            add_person(world, tenant, &existing, stamp);
        } else if Population::hits(population.conflicts, index, 4) {
            let holder = conflicting_list(world, tenant, person, stamp);
            if let Some(tenant) = world.tenants.get_mut(&tenant) {
                tenant.put_recipient(holder, stamp);
            }
        }
    }
}

fn conflicting_list(world: &mut World, tenant: Uuid, person: &Person, stamp: Stamp) -> Recipient {
    let (guid, object, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let domain =
        world.tenants.get(&tenant).map(|t| t.default_domain().to_owned()).unwrap_or_default();
    let kind = RecipientKind::MailUniversalDistributionGroup;
    let mut list = new_recipient(guid, object, kind, stamp.now);
    list.name = format!("Old list {}", person.alias);
    list.display_name.clone_from(&list.name);
    list.alias = format!("list.{}", person.alias);
    list.legacy_dn = Tenant::legacy_dn(&hex, &list.alias);
    list.proxies = vec![Proxy::primary(&format!("{}@{domain}", person.alias))];
    list
}
