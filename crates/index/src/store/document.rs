//! What the index keeps of one content: the fields, and how a content fills them.
//!
//! This is the one place that makes a document. Whoever adds a field raises [`SCHEMA_VERSION`]; whoever changes how
//! text becomes terms raises the number of that tokenizer. Either makes the next start build the index anew.

use crate::{
    content::Content,
    trigram::{TrigramTokenizer, Trigrams, write_terms},
};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tantivy::{
    Index, TantivyDocument,
    schema::{
        Document as Fields, FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing,
        TextOptions,
    },
};

/// The fields and what they mean.
const SCHEMA_VERSION: u32 = 1;

/// How texts become trigrams.
const TRIGRAM_VERSION: u32 = 1;

/// A content with more trigrams is no text that anybody wrote, and would cost as much as a thousand others. A program
/// of 10 MB has some 100,000.
const MAX_TRIGRAMS: usize = 1 << 19;

pub(super) const HASH_HIGH: &str = "hash_high";
pub(super) const HASH_LOW: &str = "hash_low";
const TRIGRAMS: &str = "trigrams";
const TRIGRAM_TOKENIZER: &str = "trigram";

/// The fields of a document.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(super) schema: Schema,
    pub(super) hash_high: Field,
    pub(super) hash_low: Field,
    pub(crate) trigrams: Field,
}

/// What turns contents into documents. Holds buffers: make one for each thread and keep it.
pub(crate) struct DocumentMaker {
    trigrams: Trigrams,
    terms: String,
}

/// A content on its way into the index. Takes its room until tantivy has taken it in.
pub(crate) struct Document {
    fields: TantivyDocument,
    _room: Room,
}

/// How many bytes of documents may wait for tantivy, whose own queue counts documents.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    inner: Arc<(Mutex<usize>, Condvar)>,
    limit: usize,
}

/// A part of what may wait.
struct Room {
    of: Waiting,
    bytes: usize,
}

impl Shape {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let no_norms = TextFieldIndexing::default()
            .set_fieldnorms(false)
            .set_tokenizer(TRIGRAM_TOKENIZER)
            .set_index_option(IndexRecordOption::Basic);
        let hash_high = schema.add_u64_field(HASH_HIGH, FAST | INDEXED);
        let hash_low = schema.add_u64_field(HASH_LOW, FAST);
        let trigrams = schema.add_text_field(
            TRIGRAMS,
            TextOptions::default().set_indexing_options(no_norms),
        );
        Self {
            schema: schema.build(),
            hash_high,
            hash_low,
            trigrams,
        }
    }

    /// Names everything that an index must have been made by to be used.
    pub(super) fn version() -> String {
        // tantivy names its own format in each of its files.
        format!("kerf index\nschema {SCHEMA_VERSION}\ntrigram {TRIGRAM_VERSION}\n")
    }

    /// Tells tantivy how the fields become terms.
    pub(super) fn register(index: &Index) {
        index
            .tokenizers()
            .register(TRIGRAM_TOKENIZER, TrigramTokenizer::default());
    }
}

impl DocumentMaker {
    pub(crate) fn new() -> Self {
        Self {
            trigrams: Trigrams::new(),
            terms: String::new(),
        }
    }

    /// `None` when the content has too many trigrams.
    pub(super) fn make(
        &mut self,
        shape: &Shape,
        content: &Content,
        waiting: &Waiting,
    ) -> Option<Document> {
        let trigrams = self.trigrams.of(&content.text);
        if trigrams.len() > MAX_TRIGRAMS {
            return None;
        }
        let mut fields = TantivyDocument::new();
        let (high, low) = content.id.halves();
        fields.add_u64(shape.hash_high, high);
        fields.add_u64(shape.hash_low, low);
        self.terms.clear();
        write_terms(trigrams, &mut self.terms);
        fields.add_text(shape.trigrams, &self.terms);
        Some(Document {
            fields,
            _room: waiting.take(self.terms.len()),
        })
    }
}

impl Fields for Document {
    type Value<'a> = <TantivyDocument as Fields>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as Fields>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.fields.iter_fields_and_values()
    }
}

impl Waiting {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            inner: Arc::default(),
            limit,
        }
    }

    /// Waits until there is room. What is larger than the limit goes alone.
    ///
    /// Documents leave when tantivy has taken them in, and also when it gives up, so this ends.
    fn take(&self, bytes: usize) -> Room {
        let (taken, freed) = &*self.inner;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken > 0 && *taken + bytes > self.limit {
            taken = freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Room {
            of: self.clone(),
            bytes,
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let (taken, freed) = &*self.of.inner;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        freed.notify_all();
    }
}
