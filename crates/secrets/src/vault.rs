//! The vault: which placeholder stands for which value.

use crate::{
    known::Known,
    placeholder::{self, Tag, is_word},
    rules::Rules,
    scan::{self, Origin, Span},
};
use std::{borrow::Cow, collections::HashMap, fmt, ops::Range};
use zeroize::Zeroizing;

/// Two values share 50 bits of a keyed hash once in a million sessions with 50,000 secrets each; so many more hashes
/// are tried then.
const MOST_TRIES: u32 = 8;

/// The values of a session, and the placeholders that stand for them. Values are overwritten when it is dropped.
///
/// Placeholders come from a keyed hash of the value: they tell nothing of it to who has not the key, and nobody can
/// make one. The same key gives the same placeholders, and texts concealed in the same order give the same again.
pub struct Vault {
    key: Zeroizing<[u8; 32]>,
    entries: HashMap<Tag, Entry>,
    known: Known,
}

struct Entry {
    placeholder: String,
    value: Zeroizing<String>,
}

/// A text that may leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Concealed<'a> {
    /// The text with placeholders.
    pub text: Cow<'a, str>,
    /// What was replaced, in order.
    pub found: Vec<Finding>,
    /// What looks like a secret and stayed, in order.
    pub warnings: Vec<Warning>,
}

/// A value that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that knew it: `private-key` for the line of a key, `known` for a value that was found before.
    pub rule: &'static str,
    /// Where it is in the text that was given, in bytes.
    pub range: Range<usize>,
    /// What stands for it.
    pub placeholder: String,
}

/// Something that may be a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// The rule that found it.
    pub rule: &'static str,
    /// Where it is in the text that was given, in bytes.
    pub range: Range<usize>,
    /// Its entropy in bits a byte: a word has 2 to 3, a random token 4 to 6.
    pub entropy: f64,
}

