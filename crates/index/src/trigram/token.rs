//! How trigrams come into a text field of tantivy: one value holds all trigrams of a content, one token is one of them.

use super::Trigram;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

impl Trigram {
    /// The trigram as a term of the index: a character for each byte, the one with the byte's number, so that bytes
    /// which are not UTF-8 have a term too.
    pub(crate) fn term(self) -> String {
        self.bytes().map(char::from).iter().collect()
    }
}

/// Appends the terms of `trigrams` to `text`, as [`TrigramTokenizer`] takes them apart.
pub(crate) fn write_terms(trigrams: impl Iterator<Item = Trigram>, text: &mut String) {
    text.reserve(trigrams.size_hint().0 * 3);
    for trigram in trigrams {
        text.extend(trigram.bytes().map(char::from));
    }
}

/// Makes every three characters of a value one token.
///
/// The tokens say nothing of where they are: the field is to be indexed with `IndexRecordOption::Basic`.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrigramTokenizer {
    token: Token,
}

/// The tokens of one value.
#[derive(Debug)]
pub(crate) struct TrigramTokens<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for TrigramTokenizer {
    type TokenStream<'a> = TrigramTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TrigramTokens<'a> {
        self.token.reset();
        self.token.position = 0;
        TrigramTokens {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for TrigramTokens<'_> {
    fn advance(&mut self) -> bool {
        let mut chars = self.rest.chars();
        if chars.nth(2).is_none() {
            return false;
        }
        let (trigram, rest) = self.rest.split_at(self.rest.len() - chars.as_str().len());
        self.token.text.clear();
        self.token.text.push_str(trigram);
        self.rest = rest;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use crate::trigram::{Trigram, TrigramTokenizer, Trigrams, write_terms};
    use tantivy::{
        Index, IndexWriter, TantivyDocument, Term,
        collector::Count,
        query::TermQuery,
        schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
    };

    #[test]
    fn an_index_finds_each_trigram() {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("trigram")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let mut schema = Schema::builder();
        let options = TextOptions::default().set_indexing_options(indexing);
        let field = schema.add_text_field("trigrams", options);
        let index = Index::create_in_ram(schema.build());
        index
            .tokenizers()
            .register("trigram", TrigramTokenizer::default());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15 << 20).unwrap();
        let texts: [&[u8]; 4] = [
            b"fn main() {}\n\0",
            b"",
            b"\xff\x80\xfe\x7f",
            "Straße→".as_bytes(),
        ];
        let mut finder = Trigrams::new();
        for text in texts {
            let mut terms = String::new();
            write_terms(finder.of(text).iter().copied(), &mut terms);
            let mut document = TantivyDocument::new();
            document.add_text(field, &terms);
            writer.add_document(document).unwrap();
        }
        writer.commit().unwrap();

        let searcher = index.reader().unwrap().searcher();
        let count = |trigram: Trigram| {
            let term = Term::from_field_text(field, &trigram.term());
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            searcher.search(&query, &Count).unwrap()
        };
        let mut all = 0;
        for text in texts {
            for &trigram in finder.of(text) {
                assert_eq!(count(trigram), 1, "{trigram:?}");
                all += 1;
            }
        }
        assert_eq!(count(Trigram::new(*b"xyz").unwrap()), 0);
        let terms = searcher.segment_reader(0).inverted_index(field).unwrap();
        assert_eq!(terms.terms().num_terms(), all);
    }
}
