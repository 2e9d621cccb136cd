//! The requests that look into a folder: search, and lines of a file.

use crate::{
    engine::{Engine, canonical_folder},
    failure::{failure, from_fs, from_panic},
    indexes::Indexed,
};
use kerf_index::{Answer, Case, Hit, Key, Known, Mode, Query, SearchError, Wanted};
use kerf_protocol::{
    Code, Failure,
    search::{
        FileLines, HitKind, ReadLines, Search, SearchAnswer, SearchHit, SearchMode, SkippedFile,
    },
};
use kerf_workspace::{RelPath, TextFile, Workspace};
use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a search of a front that searches once waits for the index that it needs. Stopping the program ends it.
const PATIENCE: Duration = Duration::from_secs(3600);
/// So many skipped files are named.
const MAX_SKIPPED: usize = 1000;
/// Larger files are not shown, in bytes.
const MAX_FILE: u64 = 32 << 20;
const MAX_LINES: u32 = 500;
const MAX_CHARS: usize = 1000;

/// The searches of fronts that search as one types, by the name they gave.
#[derive(Default)]
pub(crate) struct Searches {
    running: Mutex<HashMap<String, Arc<AtomicBool>>>,
}

impl Searches {
    /// Begins a search, and ends the one of the same name.
    fn begin(&self, name: Option<&str>) -> Arc<AtomicBool> {
        let cancel = Arc::new(AtomicBool::new(false));
        if let Some(name) = name {
            let before = self.running().insert(name.to_owned(), Arc::clone(&cancel));
            if let Some(before) = before {
                before.store(true, Ordering::Relaxed);
            }
        }
        cancel
    }

