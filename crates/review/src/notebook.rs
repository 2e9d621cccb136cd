//! A notebook (`.ipynb`) as cells: which changed, how their sources did, and what became of their outputs.
//!
//! It is a view beside the review of the file's lines, which stays what is decided. Cells are the same by their ids
//! where all have some, else by their sources. What is no notebook of format 4 is told to be unreadable.

use crate::{
    Content,
    file::count,
    lines::{Lines, compare, content},
};
use kerf_protocol::{
    desk::{CellChange, CellOutput, Notebook, NotebookCell},
    review::{HunkLine, LineKind, MAX_LINES_BYTES},
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};

/// So many cells that changed are told of.
const MAX_CELLS: usize = 500;
/// So many lines of a cell are sent.
const MAX_CELL_LINES: usize = 400;
/// Equal lines shown on each side of a change.
const CONTEXT: usize = 3;
/// The longest name of a language or kind.
const MAX_NAME: usize = 40;

/// A cell as it stands in the file.
struct Cell {
    kind: String,
    id: Option<String>,
    source: String,
    /// The outputs as they are in the file; none when there are none.
    output: Option<CellOutput>,
    /// All the rest, to tell whether anything differs.
    rest: String,
}

/// What became of the cells of a notebook between two contents; none is no notebook of no cells.
pub fn notebook(before: &Content, after: &Content) -> Notebook {
    let read = |content: &Content| match content {
        Content::Absent => Ok((String::new(), Vec::new())),
        Content::Text { bytes, .. } => cells(bytes),
        Content::Opaque { .. } => Err("it is no text".to_owned()),
    };
    let both = read(before).and_then(|before| Ok((before, read(after)?)));
    let ((old_language, old), (language, new)) = match both {
        Ok(both) => both,
        Err(unreadable) => {
            return Notebook {
                unreadable,
                ..Notebook::default()
            };
        }
    };
    let mut view = Notebook {
        language: if new.is_empty() {
            old_language
        } else {
            language
        },
        ..Notebook::default()
    };
    let mut left = MAX_LINES_BYTES;
    let mut same = 0;
    for (was, now) in pairs(&old, &new) {
        let change = match (was, now) {
            (None, _) => CellChange::Added,
            (_, None) => CellChange::Removed,
            (Some(was), Some(now)) if old[was].source != new[now].source => CellChange::Source,
            (Some(was), Some(now)) if old[was].kind != new[now].kind => CellChange::Source,
            (Some(was), Some(now)) if old[was].rest != new[now].rest => CellChange::Output,
            _ => {
                same += 1;
                continue;
            }
        };
        if view.cells.len() == MAX_CELLS {
            view.more = view.more.saturating_add(1);
            continue;
        }
        let (was, now) = (was.map(|at| (at, &old[at])), now.map(|at| (at, &new[at])));
        let source =
            |cell: Option<(usize, &Cell)>| cell.map_or("", |(_, cell)| &cell.source).to_owned();
        let (lines, more_lines) = if change == CellChange::Output {
            (Vec::new(), 0)
        } else {
            source_lines(&source(was), &source(now), &mut left)
        };
        let output = |cell: Option<(usize, &Cell)>| cell.and_then(|(_, cell)| cell.output);
        let rest = |cell: Option<(usize, &Cell)>| cell.map(|(_, cell)| cell.rest.clone());
        view.cells.push(NotebookCell {
            kind: now
                .or(was)
                .map_or_else(String::new, |(_, cell)| cell.kind.clone()),
            change,
            before: was.map(|(at, _)| count(at + 1)),
            after: now.map(|(at, _)| count(at + 1)),
            same_above: std::mem::take(&mut same),
            lines,
            more_lines,
            output_before: output(was),
            output_after: output(now),
            output_differs: was.is_some() && now.is_some() && rest(was) != rest(now),
        });
    }
    view
}

/// The language and the cells of a notebook.
fn cells(bytes: &[u8]) -> Result<(String, Vec<Cell>), String> {
    let mut whole: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no valid JSON: {error}"))?;
    let language = [
        "/metadata/language_info/name",
        "/metadata/kernelspec/language",
    ]
    .into_iter()
    .find_map(|place| whole.pointer(place)?.as_str().map(name))
    .unwrap_or_default();
    let Some(Value::Array(found)) = whole.get_mut("cells").map(Value::take) else {
        return Err("it has no list of cells".to_owned());
    };
    let cells = found.into_iter().map(cell).collect::<Option<_>>();
    Ok((language, cells.ok_or("a cell of it has no source")?))
}

