//! A guest at another process's file gets the answers of the ports, and only with the token.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::PathBuf,
    sync::Arc,
};

use conformance::{
    differential,
    queue::{self, Bench},
    reference::{ModelQueue, ModelStore, VirtualClock},
    store,
};
use embedded::{Door, Embedded, Guest, OsRandom};
use ports::{Change, Key, Queue, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{MINUTE, folder, message, options, queue_name};

/// Files of one test, each with its door; open until the test is over.
struct House {
    folder: tempfile::TempDir,
    clock: VirtualClock,
    open: RefCell<Vec<(Door, Embedded)>>,
    number: Cell<u32>,
}

impl House {
    fn new() -> Self {
        let (open, number) = (RefCell::default(), Cell::new(0));
        Self { folder: folder(), clock: VirtualClock::new(), open, number }
    }

    /// A guest at a new file.
    async fn guest(&self) -> Guest {
        self.number.set(self.number.get() + 1);
        let path = self.folder.path().join(self.number.get().to_string());
        let file = Embedded::open_with(&path, options(&self.clock)).unwrap();
        let door = Door::open(&file, &OsRandom).await.unwrap();
        self.open.borrow_mut().push((door, file));
        Guest::enter(path).await.unwrap()
    }

    fn note(&self) -> PathBuf {
        self.folder.path().join("1.door")
    }
}

#[tokio::test]
async fn the_store_keeps_the_contract_through_the_door() {
    let house = House::new();
    let open = async || Arc::new(house.guest().await) as Arc<dyn Store>;
    store::suite(open).await.unwrap();
}

#[tokio::test]
async fn the_queue_keeps_the_contract_through_the_door() {
    let house = House::new();
    let bench = async || {
        let queue = Arc::new(house.guest().await);
        let clock = house.clock.clone();
        Bench { queue, advance: Box::new(move |time| clock.advance(time)), max_receives: 3 }
    };
    queue::suite(bench).await.unwrap();
}

#[tokio::test]
async fn random_histories_give_the_same_answers_through_the_door_as_the_models() {
    for seed in 0..20 {
        let house = House::new();
        let guest = house.guest().await;
        differential::store(&ModelStore::new(), &guest, seed, 40).await.unwrap();
        let model = ModelQueue::new(Arc::new(house.clock.clone()), 3);
        let advance = |duration| house.clock.advance(duration);
        let sides = differential::Sides { model: &model, adapter: &guest, advance: &advance };
        differential::queue(&sides, seed, 25).await.unwrap();
    }
}

/// A page is cut to what a frame holds, and goes on after it.
#[tokio::test]
async fn a_large_partition_comes_page_by_page() {
    let house = House::new();
    let guest = house.guest().await;
    for n in 0..9 {
        let change = Change::create(Key::new("C#local", format!("{n}")), vec![n; 300_000]);
        guest.commit(&[change]).await.unwrap();
    }
    let store: &dyn Store = &guest;
    let all = store.query_all("C#local", "").await.unwrap();
    let firsts: Vec<u8> = all.iter().map(|record| record.value[0]).collect();
    assert_eq!(firsts, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

/// A guest sees what is queued, and what he sends wakes the host at once.
#[tokio::test]
async fn a_guest_wakes_the_host() {
    let house = House::new();
    let guest = house.guest().await;
    let queue = house.open.borrow()[0].1.queue();
    let mut arrivals = queue.arrivals();
    guest.send(&[message("steps", "baton", MINUTE)]).await.unwrap();
    arrivals.next().await;
    let depths = guest.depths().await.unwrap();
    assert_eq!(depths, queue.depths().unwrap());
    assert_eq!((depths[0].queue.as_str(), depths[0].waiting), ("steps", 1));
    assert_eq!(guest.next_due("").await.unwrap(), queue.next_due("").unwrap());
    assert!(guest.receive(&queue_name("steps"), 1, MINUTE).await.unwrap().is_empty());
}

/// The note is its owner's alone, and gone with the door.
#[cfg(unix)]
#[tokio::test]
async fn the_note_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    house.guest().await;
    let mode = fs::metadata(house.note()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    house.open.borrow_mut().clear();
    assert!(!house.note().exists());
}

/// Whoever has not read the note gets no answer.
#[tokio::test]
async fn a_visitor_without_the_token_is_turned_away() {
    let house = House::new();
    house.guest().await;
    let note: serde_json::Value = serde_json::from_slice(&fs::read(house.note()).unwrap()).unwrap();
    let address = note["address"].as_str().unwrap();
    for knock in ["\"\"", "\"guess\"", "GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let length = u32::try_from(knock.len()).unwrap();
        stream.write_all(&length.to_be_bytes()).await.unwrap();
        stream.write_all(knock.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Closed, cleanly or not, without a byte.
        drop(stream.read_to_end(&mut answer).await);
        assert_eq!(answer, b"", "{knock}");
    }
}

/// A process that was killed leaves its note; it leads nowhere, and the next one writes its own.
#[tokio::test]
async fn a_dead_processs_note_hinders_nobody() {
    let folder = folder();
    let path = folder.path().join("state");
    let left = r#"{"address":"127.0.0.1:9","token":"dead"}"#;
    fs::write(folder.path().join("state.door"), left).unwrap();
    assert!(Guest::enter(&path).await.is_err());
    let file = Embedded::open(&path).unwrap();
    let door = Door::open(&file, &OsRandom).await.unwrap();
    let guest = Guest::enter(&path).await.unwrap();
    assert!(!guest.is_gone());
    drop((door, file));
    // The task of the door ends when the runtime comes to it.
    tokio::task::yield_now().await;
    assert!(guest.get(&Key::new("C#local", "P")).await.is_err());
    assert!(guest.is_gone());
}
