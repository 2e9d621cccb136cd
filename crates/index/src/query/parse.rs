//! From text to a query.

use super::{Case, Key, Known, Mistake, Mode, Pattern, Query, QueryError, Scope};
use crate::{SearchError, glob::Glob, pattern};
use kerf_workspace::RelPath;

type Wrong = (usize, Mistake);

pub(super) fn parse(text: &str, mode: Mode, known: &Known<'_>) -> Result<Query, QueryError> {
    let query = match mode {
        Mode::Exact if !text.is_empty() => Ok(Query {
            phrases: vec![text.to_owned()],
            ..Query::default()
        }),
        Mode::Regex {
            ignore_case,
            multi_line,
        } if !text.is_empty() => checked(text, ignore_case, multi_line).map(|pattern| Query {
            patterns: vec![pattern],
            ..Query::default()
        }),
        _ => Reader {
            text,
            at: 0,
            mode,
            known,
            query: Query::default(),
            free: Vec::new(),
        }
        .read(),
    };
    query.map_err(|(at, mistake)| {
        let before = text.get(..at).unwrap_or_default().chars().count();
        QueryError {
            column: u32::try_from(before + 1).unwrap_or(u32::MAX),
            mistake,
        }
    })
}

/// Adds what a filter says.
pub(super) fn add(
    query: &mut Query,
    key: Key,
    value: &str,
    excluded: bool,
    known: &Known<'_>,
) -> Result<(), Mistake> {
    if value.is_empty() {
        return Err(Mistake::NoValue { key });
    }
    let wrong = |allowed| Mistake::Value {
        key,
        value: value.to_owned(),
        allowed,
    };
    let scope: &mut Scope = if excluded {
        &mut query.without.scope
    } else {
        &mut query.within
    };
    match key {
        Key::Path => {
            check_glob(value)?;
            scope.paths.push(value.to_owned());
        }
        Key::Language => scope.languages.push(known.language(value)?),
        Key::Kind => scope.kinds.push(known.kind(value)?),
        Key::Symbol if excluded => return Err(Mistake::NotExcluded { what: "`sym:`" }),
        Key::Reference if excluded => return Err(Mistake::NotExcluded { what: "`ref:`" }),
        Key::File if excluded => return Err(Mistake::NotExcluded { what: "`file:`" }),
        Key::Hidden if excluded => return Err(Mistake::NotExcluded { what: "`hidden:`" }),
        Key::Case if excluded => return Err(Mistake::NotExcluded { what: "`case:`" }),
        Key::Symbol => query.symbols.push(value.to_owned()),
        Key::Reference => query.references.push(value.to_owned()),
        Key::File => query.files.push(value.to_owned()),
        Key::Hidden => {
            query.hidden = Some(match value {
                "yes" => true,
                "no" => false,
                _ => return Err(wrong("`yes` or `no`")),
            });
        }
        Key::Case => {
            query.case = Some(match value {
                "yes" => Case::Yes,
                "no" => Case::No,
                "smart" => Case::Smart,
                _ => return Err(wrong("`yes`, `no` or `smart`")),
            });
        }
    }
    Ok(())
}

fn check_glob(value: &str) -> Result<(), Mistake> {
    if !is_glob(value) {
        return Ok(());
    }
    match Glob::new(value, &RelPath::root()) {
        Err(SearchError::Glob { glob, message }) => Err(Mistake::Glob { glob, message }),
        _ => Ok(()),
    }
}

/// Whether a `path:` is a glob rather than a part of a path.
pub(super) fn is_glob(value: &str) -> bool {
    value.contains(['*', '?', '[', '{'])
}

/// Takes a regular expression as it is written in a query.
fn checked(text: &str, ignore_case: bool, multi_line: bool) -> Result<Pattern, Wrong> {
    pattern::check(text, multi_line).map_err(|(at, message)| (at, Mistake::Regex { message }))?;
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('/') => plain.push('/'),
                escaped => {
                    plain.push(char);
                    plain.extend(escaped);
                }
            },
            _ => plain.push(char),
        }
    }
    Ok(Pattern {
        text: plain,
        ignore_case,
        multi_line,
    })
}

