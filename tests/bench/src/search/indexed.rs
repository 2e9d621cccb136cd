//! A folder with its index, ready to be asked.

use super::tree::Tree;
use crate::Done;
use kerf_index::{
    Answer, Change, GrepQuery, Grepped, Index, Known, Mode, Phase, Query, Status, Wanted,
};
use kerf_workspace::{Kind, RelPath, Walk, Workspace};
use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

/// What takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(3_600);

pub(super) struct Indexed {
    pub(super) index: Index,
    pub(super) workspace: Workspace,
}

impl Indexed {
    /// Opens the index of a folder and waits until all of it is in.
    pub(super) fn build(root: &Path, place: &Path) -> Done<Self> {
        let workspace = Workspace::open(root).map_err(|error| error.to_string())?;
        let index = Index::open(workspace.clone(), place, |_| {});
        let indexed = Self { index, workspace };
        indexed.ready()?;
        Ok(indexed)
    }

    pub(super) fn of(tree: &Tree) -> Done<Self> {
        Self::build(&tree.root, &tree.place)
    }

    /// Waits until all that was told is in.
    pub(super) fn ready(&self) -> Done<Status> {
        if !self.index.wait(Instant::now() + PATIENCE) {
            return Err("the index does not become ready".to_owned());
        }
        let status = self.index.status();
        match status.state {
            Phase::Off { why } => Err(format!("the index is off: {why}")),
            _ => Ok(status),
        }
    }

    pub(super) fn changed(&self, change: Change) {
        self.index.changed(change);
    }

    pub(super) fn files(&self) -> Done<Vec<RelPath>> {
        let walked = self.workspace.walk(&Walk::default());
        let files = walked.files.into_iter();
        let mut files: Vec<RelPath> = files
            .filter(|(_, stat)| stat.kind == Kind::File)
            .map(|(path, _)| path)
            .collect();
        files.sort_unstable();
        Ok(files)
    }

    pub(super) fn ask(&self, text: &str, mode: Mode, limit: usize) -> Done<Answer> {
        let query = Query::parse(text, mode, &Known::all())
            .map_err(|error| format!("`{text}`: {error}"))?;
        let wanted = Wanted {
            query: &query,
            limit,
            recent: &[],
            hidden: true,
            ignore_case: false,
        };
        let answer = self.index.search(&wanted, &AtomicBool::new(false));
        answer.map_err(|error| format!("`{text}`: {error}"))
    }

    /// All lines that match.
    pub(super) fn lines(&self, pattern: &str) -> Done<Grepped> {
        let query = GrepQuery {
            pattern: pattern.to_owned(),
            literal: false,
            ignore_case: false,
            multi_line: false,
            under: RelPath::root(),
            glob: None,
            hidden: true,
            limit: usize::MAX,
            context: 0,
        };
        let found = self.index.grep(&query, &AtomicBool::new(false));
        found.map_err(|error| format!("`{pattern}`: {error}"))
    }
}
