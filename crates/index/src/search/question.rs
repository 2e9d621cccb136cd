//! What the words of a question count for in each content: BM25 (Robertson and Zaragoza, "The Probabilistic Relevance
//! Framework", 2009) over several fields, with a share for how many of the words are there at all.
//!
//! A word asks for several terms: the identifier whole and each of its parts, in each field. What they find is added up
//! for the word, then the words are added up for the content. All contents are scored, in arrays by their number, so
//! that what a content is worth does not depend on which are looked at first.

use super::finder::{Finder, Item};
use crate::{
    catalog::{Catalog, NONE},
    index::Core,
    store::{EXACT, FOLDED, Snapshot, Texts, Tokenizers},
    words::WHOLE,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};
use tantivy::{
    DocSet, TERMINATED, Term,
    fieldnorm::FieldNormReader,
    postings::Postings,
    schema::{Field, IndexRecordOption},
    tokenizer::{TokenStream, Tokenizer},
};

/// How soon more of the same word says nothing new, and how much the length of a field counts.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// How much the share of the words that are there counts: in a few words, which are all meant, and in a text of many,
/// of which no file has all. In between it is in between.
const COVER: (f32, f32) = (1.5, 0.3);
const FEW_WORDS: f32 = 4.0;
const MANY_WORDS: f32 = 12.0;

/// How much more a name of several parts is asked for than a plain word: nobody writes one that is not meant.
const NAMED: f32 = 2.0;

/// How much more a word is asked for that is written again, by the logarithm of how often.
const REPEATED: f32 = 0.5;

/// What each word before it takes from a word: a text begins with what it is about.
const LATER: f32 = 0.05;

const WORDS: usize = 0;
const COMMENTS: usize = 1;
const DEFS: usize = 2;

/// What a term counts in each field, as the whole identifier and as one of its parts.
const WEIGHTS: [(f32, f32); 3] = [(1.6, 1.0), (1.2, 0.75), (4.0, 2.0)];

/// What a word counts in a file's name, and in the names of its folders.
const IN_NAME: f32 = 2.0;
const IN_FOLDER: f32 = 1.0;

/// What is asked of the fields.
pub(super) struct Question {
    pub(super) finder: Finder,
    /// Whether tests are asked for.
    pub(super) wants_tests: bool,
    terms: Vec<AskedTerm>,
    lengths: [f32; 3],
    documents: f32,
}

struct AskedTerm {
    field: usize,
    text: String,
    item: usize,
    /// Which parts of the word it stands for.
    bits: u32,
    weight: f32,
    /// How rare it is, and how much its word is asked for.
    idf: f32,
}

/// What each content is worth, by its number.
#[derive(Default)]
pub(super) struct Scores {
    sums: Vec<f32>,
    covers: Vec<f32>,
    /// The contents that hold a word.
    pub(super) found: Vec<u32>,
}

impl Question {
    pub(super) fn new(items: Vec<Item>) -> Self {
        let finder = Finder::new(items);
        let mut terms = Vec::new();
        for (number, item) in finder.items.iter().enumerate() {
            let share = if item.parts.len() > 1 { 0.5 } else { 1.0 };
            for (field, (whole, part)) in WEIGHTS.into_iter().enumerate() {
                let mut add = |text: String, bits, weight| {
                    terms.push(AskedTerm {
                        field,
                        text,
                        item: number,
                        bits,
                        weight,
                        idf: 0.0,
                    });
                };
                if field == DEFS {
                    add(format!("{EXACT}{}", item.name), item.all(), whole);
                    add(format!("{FOLDED}{}", item.name), item.all(), whole);
                } else {
                    add(format!("{WHOLE}{}", item.name), item.all(), whole);
                }
                // Two plain words in a row may be one name: `round refunds` is `round_refunds` and `roundRefunds`.
                if let (Some(next), [_]) = (finder.items.get(number + 1), &item.parts[..])
                    && next.parts.len() == 1
                {
                    let marks: &[char] = match field {
                        DEFS => &[EXACT, FOLDED],
                        _ => &[WHOLE],
                    };
                    let (one, other) = (&item.name, &next.name);
                    for mark in marks {
                        add(format!("{mark}{one}_{other}"), item.all(), whole);
                        add(format!("{mark}{one}{other}"), item.all(), whole);
                    }
                }
                for (bit, text) in item.parts.iter().enumerate() {
                    add(text.clone(), 1 << bit, part * share);
                }
            }
        }
        let tests = ["test", "spec", "fixtur", "mock"];
        let wants_tests = finder
            .items
            .iter()
            .flat_map(|item| &item.parts)
            .any(|part| tests.contains(&part.as_str()));
        Self {
            finder,
            wants_tests,
            terms,
            lengths: [1.0; 3],
            documents: 1.0,
        }
    }

