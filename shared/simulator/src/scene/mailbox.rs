//! Fills a mailbox: a person's folders, mail, calendar, contacts and tasks.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{MailboxFill, NoContent, Part, eml};
use crate::{
    Simulator,
    content::Content,
    directory::Tenant,
    mailbox::{ItemData, Mailbox},
    random::Rng,
};

/// Folders of a person's own: under which default folder, name, container class.
const FOLDERS: [(&str, &str, &str); 8] = [
    ("inbox", "Projects", "IPF.Note"),
    ("inbox", "Invoices & Receipts", "IPF.Note"),
    ("msgfolderroot", "Customers", "IPF.Note"),
    ("msgfolderroot", "Größe/Länge", "IPF.Note"),
    ("calendar", "Holidays", "IPF.Appointment"),
    ("contacts", "Suppliers", "IPF.Contact"),
    ("tasks", "Garden", "IPF.Task"),
    ("archive", "2019", "IPF.Note"),
];
const SUBJECTS: [&str; 10] = [
    "Quarterly figures",
    "Re: Contract draft",
    "Lunch on Friday?",
    "Meeting notes",
    "Your invoice",
    "Travel plans",
    "AW: Angebot für Köln",
    "Offsite agenda",
    "Password policy",
    "",
];
const SENDERS: [&str; 5] = [
    "ada@example.org",
    "billing@supplier.example",
    "no-reply@news.example",
    "Grace <grace@partner.example>",
    "Jürgen <juergen@köln.example>",
];

/// Message class of items in a folder of this container class.
fn class_for(container: &str) -> &'static str {
    match container {
        "IPF.Appointment" => "IPM.Appointment",
        "IPF.Contact" => "IPM.Contact",
        "IPF.Task" => "IPM.Task",
        "IPF.StickyNote" => "IPM.StickyNote",
        "IPF.Journal" => "IPM.Activity",
        _ => "IPM.Note",
    }
}

/// Fills a mailbox.
pub(crate) fn fill(mailbox: &mut Mailbox, fill: &MailboxFill, random: &mut Rng, now: Timestamp) {
    mailbox.localise(&fill.language);
    let mut folders: Vec<(u64, String)> = Vec::new();
    for name in
        ["inbox", "sentitems", "inbox", "deleteditems", "calendar", "contacts", "tasks", "notes"]
    {
        let folder = mailbox.well_known(name).and_then(|number| mailbox.folders.get(&number));
        folders.extend(folder.map(|folder| (folder.number, folder.class.clone())));
    }
    let wanted = usize::try_from(fill.folders).unwrap_or(usize::MAX);
    for n in 0..wanted {
        let Some((under, name, class)) = FOLDERS.get(n % FOLDERS.len()) else { break };
        let round = n / FOLDERS.len();
        let name = if round == 0 { (*name).to_owned() } else { format!("{name} {round}") };
        // Every third folder lies inside the one before it.
        let above = if n % 3 == 2 { folders.last().cloned() } else { None };
        let above = above.filter(|(_, above)| above == class).map(|(number, _)| number);
        let parent = above.or_else(|| mailbox.well_known(under));
        folders.push((mailbox.create_folder(&name, parent, class), (*class).to_owned()));
    }
    if let Some(parent) = mailbox.well_known("inbox") {
        let hidden = mailbox.create_folder("Application Data", Some(parent), "IPF.Configuration");
        if let Some(folder) = mailbox.folders.get_mut(&hidden) {
            folder.hidden = true;
        }
        folders.push((hidden, "IPF.Configuration".to_owned()));
    }
    let spread = u64::from(fill.most_items.saturating_sub(fill.least_items)).saturating_add(1);
    let count = u64::from(fill.least_items).saturating_add(random.below(spread));
    for n in 0..count {
        let Some((folder, container)) = random.pick(&folders).cloned() else { break };
        let mut data = item(class_for(&container), random, now);
        if n < u64::from(fill.large_items) {
            data.content = Content::made(random.next_u64(), fill.large_bytes);
        }
        let number = mailbox.add_item(folder, data);
        if n < u64::from(fill.corrupt_items)
            && let Some(item) = mailbox.items.get_mut(&number)
        {
            item.corrupt = true;
        }
    }
}

/// An item with an age of up to three years.
pub(super) fn item(class: &str, random: &mut Rng, now: Timestamp) -> ItemData {
    let age = i64::try_from(random.below(3 * 365 * 86_400)).unwrap_or(0);
    let then = now.checked_sub(SignedDuration::from_secs(age)).unwrap_or(now);
    let id = random.guid();
    let pick = |words: &[&str], random: &mut Rng| {
        random.pick(words).map(|word| (*word).to_owned()).unwrap_or_default()
    };
    let mail = class == "IPM.Note";
    // Most items are small; one in twenty has attachments.
    let size = if random.below(20) == 0 {
        300_000 + random.below(3_000_000)
    } else {
        1_000 + random.below(60_000)
    };
    let mut categories = Vec::new();
    if random.below(6) == 0 {
        categories.push("Blue category".to_owned());
    }
    let mut properties = BTreeMap::new();
    properties.insert("Integer 0xe07".to_owned(), if mail { "1" } else { "0" }.to_owned());
    ItemData {
        identity: id.to_string(),
        class: class.to_owned(),
        subject: pick(&SUBJECTS, random),
        message_id: if mail { format!("<{}@example.org>", id.simple()) } else { String::new() },
        from: if mail { pick(&SENDERS, random) } else { String::new() },
        categories,
        created: then,
        modified: then,
        received: then,
        sent: then,
        properties,
        mail: None,
        content: Content::made(random.next_u64(), size),
    }
}

