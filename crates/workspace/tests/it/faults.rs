//! Saves on a disk that is full, breaks or loses its power.

use crate::ground::rel;
use kerf_test_support::faults::{Disk, Traced, left_out, long};
use kerf_workspace::{Expect, Fs, FsError, RealFs, Save};
use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

/// Set for the process that saves: the folder.
const FOLDER: &str = "KERF_WORKSPACE_TEST_FOLDER";
/// Set for the process that saves again and again.
const FOREVER: &str = "KERF_WORKSPACE_TEST_FOREVER";

const OLD: &str = "old\n";
const NEW: &str = "new, and longer\n";

/// Not a test of its own: the process that the others start, and whose calls fail.
#[test]
fn saver() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let files = RealFs::open(Path::new(&folder)).unwrap();
    let path = rel("d/file");
    let save = |text: &str| {
        let expect = match files.stat(&path) {
            Ok(stat) => Expect::Stamp(stat.stamp()),
            Err(FsError::NotFound { .. }) => Expect::Absent,
            Err(error) => return Err(error),
        };
        let how = Save {
            expect,
            ..Save::default()
        };
        files.save(&path, text.as_bytes(), &how)
    };
    if std::env::var_os(FOREVER).is_some() {
        for number in 0_u64.. {
            if save(&numbered(number)).is_err() {
                return;
            }
            println!("\nsaved {number}");
            std::io::stdout().flush().unwrap();
        }
    }
    // Calls are counted by thread: this one is far beyond what others of the process open and write.
    for _ in 0..200 {
        let mut nowhere = fs::File::create("/dev/null").unwrap();
        nowhere.write_all(b"x").unwrap();
    }
    Traced::begin();
    let saved = save(NEW);
    Traced::end();
    match saved {
        Ok(_) => println!("\nsaved"),
        Err(error) => println!("\nnot saved: {error}"),
    }
}

fn numbered(number: u64) -> String {
    format!("{number}\n").repeat(2000)
}

fn arguments() -> [OsString; 5] {
    let this = std::env::current_exe().unwrap();
    let words = [
        "--exact",
        "faults::saver",
        "--nocapture",
        "--test-threads=1",
    ]
    .map(OsString::from);
    let [exact, name, nocapture, threads] = words;
    [this.into(), exact, name, nocapture, threads]
}

/// The names in the folder of the saved file.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = fs::read_dir(folder.join("d"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn fs9_a_save_that_a_call_fails_leaves_one_of_the_two_and_says_which() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    fs::create_dir(folder.join("d")).unwrap();
    let file = folder.join("d/file");
    let traced = match Traced::new(arguments()) {
        Ok(traced) => traced.env(FOLDER, folder),
        Err(why) => return left_out(&why),
    };
    let changing = [
        "openat",
        "write",
        "fsync",
        "fchmod",
        "renameat",
        "renameat2",
        "fsetxattr",
        "fchown",
        "unlinkat",
    ];
    for old in [Some(OLD), None] {
        let restore = || match old {
            Some(text) => fs::write(&file, text).unwrap(),
            None => drop(fs::remove_file(&file)),
        };
        restore();
        let calls = traced.calls(&changing).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), NEW);
        for call in &calls {
            for error in ["ENOSPC", "EIO", "EROFS"] {
                restore();
                let at = format!("{call:?} with {error}, {old:?} before");
                let output = traced.with_fault(call, error).unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                let text = fs::read_to_string(&file).ok();
                let wanted = if said.contains("\nsaved\n") {
                    Some(NEW)
                } else {
                    let told = said.lines().find(|line| line.starts_with("not saved: "));
                    let told = told.unwrap_or_else(|| panic!("{at}: {said}"));
                    assert!(told.contains("d/file"), "{at}: {told}");
                    old
                };
                assert_eq!(text.as_deref(), wanted, "{at}: {said}");
                // What could not be removed at once is removed when the folder is opened the next time.
                for litter in names(folder).iter().filter(|name| *name != "file") {
                    assert_eq!(call.name, "unlinkat", "{at}: {litter:?} is left");
                    fs::remove_file(folder.join("d").join(litter)).unwrap();
                }
            }
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the child is this test again, to lose its disk"
)]
fn fs8_a_save_that_the_power_cut_met_is_whole_and_the_last_that_was_told_is_there() {
    let cuts = if long() { 100 } else { 4 };
    for cut in 0..cuts {
        let disk = match Disk::new(8) {
            Ok(disk) => disk,
            Err(why) => return left_out(&why),
        };
        fs::create_dir(disk.path().join("d")).unwrap();
        let mut child = Command::new(&arguments()[0])
            .args(&arguments()[1..])
            .env(FOLDER, disk.path())
            .env(FOREVER, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = None;
        // Where in the next save the cut falls is up to chance.
        let mut left = cut % 7 + 1;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(number) = line.strip_prefix("saved ") {
                told = Some(number.parse::<u64>().unwrap());
                left -= 1;
            }
            if left == 0 {
                disk.cut_power().unwrap();
                left = u32::MAX;
            }
        }
        child.wait().unwrap();
        disk.power_on().unwrap();
        let text = fs::read_to_string(disk.path().join("d/file")).unwrap();
        let number: u64 = text.lines().next().unwrap().parse().unwrap();
        assert_eq!(text, numbered(number), "torn at cut {cut}");
        assert!(Some(number) >= told, "{told:?} was told, {number} is there");
        assert!(Some(number) <= told.map(|told| told + 1));
    }
}
