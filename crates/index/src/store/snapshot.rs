//! The contents that the store holds at one moment, and which of them a plan lets through.

use super::{
    StoreError,
    document::{HASH_HIGH, HASH_LOW, Shape, decode_outline},
};
use crate::{
    content::ContentId,
    symbols::{Language, Outline},
    trigram::{Plan, Trigram},
};
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};
use tantivy::{
    DocAddress, DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term,
    index::{InvertedIndexReader, SegmentId},
    postings::SegmentPostings,
    schema::{IndexRecordOption, Value},
};

/// When so few documents are left it is cheaper to look into the files than to ask for more trigrams.
const FEW: usize = 4;

/// A set of contents. Their ids are hashes already.
pub(crate) type ContentSet = HashSet<ContentId, BuildHasherDefault<IdHasher>>;

/// Where the document of a content is in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In the order of [`Snapshot::segments`].
    pub(crate) segment: u32,
    pub(crate) doc: DocId,
}

/// Takes the first bytes of an id for its hash.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

/// What a search sees of the store, however much is added meanwhile.
#[derive(Default)]
pub(crate) struct Snapshot {
    searcher: Option<Searcher>,
    /// Which content each document is, a table for each segment.
    tables: Vec<Arc<Table>>,
    held: ContentSet,
}

/// The contents of one segment by document number.
struct Table {
    segment: SegmentId,
    ids: Vec<ContentId>,
}

impl Snapshot {
    /// Reads the tables of segments that `before` does not know.
    pub(super) fn new(searcher: Searcher, before: &Self) -> Result<Self, StoreError> {
        let known: HashMap<SegmentId, &Arc<Table>> = before
            .tables
            .iter()
            .map(|table| (table.segment, table))
            .collect();
        let mut tables = Vec::new();
        let mut held = ContentSet::default();
        for reader in searcher.segment_readers() {
            let table = match known.get(&reader.segment_id()) {
                Some(table) => Arc::clone(table),
                None => Arc::new(Table::read(reader)?),
            };
            held.reserve(reader.num_docs() as usize);
            held.extend(
                reader
                    .doc_ids_alive()
                    .filter_map(|doc| table.ids.get(doc as usize)),
            );
            tables.push(table);
        }
        Ok(Self {
            searcher: Some(searcher),
            tables,
            held,
        })
    }

    /// Whether a search of this snapshot finds the content, if anything in it matches.
    pub(crate) fn holds(&self, id: ContentId) -> bool {
        self.held.contains(&id)
    }

    /// All contents.
    pub(crate) fn held(&self) -> &ContentSet {
        &self.held
    }

    /// The segments, each with the contents of its documents by their numbers. Deleted documents are among them.
    ///
    /// tantivy panics on damage that no check has found: whoever reads in them does so in [`super::Store::ask`].
    pub(crate) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &[ContentId])> {
        let readers = self.searcher.iter().flat_map(|all| all.segment_readers());
        readers.zip(self.tables.iter().map(|table| table.ids.as_slice()))
    }

    /// The content at a place.
    pub(crate) fn id_at(&self, place: Place) -> Option<ContentId> {
        let table = self.tables.get(place.segment as usize)?;
        table.ids.get(place.doc as usize).copied()
    }

    /// The outline of the content at a place, when there is one that was read as `language`.
    pub(crate) fn outline(
        &self,
        shape: &Shape,
        place: Place,
        language: Language,
    ) -> Result<Option<Outline>, StoreError> {
        let Some(searcher) = &self.searcher else {
            return Ok(None);
        };
        let document: TantivyDocument = searcher.doc(DocAddress::new(place.segment, place.doc))?;
        let text = document
            .get_first(shape.outline)
            .and_then(|value| value.as_str());
        Ok(text.and_then(|text| decode_outline(text, language)))
    }

    /// Where a content is, if it is here. Goes through all that are.
    pub(crate) fn place_of(&self, id: ContentId) -> Option<Place> {
        self.segments()
            .enumerate()
            .find_map(|(segment, (reader, ids))| {
                let is_it = |doc: &DocId| ids.get(*doc as usize) == Some(&id);
                let doc = reader.doc_ids_alive().find(is_it)?;
                let segment = u32::try_from(segment).ok()?;
                Some(Place { segment, doc })
            })
    }

    /// The contents that a plan lets through. `None`: all of them.
    pub(crate) fn candidates(
        &self,
        shape: &Shape,
        plan: &Plan,
    ) -> Result<Option<ContentSet>, StoreError> {
        if *plan == Plan::Everything {
            return Ok(None);
        }
        let mut found = ContentSet::default();
        let readers = self.searcher.iter().flat_map(|all| all.segment_readers());
        for (reader, table) in readers.zip(&self.tables) {
            let trigrams = Segment {
                index: reader.inverted_index(shape.trigrams)?,
                shape,
            };
            match trigrams.documents(plan)? {
                Documents::All => found.extend(table.ids.iter()),
                // Deleted ones do no harm: no listing has them, or the file is looked into in vain.
                Documents::Some(docs) => {
                    found.extend(docs.iter().filter_map(|&doc| table.ids.get(doc as usize)));
                }
            }
        }
        Ok(Some(found))
    }
}

