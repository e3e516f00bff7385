//! Fills a drive: folders, files of every size, shares, and what cannot be copied.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{DriveFill, NoContent};
use crate::{
    Simulator,
    content::Content,
    directory::Tenant,
    drive::{Drive, Entry, File, Grant, Grantee, Kind, ROOT},
    random::Rng,
};

const FOLDERS: [&str; 6] = ["Documents", "Pictures", "Ärger & Söhne", "2024", "Plans", "empty"];
const NAMES: [&str; 8] = [
    "Report.docx",
    "Budget.xlsx",
    "Pitch deck.pptx",
    "photo.jpg",
    "notes.txt",
    "archive.zip",
    "Größenübersicht.pdf",
    "data.csv",
];

/// Fills a drive; `others` are people of the tenant to share with.
pub(crate) fn fill(
    drive: &mut Drive,
    fill: &DriveFill,
    others: &[Uuid],
    random: &mut Rng,
    now: Timestamp,
) {
    let mut folders = vec![ROOT];
    for n in 0..usize::try_from(fill.folders).unwrap_or(usize::MAX) {
        let parent = if n % 2 == 0 { ROOT } else { folders.last().copied().unwrap_or(ROOT) };
        let name = FOLDERS.get(n % FOLDERS.len()).copied().unwrap_or("Folder");
        folders.push(drive.insert(Some(parent), &format!("{name} {n}"), Kind::Folder, now));
    }
    // The last folder stays empty.
    let homes = folders.split_last().filter(|(_, homes)| !homes.is_empty());
    let homes = homes.map_or_else(|| folders.clone(), |(_, homes)| homes.to_vec());
    let spread = u64::from(fill.most_files.saturating_sub(fill.least_files)).saturating_add(1);
    let count = u64::from(fill.least_files).saturating_add(random.below(spread));
    let mut made = folders.clone();
    for n in 0..count {
        let large = (n < u64::from(fill.large_files)).then_some(fill.large_bytes);
        made.push(file(drive, &homes, n, large.or(fill.small_bytes), random, now));
    }
    for _ in 0..fill.shares {
        let (at, who) = (random.pick(&made).copied(), random.pick(others).copied());
        if let (Some(at), Some(who)) = (at.filter(|at| *at != ROOT), who) {
            let role = if random.chance(0.5) { "read" } else { "write" };
            let id = random.hex(8);
            let roles = vec![role.to_owned()];
            drive.amend(at, now, |entry| {
                entry.grants.push(Grant { id, roles, grantee: Grantee::User(who) });
            });
        }
    }
    if fill.oddities {
        drive.insert(Some(ROOT), "Team notebook", Kind::Notebook, now);
        let (drive_id, item) = ("b!elsewhere".to_owned(), "01ELSEWHERE".to_owned());
        drive.insert(Some(ROOT), "Shared plans", Kind::Shortcut { drive: drive_id, item }, now);
        let bad = File { malware: true, ..File::new(Content::made(random.next_u64(), 5_000)) };
        drive.insert(Some(ROOT), "invoice.exe", Kind::File(bad), now);
        drive.insert(Some(ROOT), "empty.txt", Kind::File(File::new(Content::made(0, 0))), now);
    }
}

/// A file with an age of up to three years.
pub(super) fn file(
    drive: &mut Drive,
    folders: &[u64],
    n: u64,
    size: Option<u64>,
    random: &mut Rng,
    now: Timestamp,
) -> u64 {
    let parent = random.pick(folders).copied().unwrap_or(ROOT);
    let name = random.pick(&NAMES).copied().unwrap_or("file.bin");
    let name = match name.split_once('.') {
        Some((stem, extension)) => format!("{stem} {n}.{extension}"),
        None => format!("{name} {n}"),
    };
    let size = size.unwrap_or_else(|| match random.below(10) {
        0 => 0,
        1 => 1_000_000 + random.below(12_000_000),
        _ => random.below(400_000),
    });
    let content = Content::made(random.next_u64(), size);
    let number = drive.insert(Some(parent), &name, Kind::File(File::new(content)), now);
    let age = i64::try_from(random.below(3 * 365 * 86_400)).unwrap_or(0);
    let then = now.checked_sub(SignedDuration::from_secs(age)).unwrap_or(now);
    // SharePoint keeps whole seconds.
    let then = Timestamp::from_second(then.as_second()).unwrap_or(then);
    if let Some(entry) = drive.entries.get_mut(&number) {
        (entry.fs_created, entry.fs_modified) = (then, then);
    }
    number
}

