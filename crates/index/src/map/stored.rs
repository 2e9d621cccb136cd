//! The graph of a folder, read from the index: which file defines a name is a matter of `defs`, which refers to it one
//! of `refs`, and both have their terms in order.

use super::{
    File, SearchError, Texts,
    graph::{Graph, GraphMaker},
};
use crate::{
    content::ContentId,
    index::Core,
    store::{EXACT, Shape, Snapshot, StoreError},
    symbols::Language,
};
use kerf_workspace::RelPath;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tantivy::{
    DocSet, InvertedIndexReader, TERMINATED,
    postings::{Postings, TermInfo},
    schema::IndexRecordOption,
    termdict::TermMerger,
};

/// Files with the same content beyond these have no edges: copies of copies tell nothing.
const MAX_COPIES: usize = 64;

/// After how many names to look whether the map is still wanted.
const LOOK_EVERY: usize = 4_096;

/// What is known of a folder.
pub(super) struct Repository {
    /// By path; the place of each is its number in the graph.
    pub(super) files: Vec<File>,
    pub(super) paths: Texts,
    pub(super) graph: Graph,
    /// How many names each file defines.
    definitions: Vec<u32>,
}

impl Repository {
    /// Reads the graph of the files that the index holds. Where it is damaged the graph ends, and the index is built
    /// anew.
    pub(super) fn read(
        core: &Core,
        snapshot: &Snapshot,
        files: &[File],
        cancel: &AtomicBool,
    ) -> Result<Self, SearchError> {
        let texts: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        let mut paths = Texts::default();
        texts.iter().for_each(|text| paths.push(text));
        let mut maker = GraphMaker::new(texts.iter().map(String::as_str));
        let mut definitions = vec![0; files.len()];
        // Of a damaged index nothing is told, and it is built anew.
        let _read = core.store().ask(|shape| {
            read_names(snapshot, shape, files, cancel, |name| {
                for &(_, file) in &name.definers {
                    definitions[file as usize] += 1;
                }
                name.tell(&mut maker);
            })
        });
        if cancel.load(Ordering::Relaxed) {
            return Err(SearchError::Cancelled);
        }
        Ok(Self {
            files: files.to_vec(),
            paths,
            graph: maker.finish(),
            definitions,
        })
    }

    /// The number of a file in the graph.
    pub(super) fn place(&self, path: &RelPath) -> Option<u32> {
        let place = self.files.binary_search_by(|file| file.path.cmp(path));
        place.ok().map(|place| place as u32)
    }

    /// How many names the files define of which `counts` is true; a name that two of them define counts twice.
    pub(super) fn count_definitions(&self, counts: impl Fn(&RelPath) -> bool) -> usize {
        let of = self.files.iter().zip(&self.definitions);
        of.filter(|(file, _)| counts(&file.path))
            .map(|(_, &count)| count as usize)
            .sum()
    }
}

/// Files whose names may mean each other: those of one language, and of languages that share their names. `None`: the
/// names of headings and keys are no names of code.
fn family(language: Language) -> Option<u8> {
    use Language as L;
    Some(match language {
        L::Json | L::Toml | L::Yaml | L::Markdown => return None,
        L::C | L::Cpp => L::C as u8,
        L::TypeScript | L::Tsx | L::JavaScript => L::JavaScript as u8,
        L::Html | L::Css => L::Html as u8,
        other => other as u8,
    })
}

/// A name, and the files that know it by their families.
#[derive(Default)]
struct Name {
    text: String,
    definers: Vec<(Option<u8>, u32)>,
    /// With how often.
    referrers: Vec<(Option<u8>, u32, u32)>,
}

impl Name {
    /// Tells each meaning of the name.
    fn tell(&mut self, maker: &mut GraphMaker) {
        self.definers.sort_unstable();
        let mut files = Vec::new();
        for definers in self.definers.chunk_by(|one, other| one.0 == other.0) {
            let family = definers[0].0;
            if family.is_none() {
                continue;
            }
            files.clear();
            files.extend(definers.iter().map(|(_, file)| *file));
            let referrers = self
                .referrers
                .iter()
                .filter(|referrer| referrer.0 == family);
            maker.add(
                &self.text,
                &files,
                referrers.map(|&(_, file, count)| (file, count)),
            );
        }
    }
}

/// The documents of one segment.
struct Documents {
    /// Where the files of each are among those by content, and how many.
    files: Vec<(u32, u32)>,
    definitions: Arc<InvertedIndexReader>,
    references: Arc<InvertedIndexReader>,
}

