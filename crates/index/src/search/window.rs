//! The place in a file that answers a question best, with what is shown of it.

use super::{
    Hit, HitKind,
    finder::{Finder, Line},
    opened::{Opened, enclosing, full_name},
};
use crate::{
    cut,
    symbols::{Kind, Outline},
};
use kerf_workspace::RelPath;
use std::collections::HashMap;

/// Lines so near to each other belong together.
const NEAR: u32 = 6;

/// More lines of one file are not compared.
const MAX_LINES: usize = 2_000;

/// What the words around a line, a name that is defined on it, and neighbours in order count beside its own words.
const AROUND: f32 = 0.4;
const DEFINED: f32 = 1.0;
const PAIR: f32 = 0.3;

/// What a name counts that stands over text or data, and names nothing in code.
const TALK: f32 = 0.3;

/// The best place of a file.
pub(super) struct Window {
    /// From 0 to about 2: how much of the question is there, and how well.
    pub(super) worth: f32,
    line: Line,
    last_line: u32,
    is_definition: bool,
}

/// Finds the best place. `None`: no line holds a word of the question.
pub(super) fn best(finder: &mut Finder, text: &str, outline: Option<&Outline>) -> Option<Window> {
    let lines: Vec<Line> = finder.lines(text, MAX_LINES).collect();
    let mut defined: HashMap<u32, f32> = HashMap::new();
    if let Some(outline) = outline {
        let held: HashMap<u32, u32> = lines.iter().map(|line| (line.number, line.items)).collect();
        for definition in outline.definitions() {
            if !held.contains_key(&definition.line) {
                continue;
            }
            let (items, _) = finder.look(&definition.name);
            let own = finder.weight(items) * if talks(definition.kind) { TALK } else { 1.0 };
            if own > 0.0 {
                let worth = defined.entry(definition.line).or_default();
                *worth = worth.max(own);
            }
        }
    }
    let all = finder.weight(u32::MAX).max(f32::MIN_POSITIVE);
    let mut best: Option<(f32, usize, u32)> = None;
    let mut first = 0;
    for (at, line) in lines.iter().enumerate() {
        while lines[first].number + NEAR < line.number {
            first += 1;
        }
        let near = lines[first..]
            .iter()
            .take_while(|other| other.number <= line.number + NEAR);
        let (mut around, mut last) = (0, line.number);
        for other in near {
            around |= other.items;
            if other.number > line.number {
                last = other.number;
            }
        }
        let own = finder.weight(line.items);
        let more = finder.weight(around & !line.items);
        let name = defined.get(&line.number).copied().unwrap_or_default();
        let trimmed = text[line.range.clone()].trim_start();
        let is_import = ["use ", "import ", "from ", "#include", "require"]
            .iter()
            .any(|start| trimmed.starts_with(start));
        let pairs = line.pairs as f32 * all / finder.items.len().max(1) as f32;
        let worth =
            own * if is_import { 0.8 } else { 1.0 } + AROUND * more + DEFINED * name + PAIR * pairs;
        if best.is_none_or(|(most, ..)| worth > most) {
            best = Some((worth, at, last));
        }
    }
    let (worth, at, last_line) = best?;
    let line = lines.into_iter().nth(at)?;
    Some(Window {
        worth: worth / all,
        is_definition: defined.contains_key(&line.number),
        line,
        last_line,
    })
}

impl Window {
    /// The place as a hit.
    pub(super) fn hit(
        self,
        finder: &mut Finder,
        path: RelPath,
        text: &str,
        outline: Option<&Outline>,
        score: f32,
    ) -> Hit {
        let line = text[self.line.range.clone()].trim_end_matches('\r');
        let mark = finder.marks(line).into_iter().next().unwrap_or(0..0);
        let shown = cut::line(line, mark.start);
        let definition = outline.and_then(|outline| {
            let on_line = outline
                .definitions()
                .iter()
                .filter(|definition| self.is_definition && definition.line == self.line.number);
            // Of several on one line the one that is asked for.
            let on_line = on_line.max_by(|a, b| {
                let [a, b] = [a, b].map(|definition| {
                    let (items, _) = finder.look(&definition.name);
                    finder.weight(items)
                });
                a.total_cmp(&b)
            });
            Some((
                outline,
                on_line.or_else(|| enclosing(outline, self.line.number))?,
            ))
        });
        let last_line = match definition {
            Some((_, definition)) if self.is_definition => definition.last_line,
            _ => self.last_line,
        };
        Hit {
            path,
            line: self.line.number,
            column: column(line, mark.start),
            marks: finder.marks(&shown),
            text: shown,
            score,
            kind: if self.is_definition {
                HitKind::Definition
            } else {
                HitKind::Text
            },
            symbol: definition.map(|(outline, definition)| full_name(outline, definition)),
            symbol_kind: definition.map(|(_, definition)| definition.kind.name()),
            last_line,
        }
    }
}

/// The character at a byte of a line, from 1.
pub(super) fn column(line: &str, at: usize) -> u32 {
    let before = line.get(..at).unwrap_or(line);
    u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
}

/// The beginning of a file that answers by its path alone.
pub(super) fn first_line(path: RelPath, opened: &Opened, score: f32) -> Hit {
    let (number, line) = (1..)
        .zip(opened.text.lines())
        .find(|(_, line)| !line.trim().is_empty())
        .unwrap_or((1, ""));
    Hit {
        path,
        line: number,
        column: 1,
        text: cut::line(line, 0),
        marks: Vec::new(),
        score,
        kind: HitKind::Text,
        symbol: None,
        symbol_kind: None,
        last_line: number,
    }
}

fn talks(kind: Kind) -> bool {
    matches!(kind, Kind::Heading | Kind::Key | Kind::Selector | Kind::Id)
}
