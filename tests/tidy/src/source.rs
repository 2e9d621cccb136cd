//! A Rust file, with code told from comments and strings, and the product from its tests.

use std::{collections::BTreeSet, ops::Range};

/// A Rust file.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: String,
    code: String,
    /// The numbers of the lines with a `//` comment that is no documentation.
    explained: BTreeSet<usize>,
    is_test: bool,
    test_parts: Vec<Range<usize>>,
    test_modules: Vec<String>,
}

impl Source {
    /// Reads a file; `path` is from the repository's root, with `/`.
    #[must_use]
    pub fn new(path: &str, text: String) -> Self {
        let (code, comments) = blank(&text);
        let folder_of_tests = |part| matches!(part, "tests" | "benches" | "examples");
        let mut source = Self {
            path: path.to_owned(),
            is_test: path.split('/').rev().skip(1).any(folder_of_tests) && !path.contains("/src/"),
            test_parts: Vec::new(),
            test_modules: Vec::new(),
            explained: BTreeSet::new(),
            text,
            code,
        };
        source.explained = comments.into_iter().map(|at| source.line_of(at)).collect();
        source.find_tests();
        source
    }

    /// The path from the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file as it is.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file with comments and the insides of strings blanked out; each byte is where it was.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether the whole file is a test.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// Whether the byte belongs to a test: the file is one, or it stands in an item under `#[cfg(test)]`.
    #[must_use]
    pub fn is_test_at(&self, at: usize) -> bool {
        self.is_test || self.test_parts.iter().any(|part| part.contains(&at))
    }

    /// The files of the modules that this file declares under `#[cfg(test)]`.
    #[must_use]
    pub fn test_modules(&self) -> &[String] {
        &self.test_modules
    }

    pub(crate) fn set_test(&mut self) {
        self.is_test = true;
    }

    /// Where `what` stands in the code as words of its own.
    pub fn find<'a>(&'a self, what: &'a str) -> impl Iterator<Item = usize> + 'a {
        words(&self.code, what)
    }

    /// As [`Source::find`], outside of tests.
    pub fn find_in_product<'a>(&'a self, what: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.find(what).filter(|at| !self.is_test_at(*at))
    }

    /// The number of a byte's line, from 1.
    #[must_use]
    pub fn line_of(&self, at: usize) -> usize {
        self.text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    /// A line of the file, by its number from 1; empty when there is none.
    #[must_use]
    pub fn line(&self, number: usize) -> &str {
        let index = number.checked_sub(1);
        index
            .and_then(|index| self.text.lines().nth(index))
            .unwrap_or_default()
    }

    /// Whether there is a comment on the byte's line or on the one above.
    #[must_use]
    pub fn is_explained_at(&self, at: usize) -> bool {
        let line = self.line_of(at);
        self.explained.contains(&line) || self.explained.contains(&(line - 1))
    }

    /// A byte's place for a message: `path:line: the line`.
    #[must_use]
    pub fn place(&self, at: usize) -> String {
        let line = self.line_of(at);
        format!("{}:{line}: {}", self.path, self.line(line).trim())
    }

    /// The code from `open`, which is a bracket, to the bracket that closes it.
    #[must_use]
    pub fn group(&self, open: usize) -> &str {
        &self.code[open..closing(&self.code, open)]
    }

    fn find_tests(&mut self) {
        let code = self.code.as_str();
        let mut from = 0;
        while let Some(at) = code[from..].find("#[cfg(").map(|found| from + found) {
            let end = closing(code, at + 1);
            from = end;
            let condition = &code[at..end];
            if words(condition, "test").next().is_none() || condition.contains("not(test)") {
                continue;
            }
            let (start, path) = skip_attributes(code, &self.text, end);
            let stop = item_end(code, start);
            let item = code[start..stop].trim();
            let module = item.trim_start_matches("pub(crate)").trim_start();
            if let Some(name) = module
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'))
            {
                let file = path.unwrap_or_else(|| format!("{}.rs", name.trim()));
                self.test_modules.push(beside(
                    &self.path,
                    &file,
                    file == format!("{}.rs", name.trim()),
                ));
            }
            self.test_parts.push(at..stop);
            from = stop.max(end);
        }
    }
}

