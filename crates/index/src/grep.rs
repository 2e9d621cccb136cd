//! Text search over the files of a workspace.

use crate::{
    Hides, SearchError, files, glob::Glob, kept::Kept, lines::Lines, matcher::LineMatcher, pattern,
};
use grep_matcher::Matcher;
use grep_searcher::{BinaryDetection, SearcherBuilder};
use kerf_workspace::{FsError, RelPath, Workspace};
use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

/// Longer files are skipped, in bytes: they are data, and each thread holds one in memory.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;

/// A thread costs as much as searching so many files: for fewer none is started.
const FILES_FOR_A_THREAD: usize = 8;
/// From so many files on it pays to prepare an expression for milliseconds.
const MANY_FILES: usize = 4_000;

/// What to look for, and where.
#[derive(Debug, Clone)]
pub struct GrepQuery {
    /// A regular expression in Rust's syntax, or plain text when `literal`.
    pub pattern: String,
    /// Take `pattern` as it is.
    pub literal: bool,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
    /// A match may span lines (`\n` in the pattern).
    pub multi_line: bool,
    /// The folder or file to search.
    pub under: RelPath,
    /// Only files that match, as in a line of `.gitignore`: `*.rs`, `src/**`, `*.{ts,tsx}`, `!*.min.js`. One with a
    /// slash counts from the workspace's root or from `under`.
    pub glob: Option<String>,
    /// Search files too whose names, or whose folders' names below `under`, start with a dot.
    pub hidden: bool,
    /// At most this many matches are returned.
    pub limit: usize,
    /// Lines around each match.
    pub context: usize,
}

/// One line with a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: RelPath,
    /// The line of the match's start, from 1.
    pub line: u32,
    /// The character of the line at which the first match starts, from 1 (characters, not bytes).
    pub column: u32,
    /// The line without its line end, or all lines of a match that spans some; more than 500 characters are cut
    /// around the match, with `…` where something is gone.
    pub text: String,
    /// Up to `context` lines before it, oldest first.
    pub before: Vec<String>,
    /// Up to `context` lines after it.
    pub after: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grepped {
    /// By path, then line.
    pub found: Vec<Found>,
    /// Matches in all files, also those beyond the limit; several in one line count once.
    pub total: usize,
    /// Files with a match.
    pub files: usize,
    /// Whether there are more than `found` holds.
    pub truncated: bool,
    /// Files and folders that could not be searched, and why.
    pub skipped: Vec<(RelPath, String)>,
}

/// Finds the lines that match, as ripgrep with its default filters does: binary files are left, a byte order mark
/// says how a file is encoded, links are not followed.
///
/// # Errors
/// See [`SearchError`]; files that cannot be read are no error but listed in [`Grepped::skipped`].
pub fn grep(
    ws: &Workspace,
    query: &GrepQuery,
    cancel: &AtomicBool,
) -> Result<Grepped, SearchError> {
    scan(ws, query, None, None, cancel)
}

/// The same without the files that are hidden from the search: nothing of the answer tells what they hold.
///
/// # Errors
/// As for [`grep`].
pub fn grep_without(
    ws: &Workspace,
    query: &GrepQuery,
    hides: Hides<'_>,
    cancel: &AtomicBool,
) -> Result<Grepped, SearchError> {
    scan(ws, query, None, Some(hides), cancel)
}

/// What to look for, ready to be compared with files.
pub(crate) struct Wanted<'a> {
    pub(crate) query: &'a GrepQuery,
    pub(crate) matcher: LineMatcher,
    glob: Option<Glob>,
    hides: Option<Hides<'a>>,
}

impl<'a> Wanted<'a> {
    /// Finds what is wrong with a query before any file is looked at.
    pub(crate) fn new(query: &'a GrepQuery) -> Result<Self, SearchError> {
        Ok(Self {
            query,
            matcher: pattern::matcher(query)?,
            glob: query
                .glob
                .as_deref()
                .map(|glob| Glob::new(glob, &query.under))
                .transpose()?,
            hides: None,
        })
    }

    /// The same without hidden files.
    pub(crate) fn without(self, hides: Option<Hides<'a>>) -> Self {
        Self { hides, ..self }
    }

    /// The same, prepared for a search through many files.
    fn for_much(&self) -> Self {
        Self {
            // It was built before; should it fail now, what there is serves.
            matcher: self
                .matcher
                .for_much()
                .unwrap_or_else(|_| self.matcher.clone()),
            glob: self.glob.clone(),
            query: self.query,
            hides: self.hides,
        }
    }

    /// Whether a file is to be searched, as far as its path tells. Nothing is read for this: locks are held meanwhile.
    pub(crate) fn takes(&self, path: &RelPath) -> bool {
        self.shows(path) && self.glob.as_ref().is_none_or(|glob| glob.matches(path))
    }

