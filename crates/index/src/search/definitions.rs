//! Definitions by name: those of the whole name first, then those that begin with it, then those with its parts.

use super::{
    Answer, Hit, HitKind, Wanted,
    filter::{Filter, items},
    finder::Finder,
    opened::{Opener, full_name},
    pending,
};
use crate::{
    SearchError,
    catalog::{File, NONE},
    cut,
    index::Core,
    store::Snapshot,
    symbols::{Definition, Kind, Outline, SymbolPattern},
};
use kerf_workspace::RelPath;
use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

/// More outlines are not read for one name: first those of definitions with the whole name, then of others.
const MAX_OUTLINES: [usize; 2] = [300, 60];

/// More definitions are not gone through for a name that nothing bears whole: generated headers have 50,000 each.
const MAX_DEFINITIONS: usize = 10_000;

/// When there are so many times what is wanted, no more are looked for.
const ENOUGH: usize = 8;

/// More definitions of one file are not told for one name.
const MAX_OF_FILE: usize = 200;

/// A name that is looked for.
struct Name {
    pattern: SymbolPattern,
    /// The last name in lower case, and the stems of its parts.
    folded: String,
    parts: Vec<String>,
    finder: RefCell<Finder>,
}

/// A definition that answers.
struct Found {
    path: RelPath,
    language: Option<crate::symbols::Language>,
    stored: Option<(crate::content::ContentId, crate::store::Stored)>,
    definition: Definition,
    score: f32,
}

pub(super) fn find(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    // Any name of the kinds, where no name is asked for.
    let mut names: Vec<Name> = wanted
        .query
        .symbols
        .iter()
        .map(|name| Name::new(name))
        .collect();
    if names.is_empty() {
        names.push(Name::new(""));
    }
    let mut answer = Answer::default();
    let mut found: Vec<Found> = Vec::new();
    let snapshot = {
        let (catalog, snapshot) = core.catalog(cancel)?;
        let opener = Opener::new(core, &snapshot);
        let may_hold = filter.candidates(core, &snapshot);
        let mut seen = HashSet::new();
        for name in &names {
            let groups = core.store().ask(|shape| {
                let count = wanted.limit.max(20);
                if name.folded.is_empty() {
                    return Ok(vec![snapshot.of_kinds(shape, &filter.kinds)?]);
                }
                let whole = name.pattern.whole().to_lowercase();
                let mut groups = snapshot.defining(shape, &name.folded, &name.parts, count)?;
                // Names of headings and keys hold what else stands between names.
                if whole != name.folded {
                    groups.splice(0..0, snapshot.defining(shape, &whole, &[], 0)?);
                }
                Ok(groups)
            });
            let mut is_first = true;
            for group in groups.unwrap_or_default() {
                let best_from = found.len();
                let most = MAX_OUTLINES[usize::from(!is_first)];
                is_first = group.is_empty() && is_first;
                if found.len() > wanted.limit {
                    answer.more = true;
                    break;
                }
                let mut files: Vec<(&File, u32)> = group
                    .iter()
                    .map(|stored| {
                        catalog
                            .segment(stored.segment as usize)
                            .get(stored.doc as usize)
                            .copied()
                            .unwrap_or(NONE)
                    })
                    .filter(|&content| content != NONE && seen.insert(content))
                    .filter(|&content| {
                        catalog.stored(content).is_some_and(|(id, _)| {
                            may_hold
                                .as_ref()
                                .is_none_or(|may_hold| may_hold.contains(&id))
                        })
                    })
                    .flat_map(|content| catalog.files_of(content).map(move |file| (file, content)))
                    .filter(|(file, _)| filter.takes(&file.path, file.language))
                    .collect();
                // When there are many, those that are likely meant are looked at.
                files.sort_by_cached_key(|(file, _)| standing(file));
                answer.more |= files.len() > most;
                let mut gone_through = 0;
                for (file, content) in files.into_iter().take(most) {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(SearchError::Cancelled);
                    }
                    let stored = catalog.stored(content);
                    let outline = stored
                        .zip(file.language)
                        .and_then(|((_, place), language)| opener.stored(place, language));
                    if found.len() >= best_from + wanted.limit.max(20) * ENOUGH
                        || (gone_through > MAX_DEFINITIONS && most != MAX_OUTLINES[0])
                    {
                        answer.more = true;
                        break;
                    }
                    if let Some(outline) = outline {
                        gone_through += outline.definitions().len();
                        take(&names, filter, wanted, file, stored, &outline, &mut found);
                    }
                }
            }
        }
        answer.scanned = pending::read(core, &catalog, filter, cancel, |pending, _| {
            if let Some(outline) = &pending.outline {
                take(
                    &names,
                    filter,
                    wanted,
                    pending.file,
                    None,
                    outline,
                    &mut found,
                );
            }
        })?;
        snapshot
    };
    found.sort_by(|a, b| {
        (b.score.total_cmp(&a.score))
            .then_with(|| a.definition.name.len().cmp(&b.definition.name.len()))
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| a.definition.line.cmp(&b.definition.line))
    });
    answer.total = found.len();
    answer.files = found
        .iter()
        .map(|found| &found.path)
        .collect::<HashSet<_>>()
        .len();
    show(
        core,
        wanted,
        filter,
        &snapshot,
        &names,
        found,
        &mut answer,
        cancel,
    )?;
    Ok(answer)
}

