//! The first matches in the order of files, while the files are searched in any order.

use crate::Found;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Holds at most the limit, and what one file has more.
pub(crate) struct Kept {
    limit: usize,
    files: Mutex<Files>,
    /// Files with a higher number cannot come into the result any more.
    last: AtomicUsize,
}

#[derive(Default)]
struct Files {
    found: BTreeMap<usize, Vec<Found>>,
    count: usize,
}

impl Kept {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            files: Mutex::default(),
            last: AtomicUsize::new(usize::MAX),
        }
    }

    /// How many matches of the file with this number are worth keeping.
    pub(crate) fn room_at(&self, number: usize) -> usize {
        if number > self.last.load(Ordering::Relaxed) {
            0
        } else {
            self.limit
        }
    }

    pub(crate) fn add(&self, number: usize, found: Vec<Found>) {
        if found.is_empty() {
            return;
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Files {
            found: by_file,
            count,
        } = &mut *files;
        *count += found.len();
        by_file.insert(number, found);
        while let Some(last) = by_file.last_entry()
            && *count - last.get().len() >= self.limit
        {
            *count -= last.remove().len();
        }
        if *count >= self.limit
            && let Some((&last, _)) = by_file.last_key_value()
        {
            self.last.store(last, Ordering::Relaxed);
        }
    }

    pub(crate) fn finish(self) -> Vec<Found> {
        let files = self
            .files
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        files
            .found
            .into_values()
            .flatten()
            .take(self.limit)
            .collect()
    }
}
