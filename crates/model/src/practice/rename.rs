//! "rename X to Y": search, read, edit, search again, run the tests.

use super::{
    identifier::{Edit, edits, occurrences},
    plan::{Call, Match, Move, Run, matches, tests, times, whole_word},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most files that one reply reads or edits.
const AT_ONCE: usize = 16;
/// The most rounds of search and edit: a search may not show everything at once.
const ROUNDS: usize = 50;

pub(super) fn rename(run: &mut Run<'_>, from: &str, to: &str) -> Result<String, Move> {
    if from == to {
        return Ok("Both names are the same, so there is nothing to rename.".to_owned());
    }
    let search = Call::new("grep", json!({ "pattern": whole_word(from) }));
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    let mut left = Vec::new();
    for round in 0..ROUNDS {
        let word = if round == 0 {
            format!("I look for `{from}`.")
        } else {
            format!("I look whether any `{from}` is left.")
        };
        let found = matches(run.call(&word, search.clone())?);
        let mut files: BTreeMap<&str, u32> = BTreeMap::new();
        left.clear();
        for Match { path, line, text } in found {
            let shown = !occurrences(text, from).is_empty();
            // Long lines are shown in part; then the name may be outside of it.
            if shown || text.contains('…') {
                let last = files.entry(path).or_default();
                *last = line.max(*last);
            }
            if shown && left.last().is_none_or(|last| last != path) {
                left.push(path.to_owned());
            }
        }
        files.retain(|path, _| !done.contains_key(*path));
        if files.is_empty() {
            break;
        }
        let files: Vec<(&str, u32)> = files.into_iter().collect();
        for some in files.chunks(AT_ONCE) {
            for (path, count) in change(run, some, from, to)? {
                done.insert(path, count);
            }
        }
    }
    let count: usize = done.values().sum();
    if count == 0 {
        return Ok(format!(
            "I found no `{from}` in this workspace, so I changed nothing."
        ));
    }
    let mut told = format!(
        "I renamed `{from}` to `{to}` {} in {}:\n",
        times(count),
        match done.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        }
    );
    for (path, count) in done.iter().filter(|(_, count)| **count > 0) {
        told.push_str(&format!("\n- {path}: {}", times(*count)));
    }
    if !left.is_empty() {
        told.push_str(&format!(
            "\n\nThe name is still in {}; look there yourself.",
            left.join(", ")
        ));
    }
    let tested = if run.has("list_dir") && run.has("run_command") {
        tests(run)?
            .unwrap_or_else(|| "I could not tell how this project runs its tests.".to_owned())
    } else {
        "I could not run the tests: the tools for it are not offered.".to_owned()
    };
    Ok(format!("{told}\n\n{tested}"))
}

/// Reads some files and edits them. Says how often the name was replaced in each.
fn change(
    run: &mut Run<'_>,
    files: &[(&str, u32)],
    from: &str,
    to: &str,
) -> Result<Vec<(String, usize)>, Move> {
    let mut texts: Vec<String> = vec![String::new(); files.len()];
    let mut reads: Vec<(usize, u32)> = (0..files.len()).map(|n| (n, 1)).collect();
    while !reads.is_empty() {
        let calls = reads
            .iter()
            .map(|(n, first)| {
                let mut arguments = json!({ "path": files[*n].0 });
                if *first > 1 {
                    arguments["first_line"] = json!(first);
                }
                Call::new("read_file", arguments)
            })
            .collect();
        let outputs = run.calls(&format!("I read {}.", names(files, &reads)), calls)?;
        let mut more = Vec::new();
        for ((n, first), output) in reads.iter().zip(outputs) {
            let text = file_text(output);
            let last = first + u32::try_from(text.lines().count()).unwrap_or(u32::MAX - first);
            // A long file comes in parts; the last line that matters is known from the search.
            if last > *first && last <= files[*n].1 {
                more.push((*n, last));
            }
            if *first > 1 {
                texts[*n].push('\n');
            }
            texts[*n].push_str(&text);
        }
        reads = more;
    }
    let mut counts = Vec::new();
    let mut calls = Vec::new();
    for ((path, _), text) in files.iter().zip(&texts) {
        let edits = edits(text, from, to);
        counts.push(((*path).to_owned(), occurrences(text, from).len()));
        if !edits.is_empty() {
            let edits: Vec<Value> = edits.into_iter().map(argument).collect();
            calls.push(Call::new(
                "edit_file",
                json!({ "path": path, "edits": edits }),
            ));
        }
    }
    if !calls.is_empty() {
        run.calls(
            &format!("I replace `{from}` with `{to}` where it is a whole name."),
            calls,
        )?;
    }
    Ok(counts)
}

fn names(files: &[(&str, u32)], reads: &[(usize, u32)]) -> String {
    match reads {
        [(n, _)] => format!("`{}`", files[*n].0),
        _ => format!("{} files", reads.len()),
    }
}

fn argument(edit: Edit) -> Value {
    if edit.all {
        json!({ "old": edit.old, "new": edit.new, "all": true })
    } else {
        json!({ "old": edit.old, "new": edit.new })
    }
}

/// The text of a file as `read_file` shows it: every line with its number and a tab before it. Other lines are the
/// tool's own words. Whether the last line has an end is not shown, so the text has none.
pub(super) fn file_text(output: &str) -> String {
    let lines = output.split('\n').filter_map(|line| {
        let (number, line) = line.split_once('\t')?;
        number.trim().parse::<u32>().ok()?;
        Some(line.strip_suffix('\r').unwrap_or(line))
    });
    lines.collect::<Vec<_>>().join("\n")
}
