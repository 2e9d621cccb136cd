//! Which stored contents define or refer to a name.

use super::{EXACT, FOLDED, KIND, Snapshot, StoreError, Stored, document::Shape};
use crate::{content::ContentId, symbols::Kind};
use std::collections::{BTreeMap, HashSet};
use tantivy::{
    DocSet, TERMINATED, Term,
    postings::{SegmentPostings, TermInfo},
    schema::{Field, IndexRecordOption},
};

/// So many names that begin with what is asked for are looked at, and the shortest of them taken.
const MAX_NAMES: usize = 4_000;

impl Snapshot {
    /// The contents that define a name, in groups: those with the whole name (in lower case), those with names that
    /// begin with it, the shortest first, until there are `count` contents, and those with all of its parts.
    pub(crate) fn defining(
        &self,
        shape: &Shape,
        name: &str,
        parts: &[String],
        count: usize,
    ) -> Result<Vec<Vec<Stored>>, StoreError> {
        let mut whole = Vec::new();
        let mut longer = Vec::new();
        let mut with_parts = Vec::new();
        for (segment, (reader, _)) in (0..).zip(self.segments()) {
            let index = reader.inverted_index(shape.defs)?;
            let stored = |doc| Stored { segment, doc };
            // The shortest ones, by length. Names may share their contents, so more than are wanted.
            let mut names: BTreeMap<(usize, Vec<u8>), TermInfo> = BTreeMap::new();
            for mark in [EXACT, FOLDED] {
                let start = format!("{mark}{name}");
                let mut terms = index
                    .terms()
                    .range()
                    .ge(&start)
                    .into_stream()
                    .map_err(StoreError::from)?;
                let mut seen = 0;
                while terms.advance()
                    && terms.key().starts_with(start.as_bytes())
                    && seen < MAX_NAMES
                {
                    seen += 1;
                    if terms.key().len() == start.len() {
                        let postings = index
                            .read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
                        whole.extend(docs(postings).map(stored));
                    } else if names.len() < 2 * count
                        || names
                            .last_key_value()
                            .is_some_and(|((longest, _), _)| terms.key().len() < *longest)
                    {
                        names.insert(
                            (terms.key().len(), terms.key().to_vec()),
                            terms.value().clone(),
                        );
                        if names.len() > 2 * count {
                            names.pop_last();
                        }
                    }
                }
            }
            let mut taken = HashSet::new();
            for term in names.values() {
                if taken.len() >= count {
                    break;
                }
                let postings = index.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
                for doc in docs(postings) {
                    if taken.insert(doc) {
                        longer.push(stored(doc));
                    }
                }
            }
            let mut left: Option<Vec<u32>> = None;
            for part in parts {
                let term = Term::from_field_text(shape.defs, part);
                let found = match index.read_postings(&term, IndexRecordOption::Basic)? {
                    Some(postings) => docs(postings).collect(),
                    None => Vec::new(),
                };
                left = Some(match left {
                    Some(mut left) => {
                        left.retain(|doc| found.binary_search(doc).is_ok());
                        left
                    }
                    None => found,
                });
            }
            with_parts.extend(left.into_iter().flatten().map(stored));
        }
        Ok(vec![whole, longer, with_parts])
    }

    /// The contents that define something of one of the kinds.
    pub(crate) fn of_kinds(
        &self,
        shape: &Shape,
        kinds: &[Kind],
    ) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        for kind in kinds {
            found.extend(self.with_term(shape.defs, &format!("{KIND}{}", kind.name()))?);
        }
        Ok(found)
    }

    /// The contents that define something of the kind, by their names.
    pub(crate) fn with_kind(
        &self,
        shape: &Shape,
        kind: Kind,
    ) -> Result<Vec<ContentId>, StoreError> {
        let found = self.of_kinds(shape, &[kind])?;
        Ok(found
            .into_iter()
            .filter_map(|stored| self.id_at(stored))
            .collect())
    }

    /// The contents that refer to a name, as written.
    pub(crate) fn referring(&self, shape: &Shape, name: &str) -> Result<Vec<Stored>, StoreError> {
        self.with_term(shape.refs, name)
    }

    fn with_term(&self, field: Field, term: &str) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        let term = Term::from_field_text(field, term);
        for (segment, (reader, _)) in (0..).zip(self.segments()) {
            let index = reader.inverted_index(field)?;
            if let Some(postings) = index.read_postings(&term, IndexRecordOption::Basic)? {
                found.extend(docs(postings).map(|doc| Stored { segment, doc }));
            }
        }
        Ok(found)
    }
}

fn docs(mut postings: SegmentPostings) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let doc = postings.doc();
        if doc == TERMINATED {
            return None;
        }
        postings.advance();
        Some(doc)
    })
}
