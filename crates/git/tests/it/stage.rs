//! Staging and unstaging by hunk: what is in the index, byte by byte.

use crate::fixture::Fixture;
use kerf_git::{Change, Changed, Chosen, GitError, LineKind, Side};
use std::{fs, path::Path};

fn numbered(edits: &[(usize, &str)]) -> String {
    (0..40)
        .map(|line| match edits.iter().find(|(at, _)| *at == line) {
            Some((_, text)) => (*text).to_owned(),
            None => format!("line {line}\n"),
        })
        .collect()
}

fn hunks(fixture: &Fixture, path: &str, side: Side, hunks: &[usize]) -> Option<String> {
    let repo = fixture.repo();
    let diff = repo.diff(Path::new(path), side).unwrap();
    let chosen = Chosen::Hunks {
        token: &diff.token,
        hunks,
    };
    repo.stage(Path::new(path), side, chosen).unwrap()
}

fn shown(fixture: &Fixture, side: Side) -> Vec<(String, Change)> {
    let changes = fixture.repo().changes().unwrap();
    let list = match side {
        Side::Staged => changes.staged,
        Side::Unstaged => changes.unstaged,
    };
    list.into_iter()
        .map(|Changed { path, change }| (path.to_str().unwrap().to_owned(), change))
        .collect()
}

#[test]
fn hunks_go_into_the_index_and_out_again_one_by_one() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a.txt", numbered(&[]).as_bytes())]);
    let edits = [(2, "two\n"), (20, "twenty\nand more\n"), (38, "")];
    fixture.write("a.txt", numbered(&edits).as_bytes());
    let diff = fixture
        .repo()
        .diff(Path::new("a.txt"), Side::Unstaged)
        .unwrap();
    assert_eq!(diff.hunks.len(), 3);
    let changed: Vec<_> = diff.hunks[1]
        .lines
        .iter()
        .filter(|line| line.kind != LineKind::Context)
        .map(|line| (line.kind, line.text.as_str()))
        .collect();
    assert_eq!(
        changed,
        [
            (LineKind::Removed, "line 20"),
            (LineKind::Added, "twenty"),
            (LineKind::Added, "and more")
        ]
    );

    let before = hunks(&fixture, "a.txt", Side::Unstaged, &[1]);
    assert_eq!(fixture.staged("a.txt"), Some(numbered(&edits[1..2])));
    assert!(before.is_some(), "what was staged before is named");
    // What was the third is now the second.
    hunks(&fixture, "a.txt", Side::Unstaged, &[1]);
    assert_eq!(fixture.staged("a.txt"), Some(numbered(&edits[1..])));
    hunks(&fixture, "a.txt", Side::Staged, &[0]);
    assert_eq!(fixture.staged("a.txt"), Some(numbered(&edits[2..])));
    hunks(&fixture, "a.txt", Side::Unstaged, &[0, 1]);
    assert_eq!(fixture.staged("a.txt"), Some(numbered(&edits)));
    assert_eq!(shown(&fixture, Side::Unstaged), []);
    hunks(&fixture, "a.txt", Side::Staged, &[0, 1, 2]);
    assert_eq!(fixture.staged("a.txt"), Some(numbered(&[])));
    assert_eq!(
        fixture.read("a.txt"),
        numbered(&edits),
        "the file is untouched"
    );
}