/// The mailbox of a person.
pub(super) fn of<'a>(
    tenant: &'a mut Tenant,
    user: &str,
    part: Part,
) -> Result<&'a mut Mailbox, NoContent> {
    let id = tenant.id;
    let guid = guid_of(tenant, user, part)?;
    let what = if part == Part::Primary { "mailbox" } else { "archive" };
    let missing = || NoContent::Store { tenant: id, user: user.to_owned(), what };
    tenant.mailboxes.get_mut(&guid).ok_or_else(missing)
}

/// The guid of a person's mailbox.
pub(super) fn guid_of(tenant: &Tenant, user: &str, part: Part) -> Result<Uuid, NoContent> {
    let (id, name) = (tenant.id, user.to_owned());
    let Some(account) = tenant.user_by_name(user) else {
        return Err(NoContent::User { tenant: id, user: name });
    };
    let owner = tenant.recipient_of(account.id).filter(|owner| owner.kind.is_mailbox());
    let (guid, what) = match part {
        Part::Primary => (owner.and_then(|owner| owner.mailbox), "mailbox"),
        Part::Archive => (owner.and_then(|owner| owner.archive), "archive"),
    };
    guid.ok_or(NoContent::Store { tenant: id, user: name, what })
}

impl Simulator {
    /// Puts made-up content into a person's mailbox; `user` is an object id or a user principal
    /// name.
    pub fn fill_mailbox(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
        how: &MailboxFill,
    ) -> Result<(), NoContent> {
        let now = self.now();
        self.with_mailbox(tenant, user, part, |mailbox, random| fill(mailbox, how, random, now))
    }

    /// Puts a message, as it is in an `.eml` file, into the inbox. Malformed ones are taken too.
    pub fn add_message_file(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
        bytes: &[u8],
    ) -> Result<(), NoContent> {
        let now = self.now();
        self.with_mailbox(tenant, user, part, |mailbox, random| {
            let headers = eml::read(bytes);
            let then = headers.date.unwrap_or(now);
            let data = ItemData {
                subject: headers.subject,
                message_id: headers.message_id,
                from: headers.from,
                created: then,
                modified: then,
                received: then,
                sent: then,
                categories: Vec::new(),
                content: Content::Kept(bytes.to_vec().into()),
                ..item("IPM.Note", random, now)
            };
            if let Some(inbox) = mailbox.well_known("inbox") {
                mailbox.add_item(inbox, data);
            }
        })
    }

    /// Makes every delta token of the mailbox void: the next use answers 410.
    pub fn expire_mailbox_deltas(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
    ) -> Result<(), NoContent> {
        self.with_mailbox(tenant, user, part, |mailbox, _| {
            mailbox.generation = mailbox.generation.saturating_add(1);
        })
    }

    /// Makes the first `count` readable items of a mailbox unreadable.
    pub fn corrupt_items(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
        count: usize,
    ) -> Result<(), NoContent> {
        self.with_mailbox(tenant, user, part, |mailbox, _| {
            let readable = mailbox.items.values_mut().filter(|item| !item.corrupt);
            readable.take(count).for_each(|item| item.corrupt = true);
        })
    }

    /// Makes every unreadable item of a mailbox readable again.
    pub fn repair_items(&self, tenant: Uuid, user: &str, part: Part) -> Result<(), NoContent> {
        self.with_mailbox(tenant, user, part, |mailbox, _| {
            mailbox.items.values_mut().for_each(|item| item.corrupt = false);
        })
    }

    pub(super) fn with_mailbox<R>(
        &self,
        tenant: Uuid,
        user: &str,
        part: Part,
        act: impl FnOnce(&mut Mailbox, &mut Rng) -> R,
    ) -> Result<R, NoContent> {
        let mut world = self.world();
        let mut random = Rng::new(world.random.next_u64());
        let found = world.tenants.get_mut(&tenant);
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let mailbox = of(found.ok_or_else(missing)?, user, part)?;
        Ok(act(mailbox, &mut random))
    }

    /// Lets an archive expand: a new auxiliary mailbox holds a folder with `items` items, which
    /// shows in the archive with a `parentMailboxUrl`.
    pub fn expand_archive(&self, tenant: Uuid, user: &str, items: u32) -> Result<(), NoContent> {
        let now = self.now();
        let mut world = self.world();
        let guid = world.random.guid();
        let mut random = Rng::new(world.random.next_u64());
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let found = world.tenants.get_mut(&tenant).ok_or_else(missing)?;
        let mut auxiliary = Mailbox::new(guid, &mut random, now);
        let root = auxiliary.well_known("msgfolderroot");
        let folder = auxiliary.create_folder("Expanded", root, "IPF.Note");
        for _ in 0..items {
            let data = item("IPM.Note", &mut random, now);
            auxiliary.add_item(folder, data);
        }
        let archive = of(found, user, Part::Archive)?;
        let parent = archive.well_known("msgfolderroot");
        archive.branches.push(crate::mailbox::Branch { parent, mailbox: guid, folder });
        found.mailboxes.insert(guid, auxiliary);
        Ok(())
    }
}
