//! The looks at the folder that turns and calls begin with, and what their checkpoints are called.

use super::{Owned, SessionHost, Stop};
use crate::{desk::Before, failure::from_panic};
use kerf_protocol::{Failure, ItemId};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// So long the end of a turn waits for the look that it began with: longer than it takes in most folders.
const LOOK_AT_END: Duration = Duration::from_secs(2);
/// A label shows so many characters of a message, a command or a path.
const MAX_LABEL: usize = 80;

/// A look at the folder that goes on.
pub(super) struct Looking {
    done: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    /// Whether a checkpoint comes of it.
    is_kept: bool,
}

impl SessionHost {
    /// Begins to look at the folder as it is before a turn; the model is asked meanwhile.
    pub(crate) async fn begin_turn(self: &Arc<Self>, before: Before) {
        let mut looking = self.looking.lock().await;
        let (earlier, host) = (looking.take(), Arc::clone(self));
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let done = tokio::spawn(async move {
            if let Some(earlier) = earlier {
                // Its failure was told when it happened.
                let _ = earlier.done.await;
            }
            if let Err(failure) = host.look_before(before, flag).await {
                tracing::warn!(
                    message = failure.message,
                    "there is no checkpoint before this turn"
                );
            }
        });
        *looking = Some(Looking {
            done,
            stop,
            is_kept: true,
        });
    }

    /// Looks at every file while the model is asked, where a call would wait for that. What the system does not tell of is
    /// found by it.
    pub(super) fn look_meanwhile(self: &Arc<Self>) {
        // What a command in the background changes is not to be taken for the user's.
        if self.jobs().has_any() {
            return;
        }
        // Who holds it waits for a look, or begins one.
        let Ok(mut looking) = self.looking.try_lock() else {
            return;
        };
        let goes_on = |looking: &Looking| !looking.done.is_finished();
        if looking.as_ref().is_some_and(goes_on) {
            return;
        }
        let (host, stop) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&stop);
        let done = tokio::spawn(async move {
            if let Err(failure) = host.look_now(flag).await {
                tracing::debug!(message = failure.message, "nobody looked meanwhile");
            }
        });
        *looking = Some(Looking {
            done,
            stop,
            is_kept: false,
        });
    }

    async fn look_now(&self, stop: Arc<AtomicBool>) -> Result<(), Failure> {
        let _naming = Arc::clone(&self.naming).read_owned().await;
        let look = self.with_desk(|desk| Ok(desk.begin_look_meanwhile()));
        let Some(look) = look.await? else {
            return Ok(());
        };
        let looked = tokio::task::spawn_blocking(move || look.take(&stop))
            .await
            .map_err(from_panic)??;
        self.at_desk(move |desk| Ok(((), desk.end_look_meanwhile(looked)?)))
            .await
    }

    /// At the end of a turn nobody needs it.
    pub(super) async fn stop_look_meanwhile(&self) {
        let looking = self.looking.lock().await;
        if let Some(look) = looking.as_ref().filter(|look| !look.is_kept) {
            look.stop.store(true, Ordering::Relaxed);
        }
    }

    async fn look_before(&self, before: Before, stop: Arc<AtomicBool>) -> Result<(), Failure> {
        let _naming = Arc::clone(&self.naming).read_owned().await;
        let Some(look) = self.with_desk(|desk| Ok(desk.begin_look())).await? else {
            return Ok(());
        };
        let flag = Arc::clone(&stop);
        let looked = tokio::task::spawn_blocking(move || look.take(&flag))
            .await
            .map_err(from_panic)??;
        self.at_desk(move |desk| Ok(((), desk.end_look(looked, &before, &stop)?)))
            .await
    }

    /// Waits for the look that a turn began with.
    pub(crate) async fn looked(&self) {
        let mut looking = self.looking.lock().await;
        if let Some(look) = looking.as_mut() {
            // Its failure was told when it happened.
            let _ = (&mut look.done).await;
        }
        *looking = None;
    }

    /// The same for a call, which the user may stop: then the look is stopped too.
    pub(super) async fn looked_for_call(&self) {
        let mut looking = self.looking.lock().await;
        if let Some(look) = looking.as_mut() {
            let stop = Stop(Arc::clone(&look.stop));
            let _ = (&mut look.done).await;
            // It is over, so that stopping it does nothing.
            drop(stop);
        }
        *looking = None;
    }

    /// The same at the end of a turn: in a very large folder the first look goes on beside the next one.
    pub(super) async fn looked_soon(&self) {
        let _ = tokio::time::timeout(LOOK_AT_END, self.looked()).await;
    }

    /// What the checkpoint before a call is taken before.
    pub(super) fn before(&self, item_id: ItemId, scope: &Owned) -> Before {
        let jobs = self.jobs();
        let label = match (scope, &jobs.call) {
            (Owned::Paths(paths), _) => match &paths[..] {
                [only] => format!("Before a change of {}", shortened(&only.to_string())),
                paths => format!("Before a change of {} files", paths.len()),
            },
            (Owned::Anything, Some((id, Some(command)))) if *id == item_id => {
                format!("Before the command {}", shortened(command))
            }
            (Owned::Anything, _) => "Before a command".to_owned(),
        };
        Before {
            turn_id: jobs.turn_id,
            item_id: Some(item_id),
            label,
        }
    }
}

/// The first line of a text, as a label shows it.
pub(crate) fn shortened(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let line = lines.clone().find(|line| !line.is_empty()).unwrap_or("");
    let mut chars = line.chars().filter(|char| !char.is_control());
    let mut short: String = chars.by_ref().take(MAX_LABEL).collect();
    if chars.next().is_some() || lines.filter(|line| !line.is_empty()).count() > 1 {
        short.push('…');
    }
    short
}
