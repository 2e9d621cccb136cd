//! Finds the place in a text that a search text nearly matches, and says why it does not.
//!
//! First come the mistakes that have a name ([`mistakes`]), each found by a few passes over the text. Only then the
//! most similar lines are looked for ([`likeness`]), in a bounded part of the text. Texts come with `\n` line ends.

mod likeness;
mod mistakes;

pub(crate) use mistakes::plain;

use crate::text;
use std::{fmt, ops::Range};

const SHOWN_LINES: usize = 12;
const SHOWN_CHARS: usize = 200;

/// A place that nearly matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nearest {
    /// The line where it starts, counted from 1.
    pub line: u32,
    /// The text that stands there, cut when it is long.
    pub text: String,
    /// Why it does not match.
    pub why: Why,
}

/// Why a place does not match. "Given" is the text that was looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Why {
    /// What was to be written is already there.
    AlreadyApplied,
    /// The same text with line breaks or blank lines in other places.
    LineBreaks,
    /// White space at line ends differs.
    TrailingSpace,
    /// The lines are indented by another amount.
    Indentation,
    /// One is indented with tabs, the other with spaces.
    Tabs {
        /// Whether the file is the one with tabs.
        in_file: bool,
    },
    /// White space inside the lines differs.
    Space,
    /// Quotes, dashes, special spaces or invisible characters differ.
    Punctuation {
        /// What the file has at the first difference; None at its end.
        file: Option<char>,
        /// What was given there; None at its end.
        given: Option<char>,
    },
    /// Upper and lower case differ.
    Case,
    /// The given text has line numbers in front of its lines.
    LineNumbers,
    /// The given text has `\n`, `\"` and the like written out where the file has the characters.
    OverEscaped,
    /// The file has `\n`, `\"` and the like written out where the given text has the characters.
    UnderEscaped,
    /// The text is there, but as a part of longer lines.
    PartOfLine,
    /// The text is there, but above the place where it was looked for.
    Earlier,
    /// The text is there, but not at the end of the file.
    NotAtEnd,
    /// The most similar lines.
    Similar {
        /// How similar, in percent.
        percent: u8,
        /// The first line of the file that differs, cut when it is long.
        file: String,
        /// The line that was given for it.
        given: String,
    },
}

/// The place of `text` that is nearest to `given`, which is not in it. `new` is what was to be written.
pub(crate) fn find(text: &str, given: &str, new: &str) -> Option<Nearest> {
    let (range, why) = locate(text, given, new)?;
    Some(place(text, range, why))
}

/// As [`find`], for lines that had to match as a whole.
pub(crate) fn find_lines(text: &str, given: &str, new: &str) -> Option<Nearest> {
    let (range, why) = locate(text, given, new)?;
    let partial = whole_lines(text, range.clone()).trim() != text[range.clone()].trim();
    Some(place(
        text,
        range,
        if partial && why != Why::AlreadyApplied {
            Why::PartOfLine
        } else {
            why
        },
    ))
}

fn locate(text: &str, given: &str, new: &str) -> Option<(Range<usize>, Why)> {
    if let Some((range, why)) = mistakes::find(text, given) {
        let new = new.trim_matches('\n');
        let around = mistakes::with_blanks(text, range.clone());
        let applied = is_telling(new)
            && (&text[range.clone()] == new || text[around].trim_matches('\n') == new);
        return Some((range, if applied { Why::AlreadyApplied } else { why }));
    }
    // A text that was only to be shortened stands in the file in any case.
    if let Some(start) = text
        .find(new)
        .filter(|_| is_telling(new) && !given.contains(new.trim()))
    {
        return Some((start..start + new.len(), Why::AlreadyApplied));
    }
    likeness::find(text, given)
}

/// The place `range` of `text`, to be shown.
pub(crate) fn place(text: &str, range: Range<usize>, why: Why) -> Nearest {
    let mut shown = String::new();
    let whole = whole_lines(text, range.clone());
    for (nth, line) in whole.lines().enumerate() {
        if nth == SHOWN_LINES {
            shown.push_str("\n…");
            break;
        }
        shown.push_str(if nth == 0 { "" } else { "\n" });
        shown.push_str(&cut(line));
    }
    Nearest {
        line: text::line_number(text, range.start),
        text: shown,
        why,
    }
}

/// Whether a text is more than a bracket or two, so that finding it says something.
fn is_telling(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).take(3).count() == 3
}

/// The lines that `range` touches, without the last line end.
fn whole_lines(text: &str, range: Range<usize>) -> &str {
    let touched = text[range.clone()]
        .strip_suffix('\n')
        .map_or(range.end, |rest| range.start + rest.len());
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[touched..]
        .find('\n')
        .map_or(text.len(), |at| touched + at);
    &text[start..end]
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |c: &Option<char>| match c {
            Some(c) => format!("`{c}` (U+{:04X})", u32::from(*c)),
            None => "nothing more".to_owned(),
        };
        match self {
            Why::AlreadyApplied => f.write_str("the new text already stands, so leave this change out"),
            Why::LineBreaks => f.write_str("line breaks or blank lines differ"),
            Why::TrailingSpace => f.write_str("white space at line ends differs"),
            Why::Indentation => f.write_str("the indentation differs"),
            Why::Tabs { in_file: true } => f.write_str("the file is indented with tabs, the given text with spaces"),
            Why::Tabs { in_file: false } => f.write_str("the file is indented with spaces, the given text with tabs"),
            Why::Space => f.write_str("white space inside the lines differs"),
            Why::Punctuation { file, given } => {
                write!(f, "the file has {} where {} was given", name(file), name(given))
            }
            Why::Case => f.write_str("upper and lower case differ"),
            Why::LineNumbers => f.write_str("the given text has line numbers that are not in the file"),
            Why::OverEscaped => f.write_str("the given text is escaped once too often: `\\n`, `\\\"` are written out"),
            Why::UnderEscaped => f.write_str("the file has escapes like `\\n`, `\\\"` written out, the given text not"),
            Why::PartOfLine => f.write_str("the lines are longer than the given ones; give whole lines"),
            Why::Earlier => f.write_str("the lines stand, but above the change before or the `@@` line; give changes from top to bottom"),
            Why::NotAtEnd => f.write_str("the lines stand, but not at the end of the file"),
            Why::Similar { percent, file, given } => {
                write!(f, "the text is {percent} % similar; first difference: the file has `{file}`, given was `{given}`")
            }
        }
    }
}

/// The end of an error message that says where and why.
pub(crate) fn told(nearest: Option<&Nearest>) -> String {
    match nearest {
        Some(Nearest { line, text, why }) => {
            format!("; nearest is line {line}, where {why}:\n{text}")
        }
        None => ", and nothing like it either; read the file again".to_owned(),
    }
}
