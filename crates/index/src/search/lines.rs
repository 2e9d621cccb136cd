//! Exact texts and regular expressions: the lines that [`crate::grep`] finds, of the files that hold all of them.

use super::{
    Answer, Hit, HitKind, Wanted,
    filter::{Conditions, Filter},
    opened::{Opener, enclosing, full_name},
};
use crate::{
    Found, SearchError, exact,
    files::{self, Files},
    grep::{self, MAX_FILE_BYTES},
    index::Core,
    kept::Kept,
    lines::Lines,
    matcher::LineMatcher,
    symbols::Language,
};
use grep_matcher::Matcher;
use grep_searcher::{BinaryDetection, SearcherBuilder};
use kerf_workspace::{FsError, RelPath};
use std::{
    ops::Range,
    panic::resume_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// What one pass over the files has seen.
#[derive(Default)]
struct Tally {
    lines: usize,
    files: usize,
    skipped: Vec<(RelPath, String)>,
}

pub(super) fn find(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    // Mistakes in expressions are told before any file is looked at.
    drop(filter.conditions()?);
    let (files, scanned) = choose(core, filter, cancel)?;
    let Files { files, mut skipped } = files;
    skipped.retain(|(path, _)| filter.hidden() || !files::is_hidden(path, &RelPath::root()));
    let kept = Kept::new(wanted.limit);
    let next = AtomicUsize::new(0);
    let tallies = Mutex::new(Vec::new());
    let threads = grep::threads_for(files.len());
    thread::scope(|scope| {
        let search = || -> Result<(), SearchError> {
            let mut conditions = filter.conditions()?;
            let tally = search_some(core, filter, &mut conditions, &files, &next, &kept, cancel);
            tallies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(tally);
            Ok(())
        };
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(search)).collect();
        search()?;
        for other in others {
            other.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        }
        Ok::<(), SearchError>(())
    })?;
    if cancel.load(Ordering::Relaxed) {
        return Err(SearchError::Cancelled);
    }
    let mut answer = Answer {
        scanned,
        ..Answer::default()
    };
    for tally in tallies.into_inner().unwrap_or_else(PoisonError::into_inner) {
        answer.total += tally.lines;
        answer.files += tally.files;
        skipped.extend(tally.skipped);
    }
    skipped.sort_unstable();
    answer.skipped = skipped;
    answer.hits = hits(core, filter, kept.finish(), cancel)?;
    answer.more = answer.hits.len() < answer.total;
    Ok(answer)
}

/// The files to look into, in order of path, and why they are all of them, if they are.
fn choose(
    core: &Core,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<(Files, Option<String>), SearchError> {
    if !core.look(cancel)? {
        let mut all = files::list(core.workspace(), &RelPath::root(), core.except(), cancel)?;
        all.files
            .retain(|path| filter.takes(path, Language::of(path.as_path(), "")));
        all.files.sort_unstable();
        return Ok((all, Some("the index is still being built".to_owned())));
    }
    let snapshot = core.store().snapshot();
    let candidates = filter.candidates(core, &snapshot);
    let listing = core.listing();
    let may_match = |id| match &candidates {
        Some(found) => found.contains(&id) || !snapshot.holds(id),
        None => true,
    };
    let mut unknown = 0;
    let files = listing
        .files()
        .filter(|(_, entry)| entry.state.id().is_none_or(may_match))
        .filter(|(path, entry)| filter.takes(path, entry.language(path)))
        .inspect(|(_, entry)| {
            unknown += usize::from(!entry.state.id().is_some_and(|id| snapshot.holds(id)));
        })
        .map(|(path, _)| path.clone())
        .collect::<Vec<_>>();
    let skipped = listing
        .skipped()
        .map(|(path, reason)| (path.clone(), reason.to_owned()))
        .collect();
    let scanned = if candidates.is_none() {
        Some("the index cannot tell where this may be, because it asks for no three letters in a row".to_owned())
    } else if unknown > exact::FEW_UNKNOWN {
        Some(format!("{unknown} files are not in the index"))
    } else {
        None
    };
    Ok((Files { files, skipped }, scanned))
}

/// Takes one file after the other until none is left.
fn search_some(
    core: &Core,
    filter: &Filter<'_>,
    conditions: &mut Conditions<'_>,
    files: &[RelPath],
    next: &AtomicUsize,
    kept: &Kept,
    cancel: &AtomicBool,
) -> Tally {
    let mut tally = Tally::default();
    let snapshot = core.store().snapshot();
    let mut symbols = Opener::new(core, &snapshot);
    while !cancel.load(Ordering::Relaxed)
        && let number = next.fetch_add(1, Ordering::Relaxed)
        && let Some(path) = files.get(number)
    {
        let bytes = match core.workspace().fs().read(path, MAX_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                // A file that went away since the walk was not there, which is no news.
                if !matches!(error, FsError::NotFound { .. }) {
                    tally.skipped.push((path.clone(), error.to_string()));
                }
                continue;
            }
        };
        match look(conditions, path, &bytes, kept.room_at(number), cancel) {
            Ok((0, _)) => {}
            Ok((count, found)) => {
                if filter.has_kinds() && !has_kinds(filter, &mut symbols, path, &bytes) {
                    continue;
                }
                tally.lines += count;
                tally.files += 1;
                kept.add(number, found);
            }
            Err(message) => tally.skipped.push((path.clone(), message)),
        }
    }
    tally
}

