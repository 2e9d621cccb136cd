#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use kerf_workspace::{Expect, Fs, FsError, Kind, RealFs, RelPath, Save};
use rstest::rstest;

use crate::ground::{Ground, MAX, rel};

#[test]
fn a_save_makes_parents_and_tells_what_is_there_now() {
    let ground = Ground::new();
    let stat = ground
        .fs
        .save(&rel("a/b/c.txt"), b"x\r\ny", &Save::default())
        .unwrap();
    assert_eq!(
        (stat.kind, stat.len, stat.mode, stat.links),
        (Kind::File, 4, 0o644, 1)
    );
    assert_eq!(ground.fs.stat(&rel("a/b/c.txt")).unwrap(), stat);
    assert_eq!(ground.fs.read(&rel("a/b/c.txt"), MAX).unwrap(), b"x\r\ny");
    assert_eq!(ground.names(), ["a", "a/b", "a/b/c.txt"]);
}

#[rstest]
#[case(0o755, None, 0o755)]
#[case(0o600, None, 0o600)]
#[case(0o644, Some(0o755), 0o755)]
#[case(0o4755, None, 0o755)]
#[case(0o444, None, 0o444)]
fn a_save_keeps_the_mode_unless_told(
    #[case] before: u32,
    #[case] mode: Option<u32>,
    #[case] after: u32,
) {
    let ground = Ground::new();
    fs::write(ground.at("f"), "old").unwrap();
    fs::set_permissions(ground.at("f"), fs::Permissions::from_mode(before)).unwrap();
    let stat = ground
        .fs
        .save(
            &rel("f"),
            b"new",
            &Save {
                mode,
                ..Save::default()
            },
        )
        .unwrap();
    assert_eq!(stat.mode, after);
    assert_eq!(fs::metadata(ground.at("f")).unwrap().mode() & 0o7777, after);
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_keeps_extended_attributes_and_owner() {
    let ground = Ground::new();
    fs::write(ground.at("f"), "old").unwrap();
    let file = fs::File::open(ground.at("f")).unwrap();
    let has_attributes = rustix::fs::fsetxattr(
        &file,
        c"user.origin",
        b"here\0x",
        rustix::fs::XattrFlags::empty(),
    )
    .is_ok();
    // Only root can give a file away; for others the owner is the same anyway.
    let _ = std::os::unix::fs::chown(ground.at("f"), Some(1234), Some(2345));
    let before = fs::metadata(ground.at("f")).unwrap();
    ground.save("f", "new").unwrap();
    let after = fs::metadata(ground.at("f")).unwrap();
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_ne!(
        after.ino(),
        before.ino(),
        "a save replaces the file, it does not write into it"
    );
    if has_attributes {
        let file = fs::File::open(ground.at("f")).unwrap();
        let mut value = [0; 16];
        let len = rustix::fs::fgetxattr(&file, c"user.origin", &mut value[..]).unwrap();
        assert_eq!(&value[..len], b"here\0x");
    }
}

#[test]
fn a_save_into_a_changed_file_is_a_conflict() {
    let ground = Ground::new();
    let save = |expect| {
        ground.fs.save(
            &rel("f"),
            b"mine",
            &Save {
                expect,
                ..Save::default()
            },
        )
    };
    fs::write(ground.at("f"), "old").unwrap();
    let stamp = ground.fs.stat(&rel("f")).unwrap().stamp();
    assert!(matches!(
        save(Expect::Absent),
        Err(FsError::Conflict { .. })
    ));
    fs::write(ground.at("f"), "theirs").unwrap();
    assert!(matches!(
        save(Expect::Stamp(stamp)),
        Err(FsError::Conflict { .. })
    ));
    assert_eq!(fs::read_to_string(ground.at("f")).unwrap(), "theirs");
    let stamp = ground.fs.stat(&rel("f")).unwrap().stamp();
    let stamp = save(Expect::Stamp(stamp)).unwrap().stamp();
    fs::remove_file(ground.at("f")).unwrap();
    assert!(matches!(
        save(Expect::Stamp(stamp)),
        Err(FsError::Conflict { .. })
    ));
    assert_eq!(
        ground.names(),
        [""; 0],
        "a refused save leaves nothing behind"
    );
    save(Expect::Absent).unwrap();
    assert_eq!(fs::read_to_string(ground.at("f")).unwrap(), "mine");
}

#[test]
fn a_failed_save_leaves_no_litter() {
    let ground = Ground::new();
    fs::create_dir_all(ground.at("d/full")).unwrap();
    fs::write(ground.at("d/file"), "x").unwrap();
    let before = ground.names();
    for path in [
        "d",
        "d/full",
        "d/file/below/it",
        &format!("made/on/the/way/{}", "n".repeat(256)),
    ] {
        assert!(ground.save(path, "x").is_err(), "{path}");
        assert_eq!(ground.names(), before, "after {path}");
    }
    assert!(matches!(
        ground.save("d", "x"),
        Err(FsError::NotAFile {
            what: "a folder",
            ..
        })
    ));
    assert!(matches!(
        ground.save("d/file/below", "x"),
        Err(FsError::NotADir { .. })
    ));
}

#[test]
fn names_are_kept_byte_by_byte() {
    let ground = Ground::new();
    let long = "n".repeat(255);
    let names: [&[u8]; 7] = [
        b"new\nline",
        b"\x1b[31m",
        "\u{202e}gpj".as_bytes(),
        b"-rf",
        b"\xff\xfe",
        b"back\\slash",
        long.as_bytes(),
    ];
    for name in names {
        let path = RelPath::root().join(OsStr::from_bytes(name));
        let again: RelPath = path.to_string().parse().unwrap();
        ground.fs.save(&again, name, &Save::default()).unwrap();
    }
    let listed = ground.fs.list(&RelPath::root()).unwrap();
    assert!(listed.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(listed.len(), names.len());
    for entry in listed {
        let path = RelPath::root().join(&entry.name);
        assert_eq!(
            ground.fs.read(&path, MAX).unwrap(),
            entry.name.as_bytes(),
            "{path}"
        );
    }
}

#[test]
fn removing_leaves_folders_until_asked() {
    let ground = Ground::new();
    ground.save("a/b/c/f", "x").unwrap();
    ground.save("a/g", "x").unwrap();
    ground.fs.remove(&rel("a/b/c/f")).unwrap();
    assert_eq!(ground.names(), ["a", "a/b", "a/b/c", "a/g"]);
    ground.fs.remove_empty_dirs(&rel("a/b/c/gone")).unwrap();
    assert_eq!(ground.names(), ["a", "a/g"]);
    ground.fs.remove(&rel("a/g")).unwrap();
    ground.fs.remove_empty_dirs(&rel("a")).unwrap();
    ground.fs.remove_empty_dirs(&RelPath::root()).unwrap();
    assert_eq!(ground.names(), [""; 0]);
    assert!(matches!(
        ground.fs.remove(&rel("a/g")),
        Err(FsError::NotFound { .. })
    ));
}

#[test]
fn a_move_replaces_nothing() {
    let ground = Ground::new();
    ground.save("a", "a").unwrap();
    ground.save("b", "b").unwrap();
    assert!(matches!(
        ground.fs.rename(&rel("a"), &rel("b")),
        Err(FsError::Conflict { .. })
    ));
    assert!(matches!(
        ground.fs.rename(&rel("none"), &rel("made/c")),
        Err(FsError::NotFound { .. })
    ));
    assert_eq!(ground.names(), ["a", "b"]);
    ground.fs.rename(&rel("a"), &rel("made/c")).unwrap();
    ground.fs.rename(&rel("made"), &rel("moved")).unwrap();
    assert_eq!(ground.names(), ["b", "moved", "moved/c"]);
}

#[test]
fn the_handle_counts_and_not_the_name() {
    let ground = Ground::new();
    fs::rename(ground.at(""), ground.temp.path().join("elsewhere")).unwrap();
    symlink(ground.outside(), ground.temp.path().join("ws")).unwrap();
    ground.save("f", "x").unwrap();
    assert_eq!(
        fs::read_to_string(ground.temp.path().join("elsewhere/f")).unwrap(),
        "x"
    );
    ground.assert_outside_untouched();
}

#[test]
fn a_folder_that_is_none_says_so() {
    let ground = Ground::new();
    let error = RealFs::open(&ground.at("none")).unwrap_err();
    assert!(
        matches!(&error, FsError::Open { folder, .. } if folder == &ground.at("none")),
        "{error}"
    );
    assert!(RealFs::open(&ground.outside().join("secret")).is_err());
}
