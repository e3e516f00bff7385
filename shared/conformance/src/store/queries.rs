//! Clauses about queries.

use ports::{Change, Expect, Key, Page, Query};

use super::{PARTITION, Subject, commit, key};
use crate::verdict::{Verdict, ensure, ensure_eq, unexpected};

fn query(prefix: &str, after: Option<&str>, limit: usize) -> Query {
    let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
    Query { partition: PARTITION.to_owned(), prefix, after, limit }
}

async fn page(store: &Subject, query: &Query) -> Result<Page, String> {
    let page = store.query(query).await.map_err(unexpected)?;
    let limit = query.limit.max(1);
    ensure!(page.records.len() <= limit, "{} records over a limit of {limit}", page.records.len());
    Ok(page)
}

/// The sort keys of all pages.
async fn sorts(store: &Subject, mut query: Query) -> Result<Vec<String>, String> {
    let mut sorts = Vec::new();
    loop {
        let page = page(store, &query).await?;
        sorts.extend(page.records.into_iter().map(|record| record.key.sort));
        let Some(next) = page.next else { return Ok(sorts) };
        let before = query.after.replace(next);
        ensure!(query.after > before, "the cursor {before:?} did not move on");
    }
}

async fn fill(store: &Subject, sorts: &[&str]) -> Verdict {
    for chunk in sorts.chunks(50) {
        let changes: Vec<_> =
            chunk.iter().map(|sort| Change::create(key(sort), sort.as_bytes().to_vec())).collect();
        commit(&**store, &changes).await?;
    }
    Ok(())
}

pub(super) async fn byte_order(store: Subject) -> Verdict {
    // In an order that is neither that of sending nor that of any language.
    fill(&store, &["b", "é", "a#2", "Z", "a#10", "zz", "a", "10", "9", "\u{1F600}", "\u{FFFD}"])
        .await?;
    let expected = ["10", "9", "Z", "a", "a#10", "a#2", "b", "zz", "é", "\u{FFFD}", "\u{1F600}"];
    ensure_eq!(sorts(&store, query("", None, 100)).await?, expected, "the order");
    let page = page(&store, &query("a", None, 1)).await?;
    let values: Vec<_> =
        page.records.iter().map(|record| (record.version, &*record.value)).collect();
    ensure_eq!(values, [(1, "a".as_bytes())], "version and value");
    Ok(())
}

pub(super) async fn one_partition(store: Subject) -> Verdict {
    for partition in ["C#conformanc", "C#conformance#", "C#conformancf", PARTITION] {
        commit(&*store, &[Change::create(Key::new(partition, partition), vec![])]).await?;
    }
    ensure_eq!(sorts(&store, query("", None, 100)).await?, [PARTITION], "the partition's keys");
    let nowhere = Query { partition: "C#nowhere".to_owned(), ..query("", None, 100) };
    ensure_eq!(page(&store, &nowhere).await?, Page::default(), "an empty partition");
    Ok(())
}

pub(super) async fn prefixes(store: Subject) -> Verdict {
    fill(&store, &["U#", "U#1", "U#1#J", "U#10", "U#2", "U", "V#1", "T#9", "U$"]).await?;
    for (prefix, expected) in [
        ("U#", &["U#", "U#1", "U#1#J", "U#10", "U#2"][..]),
        ("U#1", &["U#1", "U#1#J", "U#10"]),
        ("U#1#", &["U#1#J"]),
        ("W", &[]),
        ("", &["T#9", "U", "U#", "U#1", "U#1#J", "U#10", "U#2", "U$", "V#1"]),
    ] {
        let found = sorts(&store, query(prefix, None, 100)).await?;
        ensure_eq!(found, expected, "the keys under `{prefix}`");
    }
    Ok(())
}

pub(super) async fn cursors(store: Subject) -> Verdict {
    fill(&store, &["a", "b", "b1", "b2", "c"]).await?;
    for (prefix, after, expected) in [
        ("", "b", &["b1", "b2", "c"][..]),
        ("", "0", &["a", "b", "b1", "b2", "c"]),
        ("", "c", &[]),
        ("b", "b1", &["b2"]),
        ("b", "a", &["b", "b1", "b2"]),
        ("b", "c", &[]),
    ] {
        let found = sorts(&store, query(prefix, Some(after), 100)).await?;
        ensure_eq!(found, expected, "the keys under `{prefix}` after `{after}`");
    }
    Ok(())
}

pub(super) async fn paging(store: Subject) -> Verdict {
    let names: Vec<String> = (0..60).map(|number| format!("U#{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fill(&store, &names).await?;
    fill(&store, &["T", "V"]).await?;
    for limit in [1, 7, 59, 60, 61, 1_000] {
        ensure_eq!(sorts(&store, query("U#", None, limit)).await?, names, "pages of {limit}");
    }
    Ok(())
}

pub(super) async fn cursor_of_deleted(store: Subject) -> Verdict {
    fill(&store, &["a", "b", "c", "d"]).await?;
    let first = page(&store, &query("", None, 2)).await?;
    let Some(cursor) = first.next else { return Err("a second page was expected".to_owned()) };
    let expect = Expect::Anything;
    commit(&*store, &[Change::Delete { key: key(&cursor), expect }]).await?;
    let rest = sorts(&store, query("", Some(&cursor), 2)).await?;
    let seen = first.records.len();
    let expected: Vec<_> = ["a", "b", "c", "d"].into_iter().skip(seen).collect();
    ensure_eq!(rest, expected, "the keys after the deleted one");
    Ok(())
}

pub(super) async fn large_pages(store: Subject) -> Verdict {
    let names: Vec<String> = (0..12).map(|number| format!("{number:02}")).collect();
    for name in &names {
        commit(&*store, &[Change::create(key(name), vec![7; 300_000])]).await?;
    }
    ensure_eq!(sorts(&store, query("", None, 500)).await?, names, "the keys of large records");
    Ok(())
}

pub(super) async fn limit_zero(store: Subject) -> Verdict {
    fill(&store, &["a", "b"]).await?;
    ensure_eq!(sorts(&store, query("", None, 0)).await?, ["a", "b"], "pages of limit 0");
    Ok(())
}
