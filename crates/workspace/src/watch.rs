//! Tells when files of a workspace change.
//!
//! Events of the operating system are hints: they can be lost, doubled or late. So this part promises only that a
//! change that is not ignored leads to an event that names it, or to [`WatchEvent::Rescan`], after which the
//! listener walks the folder and compares. It reads rule files alone, and holds no state of the files; which paths were
//! told of is kept where somebody asked for it.
//!
//! On Linux every folder that is not ignored gets its own watch, because a recursive one would spend the system's
//! limit on `node_modules`; elsewhere one recursive watch serves. Where the system's limit is reached, the watcher
//! says so once and calls for a look at the folder from time to time. Start with [`Watcher::start`].
//!
//! While the computer sleeps, changes may go untold. The watcher notices with the next event, or when it is asked
//! ([`Watcher::sleeps`]), and begins anew then.
//!
//! Who needs all that has happened by now, and not what is told in time, asks [`Changes`].

mod batch;
mod changes;
mod place;
mod slept;
mod tree;

use std::path::{Path, PathBuf};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use notify::Watcher as _;

use crate::folder::Workspace;
use crate::path::RelPath;

pub use changes::{Changes, Mark, Told};
pub use slept::SleepClock;

use batch::Batch;
use slept::Sleeps;
use tree::Tree;

/// How often a folder is to be looked at when the system does not tell of every change. Walking 100,000 files takes
/// half a second of one core.
const POLL: Duration = Duration::from_secs(10);

/// Watches a workspace until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    stop: Arc<AtomicBool>,
    inbox: Sender<Message>,
    sleeps: Arc<Sleeps>,
}

/// How a folder is watched.
#[derive(Clone, Debug)]
pub struct Watching {
    /// Changes are told once nothing has changed for so long, or ten times that after the first change when changes do
    /// not end.
    pub debounce: Duration,
    /// The time between two looks at a folder that the system cannot watch whole.
    pub poll: Duration,
    /// Tells whether the computer slept.
    pub clock: SleepClock,
}

impl Watching {
    /// As it is done where nothing else is asked for.
    #[must_use]
    pub fn new(debounce: Duration) -> Self {
        Self {
            debounce,
            poll: POLL,
            clock: SleepClock::default(),
        }
    }
}

/// What a watcher tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchEvent {
    /// These paths were made, changed or removed, in order of path and without duplicates.
    ///
    /// A path that no longer exists may have been a folder; then everything beneath it is gone too.
    Changed(Vec<RelPath>),
    /// Changes may have been missed: walk and compare.
    Rescan {
        /// Why, for people and logs.
        reason: String,
    },
    /// From now on the system tells only of a part of the changes, so a [`WatchEvent::Rescan`] follows every ten
    /// seconds. Told once.
    Unwatched {
        /// Why, and what to do, for people.
        reason: String,
    },
}

/// Why a workspace cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system offers no watching here, or refused to watch the folder itself.
    #[error(
        "the folder cannot be watched, so changes made outside are noticed only by looking again: {0}"
    )]
    Notify(#[from] notify::Error),
    /// No thread could be started.
    #[error("the thread that watches the folder cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

#[derive(Debug)]
enum Message {
    Event(notify::Result<notify::Event>),
    Keep {
        folder: PathBuf,
        reply: Sender<Option<Changes>>,
    },
    Slept,
    Stop,
}

/// Says that nothing more is told, however the thread ends.
struct Over(Arc<changes::Log>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Watcher {
    /// Watches the folder and calls `on`, on a thread of its own, once nothing has changed for a while.
    ///
    /// Changes made after this returns are noticed. Folders that cannot be watched, because the system allows no
    /// more watches, lead to a [`WatchEvent::Unwatched`], not to an error.
    pub fn start(
        workspace: &Workspace,
        watching: Watching,
        on: impl Fn(WatchEvent) + Send + 'static,
    ) -> Result<Self, WatchError> {
        let Watching {
            debounce,
            poll,
            clock,
        } = watching;
        let (inbox, outbox) = mpsc::channel();
        let events = inbox.clone();
        // What is missed while the watches are set counts too.
        let sleeps = Arc::new(Sleeps::new(clock, inbox.clone()));
        let noticed = Arc::clone(&sleeps);
        let system = notify::RecommendedWatcher::new(
            // When nobody listens any more, the watcher is about to be dropped.
            move |event| drop(events.send(Message::Event(event))),
            notify::Config::default().with_follow_symlinks(false),
        )?;
        let mut batch = Batch::new(debounce);
        let mut tree = Tree::start(workspace.clone(), system, &mut batch)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let _over = Over(tree.log());
            let mut look = None;
            while !stopped.load(Ordering::Acquire) {
                if look.is_none()
                    && let Some(reason) = tree.unwatched()
                {
                    on(WatchEvent::Unwatched {
                        reason: reason.to_owned(),
                    });
                    look = Some(Instant::now() + poll);
                }
                if look.is_some_and(|look| look <= Instant::now()) {
                    batch.rescan("not all of the folder is watched".to_owned());
                    look = Some(Instant::now() + poll);
                }
                let message = match batch.due().into_iter().chain(look).min() {
                    None => outbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(due) => outbox.recv_timeout(due.saturating_duration_since(Instant::now())),
                };
                match message {
                    Ok(Message::Event(event)) => {
                        noticed.count();
                        tree.take(event, &mut batch);
                    }
                    // Who asked may have gone.
                    Ok(Message::Keep { folder, reply }) => {
                        drop(reply.send(tree.changes(&folder, &noticed)));
                    }
                    Ok(Message::Slept) => tree.slept(&mut batch),
                    Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if batch.due().is_some_and(|due| due <= Instant::now())
                    && let Some(event) = batch.finish()
                    && !stopped.load(Ordering::Acquire)
                {
                    on(event);
                }
            }
        };
        std::thread::Builder::new()
            .name("kerf-watch".to_owned())
            .spawn(run)
            .map_err(WatchError::Thread)?;
        Ok(Self {
            stop,
            inbox,
            sleeps,
        })
    }

    /// How often the computer has slept since the watcher was started, as far as it is known by now.
    ///
    /// Who relies on what was told asks before: when the number has grown, only a look at the whole folder tells what has
    /// changed. A [`WatchEvent::Rescan`] follows as well, but may come late.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.sleeps.count()
    }

    /// Keeps from now on what is told, for whoever asks at a moment of their own.
    ///
    /// `folder` is a folder of the caller's own, made if it is missing, in which files come and go. Others may use it for
    /// the same. Blocks until what was told by now has been taken in.
    ///
    /// None where it cannot be relied on that the system tells of every change in its order: on macOS and Windows; in
    /// file systems that other computers or programs write to, wherever below the folder; and where not all of the folder
    /// is watched.
    pub fn changes(&self, folder: &Path) -> Option<Changes> {
        let (reply, told) = mpsc::channel();
        let folder = folder.to_path_buf();
        self.inbox.send(Message::Keep { folder, reply }).ok()?;
        told.recv().ok()?
    }
}

impl Drop for Watcher {
    /// No call of `on` begins after this; one that is running may still end.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The thread may be gone already.
        drop(self.inbox.send(Message::Stop));
    }
}