/// Where a module's file is. A plain `mod name;` in `a/b.rs` is `a/b/name.rs`; a `#[path]` is beside the file.
fn beside(path: &str, file: &str, plain: bool) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if plain && !matches!(name, "lib.rs" | "main.rs") && !folder.ends_with("/bin") {
        return format!("{folder}/{}/{file}", name.trim_end_matches(".rs"));
    }
    format!("{folder}/{file}")
}

/// The first byte behind the attributes at `at`, and the path that a `#[path]` among them names.
fn skip_attributes(code: &str, text: &str, mut at: usize) -> (usize, Option<String>) {
    let mut path = None;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            return (at, path);
        }
        let end = closing(code, at + 1);
        if code[at..end].starts_with("#[path") {
            path = text[at..end].split('"').nth(1).map(str::to_owned);
        }
        at = end;
    }
}

/// The byte behind the item, the statement or the field that begins at `start`.
fn item_end(code: &str, start: usize) -> usize {
    const ITEMS: [&str; 17] = [
        "pub",
        "fn",
        "mod",
        "use",
        "impl",
        "struct",
        "enum",
        "const",
        "static",
        "type",
        "trait",
        "unsafe",
        "async",
        "extern",
        "let",
        "macro_rules",
        "union",
    ];
    let word = code[start..]
        .split(|char: char| !is_word(char))
        .next()
        .unwrap_or_default();
    let is_item = ITEMS.contains(&word);
    let mut at = start;
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b'{' => return closing(code, at),
            b'(' | b'[' => at = closing(code, at),
            b';' => return at + 1,
            b',' if !is_item => return at + 1,
            b'}' | b')' | b']' => return at,
            _ => at += 1,
        }
    }
    code.len()
}

/// The byte behind the bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Where `what` stands in the text with no letter, digit or `_` that would go on with it.
pub fn words<'a>(text: &'a str, what: &'a str) -> impl Iterator<Item = usize> + 'a {
    let (starts, ends) = (what.starts_with(is_word), what.ends_with(is_word));
    text.match_indices(what)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + what.len()..].chars().next();
            let goes_on =
                starts && before.is_some_and(is_word) || ends && after.is_some_and(is_word);
            !goes_on
        })
}

/// The text with comments and the insides of strings and characters blanked out, byte for byte, and where its
/// `//` comments begin, documentation left out.
fn blank(text: &str) -> (String, Vec<usize>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut comments = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if text[at..].starts_with("//")
            && !text[at..].starts_with("///")
            && !text[at..].starts_with("//!")
        {
            comments.push(at);
        }
        let (inside, next) = match token(text, at) {
            Token::Code(next) => (at..at, next),
            Token::Blank(range, next) => (range, next),
        };
        for byte in &mut code[inside] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = next;
    }
    // Only whole characters were blanked, so this is UTF-8 still.
    (String::from_utf8_lossy(&code).into_owned(), comments)
}

enum Token {
    /// Kept up to here.
    Code(usize),
    /// What is blanked, and where to go on.
    Blank(Range<usize>, usize),
}

fn token(text: &str, at: usize) -> Token {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let end = find(bytes, at, b"\n");
        return Token::Blank(at..end, end);
    }
    if rest.starts_with(b"/*") {
        let end = block_comment_end(bytes, at);
        return Token::Blank(at..end, end);
    }
    if rest[0].is_ascii_alphabetic() || rest[0] == b'_' {
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        if matches!(&rest[..length], b"r" | b"br" | b"cr")
            && let Some((start, end, next)) = raw_string(bytes, at + length)
        {
            return Token::Blank(start..end, next);
        }
        return Token::Code(at + length);
    }
    if rest[0] == b'"' {
        let end = quoted_end(bytes, at + 1, b'"');
        return Token::Blank(at + 1..end, (end + 1).min(bytes.len()));
    }
    if rest[0] == b'\''
        && let Some(end) = character_end(text, at)
    {
        return Token::Blank(at + 1..end, end + 1);
    }
    Token::Code(at + 1)
}