struct Reader<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
    mode: Mode,
    known: &'a Known<'a>,
    query: Query,
    /// Free text that is one name together.
    free: Vec<String>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Query, Wrong> {
        loop {
            let rest = self.rest();
            self.at = self.text.len() - rest.trim_start().len();
            if self.at == self.text.len() {
                break;
            }
            self.token()?;
        }
        let name = self.free.join(" ");
        let mut query = self.query;
        if !name.is_empty() {
            match self.mode {
                Mode::Path => query.files.push(name),
                _ => query.symbols.push(name),
            }
        }
        let asks = query.looks_into_files()
            || !query.symbols.is_empty()
            || !query.references.is_empty()
            || !query.files.is_empty()
            || query.within != Scope::default();
        if asks {
            return Ok(query);
        }
        let excludes = query.without != super::Without::default();
        let mistake = if excludes {
            Mistake::OnlyExcludes
        } else {
            Mistake::Empty
        };
        Err((0, mistake))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// What stands here up to the next blank.
    fn solid(&self) -> &str {
        self.rest()
            .split(char::is_whitespace)
            .next()
            .unwrap_or_default()
    }

    fn token(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        let mut chars = self.rest().chars();
        let excluded = chars.next() == Some('-')
            && chars.next().is_some_and(|next| match next {
                '"' | '_' => true,
                '/' => self.mode == Mode::Words,
                _ => next.is_alphanumeric(),
            });
        if excluded {
            self.at += 1;
        }
        if self.rest().starts_with('"') {
            let phrase = self.quoted()?;
            return self.take_phrase(start, phrase, excluded);
        }
        if self.mode == Mode::Words
            && self.rest().starts_with('/')
            && let Some(pattern) = self.regex()?
        {
            let list = if excluded {
                &mut self.query.without.patterns
            } else {
                &mut self.query.patterns
            };
            list.push(pattern);
            return Ok(());
        }
        if let Some(key) = self.key(start)? {
            let value_at = self.at;
            let value = if self.rest().starts_with('"') {
                self.quoted()?
            } else {
                let value = self.solid().to_owned();
                self.at += value.len();
                value
            };
            return add(&mut self.query, key, &value, excluded, self.known).map_err(|mistake| {
                let at = match mistake {
                    Mistake::NoValue { .. } | Mistake::NotExcluded { .. } => start,
                    _ => value_at,
                };
                (at, mistake)
            });
        }
        let word = self.solid().to_owned();
        self.at += word.len();
        self.take_word(start, word, excluded)
    }

    fn take_phrase(&mut self, start: usize, phrase: String, excluded: bool) -> Result<(), Wrong> {
        if phrase.is_empty() {
            return Ok(());
        }
        if self.mode != Mode::Words {
            return self.take_word(start, phrase, excluded);
        }
        let list = if excluded {
            &mut self.query.without.phrases
        } else {
            &mut self.query.phrases
        };
        list.push(phrase);
        Ok(())
    }

    fn take_word(&mut self, start: usize, word: String, excluded: bool) -> Result<(), Wrong> {
        match (self.mode, excluded) {
            (Mode::Symbol, true) => {
                return Err((start, Mistake::NotExcluded { what: "a symbol" }));
            }
            (Mode::Path, _) if excluded || word.contains(['*', '?']) => {
                return add(&mut self.query, Key::Path, &word, excluded, self.known)
                    .map_err(|mistake| (start + usize::from(excluded), mistake));
            }
            (Mode::Path | Mode::Symbol, _) => self.free.push(word),
            (_, true) => self.query.without.words.push(word),
            _ => self.query.words.push(word),
        }
        Ok(())
    }

    /// Reads a quote.
    fn quoted(&mut self) -> Result<String, Wrong> {
        let mut quoted = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, char)) = chars.next() {
            match (char, chars.peek()) {
                ('"', _) => {
                    self.at += at + 1;
                    return Ok(quoted);
                }
                ('\\', Some(&(_, escaped @ ('"' | '\\')))) => {
                    quoted.push(escaped);
                    chars.next();
                }
                _ => quoted.push(char),
            }
        }
        Err((self.at, Mistake::UnclosedQuote))
    }

    /// Reads a regular expression; `None` when this is the text of a path: `/usr/bin`.
    fn regex(&mut self) -> Result<Option<Pattern>, Wrong> {
        let start = self.at + 1;
        let inner = &self.text[start..];
        let mut escaped = false;
        let end = inner.find(|char| {
            let ends = char == '/' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        });
        let Some(end) = end else {
            return Err((self.at, Mistake::UnclosedRegex));
        };
        if end == 0 {
            return Ok(None);
        }
        let inner = &inner[..end];
        let flags_at = start + end + 1;
        let flags = self.text[flags_at..]
            .split(char::is_whitespace)
            .next()
            .unwrap_or_default();
        if !flags.chars().all(|flag| matches!(flag, 'i' | 'm')) {
            // Text only when it is so by itself, whatever else the query holds.
            if !inner.contains(char::is_whitespace) {
                return Ok(None);
            }
            let rest = flags.chars().take(20).collect();
            return Err((flags_at, Mistake::Flags { rest }));
        }
        let pattern = checked(inner, flags.contains('i'), flags.contains('m'))
            .map_err(|(at, mistake)| (start + at, mistake))?;
        self.at = flags_at + flags.len();
        Ok(Some(pattern))
    }

    /// Reads the name of a filter and its colon, if one begins here. `start` is where the token began.
    fn key(&mut self, start: usize) -> Result<Option<Key>, Wrong> {
        let solid = self.solid();
        let Some((name, value)) = solid.split_once(':') else {
            return Ok(None);
        };
        let is_name = !name.is_empty()
            && name.len() <= 12
            && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        // `path::join`, `file:///x`
        if !is_name || value.starts_with(':') || value.starts_with("//") {
            return Ok(None);
        }
        match (Key::of(name), Key::near(name)) {
            (Some(key), _) => {
                self.at += name.len() + 1;
                Ok(Some(key))
            }
            (None, Some(nearest)) if !value.is_empty() => {
                let name = name.to_owned();
                Err((start, Mistake::Key { name, nearest }))
            }
            _ => Ok(None),
        }
    }
}
