//! Contents that git has already: referred to, equal to the file's bytes, and known again by their blob's hash.

use crate::rig::{Rig, names, path, plainly, summary};
use kerf_checkpoint::{CheckpointError, Content, Held, Snapshot, content, pin};
use kerf_git::{IndexEntry, Repo};
use kerf_test_support::Fixture;
use kerf_workspace::{RelPath, Stat};
use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

pub(crate) struct Known {
    repo: Repo,
    entries: HashMap<PathBuf, IndexEntry>,
}

impl Known {
    pub(crate) fn of(rig: &Rig) -> Self {
        let repo = Repo::discover(rig.folder.path()).unwrap().unwrap();
        let entries = repo.index_entries(rig.folder.path()).unwrap();
        let entries = entries
            .into_iter()
            .map(|entry| (entry.path.clone(), entry))
            .collect();
        Self { repo, entries }
    }

    pub(crate) fn oid(&self, path: &RelPath, stat: &Stat) -> Option<String> {
        let entry = self.entries.get(path.as_path())?;
        entry
            .describes(stat.len, stat.mtime_ns, stat.ino)
            .then(|| entry.oid.clone())
    }

    pub(crate) fn blob(&self, oid: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(self.repo.blob(oid)?)
    }
}

/// A repository whose index is older than nothing, so that its entries count.
fn rig(text: &str) -> Rig {
    let folder = Fixture::new(text);
    let rig = Rig::of(folder);
    for name in plainly(rig.folder.path()).keys() {
        rig.age(name);
    }
    let Rig { folder, ws, .. } = rig;
    Rig::over(folder.git(), ws)
}

fn git_held(snapshot: &Snapshot) -> Vec<String> {
    let by_git = |held: &Held| matches!(held.content(), Some(Content::Git(_)));
    let held = snapshot.files.iter().filter(|(_, held)| by_git(held));
    held.map(|(path, _)| path.to_string()).collect()
}

fn must_hold_the_files(rig: &Rig, snapshot: &Snapshot, known: &Known) {
    let plain = plainly(rig.folder.path());
    assert_eq!(names(snapshot), plain.keys().cloned().collect::<Vec<_>>());
    for (name, plain) in plain {
        let bytes = content(&snapshot.files[&path(&name)], &rig.blobs, &|oid| {
            known.blob(oid)
        })
        .unwrap();
        assert_eq!(bytes.as_deref(), plain.bytes(), "{name}");
    }
}

#[test]
fn a_first_snapshot_of_a_clean_repository_reads_nothing() {
    let rig = rig("//- /a\na\n//- /dir/b\nb\n//- /run mode=755\nr\n");
    let known = Known::of(&rig);
    let first = rig.take_knowing(None, &|path, stat| known.oid(path, stat));
    assert_eq!(first.read_files, 0);
    assert_eq!(git_held(&first.snapshot), ["a", "dir/b", "run"]);
    must_hold_the_files(&rig, &first.snapshot, &known);
    assert_eq!(rig.blobs.size().unwrap(), 0);
}

#[test]
fn conversions_never_give_other_bytes() {
    for (attributes, by_git) in [
        ("", vec![".gitattributes", "bin", "dos.txt", "lf.txt"]),
        ("* text=auto\n", vec![".gitattributes", "bin", "lf.txt"]),
        (
            "*.txt text eol=crlf\n",
            vec![".gitattributes", "bin", "lf.txt"],
        ),
        ("*.txt filter=lfs\n", vec![".gitattributes", "bin"]),
    ] {
        let rig = rig(&format!(
            "//- /.gitattributes\n{attributes}//- /dos.txt crlf\none\ntwo\n//- /lf.txt\none\n//- /bin base64\nAA0KAQ==\n"
        ));
        let known = Known::of(&rig);
        let first = rig
            .take_knowing(None, &|path, stat| known.oid(path, stat))
            .snapshot;
        assert_eq!(git_held(&first), by_git, "{attributes}");
        must_hold_the_files(&rig, &first, &known);
    }
}

