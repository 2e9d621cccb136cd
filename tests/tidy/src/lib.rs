//! The rules of `ARCHITECTURE.md` and of the house style as tests: arrows between crates, who may link what,
//! headers, names, lengths, leftovers.
//!
//! The library reads the repository: [`tree`] lists the files that git tracks or would track, [`source`] tells
//! code from comments, strings and tests in a Rust file, and [`workspace`] is what cargo says of the packages.
//! It is no parser of Rust; a rule that needs types belongs to the compiler or to clippy.
//!
//! The rules are in `tests/it/`, a file a group and a test a rule. Start there.

pub mod source;
pub mod tree;
pub mod workspace;

/// Fails with one line a place, below the sentence that says what to do.
///
/// # Panics
/// When there is any.
pub fn forbid(places: impl IntoIterator<Item = String>, advice: &str) {
    let places: Vec<String> = places.into_iter().collect();
    assert!(
        places.is_empty(),
        "\n{advice}\n{} places:\n  {}\n",
        places.len(),
        places.join("\n  ")
    );
}
