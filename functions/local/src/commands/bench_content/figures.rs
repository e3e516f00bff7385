//! The measurements, one function each.

use std::time::Duration;

use content::Workload;
use simulator::{DriveFill, MailboxFill, Part};

use super::{
    Aim, Figure, number,
    stage::{Asked, Person, Round, Stage, Way, What},
};
use crate::{failure::Failure, output::Output};

/// Bytes of a small file.
const SMALL: u64 = 20_000;
const MB: u64 = 1_000_000;
/// Changes in one page of a delta: what the copier asks for.
const PAGE: usize = 500;
/// Items of one export call: the vendor's most.
const EXPORT: u64 = 20;

/// Requests for a mailbox, for its changes and when nothing changed, and the cost of the item map.
pub(super) fn mail(stage: &Stage, items: u32) -> Result<Vec<Figure>, Failure> {
    let person = stage.somebody()?;
    let fill = MailboxFill { least_items: items, most_items: items, ..MailboxFill::default() };
    fill_mailbox(stage, person, &fill)?;
    told(&format!("a mailbox of {items} items"));
    let (copied, first) = stage.copy(person, What::Mailbox, Round::FIRST, Way::Plain)?;
    same(stage, person, What::Mailbox)?;
    let counts = copied.summary.counts.get(&Workload::Mailbox).copied().unwrap_or_default();
    let floor = counts.created.div_ceil(EXPORT) + counts.created + pages(stage, person)?;
    let thousands = number(counts.created) / 1_000.0;
    let (_, idle) = stage.copy(person, What::Mailbox, Round::SECOND, Way::Plain)?;
    let source = stage.tenants()[0].tenant_id;
    let changes = usize::try_from(items / 100).unwrap_or(usize::MAX);
    let touched = stage.simulator().touch_mailbox(source, &person.from, Part::Primary, changes);
    touched.map_err(Failure::internal)?;
    let (_, delta) = stage.copy(person, What::Mailbox, Round::THIRD, Way::Plain)?;
    same(stage, person, What::Mailbox)?;
    kinds("mailbox, first copy", &first);
    kinds("mailbox, 1 % changed", &delta);
    let tally = copied.tally;
    let all = number(first.requests);
    Ok(vec![
        Figure::new("requests for 1,000 mail items", all / thousands, "requests"),
        Figure::new("ratio to the floor", all / number(floor), "").aim(Aim::AtMost(1.05)),
        Figure::new("a sync without a change", number(idle.requests), "requests"),
        Figure::new(
            "a sync of 1 % changes",
            number(delta.requests) / all * 100.0,
            "% of the first",
        )
        .aim(Aim::AtMost(3.0)),
        Figure::new("item map for 1,000 items", number(tally.map_bytes) / thousands, "bytes"),
        Figure::new("writes of it for 1,000 items", number(tally.map_puts) / thousands, "records"),
        Figure::new("commits for 1,000 items", number(tally.commits) / thousands, "commits"),
        Figure::new("mail items a second", number(counts.created) / copied.seconds, "items/s"),
    ])
}

/// Delta pages that no copier can do without: one for each folder that is copied, and for each
/// further page of it.
fn pages(stage: &Stage, person: &Person) -> Result<u64, Failure> {
    let source = stage.tenants()[0].tenant_id;
    let view = stage.simulator().mailbox_view(source, &person.from, Part::Primary);
    let folders = view.map_err(Failure::internal)?.folders;
    let open = folders.values().filter(|folder| !folder.search);
    let pages: usize = open.map(|folder| folder.items.len().div_ceil(PAGE).max(1)).sum();
    Ok(u64::try_from(pages).unwrap_or(u64::MAX))
}

/// Requests and resource units of small files, and of their changes.
pub(super) fn files(stage: &Stage, files: u32) -> Result<Vec<Figure>, Failure> {
    let person = stage.somebody()?;
    fill_drive(stage, person, &small(files))?;
    told(&format!("{files} files of {SMALL} bytes"));
    let (copied, first) = stage.copy(person, What::Drive, Round::FIRST, Way::Plain)?;
    same(stage, person, What::Drive)?;
    let (_, idle) = stage.copy(person, What::Drive, Round::SECOND, Way::Plain)?;
    let source = stage.tenants()[0].tenant_id;
    let changes = usize::try_from(files / 100).unwrap_or(usize::MAX);
    let touched = stage.simulator().touch_drive(source, &person.from, changes);
    touched.map_err(Failure::internal)?;
    let (_, delta) = stage.copy(person, What::Drive, Round::THIRD, Way::Plain)?;
    same(stage, person, What::Drive)?;
    kinds("drive, first copy", &first);
    kinds("drive, 1 % changed", &delta);
    let thousands = f64::from(files) / 1_000.0;
    let all = number(first.requests);
    let tally = copied.tally;
    Ok(vec![
        Figure::new("requests for 1,000 small files", all / thousands, "requests"),
        Figure::new(
            "resource units for 1,000 small files",
            number(first.units) / thousands,
            "units",
        ),
        Figure::new("a sync without a change, drive", number(idle.requests), "requests"),
        Figure::new(
            "a sync of 1 % changes, drive",
            number(delta.requests) / all * 100.0,
            "% of the first",
        )
        .aim(Aim::AtMost(3.0)),
        Figure::new("item map for 1,000 files", number(tally.map_bytes) / thousands, "bytes"),
        Figure::new("writes of it for 1,000 files", number(tally.map_puts) / thousands, "records"),
    ])
}

