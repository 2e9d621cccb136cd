//! Texts, authors and a short way to write a description down.

use kerf_protocol::review::{Author, HunkState, LineKind, ReviewFile};
use kerf_review::{Content, FileReview};
use std::fmt::Write as _;

/// The agent, at its n-th tool call; odd ones are commands.
pub(crate) fn agent(n: u8) -> Author {
    let id = format!("01900000-0000-7000-8000-0000000000{n:02x}");
    let (turn_id, item_id) = (id.parse().unwrap(), id.parse().unwrap());
    if n.is_multiple_of(2) {
        Author::Tool { turn_id, item_id }
    } else {
        Author::Command { turn_id, item_id }
    }
}

pub(crate) fn text(bytes: impl AsRef<[u8]>) -> Content {
    with_mode(bytes, 0o644)
}

pub(crate) fn with_mode(bytes: impl AsRef<[u8]>, mode: u32) -> Content {
    Content::classify(bytes.as_ref().into(), mode, hash)
}

pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0_u8; 32];
    for (at, byte) in bytes.iter().enumerate() {
        hash[at % 32] = hash[at % 32].wrapping_mul(31).wrapping_add(*byte);
    }
    hash
}

pub(crate) fn link(target: &str) -> Content {
    Content::link(target.to_owned(), hash(target.as_bytes()))
}

/// A review of `before`, after the agent's first tool call made it `after`.
pub(crate) fn proposed(before: Content, after: Content) -> FileReview {
    let mut review = FileReview::new(before);
    review.observe(after, agent(0));
    review
}

/// A description, a line a line: `number state header [authors]`, then kind, old number, new number, text.
pub(crate) fn render(file: &ReviewFile) -> String {
    let mut out = format!("{:?}", file.status);
    if let Some(opaque) = file.opaque {
        write!(out, " {opaque:?}").unwrap();
    }
    if !file.summary.is_empty() {
        write!(out, " ({})", file.summary).unwrap();
    }
    out.push('\n');
    for hunk in &file.hunks {
        let state = match hunk.state {
            HunkState::Pending => "pending",
            HunkState::Accepted => "accepted",
            HunkState::Rejected => "rejected",
        };
        let authors: Vec<String> = hunk.authors.iter().map(name).collect();
        let header = format!("{} {:?}", authors.join("+"), hunk.header);
        writeln!(
            out,
            "@{} {state} -{} +{} {header}",
            hunk.hunk, hunk.removed, hunk.added
        )
        .unwrap();
        for line in &hunk.lines {
            let kind = match line.kind {
                LineKind::Context => ' ',
                LineKind::Removed => '-',
                LineKind::Added => '+',
            };
            let number =
                |number: Option<u32>| number.map_or(".".to_owned(), |number| number.to_string());
            let end = if line.no_newline { "$" } else { "" };
            writeln!(
                out,
                "{kind}{} {} {}{end}",
                number(line.old),
                number(line.new),
                line.text
            )
            .unwrap();
        }
    }
    out
}

fn name(author: &Author) -> String {
    match author {
        Author::User => "user".to_owned(),
        Author::Tool { turn_id, .. } => format!("tool{}", last(&turn_id.to_string())),
        Author::Command { turn_id, .. } => format!("command{}", last(&turn_id.to_string())),
    }
}

fn last(id: &str) -> u8 {
    u8::from_str_radix(&id[id.len() - 2..], 16).unwrap()
}

pub(crate) fn bytes_of(content: &Content) -> Vec<u8> {
    match content {
        Content::Text { bytes, .. } => bytes.to_vec(),
        other => panic!("not a text: {other:?}"),
    }
}
