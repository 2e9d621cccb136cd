//! What a text must hold for a pattern to match in it: trigrams joined by "all" and "any", kept small.

use super::Trigram;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    mem,
};

/// How many trigrams a plan names at most. One that would name more is made weaker.
const MAX_TRIGRAMS: usize = 512;

/// How deep `All` and `Any` are nested at most.
const MAX_DEPTH: usize = 8;

/// What the trigrams of a text must be for a pattern to match in it.
///
/// Made by [`Plan::all`] and [`Plan::any`] it is in a normal form: no `All` directly in an `All` nor `Any` in an `Any`,
/// at least two different parts in each, in order, and no part that another one of them makes idle. It names at most
/// [`MAX_TRIGRAMS`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Plan {
    /// Trigrams say nothing about the pattern: every text may match.
    Everything,
    /// No text matches.
    Nothing,
    /// The text holds the trigram.
    Has(Trigram),
    /// All of these hold.
    All(Vec<Plan>),
    /// At least one of these holds.
    Any(Vec<Plan>),
}

impl Plan {
    /// The plan that holds when all of `parts` hold, or a weaker one when that would be too large.
    pub(crate) fn all(parts: impl IntoIterator<Item = Plan>) -> Self {
        let mut singles = BTreeSet::new();
        let mut choices = BTreeSet::new();
        // A choice that is made simpler may itself be something that holds for sure, and so simplify the others.
        let mut todo: Vec<Plan> = parts.into_iter().collect();
        loop {
            let known = singles.len();
            while let Some(part) = todo.pop() {
                match part {
                    Plan::Everything => {}
                    Plan::Nothing => return Plan::Nothing,
                    Plan::Has(trigram) => {
                        singles.insert(trigram);
                    }
                    Plan::All(parts) => todo.extend(parts),
                    Plan::Any(choice) => {
                        choices.insert(choice);
                    }
                }
            }
            if singles.len() == known {
                break;
            }
            for choice in mem::take(&mut choices) {
                todo.push(Plan::any(choice.into_iter().map(|way| way.given(&singles))));
            }
        }
        let singles = singles.into_iter().map(Plan::Has);
        Self::join(singles.chain(choices.into_iter().map(Plan::Any)).collect())
    }

    /// The plan that holds when at least one of `ways` holds, or a weaker one when that would be too large.
    pub(crate) fn any(ways: impl IntoIterator<Item = Plan>) -> Self {
        let mut distinct = BTreeSet::new();
        let mut todo: Vec<Plan> = ways.into_iter().collect();
        while let Some(way) = todo.pop() {
            match way {
                Plan::Everything => return Plan::Everything,
                Plan::Nothing => {}
                Plan::Any(ways) => todo.extend(ways),
                way => {
                    distinct.insert(way);
                }
            }
        }
        let common = in_all(&distinct);
        if !common.is_empty() {
            let rest: Vec<Plan> = distinct.into_iter().map(|way| way.given(&common)).collect();
            let common = common.into_iter().map(Plan::Has);
            return Self::join(match Self::any(rest) {
                Plan::Everything => common.collect(),
                Plan::All(rest) => common.chain(rest).collect(),
                rest => common.chain([rest]).collect(),
            });
        }
        // What asks for a trigram and more is idle where the trigram alone is enough.
        let alone: HashSet<Trigram> = distinct.iter().filter_map(Plan::single).collect();
        let idle = |way: &Plan| {
            matches!(way, Plan::All(parts)
                if parts.iter().filter_map(Plan::single).any(|part| alone.contains(&part)))
        };
        let mut ways: Vec<Plan> = distinct.into_iter().filter(|way| !idle(way)).collect();
        match ways.len() {
            0 => Plan::Nothing,
            1 => ways.swap_remove(0),
            _ => Plan::Any(ways).cut(MAX_TRIGRAMS, MAX_DEPTH),
        }
    }

    /// How many trigrams are named.
    pub(crate) fn len(&self) -> usize {
        match self {
            Plan::Everything | Plan::Nothing => 0,
            Plan::Has(_) => 1,
            Plan::All(parts) | Plan::Any(parts) => parts.iter().map(Plan::len).sum(),
        }
    }

    /// An `All` of parts that are as they should be.
    fn join(mut parts: Vec<Plan>) -> Self {
        match parts.len() {
            0 => Plan::Everything,
            1 => parts.swap_remove(0),
            _ => {
                parts.sort_unstable();
                parts.dedup();
                Plan::All(parts).cut(MAX_TRIGRAMS, MAX_DEPTH)
            }
        }
    }

    pub(super) fn single(&self) -> Option<Trigram> {
        match self {
            Plan::Has(trigram) => Some(*trigram),
            _ => None,
        }
    }

    /// What is left to ask where all of `known` hold anyway.
    fn given(self, known: &BTreeSet<Trigram>) -> Self {
        match self {
            Plan::Has(trigram) if known.contains(&trigram) => Plan::Everything,
            Plan::All(mut parts) => {
                parts.retain(|part| !matches!(part, Plan::Has(trigram) if known.contains(trigram)));
                Self::join(parts)
            }
            other => other,
        }
    }

    /// The plan, or a weaker one with at most `room` trigrams and `depth` levels.
    fn cut(self, room: usize, depth: usize) -> Self {
        match self {
            Plan::Has(_) if room == 0 => Plan::Everything,
            Plan::All(_) | Plan::Any(_) if depth == 0 => Plan::Everything,
            Plan::All(parts) => {
                let mut left = room;
                let mut kept = Vec::new();
                for part in parts {
                    let part = part.cut(left, depth - 1);
                    left -= part.len();
                    if part != Plan::Everything {
                        kept.push(part);
                    }
                }
                match kept.len() {
                    0 => Plan::Everything,
                    1 => kept.swap_remove(0),
                    _ => Plan::All(kept),
                }
            }
            Plan::Any(ways) => {
                let room_each = match room / ways.len() {
                    _ if ways.iter().map(Plan::len).sum::<usize>() <= room => room,
                    share => share,
                };
                let mut kept = Vec::with_capacity(ways.len());
                for way in ways {
                    match way.cut(room_each, depth - 1) {
                        Plan::Everything => return Plan::Everything,
                        way => kept.push(way),
                    }
                }
                Plan::Any(kept)
            }
            other => other,
        }
    }
}

/// The trigrams that each of `ways` asks for.
fn in_all(ways: &BTreeSet<Plan>) -> BTreeSet<Trigram> {
    let mut counts: HashMap<Trigram, usize> = HashMap::new();
    for way in ways {
        let parts = match way {
            Plan::All(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for trigram in parts.iter().filter_map(Plan::single) {
            *counts.entry(trigram).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count == ways.len());
    counts.into_keys().collect()
}