impl Table {
    fn read(reader: &SegmentReader) -> Result<Self, StoreError> {
        let high = reader.fast_fields().u64(HASH_HIGH)?;
        let low = reader.fast_fields().u64(HASH_LOW)?;
        let max_doc = reader.max_doc();
        if high.num_docs() != max_doc || low.num_docs() != max_doc {
            return Err(StoreError::damaged("a segment has another length"));
        }
        let ids = (0..max_doc)
            .map(|doc| Some(ContentId::from_halves(high.first(doc)?, low.first(doc)?)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| StoreError::damaged("a document has no hash"))?;
        Ok(Self {
            segment: reader.segment_id(),
            ids,
        })
    }
}

/// Documents of a segment, in order.
enum Documents {
    All,
    Some(Vec<DocId>),
}

/// The trigrams of one segment.
struct Segment<'a> {
    index: Arc<InvertedIndexReader>,
    shape: &'a Shape,
}

impl Segment<'_> {
    fn documents(&self, plan: &Plan) -> Result<Documents, StoreError> {
        Ok(match plan {
            Plan::Everything => Documents::All,
            Plan::Nothing => Documents::Some(Vec::new()),
            Plan::Has(trigram) => {
                let mut docs = Vec::new();
                if let Some(mut postings) = self.postings(*trigram)? {
                    while postings.doc() != TERMINATED {
                        docs.push(postings.doc());
                        postings.advance();
                    }
                }
                Documents::Some(docs)
            }
            Plan::All(parts) => self.all(parts)?,
            Plan::Any(ways) => {
                let mut docs = Vec::new();
                for way in ways {
                    match self.documents(way)? {
                        Documents::All => return Ok(Documents::All),
                        Documents::Some(more) => docs.extend(more),
                    }
                }
                docs.sort_unstable();
                docs.dedup();
                Documents::Some(docs)
            }
        })
    }

    /// The trigrams that hold for sure first, the rarest of them before the others.
    fn all(&self, parts: &[Plan]) -> Result<Documents, StoreError> {
        let mut postings = Vec::new();
        let mut choices = Vec::new();
        for part in parts {
            match part {
                Plan::Has(trigram) => match self.postings(*trigram)? {
                    Some(found) => postings.push(found),
                    None => return Ok(Documents::Some(Vec::new())),
                },
                other => choices.push(other),
            }
        }
        postings.sort_by_key(DocSet::size_hint);
        let mut postings = postings.into_iter();
        let mut left: Option<Vec<DocId>> = postings.next().map(|mut rarest| {
            let mut docs = Vec::with_capacity(rarest.size_hint() as usize);
            while rarest.doc() != TERMINATED {
                docs.push(rarest.doc());
                rarest.advance();
            }
            docs
        });
        for mut more in postings {
            match &mut left {
                Some(docs) if docs.len() > FEW => {
                    docs.retain(|&doc| more.doc() <= doc && more.seek(doc) == doc);
                }
                _ => break,
            }
        }
        for choice in choices {
            if left.as_ref().is_some_and(|docs| docs.len() <= FEW) {
                break;
            }
            if let Documents::Some(more) = self.documents(choice)? {
                left = Some(match left {
                    None => more,
                    Some(mut docs) => {
                        docs.retain(|doc| more.binary_search(doc).is_ok());
                        docs
                    }
                });
            }
        }
        Ok(left.map_or(Documents::All, Documents::Some))
    }

    fn postings(&self, trigram: Trigram) -> Result<Option<SegmentPostings>, StoreError> {
        let term = Term::from_field_text(self.shape.trigrams, &trigram.term());
        Ok(self.index.read_postings(&term, IndexRecordOption::Basic)?)
    }
}

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    /// The length of the array, which is the same for all.
    fn write_usize(&mut self, _: usize) {}
}