    /// Whether a file is hidden from the search. Rules may be read from the disk for this.
    fn is_hidden(&self, path: &RelPath) -> bool {
        self.hides.is_some_and(|hides| hides(path))
    }

    /// Whether no line can match, by one look at all of the bytes: most files have no match, and going through their
    /// lines takes longer.
    pub(crate) fn cannot_match(&self, bytes: &[u8]) -> bool {
        let Self { query, matcher, .. } = self;
        // Without a line terminator the matcher sees each line for itself, where `\A` and `\z` mean its ends.
        let is_looked_at_whole = query.multi_line || matcher.line_terminator().is_some();
        // What a byte order mark says is known by the searcher.
        let has_mark = matches!(
            bytes,
            [0xEF, 0xBB, 0xBF, ..] | [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]
        );
        is_looked_at_whole && !has_mark && matches!(matcher.find_candidate_line(bytes), Ok(None))
    }

    /// Whether what is at the path is to be told of.
    pub(crate) fn shows(&self, path: &RelPath) -> bool {
        self.query.hidden || !files::is_hidden(path, &self.query.under)
    }
}

/// Searches all files but those at or beneath `except`.
pub(crate) fn scan(
    ws: &Workspace,
    query: &GrepQuery,
    except: Option<&RelPath>,
    hides: Option<Hides<'_>>,
    cancel: &AtomicBool,
) -> Result<Grepped, SearchError> {
    let wanted = Wanted::new(query)?.without(hides);
    let mut all = files::list(ws, &query.under, except, cancel)?;
    all.files.retain(|path| wanted.takes(path));
    all.files.sort_unstable();
    search(ws, &wanted, all, cancel)
}

/// Searches these files, which are in order of path.
pub(crate) fn search(
    ws: &Workspace,
    wanted: &Wanted<'_>,
    all: files::Files,
    cancel: &AtomicBool,
) -> Result<Grepped, SearchError> {
    let files::Files { files, mut skipped } = all;
    skipped.retain(|(path, _)| wanted.shows(path));
    let prepared;
    let wanted = if files.len() < MANY_FILES {
        wanted
    } else {
        prepared = wanted.for_much();
        &prepared
    };
    let kept = Kept::new(wanted.query.limit);
    let next = AtomicUsize::new(0);
    let threads = threads_for(files.len());
    let mut tallies = Vec::with_capacity(threads);
    thread::scope(|scope| {
        let search = || search_some(ws, wanted, &files, &next, &kept, cancel);
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(search)).collect();
        tallies.push(search());
        tallies.extend(
            others
                .into_iter()
                .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
    });
    if cancel.load(Ordering::Relaxed) {
        return Err(SearchError::Cancelled);
    }

    let mut grepped = Grepped::default();
    for tally in tallies {
        grepped.total += tally.lines;
        grepped.files += tally.files;
        skipped.extend(tally.skipped);
    }
    grepped.found = kept.finish();
    grepped.truncated = grepped.found.len() < grepped.total;
    skipped.sort_unstable();
    grepped.skipped = skipped;
    Ok(grepped)
}

/// How many threads are to search so many files.
pub(crate) fn threads_for(files: usize) -> usize {
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(files.div_ceil(FILES_FOR_A_THREAD).max(1))
}

/// What one thread has seen.
#[derive(Default)]
struct Tally {
    lines: usize,
    files: usize,
    skipped: Vec<(RelPath, String)>,
}

/// Takes one file after the other until none is left.
fn search_some(
    ws: &Workspace,
    wanted: &Wanted<'_>,
    files: &[RelPath],
    next: &AtomicUsize,
    kept: &Kept,
    cancel: &AtomicBool,
) -> Tally {
    let mut tally = Tally::default();
    let Wanted { query, matcher, .. } = wanted;
    let mut searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .multi_line(query.multi_line)
        .before_context(query.context)
        .after_context(query.context)
        .build();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(path) = files
            .get(number)
            .filter(|_| !cancel.load(Ordering::Relaxed))
        else {
            return tally;
        };
        if wanted.is_hidden(path) {
            continue;
        }
        let bytes = match ws.fs().read(path, MAX_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                // A file that went away since the walk was not there, which is no news.
                if !matches!(error, FsError::NotFound { .. } | FsError::NotADir { .. }) {
                    tally.skipped.push((path.clone(), error.to_string()));
                }
                continue;
            }
        };
        if wanted.cannot_match(&bytes) {
            continue;
        }
        let mut lines = Lines::new(path, matcher, query, kept.room_at(number), cancel);
        // A reader, not the slice: ripgrep reads files in blocks, and where it stops in a binary one depends on that.
        if let Err(error) = searcher.search_reader(matcher, bytes.as_slice(), &mut lines) {
            tally.skipped.push((path.clone(), error.to_string()));
        }
        if lines.count > 0 {
            tally.lines += lines.count;
            tally.files += 1;
            kept.add(number, lines.found);
        }
    }
}
