//! The file system in memory keeps the contract of the real one, and is stricter where it says so.

use kerf_test_support::Fixture;
use kerf_test_support::mem_fs::{Failing, MemFs};
use kerf_workspace::{Expect, Fs, FsError, Kind, RealFs, RelPath, Save};
use std::path::Path;

fn path(text: &str) -> RelPath {
    text.parse().expect("a path")
}

fn save(fs: &dyn Fs, at: &str, text: &str, expect: Expect) -> Result<(), FsError> {
    fs.save(&path(at), text.as_bytes(), &Save { mode: None, expect })
        .map(|_| ())
}

/// The variant's name: what the two file systems must agree on.
fn kind<T>(result: Result<T, FsError>) -> String {
    let error = result.err().map(|error| format!("{error:?}"));
    error.map_or_else(
        || "ok".to_owned(),
        |text| {
            text.split([' ', '{', '('])
                .next()
                .unwrap_or_default()
                .to_owned()
        },
    )
}

const TREE: &str = "//- /a/one.txt\n1\n//- /a/run mode=755\nrun\n//- /b/\n//- /top\ntop\n";

#[cfg(unix)]
const LINKS: &str = "//- /in link=a\n//- /in-file link=a/one.txt\n//- /loop link=loop\n//- /out link=../..\n//- /root link=/etc\n";
#[cfg(windows)]
const LINKS: &str = "";

