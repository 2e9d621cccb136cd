//! What the folder holds beyond a commit: the last one, or the one that a branch began at. For looking at.

use super::{
    Desk,
    each::each,
    head::{prefix, read},
};
use crate::projects::from_git;
use kerf_protocol::{
    Failure,
    scope::{Scope, ScopeBase},
};
use kerf_review::{Content, FileReview};
use kerf_workspace::RelPath;
use std::path::Path;

/// More files are not read at once.
const MAX_FILES: usize = 3_000;
/// More branches are not offered.
const MAX_CHOICES: usize = 200;

impl Desk {
    /// What a scope is compared with; none: with what the user has accepted. Without a repository, or a commit to compare
    /// with, its name is empty.
    pub(super) fn base(&self, scope: &Scope) -> Result<Option<ScopeBase>, Failure> {
        let wanted = match scope {
            Scope::Task | Scope::Turn { .. } => return Ok(None),
            Scope::Uncommitted => None,
            Scope::Branch { base } => Some(base.as_deref()),
        };
        let mut base = ScopeBase::default();
        let Some(repo) = &self.repo else {
            return Ok(Some(base));
        };
        match wanted {
            None => {
                base.name = "HEAD".to_owned();
                base.commit = repo.head().map_err(from_git)?.commit.unwrap_or_default();
            }
            Some(wanted) => {
                if let Some(found) = repo.base(wanted).map_err(from_git)? {
                    (base.name, base.commit) = (found.name, found.commit);
                }
                let branches = repo.branches().map_err(from_git)?;
                let others = branches.into_iter().filter(|branch| !branch.current);
                base.choices = others.map(|branch| branch.name).take(MAX_CHOICES).collect();
            }
        }
        Ok(Some(base))
    }

    /// How the folder differs from a commit: these files, or all. Tells how many were left out.
    pub(super) fn against(
        &self,
        base: &ScopeBase,
        only: Option<&[&str]>,
    ) -> Result<(Vec<(String, FileReview)>, usize), Failure> {
        let Some(repo) = self.repo.as_ref().filter(|_| !base.commit.is_empty()) else {
            return Ok((Vec::new(), 0));
        };
        let Some(prefix) = prefix(repo, self.workspace.root()) else {
            return Ok((Vec::new(), 0));
        };
        let mut paths: Vec<RelPath> = match only {
            Some(only) => only.iter().filter_map(|path| path.parse().ok()).collect(),
            None => {
                let differing = repo.differing(&base.commit).map_err(from_git)?;
                let inside = differing.iter();
                let inside = inside.filter_map(|path| path.strip_prefix(&prefix).ok());
                inside.filter_map(rel).collect()
            }
        };
        let left_out = paths.len().saturating_sub(MAX_FILES);
        paths.truncate(MAX_FILES);
        let named: Vec<_> = paths
            .iter()
            .map(|path| prefix.join(path.to_string()))
            .collect();
        let committed = repo.committed(&base.commit, &named).map_err(from_git)?;
        let pairs: Vec<_> = paths.into_iter().zip(committed).collect();
        let files = each(&pairs, |(path, committed)| {
            let before = match committed {
                Some(file) => self.read_content(read(repo, file).map_err(from_git)?)?,
                None => Content::Absent,
            };
            let now = self.content(path)?;
            let before = with_mode_of(before, &now);
            Ok((path.to_string(), FileReview::between(before, now)))
        });
        let files: Vec<_> = files.into_iter().collect::<Result<_, Failure>>()?;
        let differ = files.into_iter().filter(|(_, review)| !review.is_settled());
        Ok((differ.collect(), left_out))
    }
}

fn rel(path: &Path) -> Option<RelPath> {
    RelPath::new(path).ok()
}

/// Git keeps of a mode whether a file can be executed; all else of it is as on disk.
fn with_mode_of(before: Content, now: &Content) -> Content {
    let mode_now = match now {
        Content::Text { mode, .. } | Content::Opaque { mode, .. } => *mode,
        Content::Absent => return before,
    };
    let alike = |mode: u32| (mode & 0o100 == 0) == (mode_now & 0o100 == 0) && mode_now != 0;
    match before {
        Content::Text { bytes, mode } if alike(mode) => Content::Text {
            bytes,
            mode: mode_now,
        },
        Content::Opaque {
            kind,
            hash,
            len,
            mode,
            target,
        } if alike(mode) && mode != 0 => Content::Opaque {
            kind,
            hash,
            len,
            mode: mode_now,
            target,
        },
        other => other,
    }
}