impl Vault {
    /// An empty vault. The key is the caller's secret; whoever has it can tell whether a placeholder stands for a
    /// value that he guesses.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(key),
            entries: HashMap::new(),
            known: Known::default(),
        }
    }

    /// Replaces the secrets in a text and remembers them. Time grows with the length of the text alone.
    ///
    /// A word of the text that is a placeholder of this vault already is left as it is.
    pub fn conceal<'a>(&mut self, text: &'a str) -> Concealed<'a> {
        let rules = Rules::built_in();
        let mut spans = scan::scan(rules, text);
        self.known.find(text, |tag| self.value(tag), &mut spans);
        if spans.is_empty() {
            return Concealed {
                text: Cow::Borrowed(text),
                found: Vec::new(),
                warnings: Vec::new(),
            };
        }
        let held = self.placeholders(text);
        for span in &mut spans {
            step_behind(&held, text, span);
        }
        spans.retain(|span| !span.range.is_empty() && !overlaps(&held, &span.range));
        spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
        let (concealed, doubtful): (Vec<Span>, Vec<Span>) = spans
            .into_iter()
            .partition(|span| span.origin.conceals(rules));
        let mut out = String::new();
        let mut found: Vec<Finding> = Vec::new();
        let mut copied = 0;
        for (range, origin) in join(text, concealed) {
            let value = &text[range.clone()];
            let rule = origin.name(rules);
            let placeholder = self.keep(value, rule);
            out.push_str(&text[copied..range.start]);
            out.push_str(&placeholder);
            copied = range.end;
            found.push(Finding {
                rule,
                range,
                placeholder,
            });
        }
        let mut gone = found.iter().map(|finding| finding.range.clone()).peekable();
        let mut warnings: Vec<Warning> = Vec::new();
        for span in doubtful {
            while gone
                .next_if(|range| range.end <= span.range.start)
                .is_some()
            {}
            let is_gone = gone
                .peek()
                .is_some_and(|range| range.start < span.range.end);
            let is_same = warnings
                .last()
                .is_some_and(|last| span.range.start < last.range.end);
            if let Origin::Rule(_, entropy) = span.origin
                && !is_gone
                && !is_same
            {
                warnings.push(Warning {
                    rule: span.origin.name(rules),
                    range: span.range,
                    entropy,
                });
            }
        }
        let text = if found.is_empty() {
            Cow::Borrowed(text)
        } else {
            out.push_str(&text[copied..]);
            Cow::Owned(out)
        };
        Concealed {
            text,
            found,
            warnings,
        }
    }

    /// Puts the values back for the placeholders that this vault made. All else stays as it is: a placeholder that
    /// was cut, changed or made up is visible text.
    ///
    /// The text must be whole: half a placeholder at the end of a piece of a stream is not known.
    #[must_use]
    pub fn restore<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        for (range, entry) in self.words(text) {
            // Prefixes inside one word overlap; the first that is known counts.
            if range.start >= copied {
                out.push_str(&text[copied..range.start]);
                out.push_str(&entry.value);
                copied = range.end;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    /// The placeholders in a text that stand for a value of this vault, each once, in order.
    #[must_use]
    pub fn used<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut used: Vec<&str> = Vec::new();
        for range in self.placeholders(text) {
            let word = &text[range];
            if !used.contains(&word) {
                used.push(word);
            }
        }
        used
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn value(&self, tag: &Tag) -> Option<&str> {
        self.entries.get(tag).map(|entry| entry.value.as_str())
    }

    fn words<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (Range<usize>, &'a Entry)> + 'a {
        placeholder::find(text).filter_map(|(range, tag)| {
            let entry = self.entries.get(&tag)?;
            (entry.placeholder == text[range.clone()]).then_some((range, entry))
        })
    }

    fn placeholders(&self, text: &str) -> Vec<Range<usize>> {
        self.words(text).map(|(range, _)| range).collect()
    }

    /// The placeholder of a value; the first rule that found it named it.
    fn keep(&mut self, value: &str, rule: &str) -> String {
        let mut tag = Tag::default();
        for attempt in 0..MOST_TRIES {
            let mut hasher = blake3::Hasher::new_keyed(&self.key);
            hasher
                .update(&attempt.to_le_bytes())
                .update(value.as_bytes());
            tag = placeholder::tag(hasher.finalize().as_bytes());
            match self.entries.get(&tag) {
                Some(entry) if *entry.value == value => return entry.placeholder.clone(),
                Some(_) => {}
                None => break,
            }
        }
        let entry = self.entries.entry(tag).or_insert_with(|| Entry {
            placeholder: placeholder::spell(rule, &tag),
            value: Zeroizing::new(value.to_owned()),
        });
        let placeholder = entry.placeholder.clone();
        self.known.add(value, tag);
        placeholder
    }
}

/// Shows how many values there are and none of them.
impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Vault({} values)", self.entries.len())
    }
}

/// Whether a range touches one of these, which are in order and apart.
fn overlaps(held: &[Range<usize>], range: &Range<usize>) -> bool {
    let after = held.partition_point(|held| held.end <= range.start);
    held.get(after).is_some_and(|held| held.start < range.end)
}

/// Moves the begin of a place out of the placeholder, in order and apart, that the text has there already.
fn step_behind(held: &[Range<usize>], text: &str, Span { range, origin }: &mut Span) {
    let after = held.partition_point(|held| held.end < range.start);
    let Some(before) = held.get(after).filter(|held| held.start <= range.start) else {
        return;
    };
    // The words of a key go on behind it; of other values it is a part.
    if before.end < range.end && *origin == Origin::Key {
        range.start = before.end;
    }
    // Right behind a placeholder another one would be part of its word: a sign between them stays.
    if before.end == range.start {
        let sign = text[range.clone()].chars().next();
        range.start += sign.map_or(0, char::len_utf8);
    }
}

/// Places that overlap or touch become one, and each goes on to the end of its word: then a placeholder ends where its
/// word does, whatever followed the value, and no two of them are one word. Takes them in order of their start.
fn join(text: &str, spans: Vec<Span>) -> Vec<(Range<usize>, Origin)> {
    let bytes = text.as_bytes();
    let mut joined: Vec<(Range<usize>, Origin)> = Vec::new();
    for Span { mut range, origin } in spans {
        if let Some((last, _)) = joined.last_mut()
            && range.start <= last.end
        {
            if range.end <= last.end {
                continue;
            }
            // It reaches further: one value, found by the first.
            range.start = last.start;
            joined.pop();
        }
        while bytes.get(range.end).copied().is_some_and(is_word) {
            range.end += 1;
        }
        joined.push((range, origin));
    }
    joined
}
