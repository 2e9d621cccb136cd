//! What rules deny to read, for whoever hides files from a command instead of asking about each.

use crate::{Judgement, PathAt, path::PathPattern, rule::About, set::Rules};
use kerf_protocol::rule::RuleVerdict;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A name that only a pattern for all names fits.
const ANY: &str = "\u{1}any\u{1}";

impl Rules {
    /// What they say about reading all that a folder holds.
    #[must_use]
    pub fn read_all(&self, folder: PathAt<'_>) -> Judgement<'_> {
        let [named, real] = [Some(folder.named), folder.real].map(|folder| folder.map(any_in));
        self.read(PathAt {
            named: named.as_deref().unwrap_or(ANY),
            real: real.as_deref(),
        })
    }

    /// Whether a rule denies reading a path in the folder, with `/` between names, and of a folder also whether one denies
    /// reading all that it holds.
    #[must_use]
    pub fn denies_reading(&self, inside: &str, is_dir: bool) -> bool {
        // Most folders have none, and this is asked about every file.
        if self.denied_reads().next().is_none() {
            return false;
        }
        let denies = |inside: &str| {
            let whole = format!("{}/{inside}", self.folder());
            self.denied_reads()
                .any(|(_, pattern)| pattern.matches(Some(inside), &whole, self.home(), true))
        };
        denies(inside) || is_dir && denies(&any_in(inside))
    }

    /// Whole paths of the files and folders that may not be read, as far as rules name them without a pattern:
    /// `Read(~/notes)`, `Read(//srv/keys/**)`, `Read(.git/config)`. They are known without a look through folders.
    #[must_use]
    pub fn denied_places(&self) -> Vec<String> {
        let patterns = self.denied_reads();
        patterns
            .filter_map(|(_, pattern)| pattern.place(self.folder(), self.home()))
            .collect()
    }

    /// Whether a rule on reading speaks of this name, as `Read(target/keys)` does of `target`.
    #[must_use]
    pub fn denied_reads_name(&self, name: &str) -> bool {
        self.denied_reads()
            .any(|(text, _)| names_of(text).any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Another number when other reading is denied. None: none is.
    #[must_use]
    pub fn denied_reads_version(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        let mut any = false;
        for (text, _) in self.denied_reads() {
            any = true;
            text.hash(&mut hasher);
        }
        any.then(|| hasher.finish())
    }

    /// What means all files is for the tools: hardly a command works without any.
    fn denied_reads(&self) -> impl Iterator<Item = (&str, &PathPattern)> {
        let entries = self.entries().iter();
        entries
            .filter(|entry| entry.verdict == RuleVerdict::Deny)
            .filter_map(|entry| match &entry.rule.about {
                About::Read(pattern) => Some((entry.rule.text(), pattern)),
                _ => None,
            })
            .filter(|(_, pattern)| !matches!(pattern, PathPattern::Any))
    }
}

/// Something in a folder.
fn any_in(folder: &str) -> String {
    match folder {
        "" | "." => ANY.to_owned(),
        folder => format!("{folder}/{ANY}"),
    }
}

/// The names in the brackets of a rule.
fn names_of(text: &str) -> impl Iterator<Item = &str> {
    let inner = text.split_once('(').map_or("", |(_, inner)| inner);
    inner.trim_end_matches(')').split('/')
}

#[cfg(test)]
mod tests {
    use crate::{Entry, PathAt, Rule, Rules};
    use kerf_protocol::rule::{RuleOrigin, RuleVerdict};

    fn rules(texts: &[&str]) -> Rules {
        let entries = texts.iter().map(|text| Entry {
            verdict: RuleVerdict::Deny,
            origin: RuleOrigin::Settings,
            rule: Rule::parse(text).unwrap(),
        });
        Rules::new("/home/ada/p", Some("/home/ada"), entries.collect())
    }

    #[test]
    fn places_are_those_without_a_pattern() {
        let rules = rules(&[
            "Read(~/notes)",
            "Read(//srv/keys/**)",
            "Read(//srv/all/*)",
            "Read(//srv/*/key)",
            "Read(//)",
            "Read(~/)",
            "Read(./here)",
            "Read(.git/config)",
            "Read(.git/*.key)",
            "Read(anywhere)",
            "Read(//srv/a\\[b\\])",
            "Edit(~/other)",
            "Read",
        ]);
        let places = [
            "/home/ada/notes",
            "/srv/keys",
            "/srv/all",
            "/home/ada/p/here",
            "/home/ada/p/.git/config",
            "/srv/a[b]",
        ];
        assert_eq!(rules.denied_places(), places);
    }

    #[test]
    fn a_folder_of_which_all_is_denied_is_denied_itself() {
        let rules = rules(&["Read(keys/**)", "Read(*.pem)"]);
        assert!(rules.denies_reading("keys", true) && !rules.denies_reading("keys", false));
        assert!(rules.denies_reading("keys/a", false) && rules.denies_reading("b/c.PEM", false));
        assert!(!rules.denies_reading("b", true));
        let said = |named, real| rules.read_all(PathAt { named, real }).verdict;
        assert_eq!(said("keys", None), Some(RuleVerdict::Deny));
        assert_eq!(said("link", Some("keys")), Some(RuleVerdict::Deny));
        assert_eq!((said("b", None), said(".", None)), (None, None));
    }

    #[test]
    fn what_counts_in_the_folder_counts_in_another_by_its_own_place() {
        let rules = rules(&["Read(./key)", "Read(~/p/only)"]);
        assert!(rules.denies_reading("key", false) && rules.denies_reading("only", false));
        let elsewhere = rules.in_folder("/home/ada/q");
        assert!(elsewhere.denies_reading("key", false) && !elsewhere.denies_reading("only", false));
    }

    #[test]
    fn a_name_is_known_in_whatever_case() {
        let rules = rules(&["Read(Target/keys)"]);
        assert!(rules.denied_reads_name("target") && !rules.denied_reads_name("node_modules"));
    }

    #[test]
    fn the_version_is_that_of_the_rules_that_deny_reading() {
        let none = rules(&["Edit(a)", "Bash(ls)", "Read", "Read(**)"]);
        assert!(!none.denies_reading("a", true));
        assert_eq!(none.denied_reads_version(), None);
        let [one, other] = ["Read(a)", "Read(b)"].map(|text| rules(&[text]).denied_reads_version());
        assert!(one.is_some() && one != other);
    }
}
