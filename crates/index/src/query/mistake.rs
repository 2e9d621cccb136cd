//! What can be wrong with a query.

use super::Key;

/// A mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mistake} (column {column} of the query)")]
pub struct QueryError {
    /// The character of the query, from 1 to one after its last.
    pub column: u32,
    /// What is wrong there.
    #[source]
    pub mistake: Mistake,
}

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// Nothing is asked for.
    #[error("the query is empty; say what to look for")]
    Empty,
    /// Something is excluded, but nothing is asked for.
    #[error("the query only excludes; say what to look for as well")]
    OnlyExcludes,
    /// A quote has no end.
    #[error("the quote has no end; close it with `\"`, or write `\\\"` for a quote inside")]
    UnclosedQuote,
    /// A regular expression has no end.
    #[error("the regular expression has no end; close it with `/`, or put the text in quotes")]
    UnclosedRegex,
    /// What follows a regular expression are no flags.
    #[error(
        "after the `/` of a regular expression only `i` and `m` can stand; put a blank before `{rest}`, or write `\\/`"
    )]
    Flags {
        /// What stands there.
        rest: String,
    },
    /// A regular expression is not valid.
    #[error(
        "the pattern is not a valid regular expression: {message}; escape it, or search for it in quotes"
    )]
    Regex {
        /// What is wrong.
        message: String,
    },
    /// A glob is not valid.
    #[error("the glob `{glob}` is not valid: {message}")]
    Glob {
        /// The glob as given.
        glob: String,
        /// What is wrong.
        message: String,
    },
    /// No language has this name.
    #[error("`{name}` is not a known language{}", meant(.nearest))]
    Language {
        /// The name as given.
        name: String,
        /// The most similar one, if one is.
        nearest: Option<String>,
    },
    /// No kind of definition has this name.
    #[error("`{name}` is not a known kind of definition{}", meant(.nearest))]
    Kind {
        /// The name as given.
        name: String,
        /// The most similar one, if one is.
        nearest: Option<String>,
    },
    /// A filter's name is misspelt.
    #[error("`{name}:` is not a filter; write `{nearest}:`, or put the text in quotes")]
    Key {
        /// The name as given.
        name: String,
        /// The one that is probably meant.
        nearest: &'static str,
    },
    /// A filter has nothing behind it.
    #[error("`{}:` needs a value right behind it; put it in quotes to search for it as text", key.name())]
    NoValue {
        /// The filter.
        key: Key,
    },
    /// A filter does not take this value.
    #[error("`{}:` takes {allowed}, not `{value}`", key.name())]
    Value {
        /// The filter.
        key: Key,
        /// The value as given.
        value: String,
        /// What it takes.
        allowed: &'static str,
    },
    /// This can only be asked for.
    #[error("{what} cannot be excluded; exclude words, quotes, `path:`, `lang:` or `kind:`")]
    NotExcluded {
        /// What was to be excluded.
        what: &'static str,
    },
}

fn meant(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}
