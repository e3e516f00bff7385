//! Clauses about writers side by side.

use futures_util::future::{join_all, try_join_all};
use ports::{Change, CommitError, Key, Store};

use super::{Subject, commit, conflicts, get, key};
use crate::verdict::{Verdict, ensure, ensure_eq, unexpected};

const WRITERS: u8 = 40;

/// Exactly one `Ok`, and the others conflict; returns who won.
async fn race(store: &Subject, change: impl Fn(u8) -> Change) -> Result<u8, String> {
    let attempts = (0..WRITERS).map(|writer| {
        let changes = [change(writer)];
        async move { (writer, store.commit(&changes).await) }
    });
    let mut winners = Vec::new();
    for (writer, outcome) in join_all(attempts).await {
        match outcome {
            Ok(()) => winners.push(writer),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(unexpected(error)),
        }
    }
    match winners[..] {
        [winner] => Ok(winner),
        _ => Err(format!("one winner was expected, found {winners:?}")),
    }
}

pub(super) async fn one_winner(store: Subject) -> Verdict {
    commit(&*store, &[Change::create(key("a"), vec![])]).await?;
    let winner = race(&store, |writer| Change::update(key("a"), vec![writer], 1)).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((2, vec![winner])), "the winner's record");
    Ok(())
}

pub(super) async fn one_creator(store: Subject) -> Verdict {
    let winner = race(&store, |writer| Change::create(key("a"), vec![writer])).await?;
    ensure_eq!(get(&*store, &key("a")).await?, Some((1, vec![winner])), "the winner's record");
    Ok(())
}

/// Reads, changes and commits until no other writer was in between.
async fn add(store: &dyn Store, amounts: &[(&str, i64)]) -> Verdict {
    loop {
        let mut changes = Vec::new();
        for (sort, amount) in amounts {
            let (version, value) = number(store, &key(sort)).await?;
            let value = (value + amount).to_string().into_bytes();
            changes.push(match version {
                Some(version) => Change::update(key(sort), value, version),
                None => Change::create(key(sort), value),
            });
        }
        match store.commit(&changes).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(unexpected(error)),
        }
    }
}

async fn number(store: &dyn Store, key: &Key) -> Result<(Option<u64>, i64), String> {
    let Some((version, value)) = get(store, key).await? else { return Ok((None, 0)) };
    let text = String::from_utf8(value).map_err(unexpected)?;
    Ok((Some(version), text.parse().map_err(unexpected)?))
}

pub(super) async fn counters(store: Subject) -> Verdict {
    try_join_all((0..20).map(|_| async {
        for _ in 0..3 {
            add(&*store, &[("counter", 1)]).await?;
        }
        Ok::<_, String>(())
    }))
    .await?;
    let (version, value) = number(&*store, &key("counter")).await?;
    ensure!(value == 60, "60 additions came to {value}");
    ensure_eq!(version, Some(60), "the version after 60 puts");
    Ok(())
}

pub(super) async fn transfers(store: Subject) -> Verdict {
    add(&*store, &[("a", 100), ("b", 100), ("c", 100)]).await?;
    let routes = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "b")];
    try_join_all(routes.into_iter().cycle().take(20).zip(1..).map(|((from, to), amount)| {
        let store = &*store;
        async move { add(store, &[(from, -amount), (to, amount)]).await }
    }))
    .await?;
    let mut sum = 0;
    for sort in ["a", "b", "c"] {
        sum += number(&*store, &key(sort)).await?.1;
    }
    ensure!(sum == 300, "the sum was 300 and is {sum}");
    Ok(())
}

pub(super) async fn reads_own_writes(store: Subject) -> Verdict {
    try_join_all((0..10).map(|task| {
        let (store, key) = (&store, key(&format!("task{task}")));
        async move {
            for round in 1..=5_u64 {
                commit(&**store, &[Change::put(key.clone(), round.to_le_bytes().to_vec())]).await?;
                let expected = Some((round, round.to_le_bytes().to_vec()));
                ensure_eq!(get(&**store, &key).await?, expected, "the record just committed");
                conflicts(
                    &**store,
                    &[Change::create(key.clone(), vec![])],
                    std::slice::from_ref(&key),
                )
                .await?;
            }
            Ok::<_, String>(())
        }
    }))
    .await?;
    Ok(())
}
