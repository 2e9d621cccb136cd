//! The most similar lines of a text, found with bounded work.

use super::{Why, cut, is_telling};
use similar::TextDiff;
use std::{cmp::Reverse, collections::HashMap, ops::Range};

/// How much of a text is searched.
const SEARCHED_BYTES: usize = 8 * 1024 * 1024;
/// How much of two texts is compared to tell how similar they are.
const COMPARED_BYTES: usize = 1200;
/// How many places are compared closely.
const CANDIDATES: usize = 6;
/// Below this, two texts have nothing to do with each other.
const LEAST_RATIO: f32 = 0.5;

/// The place of the lines with the most in common with `given`, when they are similar at all.
pub(super) fn find(text: &str, given: &str) -> Option<(Range<usize>, Why)> {
    let wanted: Vec<&str> = given.trim_matches('\n').split('\n').collect();
    let mut lines: Vec<&str> = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > SEARCHED_BYTES {
            break;
        }
        lines.push(line.trim_end_matches('\n'));
        starts.push(at);
        at += line.len();
    }
    let given = head(given.trim_matches('\n'));
    let window = |start: usize| {
        let start = start.min(starts.len().saturating_sub(1));
        let last = (start + wanted.len()).min(starts.len());
        let end = starts.get(last).copied().unwrap_or(at);
        starts.get(start).map_or(0..0, |&start| start..end)
    };
    let best = candidates(&lines, &wanted)
        .into_iter()
        .map(|start| {
            (
                TextDiff::from_chars(head(&text[window(start)]).trim(), given.trim()).ratio(),
                start,
            )
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    if best.0 < LEAST_RATIO {
        return None;
    }
    let differs = wanted
        .iter()
        .enumerate()
        .find(|&(nth, &line)| lines.get(best.1 + nth) != Some(&line));
    let (nth, line) = differs.unwrap_or((0, &""));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a ratio is between 0 and 1"
    )]
    let percent = (best.0 * 100.0) as u8;
    let file = cut(lines.get(best.1 + nth).unwrap_or(&""));
    Some((
        window(best.1),
        Why::Similar {
            percent,
            file,
            given: cut(line),
        },
    ))
}

/// Indexes of lines where the wanted ones may start: first by lines in common, else by the look of one line.
fn candidates(lines: &[&str], wanted: &[&str]) -> Vec<usize> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (nth, line) in wanted
        .iter()
        .enumerate()
        .filter(|(_, line)| is_telling(line))
    {
        known.entry(line.trim()).or_insert(nth);
    }
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (nth, line) in lines.iter().enumerate() {
        if let Some(offset) = known.get(line.trim()) {
            *votes.entry(nth.saturating_sub(*offset)).or_default() += 1;
        }
    }
    let mut ranked: Vec<(usize, usize)> = votes
        .into_iter()
        .map(|(start, count)| (count, start))
        .collect();
    if ranked.is_empty() {
        let Some((offset, anchor)) = wanted
            .iter()
            .enumerate()
            .max_by_key(|(_, line)| line.trim().len())
        else {
            return Vec::new();
        };
        // One bit for each pair of bytes: every pair of the whole text is asked for.
        let mut pairs = vec![0_u64; 1024];
        let bit = |pair: &[u8]| {
            (
                usize::from(pair[0]) << 2 | usize::from(pair[1] >> 6),
                1_u64 << (pair[1] & 63),
            )
        };
        for (at, bit) in anchor.trim().as_bytes().windows(2).map(bit) {
            pairs[at] |= bit;
        }
        ranked.extend(lines.iter().enumerate().filter_map(|(nth, line)| {
            let line = line.trim().as_bytes();
            let of_pair = line.windows(2).take(COMPARED_BYTES).map(bit);
            let hits = of_pair.filter(|&(at, bit)| pairs[at] & bit != 0).count();
            let score = 2000 * hits / (line.len().min(COMPARED_BYTES) + anchor.trim().len()).max(1);
            (score > 600).then(|| (score, nth.saturating_sub(offset)))
        }));
    }
    ranked.sort_by_key(|&(score, start)| (Reverse(score), start));
    ranked
        .into_iter()
        .map(|(_, start)| start)
        .take(CANDIDATES)
        .collect()
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(COMPARED_BYTES)]
}
