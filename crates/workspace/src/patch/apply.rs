//! Applies the changes of a patch to the text of one file.
//!
//! Places are looked for from the top down, each change below the last. Lines that no change touches, context
//! lines among them, stay byte for byte.

use super::{Chunk, ChunkLine};
use crate::{
    edit::nearest::{self, Nearest, Why},
    text::{self, Line, LineEnding},
};
use std::ops::Range;

/// Why a change does not fit.
pub(super) struct Miss {
    /// The line of the change in the patch.
    pub(super) line: u32,
    /// What is missing, before the name of the file.
    pub(super) problem: String,
    pub(super) nearest: Option<Box<Nearest>>,
}

/// `text` with all the changes, or the first that does not fit.
pub(super) fn apply(text: &str, chunks: &[Chunk]) -> Result<String, Miss> {
    let lines: Vec<Line<'_>> = text::lines(text).collect();
    let mut splices = Vec::new();
    let mut below = 0;
    for chunk in chunks {
        below = place(chunk, &lines, below, &mut splices)?;
    }
    // Only a pure addition at the end of the file can stand out of order.
    splices.sort_by_key(|splice| splice.lines.start);
    let mut out = Output {
        text: String::with_capacity(text.len()),
        ending: first_ending(text),
        open: false,
    };
    let mut next = 0;
    for splice in &splices {
        lines[next..splice.lines.start]
            .iter()
            .for_each(|line| out.keep(line));
        for (nth, body) in splice.new.iter().enumerate() {
            out.add(
                body,
                lines[splice.lines.clone()]
                    .get(nth)
                    .map_or("", |line| line.ending),
            );
        }
        next = splice.lines.end;
    }
    lines[next..].iter().for_each(|line| out.keep(line));
    Ok(out.text)
}

/// New lines in place of a range of the file's lines.
struct Splice<'p> {
    lines: Range<usize>,
    new: Vec<&'p str>,
}

/// Finds where `chunk` goes at or below the line `below`, and gives the line below it.
fn place<'p>(
    chunk: &'p Chunk,
    lines: &[Line<'_>],
    below: usize,
    splices: &mut Vec<Splice<'p>>,
) -> Result<usize, Miss> {
    let mut from = below;
    if let Some(context) = &chunk.context {
        from = seek(lines, &[context], below..lines.len())
            .ok_or_else(|| no_context(chunk, context, lines, below))?
            + 1;
    }
    let mut change: Vec<(Mark, &str)> = chunk.lines.iter().map(marked).collect();
    let mut found = find(&change, chunk, lines, from);
    if found.is_none() && drop_empty_end(&mut change) {
        found = find(&change, chunk, lines, from);
    }
    let at = found.ok_or_else(|| no_match(chunk, lines, from))?;
    let mut splice = Splice {
        lines: at..at,
        new: Vec::new(),
    };
    for (mark, body) in change {
        match mark {
            Mark::Keep => {
                let next = splice.lines.end + 1;
                splices.push(std::mem::replace(
                    &mut splice,
                    Splice {
                        lines: next..next,
                        new: Vec::new(),
                    },
                ));
            }
            Mark::Remove => splice.lines.end += 1,
            Mark::Add => splice.new.push(body),
        }
    }
    // An addition at the end moves nothing: the next change may still be above it.
    let end = if at == lines.len() {
        from
    } else {
        splice.lines.end
    };
    splices.push(splice);
    Ok(end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Keep,
    Remove,
    Add,
}

fn marked(line: &ChunkLine) -> (Mark, &str) {
    match line {
        ChunkLine::Keep(body) => (Mark::Keep, body),
        ChunkLine::Remove(body) => (Mark::Remove, body),
        ChunkLine::Add(body) => (Mark::Add, body),
    }
}

/// The line where the change starts. An addition without any line of the file goes below its `@@` line, else to
/// the end of the file.
fn find(change: &[(Mark, &str)], chunk: &Chunk, lines: &[Line<'_>], from: usize) -> Option<usize> {
    let old = old_lines(change);
    if old.is_empty() {
        return Some(if chunk.context.is_some() && !chunk.end_of_file {
            from
        } else {
            lines.len()
        });
    }
    let starts = if chunk.end_of_file {
        lines.len().checked_sub(old.len())?.max(from)
    } else {
        from
    };
    seek(lines, &old, starts..lines.len())
}

fn old_lines<'p>(change: &[(Mark, &'p str)]) -> Vec<&'p str> {
    change
        .iter()
        .filter(|(mark, _)| *mark != Mark::Add)
        .map(|(_, body)| *body)
        .collect()
}

