//! Rules: what may go ahead unasked, what is asked about, and what does not happen.
//!
//! A rule is a text like `Bash(cargo test:*)` or `Read(./.env)`; [`Rules`] holds those of all origins and says what
//! they make of a command, a file, a host or a tool. Where several match, deny counts before ask, ask before allow.
//! A command line is taken apart first (`shell.rs`): it is allowed only if it is plain and each command in it is
//! allowed, and what cannot be taken apart for certain is never allowed but by a rule for that very line. Deny and ask
//! look through wrappers, substitutions and pipes, and where they can only guess, the user is asked.
//!
//! Texts in, verdicts out: the crate reads no file, and knows no policy, no session and no trust; whoever fills a
//! [`Rules`] decides which count. Names are no boundary: a script can call anything. What a command can reach is for
//! the sandbox; rules are for what the user wants to be asked.
//!
//! Start with [`Rules`]; the syntax is in `rule.rs` and in `docs/rules.md`.

mod command;
mod denied;
mod destroys;
mod host;
mod offer;
mod path;
mod project;
mod rule;
mod set;
mod shell;
mod wrapper;

pub use destroys::{Doomed, destroys};
pub use offer::{offer_command, offer_edit};
pub use project::{FILES, Found, read_settings};
pub use rule::{Rule, RuleError};
pub use set::{Entry, Judgement, PathAt, Rules, closed};
