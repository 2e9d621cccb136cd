//! What the index keeps of one content: the fields, and how a content fills them.
//!
//! This is the one place that makes a document. Whoever adds a field raises [`SCHEMA_VERSION`]; whoever changes how
//! text becomes terms raises the number of that tokenizer. Either makes the next start build the index anew.

use super::tokens::{DefinitionTokenizer, END, KIND, NameTokenizer};
use crate::{
    content::Content,
    symbols::{Language, Outline, Reader},
    trigram::{TrigramTokenizer, Trigrams, runs, write_terms},
    words::WordTokenizer,
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Condvar, Mutex, PoisonError},
};
use tantivy::{
    Index, TantivyDocument,
    schema::{
        Document as Fields, FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, SchemaBuilder,
        TextFieldIndexing, TextOptions,
    },
};

/// The fields and what they mean.
const SCHEMA_VERSION: u32 = 3;

/// How texts become trigrams and runs.
const TRIGRAM_VERSION: u32 = 2;

/// How texts become words, and names become terms.
const WORD_VERSION: u32 = 1;

/// What is read from syntax trees.
const SYMBOL_VERSION: u32 = 1;

/// A content with more trigrams is no text that anybody wrote, and would cost as much as a thousand others. A program
/// of 10 MB has some 100,000.
const MAX_TRIGRAMS: usize = 1 << 19;

pub(super) const HASH_HIGH: &str = "hash_high";
pub(super) const HASH_LOW: &str = "hash_low";
const TRIGRAMS: &str = "trigrams";
const TRIGRAM_TOKENIZER: &str = "trigram";
const WORDS: &str = "words";
const COMMENTS: &str = "comments";
const WORD_TOKENIZER: &str = "word";
const DEFS: &str = "defs";
const DEFINITION_TOKENIZER: &str = "definition";
const REFS: &str = "refs";
const NAME_TOKENIZER: &str = "name";
const OUTLINE: &str = "outline";

/// The fields of a document.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(super) schema: Schema,
    pub(super) hash_high: Field,
    pub(super) hash_low: Field,
    pub(crate) trigrams: Field,
    /// Words of the text outside of comments, with frequencies.
    pub(crate) words: Field,
    /// Words of comments, with frequencies.
    pub(crate) comments: Field,
    /// Names that are defined, and their parts, with frequencies; see [`super::tokens`].
    pub(crate) defs: Field,
    /// Names that are referred to, as written, each once.
    pub(crate) refs: Field,
    /// Stored: see [`encode_outline`].
    pub(super) outline: Field,
}

/// What turns contents into documents. Holds buffers: make one for each thread and keep it.
pub(crate) struct DocumentMaker {
    trigrams: Trigrams,
    terms: String,
    texts: Texts,
}

/// What the fields hold of a text, all but its trigrams. Reads one text after the other.
pub(crate) struct Texts {
    symbols: Reader,
    pub(crate) words: String,
    pub(crate) comments: String,
    pub(crate) defs: String,
    refs: String,
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
        let text = |schema: &mut SchemaBuilder, name, tokenizer, is_ranked| {
            let option = match is_ranked {
                true => IndexRecordOption::WithFreqs,
                false => IndexRecordOption::Basic,
            };
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_fieldnorms(is_ranked)
                .set_index_option(option);
            schema.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        };
        let hash_high = schema.add_u64_field(HASH_HIGH, FAST | INDEXED);
        let hash_low = schema.add_u64_field(HASH_LOW, FAST);
        let trigrams = text(&mut schema, TRIGRAMS, TRIGRAM_TOKENIZER, false);
        let words = text(&mut schema, WORDS, WORD_TOKENIZER, true);
        let comments = text(&mut schema, COMMENTS, WORD_TOKENIZER, true);
        let defs = text(&mut schema, DEFS, DEFINITION_TOKENIZER, true);
        let refs = text(&mut schema, REFS, NAME_TOKENIZER, false);
        let outline = schema.add_text_field(OUTLINE, STORED);
        Self {
            schema: schema.build(),
            hash_high,
            hash_low,
            trigrams,
            words,
            comments,
            defs,
            refs,
            outline,
        }
    }

    /// Names everything that an index must have been made by to be used.
    pub(super) fn version() -> String {
        // tantivy names its own format in each of its files.
        format!(
            "kerf index\nschema {SCHEMA_VERSION}\ntrigram {TRIGRAM_VERSION}\nword {WORD_VERSION}\nsymbol {SYMBOL_VERSION}\n"
        )
    }

    /// Tells tantivy how the fields become terms.
    pub(super) fn register(index: &Index) {
        let tokenizers = index.tokenizers();
        tokenizers.register(TRIGRAM_TOKENIZER, TrigramTokenizer::default());
        tokenizers.register(WORD_TOKENIZER, WordTokenizer::default());
        tokenizers.register(DEFINITION_TOKENIZER, DefinitionTokenizer::default());
        tokenizers.register(NAME_TOKENIZER, NameTokenizer::default());
    }
}

