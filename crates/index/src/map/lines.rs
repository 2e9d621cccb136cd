//! Which lines of a map fit into its budget, and how they are written.
//!
//! A file is a line with its path; beneath it stand definitions in their order, indented by what encloses them:
//!
//! ```text
//! src/parse.rs
//!   …
//!   12 struct: pub struct Parser {
//!     …
//!     40 method: pub fn next(&mut self) -> Option<Token> {
//!   …
//! Left out: 3 files and 120 definitions.
//! ```
//!
//! `…` stands where definitions are left out. A container that is not defined in the file itself, as that of an
//! `impl`, is named after such a mark. Where no definition of a file is shown there is no mark.

use kerf_workspace::path::Escaped;
use std::{ffi::OsStr, fmt::Write};

/// How many bytes make a token. Code has between three and four and a half, by the tokenizers of the large models.
pub(super) const TOKEN_BYTES: usize = 4;

/// Below this, in tokens, files are only named: definitions of one or two files would tell less.
const MIN_FOR_DEFINITIONS: usize = 100;

/// Characters of a line of source that are shown.
const MAX_CHARS: usize = 120;

/// So many definitions come with a file, and after so many more it gives way to one of a quarter of its rank: the root
/// of the rank is what counts, as else a file in play would take all.
const FIRST: usize = 3;
const HALF: f64 = 6.0;

/// A definition that no other file refers to gives way to one of a file of this part of the root of the rank.
const UNREFERRED: f64 = 0.25;

/// More containers around a definition do not indent it further.
const MAX_INDENT: usize = 8;

/// A file as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) path: String,
    /// Higher is better.
    pub(super) rank: f64,
    /// In the order of lines. A container comes before what is in it.
    pub(super) lines: Vec<Line>,
}

/// A definition, or a container without one in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// From 1; none for what is only a name.
    pub(super) number: Option<u32>,
    /// The kind of the definition; empty for what is only a name.
    pub(super) kind: &'static str,
    /// The line of the source, or a name.
    pub(super) text: String,
    /// What directly encloses it, by its place in the file's lines.
    pub(super) container: Option<usize>,
    /// Higher is better; not above 0 when no other file refers to it.
    pub(super) rank: f64,
}

/// What is to be told at the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rest {
    /// Files of the folder, shown or not.
    pub(super) files: usize,
    /// Their definitions, shown or not.
    pub(super) definitions: usize,
    /// A sentence more.
    pub(super) note: Option<String>,
}

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Written {
    pub(super) text: String,
    /// How many files, the first of those given.
    pub(super) files: usize,
    /// The first and last lines of the source that are quoted, in order, by the file's place.
    pub(super) ranges: Vec<(usize, u32, u32)>,
}

/// Writes as much of `files`, best first, as fits into a budget of tokens.
///
/// A token counts [`TOKEN_BYTES`] bytes. A little budget has names of files alone; one that does not even hold the
/// last line has no last line; and one that holds no name of a file has nothing.
pub(super) fn write(files: &[Shown], rest: &Rest, budget_tokens: usize) -> Written {
    let budget = budget_tokens.saturating_mul(TOKEN_BYTES);
    let has_definitions = budget_tokens >= MIN_FOR_DEFINITIONS;
    let items = items(files, has_definitions, budget);
    let fits = |count: usize, ending: Ending| {
        let written = layout(files, &items[..count], rest, ending);
        (written.text.len() <= budget).then_some(written)
    };
    for ending in [Ending::Told, Ending::None] {
        // The first `low` items fit, and so many as `high` do not.
        let (mut low, mut high) = (0, items.len() + 1);
        let mut best = None;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match fits(middle, ending) {
                Some(written) => {
                    low = middle;
                    best = Some(written);
                }
                None => high = middle,
            }
        }
        if let Some(best) = best {
            return best;
        }
        if files.is_empty() && ending == Ending::Told {
            return fits(0, ending).unwrap_or_default();
        }
    }
    Written::default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Told,
    None,
}

/// What is added next to what is shown: a file's name, or a line of it.
#[derive(Debug, Clone, Copy)]
struct Item {
    file: usize,
    line: Option<usize>,
}

/// In the order in which they are added, no more than can fit.
fn items(files: &[Shown], has_definitions: bool, budget: usize) -> Vec<Item> {
    let mut items = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut key = file.rank.sqrt();
        let best = key;
        items.push((
            key,
            Item {
                file: number,
                line: None,
            },
        ));
        if !has_definitions {
            continue;
        }
        for (place, (line, is_referred)) in best_lines(&file.lines).into_iter().enumerate() {
            let later = (place + 1).saturating_sub(FIRST) as f64 / HALF;
            let referred = if is_referred { 1.0 } else { UNREFERRED };
            // Never before what comes with an earlier line of the same file.
            key = key.min(best * referred / (1.0 + later));
            items.push((
                key,
                Item {
                    file: number,
                    line: Some(line),
                },
            ));
        }
    }
    // Stable: items of equal rank stay in the order of files and of their lines.
    items.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    // Each item is two bytes at least.
    items.truncate(budget / 2);
    items.into_iter().map(|(_, item)| item).collect()
}