/// The drive of a person.
pub(super) fn of<'a>(tenant: &'a mut Tenant, user: &str) -> Result<&'a mut Drive, NoContent> {
    let (id, name) = (tenant.id, user.to_owned());
    let Some(account) = tenant.user_by_name(user).map(|user| user.id) else {
        return Err(NoContent::User { tenant: id, user: name });
    };
    tenant.drives.get_mut(&account).ok_or(NoContent::Store {
        tenant: id,
        user: name,
        what: "drive",
    })
}

impl Simulator {
    /// Puts made-up content into a person's drive; `user` is an object id or a user principal name.
    pub fn fill_drive(&self, tenant: Uuid, user: &str, how: &DriveFill) -> Result<(), NoContent> {
        let now = self.now();
        self.with_drive(tenant, user, |drive, others, random| fill(drive, how, others, random, now))
    }

    /// Puts one file into a person's drive, by its path; folders on the way are made.
    pub fn add_file(
        &self,
        tenant: Uuid,
        user: &str,
        path: &str,
        content: &[u8],
    ) -> Result<(), NoContent> {
        let now = self.now();
        self.with_drive(tenant, user, |drive, _, _| {
            let mut parent = ROOT;
            let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
            for name in folders.split('/').filter(|name| !name.is_empty()) {
                let known = drive.child(parent, name).map(|entry| entry.number);
                parent =
                    known.unwrap_or_else(|| drive.insert(Some(parent), name, Kind::Folder, now));
            }
            let file = File::new(crate::content::recognise(content));
            match drive.child(parent, name).map(|entry| entry.number) {
                Some(number) => drive.amend(number, now, |entry: &mut Entry| {
                    entry.kind = Kind::File(file);
                    entry.fs_modified = now;
                }),
                None => {
                    drive.insert(Some(parent), name, Kind::File(file), now);
                }
            }
        })
    }

    /// Makes every delta token of the drive void: the next use answers 410.
    pub fn expire_drive_deltas(&self, tenant: Uuid, user: &str) -> Result<(), NoContent> {
        self.with_drive(tenant, user, |drive, _, _| {
            drive.generation = drive.generation.saturating_add(1);
        })
    }

    /// A person who never opened the OneDrive: there is none.
    pub fn forget_drive(&self, tenant: Uuid, user: &str) -> Result<(), NoContent> {
        let mut world = self.world();
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let known = world.tenants.get_mut(&tenant).ok_or_else(missing)?;
        let id = known.user_by_name(user).ok_or_else(missing)?.id;
        known.drives.remove(&id);
        Ok(())
    }

    /// Gives a person a drive at once, as if the site had been asked for long ago.
    pub fn provision_drive(&self, tenant: Uuid, user: &str) -> Result<(), NoContent> {
        let now = self.now();
        let mut world = self.world();
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let found = world.tenants.get(&tenant).and_then(|tenant| tenant.user_by_name(user));
        let id = found.ok_or_else(missing)?.id;
        crate::drive::provision(&mut world, tenant, id, now);
        Ok(())
    }

    pub(super) fn with_drive<R>(
        &self,
        tenant: Uuid,
        user: &str,
        act: impl FnOnce(&mut Drive, &[Uuid], &mut Rng) -> R,
    ) -> Result<R, NoContent> {
        let mut world = self.world();
        let mut random = Rng::new(world.random.next_u64());
        let missing = || NoContent::User { tenant, user: user.to_owned() };
        let found = world.tenants.get_mut(&tenant).ok_or_else(missing)?;
        let owner = found.user_by_name(user).map(|user| user.id);
        let others: Vec<Uuid> =
            found.users.all().map(|user| user.id).filter(|id| Some(*id) != owner).collect();
        Ok(act(of(found, user)?, &others, &mut random))
    }
}
