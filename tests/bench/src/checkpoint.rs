//! Checkpoints: what one costs, and what going back to it costs, in folders of three sizes with three files changed.
//!
//! They are taken in this process, as the engine takes them: a look at the whole folder, the list on disk. Going back is a
//! look, reading the list, and saving the three files.

use crate::{
    Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_checkpoint::{Blobs, Lists, Snapshot, changes, content, read_list, take};
use kerf_workspace::{Save, Workspace};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant, SystemTime},
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const CHANGED: usize = 3;
const ROUNDS: usize = 15;

pub(crate) fn run(table: &mut Table) -> Done {
    for files in SIZES {
        measure(files, table).map_err(|error| format!("{files} files: {error}"))?;
    }
    Ok(())
}

fn measure(files: usize, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let room = tempfile::tempdir()?;
    let folder = room.path().join("folder");
    for number in 0..files {
        let file = place(&folder, number);
        if number % 100 == 0 {
            fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        }
        fs::write(&file, format!("file {number}\n").repeat(20))?;
        // Then its stamp proves something.
        let hour = Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(&file)?;
        file.set_modified(SystemTime::now() - hour)?;
    }
    let workspace = Workspace::open(&folder)?;
    let blobs = Blobs::open(&room.path().join("blobs"))?;
    let mut lists = Lists::default();
    let mut checkpoint = |previous: Option<&Snapshot>| -> Result<_, Box<dyn Error>> {
        let begun = Instant::now();
        let go_on = AtomicBool::new(false);
        let taken = take(&workspace, &blobs, previous, &|_, _| None, &go_on)?;
        let snapshot = Arc::new(taken.snapshot);
        let list = lists.write(&blobs, &|_| Err("no git".into()), &snapshot)?;
        Ok((begun.elapsed(), snapshot, list))
    };
    let (first, mut snapshot, _) = checkpoint(None)?;
    let (mut took, mut restored) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (_, before, kept) = checkpoint(Some(&snapshot))?;
        for number in 0..CHANGED {
            let number = (round * 37 + number * files / CHANGED) % files;
            fs::write(
                place(&folder, number),
                format!("round {round}\n").repeat(30),
            )?;
        }
        let (cost, after, _) = checkpoint(Some(&before))?;
        took.push(cost);
        let begun = Instant::now();
        let (_, now, _) = checkpoint(Some(&after))?;
        let then = read_list(&blobs, &kept)?;
        for changed in changes(&then, &now) {
            let held = changed.before.ok_or("a file is not in the checkpoint")?;
            let bytes = content(&held, &blobs, &|_| Err("no git".into()))?;
            let bytes = bytes.ok_or("a content is not kept")?;
            workspace
                .fs()
                .save(&changed.path, &bytes, &Save::default())?;
        }
        restored.push(begun.elapsed());
        snapshot = now;
    }
    let middle = |times: &[Duration]| {
        let times: Vec<f64> = times.iter().copied().map(millis).collect();
        Some(median(&times))
    };
    table.compare(
        &format!("checkpoint of {files} files: the first"),
        Unit::Millis,
        Some(millis(first)),
    );
    table.compare(
        &format!("– of {files} files with {CHANGED} changed, median of {ROUNDS}"),
        Unit::Millis,
        middle(&took),
    );
    table.compare(
        &format!("– going back to it, with a checkpoint first, median of {ROUNDS}"),
        Unit::Millis,
        middle(&restored),
    );
    Ok(())
}

fn place(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!(
        "part{}/dir{}/file{number}.txt",
        number / 5_000,
        number / 100
    ))
}