    /// Scores the contents of the catalog that the snapshot holds.
    pub(super) fn score(
        &mut self,
        core: &Core,
        snapshot: &Snapshot,
        catalog: &Catalog,
        cancel: &AtomicBool,
    ) -> Scores {
        let scores = core.store().ask(|shape| {
            let fields = [shape.words, shape.comments, shape.defs];
            self.count(snapshot, fields)?;
            let mut scores = Scores::new(catalog.contents());
            let mut item = OfItem::new(catalog.contents());
            for number in 0..self.finder.items.len() {
                if cancel.load(Ordering::Relaxed) {
                    break;
                }
                self.score_texts(number, snapshot, catalog, fields, &mut item)?;
                self.score_paths(number, catalog, &mut item);
                item.add_to(&mut scores, &self.finder.items[number]);
            }
            Ok(scores)
        });
        scores.unwrap_or_default()
    }

    /// Learns how rare the words are.
    fn count(&mut self, snapshot: &Snapshot, fields: [Field; 3]) -> tantivy::Result<()> {
        let mut documents = 0;
        let mut tokens = [0; 3];
        let mut found = vec![0; self.terms.len()];
        for (reader, _) in snapshot.segments() {
            documents += reader.max_doc();
            for (field, &of_index) in fields.iter().enumerate() {
                let index = reader.inverted_index(of_index)?;
                tokens[field] += index.total_num_tokens();
                for (term, found) in self.terms.iter().zip(&mut found) {
                    if term.field == field {
                        *found += index.doc_freq(&Term::from_field_text(of_index, &term.text))?;
                    }
                }
            }
        }
        self.documents = documents.max(1) as f32;
        self.lengths = tokens.map(|tokens| (tokens as f32 / self.documents).max(1.0));
        let idf = |found: u32| {
            let found = found as f32;
            (1.0 + (self.documents - found + 0.5).max(0.5) / (found + 0.5)).ln()
        };
        for (term, &found) in self.terms.iter_mut().zip(&found) {
            term.idf = idf(found) * asked_for(term.item, &self.finder.items[term.item]);
        }
        for (number, item) in self.finder.items.iter_mut().enumerate() {
            // A word is as rare as its most frequent form makes it, part by part.
            let rarity = |bit: u32| {
                let of_part = self
                    .terms
                    .iter()
                    .zip(&found)
                    .filter(|(term, _)| term.item == number && term.bits == bit);
                idf(of_part.map(|(_, &found)| found).max().unwrap_or_default())
            };
            let parts = item.parts.len().max(1) as u32;
            let rarity = (0..parts).map(|part| rarity(1 << part)).sum::<f32>() / parts as f32;
            item.weight = rarity * asked_for(number, item);
        }
        Ok(())
    }

    fn score_texts(
        &self,
        number: usize,
        snapshot: &Snapshot,
        catalog: &Catalog,
        fields: [Field; 3],
        item: &mut OfItem,
    ) -> tantivy::Result<()> {
        for term in self.terms.iter().filter(|term| term.item == number) {
            let field = fields[term.field];
            let norms = self.norms(term.field);
            let key = Term::from_field_text(field, &term.text);
            for (segment, (reader, _)) in snapshot.segments().enumerate() {
                let postings = reader
                    .inverted_index(field)?
                    .read_postings(&key, IndexRecordOption::WithFreqs)?;
                let Some(mut postings) = postings else {
                    continue;
                };
                let numbers = catalog.segment(segment);
                let lengths = reader.get_fieldnorms_reader(field)?;
                let worth = term.weight * term.idf;
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    let content = numbers.get(doc as usize).copied().unwrap_or(NONE);
                    if content != NONE && !reader.is_deleted(doc) {
                        let norm = norms[usize::from(lengths.fieldnorm_id(doc))];
                        item.add(
                            content,
                            worth * saturated(postings.term_freq(), norm),
                            term.bits,
                        );
                    }
                    postings.advance();
                }
            }
        }
        Ok(())
    }

    fn score_paths(&self, number: usize, catalog: &Catalog, item: &mut OfItem) {
        let asked = &self.finder.items[number];
        let whole = format!("{WHOLE}{}", asked.name);
        let parts = (0..).zip(&asked.parts).map(|(bit, part)| (part, 1 << bit));
        for (word, bits) in parts.chain([(&whole, asked.all())]) {
            for place in catalog.in_paths(word) {
                let Some(file) = catalog.file(place.file) else {
                    continue;
                };
                if file.content != NONE && catalog.stored(file.content).is_some() {
                    item.add_path(
                        file.content,
                        self.worth_in_path(number, bits, place.is_name),
                        bits,
                    );
                }
            }
        }
    }

    fn worth_in_path(&self, number: usize, bits: u32, is_name: bool) -> f32 {
        let asked = &self.finder.items[number];
        let share = bits.count_ones() as f32 / asked.all().count_ones() as f32;
        asked.weight * share * if is_name { IN_NAME } else { IN_FOLDER }
    }

    /// By the number that stands for a length: what the length adds to how often a word must come.
    fn norms(&self, field: usize) -> [f32; 256] {
        let mut norms = [0.0; 256];
        for (id, norm) in (0..=u8::MAX).zip(&mut norms) {
            *norm = self.norm(field, FieldNormReader::id_to_fieldnorm(id) as f32);
        }
        norms
    }

    fn norm(&self, field: usize, length: f32) -> f32 {
        K1 * (1.0 - B + B * length / self.lengths[field])
    }

    /// The score of one text that the store does not hold.
    pub(super) fn score_one(&self, texts: &Texts, path: &str, with: &mut Tokenizers) -> f32 {
        let mut wanted: [HashMap<&str, Vec<usize>>; 3] = Default::default();
        for (number, term) in self.terms.iter().enumerate() {
            wanted[term.field]
                .entry(&term.text)
                .or_default()
                .push(number);
        }
        let mut counts = vec![0; self.terms.len()];
        let mut lengths = [0_u32; 3];
        {
            let mut count = |field: usize, word: &str| {
                lengths[field] += 1;
                for &number in wanted[field].get(word).into_iter().flatten() {
                    counts[number] += 1;
                }
            };
            let mut tokens = with.words.token_stream(&texts.words);
            tokens.process(&mut |token| count(WORDS, &token.text));
            let mut tokens = with.words.token_stream(&texts.comments);
            tokens.process(&mut |token| count(COMMENTS, &token.text));
            let mut tokens = with.defs.token_stream(&texts.defs);
            tokens.process(&mut |token| count(DEFS, &token.text));
        }
        let mut scores = Scores::new(1);
        let mut item = OfItem::new(1);
        let name = path.rfind('/').map_or(0, |at| at + 1);
        for (number, asked) in self.finder.items.iter().enumerate() {
            for (term, &count) in self.terms.iter().zip(&counts) {
                if term.item == number && count > 0 {
                    let norm = self.norm(term.field, lengths[term.field] as f32);
                    let worth = term.weight * term.idf * saturated(count, norm);
                    item.add(0, worth, term.bits);
                }
            }
            let mut tokens = with.words.token_stream(path);
            while tokens.advance() {
                let token = tokens.token();
                let bits = asked.bits(&token.text);
                if bits != 0 {
                    let worth = self.worth_in_path(number, bits, token.offset_from >= name);
                    item.add_path(0, worth, bits);
                }
            }
            item.add_to(&mut scores, asked);
        }
        self.total(&scores, 0)
    }

    /// How much the share of the words that are there counts.
    fn cover(&self) -> f32 {
        let words = self.finder.items.len() as f32;
        let many = ((words - FEW_WORDS) / (MANY_WORDS - FEW_WORDS)).clamp(0.0, 1.0);
        COVER.0 + (COVER.1 - COVER.0) * many
    }

    /// What a content is worth.
    pub(super) fn total(&self, scores: &Scores, content: u32) -> f32 {
        let all: f32 = self.finder.items.iter().map(|item| item.weight).sum();
        let content = content as usize;
        match (scores.sums.get(content), scores.covers.get(content)) {
            (Some(sum), Some(cover)) if all > 0.0 => sum * (cover / all).powf(self.cover()),
            _ => 0.0,
        }
    }
}

