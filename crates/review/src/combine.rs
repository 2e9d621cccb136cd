//! Several changes of one content made into one: what a user takes of several attempts, and what an accepted change does
//! to a file that the user has changed meanwhile.
//!
//! Each content is the base with some changes in it; which of an attempt's hunks those are, its review has decided.
//! Changes of different lines combine, in whatever order they are given. The same change in two contents is made once.
//! Changes that overlap or adjoin are a conflict, as git has it: two lines that stand beside each other mostly belong
//! together, and a wrong merge is worse than a question.

use crate::{
    Content,
    file::count,
    lines::{Edit, Joiner, Lines, compare},
};
use std::sync::Arc;

/// Why contents do not combine. Nothing is ever combined in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// They change the same lines, or lines that adjoin, in different ways.
    #[error("line {}", each(.0))]
    Lines(Vec<Span>),
    /// They cannot be told apart by lines: one deletes what the other changes, both create it, or it is no text.
    #[error("the file as a whole")]
    Whole,
}

/// Lines of the base, from 1, both inclusive. Where lines are put in, the line above them; 0 at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first line.
    pub first: u32,
    /// The last line.
    pub last: u32,
}

fn each(spans: &[Span]) -> String {
    let span = |span: &Span| {
        if span.first == span.last {
            span.first.to_string()
        } else {
            format!("{}-{}", span.first, span.last)
        }
    };
    spans.iter().map(span).collect::<Vec<_>>().join(", ")
}

/// `base` with the changes of all of `contents`.
///
/// # Errors
/// A [`Clash`] that names the lines of `base` about which two of them disagree.
pub fn combine(base: &Content, contents: &[Content]) -> Result<Content, Clash> {
    let mut changed: Vec<&Content> = Vec::new();
    for content in contents {
        if content != base && !changed.contains(&content) {
            changed.push(content);
        }
    }
    match changed[..] {
        [] => return Ok(base.clone()),
        [only] => return Ok(only.clone()),
        _ => {}
    }
    let Content::Text { bytes, mode } = base else {
        return Err(Clash::Whole);
    };
    let mut texts = Vec::new();
    let mut modes = vec![*mode];
    for content in changed {
        let Content::Text { bytes, mode } = content else {
            return Err(Clash::Whole);
        };
        texts.push(Lines::new(Arc::clone(bytes)));
        if !modes.contains(mode) {
            modes.push(*mode);
        }
    }
    // The base's own and at most one other.
    let (Some(mode), true) = (modes.last(), modes.len() <= 2) else {
        return Err(Clash::Whole);
    };
    Ok(Content::Text {
        bytes: combine_lines(&Lines::new(Arc::clone(bytes)), &texts)?,
        mode: *mode,
    })
}

fn combine_lines(base: &Lines, texts: &[Lines]) -> Result<Arc<[u8]>, Clash> {
    let mut edits: Vec<(Edit, &Lines)> = texts
        .iter()
        .flat_map(|text| {
            compare(base, text)
                .into_iter()
                .map(move |edit| (edit, text))
        })
        .collect();
    let put_in = |(edit, text): &(Edit, &Lines)| text.span(edit.after.clone()).to_vec();
    edits.sort_by_cached_key(|edit| (edit.0.before.start, edit.0.before.end, put_in(edit)));
    edits.dedup_by(|a, b| a.0.before == b.0.before && put_in(a) == put_in(b));

    let mut spans: Vec<Span> = Vec::new();
    // The edit above that reaches farthest.
    let mut above: Option<&Edit> = None;
    for (edit, _) in &edits {
        if let Some(above) = above.filter(|above| edit.before.start <= above.before.end) {
            let start = above.before.start.min(edit.before.start);
            let end = above.before.end.max(edit.before.end);
            let span = Span {
                first: count(if start < end { start + 1 } else { start }),
                last: count(end),
            };
            match spans.last_mut() {
                Some(last) if span.first <= last.last => last.last = last.last.max(span.last),
                _ => spans.push(span),
            }
        }
        if above.is_none_or(|above| edit.before.end >= above.before.end) {
            above = Some(edit);
        }
    }
    if !spans.is_empty() {
        return Err(Clash::Lines(spans));
    }

    let crlf = base.is_crlf() || (base.len() == 0 && texts.iter().any(Lines::is_crlf));
    let mut joined = Joiner::new(crlf);
    let mut at = 0;
    for (edit, text) in &edits {
        let same = base.slice(at..edit.before.start);
        let new = text.slice(edit.after.clone());
        same.chain(new).for_each(|line| joined.push(line));
        at = edit.before.end;
    }
    base.slice(at..base.len())
        .for_each(|line| joined.push(line));
    Ok(Arc::clone(joined.finish().bytes()))
}
