//! The function or heading that encloses a hunk.

use crate::lines::Lines;

/// The longest header, in characters.
const MAX_CHARS: usize = 120;
/// How much of a line is looked at for a header.
const MAX_BYTES: usize = 1000;

/// Words that begin a definition in one language or another.
const DEFINES: &[&str] = &[
    "fn",
    "def",
    "class",
    "impl",
    "function",
    "func",
    "fun",
    "struct",
    "interface",
    "trait",
    "enum",
    "mod",
    "module",
    "namespace",
    "union",
    "record",
    "protocol",
    "extension",
    "object",
    "macro_rules!",
    "sub",
    "defmodule",
    "defp",
];
/// Words that may stand before those.
const MODIFIES: &[&str] = &[
    "pub",
    "async",
    "unsafe",
    "const",
    "extern",
    "export",
    "default",
    "declare",
    "static",
    "public",
    "private",
    "protected",
    "internal",
    "abstract",
    "final",
    "sealed",
    "partial",
    "virtual",
    "override",
    "inline",
    "open",
    "data",
    "suspend",
    "typedef",
    "readonly",
    "local",
    "crate",
    "super",
    "fileprivate",
    "mutating",
];

/// Finds headers, from the top of a text down.
///
/// A hunk's header is the nearest definition above it that is indented less than its first line;
/// else the nearest line above that starts in the first column with a letter, `_` or `#`. In
/// Markdown, headings are the definitions.
pub(crate) struct Headers<'a> {
    text: &'a Lines,
    markdown: bool,
    at: usize,
    /// Definitions with ever more indentation: one that is followed by another with less can
    /// enclose nothing more.
    open: Vec<(usize, usize)>,
    flush: Option<usize>,
}

impl<'a> Headers<'a> {
    pub(crate) fn new(text: &'a Lines, path: &str) -> Self {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let markdown = ["md", "mdx", "markdown"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known));
        Self {
            text,
            markdown,
            at: 0,
            open: Vec::new(),
            flush: None,
        }
    }

    /// The header of a hunk above line `line`, whose own first line is `first`. Lines must be asked
    /// for from the top down.
    pub(crate) fn above(&mut self, line: usize, first: &[u8]) -> String {
        for at in self.at..line {
            self.pass(at);
        }
        self.at = self.at.max(line);
        let indent = indent(first);
        let enclosing = match self
            .open
            .partition_point(|(open, _)| *open < indent || self.markdown)
        {
            0 => self.flush,
            n => Some(self.open[n - 1].1),
        };
        enclosing.map_or_else(String::new, |line| {
            let line = self.text.get(line);
            String::from_utf8_lossy(&line[..line.len().min(MAX_BYTES)])
                .trim()
                .chars()
                .take(MAX_CHARS)
                .collect()
        })
    }

    fn pass(&mut self, at: usize) {
        let line = self.text.get(at);
        let line = &line[..line.len().min(MAX_BYTES)];
        if self.markdown {
            if is_heading(line) {
                self.open = vec![(0, at)];
            }
            return;
        }
        if line.first().is_some_and(|byte| {
            byte.is_ascii_alphabetic() || *byte >= 0x80 || matches!(byte, b'_' | b'#')
        }) {
            self.flush = Some(at);
        }
        if is_definition(line) {
            let indent = indent(line);
            self.open
                .truncate(self.open.partition_point(|(open, _)| *open < indent));
            self.open.push((indent, at));
        }
    }
}

/// How many blanks a line starts with; a tab is one.
fn indent(line: &[u8]) -> usize {
    line.iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

fn is_heading(line: &[u8]) -> bool {
    let level = line.iter().take_while(|byte| **byte == b'#').count();
    (1..=6).contains(&level)
        && line
            .get(level)
            .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
}

fn is_definition(line: &[u8]) -> bool {
    let Some(line) = line.utf8_chunks().next().map(|chunk| chunk.valid()) else {
        return false;
    };
    for word in line
        .split([' ', '\t', '(', ')', '<', '*', ':'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        // `impl<T>`, `function*` and `pub(crate)` are cut at their signs; the ABI in `extern "C"`
        // is passed over.
        if DEFINES.contains(&word) {
            return true;
        }
        if !MODIFIES.contains(&word) && !word.starts_with('"') {
            return false;
        }
    }
    false
}
