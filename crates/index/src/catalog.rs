//! The files of one folder as ranked searches need them: which file has which content, where the store keeps it, and
//! which words its path has.
//!
//! A catalog is made from a listing and a snapshot of the store, and follows both: what has changed in them is taken in
//! by the next search. Files and contents have numbers that stay, so that scores can be kept in plain arrays. It knows
//! no text; a file whose text the store does not hold is told as pending.

mod standing;

pub(crate) use standing::Standing;

use crate::{
    content::ContentId,
    listing::{Changes, Entry, Listing, State},
    names::Names,
    store::{ContentSet, IdHasher, Snapshot, Stored},
    symbols::Language,
    words::WordTokenizer,
};
use kerf_workspace::RelPath;
use std::{
    collections::HashMap,
    hash::BuildHasherDefault,
    sync::{Arc, PoisonError, RwLock},
};
use tantivy::{
    index::SegmentId,
    tokenizer::{TokenStream, Tokenizer},
};

/// No file, or no content.
pub(crate) const NONE: u32 = u32::MAX;

/// With fewer numbers out of use the catalog is not made anew.
const DEAD_LEAST: usize = 1_000;

/// The files of a folder.
#[derive(Default)]
pub(crate) struct Catalog {
    files: Vec<File>,
    by_path: HashMap<RelPath, u32>,
    contents: Vec<Content>,
    by_id: HashMap<ContentId, u32, BuildHasherDefault<IdHasher>>,
    words: HashMap<Box<str>, Vec<InPath>>,
    /// In the order of the snapshot: the content that each document is, or [`NONE`] when no file here has it.
    segments: Vec<(SegmentId, Vec<u32>)>,
    snapshot: Option<Arc<Snapshot>>,
    /// So many contents were compared with the snapshot.
    joined: usize,
    pending: Vec<u32>,
    /// The files whose contents the store does not hold, with words or without.
    unheld: Vec<u32>,
    /// Numbers out of use.
    dead: usize,
    /// Made when asked for: without hidden files, and with them.
    names: [Option<Arc<Names>>; 2],
    tokenizer: WordTokenizer,
    round: u32,
}

/// One file.
pub(crate) struct File {
    pub(crate) path: RelPath,
    pub(crate) language: Option<Language>,
    pub(crate) standing: Standing,
    pub(crate) is_hidden: bool,
    /// Its content when it was last read, or [`NONE`].
    pub(crate) content: u32,
    /// The next file of the same content, or [`NONE`].
    next: u32,
    /// Whether it is still there.
    is_there: bool,
    /// Whether its text has words.
    has_words: bool,
    round: u32,
}

/// One content.
struct Content {
    id: ContentId,
    /// The first file that has it, or [`NONE`].
    first: u32,
    stored: Option<Stored>,
}

/// Where a word is in a path.
#[derive(Clone, Copy)]
pub(crate) struct InPath {
    pub(crate) file: u32,
    /// In the last name, and not in the names of folders.
    pub(crate) is_name: bool,
}

impl Catalog {
    /// Takes in what has changed.
    pub(crate) fn refresh(&mut self, listing: &RwLock<Listing>, snapshot: &Arc<Snapshot>) {
        let changes = {
            let is_new = self.round == 0;
            let read = listing.read().unwrap_or_else(PoisonError::into_inner);
            if !is_new && !read.has_changed() {
                None
            } else {
                drop(read);
                let mut listing = listing.write().unwrap_or_else(PoisonError::into_inner);
                let changes = listing.take_changes();
                Some(if is_new { Changes::All } else { changes })
            }
        };
        if let Some(changes) = &changes {
            let listing = listing.read().unwrap_or_else(PoisonError::into_inner);
            self.take(&listing, changes);
        }
        let is_joined =
            (self.snapshot.as_ref()).is_some_and(|joined| Arc::ptr_eq(joined, snapshot));
        if changes.is_some() || !is_joined {
            self.join(snapshot, is_joined);
            let is_pending = |file: &File| {
                let stored = self.content(file).and_then(|content| content.stored);
                file.is_there && file.has_words && stored.is_none()
            };
            self.pending = (0..)
                .zip(&self.files)
                .filter(|(_, file)| is_pending(file))
                .map(|(number, _)| number)
                .collect();
            let is_unheld = |file: &File| {
                let stored = self.content(file).and_then(|content| content.stored);
                file.is_there && stored.is_none()
            };
            self.unheld = (0..)
                .zip(&self.files)
                .filter(|(_, file)| is_unheld(file))
                .map(|(number, _)| number)
                .collect();
        }
    }

