//! What rules say about command lines: the table of published ways around them, and properties.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bypasses;
mod properties;
mod verdicts;
