//! Searches in real folders.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod find;
mod folder;
mod gate;
mod grep;
mod index;
mod map;
mod odd_files;
mod reference;
mod search;
