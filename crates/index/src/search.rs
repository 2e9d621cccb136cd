//! The one entry for all fronts: what a [`Query`] asks for, found in the index and in what is not in it yet.
//!
//! What a query asks for decides how it is answered: definitions before references, words, exact lines and files. What
//! it says besides narrows the answer, so `sym:parse "retry"` is the definitions in files that hold the text. Whatever
//! the index says is looked at in the file as it is now before it is told.

mod definitions;
mod files;
mod filter;
mod finder;
mod lines;
mod opened;
mod pending;
mod question;
mod ranked;
mod references;
mod window;

use crate::{Hides, Query, SearchError, index::Core};
use kerf_workspace::RelPath;
use std::{ops::Range, sync::atomic::AtomicBool};

pub(crate) use opened::outline;

/// What to look for, and how a front wants it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is asked for.
    pub query: &'a Query,
    /// At most this many hits are returned.
    pub limit: usize,
    /// Files the user has had to do with, the last one first: they come first among equal ones.
    pub recent: &'a [RelPath],
    /// Whether hidden files are searched, when the query does not say.
    pub hidden: bool,
    /// Whether capitals count in exact texts and expressions, when the query does not say.
    pub ignore_case: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Best first; exact lines by path and line.
    pub hits: Vec<Hit>,
    /// Hits that are known of, also those beyond the limit. Exact for lines and file names; where hits are ranked, those
    /// that were looked at.
    pub total: usize,
    /// Files with hits that are known of.
    pub files: usize,
    /// Whether there are, or may be, more than `hits` holds.
    pub more: bool,
    /// Files and folders that could not be searched, and why.
    pub skipped: Vec<(RelPath, String)>,
    /// Why files were read one by one, or why some were not looked at, for people.
    pub scanned: Option<String>,
}

/// One place that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The file.
    pub path: RelPath,
    /// The line, from 1.
    pub line: u32,
    /// The character of the line where the match begins, from 1.
    pub column: u32,
    /// The line, or all lines of a match that spans some, cut around the match where it is long; the path of a file
    /// found by its name.
    pub text: String,
    /// What matches, as bytes of `text`; in order, and apart from each other.
    pub marks: Vec<Range<usize>>,
    /// Higher is better; compared only between hits of one answer.
    pub score: f32,
    /// What was found.
    pub kind: HitKind,
    /// The definition that was found, or that the line is in, with what encloses it: `Parser::parse`.
    pub symbol: Option<String>,
    /// What kind of definition that is, by its name for `kind:`.
    pub symbol_kind: Option<&'static str>,
    /// The last line of what was found: of a definition, of a match that spans lines, of the lines around that hold
    /// words of the question.
    pub last_line: u32,
}

/// What kind of place was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitKind {
    /// A line that holds what was asked for.
    Text,
    /// Where a name is defined.
    Definition,
    /// Where a name is referred to.
    Reference,
    /// A file, by its name.
    File,
}

/// A definition of one file, as the outline of the file shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its name with what encloses it: `Parser::parse`.
    pub path: String,
    /// What it is, by its name for `kind:`.
    pub kind: &'static str,
    /// The line of the name, from 1.
    pub line: u32,
    /// The character of the line where the name begins, from 1.
    pub column: u32,
    /// The first line of the whole definition, from 1; comments before it do not belong to it.
    pub first_line: u32,
    /// The last line of the whole definition.
    pub last_line: u32,
    /// How many names enclose it.
    pub depth: usize,
}

/// Answers a query.
pub(crate) fn search(
    core: &Core,
    wanted: &Wanted<'_>,
    hides: Option<Hides<'_>>,
    cancel: &AtomicBool,
) -> Result<Answer, SearchError> {
    let query = wanted.query;
    let filter = filter::Filter::new(wanted, hides)?;
    if !query.symbols.is_empty() {
        return definitions::find(core, wanted, &filter, cancel);
    }
    if !query.references.is_empty() {
        return references::find(core, wanted, &filter, cancel);
    }
    if !query.words.is_empty() {
        return ranked::find(core, wanted, &filter, cancel);
    }
    if query.looks_into_files() {
        return lines::find(core, wanted, &filter, cancel);
    }
    if query.files.is_empty() && !query.within.kinds.is_empty() {
        return definitions::find(core, wanted, &filter, cancel);
    }
    files::find(core, wanted, &filter, cancel)
}
