//! What to ask of a folder, taken from its files: the same for the same folder.

use super::indexed::Indexed;
use kerf_workspace::RelPath;
use std::collections::BTreeSet;

/// Files that are looked into.
const FILES: usize = 400;
/// Of each kind of question at most.
const MOST: usize = 100;
/// Longer files are not read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct Samples {
    /// Three words that stand on one line.
    pub(super) questions: Vec<String>,
    /// Long names.
    pub(super) literals: Vec<String>,
    /// Expressions for names of several parts, with one left open.
    pub(super) patterns: Vec<String>,
    /// Names of definitions.
    pub(super) symbols: Vec<String>,
    /// Names of files without some of their letters.
    pub(super) names: Vec<String>,
}

/// Expressions that ask for no three letters in a row.
pub(super) const OPEN_PATTERNS: [&str; 3] = [r"[0-9]{7}", r"\b[A-Z]{2}\d{4}\b", r"^\S{90}"];

impl Samples {
    pub(super) fn of(indexed: &Indexed, files: &[RelPath]) -> Self {
        let mut samples = Self::default();
        let mut seen = BTreeSet::new();
        for path in files.iter().step_by((files.len() / FILES).max(1)) {
            let Ok(bytes) = indexed.workspace.fs().read(path, MAX_BYTES) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            samples.names.extend(shortened(path));
            samples.questions.extend(question(&text));
            let long = |name: &&str| (12..40).contains(&name.len()) && name.contains('_');
            if let Some(name) = identifiers(&text).filter(long).nth(3)
                && seen.insert(name.to_owned())
            {
                samples.literals.push(name.to_owned());
                samples.patterns.extend(opened(name));
            }
            // A file whose language is not read has none.
            let definitions = indexed.index.outline(path).unwrap_or_default();
            let middle = definitions.get(definitions.len() / 2);
            samples
                .symbols
                .extend(middle.map(|definition| definition.name.clone()));
        }
        for kind in [
            &mut samples.questions,
            &mut samples.literals,
            &mut samples.patterns,
            &mut samples.symbols,
            &mut samples.names,
        ] {
            let step = (kind.len() / MOST).max(1);
            *kind = kind.drain(..).step_by(step).take(MOST).collect();
        }
        samples
    }
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .filter(|name| name.starts_with(|char: char| char.is_ascii_alphabetic()))
}

/// Three words of a line in the middle.
fn question(text: &str) -> Option<String> {
    let half = text.len() / 2;
    let start = text[text.floor_char_boundary(half)..].lines().skip(1);
    let words = |line: &str| {
        let words = identifiers(line).filter(|word| word.len() > 3);
        words.take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let found = start.map(words).find(|words| words.len() == 3)?;
    Some(found.join(" "))
}

/// `foo_bar_baz` as `foo_\w+_baz`.
fn opened(name: &str) -> Option<String> {
    let (first, last) = (name.find('_')?, name.rfind('_')?);
    (first >= 3 && last > first && name.len() - last > 3)
        .then(|| format!("{}_\\w+{}", &name[..first], &name[last..]))
}

/// Every second letter of the file's name, after the first two.
fn shortened(path: &RelPath) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.split('.').next().filter(|stem| stem.len() > 4)?;
    let kept = stem
        .chars()
        .enumerate()
        .filter(|(at, _)| *at < 2 || at % 2 == 0);
    Some(kept.map(|(_, char)| char).collect())
}
