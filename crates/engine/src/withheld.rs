//! What is withheld from models and commands, where the engine itself runs commands and shows files to a model.
//!
//! The agent's [`Guard`] answers; here it gets the rules and the folders of a session or of a folder without one.

use crate::{
    engine::Engine,
    failure::{from_fs, from_panic},
};
use kerf_agent::{Guard, withheld};
use kerf_protocol::{Failure, session::Session};
use kerf_sandbox::Withheld;
use kerf_workspace::Workspace;
use std::{
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
            // In a folder that is gone nothing is withheld.
            let made_of = Some(users).filter(|users| *users != folder);
            let made_of = made_of.and_then(|users| Workspace::open(&users).ok());
            let workspace = Workspace::open(&folder).map_err(from_fs)?;
            Ok(withheld(&workspace, made_of.as_ref(), &rules))
        })
        .await
        .map_err(from_panic)?
    }

    /// Tells what of a folder no model is shown.
    pub(crate) async fn guard_of(&self, folder: &Path) -> Result<Guard, Failure> {
        let rules = self.rules_in(&folder.to_string_lossy()).await?;
        let show = self.settings()?.secrets.show.into();
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || {
            let workspace = Workspace::open(&folder).map_err(from_fs)?;
            Ok(Guard::new(workspace, show, Arc::new(rules)))
        })
        .await
        .map_err(from_panic)?
    }
}
