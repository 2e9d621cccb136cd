//! The rules: gitleaks' set with Kerf's own beside it, read once, each pattern compiled when it is first needed.

mod allow;
mod file;
mod pattern;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use allow::Allowed;
use file::{KerfFile, RuleFile, RuleRow};
pub(crate) use pattern::{Compiled, Reach};
use std::{
    fmt,
    sync::{LazyLock, OnceLock},
};

const GITLEAKS: &str = include_str!("../rules/gitleaks.toml");
const KERF: &str = include_str!("../rules/kerf.toml");

/// What is done about what a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is replaced by a placeholder.
    Conceal,
    /// It is reported and stays.
    Warn,
}

/// A rule.
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) decision: Decision,
    /// A value must have more bits a character than this.
    pub(crate) entropy: f64,
    group: Option<usize>,
    pattern: String,
    keywords: Vec<String>,
    allowed: Vec<Allowed>,
    compiled: OnceLock<Compiled>,
}

impl Rule {
    fn new(row: RuleRow, decision: Decision) -> Option<Self> {
        Some(Self {
            // A rule without a pattern is about the names of files; `withheld` has those.
            pattern: pattern::translate(&row.regex?),
            id: row.id,
            decision,
            entropy: row.entropy,
            group: row.secret_group,
            keywords: row.keywords,
            allowed: row.allowlists.into_iter().map(Allowed::new).collect(),
            compiled: OnceLock::new(),
        })
    }

    /// The pattern, ready to search with.
    #[expect(clippy::expect_used, reason = "a test compiles every pattern")]
    pub(crate) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            // It cannot fail: the patterns are part of the program, and a test compiles each.
            Compiled::new(&self.pattern, &self.keywords, self.group).expect("a built-in pattern")
        })
    }

    /// Whether a generic rule's own conditions hold: gitleaks wants a digit in what its generic rules find.
    pub(crate) fn is_generic(&self) -> bool {
        self.id.starts_with("generic")
    }

    pub(crate) fn allows(&self, secret: &str, whole: &str, line: &str) -> bool {
        self.allowed
            .iter()
            .any(|allowed| allowed.covers(secret, whole, line))
    }
}

/// All rules, and what finds the texts that each is tried on.
pub struct Rules {
    rules: Vec<Rule>,
    everywhere: Allowed,
    keywords: AhoCorasick,
    /// For each keyword the rules that have it.
    rules_of: Vec<Vec<usize>>,
}

impl Rules {
    /// The rules inside the program. The first call reads them, which takes some milliseconds; a pattern is compiled
    /// when its keyword is first seen.
    #[must_use]
    #[expect(clippy::expect_used, reason = "every test of this crate reads them")]
    pub fn built_in() -> &'static Self {
        static RULES: LazyLock<Rules> = LazyLock::new(|| {
            // It cannot fail: both files are part of the program, and every test of this crate reads them.
            Rules::read(GITLEAKS, KERF).expect("the built-in rules")
        });
        &RULES
    }

    fn read(gitleaks: &str, kerf: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let theirs: RuleFile = toml::from_str(gitleaks)?;
        let ours: KerfFile = toml::from_str(kerf)?;
        let rows = theirs.rules.into_iter().chain(ours.rules);
        let rules: Vec<Rule> = rows
            .filter(|row| !ours.decide.by_code.contains(&row.id))
            .filter_map(|row| {
                let decision = if ours.decide.warn.contains(&row.id) {
                    Decision::Warn
                } else {
                    Decision::Conceal
                };
                Rule::new(row, decision)
            })
            .collect();
        let mut words: Vec<String> = rules
            .iter()
            .flat_map(|rule| rule.keywords.iter().cloned())
            .collect();
        words.sort_unstable();
        words.dedup();
        let has = |rule: &Rule, word: &String| rule.keywords.contains(word);
        let rules_of = words
            .iter()
            .map(|word| {
                (0..rules.len())
                    .filter(|&at| has(&rules[at], word))
                    .collect()
            })
            .collect();
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)?;
        Ok(Self {
            rules,
            everywhere: Allowed::new(theirs.allowlist),
            keywords,
            rules_of,
        })
    }

    /// Each rule's name and what is done about what it finds.
    pub fn decisions(&self) -> impl Iterator<Item = (&str, Decision)> {
        self.rules
            .iter()
            .map(|rule| (rule.id.as_str(), rule.decision))
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Calls `hit` for each keyword in the text and each rule that has it: the rule, and where the word begins and ends.
    pub(crate) fn hits(&self, text: &str, mut hit: impl FnMut(usize, usize, usize)) {
        for found in self.keywords.find_overlapping_iter(text) {
            for &rule in &self.rules_of[found.pattern().as_usize()] {
                hit(rule, found.start(), found.end());
            }
        }
    }

    /// Whether no rule counts this value as a secret.
    pub(crate) fn allows_everywhere(&self, secret: &str) -> bool {
        self.everywhere.covers(secret, secret, secret)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rules({} rules)", self.rules.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_and_every_pattern_compiles() {
        let rules = Rules::built_in();
        let theirs = RuleFile::of(GITLEAKS).rules.len();
        let ours = RuleFile::of(KERF).rules.len();
        assert_eq!(theirs, 222, "gitleaks 8.30.1 has 222 rules");
        // One is about a file's name, one is done by code.
        assert_eq!(rules.rules().len(), theirs + ours - 2);
        for rule in rules.rules() {
            assert!(
                Compiled::new(&rule.pattern, &rule.keywords, rule.group).is_ok(),
                "{}: {}",
                rule.id,
                rule.pattern
            );
            assert!(!rule.keywords.is_empty(), "{} is never tried", rule.id);
            for allowed in &rule.allowed {
                allowed.compile().unwrap();
            }
        }
        rules.everywhere.compile().unwrap();
    }

    #[test]
    fn what_is_decided_is_about_rules_that_there_are() {
        let ours: KerfFile = toml::from_str(KERF).unwrap();
        let theirs = RuleFile::of(GITLEAKS).rules;
        for id in ours.decide.warn.iter().chain(&ours.decide.by_code) {
            assert!(theirs.iter().any(|rule| rule.id == *id), "{id}");
        }
        let warn = |id: &str| {
            Rules::built_in()
                .decisions()
                .any(|(name, decision)| name == id && decision == Decision::Warn)
        };
        assert!(warn("generic-api-key"));
        assert!(!warn("github-pat"));
    }
}
