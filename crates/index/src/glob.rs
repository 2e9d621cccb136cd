//! A glob that a person or a model typed.

use crate::SearchError;
use ignore::overrides::{Override, OverrideBuilder};
use kerf_workspace::RelPath;
use std::path::Path;

/// Which files match, by the rules of a line in `.gitignore`.
#[derive(Clone)]
pub(crate) struct Glob {
    rules: Override,
    under: RelPath,
    excludes: bool,
}

impl Glob {
    pub(crate) fn new(glob: &str, under: &RelPath) -> Result<Self, SearchError> {
        let invalid = |error: ignore::Error| SearchError::Glob {
            glob: glob.to_owned(),
            message: plain(&error),
        };
        // A leading `./` says nothing here, but would never match.
        let mut builder = OverrideBuilder::new("");
        builder
            .add(glob.strip_prefix("./").unwrap_or(glob))
            .map_err(invalid)?;
        let rules = builder.build().map_err(invalid)?;
        Ok(Self {
            rules,
            under: under.clone(),
            excludes: glob.starts_with('!'),
        })
    }

    /// Both views of a path are tried, from the root and from the folder that is searched: either may be meant.
    pub(crate) fn matches(&self, path: &RelPath) -> bool {
        let keeps = |path: &Path| !self.rules.matched(path, false).is_ignore();
        let whole = keeps(path.as_path());
        match path.as_path().strip_prefix(self.under.as_path()) {
            Ok(part) if !part.as_os_str().is_empty() && self.excludes => whole && keeps(part),
            Ok(part) if !part.as_os_str().is_empty() => whole || keeps(part),
            _ => whole,
        }
    }
}

/// The error itself, without the glob, which the message has already.
fn plain(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    }
}