    fn take(&mut self, listing: &Listing, changes: &Changes) {
        if self.dead > DEAD_LEAST && self.dead > (self.files.len() + self.contents.len()) / 2 {
            *self = Self::default();
        }
        let is_new = self.round == 0;
        self.round += 1;
        match changes {
            Changes::Paths(paths) if !is_new => {
                for path in paths {
                    match listing.entry(path) {
                        Some(entry) => self.set(path, entry),
                        None => {
                            if let Some(&number) = self.by_path.get(path) {
                                self.remove(number);
                            }
                        }
                    }
                }
            }
            _ => {
                for (path, entry) in listing.files() {
                    self.set(path, entry);
                }
                for number in 0..self.files.len() {
                    let file = &self.files[number];
                    if file.is_there && file.round != self.round {
                        self.remove(number as u32);
                    }
                }
            }
        }
    }

    fn set(&mut self, path: &RelPath, entry: &Entry) {
        let number = match self.by_path.get(path) {
            Some(&number) => number,
            None => self.add(path),
        };
        let (id, language) = match &entry.state {
            State::Content { id, language, .. } => (Some(*id), Some(*language)),
            _ => (None, None),
        };
        let file = &mut self.files[number as usize];
        file.round = self.round;
        file.has_words = entry.state.reason().is_none();
        if let Some(language) = language {
            file.language = language;
        }
        let is_same = match id {
            Some(id) => self
                .contents
                .get(file.content as usize)
                .is_some_and(|content| content.id == id),
            None => file.content == NONE,
        };
        if !is_same {
            self.unlink(number);
            if let Some(id) = id {
                self.link(number, id);
            }
        }
    }

    fn add(&mut self, path: &RelPath) -> u32 {
        let number = self.files.len() as u32;
        let text = path.to_string();
        let name = text.rfind('/').map_or(0, |at| at + 1);
        let mut tokens = self.tokenizer.token_stream(&text);
        while tokens.advance() {
            let token = tokens.token();
            let places = match self.words.get_mut(token.text.as_str()) {
                Some(places) => places,
                None => self.words.entry(token.text.as_str().into()).or_default(),
            };
            places.push(InPath {
                file: number,
                is_name: token.offset_from >= name,
            });
        }
        self.files.push(File {
            path: path.clone(),
            language: Language::of(path.as_path(), ""),
            standing: Standing::of(&text),
            is_hidden: crate::files::is_hidden(path, &RelPath::root()),
            content: NONE,
            next: NONE,
            is_there: true,
            has_words: true,
            round: self.round,
        });
        self.by_path.insert(path.clone(), number);
        self.names = [None, None];
        number
    }

    fn remove(&mut self, number: u32) {
        self.unlink(number);
        let file = &mut self.files[number as usize];
        file.is_there = false;
        self.by_path.remove(&file.path);
        self.names = [None, None];
        self.dead += 1;
    }

    fn link(&mut self, number: u32, id: ContentId) {
        let content = *self.by_id.entry(id).or_insert_with(|| {
            self.contents.push(Content {
                id,
                first: NONE,
                stored: None,
            });
            (self.contents.len() - 1) as u32
        });
        let first = &mut self.contents[content as usize].first;
        let file = &mut self.files[number as usize];
        file.content = content;
        file.next = std::mem::replace(first, number);
    }

    fn unlink(&mut self, number: u32) {
        let file = &mut self.files[number as usize];
        let content = std::mem::replace(&mut file.content, NONE);
        let next = std::mem::replace(&mut file.next, NONE);
        let Some(content) = self.contents.get_mut(content as usize) else {
            return;
        };
        if content.first == number {
            content.first = next;
            self.dead += usize::from(next == NONE);
            return;
        }
        let mut at = content.first;
        while let Some(file) = self.files.get_mut(at as usize) {
            if file.next == number {
                file.next = next;
                return;
            }
            at = file.next;
        }
    }

    /// Finds where the contents are in the snapshot.
    fn join(&mut self, snapshot: &Arc<Snapshot>, is_joined: bool) {
        let new = self.joined..self.contents.len();
        self.joined = self.contents.len();
        let is_held = |content: &Content| snapshot.holds(content.id);
        if is_joined && !self.contents[new.clone()].iter().any(is_held) {
            return;
        }
        let known = self.segments.drain(..).collect();
        self.place(snapshot, known);
        // A segment that was looked at before knows nothing of contents that came to this folder since.
        let is_missing = |content: &Content| content.stored.is_none() && is_held(content);
        if self.contents[new].iter().any(is_missing) {
            self.place(snapshot, HashMap::new());
        }
        self.snapshot = Some(Arc::clone(snapshot));
    }

