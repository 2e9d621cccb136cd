//! The requests about checkpoints: listing them, and bringing files and conversation back.
//!
//! A restore takes a checkpoint of what is there, writes down what it is about to do, does it, and in one commit writes
//! what has become of it and that it has ended. Whoever opens the session after a restore that was stopped goes on with it.

use crate::{
    desk::{Back, Before, Desk},
    engine::Engine,
    failure::{failure, from_store},
    host::SessionHost,
    wake::Live,
};
use kerf_checkpoint::{Done, unfit_root};
use kerf_protocol::{
    Code, Failure, SessionId,
    checkpoint::{
        Checkpoint, CheckpointRef, Checkpoints, Restore, RestorePreview, RestoreWhat, Restored,
    },
    event::EventBody,
    item::ItemBody,
    request::SessionRef,
};
use kerf_store::{Restoring, StoredCheckpoint, Write};
use kerf_workspace::RelPath;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// So many files are named that a restore did not come to.
const MAX_NAMED: usize = 20;

impl Engine {
    pub(crate) async fn checkpoint_list(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Checkpoints, Failure> {
        // Says so when there is no such session.
        let session = self.store().session(session_id).await.map_err(from_store)?;
        let stored = self.store().checkpoints(session_id).await;
        Ok(Checkpoints {
            checkpoints: stored.map_err(from_store)?.iter().map(shown).collect(),
            none_because: unfit_root(Path::new(&session.folder), self.home().data()),
        })
    }

    pub(crate) async fn checkpoint_preview(
        &self,
        CheckpointRef {
            session_id,
            checkpoint_id,
        }: CheckpointRef,
    ) -> Result<RestorePreview, Failure> {
        let live = self.live(session_id).await?;
        let _naming = self.naming().read_owned().await;
        let _one = live.host.deciding.lock().await;
        // What a running turn does meanwhile would be told as it was.
        let _paused = live.pause()?;
        live.host.looked().await;
        let stored = self.store().checkpoints(session_id).await;
        let back = self
            .back(session_id, checkpoint_id, &stored.map_err(from_store)?)
            .await?;
        let checkpoint = back.checkpoints.first().map(shown);
        let files = live
            .host
            .decide_at_desk(move |desk| {
                let writes = desk.look(&AtomicBool::new(false))?;
                Ok((desk.preview(&back)?, writes))
            })
            .await?;
        Ok(RestorePreview {
            checkpoint: checkpoint.ok_or_else(|| none_such(checkpoint_id))?,
            files,
            messages: self.messages_hidden(session_id, checkpoint_id).await?,
        })
    }

    pub(crate) async fn checkpoint_restore(&self, restore: Restore) -> Result<Restored, Failure> {
        let live = self.live(restore.session_id).await?;
        // What is brought back is not given up meanwhile.
        let _naming = self.naming().read_owned().await;
        let _one = live.host.deciding.lock().await;
        let paused = live.pause()?;
        let folder = live.session().folder.clone();
        self.refuse_while_moving(Path::new(&folder))?;
        live.host.looked().await;
        self.end_restore(&live).await?;
        let restored = self.restore(&live, &restore).await?;
        // Who is told attaches at once, and finds no turn running.
        drop(paused);
        live.host.log.emit(EventBody::SessionRestored {
            checkpoint_id: restored.checkpoint_id,
            undo: restored.undo,
            conversation: restore.what != RestoreWhat::Files,
        });
        Ok(restored)
    }

    async fn restore(&self, live: &Arc<Live>, restore: &Restore) -> Result<Restored, Failure> {
        let &Restore {
            session_id,
            checkpoint_id,
            what,
            ..
        } = restore;
        let named = restore.paths.as_ref().map(|paths| named(paths));
        let named = named.transpose()?;
        let stored = self.store().checkpoints(session_id).await;
        let back = self
            .back(session_id, checkpoint_id, &stored.map_err(from_store)?)
            .await?;
        let (files, conversation) = (
            what != RestoreWhat::Conversation,
            what != RestoreWhat::Files,
        );
        let messages = if conversation {
            self.messages_hidden(session_id, checkpoint_id).await?
        } else {
            Vec::new()
        };
        let before = Before {
            label: format!("Before restoring checkpoint {checkpoint_id}"),
            ..Before::default()
        };
        let about = back.clone();
        let (paths, mut stayed) = live
            .host
            .decide_at_desk(move |desk| {
                let mut writes = desk.look(&AtomicBool::new(false))?;
                let chosen = if files {
                    desk.chosen(&about, named.as_deref())?
                } else {
                    Default::default()
                };
                writes.extend(desk.keep_checkpoint(&before)?);
                Ok((chosen, writes))
            })
            .await?;
        let stored = self.store().checkpoints(session_id).await;
        let undo = stored.map_err(from_store)?.pop();
        let undo = undo.ok_or_else(|| none_such(checkpoint_id))?;
        let undo_id = undo.id;
        let restoring = Restoring {
            checkpoint_id,
            undo_id,
            conversation,
            paths: paths.iter().map(ToString::to_string).collect(),
        };
        let begin = Write::BeginRestore {
            session_id,
            restoring,
        };
        self.store().commit(vec![begin]).await.map_err(from_store)?;
        let (about, wanted) = (back.clone(), paths.clone());
        let done = live
            .host
            .decide_at_desk(move |desk| {
                let mut done = desk.restore(&back, &undo, &paths)?;
                let mut writes = std::mem::take(&mut done.writes);
                writes.push(Write::EndRestore { session_id });
                Ok((done, writes))
            })
            .await;
        let done = match done {
            Ok(done) => done,
            Err(failure) => {
                live.half_restored.store(true, Ordering::Relaxed);
                return Err(not_ended(&live.host, failure, about, wanted).await);
            }
        };
        stayed.extend(done.stayed);
        stayed.sort_by(|a, b| a.path.cmp(&b.path));
        let written = done.written.iter().map(ToString::to_string).collect();
        live.host.wrote(done.written);
        if conversation {
            live.forget_agent().await;
        }
        Ok(Restored {
            checkpoint_id,
            undo: undo_id,
            written,
            stayed,
            hidden_messages: u32::try_from(messages.len()).unwrap_or(u32::MAX),
        })
    }

    /// Goes on with a restore that did not come to its end, before anything else is begun in the session. For who holds
    /// the lock on deciding, while no turn runs.
    pub(crate) async fn end_restore(&self, live: &Arc<Live>) -> Result<(), Failure> {
        if !live.half_restored.load(Ordering::Relaxed) {
            return Ok(());
        }
        let session_id = live.session().id;
        let stored = self.store().checkpoints(session_id).await;
        let stored = stored.map_err(from_store)?;
        if let Some(unfinished) = self.unfinished(session_id, &stored).await? {
            let (about, wanted) = (unfinished.back.clone(), unfinished.relative());
            let done = live
                .host
                .decide_at_desk(move |desk| Ok(((), unfinished.go_on(session_id, desk)?)))
                .await;
            if let Err(failure) = done {
                return Err(match about {
                    Some(about) => not_ended(&live.host, failure, about, wanted).await,
                    None => failure,
                });
            }
            live.forget_agent().await;
        }
        live.half_restored.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// What is known of a checkpoint among those of its session.
    async fn back(
        &self,
        session_id: SessionId,
        checkpoint_id: i64,
        stored: &[StoredCheckpoint],
    ) -> Result<Back, Failure> {
        let at = stored.iter().position(|one| one.id == checkpoint_id);
        let at = at.ok_or_else(|| none_such(checkpoint_id))?;
        if stored[at].gone_at.is_some() {
            return Err(failure(
                Code::NotFound,
                format!(
                    "what checkpoint {checkpoint_id} held was given up, so that checkpoints stay within their room on the disk"
                ),
                "`kerf checkpoints` lists what can still be brought back; the settings say how much room there is",
            ));
        }
        let changes = self.store().file_changes(session_id, checkpoint_id).await;
        let done = changes
            .map_err(from_store)?
            .into_iter()
            .filter_map(|change| {
                let path: RelPath = change.path.parse().ok()?;
                let done = Done {
                    before: change.before,
                    after: change.after,
                };
                Some((change.checkpoint_id, path, done))
            })
            .collect();
        Ok(Back {
            checkpoints: stored[at..].to_vec(),
            done,
        })
    }

    /// The user's messages that bringing the conversation back would hide, each by its first line.
    async fn messages_hidden(
        &self,
        session_id: SessionId,
        checkpoint_id: i64,
    ) -> Result<Vec<String>, Failure> {
        let store = self.store();
        let hidden = store.would_hide(session_id, checkpoint_id).await;
        let hidden = hidden.map_err(from_store)?;
        let transcript = store.transcript(session_id).await.map_err(from_store)?;
        let turns = transcript.turns.iter();
        let items = turns
            .filter(|turn| hidden.contains(&turn.id))
            .flat_map(|turn| &turn.items);
        Ok(items
            .filter_map(|item| match &item.body {
                ItemBody::UserMessage { text, .. } => Some(crate::host::shortened(text)),
                _ => None,
            })
            .collect())
    }

    /// The restore of a session that nobody saw end.
    pub(crate) async fn unfinished(
        &self,
        session_id: SessionId,
        stored: &[StoredCheckpoint],
    ) -> Result<Option<Unfinished>, Failure> {
        let begun = self.store().restoring(session_id).await;
        let Some(begun) = begun.map_err(from_store)? else {
            return Ok(None);
        };
        let undo = stored.iter().find(|one| one.id == begun.undo_id).cloned();
        let back = self.back(session_id, begun.checkpoint_id, stored).await;
        Ok(Some(Unfinished {
            back: back.ok(),
            undo,
            paths: begun.paths,
        }))
    }
}

/// A restore that an earlier process began.
pub(crate) struct Unfinished {
    /// None: the checkpoint is gone, so that nothing more can be done.
    back: Option<Back>,
    undo: Option<StoredCheckpoint>,
    paths: Vec<String>,
}

impl Unfinished {
    fn relative(&self) -> Vec<RelPath> {
        let paths = self.paths.iter();
        paths.filter_map(|path| path.parse().ok()).collect()
    }

    /// Does what is left of it.
    pub(crate) fn go_on(
        self,
        session_id: SessionId,
        desk: &mut Desk,
    ) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::new();
        let paths = self.relative();
        if let (Some(back), Some(undo)) = (self.back, self.undo) {
            let done = desk.restore(&back, &undo, &paths)?;
            for stayed in &done.stayed {
                tracing::warn!(
                    path = stayed.path,
                    why = stayed.why,
                    "a file was not restored"
                );
            }
            writes.extend(done.writes);
        }
        writes.push(Write::EndRestore { session_id });
        Ok(writes)
    }
}

/// Says of a restore that failed in its middle what is missing.
async fn not_ended(
    host: &SessionHost,
    mut failure: Failure,
    back: Back,
    paths: Vec<RelPath>,
) -> Failure {
    let missing = host
        .at_desk(move |desk| Ok((desk.not_as_then(&back, &paths)?, Vec::new())))
        .await;
    let missing = match missing {
        Ok(missing) if missing.is_empty() => {
            "all files are as they are to be, and that could not be written down".to_owned()
        }
        Ok(missing) => {
            let names: Vec<String> = missing
                .iter()
                .take(MAX_NAMED)
                .map(ToString::to_string)
                .collect();
            let more = match missing.len().saturating_sub(MAX_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("not as they are to be yet: {}{more}", names.join(", "))
        }
        Err(failure) => format!("which files are missing is not known: {}", failure.message),
    };
    failure.message = format!(
        "the restore did not come to its end: {}; {missing}",
        failure.message
    );
    failure.hint = "Make room, or mend what is wrong with the disk, and restore again: it goes on where it was".to_owned();
    failure
}

/// The paths that the user named, as paths of the folder.
fn named(paths: &[String]) -> Result<Vec<RelPath>, Failure> {
    let parsed = paths.iter().map(|path| {
        path.parse::<RelPath>().map_err(|error| {
            failure(
                Code::Usage,
                error.to_string(),
                "Name files by their paths in the folder, as `kerf restore --dry-run` lists them",
            )
        })
    });
    parsed.collect()
}

fn shown(stored: &StoredCheckpoint) -> Checkpoint {
    let is = stored.is.clone();
    Checkpoint {
        id: stored.id,
        turn: is.turn_id,
        call: is.item_id,
        label: is.label,
        created_at: is.created_at,
        files: is.files,
        note: is.note,
        gone_at: stored.gone_at,
    }
}

fn none_such(checkpoint_id: i64) -> Failure {
    failure(
        Code::NotFound,
        format!("this session has no checkpoint {checkpoint_id}"),
        "`kerf checkpoints` lists them",
    )
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