#[test]
fn the_same_content_by_another_name_is_no_change() {
    let rig = rig("//- /touched\nsame\n//- /edited\none\n//- /calm\nx\n");
    let known = Known::of(&rig);
    let take = |previous: Option<&Snapshot>| {
        let known = |path: &RelPath, stat: &Stat| known.oid(path, stat);
        rig.take_knowing(previous, &known).snapshot
    };
    let first = take(None);
    let touch = |name: &str, hours: u64| {
        let at = SystemTime::now() - Duration::from_secs(3600 * hours);
        crate::rig::set_modified(&rig.folder.join(name), at);
    };
    touch("touched", 5);
    rig.folder.write("edited", "two\n");
    let second = take(Some(&first));
    assert_eq!(summary(&first, &second), ["~edited"]);
    assert_eq!(
        git_held(&second),
        ["calm", "touched"],
        "read, and found to be what git has"
    );

    rig.folder.write("edited", "one\n");
    let third = take(Some(&second));
    assert_eq!(
        git_held(&third),
        ["calm", "touched"],
        "now it is in the store"
    );
    assert_eq!(
        summary(&first, &third),
        [] as [&str; 0],
        "and still known to be the first content"
    );
    assert_eq!(summary(&second, &third), ["~edited"]);

    // A commit gives the file a git name; it keeps the one it has.
    rig.folder.write("edited", "two\n");
    touch("edited", 3);
    rig.folder.commit("second");
    let known = Known::of(&rig);
    let fourth = rig
        .take_knowing(Some(&third), &|path, stat| known.oid(path, stat))
        .snapshot;
    assert_eq!(summary(&second, &fourth), [] as [&str; 0]);
    assert_eq!(summary(&first, &fourth), ["~edited"]);

    let again = Snapshot::from_bytes(&third.to_bytes().unwrap()).unwrap();
    assert_eq!(
        summary(&first, &again),
        [] as [&str; 0],
        "also after it was stored"
    );
}

#[test]
fn the_same_content_is_no_change_when_git_vouches_for_it_only_later() {
    let rig = rig("//- /a\nsame\n");
    // Just written: nobody can vouch for it.
    let first = rig.take_knowing(None, &|_, _| None).snapshot;
    assert_eq!(git_held(&first), [] as [&str; 0]);
    let known = Known::of(&rig);
    let second = rig
        .take_knowing(None, &|path, stat| known.oid(path, stat))
        .snapshot;
    assert_eq!(git_held(&second), ["a"]);
    assert_eq!(summary(&first, &second), [] as [&str; 0]);
    assert_eq!(summary(&second, &first), [] as [&str; 0]);
}

#[test]
fn an_object_that_git_collected_is_a_typed_error_unless_pinned() {
    let rig = rig("//- /a\naaa\n//- /b\nbbb\n");
    let known = Known::of(&rig);
    let mut first = rig
        .take_knowing(None, &|path, stat| known.oid(path, stat))
        .snapshot;
    let whole = first.clone();
    let git = |oid: &str| known.blob(oid);
    let pinned = pin(&mut first, [&path("a"), &path("nowhere")], &rig.blobs, &git).unwrap();
    assert_eq!(pinned, 1);
    assert_eq!(
        summary(&whole, &first),
        [] as [&str; 0],
        "the same by another name"
    );

    let held_b = first.files[&path("b")].clone();
    let Some(Content::Git(oid)) = held_b.content() else {
        panic!("{held_b:?}")
    };
    fs::remove_dir_all(rig.folder.join(".git/objects")).unwrap();
    fs::create_dir(rig.folder.join(".git/objects")).unwrap();
    let known = Known::of(&rig);
    let git = |oid: &str| known.blob(oid);
    assert_eq!(
        content(&first.files[&path("a")], &rig.blobs, &git)
            .unwrap()
            .unwrap(),
        b"aaa\n"
    );
    match content(&held_b, &rig.blobs, &git) {
        Err(CheckpointError::Git { oid: named, .. }) => assert_eq!(named, *oid),
        other => panic!("{other:?}"),
    }
    let short = |_: &str| Ok(b"bb".to_vec());
    assert!(matches!(
        content(&held_b, &rig.blobs, &short),
        Err(CheckpointError::Git { .. })
    ));
}
