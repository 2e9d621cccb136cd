//! Files whose text the store does not hold yet, or never will: they are read by the search itself, as far as that is
//! bounded, so that what was just written is found at once.

use super::{filter::Filter, opened};
use crate::{
    SearchError,
    catalog::{Catalog, File},
    index::Core,
    store::Texts,
    symbols::{Language, Outline},
};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many such files one search reads, and how many bytes of them.
const MAX_FILES: usize = 300;
const MAX_BYTES: usize = 8 << 20;

/// How many bytes of them symbols are read from; it takes ten times as long as the rest.
const MAX_PARSED: usize = 1 << 20;

/// A pending file.
pub(super) struct Pending<'c> {
    pub(super) file: &'c File,
    pub(super) text: String,
    /// As the name and the text that is there now tell.
    pub(super) language: Option<Language>,
    pub(super) outline: Option<Outline>,
}

/// Reads the pending files that the filter takes, the first ones when there are too many. The text fields of each are
/// in the [`Texts`] that `take` gets. Why some were left out, if any were.
pub(super) fn read<'c>(
    core: &Core,
    catalog: &'c Catalog,
    filter: &Filter<'_>,
    cancel: &AtomicBool,
    mut take: impl FnMut(Pending<'c>, &Texts),
) -> Result<Option<String>, SearchError> {
    let mut texts = Texts::new();
    let (mut files, mut bytes, mut parsed) = (0, 0, 0);
    for &number in catalog.pending() {
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        let Some(file) = catalog.file(number) else {
            continue;
        };
        if !filter.takes(&file.path, file.language) {
            continue;
        }
        if files >= MAX_FILES || bytes >= MAX_BYTES {
            return Ok(Some(too_many(catalog)));
        }
        files += 1;
        let Ok(content) = opened::read(core, &file.path) else {
            continue;
        };
        bytes += content.text.len();
        if content.reason.is_some() {
            continue;
        }
        let language = content.language(&file.path);
        if !filter.takes(&file.path, language) {
            continue;
        }
        let text = String::from_utf8_lossy(&content.text).into_owned();
        parsed += text.len();
        let outline = texts.read(&text, language.filter(|_| parsed <= MAX_PARSED));
        let pending = Pending {
            file,
            text,
            language,
            outline,
        };
        take(pending, &texts);
    }
    Ok((!core.is_walked())
        .then(|| "the folder is still being listed; there may be more".to_owned()))
}

fn too_many(catalog: &Catalog) -> String {
    let (pending, all) = (catalog.pending().len(), catalog.files().count());
    format!(
        "the index is still being built: {pending} of {all} files are not in it yet, and were not all looked at"
    )
}
