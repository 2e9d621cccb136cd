//! Files by their names.

use super::{Answer, Hit, HitKind, Wanted, filter::Filter};
use crate::{SearchError, content::ContentId, index::Core, store::ContentSet, symbols::Language};
use kerf_workspace::RelPath;
use std::{ops::Range, sync::atomic::AtomicBool};

/// Files may go away while they are told; after so many answers the last one is given without them.
const MAX_ROUNDS: usize = 3;

pub(super) fn find(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    let mut answer = find_told(core, wanted, filter, cancel)?;
    for _ in 1..MAX_ROUNDS {
        if core.are_there(answer.hits.iter().map(|hit| &hit.path)) {
            return Ok(answer);
        }
        answer = find_told(core, wanted, filter, cancel)?;
    }
    let told = answer.hits.len();
    answer.hits.retain(|hit| core.are_there([&hit.path]));
    answer.total -= told - answer.hits.len();
    answer.files = answer.total;
    Ok(answer)
}

/// The files that are there as far as the index was told.
fn find_told(
    core: &Core,
    wanted: &Wanted<'_>,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    let pattern = wanted.query.files.join(" ");
    let names = core.names(filter.hidden(), cancel)?;
    let is_narrow = filter.narrows(wanted.query) || filter.has_kinds();
    // What a filter leaves out is only known by looking at all.
    let limit = if is_narrow { usize::MAX } else { wanted.limit };
    let mut found = names.find(&pattern, wanted.recent, limit);
    if is_narrow {
        let (catalog, snapshot) = core.catalog(cancel)?;
        let of_kind = of_kinds(core, filter, &snapshot);
        found.hits.retain(|hit| {
            // While the folder is being listed its name tells the language.
            let file = catalog.file_at(&hit.path);
            let language = file.map_or_else(
                || Language::of(hit.path.as_path(), ""),
                |file| file.language,
            );
            let id = file.and_then(|file| Some(catalog.stored(file.content)?.0));
            filter.takes(&hit.path, language) && of_kind.as_ref().is_none_or(|of_kind| of_kind(id))
        });
        found.total = found.hits.len();
        found.hits.truncate(wanted.limit);
    }
    let hits = found
        .hits
        .into_iter()
        .map(|hit| hit_of(hit.path, hit.score, &hit.positions));
    let hits: Vec<Hit> = hits.collect();
    Ok(Answer {
        more: hits.len() < found.total,
        total: found.total,
        files: found.total,
        scanned: (!core.is_walked())
            .then(|| "the folder is still being listed; there may be more files".to_owned()),
        skipped: Vec::new(),
        hits,
    })
}

/// Whether a content has definitions of the kinds asked for and none of those excluded, as far as the store knows.
fn of_kinds(
    core: &Core,
    filter: &Filter<'_>,
    snapshot: &crate::store::Snapshot,
) -> Option<impl Fn(Option<ContentId>) -> bool> {
    if !filter.has_kinds() {
        return None;
    }
    let all = |kinds: &[crate::symbols::Kind]| {
        let mut found = ContentSet::default();
        for kind in kinds {
            let with = core.store().ask(|shape| snapshot.with_kind(shape, *kind));
            found.extend(with.unwrap_or_default());
        }
        found
    };
    let (within, without) = (all(&filter.kinds), all(&filter.without_kinds));
    let is_any = filter.kinds.is_empty();
    Some(move |id: Option<ContentId>| {
        id.is_some_and(|id| (is_any || within.contains(&id)) && !without.contains(&id))
    })
}

fn hit_of(path: RelPath, score: u32, positions: &[u32]) -> Hit {
    let text = path.to_string();
    let mut marks: Vec<Range<usize>> = Vec::new();
    let mut wanted = positions.iter().copied().peekable();
    for (number, (at, char)) in (0..).zip(text.char_indices()) {
        if wanted.next_if_eq(&number).is_none() {
            continue;
        }
        let end = at + char.len_utf8();
        match marks.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => marks.push(at..end),
        }
    }
    Hit {
        path,
        line: 1,
        column: 1,
        text,
        marks,
        score: score as f32,
        kind: HitKind::File,
        symbol: None,
        symbol_kind: None,
        last_line: 1,
    }
}
