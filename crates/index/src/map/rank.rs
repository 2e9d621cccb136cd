//! Which files and names matter: personalised PageRank over the graph of references.
//!
//! Rank flows from a file to the names it refers to, by the weight of each reference, and from a name to the files
//! that define it (L. Page, S. Brin, R. Motwani, T. Winograd: The PageRank Citation Ranking, 1999). With a chance of
//! 1 - [`DAMPING`] it starts anew, at the files that are in play rather than anywhere (T. Haveliwala: Topic-Sensitive
//! PageRank, 2002). What a file without references has starts anew too, so that the sum stays 1.

use super::graph::Graph;
use crate::SearchError;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of the rank goes on in each round, as in the paper.
const DAMPING: f64 = 0.85;

/// The rounds end when so little of the whole changes: far below what moves a file that anybody looks at.
const TOLERANCE: f64 = 1e-5;

/// More rounds are not made. What then still changes is less than `DAMPING` to this power, 0.002.
const MAX_ROUNDS: usize = 40;

/// How much of the start goes to what is in play, if anything is; the rest keeps the heart of the repository in sight.
const START_IN_PLAY: f64 = 0.85;

/// How much of what a file in play starts with goes to the files that refer to it: rank itself flows only one way.
const START_REFERRERS: f64 = 0.3;

/// How much more a reference counts by a name in play, and by a name that a file in play defines.
const NAME_IN_PLAY: f32 = 8.0;
const FILE_IN_PLAY: f32 = 2.0;

/// What is in play.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct InPlay {
    /// Files, each once, in order.
    pub(super) files: Vec<u32>,
    /// Names that words of the task match, each once, in order.
    pub(super) names: Vec<u32>,
    /// What the words give to files to start with: by their paths, and by names they define. Any sum.
    pub(super) starts: Vec<(u32, f64)>,
}

/// What came of it.
#[derive(Debug, PartialEq)]
pub(super) struct Ranks {
    /// By file. The sum is 1, unless there is no file.
    pub(super) files: Vec<f64>,
    /// What flows through each name, for all files that define it.
    pub(super) names: Vec<f64>,
}

/// Ranks the files and names of a graph.
pub(super) fn rank(
    graph: &Graph,
    in_play: &InPlay,
    cancel: &AtomicBool,
) -> Result<Ranks, SearchError> {
    let files = graph.files();
    let mut ranks = Ranks {
        files: Vec::new(),
        names: vec![0.0; graph.names.len()],
    };
    if files == 0 {
        return Ok(ranks);
    }
    let attraction = Attraction::new(graph, in_play);
    let start = attraction.start(graph, in_play);
    let totals: Vec<f64> = (0..files)
        .map(|file| attraction.total(graph, file))
        .collect();
    ranks.files.clone_from(&start);
    let mut next = vec![0.0; files];
    for _ in 0..MAX_ROUNDS {
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        ranks.names.fill(0.0);
        let mut lost = 0.0;
        for (file, total) in totals.iter().enumerate() {
            let rank = ranks.files[file];
            if *total <= 0.0 {
                lost += rank;
                continue;
            }
            let part = rank / total;
            for reference in graph.references(file) {
                ranks.names[reference.name as usize] += part * f64::from(reference.weight);
            }
        }
        for &(name, more) in &attraction.names {
            ranks.names[name as usize] *= f64::from(more);
        }
        let anew = 1.0 - DAMPING + DAMPING * lost;
        for (next, start) in next.iter_mut().zip(&start) {
            *next = anew * start;
        }
        for (name, flow) in ranks
            .names
            .iter()
            .enumerate()
            .filter(|(_, flow)| **flow > 0.0)
        {
            for (file, share) in graph.definers(name) {
                next[file as usize] += DAMPING * flow * f64::from(share);
            }
        }
        // Shares are rounded, so the sum is off by a little, which is put right in every round.
        let sum: f64 = next.iter().sum();
        let mut change = 0.0;
        for (next, rank) in next.iter_mut().zip(&ranks.files) {
            *next /= sum;
            change += (*next - rank).abs();
        }
        std::mem::swap(&mut ranks.files, &mut next);
        if change < TOLERANCE {
            break;
        }
    }
    Ok(ranks)
}

