//! Who replaces files of a working tree, and who works in it: never both at once.
//!
//! Whoever begins is seen first and looks then: of two that begin at the same moment, at least one sees the other and is
//! refused. So nothing is between the look and the work.

use super::whole_folder;
use crate::{engine::Engine, failure::failure, projects::from_git};
use kerf_git::Repo;
use kerf_protocol::{Code, Failure};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The roots of the working trees in which the library replaces files; git's own programs are among the commands.
#[derive(Debug, Default)]
pub(crate) struct Moving(Mutex<Vec<PathBuf>>);

impl Moving {
    fn roots(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files are replaced as long as it lives.
pub(super) struct Moves<'e> {
    all: &'e Moving,
    root: PathBuf,
}

impl Drop for Moves<'_> {
    fn drop(&mut self) {
        let mut roots = self.all.roots();
        if let Some(at) = roots.iter().position(|root| *root == self.root) {
            roots.swap_remove(at);
        }
    }
}

impl Engine {
    /// To be held while files of the folder's working tree are replaced.
    ///
    /// Errors: when a turn runs whose files these are.
    pub(super) fn move_files(&self, folder: &str) -> Result<Moves<'_>, Failure> {
        let (all, root) = (self.moving(), root(folder)?);
        all.roots().push(root.clone());
        let moves = Moves { all, root };
        self.refuse_in(&moves.root)?;
        Ok(moves)
    }

    /// Errors: when a turn runs whose files would be replaced under it.
    pub(crate) fn refuse_while_working(&self, folder: &str) -> Result<(), Failure> {
        self.refuse_in(&root(folder)?)
    }

    fn refuse_in(&self, root: &Path) -> Result<(), Failure> {
        let works_here = self.awake().all().into_iter().find(|live| {
            live.control().is_some() && Path::new(&live.session().folder).starts_with(root)
        });
        match works_here {
            Some(live) => Err(failure(
                Code::Conflict,
                format!("the task “{}” works in this folder", live.session().title),
                "Stop it, or wait until its turn ends",
            )),
            None => Ok(()),
        }
    }

    /// Errors: while files of the folder are replaced, by a git command or by Kerf itself.
    pub(crate) fn refuse_while_moving(&self, folder: &Path) -> Result<(), Failure> {
        let here = |root: &PathBuf| folder.starts_with(root);
        if self.commands().moves_in(folder) {
            return Err(failure(
                Code::Conflict,
                "a git command is changing this folder",
                "Wait for its end, or stop it",
            ));
        }
        if self.moving().roots().iter().any(here) {
            return Err(failure(
                Code::Conflict,
                "the files of this folder are just being replaced",
                "Try again in a moment",
            ));
        }
        Ok(())
    }
}

/// The root of the working tree that a folder is in, or the folder itself.
fn root(folder: &str) -> Result<PathBuf, Failure> {
    let folder = whole_folder(folder)?;
    let repo = Repo::discover(&folder).map_err(from_git)?;
    Ok(repo.map_or(folder, |repo| repo.workdir().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Options, home::Home, settings::EnvironmentEndpoint};
    use kerf_protocol::request::{NewSession, Prompt, WhenRunning, method};
    use kerf_test_support::Fixture;
    use kerf_workspace::SleepClock;

    #[tokio::test]
    async fn no_turn_begins_while_files_are_replaced() {
        let folder = Fixture::new("//- /inner/a.txt\na\n").git();
        let home = tempfile::tempdir().unwrap();
        let options = Options {
            watch: false,
            sleep_clock: SleepClock::default(),
            home: Home::locate(Some(home.path().to_owned())).unwrap(),
            helper: "no-helper".into(),
            attended: true,
            // Nothing is asked of it.
            environment: EnvironmentEndpoint {
                base_url: Some("http://127.0.0.1:9/v1".to_owned()),
                model: Some("none".to_owned()),
                ..EnvironmentEndpoint::default()
            },
        };
        let engine = Engine::open(options).await.unwrap();
        let inner = folder.path().join("inner").display().to_string();
        let new = NewSession {
            folder: inner.clone(),
            ..NewSession::default()
        };
        let session_id = engine.call::<method::SessionNew>(new).await.unwrap().id;
        let begin = || {
            engine.call::<method::SessionPrompt>(Prompt {
                session_id,
                text: "Go".to_owned(),
                images: Vec::new(),
                when_running: WhenRunning::Queue,
            })
        };
        let moves = engine.move_files(&inner).unwrap();
        let refused = begin().await.unwrap_err();
        assert!(refused.message.contains("being replaced"), "{refused}");
        assert!(!engine.live(session_id).await.unwrap().is_running());
        drop(moves);
        begin().await.unwrap();
        // And the other way round.
        let refused = engine.move_files(&inner).map(drop).unwrap_err();
        assert!(
            refused.message.contains("works in this folder"),
            "{refused}"
        );
        assert!(engine.moving().roots().is_empty());
    }
}
