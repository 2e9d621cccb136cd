//! What tantivy does by itself: BM25 over whole files, cut into words by its default tokenizer.

use crate::Done;
use kerf_workspace::{Walk, Workspace};
use std::{fmt::Display, fs, path::Path};
use tantivy::{
    Index, Searcher, TantivyDocument, Term,
    collector::TopDocs,
    doc,
    query::{BooleanQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption, STORED, Schema, TEXT, Value},
    tokenizer::TokenStream,
};

/// What its writer gathers, in bytes, as its own examples have it.
const WRITER_BYTES: usize = 100_000_000;

/// An index of whole files.
pub(super) struct Plain {
    index: Index,
    searcher: Searcher,
    path: Field,
    body: Field,
}

impl Plain {
    /// Indexes the files of a folder that are texts. How many there are.
    pub(super) fn index(root: &Path, place: &Path) -> Done<usize> {
        fs::create_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
        let mut schema = Schema::builder();
        let path = schema.add_text_field("path", STORED);
        let body = schema.add_text_field("body", TEXT);
        let index = Index::create_in_dir(place, schema.build()).map_err(told)?;
        let mut writer = index.writer(WRITER_BYTES).map_err(told)?;
        let workspace = Workspace::open(root).map_err(told)?;
        let mut files = 0;
        for (file, _) in workspace.walk(&Walk::default()).files {
            // What is no text is no file of words.
            let Ok(text) = fs::read_to_string(root.join(file.as_path())) else {
                continue;
            };
            files += 1;
            let document = doc!(path => file.to_string(), body => text);
            writer.add_document(document).map_err(told)?;
        }
        writer.commit().map_err(told)?;
        Ok(files)
    }

    pub(super) fn build(root: &Path, place: &Path) -> Done<Self> {
        Self::index(root, place)?;
        let index = Index::open_in_dir(place).map_err(told)?;
        let searcher = index.reader().map_err(told)?.searcher();
        let field = |name| index.schema().get_field(name).map_err(told);
        Ok(Self {
            path: field("path")?,
            body: field("body")?,
            index,
            searcher,
        })
    }

    /// The paths of the files that hold any of the words, best first.
    pub(super) fn rank(&self, question: &str, limit: usize) -> Done<Vec<String>> {
        let mut tokenizer = self.index.tokenizer_for_field(self.body).map_err(told)?;
        let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut tokens = tokenizer.token_stream(question);
        tokens.process(&mut |token| {
            let term = Term::from_field_text(self.body, &token.text);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            words.push((Occur::Should, Box::new(query)));
        });
        let best = TopDocs::with_limit(limit).order_by_score();
        let found = self.searcher.search(&BooleanQuery::new(words), &best);
        let path = |address| {
            let document: TantivyDocument = self.searcher.doc(address).map_err(told)?;
            let path = document.get_first(self.path).and_then(|path| path.as_str());
            Ok(path.unwrap_or_default().to_owned())
        };
        let found = found.map_err(told)?.into_iter();
        found.map(|(_, address)| path(address)).collect()
    }
}

fn told(error: impl Display) -> String {
    error.to_string()
}
