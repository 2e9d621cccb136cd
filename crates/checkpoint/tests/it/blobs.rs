use crate::rig::{is_missing, set_modified};
use kerf_checkpoint::{Batch, Blobs, CheckpointError, Hash, MAX_BLOB_BYTES};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

fn store() -> (tempfile::TempDir, Blobs) {
    let temp = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&temp.path().join("deep/blobs")).unwrap();
    (temp, blobs)
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

fn file_of(blobs: &Blobs, hash: &Hash) -> PathBuf {
    let hex = hash.to_string();
    blobs.dir().join(&hex[..2]).join(&hex[2..])
}

fn litter(blobs: &Blobs) -> usize {
    fs::read_dir(blobs.dir().join("new")).unwrap().count()
}

#[test]
fn contents_come_back_and_are_stored_once() {
    let (_temp, blobs) = store();
    let contents = [
        vec![],
        b"a".to_vec(),
        b"line\n".repeat(10_000),
        noise(1_000_000),
    ];
    let mut size = 0;
    for bytes in &contents {
        assert!(!blobs.has(&Hash::of(bytes)));
        let hash = blobs.put(bytes).unwrap();
        assert_eq!(hash, Hash::of(bytes));
        assert!(blobs.has(&hash));
        assert_eq!(blobs.get(&hash).unwrap(), *bytes);
        let grown = blobs.size().unwrap();
        assert!(
            grown > size && grown - size < bytes.len() as u64 + 100,
            "no bigger than it must be"
        );
        size = grown;

        let written = fs::metadata(file_of(&blobs, &hash))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(blobs.put(bytes).unwrap(), hash);
        assert_eq!(
            fs::metadata(file_of(&blobs, &hash))
                .unwrap()
                .modified()
                .unwrap(),
            written,
            "not written again"
        );
    }
    assert_eq!(blobs.size().unwrap(), size);
    assert!(size < 1_010_000, "the repeated lines were compressed");
    assert_eq!(litter(&blobs), 0);

    let again = Blobs::open(blobs.dir()).unwrap();
    assert_eq!(again.get(&Hash::of(b"a")).unwrap(), b"a");
    let absent = Hash::of(b"absent");
    assert!(is_missing(again.get(&absent), absent));
}

#[test]
fn damage_is_noticed_wherever_it_is() {
    let (_temp, blobs) = store();
    let bytes = noise(300);
    let hash = blobs.put(&bytes).unwrap();
    let file = file_of(&blobs, &hash);
    let whole = fs::read(&file).unwrap();
    let must_be_damaged = |stored: &[u8], what: &str| {
        fs::write(&file, stored).unwrap();
        assert!(
            matches!(blobs.get(&hash), Err(CheckpointError::Damaged { hash: damaged, .. }) if damaged == hash),
            "{what}"
        );
    };
    for len in 0..whole.len() {
        must_be_damaged(&whole[..len], &format!("cut to {len}"));
        if len % 50 == 0 {
            blobs.put(&bytes).unwrap();
            assert_eq!(
                blobs.get(&hash).unwrap(),
                bytes,
                "storing it again repairs what is cut short"
            );
        }
    }
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        fs::write(&file, &flipped).unwrap();
        // A few bits of a zstd frame carry no meaning; whatever comes back must be the content.
        match blobs.get(&hash) {
            Ok(got) => assert_eq!(got, bytes, "byte {at}"),
            Err(error) => assert!(
                matches!(error, CheckpointError::Damaged { .. }),
                "byte {at}: {error}"
            ),
        }
    }
    let mut huge = whole.clone();
    huge[4..12].copy_from_slice(&(MAX_BLOB_BYTES + 1).to_le_bytes());
    must_be_damaged(&huge, "a length that nobody may have");
    let other = blobs.put(b"other").unwrap();
    must_be_damaged(&fs::read(file_of(&blobs, &other)).unwrap(), "another blob");
}

#[test]
fn a_frame_that_grows_is_cut_off() {
    let (_temp, blobs) = store();
    let hash = blobs.put(b"small").unwrap();
    let frame = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
    let mut bomb = b"KfB1".to_vec();
    bomb.extend(5_u64.to_le_bytes());
    bomb.extend((frame.len() as u64).to_le_bytes());
    bomb.extend(frame);
    fs::write(file_of(&blobs, &hash), bomb).unwrap();
    let error = blobs.get(&hash).unwrap_err();
    assert!(error.to_string().contains("length"), "{error}");
}

