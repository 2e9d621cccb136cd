//! The files that a query is about, by their paths.

use super::{Query, parse::is_glob};
use crate::{SearchError, glob::Glob};
use kerf_workspace::RelPath;

/// The `path:` filters of a query.
///
/// A value with `*`, `?`, `[` or `{` is a glob with the rules of a line in `.gitignore`: with a `/` before its end it
/// counts from the workspace's folder, otherwise it matches names. Any other value is a part of the path, where `/` is
/// also found at its beginning; capitals do not count.
pub struct PathFilter {
    within: Vec<Test>,
    without: Vec<Test>,
}

enum Test {
    Glob(Glob),
    /// In lower case.
    Part(String),
}

impl PathFilter {
    /// Takes the filters of `query`.
    ///
    /// # Errors
    /// [`SearchError::Glob`], which a query that was parsed never has.
    pub fn new(query: &Query) -> Result<Self, SearchError> {
        let tests = |paths: &[String]| -> Result<Vec<Test>, SearchError> {
            paths.iter().map(|path| Test::new(path)).collect()
        };
        Ok(Self {
            within: tests(&query.within.paths)?,
            without: tests(&query.without.scope.paths)?,
        })
    }

    /// Whether the query is about this file.
    #[must_use]
    pub fn matches(&self, path: &RelPath) -> bool {
        if self.within.is_empty() && self.without.is_empty() {
            return true;
        }
        let text = format!("/{path}").to_lowercase();
        let holds = |test: &Test| match test {
            Test::Glob(glob) => glob.matches(path),
            Test::Part(part) => text.contains(part),
        };
        (self.within.is_empty() || self.within.iter().any(holds)) && !self.without.iter().any(holds)
    }
}

impl Test {
    fn new(path: &str) -> Result<Self, SearchError> {
        if !is_glob(path) {
            let part = path.strip_prefix("./").unwrap_or(path);
            return Ok(Self::Part(part.to_lowercase()));
        }
        // `!` would turn the glob around, which `-path:` says.
        let glob = match path.strip_prefix('!') {
            Some(rest) => &format!("\\!{rest}"),
            None => path,
        };
        Glob::new(glob, &RelPath::root()).map(Self::Glob)
    }
}
