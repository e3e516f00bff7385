//! What is in the mailboxes, archives and drives of generated people.

use jiff::Timestamp;
use uuid::Uuid;

use super::Person;
use crate::{
    scene::{DriveFill, MailboxFill, fill_drive, fill_mailbox},
    world::World,
};

/// Fills the mailbox, the archive and the drive of every person; each tenth drive has oddities.
pub(super) fn fill(world: &mut World, tenant: Uuid, people: &[Person], now: Timestamp) {
    let colleagues: Vec<Uuid> = people.iter().map(|person| person.user).take(50).collect();
    let random = &mut world.random;
    let Some(tenant) = world.tenants.get_mut(&tenant) else { return };
    for (index, person) in people.iter().enumerate() {
        let Some(recipient) = tenant.recipients.get(person.recipient) else { continue };
        let language = recipient.regional.language.clone().unwrap_or_else(|| "en-US".to_owned());
        let mail = MailboxFill { language, ..MailboxFill::default() };
        for guid in [recipient.mailbox, recipient.archive].into_iter().flatten() {
            if let Some(mailbox) = tenant.mailboxes.get_mut(&guid) {
                fill_mailbox(mailbox, &mail, random, now);
            }
        }
        let files = DriveFill { oddities: index % 10 == 9, ..DriveFill::default() };
        if let Some(drive) = tenant.drives.get_mut(&person.user) {
            let others: Vec<Uuid> =
                colleagues.iter().copied().filter(|id| *id != person.user).collect();
            fill_drive(drive, &files, &others, random, now);
        }
    }
}
