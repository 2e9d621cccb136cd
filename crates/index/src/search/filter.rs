//! Which files a query is about, and what their texts must and must not hold besides.

use super::{
    Wanted,
    finder::{Finder, Item},
};
use crate::{
    Case, GrepQuery, Hides, PathFilter, Pattern, Query, SearchError, grep,
    index::Core,
    names::Names,
    store::{ContentSet, Snapshot},
    symbols::{Kind, Language, Outline},
    trigram, words,
};
use grep_matcher::Matcher;
use kerf_workspace::RelPath;

/// What narrows an answer.
pub(super) struct Filter<'a> {
    paths: PathFilter,
    hidden: bool,
    languages: Vec<Language>,
    without_languages: Vec<Language>,
    pub(super) kinds: Vec<Kind>,
    pub(super) without_kinds: Vec<Kind>,
    /// Exact texts and expressions that must be there, then those that must not.
    pub(super) texts: Vec<GrepQuery>,
    pub(super) without_texts: Vec<GrepQuery>,
    without_words: Vec<Item>,
    /// Parts of names, where files are not what is asked for.
    names: Vec<String>,
    hides: Option<Hides<'a>>,
}

/// The same, ready to look at texts.
pub(super) struct Conditions<'f> {
    pub(super) all: Vec<grep::Wanted<'f>>,
    pub(super) none: Vec<grep::Wanted<'f>>,
    no_word: Option<Finder>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(wanted: &Wanted<'_>, hides: Option<Hides<'a>>) -> Result<Self, SearchError> {
        let query = wanted.query;
        let without = &query.without;
        Ok(Self {
            paths: PathFilter::new(query)?,
            hidden: query.hidden.unwrap_or(wanted.hidden),
            languages: parsed(&query.within.languages),
            without_languages: parsed(&without.scope.languages),
            kinds: parsed(&query.within.kinds),
            without_kinds: parsed(&without.scope.kinds),
            texts: texts(wanted, &query.phrases, &query.patterns),
            without_texts: texts(wanted, &without.phrases, &without.patterns),
            without_words: items(&without.words.join(" ")),
            names: if is_about_names(query) {
                Vec::new()
            } else {
                query.files.clone()
            },
            hides,
        })
    }

    /// Whether the query is about a file of this path and language.
    pub(super) fn takes(&self, path: &RelPath, language: Option<Language>) -> bool {
        let is_one = |list: &[Language]| language.is_some_and(|language| list.contains(&language));
        (self.languages.is_empty() || is_one(&self.languages))
            && !is_one(&self.without_languages)
            && (self.hidden || !crate::files::is_hidden(path, &RelPath::root()))
            && self.paths.matches(path)
            && (self.names.is_empty() || {
                let name = Names::new([path]);
                self.names
                    .iter()
                    .all(|part| name.find(part, &[], 1).total > 0)
            })
            && self.hides.is_none_or(|hides| !hides(path))
    }

    pub(super) fn hidden(&self) -> bool {
        self.hidden
    }

    /// Whether paths and languages leave files out.
    pub(super) fn narrows(&self, query: &Query) -> bool {
        !(self.languages.is_empty()
            && self.without_languages.is_empty()
            && query.within.paths.is_empty()
            && query.without.scope.paths.is_empty()
            && self.names.is_empty())
    }

    /// Whether definitions of a kind are asked for.
    pub(super) fn takes_kind(&self, kind: Kind) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind)) && !self.without_kinds.contains(&kind)
    }

    /// Whether the kinds of its definitions leave a file in. `None`: nothing was read, so it has no definitions.
    pub(super) fn takes_outline(&self, outline: Option<&Outline>) -> bool {
        if self.kinds.is_empty() && self.without_kinds.is_empty() {
            return true;
        }
        let has = |kinds: &[Kind]| {
            outline.is_some_and(|outline| {
                let mut definitions = outline.definitions().iter();
                definitions.any(|definition| kinds.contains(&definition.kind))
            })
        };
        (self.kinds.is_empty() || has(&self.kinds)) && !has(&self.without_kinds)
    }

    pub(super) fn has_kinds(&self) -> bool {
        !(self.kinds.is_empty() && self.without_kinds.is_empty())
    }

    pub(super) fn conditions(&self) -> Result<Conditions<'_>, SearchError> {
        Ok(Conditions {
            all: wanted(&self.texts)?,
            none: wanted(&self.without_texts)?,
            no_word: (!self.without_words.is_empty())
                .then(|| Finder::new(self.without_words.clone())),
        })
    }

    /// The stored contents that may hold the texts; `None`: any of them.
    pub(super) fn candidates(&self, core: &Core, snapshot: &Snapshot) -> Option<ContentSet> {
        let mut left: Option<ContentSet> = None;
        for text in &self.texts {
            let Some(found) = core.store().candidates(snapshot, &trigram::plan(text)) else {
                continue;
            };
            left = Some(match left {
                Some(mut left) => {
                    left.retain(|id| found.contains(id));
                    left
                }
                None => found,
            });
        }
        left
    }
}

impl Conditions<'_> {
    /// Whether a text holds what it must, and nothing of what it must not.
    pub(super) fn hold(&mut self, text: &[u8]) -> bool {
        let matches = |wanted: &grep::Wanted<'_>| wanted.matcher.is_match(text).unwrap_or_default();
        self.all.iter().all(matches) && !self.none.iter().any(matches) && !self.has_word(text)
    }

    /// Whether a text holds an excluded word.
    pub(super) fn has_word(&mut self, text: &[u8]) -> bool {
        let Some(finder) = &mut self.no_word else {
            return false;
        };
        finder.is_in(&String::from_utf8_lossy(text))
    }
}

fn wanted(queries: &[GrepQuery]) -> Result<Vec<grep::Wanted<'_>>, SearchError> {
    queries.iter().map(grep::Wanted::new).collect()
}

/// What a text of words asks for.
pub(super) fn items(text: &str) -> Vec<Item> {
    words::question(text).into_iter().map(Item::new).collect()
}

/// Whether names of files are what the query asks for, rather than what narrows it.
fn is_about_names(query: &Query) -> bool {
    !query.looks_into_files() && query.symbols.is_empty() && query.references.is_empty()
}

fn parsed<T: std::str::FromStr>(names: &[String]) -> Vec<T> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn texts(wanted: &Wanted<'_>, phrases: &[String], patterns: &[Pattern]) -> Vec<GrepQuery> {
    let ignores = |text: &str| match wanted.query.case {
        None => wanted.ignore_case,
        Some(Case::Yes) => false,
        Some(Case::No) => true,
        Some(Case::Smart) => !text.chars().any(char::is_uppercase),
    };
    let query = |text: &str, literal, ignore_case, multi_line| GrepQuery {
        pattern: text.to_owned(),
        literal,
        ignore_case,
        multi_line,
        under: RelPath::root(),
        glob: None,
        // Hidden files are left out by the filter.
        hidden: true,
        limit: wanted.limit,
        context: 0,
    };
    let phrases = phrases
        .iter()
        .map(|text| query(text, true, ignores(text), text.contains('\n')));
    let patterns = patterns.iter().map(|pattern| {
        let ignore_case = pattern.ignore_case || ignores(&pattern.text);
        query(&pattern.text, false, ignore_case, pattern.multi_line)
    });
    phrases.chain(patterns).collect()
}