/// Every operation on both, from the same start; each on what the one before left.
#[test]
fn it_agrees_with_the_disk() {
    let text = format!("{TREE}{LINKS}");
    let disk = Fixture::new(&text);
    let real = RealFs::open(disk.path()).expect("a folder");
    let mem = MemFs::new(&text);
    type Step = (&'static str, fn(&dyn Fs) -> String);
    let mut steps: Vec<Step> = vec![
        ("stat file", |fs| {
            fs.stat(&path("a/one.txt")).map_or_else(
                |e| kind::<()>(Err(e)),
                |s| format!("{:?} {} {:o}", s.kind, s.len, s.mode),
            )
        }),
        ("stat dir", |fs| {
            fs.stat(&path("a"))
                .map_or_else(|e| kind::<()>(Err(e)), |s| format!("{:?}", s.kind))
        }),
        ("stat missing", |fs| kind(fs.stat(&path("a/no")))),
        ("read", |fs| format!("{:?}", fs.read(&path("top"), 4).ok())),
        ("read too large", |fs| kind(fs.read(&path("top"), 3))),
        ("read dir", |fs| kind(fs.read(&path("a"), 9))),
        ("read missing", |fs| kind(fs.read(&path("no/no"), 9))),
        ("read link of file", |fs| kind(fs.read_link(&path("top")))),
        ("list", |fs| {
            format!(
                "{:?}",
                fs.list(&path("a"))
                    .map(|list| list.into_iter().map(|e| e.name).collect::<Vec<_>>())
                    .ok()
            )
        }),
        ("list file", |fs| kind(fs.list(&path("top")))),
        ("save new deep", |fs| {
            kind(save(fs, "n/m/new.txt", "x", Expect::Absent))
        }),
        ("save absent that is there", |fs| {
            kind(save(fs, "top", "x", Expect::Absent))
        }),
        ("save dir", |fs| kind(save(fs, "a", "x", Expect::Anything))),
        ("save keeps the mode", |fs| {
            kind(save(fs, "a/run", "new", Expect::Anything))
        }),
        ("save old stamp", |fs| {
            let stamp = fs.stat(&path("top")).expect("a file").stamp();
            let first = kind(save(fs, "top", "longer than before", Expect::Stamp(stamp)));
            format!(
                "{first} {}",
                kind(save(fs, "top", "y", Expect::Stamp(stamp)))
            )
        }),
        ("save protected", |fs| {
            kind(save(fs, "sub/.git/config", "x", Expect::Anything))
        }),
        ("remove dir", |fs| kind(fs.remove(&path("b")))),
        ("remove missing", |fs| kind(fs.remove(&path("no")))),
        ("remove", |fs| kind(fs.remove(&path("n/m/new.txt")))),
        ("remove empty dirs", |fs| {
            kind(fs.remove_empty_dirs(&path("n/m")))
        }),
        ("remove empty dirs that are not", |fs| {
            kind(fs.remove_empty_dirs(&path("a")))
        }),
        ("remove empty dirs missing", |fs| {
            kind(fs.remove_empty_dirs(&path("n/m")))
        }),
        ("rename", |fs| {
            kind(fs.rename(&path("a"), &path("moved/deep/a")))
        }),
        ("rename onto", |fs| {
            kind(fs.rename(&path("top"), &path("moved/deep/a/run")))
        }),
        ("rename missing", |fs| {
            kind(fs.rename(&path("no"), &path("yes")))
        }),
        ("rename case", |fs| {
            kind(fs.rename(&path("top"), &path("Top")))
        }),
        ("rename back", |fs| {
            kind(fs.rename(&path("moved/deep/a"), &path("a")))
        }),
    ];
    if cfg!(unix) {
        let linked: Vec<Step> = vec![
            ("stat link", |fs| {
                format!("{:?}", fs.stat(&path("in")).map(|s| s.kind).ok())
            }),
            ("read through link", |fs| {
                format!("{:?}", fs.read(&path("in/one.txt"), 9).ok())
            }),
            ("read link to file", |fs| {
                format!("{:?}", fs.read(&path("in-file"), 9).ok())
            }),
            ("read out", |fs| kind(fs.read(&path("out/x"), 9))),
            ("read absolute", |fs| kind(fs.read(&path("root/passwd"), 9))),
            ("save onto link", |fs| {
                kind(save(fs, "in-file", "x", Expect::Anything))
            }),
            ("save out", |fs| {
                kind(save(fs, "out/x", "x", Expect::Anything))
            }),
            ("save through inner link", |fs| {
                kind(save(fs, "in/new", "x", Expect::Absent))
            }),
            ("link", |fs| {
                kind(fs.link(&path("l/k"), Path::new("../anywhere")))
            }),
            ("link again", |fs| {
                kind(fs.link(&path("l/k"), Path::new("x")))
            }),
            ("read the link", |fs| {
                format!("{:?}", fs.read_link(&path("l/k")).ok())
            }),
            ("remove link", |fs| kind(fs.remove(&path("in-file")))),
        ];
        steps.extend(linked);
    }
    for (name, step) in steps {
        assert_eq!(step(&mem), step(&real), "{name}: memory left, disk right");
        assert_eq!(
            mem.tree(),
            disk.tree(),
            "after {name}: memory left, disk right"
        );
    }
}

#[test]
fn every_change_has_a_new_stamp() {
    let fs = MemFs::new("//- /a\nx\n");
    let stamp = || fs.stat(&path("a")).expect("a file").stamp();
    let mut seen = vec![stamp()];
    for _ in 0..3 {
        save(&fs, "a", "x\n", Expect::Anything).expect("saved");
        seen.push(stamp());
        fs.user_writes("a", "x\n");
        seen.push(stamp());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[test]
fn blind_saves_are_remembered() {
    let fs = MemFs::new("//- /listed\n1\n//- /seen\n1\n//- /unseen\n1\n");
    let _stat = fs.stat(&path("seen")).expect("a file");
    save(&fs, "seen", "2", Expect::Anything).expect("saved");
    save(&fs, "unseen", "2", Expect::Anything).expect("saved");
    save(&fs, "unseen", "3", Expect::Anything).expect("saved");
    save(&fs, "new", "1", Expect::Anything).expect("saved");
    fs.user_writes("seen", "user's");
    save(&fs, "seen", "4", Expect::Anything).expect("saved");
    assert_eq!(fs.blind_saves(), [path("unseen"), path("seen")]);
}

#[test]
fn it_fails_when_told() {
    let fs = MemFs::new("//- /a\n1\n");
    fs.fail_at(2, Failing::NoSpace);
    save(&fs, "a", "2", Expect::Anything).expect("the first goes through");
    let error = save(&fs, "a", "3", Expect::Anything).expect_err("the second fails");
    let FsError::Io { source, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    save(&fs, "a", "4", Expect::Anything).expect("the third goes through");
    fs.fail_from(1, Failing::Device);
    for _ in 0..2 {
        assert_eq!(kind(fs.remove(&path("a"))), "Io");
    }
    assert_eq!(fs.read(&path("a"), 9).expect("reads go through"), b"4");
    fs.heal();
    fs.remove(&path("a")).expect("healed");
    let calls = fs.calls();
    assert_eq!(
        (calls.save, calls.remove, calls.read, calls.mutating()),
        (3, 3, 1, 6)
    );
}

#[test]
fn strict_names_are_those_of_every_platform() {
    let loose = MemFs::new("//- /dir/Readme\nx\n");
    save(&loose, "dir/README", "x", Expect::Absent).expect("two names here");
    let fs = MemFs::new("//- /dir/Readme\nx\n").strict_names();
    let long = "x".repeat(256);
    let refused = [
        "dir/README",
        "DIR/new",
        "dot.",
        "space ",
        "a:b",
        "nul",
        "Aux.txt",
        "com1.log",
        "q?",
        &long,
    ];
    for name in refused {
        assert_eq!(kind(save(&fs, name, "x", Expect::Anything)), "Io", "{name}");
        assert_eq!(kind(fs.link(&path(name), Path::new("x"))), "Io", "{name}");
        assert_eq!(
            kind(fs.rename(&path("dir/Readme"), &path(name))),
            if name == "dir/README" { "ok" } else { "Io" },
            "{name}"
        );
        if name == "dir/README" {
            fs.rename(&path("dir/README"), &path("dir/Readme"))
                .expect("a change of case is allowed");
        }
    }
    for name in [
        "dir/Readme",
        "dir/readme.md",
        "nullify",
        "com10",
        "company",
        ".hidden",
        "ü",
    ] {
        save(&fs, name, "x", Expect::Anything).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn pipes_and_hard_links() {
    let fs = MemFs::new("//- /hard\nx\n");
    fs.make_pipe("pipe");
    fs.set_links("hard", 2);
    assert_eq!(fs.stat(&path("pipe")).expect("a pipe").kind, Kind::Other);
    assert_eq!(kind(fs.read(&path("pipe"), 9)), "NotAFile");
    assert_eq!(kind(save(&fs, "hard", "y", Expect::Anything)), "HardLinked");
    fs.user_removes("hard");
    assert_eq!(kind(fs.stat(&path("hard"))), "NotFound");
}
