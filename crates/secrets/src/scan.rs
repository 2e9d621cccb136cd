//! Searches a text: keywords first, then only the rules that have them, and only near them.

use crate::{
    block,
    rules::{Decision, Reach, Rule, Rules},
};
use std::{collections::BTreeMap, ops::Range};

/// How much of a long line an allow-list sees on each side.
const LINE_AROUND: usize = 512;

/// A place where something was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) origin: Origin,
}

/// What found it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Origin {
    /// A rule, by its place in the list, and the bits a character.
    Rule(usize, f64),
    /// It is part of a key block.
    Key,
    /// It was found before.
    Known,
}

impl Origin {
    pub(crate) fn conceals(self, rules: &Rules) -> bool {
        match self {
            Self::Rule(rule, _) => rules.rules()[rule].decision == Decision::Conceal,
            Self::Key | Self::Known => true,
        }
    }

    /// The name of what found it.
    pub(crate) fn name(self, rules: &Rules) -> &str {
        match self {
            Self::Rule(rule, _) => &rules.rules()[rule].id,
            Self::Key => "private-key",
            Self::Known => "known",
        }
    }
}

/// Everything that the rules find in a text, in no order; places may overlap.
pub(crate) fn scan(rules: &Rules, text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut around: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    // Up to where a rule has found something: inside it there is no second one.
    let mut done = vec![0; rules.rules().len()];
    rules.hits(text, |index, start, end| {
        let rule = &rules.rules()[index];
        let compiled = rule.compiled();
        match compiled.reach {
            Reach::From => {
                if start < done[index] {
                    return;
                }
                if let Some(found) = compiled.at(text, start) {
                    done[index] = found.secret.end;
                    spans.extend(weigh(rules, rule, index, text, &found.whole, found.secret));
                }
            }
            Reach::Around(bytes_around) => {
                let near = start.saturating_sub(bytes_around)
                    ..text.len().min(end.saturating_add(bytes_around));
                let places = around.entry(index).or_default();
                match places.last_mut() {
                    Some(last) if near.start <= last.end => last.end = last.end.max(near.end),
                    _ => places.push(near),
                }
            }
        }
    });
    for (index, places) in around {
        let rule = &rules.rules()[index];
        for place in places {
            let mut from = place.start;
            while let Some(found) = rule.compiled().inside(text, from..place.end) {
                from = found.secret.end.max(from + 1);
                spans.extend(weigh(rules, rule, index, text, &found.whole, found.secret));
                if from >= place.end {
                    break;
                }
            }
        }
    }
    block::find(text, &mut spans);
    spans
}

/// A match that counts: mixed enough, and on no allow-list.
fn weigh(
    rules: &Rules,
    rule: &Rule,
    index: usize,
    text: &str,
    whole: &Range<usize>,
    secret: Range<usize>,
) -> Option<Span> {
    let value = &text[secret.clone()];
    let bits = entropy(value);
    let mixed = rule.entropy == 0.0 || bits > rule.entropy;
    let digit = !rule.is_generic() || value.bytes().any(|byte| byte.is_ascii_digit());
    if value.is_empty() || !mixed || !digit || rules.allows_everywhere(value) {
        return None;
    }
    let line = line_around(text, whole);
    (!rule.allows(value, &text[whole.clone()], line)).then_some(Span {
        range: secret,
        origin: Origin::Rule(index, bits),
    })
}

/// The lines that a match is in, as far as they are near.
fn line_around<'a>(text: &'a str, whole: &Range<usize>) -> &'a str {
    let near_start = text.floor_char_boundary(whole.start.saturating_sub(LINE_AROUND));
    let near_end = text.ceil_char_boundary(text.len().min(whole.end + LINE_AROUND));
    let start = text[near_start..whole.start]
        .rfind('\n')
        .map_or(near_start, |at| near_start + at + 1);
    let end = text[whole.end..near_end]
        .find('\n')
        .map_or(near_end, |at| whole.end + at);
    &text[start..end]
}

/// Shannon's entropy of a value's bytes, in bits a byte.
pub(crate) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let len = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|&count| {
            let part = f64::from(count) / len;
            -part * part.log2()
        })
        .sum()
}
