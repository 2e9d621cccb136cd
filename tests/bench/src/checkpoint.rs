//! Checkpoints: what one costs, and what going back to it costs, in folders of three sizes with three files changed.
//!
//! They are taken in this process, as the engine takes them before a command: a look at every file or at what the system
//! told of, then the list and the record on disk. Going back is a look at every file, reading the list, and saving the three
//! files. `engine/src/desk/look.rs` says in which folders the system is asked.

use crate::{
    Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_checkpoint::{
    Blobs, Hash, Lists, Record, Snapshot, Taken, changes, content, follow, read_list, take,
};
use kerf_workspace::{Save, Watcher, Watching, Workspace};
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
/// What a call may wait for its checkpoint, in milliseconds.
const LIMIT: f64 = 50.0;
/// No answer of the system's takes so long.
const LONG: Duration = Duration::from_secs(20);

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
    let watcher = Watcher::start(&workspace, Watching::new(LONG), |_| {})?;
    let told_by = watcher.changes(&room.path().join("watch"));
    let blobs = Blobs::open(&room.path().join("blobs"))?;
    let go_on = AtomicBool::new(false);
    let look = |previous: Option<&Snapshot>| take(&workspace, &blobs, previous, None, &go_on);
    let mut kept = Kept {
        blobs: &blobs,
        lists: Lists::default(),
        record: Record::at(room.path().join("record")),
    };
    let change = |round: usize| -> Result<(), Box<dyn Error>> {
        for number in 0..CHANGED {
            let number = (round * 37 + number * files / CHANGED) % files;
            let text = format!("round {round}\n").repeat(30);
            fs::write(place(&folder, number), text)?;
        }
        Ok(())
    };
    let begun = Instant::now();
    let mut snapshot = Arc::new(look(None)?.snapshot);
    kept.write(&snapshot)?;
    let first = begun.elapsed();
    let (mut whole, mut told, mut restored) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mark = told_by.as_ref().map(|told_by| told_by.mark());
        let Taken {
            snapshot: before,
            unsure,
            ..
        } = look(Some(&snapshot))?;
        let before = Arc::new(before);
        let list = kept.write(&before)?;

        change(2 * round)?;
        let mut latest = Arc::clone(&before);
        if let (Some(told_by), Some(mark)) = (&told_by, mark) {
            let begun = Instant::now();
            let word = told_by
                .since(mark, LONG)
                .ok_or("the system lost a change")?;
            let paths = (&word.paths[..], &unsure);
            let after = follow(&workspace, &blobs, &before, paths, None, &go_on)?;
            latest = Arc::new(after.ok_or("the system's word was not enough")?);
            if changes(&before, &latest).len() != CHANGED {
                return Err("a change was not told".into());
            }
            kept.write(&latest)?;
            told.push(begun.elapsed());
        }

        change(2 * round + 1)?;
        let begun = Instant::now();
        let after = Arc::new(look(Some(&latest))?.snapshot);
        kept.write(&after)?;
        whole.push(begun.elapsed());

        let begun = Instant::now();
        let now = Arc::new(look(Some(&after))?.snapshot);
        kept.write(&now)?;
        let then = read_list(&blobs, &list)?;
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
        (!times.is_empty()).then(|| median(&times))
    };
    table.compare(
        &format!("checkpoint of {files} files: the first"),
        Unit::Millis,
        Some(millis(first)),
    );
    table.compare(
        &format!("– {CHANGED} changed, by a look at every file, median of {ROUNDS}"),
        Unit::Millis,
        middle(&whole),
    );
    table.limited(
        &format!("– {CHANGED} changed, by the system's word, median of {ROUNDS}"),
        Unit::Millis,
        middle(&told),
        LIMIT,
    );
    table.compare(
        &format!("– going back to it, with a checkpoint first, median of {ROUNDS}"),
        Unit::Millis,
        middle(&restored),
    );
    Ok(())
}

/// Where checkpoints are kept.
struct Kept<'a> {
    blobs: &'a Blobs,
    lists: Lists,
    record: Record,
}

impl Kept<'_> {
    fn write(&mut self, snapshot: &Arc<Snapshot>) -> Result<Hash, Box<dyn Error>> {
        let list = self
            .lists
            .write(self.blobs, &|_| Err("no git".into()), snapshot)?;
        self.record.write(snapshot, "a command")?;
        Ok(list)
    }
}

fn place(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!(
        "part{}/dir{}/file{number}.txt",
        number / 5_000,
        number / 100
    ))
}
