#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use kerf_workspace::{Fs, FsError, Kind, RealFs, RelPath, Save};

use crate::ground::{Ground, MAX, rel};

#[test]
fn a_hard_linked_file_is_read_but_not_written() {
    let ground = Ground::new();
    fs::hard_link(ground.outside().join("secret"), ground.at("innocent")).unwrap();
    let error = ground.save("innocent", "changed").unwrap_err();
    assert!(
        matches!(error, FsError::HardLinked { links: 2, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("could change a file outside"),
        "{error}"
    );
    assert_eq!(ground.fs.stat(&rel("innocent")).unwrap().links, 2);
    assert_eq!(ground.names(), ["innocent"]);
    ground.assert_outside_untouched();
    ground.fs.remove(&rel("innocent")).unwrap();
    ground.assert_outside_untouched();
}

#[test]
fn links_inside_are_read_through_and_links_out_are_not() {
    let ground = Ground::new();
    fs::create_dir(ground.at("d")).unwrap();
    fs::write(ground.at("d/f"), "inside").unwrap();
    symlink("d/f", ground.at("file")).unwrap();
    symlink("d", ground.at("folder")).unwrap();
    symlink("../outside", ground.at("out")).unwrap();
    symlink("../outside/secret", ground.at("out-file")).unwrap();
    symlink(ground.at("d/f"), ground.at("absolute")).unwrap();
    symlink("loop", ground.at("loop")).unwrap();
    symlink("nowhere", ground.at("dangling")).unwrap();
    let read = |path: &str| ground.fs.read(&rel(path), MAX);
    assert_eq!(read("file").unwrap(), b"inside");
    assert_eq!(read("folder/f").unwrap(), b"inside");
    for path in ["out/secret", "out-file", "absolute"] {
        assert!(
            matches!(read(path), Err(FsError::Escapes { .. })),
            "{path}: {:?}",
            read(path)
        );
    }
    assert!(matches!(
        ground.fs.list(&rel("out")),
        Err(FsError::Escapes { .. })
    ));
    assert!(matches!(
        ground.fs.stat(&rel("out/secret")),
        Err(FsError::Escapes { .. })
    ));
    assert!(matches!(read("dangling"), Err(FsError::NotFound { .. })));
    assert!(matches!(read("loop"), Err(FsError::Io { .. })));
    assert_eq!(ground.fs.stat(&rel("out")).unwrap().kind, Kind::Link);
    assert_eq!(
        ground.fs.read_link(&rel("out")).unwrap(),
        Path::new("../outside")
    );
    assert_eq!(
        ground.fs.read_link(&rel("absolute")).unwrap(),
        ground.at("d/f")
    );
    assert!(matches!(
        ground.fs.read_link(&rel("d/f")),
        Err(FsError::NotALink { .. })
    ));
}

#[test]
fn a_write_never_goes_through_a_link() {
    let ground = Ground::new();
    fs::create_dir(ground.at("d")).unwrap();
    fs::write(ground.at("d/f"), "inside").unwrap();
    symlink("d/f", ground.at("file")).unwrap();
    symlink("d", ground.at("folder")).unwrap();
    symlink("../outside", ground.at("out")).unwrap();
    symlink("../outside/secret", ground.at("out-file")).unwrap();
    symlink("../outside/new", ground.at("out-new")).unwrap();
    for path in ["file", "out-file", "out-new", "folder"] {
        assert!(
            matches!(ground.save(path, "x"), Err(FsError::IsLink { .. })),
            "{path}"
        );
    }
    for path in ["out/secret", "out/new", "out/new/deep"] {
        assert!(
            matches!(ground.save(path, "x"), Err(FsError::Escapes { .. })),
            "{path}"
        );
    }
    assert!(matches!(
        ground.fs.remove(&rel("out/secret")),
        Err(FsError::Escapes { .. })
    ));
    assert!(matches!(
        ground.fs.rename(&rel("d/f"), &rel("out/f")),
        Err(FsError::Escapes { .. })
    ));
    assert!(matches!(
        ground.fs.rename(&rel("out/secret"), &rel("f")),
        Err(FsError::Escapes { .. })
    ));
    assert!(matches!(
        ground.fs.link(&rel("out/l"), Path::new("x")),
        Err(FsError::Escapes { .. })
    ));
    // A folder reached by a link that stays inside is an ordinary folder.
    ground.save("folder/new", "x").unwrap();
    assert_eq!(fs::read_to_string(ground.at("d/new")).unwrap(), "x");
    ground.fs.remove(&rel("out")).unwrap();
    ground.assert_outside_untouched();
}

#[test]
fn git_places_are_read_and_never_written() {
    let ground = Ground::new();
    fs::create_dir_all(ground.at(".git/hooks")).unwrap();
    fs::create_dir_all(ground.at("sub/.git")).unwrap();
    fs::write(ground.at(".git/config"), "old").unwrap();
    fs::write(ground.at("f"), "x").unwrap();
    symlink(".git", ground.at("alias")).unwrap();
    symlink("sub/.git/..", ground.at("roundabout")).unwrap();
    symlink(".git/hooks", ground.at("hooks")).unwrap();
    let before = ground.names();
    for path in [
        ".git",
        ".git/config",
        ".GIT/config",
        ".git/hooks/pre-commit",
        "sub/.git/x",
        ".g\u{200c}it/config",
        "git~1/config",
        ".git./x",
        "alias/config",
        "hooks/pre-commit",
        "alias/new/x",
        "new/.git",
        ".git\\config",
    ] {
        let path = rel(path);
        let results = [
            ground.fs.save(&path, b"new", &Save::default()).map(|_| ()),
            ground.fs.remove(&path),
            ground.fs.link(&path, Path::new("x")),
            ground.fs.rename(&rel("f"), &path),
            ground.fs.rename(&path, &rel("g")),
        ];
        for (n, result) in results.into_iter().enumerate() {
            // What does not exist may as well not be found; it must only not be made.
            let refused = matches!(
                result,
                Err(FsError::Protected { .. } | FsError::NotFound { .. })
            );
            assert!(refused, "call {n} on {path}: {result:?}");
        }
        assert!(
            matches!(
                ground.fs.save(&path, b"new", &Save::default()),
                Err(FsError::Protected { .. })
            ),
            "{path}"
        );
    }
    assert!(matches!(
        ground.fs.remove_empty_dirs(&rel(".git/hooks")),
        Err(FsError::Protected { .. })
    ));
    assert_eq!(ground.names(), before);
    assert_eq!(ground.fs.read(&rel(".git/config"), MAX).unwrap(), b"old");
    assert_eq!(ground.fs.list(&rel(".git")).unwrap().len(), 2);
    ground.save("roundabout/y", "x").unwrap();
    ground.save(".gitignore", "x").unwrap();
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let ground = Ground::new();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        ground.at("pipe"),
        rustix::fs::Mode::from_raw_mode(0o644),
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(ground.at("socket")).unwrap();
    fs::create_dir(ground.at("d")).unwrap();
    for (path, kind) in [
        ("pipe", Kind::Other),
        ("socket", Kind::Other),
        ("d", Kind::Dir),
    ] {
        assert_eq!(ground.fs.stat(&rel(path)).unwrap().kind, kind);
        for result in [
            ground.fs.read(&rel(path), MAX).map(|_| ()),
            ground.save(path, "x"),
            ground.fs.remove(&rel(path)),
        ] {
            assert!(
                matches!(result, Err(FsError::NotAFile { .. })),
                "{path}: {result:?}"
            );
        }
    }
    assert!(matches!(
        ground.fs.read(&RelPath::root(), MAX),
        Err(FsError::NotAFile { .. })
    ));
    assert!(matches!(
        ground.fs.save(&RelPath::root(), b"", &Save::default()),
        Err(FsError::NotAFile { .. })
    ));
    assert!(matches!(
        ground.fs.read(&rel("none"), MAX),
        Err(FsError::NotFound { .. })
    ));
    assert!(matches!(
        ground.fs.list(&rel("none")),
        Err(FsError::NotFound { .. })
    ));
}

#[test]
fn a_large_file_is_refused_without_being_read() {
    let ground = Ground::new();
    let len = 50 << 30;
    fs::File::create(ground.at("sparse"))
        .unwrap()
        .set_len(len)
        .unwrap();
    let error = ground.fs.read(&rel("sparse"), MAX).unwrap_err();
    assert!(
        matches!(error, FsError::TooLarge { len: found, max: MAX, .. } if found == len),
        "{error}"
    );
    fs::write(ground.at("exact"), "12345").unwrap();
    assert_eq!(ground.fs.read(&rel("exact"), 5).unwrap(), b"12345");
    assert!(matches!(
        ground.fs.read(&rel("exact"), 4),
        Err(FsError::TooLarge { len: 5, max: 4, .. })
    ));
    assert!(matches!(
        ground.fs.read(&rel("exact"), 0),
        Err(FsError::TooLarge { .. })
    ));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_lies_about_its_length_is_bounded() {
    let proc = RealFs::open(Path::new("/proc/self")).unwrap();
    assert!(matches!(
        proc.read(&rel("status"), 10),
        Err(FsError::TooLarge { .. })
    ));
    assert!(!proc.read(&rel("status"), MAX).unwrap().is_empty());
}

#[test]
fn a_link_is_put_back_exactly_and_over_nothing() {
    let ground = Ground::new();
    for target in ["../outside", "/etc/hostname", "nowhere"] {
        ground
            .fs
            .link(&rel("made/link"), Path::new(target))
            .unwrap();
        assert_eq!(
            ground.fs.read_link(&rel("made/link")).unwrap(),
            Path::new(target)
        );
        let again = ground.fs.link(&rel("made/link"), Path::new("x"));
        assert!(matches!(again, Err(FsError::Conflict { .. })), "{again:?}");
        ground.fs.remove(&rel("made/link")).unwrap();
    }
    ground.assert_outside_untouched();
}
