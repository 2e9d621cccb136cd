//! What is withheld from models and commands, where the engine itself runs commands and shows files to a model.
//!
//! The agent's [`Guard`] answers; here it gets the rules and the folders of a session or of a folder without one.

use crate::{
    engine::Engine,
    failure::{from_fs, from_panic, from_store},
};
use kerf_agent::{Guard, withheld};
use kerf_protocol::{Failure, session::Session};
use kerf_sandbox::Withheld;
use kerf_workspace::{FsError, Workspace};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

impl Engine {
    /// What commands of a session must not read, in a folder that stands for its workspace.
    pub(crate) async fn withheld_from(
        &self,
        session: &Session,
        folder: &Path,
    ) -> Result<Vec<Withheld>, Failure> {
        let rules = self.rules_for(session).await?;
        let rules = Arc::new(rules.in_folder(&folder.to_string_lossy()));
        let users = PathBuf::from(session.users_folder());
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || {
            let made_of = made_of_folder(Some(&*users).filter(|users| *users != folder))?;
            let workspace = Workspace::open(&folder).map_err(from_fs)?;
            Ok(withheld(&workspace, made_of.as_ref(), &rules))
        })
        .await
        .map_err(from_panic)?
    }

    /// Tells what of a folder no model is shown. In a worktree of Kerf's it is also what the user withholds in the folder
    /// that this was made of.
    pub(crate) async fn guard_of(&self, folder: &Path) -> Result<Guard, Failure> {
        let all = self.store().worktrees().await.map_err(from_store)?;
        let around = all.into_iter().find_map(|worktree| {
            let inside = folder.strip_prefix(&worktree.path).ok()?;
            Some((
                worktree.session_id,
                Path::new(&worktree.folder).join(inside),
            ))
        });
        let rules = match &around {
            None => self.rules_in(&folder.to_string_lossy()).await?,
            Some((session_id, _)) => {
                let session = self.store().session(*session_id).await;
                let rules = self.rules_for(&session.map_err(from_store)?).await?;
                rules.in_folder(&folder.to_string_lossy())
            }
        };
        let show = self.settings()?.secrets.show.into();
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || {
            let workspace = Workspace::open(&folder).map_err(from_fs)?;
            let made_of = made_of_folder(around.as_ref().map(|(_, users)| &**users))?;
            Ok(Guard::new(
                &workspace,
                made_of.as_ref(),
                show,
                Arc::new(rules),
            ))
        })
        .await
        .map_err(from_panic)?
    }
}

/// The user's folder that a worktree was made of. None: there is none or it is gone, and in it nothing is withheld.
///
/// # Errors
/// When it cannot be opened although it may be there: commands might read in it what nobody could withhold.
pub(crate) fn made_of_folder(users: Option<&Path>) -> Result<Option<Workspace>, Failure> {
    let Some(users) = users else {
        return Ok(None);
    };
    match Workspace::open(users) {
        Ok(workspace) => Ok(Some(workspace)),
        Err(FsError::Open { source, .. })
            if matches!(
                source.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(from_fs(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_of_a_folder_that_is_gone_nothing_is_withheld() {
        let base = tempfile::tempdir().unwrap();
        let open = |name: &str| made_of_folder(Some(&base.path().join(name)));
        fs::create_dir(base.path().join("there")).unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        assert!(made_of_folder(None).unwrap().is_none());
        assert!(open("there").unwrap().is_some());
        assert!(open("gone").unwrap().is_none());
        assert!(open("file").unwrap().is_none());
        assert!(open("file/inside").unwrap().is_none());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("circle", base.path().join("circle")).unwrap();
            let failure = open("circle").unwrap_err();
            assert!(failure.message.contains("circle"), "{failure}");
        }
    }
}
