//! What people and models write to search, in one grammar for all fronts; `docs/search.md` shows it.
//!
//! [`Query::parse`] reads text into a [`Query`]. The front's [`Mode`] only decides what free text means, so a query
//! shows itself as text of [`Mode::Words`], whatever it was read by, and that text reads as the same query again.

mod known;
mod mistake;
mod parse;
mod paths;
mod show;

pub use known::{Key, Known};
pub use mistake::{Mistake, QueryError};
pub use paths::PathFilter;

/// What to look for. A file answers when it has all that is asked for, is within the scope, and has nothing of what is
/// excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// Words to rank by, as written. They may hold signs that no word of the index has.
    pub words: Vec<String>,
    /// Texts that must occur exactly. Never empty ones.
    pub phrases: Vec<String>,
    /// Regular expressions that must match.
    pub patterns: Vec<Pattern>,
    /// Names of definitions, perhaps with what they are in: `Parser::parse`.
    pub symbols: Vec<String>,
    /// Names that are referred to. What they are in is not looked at.
    pub references: Vec<String>,
    /// Parts of file names, separated by blanks.
    pub files: Vec<String>,
    /// Where to search: of each list that is not empty, one must hold.
    pub within: Scope,
    /// What must not be there.
    pub without: Without,
    /// Whether hidden files are searched too; `None` leaves it to the front.
    pub hidden: Option<bool>,
    /// Whether capitals count; `None` leaves it to the front.
    pub case: Option<Case>,
}

/// A regular expression that was checked, in Rust's syntax. A `/` in it is not escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    /// The expression.
    pub text: String,
    /// Upper and lower case are the same; otherwise [`Query::case`] says it.
    pub ignore_case: bool,
    /// A match may span lines.
    pub multi_line: bool,
}

/// Files by where they are and definitions by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Globs, or parts of paths; see [`PathFilter`].
    pub paths: Vec<String>,
    /// Languages, by their names in [`Known`].
    pub languages: Vec<String>,
    /// Kinds of definitions, by their names in [`Known`].
    pub kinds: Vec<String>,
}

/// What an answer must not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Without {
    /// Words.
    pub words: Vec<String>,
    /// Exact texts.
    pub phrases: Vec<String>,
    /// Regular expressions.
    pub patterns: Vec<Pattern>,
    /// Places, languages and kinds.
    pub scope: Scope,
}

/// Whether capitals count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// They do when what is looked for has one.
    Smart,
}

/// What free text means to a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Words to rank by.
    Words,
    /// The whole text is what must occur: no filters, quotes or exclusions.
    Exact,
    /// The whole text is a regular expression: no filters, quotes or exclusions.
    Regex {
        /// See [`Pattern::ignore_case`].
        ignore_case: bool,
        /// See [`Pattern::multi_line`].
        multi_line: bool,
    },
    /// The name of a definition. `/` and quotes mean nothing else.
    Symbol,
    /// A file's name, or a glob where it holds `*` or `?`. `-x` leaves out paths with `x`.
    Path,
}

impl Query {
    /// Reads `text`.
    ///
    /// # Errors
    /// [`QueryError`], with the character of `text` where the mistake is.
    pub fn parse(text: &str, mode: Mode, known: &Known<'_>) -> Result<Self, QueryError> {
        parse::parse(text, mode, known)
    }

    /// Adds a filter that came apart from the text, as from an option of the command line. What can stand only once
    /// replaces what was there.
    ///
    /// # Errors
    /// [`QueryError`], with the character of `value` where the mistake is.
    pub fn add(
        &mut self,
        key: Key,
        value: &str,
        excluded: bool,
        known: &Known<'_>,
    ) -> Result<(), QueryError> {
        parse::add(self, key, value, excluded, known)
            .map_err(|mistake| QueryError { column: 1, mistake })
    }

    /// Whether something is looked for in the text of files, rather than files or definitions alone.
    #[must_use]
    pub fn looks_into_files(&self) -> bool {
        !(self.words.is_empty() && self.phrases.is_empty() && self.patterns.is_empty())
    }
}

#[cfg(test)]
mod tests;
