//! What rules say about command lines: the table of published ways around them, and properties.

mod bypasses;
mod properties;
mod verdicts;