/// How much a word is asked for beside others, from its place and form in the question.
fn asked_for(number: usize, item: &Item) -> f32 {
    let is_name = item.parts.len() > 1 || item.name.contains('_');
    let named = if is_name { NAMED } else { 1.0 };
    let repeated = 1.0 + REPEATED * (item.times as f32).ln();
    named * repeated / (1.0 + LATER * number as f32)
}

fn saturated(count: u32, norm: f32) -> f32 {
    let count = count as f32;
    count * (K1 + 1.0) / (count + norm)
}

impl Scores {
    fn new(contents: usize) -> Self {
        Self {
            sums: vec![0.0; contents],
            covers: vec![0.0; contents],
            found: Vec::new(),
        }
    }
}

/// What one word of the question is worth in each content, by its number.
struct OfItem {
    sums: Vec<f32>,
    bits: Vec<u32>,
    /// Parts that paths were counted for: files of one content count once.
    paths: Vec<u32>,
    found: Vec<u32>,
}

impl OfItem {
    fn new(contents: usize) -> Self {
        Self {
            sums: vec![0.0; contents],
            bits: vec![0; contents],
            paths: vec![0; contents],
            found: Vec::new(),
        }
    }

    fn add(&mut self, content: u32, worth: f32, bits: u32) {
        let at = content as usize;
        let (Some(sum), Some(all)) = (self.sums.get_mut(at), self.bits.get_mut(at)) else {
            return;
        };
        if *all == 0 {
            self.found.push(content);
        }
        *sum += worth;
        *all |= bits;
    }

    fn add_path(&mut self, content: u32, worth: f32, bits: u32) {
        let Some(known) = self.paths.get_mut(content as usize) else {
            return;
        };
        if *known & bits != bits {
            *known |= bits;
            self.add(content, worth, bits);
        }
    }

    /// Adds the word to the scores, and forgets it.
    fn add_to(&mut self, scores: &mut Scores, item: &Item) {
        let all = item.all().count_ones() as f32;
        for content in self.found.drain(..) {
            let at = content as usize;
            if scores.sums[at] == 0.0 {
                scores.found.push(content);
            }
            scores.sums[at] += self.sums[at];
            scores.covers[at] += item.weight * self.bits[at].count_ones() as f32 / all;
            self.sums[at] = 0.0;
            self.bits[at] = 0;
            self.paths[at] = 0;
        }
    }
}
