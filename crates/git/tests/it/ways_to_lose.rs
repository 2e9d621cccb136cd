//! Ways to lose work in git: a table of states and of operations. Whatever an operation answers, each byte that was the
//! user's is still on disk, in the index, in a commit that a name leads to, or in an object that the answer names.

use crate::fixture::Fixture;
use git2::{IndexEntryExtendedFlag, IndexEntryFlag, Oid, Repository, WorktreeAddOptions};
use kerf_git::{Chosen, CommitFile, FileContent, FileKind, RecordOptions, Repo, Side};
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// Puts a repository into a state and says which bytes are the user's.
type State = fn(&Fixture) -> Vec<&'static [u8]>;
/// Does something, and says which objects the answer names.
type Operation = fn(&Repo, &Paths) -> Vec<String>;

/// The paths that the operations are tried on.
type Paths = Vec<PathBuf>;

const EDITED: &[u8] = b"first\nmine, and nowhere else\nthird\n";
const STAGED: &[u8] = b"first\nmine, and only staged\nthird\n";
const NEW: &[u8] = b"new, and nowhere else\n";

/// Two branches that differ in many ways, and a stash that touches the same files.
fn base() -> Fixture {
    let fixture = Fixture::named();
    fixture.git.set_head("refs/heads/main").unwrap();
    fixture.commit_files(
        "first",
        &[
            ("a.txt", b"first\nsecond\nthird\n"),
            ("dir/b.txt", b"b\n"),
            ("becomes-folder", b"file\n"),
            ("run.sh", b"run\n"),
            ("folder/deep/c.txt", b"c\n"),
        ],
    );
    fixture.write("a.txt", b"first\nsecond\nthird\nstashed\n");
    fixture.write("stash-only", b"stashed\n");
    fixture.repo().stash(Some("before"), true).unwrap();
    fixture.repo().switch("other", true).unwrap();
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    for path in ["becomes-folder", "folder/deep/c.txt"] {
        index.remove_path(Path::new(path)).unwrap();
        fs::remove_file(fixture.ws.join(path)).unwrap();
    }
    index.write().unwrap();
    fs::remove_dir_all(fixture.ws.join("folder")).unwrap();
    fixture.commit_files(
        "second",
        &[
            ("a.txt", b"first\nother\nthird\n"),
            ("dir/b.txt", b"other\n"),
            ("becomes-folder/inside", b"inside\n"),
            ("run.sh", b"other\n"),
            ("folder", b"a file now\n"),
            ("brought", b"brought\n"),
            ("x.log", b"brought\n"),
        ],
    );
    fixture.repo().switch("main", false).unwrap();
    // Samples, which each copy would bring along.
    let _ = fs::remove_dir_all(fixture.ws.join(".git/hooks"));
    fixture
}

fn edit_entry(fixture: &Fixture, path: &str, edit: impl Fn(&mut git2::IndexEntry)) {
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    let mut entry = index.get_path(Path::new(path), 0).unwrap();
    edit(&mut entry);
    index.add(&entry).unwrap();
    index.write().unwrap();
}

fn forget(fixture: &Fixture, path: &str) {
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    index.remove_path(Path::new(path)).unwrap();
    index.write().unwrap();
}

fn state_file(fixture: &Fixture, name: &str) {
    let head = fixture.git.head().unwrap().target().unwrap();
    fs::write(fixture.ws.join(".git").join(name), format!("{head}\n")).unwrap();
}

