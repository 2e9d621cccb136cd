//! A folder's first index: how fast, in how much memory, how large; and the start after it.

use super::{
    child::{self, Once},
    peers::Ripgrep,
    tree::{self, Tree},
};
use crate::{
    Asked, Done,
    table::{Figure, Table, Unit},
};

/// In MiB.
const MEMORY: f64 = 350.0;
/// Of the source.
const SIZE_PERCENT: f64 = 60.0;

pub(crate) fn run(asked: &Asked, table: &mut Table) -> Done {
    for tree in tree::trees(asked)? {
        measure(asked, &tree, table)?;
    }
    if Ripgrep::find().is_none() {
        table.note(Ripgrep::MISSING);
    }
    Ok(())
}

fn measure(asked: &Asked, tree: &Tree, table: &mut Table) -> Done {
    let first = child::kerf(&tree.root, &tree.place)?;
    let plain = asked.kept.room()?.join("plain");
    let other = child::tantivy(&tree.root, &plain)?;
    std::fs::remove_dir_all(&plain).map_err(|error| format!("{}: {error}", plain.display()))?;
    let read = Ripgrep::find()
        .map(|ripgrep| ripgrep.read_all(&tree.root))
        .transpose()?;
    let again = child::kerf(&tree.root, &tree.place)?;
    let name = format!(
        "{}, {:.0} files, {:.1} MB",
        tree.name,
        first.files,
        first.bytes / 1e6
    );
    let speed = |seconds: f64| first.bytes / 1e6 / seconds;
    let mut compare =
        |what: &str, seconds| table.compare(&format!("{name}: {what}"), Unit::Speed, seconds);
    compare("first index", Some(speed(first.seconds)));
    compare("– tantivy's own, whole files", Some(speed(other.seconds)));
    compare("– `rg --count-matches .`", read.map(speed));
    let peak = |once: &Once| once.peak.map(|peak| peak / (1024.0 * 1024.0));
    table.add(Figure {
        what: format!("{}: memory while indexing, at most", tree.name),
        unit: Unit::Mib,
        value: peak(&first),
        limit: Some(MEMORY),
        best_other: peak(&other),
    });
    table.limited(
        &format!("{}: index on disk, of the source", tree.name),
        Unit::Percent,
        Some(100.0 * first.index_bytes / first.bytes),
        SIZE_PERCENT,
    );
    table.compare(
        &format!("{}: started again, unchanged, until ready", tree.name),
        Unit::Seconds,
        Some(again.seconds),
    );
    table.limited(
        &format!("{}: – contents read", tree.name),
        Unit::Count,
        Some(again.contents_read),
        0.0,
    );
    table.compare(
        &format!("{}: – memory, at most", tree.name),
        Unit::Mib,
        peak(&again),
    );
    Ok(())
}