fn cell(mut cell: Value) -> Option<Cell> {
    let kind = cell.get("cell_type").and_then(Value::as_str).map(name)?;
    let id = cell.get("id").and_then(Value::as_str).map(str::to_owned);
    let source = match cell.get_mut("source").map(Value::take)? {
        Value::String(source) => source,
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            lines?.concat()
        }
        _ => return None,
    };
    let output = match cell.get("outputs") {
        Some(outputs @ Value::Array(each)) if !each.is_empty() => Some(CellOutput {
            count: count(each.len()),
            bytes: outputs.to_string().len() as u64,
        }),
        _ => None,
    };
    Some(Cell {
        kind,
        id,
        source,
        output,
        rest: cell.to_string(),
    })
}

fn name(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

type Pair = (Option<usize>, Option<usize>);

/// Which cells are the same one before and after, in the order in which they are shown.
fn pairs(old: &[Cell], new: &[Cell]) -> Vec<Pair> {
    let named = |cells: &[Cell]| {
        let mut ids = HashSet::new();
        cells
            .iter()
            .all(|cell| cell.id.as_ref().is_some_and(|id| ids.insert(id.clone())))
    };
    let by_id = named(old) && named(new);
    let keys = |cells: &[Cell]| {
        let mut text = String::new();
        for cell in cells {
            let key = match &cell.id {
                Some(id) if by_id => id,
                _ => &cell.source,
            };
            // A key is one line.
            text.push_str(&Value::from(key.as_str()).to_string());
            text.push('\n');
        }
        Lines::new(Arc::from(text.into_bytes()))
    };
    let mut pairs: Vec<Pair> = Vec::new();
    let (mut was, mut now) = (0, 0);
    for edit in compare(&keys(old), &keys(new)) {
        while was < edit.before.start {
            pairs.push((Some(was), Some(now)));
            (was, now) = (was + 1, now + 1);
        }
        // Without ids, cells in each other's place are the same one while they are of one kind.
        let mut place = (edit.before.start, edit.after.start);
        while !by_id
            && place.0 < edit.before.end
            && place.1 < edit.after.end
            && old[place.0].kind == new[place.1].kind
        {
            pairs.push((Some(place.0), Some(place.1)));
            place = (place.0 + 1, place.1 + 1);
        }
        pairs.extend((place.0..edit.before.end).map(|at| (Some(at), None)));
        pairs.extend((place.1..edit.after.end).map(|at| (None, Some(at))));
        (was, now) = (edit.before.end, edit.after.end);
    }
    pairs.extend(
        (was..old.len())
            .zip(now..)
            .map(|(was, now)| (Some(was), Some(now))),
    );
    pairs
}

/// The lines of a cell with what changed, as far as they fit, and how many do not.
fn source_lines(before: &str, after: &str, left: &mut usize) -> (Vec<HunkLine>, u32) {
    let (old, new) = (
        Lines::new(Arc::from(before.as_bytes())),
        Lines::new(Arc::from(after.as_bytes())),
    );
    let mut all: Vec<(LineKind, Option<usize>, Option<usize>)> = Vec::new();
    let (mut was, mut now) = (0, 0);
    let edits = compare(&old, &new);
    let ends = edits.iter().map(|edit| edit.before.end);
    let mut ends = std::iter::once(None)
        .chain(ends.map(Some))
        .collect::<Vec<_>>()
        .into_iter();
    let mut starts = edits.iter().map(|edit| edit.before.start);
    let mut equal = |all: &mut Vec<_>, was: usize, now: usize, until: usize| {
        let (after, before) = (ends.next().flatten(), starts.next());
        for at in was..until {
            let near = after.is_some_and(|end| at < end + CONTEXT)
                || before.is_some_and(|start| at + CONTEXT >= start);
            if near {
                all.push((LineKind::Context, Some(at), Some(now + at - was)));
            }
        }
    };
    for edit in &edits {
        equal(&mut all, was, now, edit.before.start);
        all.extend(
            edit.before
                .clone()
                .map(|at| (LineKind::Removed, Some(at), None)),
        );
        all.extend(
            edit.after
                .clone()
                .map(|at| (LineKind::Added, None, Some(at))),
        );
        (was, now) = (edit.before.end, edit.after.end);
    }
    equal(&mut all, was, now, old.len());
    let mut lines = Vec::new();
    for (kind, was, now) in &all {
        let (text, at) = match (was, now) {
            (_, Some(at)) => (&new, *at),
            (Some(at), None) => (&old, *at),
            (None, None) => continue,
        };
        let bytes = content(text.get(at));
        if lines.len() == MAX_CELL_LINES || bytes.len() > *left {
            break;
        }
        *left -= bytes.len();
        lines.push(HunkLine {
            kind: *kind,
            old: was.map(|at| count(at + 1)),
            new: now.map(|at| count(at + 1)),
            text: String::from_utf8_lossy(bytes).into_owned(),
            no_newline: false,
        });
    }
    let more = count(all.len() - lines.len());
    (lines, more)
}
