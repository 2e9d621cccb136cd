//! Files about the words of a question, best first.
//!
//! All contents of the folder are scored by what the index knows of them. The best are then read as they are now, and
//! what is in them decides the order: how near to each other the words stand, and whether they name something.

use super::{
    Answer, Hit, Wanted,
    filter::{Filter, items},
    finder::Finder,
    opened::{Opened, Opener},
    pending,
    question::Question,
    window,
};
use crate::{
    SearchError,
    catalog::{Catalog, Standing},
    content::ContentId,
    index::Core,
    store::{Snapshot, Stored, Tokenizers},
    symbols::Language,
};
use kerf_workspace::RelPath;
use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    panic::resume_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering as Memory},
    },
    thread,
};

/// So many files are read to answer, when the limit asks for fewer, and at most.
const LOOKED_AT: usize = 30;
const MAX_LOOKED_AT: usize = 400;

/// Files read at once.
const MAX_THREADS: usize = 4;

/// A file that may answer.
struct Candidate {
    path: RelPath,
    language: Option<Language>,
    stored: Option<(ContentId, Stored)>,
    /// What was read already.
    opened: Option<Opened>,
    score: f32,
}

/// A content on the heap of those that are not yet looked at.
struct Ranked(f32, u32);

pub(super) fn find(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    let items = items(&wanted.query.words.join(" "));
    let mut question = Question::new(items);
    if question.finder.items.is_empty() {
        return Ok(Answer::default());
    }
    let looked_at = wanted
        .limit
        .saturating_add(10)
        .clamp(LOOKED_AT, MAX_LOOKED_AT);
    let mut answer = Answer::default();
    let (mut candidates, snapshot) = {
        let (catalog, snapshot) = core.catalog(cancel)?;
        let mut all = stored(
            core,
            wanted,
            filter,
            &mut question,
            &catalog,
            &snapshot,
            looked_at,
            cancel,
        )?;
        answer.more = all.len() > looked_at;
        let mut tokenizers = Tokenizers::default();
        answer.scanned = pending::read(core, &catalog, filter, cancel, |pending, texts| {
            let path = pending.file.path.to_string();
            let score = question.score_one(texts, &path, &mut tokenizers);
            if score > 0.0 && filter.takes_outline(pending.outline.as_ref()) {
                all.push(Candidate {
                    path: pending.file.path.clone(),
                    language: pending.language,
                    stored: None,
                    opened: Some(Opened {
                        text: pending.text,
                        outline: pending.outline,
                    }),
                    score: score
                        * factor(wanted, &question, &pending.file.path, pending.file.standing),
                });
            }
        })?;
        (all, snapshot)
    };
    candidates.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.path.cmp(&b.path))
    });
    let mut hits: Vec<Hit> = Vec::new();
    let mut candidates = candidates.into_iter().peekable();
    while hits.len() < looked_at && candidates.peek().is_some() {
        if cancel.load(Memory::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        let some = candidates.by_ref().take(looked_at - hits.len()).collect();
        hits.extend(look(core, filter, &question, &snapshot, some, cancel)?);
    }
    answer.more |= candidates.peek().is_some();
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.path.cmp(&b.path))
    });
    answer.total = hits.len();
    answer.files = hits.len();
    answer.more |= hits.len() > wanted.limit;
    hits.truncate(wanted.limit);
    answer.hits = hits;
    Ok(answer)
}

/// Reads the candidates and finds the place in each that answers best.
fn look(
    core: &Core,
    filter: &Filter<'_>,
    question: &Question,
    snapshot: &Snapshot,
    candidates: Vec<Candidate>,
    cancel: &AtomicBool,
) -> Result<Vec<Hit>, SearchError> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS)
        .min(candidates.len());
    let candidates = Mutex::new(candidates.into_iter());
    let next = || {
        candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let work = || -> Result<Vec<Hit>, SearchError> {
        let mut opener = Opener::new(core, snapshot);
        let mut conditions = filter.conditions()?;
        let mut finder = question.finder.clone();
        let mut hits = Vec::new();
        while !cancel.load(Memory::Relaxed)
            && let Some(candidate) = next()
        {
            let Candidate {
                path,
                language,
                stored,
                opened,
                score,
            } = candidate;
            let Some(opened) = opened.or_else(|| opener.open(&path, language, stored)) else {
                continue;
            };
            if conditions.hold(opened.text.as_bytes())
                && filter.takes_outline(opened.outline.as_ref())
            {
                hits.extend(hit(&mut finder, path, &opened, score));
            }
        }
        Ok(hits)
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut hits = work()?;
        for other in others {
            hits.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(hits)
    })
}

/// The best files whose contents the store holds, by what it knows of them: one more than asked for when there are.
#[expect(clippy::too_many_arguments, reason = "what a search is made of")]
fn stored(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    question: &mut Question,
    catalog: &Catalog,
    snapshot: &Snapshot,
    count: usize,
    cancel: &AtomicBool,
) -> Result<Vec<Candidate>, SearchError> {
    let scores = question.score(core, snapshot, catalog, cancel);
    if cancel.load(Memory::Relaxed) {
        return Err(SearchError::Cancelled);
    }
    let may_hold = filter.candidates(core, snapshot);
    // Files of lower standing come later, so more are taken from the heap than are wanted.
    let mut heap: BinaryHeap<Ranked> = scores
        .found
        .iter()
        .map(|&content| Ranked(question.total(&scores, content), content))
        .collect();
    let mut found: Vec<Candidate> = Vec::new();
    while let Some(Ranked(score, content)) = heap.pop() {
        // What stands lower is at best as good as it is here.
        if found.len() > 4 * count {
            break;
        }
        let Some((id, stored)) = catalog.stored(content) else {
            continue;
        };
        if may_hold
            .as_ref()
            .is_some_and(|may_hold| !may_hold.contains(&id))
        {
            continue;
        }
        let files = catalog
            .files_of(content)
            .filter(|file| filter.takes(&file.path, file.language))
            .map(|file| (factor(wanted, question, &file.path, file.standing), file));
        // Of files with one content the one that counts most, then the one with the shortest path.
        let best = files.max_by(|(a, file), (b, other)| {
            let len = |path: &RelPath| path.as_path().as_os_str().len();
            a.total_cmp(b)
                .then_with(|| len(&other.path).cmp(&len(&file.path)))
                .then_with(|| other.path.cmp(&file.path))
        });
        if let Some((factor, file)) = best {
            found.push(Candidate {
                path: file.path.clone(),
                language: file.language,
                stored: Some((id, stored)),
                opened: None,
                score: score * factor,
            });
        }
    }
    Ok(found)
}

fn factor(wanted: &Wanted<'_>, question: &Question, path: &RelPath, standing: Standing) -> f32 {
    let recent = if wanted.recent.contains(path) {
        1.15
    } else {
        1.0
    };
    standing.factor(question.wants_tests) * recent
}

/// The best place of a file, or its first line when only its path has the words.
fn hit(finder: &mut Finder, path: RelPath, opened: &Opened, score: f32) -> Option<Hit> {
    let outline = opened.outline.as_ref();
    let Some(window) = window::best(finder, &opened.text, outline) else {
        let (items, _) = finder.look(&path.to_string());
        return (items != 0).then(|| window::first_line(path, opened, score * 0.3));
    };
    let score = score * (0.3 + 0.7 * window.worth);
    Some(window.hit(finder, path, &opened.text, outline, score))
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .total_cmp(&other.0)
            .then_with(|| other.1.cmp(&self.1))
    }
}
