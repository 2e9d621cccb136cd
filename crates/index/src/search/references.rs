//! Places that refer to a name, as its place in the text tells: where it is defined is not among them, nor is what only
//! looks like it in comments and strings.

use super::{
    Answer, Hit, HitKind, Wanted,
    filter::Filter,
    opened::{self, enclosing, full_name},
    pending,
};
use crate::{
    SearchError,
    catalog::{File, NONE},
    cut,
    index::Core,
    symbols::{Language, Outline, Reader, Reference, SymbolPattern},
};
use kerf_workspace::RelPath;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// After so long no more files are read; what was found until then is told.
const MAX_TIME: Duration = Duration::from_secs(2);

/// More references of one file are not told.
const MAX_OF_FILE: usize = 1_000;

pub(super) fn find(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    // What a reference is inside of says nothing about what it means, so only the last name counts.
    let names: HashSet<String> = wanted
        .query
        .references
        .iter()
        .map(|name| SymbolPattern::new(name).name().to_owned())
        .collect();
    let mut answer = Answer::default();
    let mut files: Vec<(RelPath, Option<Language>, f32)> = Vec::new();
    {
        let (catalog, snapshot) = core.catalog(cancel)?;
        let may_hold = filter.candidates(core, &snapshot);
        let mut seen = HashSet::new();
        for name in &names {
            let referring = core.store().ask(|shape| snapshot.referring(shape, name));
            for stored in referring.unwrap_or_default() {
                let documents = catalog.segment(stored.segment as usize);
                let content = documents.get(stored.doc as usize).copied().unwrap_or(NONE);
                let id = catalog.stored(content).map(|(id, _)| id);
                let may_hold = |id| {
                    may_hold
                        .as_ref()
                        .is_none_or(|may_hold| may_hold.contains(&id))
                };
                if seen.insert(content) && id.is_some_and(may_hold) {
                    let files_of = catalog
                        .files_of(content)
                        .filter(|file| filter.takes(&file.path, file.language));
                    files.extend(
                        files_of
                            .map(|file| (file.path.clone(), file.language, score(wanted, file))),
                    );
                }
            }
        }
        answer.scanned = pending::read(core, &catalog, filter, cancel, |pending, _| {
            if names
                .iter()
                .any(|name| pending.text.contains(name.as_str()))
            {
                let file = pending.file;
                files.push((file.path.clone(), pending.language, score(wanted, file)));
            }
        })?;
    }
    files.sort_by(|(path, _, score), (other, _, other_score)| {
        (other_score.total_cmp(score)).then_with(|| path.cmp(other))
    });
    let mut conditions = filter.conditions()?;
    let mut reader = Reader::new();
    let start = Instant::now();
    for (path, language, score) in files {
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        if answer.hits.len() >= wanted.limit || start.elapsed() > MAX_TIME {
            answer.more = true;
            break;
        }
        let Ok(content) = opened::read(core, &path) else {
            continue;
        };
        let Some(language) = language.filter(|_| content.reason.is_none()) else {
            continue;
        };
        if !conditions.hold(&content.text) {
            continue;
        }
        let text = String::from_utf8_lossy(&content.text);
        let Ok(parsed) = reader.read(language, &text) else {
            continue;
        };
        if !filter.takes_outline(Some(&parsed.outline)) {
            continue;
        }
        let mut references = (parsed.references.iter())
            .filter(|reference| names.contains(reference.name))
            .peekable();
        answer.files += usize::from(references.peek().is_some());
        let lines: Vec<&str> = text.split('\n').collect();
        for reference in references.take(MAX_OF_FILE) {
            answer.total += 1;
            if answer.hits.len() < wanted.limit {
                let line = lines.get(reference.line as usize - 1).copied();
                let line = line.unwrap_or_default().trim_end_matches('\r');
                answer
                    .hits
                    .push(hit(&path, reference, line, &parsed.outline, score));
            }
        }
    }
    answer.more |= answer.hits.len() < answer.total;
    Ok(answer)
}

/// Recent files come first, then those that nobody would leave out.
fn score(wanted: &Wanted<'_>, file: &File) -> f32 {
    let recent = if wanted.recent.contains(&file.path) {
        1.0
    } else {
        0.0
    };
    file.standing.factor(false) + recent
}

fn hit(
    path: &RelPath,
    reference: &Reference<'_>,
    line: &str,
    outline: &Outline,
    score: f32,
) -> Hit {
    let at = line
        .char_indices()
        .nth(reference.column as usize - 1)
        .map_or(line.len(), |(at, _)| at);
    let text = cut::line(line, at);
    let from = if text.len() == line.len() { at } else { 0 };
    let mark = text[from..]
        .find(reference.name)
        .map(|mark| from + mark..from + mark + reference.name.len());
    let definition = enclosing(outline, reference.line);
    Hit {
        path: path.clone(),
        line: reference.line,
        column: reference.column,
        text,
        marks: mark.into_iter().collect(),
        score,
        kind: HitKind::Reference,
        symbol: definition.map(|definition| full_name(outline, definition)),
        symbol_kind: definition.map(|definition| definition.kind.name()),
        last_line: reference.line,
    }
}
