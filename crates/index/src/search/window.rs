//! The place in a file that answers a question best, with what is shown of it.

use super::{
    Hit, HitKind,
    finder::{Finder, Line},
    opened::{Opened, enclosing, full_name},
};
use crate::{
    cut,
    symbols::{Definition, Kind, Outline},
};
use kerf_workspace::RelPath;
use std::collections::HashMap;

/// Lines so near to each other belong together.
const NEAR: u32 = 6;

/// More lines of one file are not compared.
const MAX_LINES: usize = 2_000;

/// So many of the best lines are looked at closely, and so many when one of them holds a word for sure.
const MAX_SURE: usize = 100;
const ENOUGH: usize = 8;

/// What a line counts that only brings names in from elsewhere.
const IMPORT: f32 = 0.8;

/// What the words around a line, a name that is defined on it, and neighbours in order count beside its own words.
const AROUND: f32 = 0.4;
const DEFINED: f32 = 1.0;
const PAIR: f32 = 0.3;

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
    let lines = finder.lines(text, MAX_LINES);
    let named = named(finder, &lines, outline);
    let all = finder.weight(finder.all()).max(f32::MIN_POSITIVE);
    let mut ranked: Vec<(f32, usize, u64)> = Vec::with_capacity(lines.len());
    let mut first = 0;
    for (at, line) in lines.iter().enumerate() {
        while lines[first].number + NEAR < line.number {
            first += 1;
        }
        let near = lines[first..]
            .iter()
            .take_while(|other| other.number <= line.number + NEAR);
        let around = near.fold(0, |all, other| all | other.parts);
        let worth = worth(finder, text, line, line.parts, around, &named);
        ranked.push((worth, at, around));
    }
    let order = |a: &(f32, usize, u64), b: &(f32, usize, u64)| {
        b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))
    };
    if ranked.len() > MAX_SURE {
        ranked.select_nth_unstable_by(MAX_SURE, order);
        ranked.truncate(MAX_SURE);
    }
    ranked.sort_unstable_by(order);
    let mut best: Option<(f32, usize)> = None;
    for (sure, (guessed, at, around)) in ranked.into_iter().enumerate() {
        if best.is_some_and(|(most, _)| sure >= ENOUGH || most >= guessed + PAIR * all) {
            break;
        }
        let line = &lines[at];
        let (parts, pairs) = finder.look(&text[line.range.clone()]);
        if parts == 0 {
            continue;
        }
        let pairs = pairs as f32 * all / finder.items.len().max(1) as f32;
        let worth = worth(finder, text, line, parts, around, &named) + PAIR * pairs;
        if best.is_none_or(|(most, _)| worth > most) {
            best = Some((worth, at));
        }
    }
    let (worth, at) = best?;
    let line = lines.get(at)?.clone();
    let near = lines[at..]
        .iter()
        .take_while(|other| other.number <= line.number + NEAR);
    let last_line = near.last().map_or(line.number, |last| last.number);
    Some(Window {
        worth: worth / all,
        is_definition: named.contains_key(&line.number),
        line,
        last_line,
    })
}

/// How much the names count that are defined on lines, by line.
fn named(finder: &mut Finder, lines: &[Line], outline: Option<&Outline>) -> HashMap<u32, f32> {
    let mut named: HashMap<u32, f32> = HashMap::new();
    for definition in outline.iter().flat_map(|outline| outline.definitions()) {
        let is_held = lines
            .binary_search_by_key(&definition.line, |line| line.number)
            .is_ok();
        if !is_held || finder.guess(&definition.name) == 0 {
            continue;
        }
        let own = own_worth(finder, definition);
        if own > 0.0 {
            let worth = named.entry(definition.line).or_default();
            *worth = worth.max(own);
        }
    }
    named
}

/// What the name of a definition counts: more when it says nothing else, and when it stands for much.
fn own_worth(finder: &mut Finder, definition: &Definition) -> f32 {
    let (parts, share) = finder.look_at_name(&definition.name);
    let is_it = (finder.items.iter()).any(|item| item.name.eq_ignore_ascii_case(&definition.name));
    let exact = if is_it { 1.1 } else { 1.0 };
    finder.weight(parts) * (0.5 + 0.5 * share) * meaning(definition) * exact
}

/// What a line counts that holds some words, and others around.
fn worth(
    finder: &Finder,
    text: &str,
    line: &Line,
    parts: u64,
    around: u64,
    named: &HashMap<u32, f32>,
) -> f32 {
    let start = text[line.range.clone()].trim_start();
    let is_import = ["use ", "import ", "from ", "#include", "require"]
        .iter()
        .any(|word| start.starts_with(word));
    let own = finder.weight(parts) * if is_import { IMPORT } else { 1.0 };
    let name = named.get(&line.number).copied().unwrap_or_default();
    let more = finder.weight(around | parts) - finder.weight(parts);
    own + AROUND * more + DEFINED * name
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
                let [a, b] = [a, b].map(|definition| own_worth(finder, definition));
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

/// What a definition counts beside a function: names within something say less of a file, and those over text, over
/// data and around a whole header least.
fn meaning(definition: &Definition) -> f32 {
    match definition.kind {
        Kind::Heading | Kind::Key | Kind::Selector | Kind::Id => 0.3,
        Kind::Macro if definition.name.trim_end_matches('_').ends_with("_H") => 0.1,
        Kind::Field | Kind::Variant | Kind::Property => 0.5,
        Kind::Prototype | Kind::Variable | Kind::Constant | Kind::Macro => 0.8,
        _ => 1.0,
    }
}