const STATES: &[(&str, State)] = &[
    ("nothing of the user's", |_| vec![]),
    ("an edited file", |f| {
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("a staged edit", |f| {
        f.write("a.txt", EDITED);
        f.stage(&["a.txt"]);
        vec![EDITED]
    }),
    ("staged, then edited on", |f| {
        f.write("a.txt", STAGED);
        f.stage(&["a.txt"]);
        f.write("a.txt", EDITED);
        vec![STAGED, EDITED]
    }),
    ("staged, then taken back on disk", |f| {
        f.write("a.txt", STAGED);
        f.stage(&["a.txt"]);
        f.write("a.txt", b"first\nsecond\nthird\n");
        vec![STAGED]
    }),
    ("a new file staged", |f| {
        f.write("brought", NEW);
        f.stage(&["brought"]);
        vec![NEW]
    }),
    ("a new file staged, gone on disk", |f| {
        f.write("brought", NEW);
        f.stage(&["brought"]);
        fs::remove_file(f.ws.join("brought")).unwrap();
        vec![NEW]
    }),
    ("untracked where the branch has a file", |f| {
        f.write("brought", NEW);
        vec![NEW]
    }),
    ("untracked where a stash has a file", |f| {
        f.write("stash-only", NEW);
        vec![NEW]
    }),
    ("untracked folder where the branch has a file", |f| {
        f.write("brought/deep/file", NEW);
        vec![NEW]
    }),
    (
        "untracked beside tracked files of a folder that goes",
        |f| {
            f.write("folder/deep/mine", NEW);
            vec![NEW]
        },
    ),
    ("untracked file where the branch has a folder", |f| {
        fs::remove_file(f.ws.join("becomes-folder")).unwrap();
        f.write("becomes-folder", NEW);
        vec![NEW]
    }),
    ("ignored where the branch has a file", |f| {
        f.write(".git/info/exclude", b"*.log\n");
        f.write("x.log", NEW);
        vec![NEW]
    }),
    ("a folder in the place of a tracked file", |f| {
        fs::remove_file(f.ws.join("a.txt")).unwrap();
        f.write("a.txt/inside", NEW);
        vec![NEW]
    }),
    ("deleted, and the deletion staged, and made anew", |f| {
        forget(f, "a.txt");
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("edited in the same size, with the old time", |f| {
        f.stage(&["a.txt"]);
        let path = f.ws.join("a.txt");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, b"first\nSECOND\nthird\n").unwrap();
        crate::fixture::set_modified(&path, time);
        vec![b"first\nSECOND\nthird\n"]
    }),
    ("told to assume that it is unchanged", |f| {
        edit_entry(f, "a.txt", |entry| {
            entry.flags |= IndexEntryFlag::VALID.bits()
        });
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("sparse, with a file that came back", |f| {
        f.append_config("[core]\n\tsparseCheckout = true\n");
        edit_entry(f, "a.txt", |entry| {
            entry.flags_extended |= IndexEntryExtendedFlag::SKIP_WORKTREE.bits();
        });
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("intended to be added", |f| {
        f.write("brought", NEW);
        f.stage(&["brought"]);
        let empty = f.git.blob(b"").unwrap();
        edit_entry(f, "brought", |entry| {
            entry.id = empty;
            entry.flags_extended |= IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
        });
        vec![NEW]
    }),
    ("a conflict", |f| {
        let side = |bytes: &[u8]| f.git.blob(bytes).unwrap();
        let sides = [side(b"first\nsecond\nthird\n"), side(STAGED), side(NEW)];
        let mut index = f.git.index().unwrap();
        index.read(true).unwrap();
        let entry = index.get_path(Path::new("a.txt"), 0).unwrap();
        index.remove_path(Path::new("a.txt")).unwrap();
        for (stage, id) in (1..).zip(sides) {
            index
                .add(&git2::IndexEntry {
                    path: entry.path.clone(),
                    flags: (entry.flags & 0x0fff) | (stage << 12),
                    id,
                    ..entry
                })
                .unwrap();
        }
        index.write().unwrap();
        state_file(f, "MERGE_HEAD");
        f.write("a.txt", EDITED);
        vec![STAGED, NEW, EDITED]
    }),
    ("a merge that is resolved and not committed", |f| {
        state_file(f, "MERGE_HEAD");
        f.write("a.txt", EDITED);
        f.stage(&["a.txt"]);
        vec![EDITED]
    }),
    ("a cherry-pick under way", |f| {
        state_file(f, "CHERRY_PICK_HEAD");
        f.write("a.txt", EDITED);
        f.stage(&["a.txt"]);
        vec![EDITED]
    }),
    ("a rebase under way", |f| {
        fs::create_dir(f.ws.join(".git/rebase-merge")).unwrap();
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("another git holds the index", |f| {
        fs::write(f.ws.join(".git/index.lock"), b"").unwrap();
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("another git holds HEAD", |f| {
        fs::write(f.ws.join(".git/HEAD.lock"), b"").unwrap();
        f.write("dir/mine", NEW);
        f.write("run.sh", EDITED);
        vec![EDITED, NEW]
    }),
    ("commits on no branch", |f| {
        let at = f.git.head().unwrap().target().unwrap();
        f.git.set_head_detached(at).unwrap();
        f.commit_files("lonely", &[("a.txt", EDITED)]);
        vec![EDITED]
    }),
    ("before the first commit", |f| {
        f.git.set_head("refs/heads/unborn").unwrap();
        f.write("a.txt", EDITED);
        f.stage(&["a.txt"]);
        f.write("new", NEW);
        vec![EDITED, NEW]
    }),
    ("a repository inside", |f| {
        Repository::init(f.ws.join("brought")).unwrap();
        f.write("brought/theirs", NEW);
        vec![NEW]
    }),
    ("a submodule with edits", |f| {
        let inner = Repository::init(f.ws.join("inner")).unwrap();
        let tree = inner.treebuilder(None).unwrap().write().unwrap();
        let tree = inner.find_tree(tree).unwrap();
        let who = git2::Signature::now("A", "a@example.org").unwrap();
        let id = inner
            .commit(Some("HEAD"), &who, &who, "in", &tree, &[])
            .unwrap();
        f.write("inner/mine", NEW);
        let mut index = f.git.index().unwrap();
        index.read(true).unwrap();
        let mut entry = index.get_path(Path::new("a.txt"), 0).unwrap();
        entry.path = b"inner".to_vec();
        entry.mode = 0o160_000;
        entry.id = id;
        index.add(&entry).unwrap();
        index.write().unwrap();
        f.write("a.txt", EDITED);
        vec![EDITED, NEW]
    }),
    ("kept through a filter", |f| {
        f.write(".git/info/attributes", b"a.txt filter=lfs\n");
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    ("other line ends on disk", |f| {
        f.append_config("[core]\n\tautocrlf = true\n");
        f.write("a.txt", b"first\r\nmine\r\nthird\r\n");
        // With these the repository keeps other bytes, on purpose: the words must survive.
        vec![b"mine"]
    }),
    ("shallow", |f| {
        state_file(f, "shallow");
        f.write("a.txt", EDITED);
        vec![EDITED]
    }),
    #[cfg(unix)]
    ("a link in the place of a folder", |f| {
        let outside = f.temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("b.txt"), NEW).unwrap();
        fs::remove_dir_all(f.ws.join("dir")).unwrap();
        std::os::unix::fs::symlink(outside, f.ws.join("dir")).unwrap();
        vec![NEW]
    }),
    #[cfg(unix)]
    ("a link in the place of a file", |f| {
        fs::remove_file(f.ws.join("run.sh")).unwrap();
        std::os::unix::fs::symlink("mine/and/nowhere/else", f.ws.join("run.sh")).unwrap();
        vec![b"mine/and/nowhere/else"]
    }),
    #[cfg(unix)]
    ("names that are no UTF-8", |f| {
        use std::os::unix::ffi::OsStrExt as _;
        fs::write(f.ws.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), NEW).unwrap();
        vec![NEW]
    }),
    #[cfg(unix)]
    ("a file that nobody may write", |f| {
        use std::os::unix::fs::PermissionsExt as _;
        f.write("a.txt", EDITED);
        fs::set_permissions(f.ws.join("a.txt"), fs::Permissions::from_mode(0o444)).unwrap();
        vec![EDITED]
    }),
    ("a branch that only another working tree has", |f| {
        let linked = f.temp.path().join("linked");
        f.git
            .worktree("linked", &linked, Some(&WorktreeAddOptions::new()))
            .unwrap();
        fs::write(linked.join("a.txt"), EDITED).unwrap();
        vec![EDITED]
    }),
    ("a damaged index", |f| {
        f.write("a.txt", EDITED);
        fs::write(f.ws.join(".git/index"), b"DIRC\0\0\0\x02\xff\xff\xff\xff").unwrap();
        vec![EDITED]
    }),
];

const OPERATIONS: &[(&str, Operation)] = &[
    ("stage each", |repo, paths| {
        each(repo, paths, Side::Unstaged)
    }),
    ("unstage each", |repo, paths| {
        each(repo, paths, Side::Staged)
    }),
    ("stage the first hunk of each", |repo, paths| {
        hunks(repo, paths, Side::Unstaged)
    }),
    ("unstage the first hunk of each", |repo, paths| {
        hunks(repo, paths, Side::Staged)
    }),
    ("commit", |repo, _| record(repo, false)),
    ("amend", |repo, _| record(repo, true)),
    ("commit of given contents", |repo, _| {
        let content = |bytes: &[u8]| {
            Some(FileContent {
                bytes: bytes.to_vec(),
                kind: FileKind::Plain,
            })
        };
        let file = CommitFile {
            path: "a.txt".into(),
            before: content(b"first\nsecond\nthird\n"),
            after: content(b"first\nsecond\nthird\nagent\n"),
        };
        let _ = repo.commit("given", &[file]);
        vec![]
    }),
    ("switch", |repo, _| {
        let _ = repo.switch("other", false);
        vec![]
    }),
    ("switch there and back", |repo, _| {
        let _ = repo.switch("other", false);
        let _ = repo.switch("main", false);
        vec![]
    }),
    ("switch to a new branch", |repo, _| {
        let _ = repo.switch("new-branch", true);
        vec![]
    }),
    ("delete every branch", |repo, _| {
        ["main", "other", "linked", "unborn"]
            .into_iter()
            .filter_map(|name| repo.delete_branch(name).ok())
            .collect()
    }),
    ("stash", |repo, _| {
        let _ = repo.stash(None, false);
        vec![]
    }),
    ("stash with the untracked", |repo, _| {
        let _ = repo.stash(None, true);
        vec![]
    }),
    ("stash and take it out again", |repo, _| {
        if let Ok(stashed) = repo.stash(None, true) {
            let _ = repo.unstash(&stashed.oid, true);
        }
        vec![]
    }),
    ("stash, switch, and take it out there", |repo, _| {
        if let Ok(stashed) = repo.stash(None, true) {
            let _ = repo.switch("other", false);
            let _ = repo.unstash(&stashed.oid, true);
        }
        vec![]
    }),
    ("take the older stash out", |repo, _| {
        for stash in repo.stashes().unwrap_or_default() {
            let _ = repo.unstash(&stash.oid, true);
        }
        vec![]
    }),
];

fn each(repo: &Repo, paths: &Paths, side: Side) -> Vec<String> {
    let stage = |path: &PathBuf| repo.stage(path, side, Chosen::All).ok().flatten();
    paths.iter().filter_map(stage).collect()
}

fn hunks(repo: &Repo, paths: &Paths, side: Side) -> Vec<String> {
    let stage = |path: &PathBuf| {
        let diff = repo.diff(path, side).ok()?;
        let chosen = Chosen::Hunks {
            token: &diff.token,
            hunks: &[0],
        };
        repo.stage(path, side, chosen).ok().flatten()
    };
    paths.iter().filter_map(stage).collect()
}

fn record(repo: &Repo, amend: bool) -> Vec<String> {
    let options = RecordOptions {
        message: "message",
        amend,
        without_programs: false,
    };
    repo.record(options)
        .ok()
        .and_then(|recorded| recorded.replaced)
        .into_iter()
        .collect()
}

/// Everything that can be found: on disk, by name in the repository, and by the ids that were told.
fn found(fixture: &Fixture, told: &[String]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut folders = vec![fixture.temp.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                all.push(target.as_os_str().as_encoded_bytes().to_vec());
            } else if metadata.is_dir() {
                if !path.ends_with(".git") {
                    folders.push(path);
                }
            } else {
                all.push(fs::read(&path).unwrap());
            }
        }
    }
    let git = Repository::open(&fixture.ws).unwrap();
    let blob = |id: Oid| git.find_blob(id).ok().map(|blob| blob.content().to_vec());
    if let Ok(index) = git.index() {
        all.extend(index.iter().filter_map(|entry| blob(entry.id)));
    }
    let mut tips: BTreeSet<Oid> = git
        .references()
        .unwrap()
        .flatten()
        .filter_map(|reference| reference.target())
        .collect();
    tips.extend(git.head().ok().and_then(|head| head.target()));
    tips.extend(
        git.reflog("refs/stash")
            .unwrap()
            .iter()
            .map(|entry| entry.id_new()),
    );
    for id in told.iter().map(|id| id.parse().unwrap()) {
        all.extend(blob(id));
        tips.insert(id);
    }
    let mut commits: Vec<Oid> = tips.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = commits.pop() {
        let Ok(commit) = git.find_commit(id) else {
            continue;
        };
        if !seen.insert(id) {
            continue;
        }
        commits.extend(commit.parent_ids());
        let tree = commit.tree().unwrap();
        tree.walk(git2::TreeWalkMode::PreOrder, |_, entry| {
            all.extend(blob(entry.id()));
            git2::TreeWalkResult::Ok
        })
        .unwrap();
    }
    all
}

/// The paths of the working tree that are worth a try.
fn paths(repo: &Repo) -> Paths {
    let mut paths: BTreeSet<PathBuf> =
        ["a.txt", "brought", "x.log", "inner", "dir/b.txt", "run.sh"]
            .map(PathBuf::from)
            .into();
    if let Ok(changes) = repo.changes() {
        let changed = changes.staged.into_iter().chain(changes.unstaged);
        paths.extend(changed.map(|changed| changed.path));
    }
    paths.into_iter().collect()
}

/// What was lost when each operation was tried in one state.
fn lost_in(template: &Path, state: &str, make: State) -> Vec<String> {
    let mut lost = Vec::new();
    for (name, operation) in OPERATIONS {
        let mut tell = |what: String| lost.push(format!("{state}: {name}: {what}"));
        let fixture = Fixture::copy_of(template);
        let treasures = make(&fixture);
        let repo = fixture.repo();
        let paths = paths(&repo);
        let lock = fixture.ws.join(".git/index.lock");
        let locked = lock.exists();
        let Ok(told) = catch_unwind(AssertUnwindSafe(|| operation(&repo, &paths))) else {
            tell("it panicked".to_owned());
            continue;
        };
        let found = found(&fixture, &told);
        for treasure in treasures {
            let is_there = |bytes: &Vec<u8>| {
                bytes == treasure
                    || (treasure == b"mine" && bytes.windows(4).any(|part| part == treasure))
            };
            if !found.iter().any(is_there) {
                tell(treasure.escape_ascii().to_string());
            }
        }
        if lock.exists() != locked {
            tell("the lock of the index is not as before".to_owned());
        }
        for entry in fs::read_dir(fixture.ws.join(".git")).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("kerf-") {
                tell(format!("{name} is left"));
            }
        }
    }
    lost
}

#[test]
fn not_one_byte_of_the_users_is_lost() {
    const AT_ONCE: usize = 8;
    let template = base();
    let template = template.ws.as_path();
    let mut lost = Vec::new();
    for states in STATES.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let running: Vec<_> = states
                .iter()
                .map(|(state, make)| scope.spawn(|| lost_in(template, state, *make)))
                .collect();
            for one in running {
                lost.extend(one.join().unwrap());
            }
        });
    }
    assert_eq!(lost, [""; 0]);
}