#[test]
fn all_of_a_file_is_staged_as_git_would() {
    let fixture = Fixture::named();
    fixture.commit_files(
        "first",
        &[
            ("edited", b"old\n"),
            ("gone", b"gone\n"),
            ("odd \"name\"\t", b"x"),
        ],
    );
    fixture.write("edited", b"new\n");
    fixture.write("made/new", b"made");
    fixture.write("odd \"name\"\t", b"y");
    fs::remove_file(fixture.ws.join("gone")).unwrap();
    let repo = fixture.repo();
    let expected = [
        ("edited", Change::Modified),
        ("gone", Change::Deleted),
        ("made/new", Change::Untracked),
        ("odd \"name\"\t", Change::Modified),
    ];
    let named = |list: &[(&str, Change)]| -> Vec<(String, Change)> {
        list.iter()
            .map(|(path, change)| ((*path).to_owned(), *change))
            .collect()
    };
    assert_eq!(shown(&fixture, Side::Unstaged), named(&expected));
    for (path, _) in expected {
        repo.stage(Path::new(path), Side::Unstaged, Chosen::All)
            .unwrap();
    }
    assert_eq!(shown(&fixture, Side::Unstaged), []);
    let mut staged = expected;
    staged[2].1 = Change::Added;
    assert_eq!(shown(&fixture, Side::Staged), named(&staged));
    for (path, _) in expected {
        repo.stage(Path::new(path), Side::Staged, Chosen::All)
            .unwrap();
    }
    assert_eq!(shown(&fixture, Side::Unstaged), named(&expected));
    assert_eq!(shown(&fixture, Side::Staged), []);
}

#[test]
fn line_ends_stay_as_git_keeps_them() {
    for (attributes, config) in [("* text=auto\n", ""), ("", "[core]\n\tautocrlf = true\n")] {
        let fixture = Fixture::named();
        fixture.append_config(config);
        fixture.write(".gitattributes", attributes.as_bytes());
        let text = |edits: &[(usize, &str)]| numbered(edits).replace('\n', "\r\n");
        // The library must read the settings again.
        let fixture = Fixture {
            git: git2::Repository::open(&fixture.ws).unwrap(),
            ..fixture
        };
        fixture.commit_files("first", &[("a.txt", text(&[]).as_bytes())]);
        assert_eq!(fixture.committed("a.txt"), Some(numbered(&[])));
        fixture.write(
            "a.txt",
            text(&[(3, "three\n"), (30, "thirty\n")]).as_bytes(),
        );
        hunks(&fixture, "a.txt", Side::Unstaged, &[1]);
        assert_eq!(fixture.staged("a.txt"), Some(numbered(&[(30, "thirty\n")])));
        assert_eq!(
            fixture
                .repo()
                .diff(Path::new("a.txt"), Side::Unstaged)
                .unwrap()
                .hunks
                .len(),
            1
        );
        hunks(&fixture, "a.txt", Side::Unstaged, &[0]);
        assert!(
            !shown(&fixture, Side::Unstaged)
                .iter()
                .any(|(path, _)| path == "a.txt")
        );
    }
    // Without conversion, what is on disk is what is staged.
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a.txt", b"one\r\ntwo\r\n")]);
    fixture.write("a.txt", b"one\r\nTWO\r\n");
    hunks(&fixture, "a.txt", Side::Unstaged, &[0]);
    assert_eq!(fixture.staged("a.txt").as_deref(), Some("one\r\nTWO\r\n"));
}

#[cfg(unix)]
#[test]
fn modes_and_links() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::named();
    fixture.commit_files(
        "first",
        &[("run", numbered(&[]).as_bytes()), ("becomes", b"text\n")],
    );
    let mode = |path: &str| {
        let mut index = fixture.git.index().unwrap();
        index.read(true).unwrap();
        index.get_path(Path::new(path), 0).unwrap().mode
    };
    fixture.write(
        "run",
        numbered(&[(1, "one\n"), (30, "thirty\n")]).as_bytes(),
    );
    fs::set_permissions(fixture.ws.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    hunks(&fixture, "run", Side::Unstaged, &[0]);
    assert_eq!(mode("run"), 0o100_644, "a hunk takes no mode with it");
    hunks(&fixture, "run", Side::Unstaged, &[0]);
    assert_eq!(mode("run"), 0o100_755, "the last one does");
    fs::set_permissions(fixture.ws.join("run"), fs::Permissions::from_mode(0o644)).unwrap();
    let diff = fixture
        .repo()
        .diff(Path::new("run"), Side::Unstaged)
        .unwrap();
    assert_eq!(
        (diff.hunks.len(), diff.note.as_str()),
        (0, "from a file that can be run to a plain file")
    );

    fs::remove_file(fixture.ws.join("becomes")).unwrap();
    std::os::unix::fs::symlink("run", fixture.ws.join("becomes")).unwrap();
    let repo = fixture.repo();
    assert_eq!(
        repo.diff(Path::new("becomes"), Side::Unstaged)
            .unwrap()
            .note,
        "from a plain file to a link"
    );
    repo.stage(Path::new("becomes"), Side::Unstaged, Chosen::All)
        .unwrap();
    assert_eq!(mode("becomes"), 0o120_000);
    assert_eq!(fixture.staged("becomes").as_deref(), Some("run"));

    // The file system's modes do not count: what git has, stays.
    fixture.append_config("[core]\n\tfilemode = false\n");
    let repo = fixture.repo();
    fs::set_permissions(fixture.ws.join("run"), fs::Permissions::from_mode(0o644)).unwrap();
    fixture.write("run", b"other\n");
    repo.stage(Path::new("run"), Side::Unstaged, Chosen::All)
        .unwrap();
    assert_eq!(mode("run"), 0o100_755);
}

