//! From a query to a matcher, with mistakes told by their place.

use crate::{GrepQuery, SearchError, matcher::LineMatcher};
use regex_syntax::ParserBuilder;
use std::borrow::Cow;

/// What a query looks for, ready to be compared with texts.
pub(crate) fn matcher(query: &GrepQuery) -> Result<LineMatcher, SearchError> {
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
    let expression = match query.literal {
        true => Cow::Owned(regex_syntax::escape(pattern)),
        false => Cow::Borrowed(pattern.as_str()),
    };
    LineMatcher::new(&expression, query.ignore_case, query.multi_line)
        .map_err(|message| mistake(pattern, 0, message))
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