/// Goes through all names that are defined.
fn read_names(
    snapshot: &Snapshot,
    shape: &Shape,
    files: &[File],
    cancel: &AtomicBool,
    mut tell: impl FnMut(&mut Name),
) -> Result<(), StoreError> {
    let by_content = ByContent::new(files);
    let mut segments = Vec::new();
    for (reader, ids) in snapshot.segments() {
        let mut places = vec![(0, 0); ids.len()];
        for doc in reader.doc_ids_alive() {
            if let (Some(place), Some(id)) = (places.get_mut(doc as usize), ids.get(doc as usize)) {
                *place = by_content.places.get(id).copied().unwrap_or_default();
            }
        }
        segments.push(Documents {
            files: places,
            definitions: reader.inverted_index(shape.defs)?,
            references: reader.inverted_index(shape.refs)?,
        });
    }
    let mut mark = [0; 4];
    let mark = EXACT.encode_utf8(&mut mark).as_bytes();
    let mut defined = Vec::new();
    let mut referred = Vec::new();
    for segment in &segments {
        // The mark is ASCII, so that no other first byte lies between it and the next.
        let after = [mark[0] + 1];
        let terms = segment.definitions.terms().range().ge(mark).lt(after);
        defined.push(terms.into_stream()?);
        referred.push(segment.references.terms().stream()?);
    }
    let mut defined = TermMerger::new(defined);
    let mut referred = TermMerger::new(referred);
    let mut name = Name::default();
    let mut has_referred = referred.advance();
    let mut count = 0;
    while defined.advance() {
        count += 1;
        if count % LOOK_EVERY == 0 && cancel.load(Ordering::Relaxed) {
            break;
        }
        let term = defined.key().strip_prefix(mark).unwrap_or_default();
        while has_referred && referred.key() < term {
            has_referred = referred.advance();
        }
        let Ok(text) = std::str::from_utf8(term) else {
            continue;
        };
        name.definers.clear();
        name.referrers.clear();
        for (number, info) in defined.current_segment_ords_and_term_infos() {
            let segment = &segments[number];
            by_content.each(segment, &segment.definitions, &info, |family, file, _| {
                name.definers.push((family, file));
            })?;
        }
        if name.definers.is_empty() {
            continue;
        }
        if has_referred && referred.key() == term {
            for (number, info) in referred.current_segment_ords_and_term_infos() {
                let segment = &segments[number];
                by_content.each(
                    segment,
                    &segment.references,
                    &info,
                    |family, file, count| {
                        name.referrers.push((family, file, count));
                    },
                )?;
            }
        }
        name.text.clear();
        name.text.push_str(text);
        tell(&mut name);
    }
    Ok(())
}

/// The files of each content.
struct ByContent {
    /// With their families.
    files: Vec<(Option<u8>, u32)>,
    places: HashMap<ContentId, (u32, u32)>,
}

impl ByContent {
    fn new(files: &[File]) -> Self {
        let mut by_id: Vec<(ContentId, u32)> = files
            .iter()
            .enumerate()
            .filter_map(|(number, file)| Some((file.id?, number as u32)))
            .collect();
        by_id.sort_unstable();
        let mut places = HashMap::with_capacity(by_id.len());
        let mut known = Vec::with_capacity(by_id.len());
        for copies in by_id.chunk_by(|one, other| one.0 == other.0) {
            let count = copies.len().min(MAX_COPIES);
            places.insert(copies[0].0, (known.len() as u32, count as u32));
            known.extend(copies[..count].iter().map(|&(_, number)| {
                let language = files[number as usize].language;
                (language.and_then(family), number)
            }));
        }
        Self {
            files: known,
            places,
        }
    }

    /// Each file of each document that has the term, with its family and how often.
    fn each(
        &self,
        segment: &Documents,
        index: &InvertedIndexReader,
        info: &TermInfo,
        mut tell: impl FnMut(Option<u8>, u32, u32),
    ) -> Result<(), StoreError> {
        let mut postings = index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        while postings.doc() != TERMINATED {
            let place = segment.files.get(postings.doc() as usize);
            let (first, count) = place.copied().unwrap_or_default();
            let often = postings.term_freq();
            for &(family, file) in &self.files[first as usize..(first + count) as usize] {
                tell(family, file, often);
            }
            postings.advance();
        }
        Ok(())
    }
}
