//! Search: how fast a folder is indexed, asked and kept fresh, and how well the answers are ranked.
//!
//! The index runs in this process, as it does in Kerf's; only first indexing and starts are measured in processes of
//! their own, for their memory. Peers are measured beside it in the same run: ripgrep and codesearch where they are
//! installed, and tantivy's own way to index the same bytes.
//!
//! Kerf's own sources are searched, and the folders given by `--tree`. Each gets one scratch folder, which is removed
//! in the end; nothing else in it is touched.

mod child;
mod first;
mod fresh;
mod indexed;
mod peers;
mod plain;
mod query;
mod ranking;
mod samples;
mod tree;

pub(crate) use child::once;
pub(crate) use tree::Kept;

use crate::Row;
use std::{ffi::OsStr, process::Command};

/// The argument by which this program is told to be one measured process.
pub(crate) const ONCE: &str = "--once";

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "search-index",
        run: first::run,
    },
    Row {
        name: "search-query",
        run: query::run,
    },
    Row {
        name: "search-fresh",
        run: fresh::run,
    },
    Row {
        name: "search-ranking",
        run: ranking::run,
    },
];

/// Starts what is measured, or what it is measured with.
#[expect(
    clippy::disallowed_methods,
    reason = "peers and git are measured as their users start them"
)]
fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}