/// The lines of a file that hold one of the texts, when it holds all of them and nothing that is excluded; how many
/// there are, and the first of them.
fn look(
    conditions: &mut Conditions<'_>,
    path: &RelPath,
    bytes: &[u8],
    room: usize,
    cancel: &AtomicBool,
) -> Result<(usize, Vec<Found>), String> {
    let several = conditions.all.len() > 1;
    let mut count = 0;
    let mut found: Vec<Found> = Vec::new();
    for wanted in &conditions.all {
        // To tell which lines hold several of the texts, all are kept.
        let room = if several { usize::MAX } else { room };
        let (lines, own) = matches(wanted, path, bytes, room, cancel)?;
        if lines == 0 {
            return Ok((0, Vec::new()));
        }
        count += lines;
        found.extend(own);
    }
    for wanted in &conditions.none {
        if matches(wanted, path, bytes, 0, cancel)?.0 > 0 {
            return Ok((0, Vec::new()));
        }
    }
    if conditions.has_word(bytes) {
        return Ok((0, Vec::new()));
    }
    if several {
        found.sort_by_key(|found| (found.line, found.column));
        found.dedup_by_key(|found| found.line);
        count = found.len();
        found.truncate(room);
    }
    Ok((count, found))
}

fn matches(
    wanted: &grep::Wanted<'_>,
    path: &RelPath,
    bytes: &[u8],
    room: usize,
    cancel: &AtomicBool,
) -> Result<(usize, Vec<Found>), String> {
    if wanted.cannot_match(bytes) {
        return Ok((0, Vec::new()));
    }
    let mut searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .multi_line(wanted.query.multi_line)
        .build();
    let mut lines = Lines::new(path, &wanted.matcher, wanted.query, room, cancel);
    // A reader, not the slice: ripgrep reads files in blocks, and where it stops in a binary one depends on that.
    searcher
        .search_reader(&wanted.matcher, bytes, &mut lines)
        .map_err(|error| error.to_string())?;
    Ok((lines.count, lines.found))
}

fn has_kinds(filter: &Filter<'_>, symbols: &mut Opener<'_>, path: &RelPath, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let language = Language::of(path.as_path(), &text[..text.floor_char_boundary(16 << 10)]);
    let outline = language.and_then(|language| symbols.parse(&text, language));
    filter.takes_outline(outline.as_ref())
}

/// What was found, with the definitions that it is in.
fn hits(
    core: &Core,
    filter: &Filter<'_>,
    found: Vec<Found>,
    cancel: &AtomicBool,
) -> Result<Vec<Hit>, SearchError> {
    let conditions = filter.conditions()?;
    let (catalog, snapshot) = core.catalog(cancel)?;
    let mut opener = Opener::new(core, &snapshot);
    let mut outline = None;
    let mut hits: Vec<Hit> = Vec::new();
    for found in found {
        if hits.last().is_none_or(|last| last.path != found.path) {
            if cancel.load(Ordering::Relaxed) {
                return Err(SearchError::Cancelled);
            }
            outline = opener.known(&catalog, &found.path);
        }
        let definition = outline
            .as_ref()
            .and_then(|outline| Some((outline, enclosing(outline, found.line)?)));
        let lines_more = found.text.matches('\n').count() as u32;
        let matchers = conditions.all.iter().map(|wanted| &wanted.matcher);
        hits.push(Hit {
            line: found.line,
            column: found.column,
            marks: marks(matchers, &found.text),
            score: 0.0,
            kind: HitKind::Text,
            symbol: definition.map(|(outline, definition)| full_name(outline, definition)),
            symbol_kind: definition.map(|(_, definition)| definition.kind.name()),
            last_line: found.line + lines_more,
            path: found.path,
            text: found.text,
        });
    }
    Ok(hits)
}

/// Where the matchers match, in order, what overlaps as one.
fn marks<'m>(matchers: impl Iterator<Item = &'m LineMatcher>, text: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for matcher in matchers {
        // One that fails has no marks, but its line is found all the same.
        let _ = matcher.find_iter(text.as_bytes(), |found| {
            let range =
                text.floor_char_boundary(found.start())..text.ceil_char_boundary(found.end());
            if !range.is_empty() {
                all.push(range);
            }
            true
        });
    }
    all.sort_unstable_by_key(|range| (range.start, range.end));
    let mut marks: Vec<Range<usize>> = Vec::new();
    for range in all {
        match marks.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => marks.push(range),
        }
    }
    marks
}
