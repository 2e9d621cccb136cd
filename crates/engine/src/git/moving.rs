//! Who replaces files of a working tree, and who works in it: never both at once.
//!
//! A decision about hunks works in it too, beside turns and other decisions.
//!
//! Whoever begins is seen first and looks then: of two that begin at the same moment, at least one sees the other and is
//! refused. So nothing is between the look and the work.
//!
//! Of two folders one may be inside the other: a repository may hold another, and a session may work in either.

use super::whole_folder;
use crate::{
    desk::Before,
    engine::Engine,
    failure::{failure, from_panic},
    projects::from_git,
    wake::Live,
};
use kerf_git::Repo;
use kerf_protocol::{Code, Failure};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

/// The working trees whose files are held; git's own programs are among the commands.
#[derive(Debug, Default)]
pub(crate) struct Moving(Mutex<Vec<Arc<Held>>>);

#[derive(Debug)]
struct Held {
    root: PathBuf,
    by: Holder,
}

/// What must be alone with the files of a working tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The library replaces them.
    Library,
    /// A check reads them.
    Check,
    /// Hunks are accepted or rejected: alone only with what must be alone itself.
    Decision,
}

impl Moving {
    fn held(&self) -> MutexGuard<'_, Vec<Arc<Held>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, root: PathBuf, by: Holder) -> Hold<'_> {
        let held = Arc::new(Held { root, by });
        self.held().push(Arc::clone(&held));
        Hold { all: self, held }
    }
}

/// Files are held as long as it lives.
pub(crate) struct Hold<'e> {
    all: &'e Moving,
    held: Arc<Held>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.all.held().retain(|one| !Arc::ptr_eq(one, &self.held));
    }
}

