//! Between rows and types: JSON, words and ids as text, and the error that both sides of a query share.

use crate::StoreError;
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

/// What fails inside, before the database's path is known to it.
#[derive(Debug)]
pub(crate) enum Failed {
    Sql(sqlx::Error),
    /// A row holds what no Kerf writes.
    Row(String),
    Store(StoreError),
}

impl Failed {
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => StoreError::sqlx(path, error),
            Self::Row(reason) => StoreError::Damaged {
                path: path.to_owned(),
                reason,
            },
            Self::Store(error) => error,
        }
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::Store(StoreError::NotFound {
            what,
            id: id.to_string(),
        })
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<uuid::Error> for Failed {
    fn from(error: uuid::Error) -> Self {
        Self::Row(format!("an id cannot be read: {error}"))
    }
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Failed> {
    serde_json::to_string(value).map_err(|error| {
        Failed::Store(StoreError::Invalid {
            reason: format!("a value has no JSON form: {error}"),
        })
    })
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Failed> {
    serde_json::from_str(text)
        .map_err(|error| Failed::Row(format!("a row's JSON cannot be read: {error}")))
}

/// A variant without fields as its bare name.
pub(crate) fn to_word<T: Serialize>(value: &T) -> Result<String, Failed> {
    Ok(to_json(value)?.trim_matches('"').to_owned())
}

pub(crate) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, Failed> {
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word))
        .map_err(|error| Failed::Row(format!("a row's word cannot be read: {error}")))
}

/// SQLite's integers have a sign. Nothing that is counted here comes near the limit but by mistake.
pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
