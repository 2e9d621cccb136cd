//! What a text of a known language defines and refers to, read from its syntax tree.
//!
//! Names are told by what the grammar says about their place, not resolved: two methods of one name are two definitions
//! of that name, and every call of it may mean either. Text that does not parse still gives what its sound parts hold.
//! Nothing here opens files, and no text makes it panic, recurse or take unbounded memory.
//!
//! Start with [`Reader::read`].

mod grammar;
mod kind;
mod language;
mod outline;
mod pattern;
mod tables;
mod walk;

pub(crate) use kind::Kind;
pub(crate) use language::Language;
pub(crate) use outline::{Definition, Named, Outline};
pub(crate) use pattern::SymbolPattern;

use grammar::Table;
use std::{
    ops::{ControlFlow, Range},
    time::{Duration, Instant},
};
use thiserror::Error;
use tree_sitter::{ParseOptions, ParseState, Parser};

/// What was read from one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parsed<'t> {
    pub(crate) outline: Outline,
    /// In the order of the text. Each place where a name is used.
    pub(crate) references: Vec<Reference<'t>>,
    /// The bytes of comments and of Python's docstrings, with their marks, in the order of the text.
    pub(crate) comments: Vec<Range<usize>>,
    /// There were more definitions or references than are kept.
    pub(crate) truncated: bool,
}

/// A name in code that is not being defined there. Names of local variables and parameters are left out where they are
/// declared, but not where they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'t> {
    pub(crate) name: &'t str,
    pub(crate) role: Role,
    /// From 1.
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
}

/// How a name is used, as far as its place tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Called or constructed.
    Call,
    /// In an import or an export.
    Import,
    /// Used as a type.
    Type,
    /// Any other use: a variable, a field, a constant, a name in a macro's arguments.
    Other,
}

/// Why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NotRead {
    #[error("symbols of {0} are not read by this build; it lacks the feature `languages-extra`")]
    NoGrammar(Language),
    #[error("symbols are not read from files over {} bytes", MAX_BYTES)]
    TooLarge,
    #[error("symbols are not read from lines as long as those of generated files")]
    LongLines,
    #[error("reading symbols took over {} seconds", MAX_TIME.as_secs())]
    TooSlow,
}

/// Larger texts are seldom written by people, and their trees take over ten times their size.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// What one text may take. Usual ones take a hundredth.
const MAX_TIME: Duration = Duration::from_secs(3);
/// From this size on, an average line of more than [`LONG_LINE`] bytes is taken for generated.
const LONG_LINES_FROM: usize = 16 << 10;
const LONG_LINE: usize = 1 << 10;

/// Reads one text after the other. A thread has its own.
pub(crate) struct Reader {
    parser: Parser,
    language: Option<Language>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            parser: Parser::new(),
            language: None,
        }
    }

    /// Definitions, references and comments of a text.
    pub(crate) fn read<'t>(
        &mut self,
        language: Language,
        text: &'t str,
    ) -> Result<Parsed<'t>, NotRead> {
        self.read_within(language, text, MAX_TIME)
    }

    fn read_within<'t>(
        &mut self,
        language: Language,
        text: &'t str,
        time: Duration,
    ) -> Result<Parsed<'t>, NotRead> {
        let table = Table::of(language).ok_or(NotRead::NoGrammar(language))?;
        if text.len() > MAX_BYTES {
            return Err(NotRead::TooLarge);
        }
        if text.len() > LONG_LINES_FROM && text.lines().count() < text.len() / LONG_LINE {
            return Err(NotRead::LongLines);
        }
        if self.language != Some(language) {
            // A grammar of another version than the library's is found by the tests of every language.
            (self.parser.set_language(&table.language))
                .map_err(|_| NotRead::NoGrammar(language))?;
            self.language = Some(language);
        }
        let start = Instant::now();
        let mut in_time = |_: &ParseState| match start.elapsed() < time {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let bytes = table.parsed_text(text);
        let tree = self.parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut in_time)),
        );
        let Some(tree) = tree else {
            // Else the next text would go on where this one stopped.
            self.parser.reset();
            return Err(NotRead::TooSlow);
        };
        Ok(walk::Walk::new(text, table).run(&tree))
    }
}

#[cfg(test)]
mod tests;