impl DocumentMaker {
    pub(crate) fn new() -> Self {
        Self {
            trigrams: Trigrams::new(),
            terms: String::new(),
            texts: Texts::new(),
        }
    }

    /// Makes the document of a content. Symbols are read as of `language`; without one, or where they cannot be read,
    /// all text is words. `None` when the content has too many trigrams.
    pub(super) fn make(
        &mut self,
        shape: &Shape,
        content: &Content,
        language: Option<Language>,
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
        write_terms(trigrams.iter().copied(), &mut self.terms);
        write_terms(runs(&content.text), &mut self.terms);
        fields.add_text(shape.trigrams, &self.terms);
        let mut bytes = self.terms.len();
        if content.reason.is_none() {
            let text = String::from_utf8_lossy(&content.text);
            let outline = self.texts.read(&text, language);
            for (field, text) in [
                (shape.words, &self.texts.words),
                (shape.comments, &self.texts.comments),
                (shape.defs, &self.texts.defs),
                (shape.refs, &self.texts.refs),
            ] {
                if !text.is_empty() {
                    fields.add_text(field, text);
                    bytes += text.len();
                }
            }
            if let (Some(language), Some(outline)) = (language, outline) {
                let encoded = encode_outline(language, &outline);
                bytes += encoded.len();
                fields.add_text(shape.outline, encoded);
            }
        }
        Some(Document {
            fields,
            _room: waiting.take(bytes),
        })
    }
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self {
            symbols: Reader::new(),
            words: String::new(),
            comments: String::new(),
            defs: String::new(),
            refs: String::new(),
        }
    }

    /// Takes a text. The outline, when symbols were read; else all of it is words.
    pub(crate) fn read(&mut self, text: &str, language: Option<Language>) -> Option<Outline> {
        for field in [
            &mut self.words,
            &mut self.comments,
            &mut self.defs,
            &mut self.refs,
        ] {
            field.clear();
        }
        let parsed = language.and_then(|language| self.symbols.read(language, text).ok());
        let Some(parsed) = parsed else {
            self.words.push_str(text);
            return None;
        };
        let mut at = 0;
        for comment in &parsed.comments {
            // Ranges that lie in one another are told once.
            let start = comment.start.max(at);
            if let (Some(before), Some(inside)) =
                (text.get(at..start), text.get(start..comment.end))
            {
                self.words.push_str(before);
                self.words.push(' ');
                self.comments.push_str(inside);
                self.comments.push('\n');
                at = comment.end;
            }
        }
        self.words.push_str(text.get(at..).unwrap_or_default());
        let definitions = parsed.outline.definitions();
        let kinds: BTreeSet<_> = definitions
            .iter()
            .map(|definition| definition.kind)
            .collect();
        for kind in kinds {
            self.defs.extend([KIND]);
            put(&mut self.defs, kind.name());
        }
        for definition in definitions {
            put(&mut self.defs, &definition.name);
        }
        let mut seen = HashSet::with_capacity(parsed.references.len() / 4);
        for reference in &parsed.references {
            if seen.insert(reference.name) {
                put(&mut self.refs, reference.name);
            }
        }
        Some(parsed.outline)
    }
}

fn put(names: &mut String, name: &str) {
    names.push_str(name);
    names.push(END);
}

/// The stored form of an outline: the outline, then the number of the language that it was read as.
///
/// A content may lie under names of several languages; the one that came first is the one that was read.
///
/// It is text, a character for each byte, because tantivy reads stored bytes one by one and text at once.
fn encode_outline(language: Language, outline: &Outline) -> String {
    let mut bytes = outline.encode();
    bytes.push(language as u8);
    bytes.into_iter().map(char::from).collect()
}

/// Reads what [`encode_outline`] wrote, when it was read as `language`.
pub(crate) fn decode_outline(text: &str, language: Language) -> Option<Outline> {
    let bytes = bytes_of(text)?;
    let (number, outline) = bytes.split_last()?;
    if *number != language as u8 {
        return None;
    }
    Outline::decode(outline).ok()
}

/// The bytes that a text has a character for, when all of its characters are bytes.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut encoded = text.bytes();
    while let Some(first) = encoded.next() {
        bytes.push(match first {
            0..0x80 => first,
            // Up to U+00FF the second byte has six bits and the first one two.
            0xC2 | 0xC3 => first << 6 | encoded.next()? & 0x3F,
            _ => return None,
        });
    }
    Some(bytes)
}

/// The tokenizers of [`Texts`]: of words and comments, and of definitions.
#[derive(Clone, Default)]
pub(crate) struct Tokenizers {
    pub(crate) words: WordTokenizer,
    pub(crate) defs: DefinitionTokenizer,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_character() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text: String = bytes.iter().copied().map(char::from).collect();
        assert_eq!(bytes_of(&text), Some(bytes));
        assert_eq!(bytes_of("a\u{100}"), None);
    }
}
