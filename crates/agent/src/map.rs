//! The map of the repository that a session begins with: the model need not look around first.
//!
//! It stands in the system prompt and stays the same for as long as the session lives, so that endpoints can cache it.

use crate::withheld::Guard;
use kerf_index::{Focus, Index, Map};
use kerf_protocol::ledger::FileRange;
use kerf_workspace::RelPath;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A request waits no longer for the map; the next turn asks again.
const PATIENCE: Duration = Duration::from_millis(300);
/// The part of the model's window that the map may take, and the tokens that it never takes more of.
const PART: u64 = 32;
const MAX_TOKENS: u64 = 1_500;
/// Fewer tokens show nothing worth a request's bytes.
const MIN_TOKENS: u64 = 200;
/// So much of what the user asks for is looked at.
const MAX_WORDS: usize = 4_096;

/// The map as it is given to the model.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GivenMap {
    pub(crate) text: String,
    pub(crate) quotes: Vec<FileRange>,
}

/// What the user's request is about.
pub(crate) struct InPlay {
    /// The request.
    pub(crate) words: String,
    /// Files that it names.
    pub(crate) files: Vec<String>,
}

/// Makes the map for a model with a window of so many tokens. None: it is not ready, or there is nothing to show.
/// Files with secret names are only named, and what the user withholds is not.
pub(crate) async fn make(
    index: &Index,
    guard: Guard,
    in_play: InPlay,
    window: u64,
) -> Option<GivenMap> {
    let tokens = (window / PART).min(MAX_TOKENS);
    if tokens < MIN_TOKENS {
        return None;
    }
    let index = index.clone();
    let cancel = Arc::new(AtomicBool::new(false));
    let cancelled = Arc::clone(&cancel);
    let making = tokio::task::spawn_blocking(move || {
        // Half a map would stay for the whole session.
        if !index.wait(Instant::now() + PATIENCE) {
            return None;
        }
        let end = in_play.words.floor_char_boundary(MAX_WORDS);
        let focus = Focus {
            under: None,
            files: in_play
                .files
                .iter()
                .filter_map(|path| path.parse::<RelPath>().ok())
                .collect(),
            words: vec![in_play.words[..end].to_owned()],
        };
        let tokens = usize::try_from(tokens).unwrap_or_default();
        // Nothing but being cancelled makes it fail.
        let may_show = |path: &RelPath| guard.may_show(path);
        index.map(&focus, tokens, &may_show, &cancelled).ok()
    });
    let made = tokio::time::timeout(PATIENCE, making).await;
    cancel.store(true, Ordering::Relaxed);
    let map = made.ok()?.ok()??;
    (map.files > 0).then(|| map.into())
}

impl GivenMap {
    /// The form in which it is kept.
    pub(crate) fn to_keep(&self) -> String {
        // Texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`GivenMap::to_keep`] wrote; none when it is damaged, and then a new one is made.
    pub(crate) fn kept(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl From<Map> for GivenMap {
    fn from(map: Map) -> Self {
        Self {
            text: map.text,
            quotes: quotes(map.ranges),
        }
    }
}

/// The lines of a map, as the ledger lists them.
pub(crate) fn quotes(ranges: Vec<(RelPath, u32, u32)>) -> Vec<FileRange> {
    ranges
        .into_iter()
        .map(|(path, first_line, last_line)| FileRange {
            path: path.to_string(),
            first_line,
            last_line,
        })
        .collect()
}
