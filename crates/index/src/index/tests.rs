//! What a commit that is under way keeps from going on: nothing that somebody waits for.

use super::{Change, Index};
use crate::{Focus, GrepQuery, Known, MayShow, Mode, Query, SearchError, Wanted, store::Held};
use kerf_workspace::{RelPath, Workspace};
use std::{
    collections::BTreeSet,
    fs,
    sync::{atomic::AtomicBool, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

type Asked = fn(&Index) -> Result<BTreeSet<String>, SearchError>;

const BOTH: &[&str] = &["new.rs", "old.rs"];

/// What is asked, and what is answered. What is on its way is looked at in its file.
const QUESTIONS: [(&str, Asked, &[&str]); 8] = [
    ("words", |index| found(index, Mode::Words, "zebra"), BOTH),
    ("exact", |index| found(index, Mode::Exact, "zebra()"), BOTH),
    ("expression", |index| found(index, REGEX, "z.bra"), BOTH),
    ("symbols", |index| found(index, Mode::Symbol, "zebra"), BOTH),
    ("file names", |index| found(index, Mode::Path, "rs"), BOTH),
    ("lines", lines, BOTH),
    ("map", map, &["old.rs"]),
    ("status", status, &["writable"]),
];

const REGEX: Mode = Mode::Regex {
    ignore_case: false,
    multi_line: false,
};

fn found(index: &Index, mode: Mode, text: &str) -> Result<BTreeSet<String>, SearchError> {
    let known = Known::all();
    let query = Query::parse(text, mode, &known).unwrap();
    let wanted = Wanted {
        query: &query,
        limit: 10,
        recent: &[],
        hidden: false,
        ignore_case: false,
    };
    let answer = index.search(&wanted, &AtomicBool::new(false))?;
    Ok(answer.hits.iter().map(|hit| hit.path.to_string()).collect())
}

fn wait(index: &Index) {
    let is_done = index.wait(Instant::now() + LONG);
    assert!(is_done, "the index takes too long");
}

fn lines(index: &Index) -> Result<BTreeSet<String>, SearchError> {
    let query = GrepQuery {
        pattern: "zebra".to_owned(),
        literal: true,
        ignore_case: false,
        multi_line: false,
        under: RelPath::root(),
        glob: None,
        hidden: false,
        limit: 10,
        context: 0,
    };
    let grepped = index.grep(&query, &AtomicBool::new(false))?;
    let paths = grepped.found.iter().map(|line| line.path.to_string());
    Ok(paths.collect())
}

fn map(index: &Index) -> Result<BTreeSet<String>, SearchError> {
    let never = AtomicBool::new(false);
    let map = index.map(&Focus::default(), 1_000, &|_| MayShow::Lines, &never)?;
    let is_in = map.text.contains("old.rs");
    Ok(is_in.then(|| "old.rs".to_owned()).into_iter().collect())
}

fn status(index: &Index) -> Result<BTreeSet<String>, SearchError> {
    let is_writable = index.status().writable;
    Ok(is_writable
        .then(|| "writable".to_owned())
        .into_iter()
        .collect())
}

#[test]
fn a_commit_holds_up_no_search() {
    let (folder, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |name: &str| {
        fs::write(folder.path().join(name), "pub fn zebra() {}\n").unwrap();
    };
    write("old.rs");
    let workspace = Workspace::open(folder.path()).unwrap();
    let index = Index::open(workspace, place.path(), |_| {});
    wait(&index);
    let contents = index.status().contents;

    // The door is opened before the index ends, whatever happens.
    let held = Held::at(place.path());
    fs::write(
        folder.path().join("new.rs"),
        "pub fn zebra() { /* another one */ }\n",
    )
    .unwrap();
    index.changed(Change::Paths(vec!["new.rs".parse().unwrap()]));
    held.wait(LONG);

    let (tell, told) = channel();
    let asking = index.clone();
    thread::spawn(move || {
        for (name, ask, _) in QUESTIONS {
            let answer = ask(&asking).map_err(|error| error.to_string());
            if tell.send((name, answer)).is_err() {
                return;
            }
        }
    });
    for (name, _, expected) in QUESTIONS {
        let answered = told.recv_timeout(LONG).expect(name);
        let expected = expected.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(answered, (name, Ok(expected)));
    }
    let is_under_way = !index.handle.core.queue.is_done();
    assert!(is_under_way && index.status().contents == contents);

    drop(held);
    wait(&index);
    assert_eq!(index.status().contents, contents + 1);
}