    /// Numbers the documents of the snapshot, but for those of segments that are numbered already.
    fn place(&mut self, snapshot: &Snapshot, mut known: HashMap<SegmentId, Vec<u32>>) {
        let number_of = |id: &ContentId| self.by_id.get(id).copied().unwrap_or(NONE);
        let segments = snapshot.segments().map(|(reader, ids)| {
            let segment = reader.segment_id();
            let numbers = known.remove(&segment);
            (
                segment,
                numbers.unwrap_or_else(|| ids.iter().map(number_of).collect()),
            )
        });
        self.segments = segments.collect();
        for content in &mut self.contents {
            content.stored = None;
        }
        let segments = snapshot.segments().zip(&self.segments);
        for (segment, ((reader, _), (_, numbers))) in (0..).zip(segments) {
            for (doc, &number) in (0..).zip(numbers) {
                if let Some(content) = self.contents.get_mut(number as usize)
                    && !reader.is_deleted(doc)
                {
                    content.stored = Some(Stored { segment, doc });
                }
            }
        }
    }

    /// Whether nothing has changed since the last [`Self::refresh`].
    pub(crate) fn is_fresh(&self, listing: &Listing, snapshot: &Arc<Snapshot>) -> bool {
        let is_same = |joined: &Arc<Snapshot>| Arc::ptr_eq(joined, snapshot);
        !listing.has_changed() && self.snapshot.as_ref().is_some_and(is_same)
    }

    /// The snapshot that contents are found in.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone().unwrap_or_default()
    }

    /// All files that are there, with their numbers.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u32, &File)> {
        (0..).zip(&self.files).filter(|(_, file)| file.is_there)
    }

    /// A file by its number, when it is still there.
    pub(crate) fn file(&self, number: u32) -> Option<&File> {
        self.files.get(number as usize).filter(|file| file.is_there)
    }

    /// A file by its path.
    pub(crate) fn file_at(&self, path: &RelPath) -> Option<&File> {
        self.file(*self.by_path.get(path)?)
    }

    fn content(&self, file: &File) -> Option<&Content> {
        self.contents.get(file.content as usize)
    }

    /// How many contents there are; their numbers are less.
    pub(crate) fn contents(&self) -> usize {
        self.contents.len()
    }

    /// The files that have a content, by its number.
    pub(crate) fn files_of(&self, content: u32) -> impl Iterator<Item = &File> {
        let first = self.contents.get(content as usize).map(|all| all.first);
        std::iter::successors(first.and_then(|first| self.file(first)), |file| {
            self.file(file.next)
        })
    }

    /// The content's name, and where the store keeps it.
    pub(crate) fn stored(&self, content: u32) -> Option<(ContentId, Stored)> {
        let content = self.contents.get(content as usize)?;
        Some((content.id, content.stored?))
    }

    /// The content that each document of a segment is, or [`NONE`].
    pub(crate) fn segment(&self, number: usize) -> &[u32] {
        self.segments
            .get(number)
            .map_or(&[], |(_, numbers)| numbers)
    }

    /// The files with words that the store does not hold.
    pub(crate) fn pending(&self) -> &[u32] {
        &self.pending
    }

    /// The files that may have one of these contents: those that were last seen with one, and those of which the store
    /// holds nothing. In the order of their paths.
    pub(crate) fn may_have(&self, contents: &ContentSet) -> Vec<&RelPath> {
        let held = contents
            .iter()
            .filter_map(|id| self.by_id.get(id))
            .filter(|&&content| self.stored(content).is_some())
            .flat_map(|&content| self.files_of(content));
        let unheld = self.unheld.iter().filter_map(|&number| self.file(number));
        let mut paths: Vec<&RelPath> = held.chain(unheld).map(|file| &file.path).collect();
        paths.sort_unstable();
        paths
    }

    /// Where a word is in paths. Files that are gone may be among them.
    pub(crate) fn in_paths(&self, word: &str) -> &[InPath] {
        self.words.get(word).map_or(&[], Vec::as_slice)
    }

    /// The names of the files, with or without those that are hidden.
    pub(crate) fn names(&mut self, hidden: bool) -> Arc<Names> {
        let files = &self.files;
        let names = self.names[usize::from(hidden)].get_or_insert_with(|| {
            let files = files
                .iter()
                .filter(|file| file.is_there && (hidden || !file.is_hidden));
            Arc::new(Names::new(files.map(|file| &file.path)))
        });
        Arc::clone(names)
    }
}