impl Engine {
    /// To be held while the files of the folder's working tree are replaced, or must not be.
    ///
    /// Errors: when a turn runs whose files these are, or something else holds them.
    pub(crate) async fn hold_files(&self, folder: &str, by: Holder) -> Result<Hold<'_>, Failure> {
        let root = root(folder).await?;
        let hold = self.moving().hold(root, by);
        // First, because a session takes no turn during its check either, and the check is what is told.
        self.refuse_beside(&hold.held.root, Some(&hold.held))?;
        self.refuse_turn(&hold.held.root)?;
        self.refuse_beside_command(&hold.held.root)?;
        Ok(hold)
    }

    /// To be held while hunks of a session are decided, which may write its folder and the user's.
    ///
    /// Errors: when something must be alone with the files of one.
    pub(crate) fn hold_to_decide(&self, live: &Live) -> Result<[Hold<'_>; 2], Failure> {
        let session = live.session().clone();
        let folders = [session.folder.as_str(), session.users_folder()].map(PathBuf::from);
        let holds = folders
            .clone()
            .map(|folder| self.moving().hold(folder, Holder::Decision));
        for folder in &folders {
            self.refuse_while_moving(folder)?;
        }
        Ok(holds)
    }

    /// The sessions that are open in a working tree keep what it holds, to bring it back to.
    pub(super) async fn keep_before(&self, hold: &Hold<'_>, label: &str) -> Result<(), Failure> {
        for live in self.awake().all() {
            if !overlap(Path::new(&live.session().folder), &hold.held.root) {
                continue;
            }
            let before = Before {
                label: label.to_owned(),
                ..Before::default()
            };
            let _naming = self.naming().read_owned().await;
            live.host.looked().await;
            live.host
                .decide_at_desk(move |desk| {
                    let mut writes = desk.look(&AtomicBool::new(false))?;
                    writes.extend(desk.keep_checkpoint(&before)?);
                    Ok(((), writes))
                })
                .await?;
        }
        Ok(())
    }

    /// Errors: when a turn runs in the folder's working tree, or something holds its files.
    pub(crate) async fn refuse_while_working(&self, folder: &str) -> Result<(), Failure> {
        self.refuse_work_in(&root(folder).await?)
    }

    /// The same of the root of a working tree.
    pub(super) fn refuse_work_in(&self, root: &Path) -> Result<(), Failure> {
        self.refuse_beside(root, None)?;
        self.refuse_turn(root)
    }

    /// Errors: while files of the folder are held, by a git command or by Kerf itself.
    pub(crate) fn refuse_while_moving(&self, folder: &Path) -> Result<(), Failure> {
        self.refuse_beside_command(folder)?;
        self.refuse_beside_those(folder, |held| held.by != Holder::Decision)
    }

    fn refuse_turn(&self, root: &Path) -> Result<(), Failure> {
        let works_here = self.awake().all().into_iter().find(|live| {
            live.control().is_some() && overlap(Path::new(&live.session().folder), root)
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

    fn refuse_beside_command(&self, folder: &Path) -> Result<(), Failure> {
        if self.commands().moves_in(folder) {
            return Err(failure(
                Code::Conflict,
                "a git command is changing this folder",
                "Wait for its end, or stop it",
            ));
        }
        Ok(())
    }

    /// `own` does not stand in its own way.
    fn refuse_beside(&self, folder: &Path, own: Option<&Arc<Held>>) -> Result<(), Failure> {
        self.refuse_beside_those(folder, |held| own.is_none_or(|own| !Arc::ptr_eq(own, held)))
    }

    fn refuse_beside_those(
        &self,
        folder: &Path,
        counts: impl Fn(&Arc<Held>) -> bool,
    ) -> Result<(), Failure> {
        let by = {
            let all = self.moving().held();
            let mut others = all.iter().filter(|held| counts(held));
            let held = others.find(|held| overlap(folder, &held.root));
            held.map(|held| held.by)
        };
        let (message, hint) = match by {
            None => return Ok(()),
            Some(Holder::Library) => (
                "the files of this folder are just being replaced",
                "Try again in a moment",
            ),
            Some(Holder::Decision) => (
                "changes in this folder are just being accepted or rejected",
                "Try again in a moment",
            ),
            Some(Holder::Check) => (
                "a check runs in this folder",
                "Wait for its end, or stop it",
            ),
        };
        Err(failure(Code::Conflict, message, hint))
    }
}

/// Whether one of two folders is the other or inside it.
pub(super) fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The root of the working tree that a folder is in, or the folder itself.
async fn root(folder: &str) -> Result<PathBuf, Failure> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || {
        let folder = whole_folder(&folder)?;
        let repo = Repo::discover(&folder).map_err(from_git)?;
        Ok(repo.map_or(folder, |repo| repo.workdir().to_owned()))
    })
    .await
    .map_err(from_panic)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desk::Before, engine::Options};
    use kerf_agent::{Host as _, Scope};
    use kerf_protocol::{
        ItemId, SessionId, TurnId,
        checkpoint::{Restore, RestoreWhat},
        event::EventBody,
        git::{SaveStash, TakeStash},
        request::{Decide, NewSession, Prompt, SessionRef, WhenRunning, method},
        review::{Author, Decision, Target},
        worktree::WorkspaceKind,
    };
    use kerf_test_support::Fixture;
    use rstest::rstest;
    use std::fs;

    async fn session_in(engine: &Engine, folder: &Path) -> SessionId {
        let new = NewSession {
            folder: folder.display().to_string(),
            ..NewSession::default()
        };
        engine.call::<method::SessionNew>(new).await.unwrap().id
    }

    #[tokio::test]
    async fn no_turn_begins_while_files_are_held_and_the_other_way_round() {
        let fixture = Fixture::new("//- /inner/a.txt\na\n//- /other/b.txt\nb\n").git();
        let root = fixture.path().canonicalize().unwrap();
        let nested = Fixture::new("//- /c.txt\nc\n").git();
        fs::rename(nested.path(), root.join("nested")).unwrap();
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let begin = |session_id| {
            engine.call::<method::SessionPrompt>(Prompt {
                session_id,
                text: "Go".to_owned(),
                images: Vec::new(),
                when_running: WhenRunning::Queue,
            })
        };
        for (works_in, held) in [("inner", "inner"), ("", "nested"), ("nested", "other")] {
            let (works_in, held) = (root.join(works_in), root.join(held));
            let held = held.to_str().unwrap();
            let id = session_in(&engine, &works_in).await;
            for (by, says) in [
                (Holder::Library, "being replaced"),
                (Holder::Check, "a check runs"),
            ] {
                let hold = engine.hold_files(held, by).await.unwrap();
                let refused = begin(id).await.unwrap_err();
                assert!(refused.message.contains(says), "{held}: {refused}");
                let live = engine.live(id).await.unwrap();
                assert!(!live.is_running());
                // Nor do two hold them, whether or not the session is kept from turns meanwhile.
                for is_paused in [false, true] {
                    let works = is_paused.then(|| live.pause().unwrap());
                    let second = engine.hold_files(held, Holder::Library).await;
                    let refused = second.map(drop).unwrap_err();
                    assert!(refused.message.contains(says), "{held}: {refused}");
                    let refused = engine.refuse_while_working(held).await.unwrap_err();
                    assert!(refused.message.contains(says), "{held}: {refused}");
                    drop(works);
                }
                drop(hold);
                let works = live.pause().unwrap();
                let refused = engine.hold_files(held, by).await.map(drop).unwrap_err();
                assert!(
                    refused.message.contains("works in this folder"),
                    "{held}: {refused}"
                );
                drop(works);
                assert!(engine.moving().held().is_empty());
            }
            begin(id).await.unwrap();
            engine.idle(id).await.unwrap();
        }
    }

    /// A decision writes files: in the session's folder, and in the user's where that is another.
    #[rstest]
    #[case::in_place(WorkspaceKind::InPlace, Decision::Reject, "one\n")]
    #[case::in_a_worktree(WorkspaceKind::Worktree { branch: None }, Decision::Accept, "two\n")]
    #[tokio::test]
    async fn nothing_is_decided_while_files_are_held(
        #[case] workspace: WorkspaceKind,
        #[case] decision: Decision,
        #[case] decided: &str,
    ) {
        let fixture = Fixture::new("//- /a.txt\none\n").git();
        let users = fixture.path().canonicalize().unwrap();
        let users = users.to_str().unwrap();
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let new = NewSession {
            folder: users.to_owned(),
            workspace,
            ..NewSession::default()
        };
        let session = engine.call::<method::SessionNew>(new).await.unwrap();
        let session_id = session.id;
        let live = engine.live(session_id).await.unwrap();
        live.host.begin_turn(Before::default()).await;
        live.host.looked().await;
        let (turn_id, item_id) = (TurnId::new(), ItemId::new());
        live.host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: Vec::new(),
        });
        let before = live.host.before_change(item_id, Scope::Anything).await;
        before.unwrap();
        fs::write(Path::new(&session.folder).join("a.txt"), "two\n").unwrap();
        let author = Author::Command { turn_id, item_id };
        let after = live.host.after_change(Scope::Anything, author).await;
        assert_eq!(after.unwrap().len(), 1);

        let decide = || {
            engine.call::<method::ReviewDecide>(Decide {
                session_id,
                decision,
                target: Target::All,
            })
        };
        let undo = || engine.call::<method::ReviewUndo>(SessionRef { session_id });
        let was = fixture.read("a.txt");
        for (refused, then) in [(was.as_str(), decided), (decided, was.as_str())] {
            for held in [session.folder.as_str(), users] {
                let hold = engine.hold_files(held, Holder::Check).await.unwrap();
                for failure in [decide().await.unwrap_err(), undo().await.unwrap_err()] {
                    assert!(failure.message.contains("a check runs"), "{failure}");
                }
                assert_eq!(fixture.read("a.txt"), refused);
                drop(hold);
            }
            let done = if then == decided {
                decide().await
            } else {
                undo().await
            };
            done.unwrap();
            assert_eq!(fixture.read("a.txt"), then);
        }
    }

    /// What asked first is seen by what asks while it is at work.
    #[tokio::test]
    async fn files_are_not_held_in_the_middle_of_a_decision() {
        let fixture = Fixture::new("//- /a.txt\none\n").git();
        let root = fixture.path().canonicalize().unwrap();
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let session_id = session_in(&engine, &root).await;
        let (begun, at_work) = tokio::sync::oneshot::channel();
        let (go_on, told) = std::sync::mpsc::channel::<()>();
        let decision = {
            let engine = engine.clone();
            tokio::spawn(async move {
                let decide = move |_: &mut crate::desk::Desk| {
                    begun.send(()).unwrap();
                    told.recv().unwrap();
                    Ok(crate::desk::DeskDecision::default())
                };
                engine.decided(session_id, decide).await
            })
        };
        at_work.await.unwrap();
        let folder = root.to_str().unwrap();
        for by in [Holder::Library, Holder::Check] {
            let refused = engine.hold_files(folder, by).await.map(drop).unwrap_err();
            assert!(
                refused.message.contains("accepted or rejected"),
                "{refused}"
            );
        }
        // A turn goes on beside it, and so does another decision.
        engine.refuse_while_moving(&root).unwrap();
        let live = engine.live(session_id).await.unwrap();
        drop(engine.hold_to_decide(&live).unwrap());
        go_on.send(()).unwrap();
        decision.await.unwrap().unwrap();
        assert!(engine.moving().held().is_empty());
        drop(engine.hold_files(folder, Holder::Check).await.unwrap());
    }

    /// Taking a stash out can be undone by what the open session holds of before.
    #[tokio::test]
    async fn open_sessions_take_a_checkpoint_before_a_stash_is_taken_out() {
        let fixture = Fixture::new("//- /a.txt\none\n").git();
        let root = fixture.path().canonicalize().unwrap();
        let folder = root.to_str().unwrap().to_owned();
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let session_id = session_in(&engine, &root).await;
        engine.live(session_id).await.unwrap();
        fixture.write("a.txt", "stashed\n");
        let save = SaveStash {
            folder: folder.clone(),
            message: None,
            untracked: false,
        };
        let stashed = engine.call::<method::GitStash>(save).await.unwrap();
        assert_eq!(fixture.read("a.txt"), "one\n");
        let take = TakeStash {
            folder,
            oid: stashed.oid,
            drop: true,
        };
        engine.call::<method::GitUnstash>(take).await.unwrap();
        assert_eq!(fixture.read("a.txt"), "stashed\n");
        let kept = engine.store().checkpoints(session_id).await.unwrap();
        assert_eq!(kept[0].is.label, "Before taking a stash out");
        let back = Restore {
            session_id,
            checkpoint_id: kept[0].id,
            what: RestoreWhat::Files,
            paths: Some(vec!["a.txt".to_owned()]),
        };
        engine
            .call::<method::CheckpointRestore>(back)
            .await
            .unwrap();
        assert_eq!(fixture.read("a.txt"), "one\n");
    }
}