/// Looks at the definitions in their files, and tells those that are there.
#[expect(clippy::too_many_arguments, reason = "what a search is made of")]
fn show(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    snapshot: &Snapshot,
    names: &[Name],
    found: Vec<Found>,
    answer: &mut Answer,
    cancel: &AtomicBool,
) -> Result<(), SearchError> {
    let mut opener = Opener::new(core, snapshot);
    let mut conditions = filter.conditions()?;
    let mut opened: std::collections::HashMap<RelPath, Option<super::opened::Opened>> =
        Default::default();
    for found in found {
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        if answer.hits.len() >= wanted.limit {
            answer.more = true;
            break;
        }
        let file = opened.entry(found.path.clone()).or_insert_with(|| {
            opener
                .open(&found.path, found.language, found.stored)
                .filter(|opened| conditions.hold(opened.text.as_bytes()))
        });
        let Some(file) = file else {
            answer.total = answer.total.saturating_sub(1);
            continue;
        };
        // The file may have changed since: then the definition is where it is now.
        let now = file.outline.as_ref().and_then(|outline| {
            let same = outline.definitions().iter().filter(|definition| {
                definition.name == found.definition.name
                    && definition.kind == found.definition.kind
                    && names
                        .iter()
                        .any(|name| name.rank(outline, definition).is_some())
            });
            same.min_by_key(|definition| definition.line.abs_diff(found.definition.line))
        });
        let Some(definition) = now else {
            answer.total = answer.total.saturating_sub(1);
            continue;
        };
        let line = file
            .text
            .lines()
            .nth(definition.line as usize - 1)
            .unwrap_or_default();
        let at = line
            .char_indices()
            .nth(definition.column as usize - 1)
            .map_or(0, |(at, _)| at);
        let shown = cut::line(line, at);
        let from = if shown.len() == line.len() { at } else { 0 };
        let mark = shown[from..]
            .find(&*definition.name)
            .map(|mark| from + mark..from + mark + definition.name.len());
        let last_line = definition.last_line;
        answer.hits.push(Hit {
            path: found.path,
            line: definition.line,
            column: definition.column,
            text: shown,
            marks: mark.into_iter().filter(|mark| !mark.is_empty()).collect(),
            score: found.score,
            kind: HitKind::Definition,
            symbol: file
                .outline
                .as_ref()
                .map(|outline| full_name(outline, definition)),
            symbol_kind: Some(definition.kind.name()),
            last_line,
        });
    }
    Ok(())
}

