//! Allow-lists: what is no secret although a rule finds it.

use super::{
    file::{AllowRow, Condition, Target},
    pattern,
};
use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;
use std::sync::OnceLock;

pub(crate) struct Allowed {
    patterns: Vec<String>,
    target: Target,
    stopwords: Vec<String>,
    compiled: OnceLock<(Option<Regex>, Option<AhoCorasick>)>,
}

impl Allowed {
    pub(super) fn new(row: AllowRow) -> Self {
        // What holds in certain files only never holds here: a text that goes to a model has no path.
        let applies = row.condition == Condition::Or || row.paths.is_empty();
        let keep = |list: Vec<String>| if applies { list } else { Vec::new() };
        Self {
            patterns: keep(row.regexes)
                .iter()
                .map(|regex| pattern::translate(regex))
                .collect(),
            target: row.target,
            stopwords: keep(row.stopwords),
            compiled: OnceLock::new(),
        }
    }

    /// The expressions and the words, ready to search with.
    pub(super) fn compile(
        &self,
    ) -> Result<(Option<Regex>, Option<AhoCorasick>), Box<dyn std::error::Error>> {
        let regex = if self.patterns.is_empty() {
            None
        } else {
            let regex = pattern::builder().build_many(&self.patterns);
            Some(regex.map_err(Box::new)?)
        };
        let words = if self.stopwords.is_empty() {
            None
        } else {
            let builder = &mut AhoCorasick::builder();
            Some(
                builder
                    .ascii_case_insensitive(true)
                    .build(&self.stopwords)?,
            )
        };
        Ok((regex, words))
    }

    pub(super) fn covers(&self, secret: &str, whole: &str, line: &str) -> bool {
        #[expect(clippy::expect_used, reason = "a test compiles every list")]
        let (regex, words) = self.compiled.get_or_init(|| {
            // It cannot fail: the lists are part of the program, and a test compiles each.
            self.compile().expect("a built-in allow-list")
        });
        let target = match self.target {
            Target::Secret => secret,
            Target::Match => whole,
            Target::Line => line,
        };
        regex.as_ref().is_some_and(|regex| regex.is_match(target))
            || words.as_ref().is_some_and(|words| words.is_match(secret))
    }
}
