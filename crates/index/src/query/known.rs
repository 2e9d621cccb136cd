//! The names that filters take.

use super::Mistake;
use crate::symbols::{Kind, Language};
use std::sync::LazyLock;

/// What filters can name. Each entry is a name, then other names for the same thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Languages: `["rust", "rs"]`.
    pub languages: &'a [&'a [&'a str]],
    /// Kinds of definitions: `["function", "fn"]`.
    pub kinds: &'a [&'a [&'a str]],
}

/// What a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `path:` – a glob, or a part of the path.
    Path,
    /// `lang:` – a language.
    Language,
    /// `kind:` – a kind of definition.
    Kind,
    /// `sym:` – the name of a definition.
    Symbol,
    /// `ref:` – a name that is referred to.
    Reference,
    /// `file:` – parts of a file's name.
    File,
    /// `hidden:` – whether hidden files are searched.
    Hidden,
    /// `case:` – whether capitals count.
    Case,
}

/// The names of each key; the first is the one that is shown.
const KEYS: &[(Key, &[&str])] = &[
    (Key::Path, &["path"]),
    (Key::Language, &["lang", "language"]),
    (Key::Kind, &["kind"]),
    (Key::Symbol, &["sym", "symbol"]),
    (Key::Reference, &["ref", "reference"]),
    (Key::File, &["file"]),
    (Key::Hidden, &["hidden"]),
    (Key::Case, &["case"]),
];

/// Longer names are not compared with known ones, in bytes.
const MAX_COMPARED: usize = 32;

impl Key {
    /// The key that is written `name`, which is in lower case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        KEYS.iter()
            .find(|(_, names)| names.contains(&name))
            .map(|&(key, _)| key)
    }

    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        KEYS.iter()
            .find(|&&(key, _)| key == self)
            .map_or("", |(_, names)| names[0])
    }

    /// The known key that `name` probably means. Strict, because text has colons too: one letter too much or two
    /// letters swapped, and in the long ones any one mistake.
    pub(super) fn near(name: &str) -> Option<&'static str> {
        let name = name.to_lowercase();
        let is_near = |known: &str| {
            name == known
                || (distance(&name, known) == 1
                    && (known.len() >= 6
                        || name.len() > known.len()
                        || (name.len() == known.len() && sorted(&name) == sorted(known))))
        };
        KEYS.iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .find(|known| is_near(known))
    }
}

/// Other names of kinds of definitions.
const KIND_NAMES: &[(Kind, &[&str])] = &[
    (Kind::Function, &["fn", "func", "def"]),
    (Kind::Constant, &["const"]),
    (Kind::Variable, &["var"]),
    (Kind::Module, &["mod", "namespace"]),
    (Kind::Type, &["typedef", "alias"]),
    (Kind::Struct, &["union"]),
];

type Names = &'static [&'static str];

static LANGUAGES: LazyLock<Vec<Names>> = LazyLock::new(|| {
    let names = |language: Language| &*language.names().collect::<Vec<_>>().leak();
    Language::all().map(names).collect()
});

static KINDS: LazyLock<Vec<Names>> = LazyLock::new(|| {
    let names = |kind: Kind| {
        let others = KIND_NAMES.iter().filter(|(of, _)| *of == kind);
        let others = others.flat_map(|(_, names)| names.iter().copied());
        &*std::iter::once(kind.name())
            .chain(others)
            .collect::<Vec<_>>()
            .leak()
    };
    Kind::all().map(names).collect()
});

impl Known<'static> {
    /// All names that the index can filter by.
    #[must_use]
    pub fn all() -> Self {
        Self {
            languages: &LANGUAGES,
            kinds: &KINDS,
        }
    }
}

impl Known<'_> {
    pub(super) fn language(&self, name: &str) -> Result<String, Mistake> {
        find(self.languages, name).map_err(|nearest| Mistake::Language {
            name: name.to_owned(),
            nearest,
        })
    }

    pub(super) fn kind(&self, name: &str) -> Result<String, Mistake> {
        find(self.kinds, name).map_err(|nearest| Mistake::Kind {
            name: name.to_owned(),
            nearest,
        })
    }
}

/// The first name of the entry that has `name`, or else the nearest name that there is.
fn find(entries: &[&[&str]], name: &str) -> Result<String, Option<String>> {
    let found = entries
        .iter()
        .find(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    if let Some(names) = found {
        return Ok(names[0].to_owned());
    }
    if name.len() > MAX_COMPARED {
        return Err(None);
    }
    let name = name.to_lowercase();
    let distance_to = |names: &&&[&str]| {
        let distances = names.iter().map(|known| {
            if name.len() > 1 && known.starts_with(&name) {
                1
            } else {
                distance(&name, known)
            }
        });
        distances.min().unwrap_or(usize::MAX)
    };
    let nearest = entries
        .iter()
        .min_by_key(distance_to)
        .filter(|names| distance_to(names) <= 1 + name.len() / 4);
    Err(nearest.map(|names| names[0].to_owned()))
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars
}

/// How many characters to add, take away, replace, or swap with their neighbour to get from one to the other (optimal
/// string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, char) in from.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let mut least = (last[column] + usize::from(char != other))
                .min(last[column + 1] + 1)
                .min(next[column] + 1);
            if row > 0 && column > 0 && from[row - 1] == *other && *char == to[column - 1] {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = last;
        last = next;
    }
    last[to.len()]
}
