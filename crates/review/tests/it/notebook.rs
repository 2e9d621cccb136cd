//! Notebooks as cells.

use crate::support::text;
use kerf_protocol::{
    desk::{CellChange, Notebook},
    review::LineKind,
};
use kerf_review::{Content, notebook};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

fn cell(id: Option<&str>, kind: &str, source: &str, outputs: &[&str]) -> Value {
    let mut cell = json!({"cell_type": kind, "source": source.split_inclusive('\n').collect::<Vec<_>>(), "metadata": {}});
    if let Some(id) = id {
        cell["id"] = id.into();
    }
    if kind == "code" {
        let outputs: Vec<Value> = outputs
            .iter()
            .map(|text| json!({"output_type": "stream", "text": text}))
            .collect();
        cell["outputs"] = outputs.into();
    }
    cell
}

fn of(cells: &[Value]) -> Content {
    let whole =
        json!({"nbformat": 4, "metadata": {"language_info": {"name": "python"}}, "cells": cells});
    text(serde_json::to_string_pretty(&whole).unwrap())
}

/// A cell in short: its places, what became of it, its lines, and how many are the same above it.
fn short(notebook: &Notebook) -> Vec<String> {
    assert_eq!(notebook.unreadable, "");
    let place = |place: Option<u32>| place.map_or("-".to_owned(), |place| place.to_string());
    let cells = notebook.cells.iter();
    cells
        .map(|cell| {
            let lines: Vec<String> = cell
                .lines
                .iter()
                .map(|line| {
                    let sign = match line.kind {
                        LineKind::Context => ' ',
                        LineKind::Removed => '-',
                        LineKind::Added => '+',
                    };
                    format!("{sign}{}", line.text)
                })
                .collect();
            format!(
                "{}>{} {:?} {} [{}]",
                place(cell.before),
                place(cell.after),
                cell.change,
                cell.same_above,
                lines.join("|")
            )
        })
        .collect()
}

#[test]
fn cells_are_compared_by_their_ids_else_by_their_sources() {
    for id in [true, false] {
        let make = |name: &'static str, source: &str, outputs: &[&str]| {
            cell(id.then_some(name), "code", source, outputs)
        };
        let before = of(&[
            make("a", "import os\n", &[]),
            make("b", "x = 1\ny = 2\n", &["3"]),
            make("c", "plot()", &["old"]),
            make("d", "gone()\n", &[]),
        ]);
        let after = of(&[
            make("a", "import os\n", &[]),
            make("b", "x = 1\ny = 3\n", &["4"]),
            make("c", "plot()", &["new", "newer"]),
        ]);
        let view = notebook(&before, &after);
        assert_eq!(view.language, "python");
        let expected = [
            "2>2 Source 1 [ x = 1|-y = 2|+y = 3]",
            "3>3 Output 0 []",
            "4>- Removed 0 [-gone()]",
        ];
        assert_eq!(short(&view), expected, "with ids: {id}");
        assert!(view.cells[0].output_differs);
        let outputs = view.cells[1].output_after.unwrap();
        assert_eq!(
            (outputs.count, view.cells[1].output_before.unwrap().count),
            (2, 1)
        );
        assert!(outputs.bytes > 60, "{outputs:?}");
    }
    let new = notebook(
        &Content::Absent,
        &of(&[cell(None, "markdown", "# Title", &[])]),
    );
    assert_eq!(short(&new), ["->1 Added 0 [+# Title]"]);
    assert_eq!(new.cells[0].kind, "markdown");
}

#[test]
fn what_is_no_notebook_is_told_to_be_none() {
    let deep = "[".repeat(100_000);
    for bad in [
        "",
        "{",
        "[]",
        "{\"cells\": 3}",
        "{\"cells\": [3]}",
        "{\"cells\": [{\"cell_type\": \"code\", \"source\": [1]}]}",
        &deep,
    ] {
        let good = of(&[]);
        for (before, after) in [
            (text(bad), good.clone()),
            (good.clone(), text(bad)),
            (Content::Absent, text(bad)),
        ] {
            let view = notebook(&before, &after);
            assert!(
                !view.unreadable.is_empty() && view.cells.is_empty(),
                "{bad:.40}"
            );
        }
    }
}

#[test]
fn a_long_cell_and_many_cells_are_cut_and_say_so() {
    let long = "x\n".repeat(2_000);
    let view = notebook(&Content::Absent, &of(&[cell(None, "code", &long, &[])]));
    assert_eq!(
        (view.cells[0].lines.len(), view.cells[0].more_lines),
        (400, 1_600)
    );
    let many: Vec<Value> = (0..600)
        .map(|at| cell(None, "code", &format!("{at}"), &[]))
        .collect();
    let view = notebook(&Content::Absent, &of(&many));
    assert_eq!((view.cells.len(), view.more), (500, 100));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every cell is in one pair, and its lines give both sources.
    #[test]
    fn every_cell_is_told_of_once(
        before in vec((0..4_u8, "[ab\n]{0,6}", 0..2_u8), 0..7), after in vec((0..4_u8, "[ab\n]{0,6}", 0..2_u8), 0..7), ids in any::<bool>(),
    ) {
        let make = |cells: &[(u8, String, u8)]| -> Vec<Value> {
            cells.iter().map(|(id, source, kind)| cell(ids.then_some(["a", "b", "c", "d"][*id as usize]), ["code", "markdown"][*kind as usize], source, &[])).collect()
        };
        let view = notebook(&of(&make(&before)), &of(&make(&after)));
        let same: u32 = view.cells.iter().map(|cell| cell.same_above).sum();
        for (side, places) in [
            (before.len(), view.cells.iter().filter_map(|cell| cell.before).collect::<Vec<_>>()),
            (after.len(), view.cells.iter().filter_map(|cell| cell.after).collect()),
        ] {
            let mut once = places.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), places.len());
            prop_assert!(places.len() + same as usize <= side);
        }
        for cell in view.cells.iter().filter(|cell| cell.change == CellChange::Added) {
            let source: Vec<&str> = cell.lines.iter().map(|line| line.text.as_str()).collect();
            let expected = &after[cell.after.unwrap() as usize - 1].1;
            prop_assert_eq!(source.join("\n"), expected.strip_suffix('\n').unwrap_or(expected));
        }
    }
}
