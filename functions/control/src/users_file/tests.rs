//! Importing and exporting on the reference store.

use model::{User, UserState};

use super::{export, import, import_into};
use crate::{
    tests::{Desk, user},
    waves,
};

async fn desk() -> Desk {
    let desk = Desk::new().await;
    let wave = "w1".parse().unwrap();
    waves::create(&desk.host, &desk.project, wave, None, None).await.unwrap();
    for id in ["anna", "bert"] {
        desk.put(&user(id)).await;
    }
    desk
}

/// MAT-3: wave membership and per-user options.
#[tokio::test]
async fn a_file_sets_waves_and_options() {
    let desk = desk().await;
    let file = b"source,wave,archive\nanna@old.example,w1,no\nBERT,w1,\n";
    let done = import(&desk.host, &desk.project, "u.csv", file).await.unwrap();
    assert_eq!((done.rows, done.waves, done.options), (2, 2, 1));
    let [anna, bert] = desk.users().await.try_into().unwrap();
    assert!(anna.profile.is_some_and(|own| !own.sync.archive && own.sync.mailbox));
    assert_eq!(bert.profile, None);
    assert_eq!(bert.wave, Some("w1".parse().unwrap()));
}

/// MAT-3: the same columns can be exported, and importing them changes nothing.
#[tokio::test]
async fn an_export_imported_again_changes_nothing() {
    let desk = desk().await;
    let file = b"source,wave,archive\nanna,w1,no\n";
    import(&desk.host, &desk.project, "u.csv", file).await.unwrap();
    let before = desk.users().await;
    let text = export(&before).unwrap();
    let done = import(&desk.host, &desk.project, "u.csv", text.as_bytes()).await.unwrap();
    assert_eq!((done.matches, done.waves, done.options), (0, 0, 0));
    assert_eq!(desk.users().await, before);
}

/// MAT-3, ERR-1: one fault, and nothing of the file is applied.
#[tokio::test]
async fn one_fault_and_nothing_is_applied() {
    let desk = desk().await;
    let file = b"source,wave\nanna,w1\nclara,w1\nbert,w9\n";
    let error = import(&desk.host, &desk.project, "u.csv", file).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "u.csv:3, column source: `clara`: no such user in the source; run `crosswave discover`, or \
         correct it\n\
         u.csv:4, column wave: `w9`: no such wave; expected one of w1\n\
         nothing of the file was applied"
    );
    assert!(desk.users().await.iter().all(|user| user.wave.is_none()));
}

/// ERR-1: one user under two names.
#[tokio::test]
async fn one_user_under_two_names_is_refused() {
    let desk = desk().await;
    let file = b"source,wave\nanna,w1\nanna@old.example,w1\n";
    let error = import(&desk.host, &desk.project, "u.csv", file).await.unwrap_err();
    assert!(error.to_string().contains("u.csv:3, column source"), "{error}");
}

/// The match of a user who is further on is not changed by a file.
#[tokio::test]
async fn the_match_of_a_prepared_user_cannot_be_set() {
    let desk = desk().await;
    desk.put(&User { state: UserState::Prepared, ..user("carl") }).await;
    let file = b"source,target\ncarl,other@new.example\n";
    let error = import(&desk.host, &desk.project, "u.csv", file).await.unwrap_err();
    assert!(error.to_string().contains("the user is prepared already"), "{error}");
}

/// MAT-3: a file for one wave puts all its users there, and nobody else's wave is touched by it.
#[tokio::test]
async fn a_file_for_one_wave_takes_no_user_elsewhere() {
    let desk = desk().await;
    let wave = "w1".parse().unwrap();
    let import = async |text: &'static str| {
        import_into(&desk.host, &desk.project, &wave, ("u.csv", text.as_bytes())).await
    };
    let done = import("source,wave\nanna,\nbert,w1\n").await.unwrap();
    assert_eq!((done.rows, done.waves), (2, 2));
    assert!(desk.users().await.iter().all(|user| user.wave.as_ref() == Some(&wave)));
    for (text, words) in [
        ("source,wave\nanna,w2\n", "u.csv:2, column wave: `w2`: this file is for wave w1"),
        ("source,wave\nanna,-\n", "u.csv:2, column wave: `-`: this file is for wave w1"),
        ("source\n", "u.csv:1: no user stands in the file"),
    ] {
        let error = import(text).await.unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
}