#[test]
fn texts_at_their_edges() {
    for (old, new) in [
        ("", "now\n"),
        ("was\n", ""),
        ("no end", "no end\n"),
        ("end\n", "end"),
        ("a\nb", "a\nb\nc"),
    ] {
        let fixture = Fixture::named();
        fixture.commit_files("first", &[("a", old.as_bytes())]);
        fixture.write("a", new.as_bytes());
        hunks(&fixture, "a", Side::Unstaged, &[0]);
        assert_eq!(
            fixture.staged("a").as_deref(),
            Some(new),
            "{old:?} to {new:?}"
        );
        hunks(&fixture, "a", Side::Staged, &[0]);
        assert_eq!(
            fixture.staged("a").as_deref(),
            Some(old),
            "{new:?} back to {old:?}"
        );
    }
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("gone", b"text\n"), ("keep", b"")]);
    fs::remove_file(fixture.ws.join("gone")).unwrap();
    fixture.write("new", b"text\n");
    hunks(&fixture, "gone", Side::Unstaged, &[0]);
    hunks(&fixture, "new", Side::Unstaged, &[0]);
    assert_eq!(
        fixture.staged("gone"),
        None,
        "a file without a line is gone, not empty"
    );
    assert_eq!(fixture.staged("new").as_deref(), Some("text\n"));
    hunks(&fixture, "new", Side::Staged, &[0]);
    assert_eq!(fixture.staged("new"), None);
}

#[test]
fn what_was_shown_and_is_no_more_is_refused() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a", numbered(&[]).as_bytes())]);
    fixture.write("a", numbered(&[(1, "one\n"), (30, "thirty\n")]).as_bytes());
    let repo = fixture.repo();
    let diff = repo.diff(Path::new("a"), Side::Unstaged).unwrap();
    let chosen = Chosen::Hunks {
        token: &diff.token,
        hunks: &[1],
    };
    fixture.write(
        "a",
        numbered(&[(1, "one\n"), (30, "not shown\n")]).as_bytes(),
    );
    let error = repo
        .stage(Path::new("a"), Side::Unstaged, chosen)
        .unwrap_err();
    assert!(matches!(error, GitError::Stale { .. }), "{error}");
    assert_eq!(fixture.staged("a"), Some(numbered(&[])));
    assert!(!fixture.ws.join(".git/index.lock").exists());
}

