//! Exact text through the index: the files that cannot match are left out, the others searched as ever.
//!
//! The answer is that of [`crate::grep`]. Trigrams say which contents may match; the listing says which files have
//! them; and each of those is read and searched as it is now. A file is passed over only when the store holds the
//! content that the listing last saw in it and the plan does not let that content through. So an index that is being
//! built, or holds half of the folder, only makes the search slower.

use crate::{
    GrepQuery, Grepped, Hides, SearchError,
    files::Files,
    grep::{Wanted, scan, search},
    index::Core,
    listing::Listing,
    trigram,
};
use kerf_workspace::RelPath;
use std::sync::atomic::AtomicBool;

/// So many files that the index does not hold are searched without anybody noticing.
pub(crate) const FEW_UNKNOWN: usize = 100;

/// Finds the lines that match.
pub(crate) fn grep(
    core: &Core,
    query: &GrepQuery,
    hides: Option<Hides<'_>>,
    cancel: &AtomicBool,
) -> Result<Grepped, SearchError> {
    let wanted = Wanted::new(query)?.without(hides);
    if !core.look(cancel)? {
        return scan(core.workspace(), query, core.except(), hides, cancel);
    }
    let snapshot = core.store().snapshot();
    let candidates = core.store().candidates(&snapshot, &trigram::plan(query));
    let files = {
        let catalog = core.catalog_as_it_is();
        let listing = core.listing();
        if !covers(&listing, &query.under) {
            drop((catalog, listing));
            return scan(core.workspace(), query, core.except(), hides, cancel);
        }
        let files: Vec<RelPath> = match &candidates {
            // The catalog goes from the contents to their files, the listing through all files.
            Some(found) if catalog.is_fresh(&listing, &snapshot) => {
                let paths = catalog.may_have(found).into_iter();
                paths
                    .filter(|path| path.starts_with(&query.under) && wanted.takes(path))
                    .cloned()
                    .collect()
            }
            _ => {
                let may_match = |id| match &candidates {
                    Some(found) => found.contains(&id) || !snapshot.holds(id),
                    None => true,
                };
                listing
                    .beneath(&query.under)
                    .filter(|(path, entry)| {
                        entry.state.id().is_none_or(may_match) && wanted.takes(path)
                    })
                    .map(|(path, _)| path.clone())
                    .collect()
            }
        };
        let skipped = listing
            .skipped()
            .filter(|(path, reason)| is_told(path, reason, &query.under))
            .map(|(path, reason)| (path.clone(), reason.to_owned()));
        Files {
            files,
            skipped: skipped.collect(),
        }
    };
    search(core.workspace(), &wanted, files, cancel)
}

/// Whether the listing knows the files under a folder as a walk from there would find them.
///
/// It does not when the folder is ignored, missing or empty, or when files lie so deep that a walk from the root ends
/// before them.
fn covers(listing: &Listing, under: &RelPath) -> bool {
    let is_cut = || {
        listing
            .skipped()
            .any(|(path, reason)| path.starts_with(under) && is_too_deep(reason))
    };
    listing.beneath(under).next().is_some() && (under.is_root() || !is_cut())
}

/// Whether a walk under a folder tells what the walk from the root could not look at: what lies there, and rules above
/// that it goes by.
fn is_told(path: &RelPath, reason: &str, under: &RelPath) -> bool {
    let is_rule_above = || {
        reason.starts_with("an ignore rule")
            && path
                .parent()
                .is_some_and(|folder| under.starts_with(&folder))
    };
    path.starts_with(under) || is_rule_above()
}

/// Whether the walk says that it went no deeper.
pub(crate) fn is_too_deep(reason: &str) -> bool {
    reason.starts_with("deeper than ")
}
