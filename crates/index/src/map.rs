//! A map of the repository: its files and definitions that matter most, in as many lines as a budget allows.
//!
//! It is what a coding agent is given to find its way. Which files matter is told by references: [`graph`] has them
//! from the index, [`rank`] lets rank flow along them from what is in play ([`in_play`]), and [`lines`] writes what
//! fits. The graph is kept as long as the folder stays the same or nearly so; ranks are estimates, but every line is
//! quoted from the file as it is now.

mod graph;
mod in_play;
mod lines;
mod open;
mod rank;
mod stored;
mod weight;

use crate::{SearchError, content::ContentId, index::Core, listing::State, symbols::Language};
use graph::Texts;
use kerf_workspace::RelPath;
use lines::{Rest, Shown, TOKEN_BYTES};
use rank::{InPlay, Ranks};
use std::{
    cmp::Ordering,
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};
use stored::Repository;

/// In folders of fewer files a graph is made anew after every change: that takes no time to speak of.
const SMALL: usize = 1_000;

/// In others it is used again while no more than one of so many files differs.
const DIFFERENT: usize = 100;

/// So many bytes of the budget for each file that is opened, and for each that is only named: less does not show one.
const OPEN_BYTES: usize = 80;
const NAME_BYTES: usize = 8;

/// More files are not opened, and more not named, whatever the budget.
const MAX_OPENED: usize = 300;
const MAX_NAMED: usize = 100_000;

/// What of a file a map may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayShow {
    /// Its name and lines of it.
    Lines,
    /// Its name.
    Name,
    /// Not even its name.
    Nothing,
}

/// What the map is about. Nothing: the repository as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Focus {
    /// Only files in this folder are shown; none: all. What they mean is told by the whole repository.
    pub under: Option<RelPath>,
    /// Files in play: mentioned, opened, changed. Those that are not in the index change nothing.
    pub files: Vec<RelPath>,
    /// Words in play, or whole sentences: they are looked for in names and paths.
    pub words: Vec<String>,
}

/// An outline of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    /// Lines, each ended by a line break. The last one tells what is left out.
    pub text: String,
    /// How many files the text names.
    pub files: usize,
    /// How many files that it may show it does not name.
    pub left_out: usize,
    /// Which lines of which files are quoted: the first and the last, from 1. A line is quoted without its margins,
    /// and cut after 120 characters.
    pub ranges: Vec<(RelPath, u32, u32)>,
}

/// Keeps the graph of a folder from one call to the next.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Arc<Repository>>>);

/// A file of the folder, as the listing has it.
#[derive(Debug, Clone, PartialEq)]
struct File {
    path: RelPath,
    /// When the store holds it.
    id: Option<ContentId>,
    language: Option<Language>,
}

/// Files may go away while a map is made; the last one of so many may name such a file.
const MAX_ROUNDS: usize = 3;

/// Makes a map of at most so many tokens. See [`crate::Index::map`].
pub(crate) fn map(
    core: &Core,
    focus: &Focus,
    budget_tokens: usize,
    may_show: &dyn Fn(&RelPath) -> MayShow,
    cancel: &AtomicBool,
) -> Result<Map, SearchError> {
    let (mut map, mut named) = map_told(core, focus, budget_tokens, may_show, cancel)?;
    for _ in 1..MAX_ROUNDS {
        if core.are_there(&named) {
            break;
        }
        (map, named) = map_told(core, focus, budget_tokens, may_show, cancel)?;
    }
    Ok(map)
}

/// The map of the files that are there as far as the index was told, and the files that it names.
fn map_told(
    core: &Core,
    focus: &Focus,
    budget_tokens: usize,
    may_show: &dyn Fn(&RelPath) -> MayShow,
    cancel: &AtomicBool,
) -> Result<(Map, Vec<RelPath>), SearchError> {
    let is_walked = core.look(cancel)?;
    let snapshot = core.store().snapshot();
    let (files, missing) = files(core, |id| snapshot.holds(id));
    let repository = core
        .kept_map()
        .repository(core, &snapshot, &files, focus, cancel)?;
    let in_play = {
        let place = |path: &RelPath| repository.place(path);
        let places = focus.files.iter().filter_map(place).collect();
        in_play::find(&repository.graph, &repository.paths, places, &focus.words)
    };
    let ranks = rank::rank(&repository.graph, &in_play, cancel)?;
    let is_shown = |path: &RelPath| {
        let under = focus.under.as_ref();
        under.is_none_or(|under| path.starts_with(under))
    };
    let mut best = best_files(&repository, &in_play, &ranks, &files);
    best.retain(|best| is_shown(&best.file.path));
    let budget = budget_tokens.saturating_mul(TOKEN_BYTES);
    let shown: Vec<(&File, Shown)> = {
        let mut opener = open::Opener::new(core, &snapshot, &repository, &ranks, focus);
        let named = (budget / NAME_BYTES).min(MAX_NAMED);
        let opened = (budget / OPEN_BYTES).min(MAX_OPENED);
        let best = best
            .iter()
            .filter(|best| may_show(&best.file.path) != MayShow::Nothing);
        let shown = best.take(named).enumerate().map(|(number, &best)| {
            let shown = if number < opened && may_show(&best.file.path) == MayShow::Lines {
                opener.open(best.file, best.place, best.rank, cancel)?
            } else {
                open::named(best.file, best.rank)
            };
            Ok((best.file, shown))
        });
        shown.collect::<Result<_, SearchError>>()?
    };
    let shown_files = files.iter().filter(|file| is_shown(&file.path)).count();
    let rest = Rest {
        files: shown_files,
        definitions: repository.count_definitions(is_shown),
        note: note(is_walked, missing, files.len()),
    };
    let (of, shown): (Vec<&File>, Vec<Shown>) = shown.into_iter().unzip();
    let written = lines::write(&shown, &rest, budget_tokens);
    let range = |&(file, first, last): &(usize, u32, u32)| (of[file].path.clone(), first, last);
    let named = of[..written.files].iter().map(|file| file.path.clone());
    let named = named.collect();
    let map = Map {
        ranges: written.ranges.iter().map(range).collect(),
        left_out: shown_files - written.files,
        files: written.files,
        text: written.text,
    };
    Ok((map, named))
}

