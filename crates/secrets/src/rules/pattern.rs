//! Patterns: written for Go's regular expressions, searched with Rust's.

use crate::placeholder::is_word;
use regex_automata::{
    Anchored, Input,
    meta::{self, BuildError, Regex},
    util::{captures::Captures, syntax},
};
use regex_syntax::hir::literal::Extractor;
use std::ops::Range;

/// What a rule for "name = value" begins with: a name may have more before the provider's word. It says nothing about
/// the value, and a search from the word on finds the same.
const BEFORE_NAME: [(&str, &str); 2] = [
    (r"(?i)[\w.-]{0,50}?(?:", "(?i)(?:"),
    (r"[\w.-]{0,50}?(?i:[\w.-]{0,50}?(?:", "(?i:(?:"),
];
/// What a value ends before, as gitleaks has it: it knows files. Logs and prose go on with other signs.
const BEHIND_VALUE: [&str; 2] = [r#"(?:[\x60'"\s;]|\\[nr]|$)"#, r#"(?:$|[\\'"\x60\s<),])"#];
const BEHIND_ANYWHERE: &str = r#"(?:[\x60'"\s;,:!?|&@#)\]}<>]|\.\s|\.$|\\[nrt"'u]|$)"#;
/// How a pattern says that a match begins where a word does. It is looked at by code, because a word also begins
/// behind an escape like `\n`, whose letter is none of it.
const AT_WORD: [&str; 2] = [r"\b", r#"(?:^|[\\'"\x60\s>=:(,)])"#];
/// What stands between a name and its value in the rules for "name = value".
const ASSIGNS: &str = r"(?:=|>|:{1,3}=|";
/// Between the start of a name and the sign behind it there is no more: the provider's word, 20 letters, 3 blanks.
const LONGEST_NAME: usize = 64;
/// A match of a pattern without a longest one is looked for in so many bytes, then in more.
const FIRST_WINDOW: usize = 4 * 1024;
const LAST_WINDOW: usize = 1024 * 1024;
/// A pattern whose longest match is longer is treated as one without.
const LONGEST_KNOWN: usize = 64 * 1024;

/// How a rule's matches lie to its keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// They begin at it.
    From,
    /// They are so many bytes around it at most.
    Around(usize),
}

/// A pattern ready to search with.
pub(crate) struct Compiled {
    regex: Regex,
    group: Option<usize>,
    longest: Option<usize>,
    pub(crate) reach: Reach,
    at_word: bool,
    /// Whether every match has a sign like `=` behind its name.
    assigns: bool,
}

/// A match: all of it, and the secret in it.
pub(crate) struct Found {
    pub(crate) whole: Range<usize>,
    pub(crate) secret: Range<usize>,
}

/// Makes Rust's out of Go's form: a brace that counts nothing is a brace. Drops what a rule needs to find its keyword
/// by itself, and widens what may stand behind a value.
pub(super) fn translate(go: &str) -> String {
    let mut pattern = go.to_owned();
    for behind in BEHIND_VALUE {
        pattern = pattern.replace(behind, BEHIND_ANYWHERE);
    }
    for (with, without) in BEFORE_NAME {
        if let Some(rest) = pattern.strip_prefix(with) {
            pattern = format!("{without}{rest}");
            break;
        }
    }
    let mut rust = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.char_indices();
    let mut in_class = false;
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => {
                rust.push(char);
                rust.extend(chars.next().map(|(_, escaped)| escaped));
                continue;
            }
            '[' if in_class && !pattern[at..].starts_with("[:") => rust.push('\\'),
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first is one of the class.
                rust.push('[');
                for first in ["^", "]"] {
                    if chars.as_str().starts_with(first) {
                        chars.next();
                        rust.push_str(if first == "]" { r"\]" } else { first });
                    }
                }
                continue;
            }
            ']' if in_class && !rust.ends_with(':') => in_class = false,
            '{' if !in_class && !counts(&pattern[at..]) => rust.push('\\'),
            _ => {}
        }
        rust.push(char);
    }
    rust
}

/// Whether a brace opens a count: `{3}`, `{3,}`, `{3,5}`.
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest[1..].split_once('}') else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

fn syntax() -> syntax::Config {
    // As Go has it: `\w`, `\s` and `\b` know ASCII alone.
    syntax::Config::new().unicode(false).utf8(false)
}

pub(super) fn builder() -> meta::Builder {
    let mut builder = Regex::builder();
    builder.syntax(syntax());
    builder.configure(
        Regex::config()
            .utf8_empty(false)
            .hybrid_cache_capacity(1024 * 1024),
    );
    builder
}