#[test]
fn many_at_once_by_many_threads() {
    let (_temp, blobs) = store();
    let contents: Vec<_> = (0..120_u32)
        .map(|n| (n % 60).to_le_bytes().repeat(50))
        .collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            let puts = || {
                let slices = contents.iter().map(Vec::as_slice);
                let hashes = blobs.put_all(slices).unwrap();
                for (hash, bytes) in hashes.iter().zip(&contents) {
                    assert_eq!(
                        blobs.get(hash).unwrap(),
                        *bytes,
                        "durable, so readable, for every thread"
                    );
                }
            };
            scope.spawn(puts);
        }
        scope.spawn(|| {
            contents
                .iter()
                .for_each(|bytes| assert!(blobs.put(bytes).is_ok()))
        });
    });
    assert_eq!(litter(&blobs), 0);
    let batch = Batch::new(&blobs).unwrap();
    thread::scope(|scope| {
        for part in contents.chunks(30) {
            let batch = &batch;
            scope.spawn(move || {
                part.iter()
                    .for_each(|bytes| assert!(batch.add(bytes).is_ok()))
            });
        }
    });
    batch.commit().unwrap();
    assert_eq!(litter(&blobs), 0);
}

#[test]
fn nothing_has_a_final_name_before_the_commit() {
    let (_temp, blobs) = store();
    let batch = Batch::new(&blobs).unwrap();
    let hashes: Vec<_> = (0..50_u8).map(|n| batch.add(&[n; 100]).unwrap()).collect();
    assert!(hashes.iter().all(|hash| !blobs.has(hash)));
    assert_eq!(blobs.size().unwrap(), 0);
    drop(batch);
    assert_eq!(litter(&blobs), 0, "a batch that is given up leaves nothing");
    assert!(hashes.iter().all(|hash| !blobs.has(hash)));
}

#[test]
fn an_error_leaves_no_litter_and_names_the_place() {
    let (_temp, blobs) = store();
    let hash = Hash::of(b"content");
    let shard = blobs.dir().join(&hash.to_string()[..2]);
    fs::write(&shard, "in the way").unwrap();
    let error = blobs.put(b"content").unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    assert!(
        error.to_string().contains(shard.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(litter(&blobs), 0);
    fs::remove_file(&shard).unwrap();
    assert_eq!(blobs.put(b"content").unwrap(), hash);

    assert!(matches!(
        Blobs::open(&shard.join(&hash.to_string()[2..])),
        Err(CheckpointError::Io { .. })
    ));
}

#[test]
fn what_a_crash_left_is_removed_after_a_day() {
    let (_temp, blobs) = store();
    let new = blobs.dir().join("new");
    let (old, young) = (new.join("blob-old"), new.join("blob-young"));
    fs::write(&old, "half").unwrap();
    fs::write(&young, "being written by another process").unwrap();
    set_modified(&old, SystemTime::now() - Duration::from_secs(2 * 86_400));
    Blobs::open(blobs.dir()).unwrap();
    assert!(!old.exists());
    assert!(young.exists());
}

#[test]
fn hashes_have_one_spelling() {
    let hash = Hash::of(b"x");
    let hex = hash.to_string();
    assert_eq!(hex.len(), 64);
    assert_eq!(hex.parse(), Ok(hash));
    let json = serde_json::to_string(&hash).unwrap();
    assert_eq!(json, format!("\"{hex}\""));
    assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);
    for wrong in [
        "",
        "ab",
        &hex[1..],
        &hex.to_uppercase(),
        &format!("{hex}0"),
        &hex.replace(&hex[..1], "g"),
    ] {
        assert!(wrong.parse::<Hash>().is_err(), "{wrong:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_look_into_the_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_temp, blobs) = store();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let hash = blobs.put(b"secret").unwrap();
    assert_eq!(mode(blobs.dir()), 0o700);
    assert_eq!(mode(&file_of(&blobs, &hash)), 0o600);
}
