//! Opening sessions: each for itself, whole or not at all, and by one process at a time.

use crate::kit::{Bench, opened, show};
#[cfg(target_os = "linux")]
use crate::kit::{STUCK, edit, prompt};
use kerf_protocol::{
    Code,
    policy::ApproveMode,
    request::{SessionRef, method},
};

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_session_that_takes_long_to_open_keeps_only_its_own_front_waiting() {
    use rustix::fs::{FileType, Mode, OFlags, mknodat, open};
    use std::{fs, io::Write as _};
    use tokio::time::timeout;

    let bench = Bench::new("//- /a.txt\none\n", [edit()]);
    let engine = bench.engine().await;
    let slow = bench.talked(&engine).await;
    let other = bench.session(&engine, ApproveMode::Auto).await.id;
    let engine = bench.engine_after(engine, other).await;
    // A content under review that is not there yet: opening it waits for who writes it.
    let name = kerf_checkpoint::Hash::of(b"one\n").to_string();
    let blobs = bench.home.path().join("blobs");
    let blob = blobs.join(&name[..2]).join(&name[2..]);
    let bytes = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    let pipe = Mode::from_raw_mode(0o600);
    mknodat(rustix::fs::CWD, &blob, FileType::Fifo, pipe, 0).unwrap();
    let opening = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.subscribe(slow).await.map(drop) })
    };
    let mut writer = loop {
        match open(&blob, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(writer) => break fs::File::from(writer),
            Err(rustix::io::Errno::NXIO) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let another = bench.session(&engine, ApproveMode::Auto).await.id;
    let others = async {
        for id in [other, another] {
            prompt(&engine, id, "hello").await.unwrap();
            engine.idle(id).await.unwrap();
            assert_eq!(show(&engine, id).await.turns.len(), 1);
        }
    };
    timeout(STUCK, others).await.unwrap();
    assert!(!opening.is_finished());
    writer.write_all(&bytes).unwrap();
    drop(writer);
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_that_could_not_be_opened_is_nobodys() {
    let bench = Bench::new("", []);
    let first = bench.engine().await;
    let id = bench.session(&first, ApproveMode::Auto).await.id;
    let away = bench.fixture.path().with_extension("away");
    std::fs::rename(bench.fixture.path(), &away).unwrap();
    let refused = first.subscribe(id).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    std::fs::rename(&away, bench.fixture.path()).unwrap();
    // It is free for another process, and for this one when that is gone.
    let second = bench.engine().await;
    opened(&second, id).await;
    assert_eq!(first.subscribe(id).await.unwrap_err().code, Code::Conflict);
    drop(second);
    bench.engine_after(first, id).await;
}

#[tokio::test]
async fn a_session_that_another_process_drives_is_not_deleted() {
    let bench = Bench::new("", []);
    let first = bench.engine().await;
    let second = bench.engine().await;
    let session_id = bench.talked(&first).await;
    let delete = async |engine: &kerf_engine::Engine| {
        engine
            .call::<method::SessionDelete>(SessionRef { session_id })
            .await
    };
    let refused = delete(&second).await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    assert!(refused.message.contains("another"), "{refused}");
    assert_eq!(show(&second, session_id).await.turns.len(), 1);
    delete(&first).await.unwrap();
    let gone = second.subscribe(session_id).await.unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
}

#[tokio::test]
async fn what_a_power_cut_left_of_saves_is_removed() {
    const LEFT: &str = ".kerf-0123456789abcdef.tmp";
    let bench = Bench::new("//- /a.txt\none\n//- /b/c.txt\nc\n", [edit()]);
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let folder = bench.fixture.path();
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let put = |name: &str, old: bool| {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        if old {
            file.set_modified(an_hour_ago).unwrap();
        }
    };
    put(LEFT, true);
    let others = [
        // Another Kerf may be writing it.
        (".kerf-0123456789abcde0.tmp", false),
        (".kerf-0123456789ABCDEF.tmp", true),
        (".kerf-notes.tmp", true),
        // Nothing was ever saved there.
        ("b/.kerf-0123456789abcdef.tmp", true),
    ];
    for (name, old) in others {
        put(name, old);
    }
    #[cfg(unix)]
    let link = {
        let link = folder.join(".kerf-fedcba9876543210.tmp");
        std::os::unix::fs::symlink("b/.kerf-0123456789abcdef.tmp", &link).unwrap();
        link
    };
    bench.engine_after(engine, id).await;
    assert!(!folder.join(LEFT).exists());
    for (name, _) in others {
        assert!(folder.join(name).exists(), "{name}");
    }
    #[cfg(unix)]
    assert!(link.is_symlink());
}
