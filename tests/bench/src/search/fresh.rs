//! How soon what was saved is found: through the watcher, as in a session.

use super::{
    indexed::Indexed,
    tree::{self, Tree},
};
use crate::{
    Asked, Done,
    numbers::{median, millis, percentile},
    table::{Table, Unit},
};
use kerf_workspace::{Watcher, Watching};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// What the engine waits for until it tells of a change.
const QUIET: Duration = Duration::from_millis(15);
/// A saved file is to be found after so many milliseconds, 95 of 100 times.
const SAVED: f64 = 150.0;
const SAVES: usize = 40;
/// Files of a branch that differ from the other one's.
const SWITCHED: usize = 2_000;
/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// A search that finds nothing is made again after it.
const PAUSE: Duration = Duration::from_millis(1);

/// A folder of the bench's own in the tree, removed in the end.
struct Scratch(PathBuf);

pub(crate) fn run(asked: &Asked, table: &mut Table) -> Done {
    for tree in tree::trees(asked)? {
        measure(&tree, table)?;
    }
    Ok(())
}

fn measure(tree: &Tree, table: &mut Table) -> Done {
    let scratch = Scratch::make(&tree.root)?;
    for number in 0..SWITCHED {
        scratch.save(number, "main")?;
    }
    let indexed = Arc::new(Indexed::of(tree)?);
    let told = Arc::downgrade(&indexed);
    let watcher = Watcher::start(&indexed.workspace, Watching::new(QUIET), move |event| {
        if let Some(indexed) = told.upgrade() {
            indexed.changed(event.into());
        }
    });
    let _watcher = watcher.map_err(|error| error.to_string())?;
    let mut times = Vec::new();
    for save in 0..SAVES {
        let branch = format!("saved{save}");
        let begun = Instant::now();
        scratch.save(save, &branch)?;
        found(&indexed, save, &branch)?;
        times.push(millis(begun.elapsed()));
        // As a person would, not one save upon the other.
        indexed.ready()?;
    }
    let name = &tree.name;
    table.compare(
        &format!("{name}: from a save to its text being found, median"),
        Unit::Millis,
        Some(median(&times)),
    );
    table.limited(
        &format!("{name}: from a save to its text being found, p95"),
        Unit::Millis,
        Some(percentile(&times, 0.95)),
        SAVED,
    );
    let before = indexed.ready()?.contents_read;
    for number in 0..SWITCHED {
        scratch.save(number, "other")?;
    }
    let begun = Instant::now();
    found(&indexed, SWITCHED - 1, "other")?;
    let searched = begun.elapsed();
    // Not all of it may have been told yet.
    while indexed.ready()?.contents_read < before + SWITCHED as u64 {
        if begun.elapsed() > PATIENCE {
            return Err("a branch's files are not all read".to_owned());
        }
        pause();
    }
    let switch = format!("{name}: after a switch of {SWITCHED} files, until");
    table.compare(
        &format!("{switch} the last of them is found"),
        Unit::Millis,
        Some(millis(searched)),
    );
    table.compare(
        &format!("{switch} all are in the index"),
        Unit::Millis,
        Some(millis(begun.elapsed())),
    );
    Ok(())
}

/// Waits until a file is found by what was saved in it.
fn found(indexed: &Indexed, number: usize, branch: &str) -> Done {
    let begun = Instant::now();
    let name = name(number, branch);
    while indexed.lines(&name)?.found.is_empty() {
        if begun.elapsed() > PATIENCE {
            return Err("what was saved is not found".to_owned());
        }
        pause();
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the loop is what a person does who searches again"
)]
fn pause() {
    thread::sleep(PAUSE);
}

fn name(number: usize, branch: &str) -> String {
    format!("kerf_bench_{branch}_file_{number}_")
}

impl Scratch {
    fn make(root: &Path) -> Done<Self> {
        let folder = root.join("kerf-bench-scratch");
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Writes a file as it is on a branch.
    fn save(&self, number: usize, branch: &str) -> Done {
        let path = self.0.join(format!("file_{number}.c"));
        let name = name(number, branch);
        let mut text = String::new();
        for line in 0..40 {
            text += &format!("int {name}{line}(int value)\n{{\n\treturn value + {line};\n}}\n");
        }
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The tree may be read-only by now; the next run says that the folder is there.
        drop(fs::remove_dir_all(&self.0));
    }
}