/// What the last line says besides.
fn note(is_walked: bool, missing: usize, files: usize) -> Option<String> {
    match missing {
        _ if !is_walked => Some("The folder is still being listed; there may be more.".to_owned()),
        0 => None,
        _ => Some(format!("Not in the index yet: {missing} of {files} files.")),
    }
}

/// The files of the folder by path, and how many of them are not in the index yet.
fn files(core: &Core, is_held: impl Fn(ContentId) -> bool) -> (Vec<File>, usize) {
    let listing = core.listing();
    let mut missing = 0;
    let files = listing.files().map(|(path, entry)| {
        let (id, language) = match &entry.state {
            State::Content { id, language, .. } if is_held(*id) => (Some(*id), *language),
            State::LeftOut { .. } => (None, None),
            State::Content { .. } | State::Unread(_) => {
                missing += 1;
                (None, None)
            }
        };
        File {
            path: path.clone(),
            id,
            language,
        }
    });
    (files.collect(), missing)
}

/// A file with its rank.
#[derive(Clone, Copy)]
struct Best<'a> {
    file: &'a File,
    /// In the graph.
    place: usize,
    rank: f64,
}

/// The files that are still there, best first.
fn best_files<'a>(
    repository: &Repository,
    in_play: &InPlay,
    ranks: &Ranks,
    files: &'a [File],
) -> Vec<Best<'a>> {
    let mut best: Vec<Best<'_>> = both(&repository.files, files)
        .filter_map(|(place, file)| {
            let (place, file) = (place?, file?);
            // Nobody asks for tests and foreign code but by name.
            let weight = if in_play.files.binary_search(&(place as u32)).is_ok() {
                1.0
            } else {
                repository.graph.weights[place]
            };
            Some(Best {
                file: &files[file],
                place,
                rank: ranks.files[place] * f64::from(weight),
            })
        })
        .collect();
    best.sort_by(|one, other| other.rank.total_cmp(&one.rank));
    best
}

/// Goes through two lists by path: where a path is in the one, and where in the other.
fn both<'a>(
    one: &'a [File],
    other: &'a [File],
) -> impl Iterator<Item = (Option<usize>, Option<usize>)> + 'a {
    let (mut left, mut right) = (0, 0);
    std::iter::from_fn(move || {
        let order = match (one.get(left), other.get(right)) {
            (Some(one), Some(other)) => one.path.cmp(&other.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let places = (
            order.is_le().then_some(left),
            order.is_ge().then_some(right),
        );
        left += usize::from(order.is_le());
        right += usize::from(order.is_ge());
        Some(places)
    })
}

impl Kept {
    /// The graph of the folder, made when there is none that can be used.
    fn repository(
        &self,
        core: &Core,
        snapshot: &crate::store::Snapshot,
        files: &[File],
        focus: &Focus,
        cancel: &AtomicBool,
    ) -> Result<Arc<Repository>, SearchError> {
        // Held while a graph is made, so that calls at the same time do not each make one.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && is_near(&kept.files, files, &focus.files)
        {
            return Ok(Arc::clone(kept));
        }
        // Before another one takes as much memory.
        *kept = None;
        let made = Arc::new(Repository::read(core, snapshot, files, cancel)?);
        *kept = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// Whether a graph of the files `old` says enough of the files `new`, and all that is in play.
fn is_near(old: &[File], new: &[File], in_play: &[RelPath]) -> bool {
    let most = if new.len() < SMALL {
        0
    } else {
        new.len() / DIFFERENT
    };
    let in_play: BTreeSet<&RelPath> = in_play.iter().collect();
    let mut different = 0;
    both(old, new).all(|places| match places {
        (Some(one), Some(other)) if old[one] == new[other] => true,
        (_, Some(other)) if in_play.contains(&new[other].path) => false,
        _ => {
            different += 1;
            different <= most
        }
    })
}
