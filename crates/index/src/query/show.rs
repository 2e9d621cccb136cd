//! From a query back to text.

use super::{Case, Key, Pattern, Query, Scope};
use std::fmt::{Display, Formatter, Result, Write};

/// Text that [`Mode::Words`](super::Mode::Words) reads as the same query.
impl Display for Query {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let mut tokens = Vec::new();
        tokens.extend(self.words.iter().cloned());
        tokens.extend(self.phrases.iter().map(|phrase| quoted(phrase)));
        tokens.extend(self.patterns.iter().map(regex));
        tokens.extend(self.symbols.iter().map(|name| filter(Key::Symbol, name)));
        let references = self.references.iter();
        tokens.extend(references.map(|name| filter(Key::Reference, name)));
        tokens.extend(self.files.iter().map(|name| filter(Key::File, name)));
        tokens.extend(scope(&self.within));
        let without = &self.without;
        let words = without.words.iter().cloned();
        let phrases = without.phrases.iter().map(|phrase| quoted(phrase));
        let patterns = without.patterns.iter().map(regex);
        let excluded = words
            .chain(phrases)
            .chain(patterns)
            .chain(scope(&without.scope));
        tokens.extend(excluded.map(|token| format!("-{token}")));
        tokens.extend(self.hidden.map(|hidden| {
            let value = if hidden { "yes" } else { "no" };
            filter(Key::Hidden, value)
        }));
        tokens.extend(self.case.map(|case| {
            let value = match case {
                Case::Yes => "yes",
                Case::No => "no",
                Case::Smart => "smart",
            };
            filter(Key::Case, value)
        }));
        to.write_str(&tokens.join(" "))
    }
}

fn scope(scope: &Scope) -> impl Iterator<Item = String> {
    let all = |key, values: &'_ [String]| -> Vec<String> {
        values.iter().map(|value| filter(key, value)).collect()
    };
    all(Key::Path, &scope.paths)
        .into_iter()
        .chain(all(Key::Language, &scope.languages))
        .chain(all(Key::Kind, &scope.kinds))
}

fn filter(key: Key, value: &str) -> String {
    let is_plain = !value.is_empty()
        && !value.contains(char::is_whitespace)
        && !value.starts_with(['"', ':'])
        && !value.starts_with("//");
    if is_plain {
        format!("{}:{value}", key.name())
    } else {
        format!("{}:{}", key.name(), quoted(value))
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn regex(pattern: &Pattern) -> String {
    let mut shown = String::from("/");
    let mut escaped = false;
    for char in pattern.text.chars() {
        if char == '/' && !escaped {
            shown.push('\\');
        }
        escaped = char == '\\' && !escaped;
        shown.push(char);
    }
    let flags = [(pattern.ignore_case, 'i'), (pattern.multi_line, 'm')];
    shown.push('/');
    for (_, flag) in flags.into_iter().filter(|(on, _)| *on) {
        // Writing to a string does not fail.
        let _ = shown.write_char(flag);
    }
    shown
}