/// One large file: requests, resource units, speed, memory.
pub(super) fn large(stage: &Stage, gigabytes: u64) -> Result<Vec<Figure>, Failure> {
    let person = stage.somebody()?;
    fill_drive(stage, person, &one_file(gigabytes * 1_000 * MB))?;
    told(&format!("a file of {gigabytes} GB"));
    let (copied, asked) = stage.copy(person, What::Drive, Round::FIRST, Way::Plain)?;
    same(stage, person, What::Drive)?;
    kinds("large file", &asked);
    let what = |text: &str| format!("{text}, a file of {gigabytes} GB");
    let speed = number(gigabytes * 1_000) / copied.seconds;
    Ok(vec![
        Figure::new(what("requests"), number(asked.requests), "requests"),
        Figure::new(what("resource units"), number(asked.units), "units"),
        Figure::new(what("speed"), speed, "MB/s"),
        memory_over_idle(what("memory over the idle process"), &copied),
    ])
}

/// The most memory with items at the limit of what is taken.
pub(super) fn memory(stage: &Stage) -> Result<Vec<Figure>, Failure> {
    let person = stage.somebody()?;
    let fill =
        MailboxFill { least_items: 4, most_items: 4, large_items: 4, ..MailboxFill::default() };
    fill_mailbox(stage, person, &fill)?;
    told("4 items of 150 MB");
    let (copied, _) = stage.copy(person, What::Mailbox, Round::FIRST, Way::Plain)?;
    same(stage, person, What::Mailbox)?;
    let idle = number(copied.idle_kib) / 1_024.0;
    Ok(vec![
        Figure::new("memory of the idle process", idle, "MiB"),
        memory_over_idle("memory over the idle process, items of 150 MB".to_owned(), &copied),
    ])
}

fn memory_over_idle(what: String, copied: &super::copier::Copied) -> Figure {
    let over = copied.peak_kib.saturating_sub(copied.idle_kib);
    Figure::new(what, number(over) / 1_024.0, "MiB").aim(Aim::AtMost(256.0))
}

/// Files a second and MB a second with so much added latency.
pub(super) fn speed(
    stage: &Stage,
    latency: Duration,
    files: u32,
    megabytes: u64,
) -> Result<Vec<Figure>, Failure> {
    let at = format!("with {} ms of added latency", latency.as_millis());
    let person = stage.somebody()?;
    fill_drive(stage, person, &small(files))?;
    told(&format!("{files} small files {at}"));
    stage.set_latency(latency);
    let many = stage.copy(person, What::Drive, Round::FIRST, Way::Plain);
    stage.set_latency(Duration::ZERO);
    same(stage, person, What::Drive)?;
    let person = stage.somebody()?;
    fill_drive(stage, person, &one_file(megabytes * MB))?;
    told(&format!("a file of {megabytes} MB {at}"));
    stage.set_latency(latency);
    let one = stage.copy(person, What::Drive, Round::FIRST, Way::Plain);
    stage.set_latency(Duration::ZERO);
    same(stage, person, What::Drive)?;
    Ok(vec![
        Figure::new(format!("small files {at}"), f64::from(files) / many?.0.seconds, "files/s"),
        Figure::new(format!("a large file {at}"), number(megabytes) / one?.0.seconds, "MB/s"),
    ])
}

/// Small files in a few folders.
pub(super) fn small(files: u32) -> DriveFill {
    DriveFill {
        least_files: files,
        most_files: files,
        folders: 20,
        small_bytes: Some(SMALL),
        shares: 0,
        ..DriveFill::default()
    }
}

fn one_file(bytes: u64) -> DriveFill {
    DriveFill { folders: 0, large_files: 1, large_bytes: bytes, ..small(1) }
}

/// Fills the source's drive of a person.
pub(super) fn fill_drive(stage: &Stage, person: &Person, fill: &DriveFill) -> Result<(), Failure> {
    let source = stage.tenants()[0].tenant_id;
    stage.simulator().fill_drive(source, &person.from, fill).map_err(Failure::internal)
}

fn fill_mailbox(stage: &Stage, person: &Person, fill: &MailboxFill) -> Result<(), Failure> {
    let source = stage.tenants()[0].tenant_id;
    let filled = stage.simulator().fill_mailbox(source, &person.from, Part::Primary, fill);
    filled.map_err(Failure::internal)
}

/// A figure of a copy that is no copy would be worth nothing.
fn same(stage: &Stage, person: &Person, what: What) -> Result<(), Failure> {
    match stage.differences(person, what)?.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let text = format!("the copy differs: {first}, and {} more", rest.len());
            Err(Failure::internal(text))
        }
    }
}

/// Says what is measured now.
fn told(what: &str) {
    Output::note(format!("copying {what}"));
}

/// Says what was asked, the most frequent kinds first.
pub(super) fn kinds(title: &str, asked: &Asked) {
    Output::note(format!("  {title}: {} requests", asked.requests));
    let mut kinds: Vec<_> = asked.kinds.iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), *kind));
    for (kind, count) in kinds.into_iter().take(8) {
        Output::note(format!("    {count:>7}  {kind}"));
    }
}
