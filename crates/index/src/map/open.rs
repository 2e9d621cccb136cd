//! Files as a map quotes them: opened as they are now, with their definitions and how much each matters.

use super::{
    File, Focus, Repository, SearchError,
    in_play::Words,
    lines::{Line, Shown},
    rank::Ranks,
};
use crate::{
    content::{Content, MAX_BYTES},
    index::Core,
    store::Snapshot,
    symbols::{Kind, Named, Outline, Reader},
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

/// Definitions of all files that are opened; further files are only named.
const MAX_LINES: usize = 200_000;

/// Makes the weight of a kind a rank below 0.
const UNREFERRED: f64 = 3.0;

/// Opens files one after the other.
pub(super) struct Opener<'a> {
    core: &'a Core,
    snapshot: &'a Snapshot,
    repository: &'a Repository,
    ranks: &'a Ranks,
    words: Words,
    reader: Reader,
    lines: usize,
}

/// A file that is not opened.
pub(super) fn named(file: &File, rank: f64) -> Shown {
    Shown {
        path: file.path.to_string(),
        rank,
        lines: Vec::new(),
    }
}

impl<'a> Opener<'a> {
    pub(super) fn new(
        core: &'a Core,
        snapshot: &'a Snapshot,
        repository: &'a Repository,
        ranks: &'a Ranks,
        focus: &Focus,
    ) -> Self {
        Self {
            core,
            snapshot,
            repository,
            ranks,
            words: Words::new(&focus.words),
            reader: Reader::new(),
            lines: 0,
        }
    }

    /// The file with its definitions, if it can be read and has any. `place` is its number in the graph.
    pub(super) fn open(
        &mut self,
        file: &File,
        place: usize,
        rank: f64,
        cancel: &AtomicBool,
    ) -> Result<Shown, SearchError> {
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        let mut shown = named(file, rank);
        if self.lines >= MAX_LINES {
            return Ok(shown);
        }
        let Ok(bytes) = self.core.workspace().fs().read(&file.path, MAX_BYTES) else {
            return Ok(shown);
        };
        let content = Content::new(bytes);
        if content.reason.is_some() {
            return Ok(shown);
        }
        let text = String::from_utf8_lossy(&content.text);
        let stored = (file.id == Some(content.id))
            .then(|| self.stored(file))
            .flatten();
        let outline = match stored {
            Some(outline) => outline,
            None => match content.language(&file.path) {
                Some(language) => match self.reader.read(language, &text) {
                    Ok(parsed) => parsed.outline,
                    Err(_) => return Ok(shown),
                },
                None => return Ok(shown),
            },
        };
        shown.lines = self.lines(&outline, &text, place);
        self.lines += shown.lines.len();
        Ok(shown)
    }

    fn stored(&self, file: &File) -> Option<Outline> {
        let (place, language) = (self.snapshot.place_of(file.id?)?, file.language?);
        let read = |shape: &_| self.snapshot.outline(shape, place, language);
        self.core.store().ask(read).flatten()
    }

    fn lines(&mut self, outline: &Outline, text: &str, place: usize) -> Vec<Line> {
        let ranks = self.definition_ranks(outline, place);
        let definitions = outline.definitions();
        let mut order: Vec<usize> = (0..definitions.len()).collect();
        order.sort_by_key(|&number| definitions[number].line);
        let mut lines: Vec<Line> = Vec::with_capacity(order.len());
        // Where each definition and each container that is only a name went.
        let mut places: Vec<Option<usize>> = vec![None; definitions.len()];
        let mut names = HashMap::new();
        let mut source = text.lines();
        let mut next = 1;
        let mut read = "";
        for number in order {
            let definition = &definitions[number];
            while next <= definition.line {
                read = source.next().unwrap_or_default();
                next += 1;
            }
            let container = definition.container.and_then(|container| {
                self::container(outline, container, &places, &mut names, &mut lines)
            });
            places[number] = Some(lines.len());
            lines.push(Line {
                number: Some(definition.line),
                kind: definition.kind.name(),
                text: read.to_owned(),
                container,
                rank: ranks[number],
            });
        }
        lines
    }

    /// How much each definition matters within its file: one that words in play name before all others, and below 0
    /// one that no other file refers to, by its kind.
    fn definition_ranks(&mut self, outline: &Outline, place: usize) -> Vec<f64> {
        let graph = &self.repository.graph;
        let definitions = outline.definitions();
        let mut by_name: HashMap<&str, (f64, u32)> = HashMap::new();
        for definition in definitions {
            let (_, count) = by_name.entry(&definition.name).or_insert_with(|| {
                let flows = graph.names.find(&definition.name).map(|name| {
                    let mut definers = graph.definers(name);
                    let share = definers.find(|(file, _)| *file as usize == place);
                    share.map_or(0.0, |(_, share)| self.ranks.names[name] * f64::from(share))
                });
                (flows.sum(), 0)
            });
            *count += 1;
        }
        // Those of one name share what flows to it.
        let flow = |name: &str| {
            by_name
                .get(name)
                .map_or(0.0, |(flow, count)| flow / f64::from(*count))
        };
        let ranks: Vec<f64> = definitions
            .iter()
            .map(|definition| flow(&definition.name) * of_kind(definition.kind))
            .collect();
        let most = ranks.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        definitions
            .iter()
            .zip(ranks)
            .map(|(definition, rank)| {
                let is_in_play = self.words.are_in(&definition.name);
                match rank {
                    _ if is_in_play => rank + most,
                    0.0 => of_kind(definition.kind) - UNREFERRED,
                    _ => rank,
                }
            })
            .collect()
    }
}

/// The place of a container, which is added when it is only a name.
fn container(
    outline: &Outline,
    number: u32,
    places: &[Option<usize>],
    names: &mut HashMap<u32, usize>,
    lines: &mut Vec<Line>,
) -> Option<usize> {
    // From the inside out, to one that has a place or to the file.
    let mut missing = Vec::new();
    let mut next = Some(number);
    let mut place = None;
    while let Some(number) = next {
        let container = outline.container(number)?;
        let known = match container.named {
            Named::Definition(definition) => places.get(definition as usize).copied().flatten(),
            Named::Text(_) => names.get(&number).copied(),
        };
        if known.is_some() {
            place = known;
            break;
        }
        if let Named::Text(name) = &container.named {
            missing.push((number, name));
        }
        next = container.parent;
    }
    for (number, name) in missing.into_iter().rev() {
        names.insert(number, lines.len());
        lines.push(Line {
            number: None,
            kind: "",
            text: name.to_string(),
            container: place,
            rank: 0.0,
        });
        place = Some(lines.len() - 1);
    }
    place
}

/// How much a definition of a kind tells. Types come first, as names of functions are longer and so count for more;
/// members say less than what they belong to, and modules less than their files.
fn of_kind(kind: Kind) -> f64 {
    match kind {
        Kind::Field | Kind::Property | Kind::Variant | Kind::Key | Kind::Module => 0.3,
        Kind::Variable | Kind::Constant | Kind::Macro | Kind::Selector | Kind::Id => 0.5,
        Kind::Struct | Kind::Class | Kind::Enum | Kind::Trait | Kind::Interface => 2.0,
        Kind::Prototype => 0.7,
        _ => 1.0,
    }
}
