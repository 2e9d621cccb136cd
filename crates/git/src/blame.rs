//! Who last changed the lines of a file, as it is on disk.

use crate::{
    GitError, Repo,
    content::{Files, Kept, is_tame},
    hunks::matching_lines,
    record::last_commit,
    stage::head_tree,
};
use git2::BlameOptions;
use std::{ops::RangeInclusive, path::Path};

/// Larger files are not looked at.
const MAX_BLAMED_BYTES: usize = 4 * 1024 * 1024;

/// Of a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedLine {
    /// Which, counted from 1, in the file as it is on disk.
    pub line: usize,
    /// The commit that brought it, in hex; none: it is not committed.
    pub commit: Option<String>,
    /// Who wrote that commit.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// The first line of its message.
    pub summary: String,
}

impl Repo {
    /// Who last changed these lines (counted from 1) of the file on disk; lines beyond its end are left out.
    ///
    /// Errors: [`GitError::Unknown`] when there is no such text; [`GitError::Refused`] when it is too large.
    pub fn blame(
        &self,
        path: &Path,
        lines: RangeInclusive<usize>,
    ) -> Result<Vec<BlamedLine>, GitError> {
        let unknown = || GitError::Unknown {
            what: "text",
            name: path.display().to_string(),
        };
        if !is_tame(path) {
            return Err(unknown());
        }
        let repo = self.lock();
        let failed =
            |error| GitError::library("read the history of a file of", &self.workdir, error);
        let files = Files::of(&repo, &self.workdir);
        let metadata = files
            .look(path)?
            .filter(|metadata| metadata.is_file())
            .ok_or_else(unknown)?;
        if metadata.len() > MAX_BLAMED_BYTES as u64 {
            return Err(GitError::Refused {
                action: "read the history of",
                path: path.to_owned(),
                why: "it is too large".to_owned(),
            });
        }
        let on_disk = std::fs::read(self.workdir.join(path)).map_err(|source| GitError::Io {
            action: "read",
            path: self.workdir.join(path),
            source,
        })?;
        let count = on_disk.split_inclusive(|byte| *byte == b'\n').count();
        let wanted = (*lines.start()).max(1)..=(*lines.end()).min(count);
        let uncommitted = |line| BlamedLine {
            line,
            commit: None,
            author: String::new(),
            time: 0,
            summary: String::new(),
        };
        let tree = head_tree(&repo).map_err(failed)?;
        let committed = Kept::of_tree(tree.as_ref(), path).map_err(failed)?;
        let (Some(committed), Some(last)) = (committed, last_commit(&repo).map_err(failed)?) else {
            return Ok(wanted.map(uncommitted).collect());
        };
        let committed = files.blob(committed.id)?;
        // Line ends are not what was changed.
        let plain = |text: &[u8]| -> Vec<u8> {
            text.split_inclusive(|byte| *byte == b'\n')
                .flat_map(|line| match line.strip_suffix(b"\r\n") {
                    Some(line) => [line, b"\n"].concat(),
                    None => line.to_vec(),
                })
                .collect()
        };
        let (old, new) = (plain(&committed), plain(&on_disk));
        let same = matching_lines(&old, &new).map_err(failed)?;
        let then = |line: usize| same.get(line - 1).copied().flatten();
        let older: Vec<usize> = wanted.clone().filter_map(then).collect();
        let (Some(first), Some(end)) = (older.iter().min(), older.iter().max()) else {
            return Ok(wanted.map(uncommitted).collect());
        };
        let mut options = BlameOptions::new();
        options
            .newest_commit(last.id())
            .min_line(first + 1)
            .max_line(end + 1);
        let blame = repo.blame_file(path, Some(&mut options)).map_err(failed)?;
        let told = |line: usize| {
            let Some(hunk) = then(line).and_then(|older| blame.get_line(older + 1)) else {
                return uncommitted(line);
            };
            let id = hunk.final_commit_id();
            let Ok(commit) = repo.find_commit(id) else {
                return BlamedLine {
                    commit: Some(id.to_string()),
                    ..uncommitted(line)
                };
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            BlamedLine {
                line,
                commit: Some(id.to_string()),
                author: text(commit.author().name_bytes()),
                time: commit.time().seconds(),
                summary: commit.summary_bytes().map(text).unwrap_or_default(),
            }
        };
        Ok(wanted.map(told).collect())
    }
}
