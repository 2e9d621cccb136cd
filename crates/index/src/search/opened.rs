//! Files as they are now, with the definitions that are in them.

use super::Definition;
use crate::{
    SearchError,
    catalog::Catalog,
    content::{Content, ContentId},
    index::Core,
    store::{Snapshot, Stored},
    symbols::{self, Language, Outline, Reader},
};
use kerf_workspace::{FsError, RelPath};

/// Longer files are not opened for a ranked answer, in bytes: they have no words in the index.
const MAX_BYTES: u64 = 4 << 20;

/// What one search reads symbols from, in bytes, because the store does not have them.
const MAX_PARSED: usize = 1 << 20;

/// Opens files for one search.
pub(super) struct Opener<'a> {
    core: &'a Core,
    snapshot: &'a Snapshot,
    reader: Option<Reader>,
    parsed: usize,
}

/// A file as it is now.
pub(super) struct Opened {
    pub(super) text: String,
    pub(super) outline: Option<Outline>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(core: &'a Core, snapshot: &'a Snapshot) -> Self {
        Self {
            core,
            snapshot,
            reader: None,
            parsed: 0,
        }
    }

    /// Opens a file, of which the store may hold the content. `None` when it cannot be read or has no words.
    pub(super) fn open(
        &mut self,
        path: &RelPath,
        language: Option<Language>,
        stored: Option<(ContentId, Stored)>,
    ) -> Option<Opened> {
        let content = read(self.core, path).ok()?;
        if content.reason.is_some() {
            return None;
        }
        let stored = stored.filter(|(id, _)| *id == content.id);
        let text = String::from_utf8(content.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let outline = match (language, stored) {
            (Some(language), Some((_, place))) => self.stored(place, language),
            (Some(language), None) => self.parse(&text, language),
            (None, _) => None,
        };
        Some(Opened { text, outline })
    }

    /// The outline of a file as the index knows it, or as it is now when it does not.
    pub(super) fn known(&mut self, catalog: &Catalog, path: &RelPath) -> Option<Outline> {
        let file = catalog.file_at(path);
        let stored = file.and_then(|file| Some((catalog.stored(file.content)?.1, file.language)));
        match stored {
            Some((place, language)) => self.stored(place, language?),
            None => {
                let content = read(self.core, path).ok()?;
                let language = content.language(path)?;
                self.parse(&String::from_utf8_lossy(&content.text), language)
            }
        }
    }

    /// The outline that the store has.
    pub(super) fn stored(&self, place: Stored, language: Language) -> Option<Outline> {
        let store = self.core.store();
        store
            .ask(|shape| self.snapshot.outline(shape, place, language))
            .flatten()
    }

    /// Reads an outline, unless too much was read for this search.
    pub(super) fn parse(&mut self, text: &str, language: Language) -> Option<Outline> {
        self.parsed += text.len();
        if self.parsed > MAX_PARSED {
            return None;
        }
        let reader = self.reader.get_or_insert_with(Reader::new);
        Some(reader.read(language, text).ok()?.outline)
    }
}

/// Reads the content of a file.
pub(super) fn read(core: &Core, path: &RelPath) -> Result<Content, FsError> {
    let bytes = core.workspace().fs().read(path, MAX_BYTES)?;
    Ok(Content::new(bytes))
}

/// A definition's name with what encloses it.
pub(super) fn full_name(outline: &Outline, definition: &symbols::Definition) -> String {
    let mut names = outline.path(definition);
    names.push(&definition.name);
    names.join("::")
}

/// The innermost definition that a line belongs to.
pub(super) fn enclosing(outline: &Outline, line: u32) -> Option<&symbols::Definition> {
    let around = |definition: &&symbols::Definition| {
        (definition.first_line..=definition.last_line).contains(&line)
    };
    let definitions = outline.definitions().iter().filter(around);
    // The first of those that are as short, because what encloses comes before what is in it; but one on its own line
    // is meant more than one that it encloses.
    definitions.min_by_key(|definition| {
        (
            definition.last_line - definition.first_line,
            definition.line != line,
        )
    })
}

/// The definitions of a file as it is now.
pub(crate) fn outline(core: &Core, path: &RelPath) -> Result<Vec<Definition>, SearchError> {
    let content = read(core, path).map_err(|error| SearchError::File {
        path: path.clone(),
        message: error.to_string(),
    })?;
    let Some(language) = content.language(path).filter(|_| content.reason.is_none()) else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&content.text);
    let Ok(parsed) = Reader::new().read(language, &text) else {
        return Ok(Vec::new());
    };
    let outline = &parsed.outline;
    let definitions = outline.definitions().iter();
    Ok(definitions
        .map(|definition| Definition {
            name: definition.name.to_string(),
            path: full_name(outline, definition),
            kind: definition.kind.name(),
            line: definition.line,
            column: definition.column,
            first_line: definition.first_line,
            last_line: definition.last_line,
            depth: outline.path(definition).len(),
        })
        .collect())
}
