//! Files by what people type of their names.
//!
//! The pattern's parts, apart by blanks, must all be in a path: their letters in order, capitals not counting. frizbee
//! finds where they lie best. How the last name of a path answers then counts for more: a whole name before its
//! beginning, before a piece of it, before a piece of the path, before letters that lie apart.

use frizbee::{CaseMatching, Config, Matcher, Matching, Scoring, SortStrategy, UnicodeMatching};
use kerf_workspace::RelPath;
use std::{cmp::Reverse, collections::HashMap};

/// Longer patterns are no names, in bytes.
const MAX_PATTERN: usize = 1024;

/// More parts of one pattern do not count.
const MAX_PARTS: usize = 16;

/// A better kind of match wins over everything that frizbee and brevity say: at most 4095 and 255.
const KIND: u32 = 1 << 13;

/// Added for a recent file, and for each place before the last that counts.
const RECENT: u32 = KIND;
const MORE_RECENT: u32 = 64;
const MAX_RECENT: u32 = 64;

/// How one part is in a path, by how much it counts. A recent file gets ahead by one kind, but not of a whole name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Apart = 0,
    ApartInName = 1,
    InPath = 2,
    InName = 3,
    NameStart = 4,
    WholeName = 6,
}

/// The paths of a listing, ready to be searched many times.
pub struct Names {
    /// By path, as text.
    texts: Vec<Box<str>>,
}

/// A file whose name answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameHit {
    /// The file.
    pub path: RelPath,
    /// Higher is better; compared only between hits of one pattern.
    pub score: u32,
    /// The characters of the path's text that answer, from 0, in order.
    pub positions: Vec<u32>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameHits {
    /// Best first; equal ones by path.
    pub hits: Vec<NameHit>,
    /// All that answer, also those beyond the limit.
    pub total: usize,
}

impl Names {
    /// Takes the paths of a listing, in any order.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a RelPath>) -> Self {
        let mut texts: Vec<Box<str>> = paths
            .into_iter()
            .map(|path| path.to_string().into())
            .collect();
        texts.sort_unstable();
        Self { texts }
    }

    /// How many paths there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The files that answer to `pattern`, at most `limit`. All files answer to an empty one. Files of `recent`, most
    /// recent first, come before others that answer as well or a little better.
    #[must_use]
    pub fn find(&self, pattern: &str, recent: &[RelPath], limit: usize) -> NameHits {
        let parts: Vec<Part> = pattern
            .split_whitespace()
            .take(MAX_PARTS)
            .map(Part::new)
            .collect();
        if pattern.len() > MAX_PATTERN {
            return NameHits::default();
        }
        let recent = self.places(recent);
        let mut found = self.matching(&parts);
        let total = found.len();
        for (place, score) in &mut found {
            let text = &self.texts[*place as usize];
            for part in &parts {
                *score += part.kind(text) as u32 * KIND;
            }
            *score += 255 - u32::try_from(text.len()).unwrap_or(255).min(255);
            if let Some(&age) = recent.get(place) {
                *score += RECENT + MORE_RECENT * (MAX_RECENT - age.min(MAX_RECENT));
            }
        }
        // Places are in the order of paths.
        let order = |&(place, score): &(u32, u32)| (Reverse(score), place);
        if limit < found.len() {
            if limit > 0 {
                found.select_nth_unstable_by_key(limit - 1, order);
            }
            found.truncate(limit);
        }
        found.sort_unstable_by_key(order);
        let hit = |(place, score): (u32, u32)| {
            let text = &self.texts[place as usize];
            Some(NameHit {
                // The text came from a path.
                path: text.parse().ok()?,
                score,
                positions: positions(text, &parts),
            })
        };
        NameHits {
            hits: found.into_iter().filter_map(hit).collect(),
            total,
        }
    }

    /// The places of paths, and how many came before each.
    fn places(&self, paths: &[RelPath]) -> HashMap<u32, u32> {
        let mut places = HashMap::new();
        for (age, path) in paths.iter().enumerate() {
            let text = path.to_string();
            if let Ok(place) = self.texts.binary_search_by(|other| (**other).cmp(&text)) {
                let place = u32::try_from(place).unwrap_or(u32::MAX);
                let age = u32::try_from(age).unwrap_or(u32::MAX);
                places.entry(place).or_insert(age);
            }
        }
        places
    }

    /// The places of the paths that hold all parts, with what frizbee says of each part together.
    fn matching(&self, parts: &[Part]) -> Vec<(u32, u32)> {
        // The longest leaves the fewest.
        let mut parts: Vec<&Part> = parts.iter().collect();
        parts.sort_by_key(|part| Reverse(part.text.len()));
        let share = 4095 / u32::try_from(parts.len()).unwrap_or(u32::MAX).max(1);
        let all = 0..u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let mut found: Vec<(u32, u32)> = all.map(|place| (place, 0)).collect();
        for part in parts {
            let left: Vec<&str> = found
                .iter()
                .map(|&(place, _)| &*self.texts[place as usize])
                .collect();
            let matches = part.matcher().match_list(&left);
            let kept = matches.iter().map(|one| {
                let (place, sum) = found[one.index as usize];
                (place, sum + u32::from(one.score).min(share))
            });
            found = kept.collect();
        }
        found
    }
}

