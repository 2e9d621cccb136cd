//! The mistakes with a name: other white space, punctuation or case, pasted line numbers, escapes.

use super::{Why, is_telling};
use std::ops::Range;

/// The place that `given` names but for one of these mistakes.
pub(super) fn find(text: &str, given: &str) -> Option<(Range<usize>, Why)> {
    let inner = given.trim_matches('\n');
    if let Some(start) = text.find(inner).filter(|_| is_telling(inner)) {
        return Some((start..start + inner.len(), Why::LineBreaks));
    }
    let lower = Look::Lower.seen(text);
    if let Some((range, look)) = find_alike(text, &lower, given) {
        let why = match look {
            Look::Letters => space_difference(&text[with_blanks(text, range.clone())], given),
            Look::Folded => punctuation_difference(&text[range.clone()], given),
            Look::Lower => Why::Case,
        };
        return Some((range, why));
    }
    let rewritten = [
        (without_line_numbers(given), Why::LineNumbers),
        (unescaped(given), Why::OverEscaped),
        (escaped(given), Why::UnderEscaped),
    ];
    rewritten
        .into_iter()
        .find_map(|(rewritten, why)| Some((find_alike(text, &lower, &rewritten?)?.0, why)))
}

/// Typographic punctuation and spaces as plain ASCII.
pub(crate) fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201B}' => '\'',
        '\u{201C}'..='\u{201F}' => '"',
        '\u{00A0}' | '\u{2002}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        other => other,
    }
}

/// How closely characters are looked at. White space is always left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Letters,
    Folded,
    Lower,
}

impl Look {
    fn see(self, c: char) -> Option<char> {
        if c.is_ascii() {
            let lower = if self == Look::Lower {
                c.to_ascii_lowercase()
            } else {
                c
            };
            return (!c.is_ascii_whitespace() && c != '\x0B').then_some(lower);
        }
        let c = if self == Look::Letters { c } else { plain(c) };
        let invisible = matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}');
        if c.is_whitespace() || (invisible && self != Look::Letters) {
            return None;
        }
        Some(if self == Look::Lower {
            c.to_lowercase().next().unwrap_or(c)
        } else {
            c
        })
    }

    /// The place in `text` of the place `seen` in what is seen of it.
    fn range(self, text: &str, seen: Range<usize>) -> Option<Range<usize>> {
        let mut passed = 0;
        let mut start = None;
        for (at, c) in text.char_indices() {
            let Some(c_seen) = self.see(c) else { continue };
            if passed == seen.start {
                start = Some(at);
            }
            passed += c_seen.len_utf8();
            if passed >= seen.end {
                return Some(start?..at + c.len_utf8());
            }
        }
        None
    }

    fn seen(self, text: &str) -> String {
        text.chars().filter_map(|c| self.see(c)).collect()
    }
}

/// Finds `given` in `text` without regard to white space, then to punctuation, then to case. `lower` is the text as
/// the loosest look sees it.
fn find_alike(text: &str, lower: &str, given: &str) -> Option<(Range<usize>, Look)> {
    let seen = Look::Lower.seen(given);
    // Less than three characters are everywhere.
    seen.chars().nth(2)?;
    // What the loosest look does not find, the closer ones do not find either.
    let start = lower.find(&seen)?;
    for look in [Look::Letters, Look::Folded] {
        let seen = look.seen(given);
        if let Some(start) = look.seen(text).find(&seen) {
            return Some((look.range(text, start..start + seen.len())?, look));
        }
    }
    Some((
        Look::Lower.range(text, start..start + seen.len())?,
        Look::Lower,
    ))
}

fn space_difference(file: &str, given: &str) -> Why {
    let file: Vec<&str> = file.trim_matches('\n').split('\n').collect();
    let given: Vec<&str> = given.trim_matches('\n').split('\n').collect();
    if file.len() != given.len() {
        return Why::LineBreaks;
    }
    let pairs = || file.iter().zip(&given).enumerate();
    // The given text may start in the middle of the first line.
    if pairs().all(|(nth, (file, given))| {
        let (file, given) = (file.trim_end(), given.trim_end());
        file == given || (nth == 0 && file.ends_with(given))
    }) {
        return Why::TrailingSpace;
    }
    let indent = |line: &str| line[..line.len() - line.trim_start().len()].to_owned();
    if !pairs().all(|(_, (file, given))| file.trim() == given.trim()) {
        return Why::Space;
    }
    let other = pairs().find(|(_, (file, given))| indent(file) != indent(given));
    match other
        .map(|(_, (file, given))| (indent(file).contains('\t'), indent(given).contains('\t')))
    {
        Some((in_file, in_given)) if in_file != in_given => Why::Tabs { in_file },
        _ => Why::Indentation,
    }
}

fn punctuation_difference(file: &str, given: &str) -> Why {
    let mut file = file.chars().filter_map(|c| Look::Letters.see(c));
    let mut given = given.chars().filter_map(|c| Look::Letters.see(c));
    loop {
        match (file.next(), given.next()) {
            (Some(file), Some(given)) if file == given => {}
            (file, given) => return Why::Punctuation { file, given },
        }
    }
}

/// None unless every line that is not blank starts with a number as file viewers print it.
fn without_line_numbers(given: &str) -> Option<String> {
    let mut stripped = String::new();
    for line in given.lines() {
        if !line.trim().is_empty() {
            let start = line.trim_start().trim_start_matches('L');
            let rest = start.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.len() == start.len() {
                return None;
            }
            let rest = rest
                .strip_prefix('\t')
                .or_else(|| rest.trim_start().strip_prefix(['|', ':', '→', '│', '\t']))?;
            stripped.push_str(rest);
        }
        stripped.push('\n');
    }
    Some(stripped)
}

fn unescaped(given: &str) -> Option<String> {
    let mut out = String::with_capacity(given.len());
    let mut chars = given.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some(&same @ ('"' | '\'' | '`' | '\\'))) => Some(same),
            _ => None,
        };
        if meant.is_some() {
            chars.next();
        }
        out.push(meant.unwrap_or(c));
    }
    (out.len() < given.len()).then_some(out)
}

fn escaped(given: &str) -> Option<String> {
    let inner = given.trim_matches('\n');
    let out = inner
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
        .replace('"', "\\\"");
    (out != inner).then_some(out)
}

/// `range` with the white space of its first line before it and of its last line after it.
pub(super) fn with_blanks(text: &str, range: Range<usize>) -> Range<usize> {
    let blank = |c: char| c.is_whitespace() && c != '\n';
    let start = text[..range.start].trim_end_matches(blank).len();
    let end = text.len() - text[range.end..].trim_start_matches(blank).len();
    start..end
}