    /// Forgets a search, unless another one has its name by now.
    fn end(&self, name: Option<&str>, cancel: &Arc<AtomicBool>) {
        let mut running = self.running();
        if let Some(name) = name
            && running
                .get(name)
                .is_some_and(|now| Arc::ptr_eq(now, cancel))
        {
            running.remove(name);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(crate) async fn search_run(&self, search: Search) -> Result<SearchAnswer, Failure> {
        let folder = canonical_folder(&search.folder)?;
        let engine = self.clone();
        tokio::task::spawn_blocking(move || {
            let indexed = engine.indexed(&folder)?;
            let name = search.instead_of.as_deref();
            let cancel = engine.searches().begin(name);
            let answer = run(&indexed, &search, &cancel, engine.options().watch);
            engine.searches().end(name, &cancel);
            answer
        })
        .await
        .map_err(from_panic)?
    }

    pub(crate) async fn project_read(&self, wanted: ReadLines) -> Result<FileLines, Failure> {
        let folder = canonical_folder(&wanted.folder)?;
        tokio::task::spawn_blocking(move || {
            let workspace = Workspace::open(&folder).map_err(from_fs)?;
            let path = workspace
                .resolve(&wanted.path)
                .map_err(|error| failure(Code::Usage, error.to_string(), ""))?;
            let bytes = workspace.fs().read(&path, MAX_FILE).map_err(from_fs)?;
            let file = TextFile::decode(&bytes).map_err(|error| {
                failure(
                    Code::Usage,
                    format!("{path} is not a text file ({error})"),
                    "",
                )
            })?;
            Ok(lines(&file.text, wanted.first_line, wanted.last_line))
        })
        .await
        .map_err(from_panic)?
    }
}

/// Some lines of a text.
fn lines(text: &str, first: u32, last: u32) -> FileLines {
    let first = first.max(1);
    let wanted = last.saturating_sub(first).saturating_add(1).min(MAX_LINES);
    let all = || text.lines();
    FileLines {
        first_line: first,
        lines: all()
            .skip(first as usize - 1)
            .take(wanted as usize)
            .map(|line| match line.char_indices().nth(MAX_CHARS) {
                Some((at, _)) => format!("{}…", &line[..at]),
                None => line.to_owned(),
            })
            .collect(),
        total: u32::try_from(all().count()).unwrap_or(u32::MAX),
    }
}

fn run(
    indexed: &Indexed,
    search: &Search,
    cancel: &AtomicBool,
    is_watched: bool,
) -> Result<SearchAnswer, Failure> {
    let begun = Instant::now();
    let query = query(search)?;
    let index = indexed.now();
    // Who searches once wants the best answer; who searches as one types wants one at once.
    let needs_index = !(query.words.is_empty()
        && query.symbols.is_empty()
        && query.references.is_empty()
        && query.within.kinds.is_empty()
        && query.without.scope.kinds.is_empty());
    if needs_index && !is_watched {
        index.wait(begun + PATIENCE);
    }
    let recent: Vec<RelPath> = search
        .recent
        .iter()
        .filter_map(|path| path.parse().ok())
        .collect();
    let wanted = Wanted {
        query: &query,
        limit: search.limit as usize,
        recent: &recent,
        hidden: search.within.hidden,
        ignore_case: search.within.ignore_case,
    };
    let answer = index.search(&wanted, cancel).map_err(from_search)?;
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(told(answer, micros))
}

/// Reads the query with the filters that came apart from it.
fn query(search: &Search) -> Result<Query, Failure> {
    let within = &search.within;
    let mode = match search.mode {
        SearchMode::Words => Mode::Words,
        SearchMode::Exact => Mode::Exact,
        SearchMode::Regex => Mode::Regex {
            ignore_case: within.ignore_case,
            multi_line: within.multi_line,
        },
        SearchMode::Symbol => Mode::Symbol,
        SearchMode::Path => Mode::Path,
    };
    let known = Known::all();
    let wrong = |error: &dyn std::fmt::Display| {
        failure(
            Code::Usage,
            error.to_string(),
            "docs/search.md tells the grammar",
        )
    };
    let mut query = Query::parse(&search.query, mode, &known).map_err(|error| wrong(&error))?;
    let filters = [
        (Key::Path, &within.paths),
        (Key::Language, &within.languages),
    ];
    for (key, values) in filters {
        for value in values {
            query
                .add(key, value, false, &known)
                .map_err(|error| wrong(&error))?;
        }
    }
    if within.ignore_case && query.case.is_none() {
        query.case = Some(Case::No);
    }
    Ok(query)
}

fn told(answer: Answer, micros: u64) -> SearchAnswer {
    SearchAnswer {
        hits: answer.hits.into_iter().map(hit).collect(),
        total: answer.total as u64,
        files: answer.files as u64,
        more: answer.more,
        skipped: answer
            .skipped
            .into_iter()
            .take(MAX_SKIPPED)
            .map(|(path, reason)| SkippedFile {
                path: path.to_string(),
                reason,
            })
            .collect(),
        scanned: answer.scanned,
        micros,
    }
}

fn hit(hit: Hit) -> SearchHit {
    SearchHit {
        path: hit.path.to_string(),
        line: hit.line,
        column: hit.column,
        marks: marks(&hit.text, &hit.marks),
        text: hit.text,
        score: hit.score,
        kind: match hit.kind {
            kerf_index::HitKind::Text => HitKind::Text,
            kerf_index::HitKind::Definition => HitKind::Definition,
            kerf_index::HitKind::Reference => HitKind::Reference,
            kerf_index::HitKind::File => HitKind::File,
        },
        symbol: hit.symbol,
        symbol_kind: hit.symbol_kind.map(str::to_owned),
        last_line: hit.last_line,
    }
}

/// Bytes as UTF-16 units. The marks are in order.
fn marks(text: &str, marks: &[Range<usize>]) -> Vec<[u32; 2]> {
    let units = |part: &str| u32::try_from(part.encode_utf16().count()).unwrap_or(u32::MAX);
    let (mut byte, mut unit) = (0, 0);
    let mut to = |at: usize| {
        unit += text.get(byte..at).map_or(0, units);
        byte = at;
        unit
    };
    marks
        .iter()
        .map(|mark| [to(mark.start), to(mark.end)])
        .collect()
}

fn from_search(error: SearchError) -> Failure {
    let code = match error {
        SearchError::Cancelled => Code::Cancelled,
        _ => Code::Usage,
    };
    failure(code, error.to_string(), "")
}
