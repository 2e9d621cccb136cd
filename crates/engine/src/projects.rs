//! The requests about projects: the folders that the user opened.

use crate::{
    engine::{Engine, canonical_folder, now},
    failure::{failure, from_panic, from_store},
};
use kerf_git::Repo;
use kerf_protocol::{
    Code, Failure,
    project::{OpenProject, OpenedProject, Project, ProjectRef, RepoStatus},
    request::{Folder, Nothing},
};
use kerf_store::Write;
use std::path::{Path, PathBuf};

impl Engine {
    pub(crate) async fn project_list(&self) -> Result<Vec<Project>, Failure> {
        self.store().projects().await.map_err(from_store)
    }

    pub(crate) async fn project_open(
        &self,
        OpenProject { path, confirmed }: OpenProject,
    ) -> Result<OpenedProject, Failure> {
        let folder = folder_of(&path)?;
        let Some(text) = folder.to_str() else {
            return Err(failure(
                Code::Usage,
                format!("{} has a name that is not UTF-8", folder.display()),
                "Open a folder whose path is UTF-8",
            ));
        };
        if !confirmed && let Some(why) = too_wide(&folder, self.home().data()) {
            return Ok(OpenedProject::TooWide {
                path: text.to_owned(),
                why,
            });
        }
        let project = self
            .store()
            .open_project(text, now())
            .await
            .map_err(from_store)?;
        Ok(OpenedProject::Opened { project })
    }

    pub(crate) async fn project_remove(
        &self,
        ProjectRef { project_id }: ProjectRef,
    ) -> Result<Nothing, Failure> {
        let write = Write::UnlistProject(project_id);
        self.store().commit(vec![write]).await.map_err(from_store)?;
        Ok(Nothing {})
    }

    pub(crate) async fn project_status(
        &self,
        Folder { folder }: Folder,
    ) -> Result<RepoStatus, Failure> {
        let folder = canonical_folder(&folder)?;
        tokio::task::spawn_blocking(move || repo_status(&folder).map_err(from_git))
            .await
            .map_err(from_panic)?
    }
}

/// The folder that is meant: of a file, the one it is in.
fn folder_of(path: &str) -> Result<PathBuf, Failure> {
    let given = Path::new(path);
    match given.parent().filter(|_| given.is_file()) {
        Some(parent) => canonical_folder(&parent.to_string_lossy()),
        None => canonical_folder(path),
    }
}

/// Why a folder is no project, if it is none: it holds far more than one, or Kerf's own data.
fn too_wide(folder: &Path, data: &Path) -> Option<String> {
    let home = etcetera::home_dir().ok();
    let home = home.and_then(|home| std::fs::canonicalize(home).ok());
    if folder.parent().is_none() {
        return Some(
            "It is the root of the file system, with every file of this machine".to_owned(),
        );
    }
    if home.as_deref() == Some(folder) {
        return Some("It is your home folder, with everything you keep there".to_owned());
    }
    if home.is_some_and(|home| home.starts_with(folder)) {
        return Some("Your home folder is inside it, with everything you keep there".to_owned());
    }
    if data.starts_with(folder) {
        return Some("Kerf's own data is inside it".to_owned());
    }
    None
}

fn repo_status(folder: &Path) -> Result<RepoStatus, kerf_git::GitError> {
    let Some(repo) = Repo::discover(folder)? else {
        return Ok(RepoStatus::default());
    };
    let head = repo.head()?;
    let (ahead, behind) = repo.ahead_behind()?.unwrap_or_default();
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    // A commit without a branch is told by the beginning of its id, as git does.
    let detached = || head.commit.map(|id| id.chars().take(8).collect());
    Ok(RepoStatus {
        branch: head.branch.or_else(detached),
        ahead: count(ahead),
        behind: count(behind),
        under_way: repo.under_way().map(str::to_owned),
    })
}

pub(crate) fn from_git(error: kerf_git::GitError) -> Failure {
    use kerf_git::GitError;
    let code = match &error {
        GitError::NotCommitted { .. }
        | GitError::NotMade { .. }
        | GitError::NotRemoved { .. }
        | GitError::Locked { .. }
        | GitError::UnderWay { .. }
        | GitError::InTheWay { .. }
        | GitError::Stale { .. } => Code::Conflict,
        GitError::Refused { .. } => Code::Usage,
        GitError::Programs { .. } => Code::Denied,
        GitError::Unknown { .. } => Code::NotFound,
        _ => Code::Storage,
    };
    failure(code, error.to_string(), "")
}
