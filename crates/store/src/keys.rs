//! Keys in the operating system's keyring, else in memory until Kerf ends. Never in a file.
//!
//! A keyring that is locked blocks for as long as its prompt stands. So it is called on a thread of its own,
//! and nobody waits for it longer than [`PATIENCE`]. Nothing is touched before the first key is asked for.

use kerf_protocol::endpoint::KeyPlace;
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// The name of Kerf's entries in the keyring.
const SERVICE: &str = "kerf";
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a key could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no keyring, or it is locked and stays so, or it refuses.
    #[error("the keyring cannot be used: {reason}")]
    Unavailable {
        /// What the keyring said.
        reason: String,
    },
    /// It did not answer in time; it may wait for an answer of the user's.
    #[error(
        "the keyring did not answer within {seconds} s; it may be waiting for you to unlock it"
    )]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// What it holds under that name is no key.
    #[error("the key `{name}` in the keyring is damaged: {reason}; set it again")]
    Damaged {
        /// The key's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The keys, by name. Clones are cheap and the same.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    keyring: Arc<dyn Keyring>,
    patience: Duration,
    /// The thread's queue, once there is a thread.
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    /// Whether the thread still hangs in a call that somebody gave up on.
    late: Arc<AtomicBool>,
    memory: Mutex<HashMap<String, SecretString>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Keys {
    /// The keys of this user. Touches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Arc::new(System), PATIENCE)
    }

    fn with(keyring: Arc<dyn Keyring>, patience: Duration) -> Self {
        let inner = Inner {
            keyring,
            patience,
            calls: Mutex::default(),
            late: Arc::default(),
            memory: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The key of that name, if there is one.
    ///
    /// # Errors
    /// When the keyring cannot say. A key in memory is found all the same.
    pub async fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError> {
        if let Some(key) = self.memory().get(name) {
            return Ok(Some(key.clone()));
        }
        let wanted = name.to_owned();
        self.call(move |keyring| keyring.get(&wanted)).await
    }

    /// Keeps a key, in place of one of the same name: in the keyring, else in memory, with the reason.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] when the keyring takes no such key.
    pub async fn set(&self, name: &str, key: SecretString) -> Result<KeyPlace, KeyError> {
        let (wanted, kept) = (name.to_owned(), key.clone());
        match self.call(move |keyring| keyring.set(&wanted, &kept)).await {
            Ok(()) => {
                self.memory().remove(name);
                Ok(KeyPlace::Keyring)
            }
            Err(error @ KeyError::Damaged { .. }) => Err(error),
            Err(error @ (KeyError::Unavailable { .. } | KeyError::TimedOut { .. })) => {
                self.memory().insert(name.to_owned(), key);
                Ok(KeyPlace::Memory {
                    reason: error.to_string(),
                })
            }
        }
    }

    /// Forgets a key, wherever it is. It is no error when there is none.
    ///
    /// # Errors
    /// When the keyring cannot be asked, so that it may still have the key; memory has forgotten it then.
    pub async fn delete(&self, name: &str) -> Result<(), KeyError> {
        self.memory().remove(name);
        let wanted = name.to_owned();
        self.call(move |keyring| keyring.delete(&wanted)).await
    }

    async fn call<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Keyring) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let timed_out = KeyError::TimedOut {
            seconds: self.inner.patience.as_secs(),
        };
        if self.inner.late.load(Ordering::SeqCst) {
            return Err(timed_out);
        }
        let (reply, answer) = oneshot::channel();
        let (keyring, late) = (self.inner.keyring.clone(), self.inner.late.clone());
        let call: Call = Box::new(move || {
            // Given up on while it stood in the queue: it must not happen after what came later.
            if !reply.is_closed() {
                drop(reply.send(ask(&*keyring)));
            }
            late.store(false, Ordering::SeqCst);
        });
        self.calls()?.send(call).map_err(|_| no_thread())?;
        match tokio::time::timeout(self.inner.patience, answer).await {
            Ok(Ok(answer)) => answer,
            // The keyring's library panicked; the thread is gone with it.
            Ok(Err(_)) => {
                *lock(&self.inner.calls) = None;
                Err(no_thread())
            }
            Err(_) => {
                self.inner.late.store(true, Ordering::SeqCst);
                Err(timed_out)
            }
        }
    }

    fn calls(&self) -> Result<mpsc::Sender<Call>, KeyError> {
        let mut calls = lock(&self.inner.calls);
        if let Some(calls) = &*calls {
            return Ok(calls.clone());
        }
        let (sender, queue) = mpsc::channel::<Call>();
        let serve = move || queue.into_iter().for_each(|call| call());
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(serve)
            .map_err(|error| KeyError::Unavailable {
                reason: format!("no thread can be started for it: {error}"),
            })?;
        Ok(calls.insert(sender).clone())
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        lock(&self.inner.memory)
    }
}

type Call = Box<dyn FnOnce() + Send>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_thread() -> KeyError {
    KeyError::Unavailable {
        reason: "its library failed".to_owned(),
    }
}

/// What is asked of a keyring. Blocks.
trait Keyring: Send + Sync {
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError>;
    fn set(&self, name: &str, key: &SecretString) -> Result<(), KeyError>;
    fn delete(&self, name: &str) -> Result<(), KeyError>;
}

/// The operating system's.
struct System;

impl Keyring for System {
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError> {
        match entry(name)?.get_password() {
            Ok(key) => Ok(Some(key.into())),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(key_error(name, &error)),
        }
    }

    fn set(&self, name: &str, key: &SecretString) -> Result<(), KeyError> {
        entry(name)?
            .set_password(key.expose_secret())
            .map_err(|error| key_error(name, &error))
    }

    fn delete(&self, name: &str) -> Result<(), KeyError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(key_error(name, &error)),
        }
    }
}

fn entry(name: &str) -> Result<keyring::Entry, KeyError> {
    keyring::Entry::new(SERVICE, name).map_err(|error| match keyring::Entry::store_status() {
        // That there is no store says less than why there is none.
        Err(why) => key_error(name, why),
        Ok(()) => key_error(name, &error),
    })
}

/// Only what the library shows, never what it holds for debugging: that may be the key.
fn key_error(name: &str, error: &keyring::Error) -> KeyError {
    use keyring::Error as E;
    let damaged = |reason: &str| KeyError::Damaged {
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    match error {
        E::BadEncoding(_) => damaged("it is not text"),
        E::BadDataFormat(..) => damaged("it has another form"),
        E::Ambiguous(_) => damaged("there are several of that name"),
        E::TooLong(..) | E::Invalid(..) => damaged(&error.to_string()),
        E::PlatformFailure(why) | E::NoStorageAccess(why) => KeyError::Unavailable {
            reason: why.to_string(),
        },
        error => KeyError::Unavailable {
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
