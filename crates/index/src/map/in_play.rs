//! What is in play: the files and words of a task, found among the paths and names of a graph.

use super::{
    graph::{Graph, Texts},
    rank::InPlay,
};
use crate::{
    matcher::LineMatcher,
    words::{self, Asked, WordTokenizer},
};
use grep_matcher::Matcher;
use std::collections::{BTreeMap, BTreeSet};
use tantivy::tokenizer::{TokenStream, Tokenizer};

/// A word that more names or paths hold tells nothing; those beyond are not looked at.
const MAX_MATCHES: usize = 10_000;

/// How much more a name counts that is the word itself than one that only holds it.
const WHOLE: f64 = 8.0;

/// Finds what is in play. `files` are those in play; words that are not found change nothing.
pub(super) fn find(graph: &Graph, paths: &Texts, mut files: Vec<u32>, words: &[String]) -> InPlay {
    files.sort_unstable();
    files.dedup();
    let mut names = BTreeSet::new();
    let mut starts: BTreeMap<u32, f64> = BTreeMap::new();
    let Words { words, mut reader } = Words::new(words);
    for word in words {
        let found = word.matches(&graph.names, &mut reader);
        let whole: f64 = found.iter().map(|(_, weight)| weight).sum();
        for (name, weight) in &found {
            for (file, share) in graph.definers(*name) {
                *starts.entry(file).or_default() += f64::from(share) * weight / whole;
            }
        }
        names.extend(found.iter().map(|(name, _)| *name as u32));
        let found: Vec<_> = (word.matches(paths, &mut reader).into_iter())
            .map(|(file, weight)| (file, weight * f64::from(graph.weights[file])))
            .collect();
        let whole: f64 = found.iter().map(|(_, weight)| weight).sum();
        for (file, weight) in found {
            *starts.entry(file as u32).or_default() += weight / whole;
        }
    }
    InPlay {
        files,
        names: names.into_iter().collect(),
        starts: starts.into_iter().collect(),
    }
}

/// Words of a task, ready to be looked for.
pub(super) struct Words {
    words: Vec<Word>,
    reader: NameReader,
}

struct Word {
    asked: Asked,
    /// Finds lines that may hold the word.
    hint: LineMatcher,
}

/// Takes names apart. Remembers stems.
#[derive(Default)]
struct NameReader {
    tokenizer: WordTokenizer,
    /// The words of the name that was read last.
    words: Vec<String>,
    /// How many identifiers it is.
    runs: usize,
}

impl Words {
    pub(super) fn new(words: &[String]) -> Self {
        let asked = words::question(&words.join(" "));
        Self {
            words: asked.into_iter().filter_map(Word::new).collect(),
            reader: NameReader::default(),
        }
    }

    /// Whether a name holds one of the words.
    pub(super) fn are_in(&mut self, name: &str) -> bool {
        if self.words.is_empty() {
            return false;
        }
        self.reader.read(name);
        self.words
            .iter()
            .any(|word| word.weight(&self.reader) > 0.0)
    }
}

impl NameReader {
    fn read(&mut self, name: &str) {
        self.words.clear();
        self.runs = 0;
        let mut stream = self.tokenizer.token_stream(name);
        while stream.advance() {
            self.runs = stream.token().position + 1;
            self.words.push(stream.token().text.clone());
        }
    }
}

impl Word {
    fn new(asked: Asked) -> Option<Self> {
        let part = asked.parts.iter().max_by_key(|part| part.len());
        let known = part.unwrap_or(&asked.whole);
        let known = known.trim_start_matches(words::WHOLE);
        // A stem may end otherwise than the word that it stands for: `retri` for `retry`.
        let sure = match known.char_indices().next_back() {
            Some((last, _)) if known.len() > 2 => &known[..last],
            _ => known,
        };
        let hint = LineMatcher::any_of([sure], true).ok()?;
        Some(Self { asked, hint })
    }

    /// The texts that hold the word, in order, each with how well.
    fn matches(&self, texts: &Texts, reader: &mut NameReader) -> Vec<(usize, f64)> {
        let mut found = Vec::new();
        let mut from = 0;
        let bytes = texts.text.as_bytes();
        while let Ok(Some(at)) = self.hint.find_at(bytes, from) {
            let number = texts.at(at.start());
            reader.read(texts.get(number));
            let weight = self.weight(reader);
            if weight > 0.0 {
                found.push((number, weight));
                if found.len() == MAX_MATCHES {
                    break;
                }
            }
            from = texts.end(number);
        }
        found
    }

    fn weight(&self, held: &NameReader) -> f64 {
        let Asked { whole, parts, .. } = &self.asked;
        let has = |word: &String| held.words.contains(word);
        let is_whole =
            has(whole) || held.runs == 1 && held.words.len() == 1 && parts.iter().any(has);
        if is_whole {
            WHOLE
        } else if !parts.is_empty() && parts.iter().all(has) {
            1.0
        } else {
            0.0
        }
    }
}
