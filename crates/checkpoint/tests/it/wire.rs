use crate::rig::rig;
use kerf_checkpoint::{CheckpointError, Held, Snapshot};
use proptest::prelude::*;

fn sample() -> Snapshot {
    let rig = rig(
        "//- /a\na\n//- /dir/b mode=755\nb\n//- /link link=../x\n//- /.gitignore\nc\n//- /c\nc\n",
    );
    rig.age("c");
    let first = rig.take(None).snapshot;
    rig.folder.remove(".gitignore");
    rig.take(Some(&first)).snapshot
}

fn is_refused(bytes: &[u8]) -> bool {
    matches!(
        Snapshot::from_bytes(bytes),
        Err(CheckpointError::NotASnapshot { .. })
    )
}

fn packed(json: &str) -> Vec<u8> {
    let mut bytes = b"KfS1".to_vec();
    bytes.extend(zstd::bulk::compress(json.as_bytes(), 3).unwrap());
    bytes
}

#[test]
fn snapshots_come_back_whole() {
    for snapshot in [Snapshot::default(), sample()] {
        let bytes = snapshot.to_bytes().unwrap();
        assert_eq!(Snapshot::from_bytes(&bytes).unwrap(), snapshot);
        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }
}

#[test]
fn a_snapshot_is_small() {
    let rig = rig("");
    for n in 0..500 {
        rig.folder.write(
            &format!("src/module{}/file{n}.rs", n % 20),
            format!("fn f{n}() {{}}\n"),
        );
    }
    let bytes = rig.take(None).snapshot.to_bytes().unwrap();
    assert!(bytes.len() < 500 * 80, "{} bytes a file", bytes.len() / 500);
}

#[cfg(unix)]
#[test]
fn link_targets_are_kept_to_the_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    for target in [
        &b"plain"[..],
        b"/abs/../x",
        br"back\slash\xff",
        b"\xff\xc3\\",
        "caf\u{e9}\n".as_bytes(),
        b"",
    ] {
        let mut snapshot = Snapshot::default();
        let held = Held::Link {
            target: OsStr::from_bytes(target).into(),
        };
        snapshot.files.insert(crate::rig::path("link"), held);
        let again = Snapshot::from_bytes(&snapshot.to_bytes().unwrap()).unwrap();
        assert_eq!(again, snapshot, "{target:?}");
    }
}

#[test]
fn damage_and_hostile_bytes_are_refused() {
    let bytes = sample().to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert!(is_refused(&bytes[..len]), "cut to {len}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x04;
        // The checksum covers the content; a bit of the frame's header may be without meaning.
        if let Ok(snapshot) = Snapshot::from_bytes(&flipped) {
            assert_eq!(snapshot, sample_like(&bytes), "byte {at}");
        }
    }
    let held = r#"{"File":{"content":{"Git":"OID"},"len":1,"mode":420,"stamp":{"len":1,"mtime_ns":1,"ino":1}}}"#;
    let good = held.replace("OID", &"0a".repeat(20));
    assert!(
        !is_refused(&packed(&format!(r#"{{"files":{{"a":{good}}}}}"#))),
        "the forms below differ in one thing"
    );
    for json in [
        String::new(),
        "null".to_owned(),
        "[".repeat(100_000),
        r#"{"files":{}}x"#.to_owned(),
        format!(r#"{{"files":{{"../a":{good}}}}}"#),
        format!(r#"{{"files":{{"/a":{good}}}}}"#),
        format!(r#"{{"files":{{"a/../../b":{good}}}}}"#),
        format!(r#"{{"files":{{".":{good}}}}}"#),
        format!(
            r#"{{"files":{{"a":{}}}}}"#,
            held.replace("OID", "--output=x")
        ),
        format!(r#"{{"files":{{"a":{}}}}}"#, held.replace("OID", "0a")),
        r#"{"files":{"a":{"Link":{"target":"\\x"}}}}"#.to_owned(),
        r#"{"files":{"a":{"Link":{"target":"\\y00"}}}}"#.to_owned(),
        r#"{"files":{},"git_ids":{"zz":"0a"}}"#.to_owned(),
    ] {
        assert!(is_refused(&packed(&json)), "{:.60}", json);
    }
}

fn sample_like(bytes: &[u8]) -> Snapshot {
    Snapshot::from_bytes(bytes).unwrap()
}

#[test]
fn a_bomb_is_not_unpacked() {
    // 16 MiB of blanks from a few kilobytes: read piece by piece and refused, never held.
    let mut bytes = b"KfS1".to_vec();
    let mut encoder = zstd::Encoder::new(&mut bytes, 3).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..16 {
        std::io::Write::write_all(&mut encoder, &blanks).unwrap();
    }
    encoder.finish().unwrap();
    assert!(bytes.len() < 100_000);
    assert!(is_refused(&bytes));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut with_magic = b"KfS1".to_vec();
        with_magic.extend(&bytes);
        let _ = Snapshot::from_bytes(&with_magic);
        prop_assert!(is_refused(&bytes));
    }
}