/// The place of `what` from `at` on, or the end.
fn find(bytes: &[u8], at: usize, what: &[u8]) -> usize {
    let found = bytes[at..]
        .windows(what.len())
        .position(|window| window == what);
    found.map_or(bytes.len(), |found| at + found)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// Inside and end of the raw string whose `#` or `"` is at `at`; none when it is a raw name.
fn raw_string(bytes: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(at + hashes) != Some(&b'"') {
        return None;
    }
    let start = at + hashes + 1;
    let close = [b"\"".as_slice(), &bytes[at..at + hashes]].concat();
    let end = find(bytes, start, &close);
    Some((start, end, (end + close.len()).min(bytes.len())))
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// The closing quote of the character at `at`; none when it is a lifetime.
fn character_end(text: &str, at: usize) -> Option<usize> {
    let mut chars = text[at + 1..].char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let end = quoted_end(text.as_bytes(), at + 1, b'\'');
        return (end < text.len()).then_some(end);
    }
    let (offset, second) = chars.next()?;
    (second == '\'').then_some(at + 1 + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        for (text, code) in [
            ("a // unsafe\nb", "a          \nb"),
            ("a /* x /* y */ z */ b", "a                   b"),
            (r#"f("un\"safe", b"x")"#, r#"f("        ", b" ")"#),
            (r##"r#"a"b"# + c"##, r##"r#"   "# + c"##),
            ("'a' '\\'' 'é' <'a> '{'", "' ' '  ' '  ' <'a> ' '"),
            ("\"é\n\"x", "\"  \n\"x"),
            ("r#type.r", "r#type.r"),
            ("\"open", "\"    "),
        ] {
            assert_eq!(blank(text).0, code, "{text}");
        }
    }

    #[test]
    fn a_comment_explains_its_line_and_the_next() {
        let text = "/// doc\na(\"// no\")\nb // why\nc\nd\n";
        let source = Source::new("x.rs", text.to_owned());
        let explained =
            ["a", "b", "c", "d"].map(|word| source.find(word).any(|at| source.is_explained_at(at)));
        assert_eq!(explained, [false, true, true, false]);
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(
            words("sleep asleep sleep_until sleep", "sleep").collect::<Vec<_>>(),
            [0, 25]
        );
        assert_eq!(
            words("x.unwrap() unwrap()", ".unwrap()").collect::<Vec<_>>(),
            [1]
        );
    }

    #[test]
    fn tests_are_told_from_the_product() {
        let text = "\
fn a() { p(1) }
#[cfg(test)]
#[path = \"b_tests.rs\"]
mod b;
struct S {
    #[cfg(test)]
    t: T<p, q>,
    u: p,
}
#[cfg(all(test, unix))]
fn c<A, B>() -> [u8; 2] { p(2) }
#[cfg(not(test))]
fn d() { p(3) }
#[cfg(test)]
mod tests;
#[cfg(test)]
mod more { fn e() { p(4); \"}\"; } fn f() { p(5) } }
fn g() { p(6) }
";
        let source = Source::new("crates/x/src/y.rs", text.to_owned());
        let lines: Vec<usize> = source
            .find_in_product("p")
            .map(|at| source.line_of(at))
            .collect();
        assert_eq!(lines, [1, 8, 13, 18]);
        assert_eq!(
            source.test_modules(),
            ["crates/x/src/b_tests.rs", "crates/x/src/y/tests.rs"]
        );
        assert!(Source::new("crates/x/tests/it/a.rs", String::new()).is_test());
        assert!(!Source::new("tests/bench/src/main.rs", String::new()).is_test());
    }
}
