//! What a file is shown as when its lines cannot be shown.

use crate::Content;
use kerf_protocol::review::{FileStatus, Opaque};

/// How a file changed, as a whole.
pub(crate) fn status(before: &Content, after: &Content) -> FileStatus {
    match (before, after) {
        (Content::Absent, _) => FileStatus::Created,
        (_, Content::Absent) => FileStatus::Deleted,
        (Content::Text { bytes: before, .. }, Content::Text { bytes: after, .. })
            if before == after =>
        {
            FileStatus::Mode
        }
        (Content::Text { .. }, Content::Text { .. }) => FileStatus::Modified,
        (
            Content::Opaque {
                kind: before,
                hash,
                len,
                ..
            },
            Content::Opaque {
                kind: after,
                hash: after_hash,
                len: after_len,
                ..
            },
        ) if before == after => {
            if (hash, len) == (after_hash, after_len) {
                FileStatus::Mode
            } else {
                FileStatus::Modified
            }
        }
        _ => FileStatus::Replaced,
    }
}

/// One line about a change that has no lines.
pub(crate) fn summary(before: &Content, after: &Content) -> String {
    let mut parts = Vec::new();
    if status(before, after) != FileStatus::Mode {
        parts.push(match (noun(before), noun(after)) {
            (Some(before), Some(after)) => format!("{before} → {after}"),
            (only, None) | (None, only) => only.unwrap_or_default(),
        });
    }
    if let (Some(before), Some(after)) = (before.mode(), after.mode())
        && before != after
    {
        parts.push(mode(before, after));
    }
    parts.join(", ")
}

pub(crate) fn mode(before: u32, after: u32) -> String {
    format!("mode {before:o} → {after:o}")
}

fn noun(content: &Content) -> Option<String> {
    Some(match content {
        Content::Absent => return None,
        Content::Text { bytes, .. } => format!("text of {}", size(bytes.len() as u64)),
        // What a link points to is anybody's text: nothing in it may break the line or look like
        // something else.
        Content::Opaque {
            kind: Opaque::Link,
            target,
            ..
        } => {
            format!("link to {:?}", target.as_deref().unwrap_or_default())
        }
        Content::Opaque {
            kind: Opaque::Binary,
            len,
            ..
        } => format!("binary of {}", size(*len)),
        Content::Opaque {
            kind: Opaque::Huge,
            len,
            ..
        } => format!("file of {}", size(*len)),
    })
}

fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