#[test]
fn what_only_git_stages_well_is_refused() {
    let fixture = Fixture::named();
    fixture.write(".gitignore", b"*.log\n");
    fixture.commit_files(
        "first",
        &[
            ("a", b"a\n"),
            ("assumed", b"a\n"),
            ("sparse", b"a\n"),
            ("clash", b"a\n"),
        ],
    );
    let mut index = fixture.git.index().unwrap();
    let entry = |name: &str| index.get_path(Path::new(name), 0).unwrap();
    let mut assumed = entry("assumed");
    assumed.flags |= git2::IndexEntryFlag::VALID.bits();
    let mut sparse = entry("sparse");
    sparse.flags_extended |= git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits();
    let clash = entry("clash");
    index.add(&assumed).unwrap();
    index.add(&sparse).unwrap();
    index.remove_path(Path::new("clash")).unwrap();
    for stage in 1..=3 {
        index
            .add(&git2::IndexEntry {
                path: clash.path.clone(),
                flags: (clash.flags & 0x0fff) | (stage << 12),
                ..clash
            })
            .unwrap();
    }
    index.write().unwrap();
    for name in ["assumed", "sparse", "clash", "x.log", "large.bin"] {
        fixture.write(name, b"mine\n");
    }
    fixture.write(".gitattributes", b"*.bin filter=lfs\n");
    git2::Repository::init(fixture.ws.join("inner")).unwrap();
    let repo = fixture.repo();
    let before = fs::read(fixture.ws.join(".git/index")).unwrap();
    for (path, part) in [
        ("assumed", "leave this file alone"),
        ("sparse", "leave this file alone"),
        ("clash", "resolve it"),
        ("x.log", "ignores it"),
        ("large.bin", "filter"),
        ("inner", "no such file"),
        ("not-there", "no such file"),
        ("../outside", "no such file"),
        (".git/config", "no such file"),
        (".GIT/config", "no such file"),
        ("a/../a", "no such file"),
        ("", "no such file"),
    ] {
        let error = repo
            .stage(Path::new(path), Side::Unstaged, Chosen::All)
            .unwrap_err();
        assert!(
            matches!(&error, GitError::Refused { why, .. } if why.contains(part)),
            "{path}: {error}"
        );
    }
    fs::write(fixture.ws.join(".git/index.lock"), b"").unwrap();
    fixture.write("a", b"new\n");
    let error = repo
        .stage(Path::new("a"), Side::Unstaged, Chosen::All)
        .unwrap_err();
    assert!(matches!(error, GitError::Locked { .. }), "{error}");
    assert!(
        fixture.ws.join(".git/index.lock").exists(),
        "another's lock stays"
    );
    assert_eq!(fs::read(fixture.ws.join(".git/index")).unwrap(), before);
}

#[test]
fn what_is_no_text_or_too_large_has_no_hunks() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("bin", b"\0one"), ("large", b"small\n")]);
    fixture.write("bin", b"\0two");
    fixture.write("large", &b"0123456789abcde\n".repeat(300_000));
    let repo = fixture.repo();
    for (path, note) in [("bin", "not a text"), ("large", "too large to be shown")] {
        let diff = repo.diff(Path::new(path), Side::Unstaged).unwrap();
        assert_eq!((diff.hunks.len(), diff.note.as_str()), (0, note), "{path}");
        repo.stage(Path::new(path), Side::Unstaged, Chosen::All)
            .unwrap();
    }
    assert_eq!(shown(&fixture, Side::Unstaged), []);
}

#[test]
fn several_files_are_staged_together_or_not_at_all() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a", b"a\n"), ("b", b"b\n")]);
    fixture.write("a", b"A\n");
    fixture.write("b", b"B\n");
    let repo = fixture.repo();
    assert!(
        repo.stage_all(&["a", "not-there", "b"], Side::Unstaged)
            .is_err()
    );
    assert_eq!(shown(&fixture, Side::Staged), []);
    assert_eq!(
        repo.stage_all(&["a", "b"], Side::Unstaged).unwrap().len(),
        2
    );
    assert_eq!(shown(&fixture, Side::Staged).len(), 2);
    assert!(
        repo.stage_all(&["a", "b"], Side::Unstaged)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_change_right_after_staging_is_seen() {
    // The stamps of the index must not hide what was written in the same moment.
    for _ in 0..20 {
        let fixture = Fixture::named();
        fixture.commit_files("first", &[("a", b"one\n"), ("b", b"one\n")]);
        fs::write(fixture.ws.join("a"), b"two\n").unwrap();
        let mut index = fixture.git.index().unwrap();
        index.add_path(Path::new("a")).unwrap();
        index.write().unwrap();
        fs::write(fixture.ws.join("a"), b"six\n").unwrap();
        fixture.write("b", b"new\n");
        fixture
            .repo()
            .stage(Path::new("b"), Side::Unstaged, Chosen::All)
            .unwrap();
        assert_eq!(
            shown(&fixture, Side::Unstaged),
            [("a".to_owned(), Change::Modified)]
        );
    }
}
