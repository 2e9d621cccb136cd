//! The thread of an index: looks at what was told, reads what is new, and keeps the listing on disk.

use super::{Core, Event, locked, read, written};
use crate::{
    background,
    content::{self, Content, Read, Reason},
    listing::{self, Listing, State, Unread},
    store::{DocumentMaker, StoreError},
    symbols::Language,
};
use kerf_workspace::Kind;
use std::{
    panic::resume_unwind,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How often what was read so far is made findable while much is read.
const COMMIT_EVERY: Duration = Duration::from_secs(10);

/// Files read at once, besides what tantivy does with them.
const MAX_READERS: usize = 4;

/// Of files longer than this, in bytes, one is read at a time.
const LARGE: u64 = 4 << 20;

/// So many files at once are no edit but a folder that is new, or an index that is made anew: no search waits for them.
const MANY: usize = 500;

/// A file that is written all the time is read again in one round at most so often.
const MAX_ROUNDS: usize = 3;

/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(50);

/// When stamps that were too young have become old enough.
const DOUBT: Duration = Duration::from_millis(2_500);

/// The listing is saved so long after a change, because it grows with the folder and not with the change.
const SAVE_AFTER: Duration = Duration::from_secs(20);

/// When to try again what the system or another process refused.
const RETRY: Duration = Duration::from_secs(15);

/// What is to be done without being told.
#[derive(Default)]
struct Plans {
    doubt: Option<Instant>,
    save: Option<Instant>,
    retry: Option<Instant>,
    /// Looking for contents that nobody has goes through the listings of all folders.
    garbage: bool,
}

impl Plans {
    fn next(&self) -> Option<Instant> {
        [self.doubt, self.save, self.retry]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Core {
    pub(super) fn work(&self) {
        let mut plans = Plans {
            garbage: true,
            ..Plans::default()
        };
        let mut makers = Vec::new();
        while let Some(told) = self.queue.next(plans.next()) {
            let now = Instant::now();
            if plans.doubt.is_some_and(|at| at <= now) {
                plans.doubt = None;
                written(&self.listing).forget_doubtful();
            }
            let trouble = self.store.prepare().err();
            self.note(trouble.as_ref());
            if self.take_in(&self.is_stopped).is_err() {
                break;
            }
            if self.read_new(&mut makers) {
                self.progress.changed();
                plans.save.get_or_insert(now + SAVE_AFTER);
            }
            let listing = read(&self.listing);
            // What was being written, and what was read too soon after it was.
            let is_open = listing.has_doubtful() || !listing.unread().is_empty();
            drop(listing);
            plans.doubt = is_open.then(|| Instant::now() + DOUBT);
            let is_refused = locked(&self.trouble).is_some() || !self.store.is_writable();
            plans.retry = is_refused.then(|| Instant::now() + RETRY);
            let is_first = !self.is_saved();
            if is_first || plans.save.is_some_and(|at| at <= Instant::now()) {
                plans.save = None;
                self.save();
                plans.garbage = true;
            }
            if std::mem::take(&mut plans.garbage) {
                self.remove_garbage();
            }
            // So that no search has to wait for it.
            written(&self.catalog).refresh(&self.listing, &self.store.snapshot());
            self.queue.done(told);
            (self.on)(Event::Status(self.status()));
        }
        drop(self.store.commit());
        if plans.save.is_some() {
            self.save();
        }
    }

    /// Reads the files whose content is not known, and those whose content the store has lost. Whether there were any.
    fn read_new(&self, makers: &mut Vec<Mutex<DocumentMaker>>) -> bool {
        let mut any = false;
        for _ in 0..MAX_ROUNDS {
            if self.store.is_writable() {
                let snapshot = self.store.snapshot();
                written(&self.listing)
                    .forget(|state| state.id().is_some_and(|id| !snapshot.holds(id)));
            }
            let unread = read(&self.listing).unread();
            if unread.is_empty() || self.is_stopped.load(Ordering::Relaxed) {
                break;
            }
            any = true;
            self.read_all(&unread, makers);
            let committed = self.commit();
            if locked(&self.trouble).is_some() || committed.is_err() {
                break;
            }
        }
        any
    }

    fn remove_garbage(&self) {
        if let Err(error) = self.store.remove_garbage()
            && self.refuse(&error)
        {
            self.store.fail();
        }
    }

    fn read_all(&self, unread: &[Unread], makers: &mut Vec<Mutex<DocumentMaker>>) {
        let bytes = unread.iter().map(|file| file.stamp.len).sum();
        self.progress.start(unread.len(), bytes);
        let next = AtomicUsize::new(0);
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MAX_READERS)
            .min(unread.len());
        while makers.len() < threads {
            makers.push(Mutex::new(DocumentMaker::new()));
        }
        thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            let readers: Vec<_> = makers[..threads]
                .iter()
                .map(|maker| {
                    let done = done.clone();
                    let next = &next;
                    scope.spawn(move || {
                        if unread.len() >= MANY {
                            background::give_way();
                        }
                        let mut maker = locked(maker);
                        while let Some(file) = unread.get(next.fetch_add(1, Ordering::Relaxed))
                            && !self.is_stopped.load(Ordering::Relaxed)
                        {
                            self.read_one(file, &mut maker);
                        }
                        drop(done);
                    })
                })
                .collect();
            drop(done);
            let mut committed = Instant::now();
            while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if self.progress.is_due() {
                    (self.on)(Event::Status(self.status()));
                }
                if committed.elapsed() >= COMMIT_EVERY {
                    drop(self.commit());
                    self.save();
                    committed = Instant::now();
                }
            }
            for reader in readers {
                reader.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
    }

    fn read_one(&self, file: &Unread, maker: &mut DocumentMaker) {
        let now = SystemTime::now();
        // One at a time of those that take much memory.
        let _large = (file.stamp.len > LARGE).then(|| locked(&self.one_large));
        let state = match content::read(&self.ws, &file.path, file.stamp) {
            Read::Content(content) => {
                self.progress.contents_read.fetch_add(1, Ordering::Relaxed);
                let language = content.language(&file.path);
                if self.add(&content, language, maker) {
                    Some(State::Content {
                        id: content.id,
                        reason: content.reason,
                        language,
                        racy: listing::is_racy(file.stamp, now),
                    })
                } else {
                    Some(State::LeftOut {
                        reason: content.reason.unwrap_or(Reason::TooLarge),
                        message: Some("it holds too much that is different".into()),
                    })
                }
            }
            Read::LeftOut(reason, message) => Some(State::LeftOut {
                reason,
                message: message.map(Into::into),
            }),
            Read::Gone => None,
            Read::Changing => {
                let stat = self.ws.fs().stat(&file.path).ok();
                let stat = stat.filter(|stat| stat.kind == Kind::File);
                written(&self.listing).restamp(file, stat.as_ref());
                return;
            }
        };
        written(&self.listing).settle(file, state);
        self.progress.files_done.fetch_add(1, Ordering::Relaxed);
        self.progress
            .bytes_done
            .fetch_add(file.stamp.len, Ordering::Relaxed);
    }

    /// Adds a content, as far as the store grows. `false` when it cannot be indexed.
    fn add(
        &self,
        content: &Content,
        language: Option<Language>,
        maker: &mut DocumentMaker,
    ) -> bool {
        if !self.store.is_writable() || locked(&self.trouble).is_some() {
            return true;
        }
        self.store
            .add(content, language, maker)
            .unwrap_or_else(|error| {
                if self.refuse(&error) {
                    self.store.fail();
                }
                true
            })
    }

    fn commit(&self) -> Result<(), StoreError> {
        let committed = self.store.commit();
        if let Err(error) = &committed
            && self.refuse(error)
        {
            self.store.fail();
        }
        committed
    }

    /// Notes what keeps the store from growing; another process that writes it is no trouble.
    fn note(&self, error: Option<&StoreError>) {
        *locked(&self.trouble) = error
            .filter(|error| !matches!(error, StoreError::NotOurs))
            .map(ToString::to_string);
    }

    /// Notes an error. Whether it is one that ends the writing.
    fn refuse(&self, error: &StoreError) -> bool {
        if matches!(error, StoreError::NotOurs) {
            return false;
        }
        let mut trouble = locked(&self.trouble);
        // The first one says most: what follows on it only says that the writer is gone.
        trouble.get_or_insert_with(|| error.to_string());
        true
    }

    fn is_saved(&self) -> bool {
        self.has_saved.load(Ordering::Relaxed)
    }

    /// Keeps the listing for the next start. When that fails the next start reads more.
    fn save(&self) {
        let bytes = read(&self.listing).to_bytes(&self.name);
        let saved = std::fs::create_dir_all(self.store.folders())
            .and_then(|()| listing::save(&self.listing_file(), &bytes));
        self.has_saved.store(true, Ordering::Relaxed);
        drop(saved);
    }

    pub(super) fn load(&self) {
        if let Some(listing) = Listing::load(&self.listing_file(), &self.name) {
            *written(&self.listing) = listing;
            self.has_saved.store(true, Ordering::Relaxed);
        }
    }
}