/// What makes references by some names count more than their weight says.
struct Attraction {
    /// By how much, for the names of which it is not 1, in order.
    names: Vec<(u32, f32)>,
    /// The same for every name; empty when it is 1 for all.
    by_name: Vec<f32>,
    /// What of a name goes to files in play; empty when no file is.
    own: Vec<f32>,
}

impl Attraction {
    fn new(graph: &Graph, in_play: &InPlay) -> Self {
        let names = graph.names.len();
        let mut own = Vec::new();
        if !in_play.files.is_empty() {
            own = vec![0.0; names];
            for (name, own) in own.iter_mut().enumerate() {
                for (file, share) in graph.definers(name) {
                    if in_play.files.binary_search(&file).is_ok() {
                        *own += share;
                    }
                }
            }
        }
        let mut by_name = Vec::new();
        if !in_play.files.is_empty() || !in_play.names.is_empty() {
            by_name = vec![1.0; names];
            for &name in &in_play.names {
                by_name[name as usize] *= NAME_IN_PLAY;
            }
            for (more, own) in by_name.iter_mut().zip(&own) {
                *more *= 1.0 + (FILE_IN_PLAY - 1.0) * own;
            }
        }
        let different =
            |(name, more): (usize, &f32)| (*more != 1.0).then_some((name as u32, *more));
        Self {
            names: by_name.iter().enumerate().filter_map(different).collect(),
            by_name,
            own,
        }
    }

    /// The weight of all references of a file.
    fn total(&self, graph: &Graph, file: usize) -> f64 {
        let more = |name: u32| self.by_name.get(name as usize).copied().unwrap_or(1.0);
        let references = graph.references(file).iter();
        references
            .map(|reference| f64::from(reference.weight * more(reference.name)))
            .sum()
    }

    /// Where rank starts; the sum is 1.
    fn start(&self, graph: &Graph, in_play: &InPlay) -> Vec<f64> {
        let mut start: Vec<f64> = graph
            .weights
            .iter()
            .map(|&weight| f64::from(weight))
            .collect();
        scale(&mut start, 1.0);
        let mut from_files = vec![0.0; start.len()];
        if !in_play.files.is_empty() {
            for (file, from) in from_files.iter_mut().enumerate() {
                let references = graph.references(file).iter();
                *from = references
                    .map(|found| f64::from(found.weight * self.own[found.name as usize]))
                    .sum();
            }
            let referrers = if scale(&mut from_files, START_REFERRERS) {
                START_REFERRERS
            } else {
                0.0
            };
            let each = (1.0 - referrers) / in_play.files.len() as f64;
            for &file in &in_play.files {
                from_files[file as usize] += each;
            }
        }
        let mut from_words = vec![0.0; start.len()];
        for &(file, from) in &in_play.starts {
            from_words[file as usize] += from;
        }
        let sources = [!in_play.files.is_empty(), scale(&mut from_words, 1.0)];
        let count = sources.into_iter().filter(|is| *is).count();
        if count > 0 {
            let each = START_IN_PLAY / count as f64;
            let parts = from_files.iter().zip(&from_words);
            for (start, (files, words)) in start.iter_mut().zip(parts) {
                *start = (1.0 - START_IN_PLAY) * *start + each * (files + words);
            }
        }
        start
    }
}

/// Makes the sum of all `sum`. Not when it is nothing.
fn scale(all: &mut [f64], sum: f64) -> bool {
    let whole: f64 = all.iter().sum();
    if whole <= 0.0 {
        return false;
    }
    for one in all {
        *one *= sum / whole;
    }
    true
}

#[cfg(test)]
mod tests;
