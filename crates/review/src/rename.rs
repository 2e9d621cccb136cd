//! Files that were deleted here and created there.

use crate::{Content, FileReview, file::Kind, lines::Lines};
use kerf_protocol::review::HunkState;
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// The least part of the lines that are equal, in percent.
const SIMILAR: usize = 60;
/// How many lines are compared in all; what is left then stays unpaired.
const MAX_COMPARED_LINES: usize = 20_000_000;

/// Pairs each deleted file with a created file of similar content, as indices into `reviews`:
/// (deleted, created). A file is in one pair at most. Equal content goes first, then the greatest
/// number of equal lines, of at least 60 % of the lines of the longer file. Empty files and
/// rejected changes are not paired. The work is bounded; beyond it, only equal content is found.
pub fn pair_renames(reviews: &[(&str, &FileReview)]) -> Vec<(usize, usize)> {
    let (mut deleted, mut created) = (Vec::new(), Vec::new());
    for (index, (path, review)) in reviews.iter().enumerate() {
        match &review.kind {
            Kind::Whole {
                proposed: Content::Absent,
                flag,
            } if flag.state != HunkState::Rejected => {
                deleted.push(Side::new(index, path, review.origin.clone()));
            }
            Kind::Whole { .. } | Kind::Lined(_) if review.origin.is_absent() => {
                created.push(Side::new(index, path, review.current()));
            }
            _ => {}
        }
    }
    deleted.retain(|side| side.identity.is_some());
    created.retain(|side| side.identity.is_some());

    let mut pairs = Vec::new();
    let mut by_content: HashMap<_, Vec<&Side<'_>>> = HashMap::new();
    for side in &created {
        by_content.entry(&side.identity).or_default().push(side);
    }
    for old in &deleted {
        let Some(equal) = by_content.get_mut(&old.identity) else {
            continue;
        };
        // A file that moved to another folder most often keeps its name.
        let named = equal
            .iter()
            .position(|new| file_name(new.path) == file_name(old.path));
        if !equal.is_empty() {
            pairs.push((old.index, equal.remove(named.unwrap_or(0)).index));
        }
    }

    let paired: HashSet<usize> = pairs.iter().flat_map(|(old, new)| [*old, *new]).collect();
    for (old, new) in similar(&deleted, &created, &paired) {
        pairs.push((old, new));
    }
    pairs.sort_unstable();
    pairs
}

struct Side<'a> {
    index: usize,
    path: &'a str,
    content: Content,
    /// The content apart from its mode; none for what is never paired.
    identity: Option<Identity>,
}

#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Text(std::sync::Arc<[u8]>),
    Opaque([u8; 32], u64),
}

impl<'a> Side<'a> {
    fn new(index: usize, path: &'a str, content: Content) -> Self {
        let identity = match &content {
            Content::Text { bytes, .. } if !bytes.is_empty() => Some(Identity::Text(bytes.clone())),
            Content::Opaque { hash, len, .. } if *len > 0 => Some(Identity::Opaque(*hash, *len)),
            _ => None,
        };
        Self {
            index,
            path,
            content,
            identity,
        }
    }

    /// Hashes of the lines, sorted.
    fn lines(&self) -> Option<Vec<u64>> {
        let lines = Lines::new(self.content.text()?.clone());
        let mut hashes: Vec<u64> = lines
            .slice(0..lines.len())
            .map(|line| {
                let mut hasher = DefaultHasher::new();
                line.trim_ascii_end().hash(&mut hasher);
                hasher.finish()
            })
            .collect();
        hashes.sort_unstable();
        Some(hashes)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Pairs by equal lines, the best first.
fn similar(
    deleted: &[Side<'_>],
    created: &[Side<'_>],
    paired: &HashSet<usize>,
) -> Vec<(usize, usize)> {
    let free = |sides: &[Side<'_>]| -> Vec<(usize, Vec<u64>)> {
        let free = sides.iter().filter(|side| !paired.contains(&side.index));
        free.filter_map(|side| Some((side.index, side.lines()?)))
            .collect()
    };
    let (deleted, created) = (free(deleted), free(created));
    let mut left = MAX_COMPARED_LINES;
    let mut found = Vec::new();
    for (old, old_lines) in &deleted {
        for (new, new_lines) in &created {
            let (longer, shorter) = (
                old_lines.len().max(new_lines.len()),
                old_lines.len().min(new_lines.len()),
            );
            let work = if shorter * 100 < longer * SIMILAR {
                1
            } else {
                longer + shorter
            };
            let Some(rest) = left.checked_sub(work) else {
                break;
            };
            left = rest;
            if work > 1 {
                let percent = common(old_lines, new_lines) * 100 / longer;
                if percent >= SIMILAR {
                    found.push((Reverse(percent), *old, *new));
                }
            }
        }
    }
    found.sort_unstable();
    let mut taken = HashSet::new();
    let mut pairs = Vec::new();
    for (_, old, new) in found {
        if !taken.contains(&old) && !taken.contains(&new) {
            taken.extend([old, new]);
            pairs.push((old, new));
        }
    }
    pairs
}

/// How many values two sorted lists have in common.
fn common(old: &[u64], new: &[u64]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(a), Some(b)) = (old.get(i), new.get(j)) {
        i += usize::from(a <= b);
        j += usize::from(b <= a);
        common += usize::from(a == b);
    }
    common
}