impl Compiled {
    pub(super) fn new(
        pattern: &str,
        keywords: &[String],
        group: Option<usize>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (flags, rest) = match pattern.strip_prefix("(?i)") {
            Some(rest) => ("(?i)", rest),
            None => ("", pattern),
        };
        let behind_start = AT_WORD.iter().find_map(|start| rest.strip_prefix(start));
        let pattern = format!("{flags}{}", behind_start.unwrap_or(rest));
        let hir = syntax::parse_with(&pattern, &syntax())?;
        let longest = hir.properties().maximum_len();
        let longest = longest.filter(|longest| *longest <= LONGEST_KNOWN);
        let heads = Extractor::new().limit_total(100).extract(&hir);
        let fits = |head: &[u8]| {
            let head = String::from_utf8_lossy(head).to_ascii_lowercase();
            !head.is_empty()
                && keywords
                    .iter()
                    .any(|word| word.starts_with(&head) || head.starts_with(word.as_str()))
        };
        let from = heads
            .literals()
            .is_some_and(|heads| heads.iter().all(|head| fits(head.as_bytes())));
        let regex: Result<Regex, BuildError> = builder().build_from_hir(&hir);
        Ok(Self {
            regex: regex.map_err(Box::new)?,
            group,
            reach: if from {
                Reach::From
            } else {
                Reach::Around(longest.unwrap_or(0).max(FIRST_WINDOW))
            },
            at_word: behind_start.is_some(),
            // Some have a token's own form as another way.
            assigns: pattern.contains(ASSIGNS) && !pattern.contains(r"|\b("),
            longest,
        })
    }

    /// The match that begins at `start`.
    pub(crate) fn at(&self, text: &str, start: usize) -> Option<Found> {
        if self.at_word && !begins_word(text.as_bytes(), start) {
            return None;
        }
        // Names are frequent in code, and most are given no value: that is seen without the pattern.
        if self.assigns && !is_assigned(&text.as_bytes()[start..]) {
            return None;
        }
        let mut window = self.longest.unwrap_or(FIRST_WINDOW);
        loop {
            let end = text.len().min(start.saturating_add(window));
            let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
            // Most words are no secret, and that is found out cheaply.
            let half = self.regex.search_half(&input)?;
            let cut = self.longest.is_none() && half.offset() == end && end < text.len();
            if cut && window < LAST_WINDOW {
                window *= 8;
                continue;
            }
            return self.captured(text, &input);
        }
    }

    /// The first match inside a range.
    pub(crate) fn inside(&self, text: &str, range: Range<usize>) -> Option<Found> {
        let mut input = Input::new(text).range(range);
        loop {
            self.regex.search_half(&input)?;
            let found = self.captured(text, &input)?;
            if !self.at_word || begins_word(text.as_bytes(), found.whole.start) {
                return Some(found);
            }
            // What is refused here lies inside a word, and so does what follows in it.
            let bytes = &text.as_bytes()[found.whole.start..input.end()];
            let rest = bytes.iter().position(|&byte| !is_word(byte))?;
            input.set_start(found.whole.start + rest.max(1));
        }
    }

    fn captured(&self, text: &str, input: &Input<'_>) -> Option<Found> {
        let mut captures: Captures = self.regex.create_captures();
        self.regex.search_captures(input, &mut captures);
        let whole = captures.get_match()?.range();
        let group = |number| captures.get_group(number).map(|span| span.range());
        let secret = match self.group {
            Some(number) => group(number),
            // The first group that holds something, as gitleaks has it.
            None => (1..captures.group_len())
                .filter_map(group)
                .find(|range| !range.is_empty()),
        }
        .unwrap_or_else(|| whole.clone());
        Some(Found {
            whole: on_chars(text, whole),
            secret: on_chars(text, secret),
        })
    }
}

/// Whether a sign like `=` follows the name that a text begins with.
fn is_assigned(text: &[u8]) -> bool {
    let near = &text[..text.len().min(LONGEST_NAME)];
    let goes_on = |byte: &u8| is_word(*byte) || b" \t\n\r\x0b\x0c.-'\"".contains(byte);
    near.iter()
        .find(|byte| !goes_on(byte))
        .is_some_and(|sign| b"=>:|,?".contains(sign))
}

/// Whether a word begins at a byte: not behind a letter, unless that is the end of an escape (`\n`, `%3D`).
fn begins_word(bytes: &[u8], at: usize) -> bool {
    match bytes[..at] {
        [.., before] if !is_word(before) => true,
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [] => true,
        _ => false,
    }
}

/// Patterns match bytes; a range that cuts a character takes it whole.
fn on_chars(text: &str, range: Range<usize>) -> Range<usize> {
    text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_count_stays("a{3}b{3,}c{3,5}", "a{3}b{3,}c{3,5}")]
    #[case::a_brace_is_a_brace(r"^\${(?:a)}$", r"^\$\{(?:a)}$")]
    #[case::also_at_the_start("^(?:{x})$", r"^(?:\{x})$")]
    #[case::in_a_class_it_is_one("[{}]", "[{}]")]
    #[case::a_bracket_comes_first("[^]]+", r"[^\]]+")]
    #[case::a_bracket_in_a_class("[ab[]c", r"[ab\[]c")]
    #[case::a_class_by_name("[[:alnum:]]{3}", "[[:alnum:]]{3}")]
    fn go_becomes_rust(#[case] go: &str, #[case] rust: &str) {
        assert_eq!(translate(go), rust);
    }

    #[test]
    fn a_rule_is_tried_where_its_keyword_lies() {
        for (pattern, keyword, expected) in [
            (r"ghp_[0-9a-zA-Z]{36}", "ghp_", Reach::From),
            (r"(?i)(?:adafruit)=([a-z0-9]{3})", "adafruit", Reach::From),
            (r"[a-z]{4}Q~[a-z]{3}", "q~", Reach::Around(FIRST_WINDOW)),
        ] {
            let compiled = Compiled::new(pattern, &[keyword.to_owned()], None).unwrap();
            assert_eq!(compiled.reach, expected, "{pattern}");
        }
    }
}
