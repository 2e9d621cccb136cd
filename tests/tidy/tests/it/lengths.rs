//! How long files are. A file that cannot be read in one sitting has more than one subject.

use tidy::{
    forbid,
    source::Source,
    tree::{rust, shipped},
};

const LONGEST: usize = 600;
/// For tests and tables, which are read by the entry.
const LONGEST_TABLE: usize = 1_000;
const MEDIAN: usize = 220;

/// Files outside of tests that are one table, and why that is the better form.
const TABLES: &[(&str, &str)] = &[];

fn length(source: &Source) -> usize {
    source.text().lines().count()
}

#[test]
fn no_file_is_too_long() {
    let mut all: Vec<(usize, &Source)> = rust()
        .iter()
        .map(|source| (length(source), source))
        .collect();
    all.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    println!("the longest files:");
    for (length, source) in all.iter().take(5) {
        println!("{length:>5} {}", source.path());
    }
    let wrong = all.iter().filter_map(|(length, source)| {
        let is_table = source.is_test() || TABLES.iter().any(|(path, _)| *path == source.path());
        let limit = if is_table { LONGEST_TABLE } else { LONGEST };
        (*length > limit).then(|| format!("{}: {length} lines, at most {limit}", source.path()))
    });
    forbid(wrong, "Split the file by subject.");
    let gone = TABLES
        .iter()
        .filter(|(path, _)| !rust().iter().any(|source| source.path() == *path));
    forbid(
        gone.map(|(path, _)| (*path).to_owned()),
        "These are gone: take them out of the list of tables.",
    );
}

#[test]
fn files_are_short_as_a_rule() {
    let mut lengths: Vec<usize> = shipped().map(length).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    println!("the median of {} files is {median} lines", lengths.len());
    assert!(
        median <= MEDIAN,
        "the median length of the product's files is {median} lines, at most {MEDIAN}: split the long ones"
    );
}