/// The lines of a file, best first, each after the containers around it, which come for its sake; and whether other
/// files refer to it.
fn best_lines(lines: &[Line]) -> Vec<(usize, bool)> {
    let is_definition = |line: &usize| lines[*line].number.is_some();
    let mut order: Vec<usize> = (0..lines.len()).filter(is_definition).collect();
    order.sort_by(|&one, &other| lines[other].rank.total_cmp(&lines[one].rank));
    let mut is_in = vec![false; lines.len()];
    let mut best = Vec::with_capacity(lines.len());
    for line in order {
        let is_referred = lines[line].rank > 0.0;
        let first = best.len();
        let mut next = Some(line);
        while let Some(line) = next.filter(|&line| !is_in[line]) {
            is_in[line] = true;
            best.push((line, is_referred));
            next = lines[line].container.filter(|&container| container < line);
        }
        best[first..].reverse();
    }
    best
}

fn layout(files: &[Shown], items: &[Item], rest: &Rest, ending: Ending) -> Written {
    // Each file's chosen lines, by file.
    let mut chosen: Vec<Option<Vec<usize>>> = vec![None; files.len()];
    for item in items {
        let lines = chosen[item.file].get_or_insert_default();
        lines.extend(item.line);
    }
    let mut written = Written::default();
    let mut definitions = 0;
    for (number, (file, mut lines)) in files
        .iter()
        .zip(chosen)
        .enumerate()
        .filter_map(|(number, (file, lines))| Some((number, (file, lines?))))
    {
        lines.sort_unstable();
        written.files += 1;
        written.text.push_str(&file.path);
        written.text.push('\n');
        definitions += write_lines(file, &lines, &mut written.text);
        let mut last: Option<u32> = None;
        for line in lines.iter().filter_map(|&line| file.lines[line].number) {
            match written.ranges.last_mut() {
                Some((_, _, end)) if last.is_some_and(|last| line <= last + 1) => {
                    *end = line.max(*end)
                }
                _ => written.ranges.push((number, line, line)),
            }
            last = Some(line);
        }
    }
    if ending == Ending::Told {
        write_ending(rest, written.files, definitions, &mut written.text);
    }
    written
}

/// Writes lines of a file, given in order, and marks what is left out. How many definitions are shown.
fn write_lines(file: &Shown, lines: &[usize], text: &mut String) -> usize {
    let mut next = 0;
    let mut quoted = None;
    let mut count = 0;
    for &place in lines {
        let line = &file.lines[place];
        let has_gap = file.lines[next..place]
            .iter()
            .any(|line| line.number.is_some());
        next = place + 1;
        let indent = indent(&file.lines, place);
        count += usize::from(line.number.is_some());
        // Two definitions on one line are told by it once.
        if line.number.is_some() && line.number == quoted {
            continue;
        }
        match line.number {
            Some(number) => {
                if has_gap {
                    push_line(text, indent, "…");
                }
                quoted = Some(number);
                let source = shortened(&line.text);
                let kind = line.kind;
                push_line(text, indent, &format!("{number} {kind}: {source}"));
            }
            None => push_line(text, indent, &format!("… {}", shortened(&line.text))),
        }
    }
    let has_more = file.lines[next..].iter().any(|line| line.number.is_some());
    if has_more && !lines.is_empty() {
        push_line(text, 1, "…");
    }
    count
}

fn indent(lines: &[Line], place: usize) -> usize {
    let container = |&place: &usize| {
        lines[place]
            .container
            .filter(|&container| container < place)
    };
    std::iter::successors(Some(place), container)
        .take(MAX_INDENT)
        .count()
}

fn push_line(text: &mut String, indent: usize, line: &str) {
    text.extend(std::iter::repeat_n("  ", indent));
    text.push_str(line);
    text.push('\n');
}

fn write_ending(rest: &Rest, files: usize, definitions: usize, text: &mut String) {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let files = count(rest.files.saturating_sub(files), "file");
    let definitions = count(rest.definitions.saturating_sub(definitions), "definition");
    // Writing to a string does not fail.
    let _ = write!(text, "Left out: {files} and {definitions}.");
    if let Some(note) = &rest.note {
        text.push(' ');
        text.push_str(note);
    }
    text.push('\n');
}

/// A line of source without its margins, cut when it is long, with characters that cannot be seen told by their codes.
fn shortened(line: &str) -> String {
    let mut shown = String::new();
    let mut chars = line.trim().chars();
    for char in chars.by_ref().take(MAX_CHARS) {
        match char {
            '\t' => shown.push(' '),
            // This alone would be escaped and can be seen.
            '\\' => shown.push('\\'),
            ' '..='~' => shown.push(char),
            char => {
                let _ = write!(
                    shown,
                    "{}",
                    Escaped(OsStr::new(char.encode_utf8(&mut [0; 4])))
                );
            }
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
