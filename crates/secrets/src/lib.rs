//! Secrets in text that leaves the machine: found, replaced by placeholders, and put back where text stays local.
//!
//! [`Vault::conceal`] replaces tokens of known providers and the lines of key blocks by words like
//! `KERF_SECRET_github_pat_k3m9x2c7qa`; [`Vault::restore`] puts the values back, exactly, for the placeholders of the
//! same vault and no others. What only looks like a secret by its entropy is reported and left as it is.
//! [`withheld`] names the files whose whole content is a secret.
//!
//! The crate reads no file and keeps nothing: the rules are data inside it (`rules/`), and a vault lives as long as its
//! owner keeps it. The same key and the same texts in the same order give the same placeholders.
//! No value is ever shown by `Debug`.
//!
//! Start with [`Vault`]; how a text is searched is in `scan.rs`, key blocks are in `block.rs`.

mod block;
mod known;
mod placeholder;
mod rules;
mod scan;
mod vault;
mod withheld;

pub use block::{KeyBlock, key_blocks};
pub use rules::{Decision, Rules};
pub use vault::{Concealed, Finding, Vault, Warning};
pub use withheld::{Reason, withheld};
