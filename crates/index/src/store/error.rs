//! Why the store cannot do what it was asked for.

use std::{fmt::Display, io};
use tantivy::{
    TantivyError,
    directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError},
};

/// Why something could not be stored or searched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The index on disk is not as it was written, or was written by another version.
    #[error("the index cannot be used and is built anew: {0}")]
    Damaged(String),
    /// The disk is full, or as full as this user may make it.
    #[error("the disk has no room for the index; free some, and it goes on")]
    Full,
    /// The system refused.
    #[error("the index cannot be written: {0}")]
    Io(String),
    /// Another process writes this place.
    #[error("another Kerf writes the index of this folder")]
    NotOurs,
}

impl StoreError {
    pub(super) fn damaged(why: impl Display) -> Self {
        Self::Damaged(why.to_string())
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<OpenDirectoryError> for StoreError {
    fn from(error: OpenDirectoryError) -> Self {
        TantivyError::from(error).into()
    }
}

impl From<TantivyError> for StoreError {
    fn from(error: TantivyError) -> Self {
        let again = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                Self::damaged(error)
            }
            kind => io::Error::new(kind, error.to_string()).into(),
        };
        match &error {
            TantivyError::IoError(error) => again(error),
            TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. })
            | TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => {
                again(io_error)
            }
            // What fails in a thread of the writer fails there for want of room or for damage; a new writer tells.
            TantivyError::ErrorInThread(_) | TantivyError::LockFailure(..) => {
                Self::Io(error.to_string())
            }
            _ => Self::damaged(error),
        }
    }
}