/// A part of a pattern.
struct Part {
    /// In lower case.
    text: String,
    /// What stands behind its last `/`.
    name: String,
}

impl Part {
    fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let name = text.rsplit('/').next().unwrap_or_default().to_owned();
        Self { text, name }
    }

    fn matcher(&self) -> Matcher {
        Matcher::new(self.text.as_str(), &config())
    }

    /// How this part, which is in the path, is there.
    fn kind(&self, path: &str) -> Kind {
        let name = path.len() - name_of(path).len();
        match self.piece(path) {
            Some(at) if at + self.text.len() - self.name.len() == name && !self.name.is_empty() => {
                if name + self.name.len() == path.len() {
                    Kind::WholeName
                } else {
                    Kind::NameStart
                }
            }
            Some(at) if at >= name => Kind::InName,
            Some(_) => Kind::InPath,
            None if holds_apart(&path[name..], &self.text) => Kind::ApartInName,
            None => Kind::Apart,
        }
    }

    /// The byte of the path where this part is in one piece: where it is or ends as a name begins if it can, or else
    /// within the name, or else anywhere.
    fn piece(&self, path: &str) -> Option<usize> {
        if self.text.is_ascii() {
            return self.piece_of(path.as_bytes());
        }
        // Where lower case has other lengths, no piece is told, and the letters count as apart.
        let lower = path.to_lowercase();
        if lower.len() == path.len() {
            self.piece_of(lower.as_bytes())
        } else {
            None
        }
    }

    fn piece_of(&self, path: &[u8]) -> Option<usize> {
        let text = self.text.as_bytes();
        let is_at = |at: usize| {
            path.get(at..at + text.len())
                .is_some_and(|piece| piece.eq_ignore_ascii_case(text))
        };
        let name = path
            .iter()
            .rposition(|&byte| byte == b'/')
            .map_or(0, |at| at + 1);
        let begins = name.checked_sub(text.len() - self.name.len());
        let last = path.len().checked_sub(text.len())?;
        begins
            .filter(|&at| is_at(at))
            .or_else(|| (name..=last).find(|&at| is_at(at)))
            .or_else(|| (0..name.min(last + 1)).find(|&at| is_at(at)))
    }

    /// The bytes where frizbee sees the letters; `None` when it leaves one out for a better score.
    fn aligned(&self, text: &str) -> Option<Vec<usize>> {
        let found = self.matcher().match_one_indices(text, 0)?;
        let mut places: Vec<usize> = found.indices.iter().map(|&at| at as usize).collect();
        places.sort_unstable();
        places.retain(|&at| text.is_char_boundary(at));
        let letters = places
            .iter()
            .filter_map(|&at| text.get(at..)?.chars().next());
        let letters = letters.flat_map(char::to_lowercase);
        letters.eq(self.text.chars()).then_some(places)
    }

    /// The bytes where the letters are, each as late as it can be before the next.
    fn latest(&self, text: &str) -> Vec<usize> {
        let mut letters = self.text.chars().rev().peekable();
        let mut places = Vec::new();
        for (at, char) in text.char_indices().rev() {
            if char.to_lowercase().next_back() == letters.peek().copied() {
                places.push(at);
                for _ in char.to_lowercase() {
                    letters.next();
                }
            }
        }
        places
    }

    /// The characters of the path that answer to this part.
    fn positions(&self, path: &str) -> Vec<u32> {
        let bytes: Vec<usize> = match self.piece(path) {
            Some(at) => (at..at + self.text.len()).collect(),
            None => {
                let name = path.len() - name_of(path).len();
                let from = if holds_apart(&path[name..], &self.text) {
                    name
                } else {
                    0
                };
                let places = self.aligned(&path[from..]);
                let places = places.unwrap_or_else(|| self.latest(&path[from..]));
                places.into_iter().map(|at| from + at).collect()
            }
        };
        let starts = bytes
            .into_iter()
            .filter(|&at| path.is_char_boundary(at) && at < path.len());
        let count = |at: usize| u32::try_from(path[..at].chars().count()).unwrap_or(u32::MAX);
        starts.map(count).collect()
    }
}

/// Fuzzy, no letter may be missing, and capitals of the pattern say nothing.
fn config() -> Config {
    let scoring = Scoring {
        matching_case_bonus: 0,
        ..Scoring::default()
    };
    Config::default()
        .scoring(scoring)
        .max_typos(Some(0))
        .casing(CaseMatching::Ignore)
        .unicode(UnicodeMatching::Smart)
        .matching(Matching::Fuzzy)
        .sort(SortStrategy::IndexAsc)
}

/// The last name of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a name has these letters, which are in lower case, in this order.
fn holds_apart(name: &str, letters: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    letters
        .chars()
        .all(|letter| name.any(|char| char == letter))
}

fn positions(path: &str, parts: &[Part]) -> Vec<u32> {
    let mut positions: Vec<u32> = parts.iter().flat_map(|part| part.positions(path)).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

#[cfg(test)]
mod tests;