/// Takes the definitions of one file that answer.
fn take(
    names: &[Name],
    filter: &Filter<'_>,
    wanted: &Wanted<'_>,
    file: &File,
    stored: Option<(crate::content::ContentId, crate::store::Stored)>,
    outline: &Outline,
    found: &mut Vec<Found>,
) {
    let factor = file.standing.factor(false);
    let recent = if wanted.recent.contains(&file.path) {
        0.1
    } else {
        0.0
    };
    let before = found.len();
    for definition in outline.definitions() {
        if !filter.takes_kind(definition.kind) || found.len() - before >= MAX_OF_FILE {
            continue;
        }
        let rank = names
            .iter()
            .filter_map(|name| name.rank(outline, definition))
            .max_by(f32::total_cmp);
        if let Some(rank) = rank {
            found.push(Found {
                path: file.path.clone(),
                language: file.language,
                stored,
                definition: definition.clone(),
                score: rank + factor * 0.5 + weight(definition.kind) + recent,
            });
        }
    }
}

impl Name {
    fn new(text: &str) -> Self {
        let pattern = SymbolPattern::new(text);
        let finder = Finder::new(items(pattern.name()));
        let parts = finder.items.iter().flat_map(|item| &item.parts);
        Self {
            folded: pattern.name().to_lowercase(),
            parts: parts.cloned().collect(),
            finder: RefCell::new(finder),
            pattern,
        }
    }

    /// How well a definition answers: 4 for the very name, 3 for the name in other letters, from 2 for names that begin
    /// with it and from 1 for names that have its parts, the shorter the better.
    fn rank(&self, outline: &Outline, definition: &Definition) -> Option<f32> {
        if self.folded.is_empty() {
            return Some(0.0);
        }
        if self.pattern.matches(outline, definition) {
            return Some(4.0);
        }
        let name = &*definition.name;
        let (begins, is_same) = match (name.is_ascii(), name.get(..self.folded.len())) {
            (true, Some(beginning)) => (
                beginning.eq_ignore_ascii_case(&self.folded),
                name.len() == self.folded.len(),
            ),
            (true, None) => (false, false),
            (false, _) => {
                let name = name.to_lowercase();
                (name.starts_with(&self.folded), name == self.folded)
            }
        };
        let brevity = (self.folded.len() as f32 / name.len().max(1) as f32).min(1.0) * 0.3;
        let rank = if begins && is_same {
            3.0
        } else if begins {
            let same = name.starts_with(self.pattern.name());
            2.0 + brevity + if same { 0.05 } else { 0.0 }
        } else if self.has_parts(name) {
            1.0 + brevity
        } else {
            return None;
        };
        self.pattern.is_inside(outline, definition).then_some(rank)
    }

    /// Whether a name has all parts that are asked for.
    fn has_parts(&self, name: &str) -> bool {
        let mut finder = self.finder.borrow_mut();
        let all = finder.all();
        // Most names have none, which is seen without taking them apart.
        all != 0 && finder.guess(name) & all == all && finder.look_at_name(name).0 == all
    }
}

/// Files that are likely meant come first.
fn standing(file: &File) -> (Reverse<u32>, usize, RelPath) {
    let factor = (file.standing.factor(false) * 1000.0) as u32;
    (
        Reverse(factor),
        file.path.as_path().as_os_str().len(),
        file.path.clone(),
    )
}

/// Among definitions of one name those that people mean more often come first.
fn weight(kind: Kind) -> f32 {
    match kind {
        Kind::Struct | Kind::Class | Kind::Trait | Kind::Interface | Kind::Enum => 0.20,
        Kind::Function | Kind::Method | Kind::Type | Kind::Table | Kind::View => 0.18,
        Kind::Macro | Kind::Constant | Kind::Module => 0.15,
        Kind::Prototype | Kind::Variant | Kind::Variable | Kind::Property | Kind::Index => 0.10,
        Kind::Field | Kind::Heading => 0.05,
        Kind::Key | Kind::Selector | Kind::Id => 0.0,
    }
}
