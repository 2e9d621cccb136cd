//! From a query to a matcher, with mistakes told by their place.

use crate::{GrepQuery, SearchError};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use regex_syntax::ParserBuilder;
use std::sync::OnceLock;

/// A pattern, ready to be compared with texts.
///
/// What `\w` or `.` means in all of Unicode takes milliseconds to build, longer than to search many a folder, and most
/// texts are ASCII alone. For those there is a matcher that knows no more, and finds the same in them.
pub(crate) struct Matchers {
    pattern: String,
    builder: RegexMatcherBuilder,
    ascii: Option<RegexMatcher>,
    unicode: OnceLock<Result<RegexMatcher, String>>,
}

impl Matchers {
    /// The matcher for this text.
    ///
    /// # Errors
    /// When the pattern is too large to be built. The text is for people.
    pub(crate) fn of(&self, text: &[u8]) -> Result<&RegexMatcher, String> {
        match &self.ascii {
            Some(ascii) if text.is_ascii() => Ok(ascii),
            _ => {
                let build = || self.builder.build(&self.pattern);
                let unicode = self
                    .unicode
                    .get_or_init(|| build().map_err(|error| error.to_string()));
                unicode.as_ref().map_err(Clone::clone)
            }
        }
    }
}

/// Whether a matcher for ASCII finds the same in ASCII as one for Unicode: it does not when a sign beyond ASCII is
/// written that is the same as one within when case is ignored, as `ſ` and `s` are.
fn names_ascii_alone(pattern: &str) -> bool {
    let escapes = ["\\x", "\\u", "\\U"];
    pattern.is_ascii() && !escapes.iter().any(|escape| pattern.contains(escape))
}

pub(crate) fn matchers(query: &GrepQuery) -> Result<Matchers, SearchError> {
    let pattern = &query.pattern;
    if pattern.is_empty() {
        return Err(SearchError::Empty);
    }
    if query.literal {
        check_lines(pattern, true, query.multi_line)
    } else {
        check(pattern, query.multi_line)
    }
    .map_err(|(offset, message)| mistake(pattern, offset, message))?;
    let mut builder = RegexMatcherBuilder::new();
    builder
        .multi_line(true)
        .case_insensitive(query.ignore_case)
        .fixed_strings(query.literal)
        .line_terminator((!query.multi_line).then_some(b'\n'));
    // One that asks for what only Unicode has cannot be built without it.
    let ascii = names_ascii_alone(pattern)
        .then(|| builder.clone().unicode(false).build(pattern).ok())
        .flatten();
    let matchers = Matchers {
        pattern: pattern.clone(),
        builder,
        unicode: OnceLock::new(),
        ascii,
    };
    if matchers.ascii.is_none() {
        matchers
            .of("é".as_bytes())
            .map_err(|error| mistake(pattern, 0, error))?;
    }
    Ok(matchers)
}

/// Where a regular expression is wrong, as a byte of it, and what is. Parsed only to learn that: the matcher's own
/// error tells it in prose.
pub(crate) fn check(pattern: &str, multi_line: bool) -> Result<(), (usize, String)> {
    use regex_syntax::Error;
    let mistake = match ParserBuilder::new()
        .utf8(false)
        .multi_line(true)
        .build()
        .parse(pattern)
    {
        Ok(_) => return check_lines(pattern, false, multi_line),
        Err(Error::Parse(error)) => (error.span().start.offset, error.kind().to_string()),
        Err(Error::Translate(error)) => (error.span().start.offset, error.kind().to_string()),
        Err(error) => (0, error.to_string()),
    };
    Err(mistake)
}

/// Where a pattern asks for a line end that a search in single lines never finds.
fn check_lines(pattern: &str, literal: bool, multi_line: bool) -> Result<(), (usize, String)> {
    match newline(pattern, literal) {
        Some(offset) if !multi_line => Err((
            offset,
            "a line never holds a line end; search with `multi_line`".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Where the pattern asks for a line end that it writes out.
fn newline(pattern: &str, literal: bool) -> Option<usize> {
    let written = pattern.find('\n');
    let mut escaped = false;
    let meant = pattern.char_indices().find(|&(_, char)| {
        let found = escaped && char == 'n';
        escaped = char == '\\' && !escaped;
        found
    });
    written.or(meant.filter(|_| !literal).map(|(offset, _)| offset - 1))
}

fn mistake(pattern: &str, offset: usize, message: String) -> SearchError {
    let before = pattern.get(..offset).unwrap_or_default();
    SearchError::Pattern {
        column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        message,
    }
}
