//! Killed with SIGKILL at seeded moments, the file holds everything that was acknowledged.
//!
//! The parent starts this test binary again as a child that commits, sends and receives without
//! end and tells on its standard output what was acknowledged. The parent reads a seeded number of
//! lines, kills it, opens the file and compares.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use conformance::reference::SeededRandom;
use embedded::{Embedded, OpenError, Options};
use futures_util::future::join_all;
use ports::{Change, Key, Queue, Random, Store};

use crate::{MINUTE, folder, message, queue_name};

const KILLS: u64 = 40;
const WRITERS: u64 = 4;

/// Messages are received once a kill and never acknowledged by the parent; none is to die of that.
fn open(path: &Path) -> Embedded {
    let options = Options { max_receives: u32::MAX, ..Options::default() };
    Embedded::open_with(path, options).unwrap()
}

fn pair(writer: u64) -> [Key; 2] {
    ["left", "right"].map(|side| Key::new("C#local", format!("{writer}#{side}")))
}

async fn round(store: &dyn Store, key: &Key) -> u64 {
    store.get(key).await.unwrap().map_or(0, |record| record.version)
}

/// The child. Run by hand it gets no path and has nothing to do.
#[tokio::test]
#[ignore = "the child process of the kill test"]
async fn child() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    if path.trim().is_empty() {
        return;
    }
    let file = open(path.trim().as_ref());
    let (store, queue) = (file.store(), file.queue());
    let writers = join_all((0..WRITERS).map(|writer| {
        let store = &store;
        async move {
            let [left, right] = pair(writer);
            let mut done = round(&**store, &left).await;
            loop {
                done += 1;
                let value = done.to_le_bytes().to_vec();
                let changes =
                    [Change::put(left.clone(), value.clone()), Change::put(right.clone(), value)];
                store.commit(&changes).await.unwrap();
                println!("@committed {writer} {done}");
            }
        }
    }));
    let sender = async {
        let mut sent = round(&*store, &Key::new("C#local", "sent")).await;
        loop {
            // The number is taken before it is used, so that no two messages have the same.
            sent += 1;
            store.commit(&[Change::put(Key::new("C#local", "sent"), vec![])]).await.unwrap();
            queue.send(&[message("a", &sent.to_string(), Duration::ZERO)]).await.unwrap();
            println!("@sent {sent}");
            if sent % 3 == 0 {
                let taken = queue.receive(&queue_name("a"), 2, MINUTE * 60).await.unwrap();
                for delivery in &taken {
                    // Said before it is done: the parent must not miss what was removed.
                    println!("@took {}", delivery.body);
                    queue.acknowledge(&queue_name("a"), &delivery.receipt).await.unwrap();
                }
                file.flush().await.unwrap();
                for delivery in &taken {
                    println!("@flushed {}", delivery.body);
                }
            }
        }
    };
    let ((), _) = tokio::join!(sender, writers);
}

/// What the children said, over all kills.
#[derive(Default)]
struct Said {
    committed: [u64; 4],
    sent: BTreeSet<u64>,
    took: BTreeSet<u64>,
    flushed: BTreeSet<u64>,
}

impl Said {
    /// Returns whether the line was one of the child's.
    fn hear(&mut self, line: &str) -> bool {
        let Some(line) = line.strip_prefix('@') else { return false };
        let mut words = line.split(' ');
        let what = words.next().unwrap();
        let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
        match (what, numbers.as_slice()) {
            ("committed", [writer, round]) => {
                self.committed[usize::try_from(*writer).unwrap()] = *round;
            }
            ("sent", [number]) => assert!(self.sent.insert(*number), "{number} was sent twice"),
            ("took", [number]) => {
                self.took.insert(*number);
            }
            ("flushed", [number]) => {
                self.flushed.insert(*number);
            }
            _ => panic!("the child said `{line}`"),
        }
        true
    }
}

/// Lets a child work until it has said `lines` lines, then kills it.
fn run_and_kill(path: &Path, lines: u64, said: &mut Said) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
    let mut heard = 0;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    while heard < lines {
        let mut line = String::new();
        let read = output.read_line(&mut line).unwrap();
        assert!(read > 0, "the child works until it is killed");
        heard += u64::from(said.hear(line.trim_end()));
    }
    assert!(matches!(Embedded::open(path), Err(OpenError::InUse { .. })), "the child has the file");
    child.kill().unwrap();
    // What it had said before it died. Only a line without its end was cut off: a whole last line
    // counts, since the child may have done what it announces.
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    for line in rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        said.hear(line);
    }
    child.wait().unwrap();
}

/// ERR-4: a crash at any point loses nothing.
#[tokio::test]
async fn everything_acknowledged_is_there_after_a_kill_at_any_moment() {
    let folder = folder();
    let path = folder.path().join("state");
    let random = SeededRandom::new(2);
    let mut said = Said::default();
    for kill in 0..KILLS {
        run_and_kill(&path, 1 + random.below(40), &mut said);
        let file = open(&path);
        let store = file.store();
        for (writer, committed) in (0..WRITERS).zip(said.committed) {
            let [left, right] = pair(writer);
            let records = (store.get(&left).await.unwrap(), store.get(&right).await.unwrap());
            let values = (records.0.map(|one| one.value), records.1.map(|one| one.value));
            assert_eq!(values.0, values.1, "kill {kill}: half of a commit");
            assert!(round(&*store, &left).await >= committed, "kill {kill}: a commit is lost");
        }
        // Also what was in flight is visible, since its receiver is dead.
        let queue = file.queue();
        let mut there = BTreeSet::new();
        for delivery in queue.depths().unwrap() {
            assert_eq!(delivery.in_flight, 0, "kill {kill}");
        }
        loop {
            let batch = queue.receive(&queue_name("a"), 10, MINUTE).await.unwrap();
            if batch.is_empty() {
                break;
            }
            there.extend(batch.iter().map(|one| one.body.parse::<u64>().unwrap()));
        }
        let lost: Vec<_> = said
            .sent
            .iter()
            .filter(|one| !there.contains(one) && !said.took.contains(one))
            .collect();
        assert!(lost.is_empty(), "kill {kill}: messages {lost:?} are lost");
        let back: Vec<_> = said.flushed.intersection(&there).collect();
        assert!(back.is_empty(), "kill {kill}: messages {back:?} came back after a flush");
    }
    assert!(said.committed.iter().all(|round| *round > KILLS), "the children did work");
    assert!(!said.flushed.is_empty(), "the children took messages");
}