/// The first place in `range` where the whole pattern stands: exactly, else without regard to white space at line
/// ends, else at both sides, else with typographic punctuation as plain.
fn seek(lines: &[Line<'_>], pattern: &[impl AsRef<str>], range: Range<usize>) -> Option<usize> {
    let passes: [fn(&str, &str) -> bool; 4] = [
        |a, b| a == b,
        |a, b| a.trim_end() == b.trim_end(),
        |a, b| a.trim() == b.trim(),
        |a, b| {
            a.trim()
                .chars()
                .map(nearest::plain)
                .eq(b.trim().chars().map(nearest::plain))
        },
    ];
    let last = range.end.checked_sub(pattern.len())?;
    passes.iter().find_map(|same| {
        (range.start..=last).find(|&at| {
            pattern
                .iter()
                .zip(&lines[at..])
                .all(|(wanted, line)| same(wanted.as_ref(), line.body))
        })
    })
}

/// An empty last line of a change is often the blank line before the next header and not one of the file. Takes it
/// away, from the new lines too; false when there is none.
fn drop_empty_end(change: &mut Vec<(Mark, &str)>) -> bool {
    let Some(last) = change.iter().rposition(|(mark, _)| *mark != Mark::Add) else {
        return false;
    };
    if !change[last].1.is_empty() {
        return false;
    }
    let kept = change[last].0 == Mark::Keep;
    let ends_empty =
        last + 1 < change.len() && change.last().is_some_and(|(_, body)| body.is_empty());
    if ends_empty {
        change.pop();
    }
    if kept && last + 1 < change.len() + usize::from(ends_empty) {
        // Lines are added below it: the file lacks it, so it comes in with them.
        change[last].0 = Mark::Add;
    } else {
        change.remove(last);
    }
    true
}

fn no_context(chunk: &Chunk, context: &str, lines: &[Line<'_>], below: usize) -> Miss {
    // A header of a unified diff is the usual mistake.
    let hint = match context.trim_start().starts_with(['-', '+']) && context.contains("@@") {
        true => "`@@` takes a line of the file and no line numbers; ",
        false => "",
    };
    let problem = format!("{hint}the line `{context}` is not in");
    let nearest = above(lines, &[context], below)
        .or_else(|| nearest::find_lines(&joined(lines), context, ""));
    Miss {
        line: chunk.line,
        problem,
        nearest: nearest.map(Box::new),
    }
}

fn no_match(chunk: &Chunk, lines: &[Line<'_>], from: usize) -> Miss {
    let change: Vec<(Mark, &str)> = chunk.lines.iter().map(marked).collect();
    let old = old_lines(&change);
    let new: Vec<&str> = change
        .iter()
        .filter(|(mark, _)| *mark != Mark::Remove)
        .map(|(_, body)| *body)
        .collect();
    let elsewhere = || {
        let at = seek(lines, &old, from..lines.len()).filter(|_| chunk.end_of_file)?;
        Some(shown(lines, at, old.len(), Why::NotAtEnd))
    };
    let nearest = elsewhere()
        .or_else(|| above(lines, &old, from))
        .or_else(|| nearest::find_lines(&joined(lines), &old.join("\n"), &new.join("\n")));
    let place = if chunk.end_of_file {
        "at the end of"
    } else {
        "in"
    };
    let problem = format!("the lines of this change are not {place}");
    Miss {
        line: chunk.line,
        problem,
        nearest: nearest.map(Box::new),
    }
}

/// The place of the pattern above the place where it had to be.
fn above(lines: &[Line<'_>], pattern: &[&str], below: usize) -> Option<Nearest> {
    seek(lines, pattern, 0..lines.len())
        .filter(|&at| at < below)
        .map(|at| shown(lines, at, pattern.len(), Why::Earlier))
}

fn shown(lines: &[Line<'_>], at: usize, count: usize, why: Why) -> Nearest {
    let text = joined(lines);
    let start: usize = lines[..at].iter().map(|line| line.body.len() + 1).sum();
    let end: usize = lines[..at + count]
        .iter()
        .map(|line| line.body.len() + 1)
        .sum();
    nearest::place(&text, start..end.saturating_sub(1).max(start), why)
}

fn joined(lines: &[Line<'_>]) -> String {
    lines.iter().flat_map(|line| [line.body, "\n"]).collect()
}

fn first_ending(text: &str) -> &'static str {
    text::first_ending(text).unwrap_or(LineEnding::Lf).as_str()
}

/// The new text. New lines take over the line end of the line they replace, else that of the line above.
struct Output<'a> {
    text: String,
    ending: &'a str,
    /// Whether the last line has no line end yet.
    open: bool,
}

impl<'a> Output<'a> {
    fn keep(&mut self, line: &Line<'a>) {
        self.close();
        self.text.push_str(line.body);
        self.text.push_str(line.ending);
        self.open = line.ending.is_empty();
        if !self.open {
            self.ending = line.ending;
        }
    }

    fn add(&mut self, body: &str, replaced: &'a str) {
        self.close();
        if !replaced.is_empty() {
            self.ending = replaced;
        }
        self.text.push_str(body);
        self.text.push_str(self.ending);
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.text.push_str(self.ending);
        }
    }
}
