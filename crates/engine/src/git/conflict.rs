//! Conflicts: a file's versions, and ending a conflict in it. By the library; no program runs.

use super::{Holder, changes, in_slashes};
use crate::engine::Engine;
use kerf_git::{Conflict, Part, Version};
use kerf_protocol::{
    Failure,
    git::{
        WorkingChanges,
        conflict::{
            ConflictPart, ConflictRef, FileConflict, FileVersion, Resolution, ResolveConflict,
        },
    },
};
use std::path::Path;

impl Engine {
    pub(crate) async fn git_conflict(
        &self,
        ConflictRef { folder, path }: ConflictRef,
    ) -> Result<FileConflict, Failure> {
        self.in_repo(&folder, move |repo| {
            let path = Path::new(&path);
            repo.conflict(path).map(|conflict| shown(path, conflict))
        })
        .await
    }

    pub(crate) async fn git_resolve(
        &self,
        resolve: ResolveConflict,
    ) -> Result<WorkingChanges, Failure> {
        let _hold = self.hold_files(&resolve.folder, Holder::Library).await?;
        let ResolveConflict { folder, path, how } = resolve;
        self.in_repo(&folder, move |repo| {
            let path = Path::new(&path);
            match &how {
                Resolution::Ours { token } => {
                    repo.resolve(path, token, kerf_git::Resolution::Ours)?;
                }
                Resolution::Theirs { token } => {
                    repo.resolve(path, token, kerf_git::Resolution::Theirs)?;
                }
                Resolution::File { token } => {
                    repo.resolve(path, token, kerf_git::Resolution::File)?;
                }
                Resolution::Text { token, text } => {
                    repo.resolve(path, token, kerf_git::Resolution::Text(text))?;
                }
                Resolution::Undo { conflict } => repo.unresolve(path, &told(conflict))?,
            }
            changes(repo)
        })
        .await
    }
}

fn shown(path: &Path, conflict: Conflict) -> FileConflict {
    let version = |version: Option<Version>| {
        version.map(|version| FileVersion {
            oid: version.oid,
            mode: version.mode,
        })
    };
    let part = |part| match part {
        Part::Merged(text) => ConflictPart::Merged { text },
        Part::Open { base, ours, theirs } => ConflictPart::Open { base, ours, theirs },
    };
    FileConflict {
        path: in_slashes(path),
        base: version(conflict.base),
        ours: version(conflict.ours),
        theirs: version(conflict.theirs),
        file: version(conflict.file),
        parts: conflict
            .parts
            .map(|parts| parts.into_iter().map(part).collect()),
        token: conflict.token,
    }
}

fn told(conflict: &FileConflict) -> Conflict {
    let version = |version: &Option<FileVersion>| {
        version.as_ref().map(|version| Version {
            oid: version.oid.clone(),
            mode: version.mode,
        })
    };
    Conflict {
        base: version(&conflict.base),
        ours: version(&conflict.ours),
        theirs: version(&conflict.theirs),
        file: version(&conflict.file),
        parts: None,
        token: conflict.token.clone(),
    }
}
