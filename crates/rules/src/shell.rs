//! A command line taken apart into the simple commands that it may run, as `sh` reads it.
//!
//! It is a small strict reader, not a shell: what it does not know for certain it says it does not know.
//! [`Taken::plain`] holds only for lines that are what they seem: simple commands of literal words and file patterns
//! between `&&`, `||`, `;`, `|`, `&` and line ends. [`Taken::whole`] holds when every simple command that may run is
//! among the parts, also those in substitutions, groups and loops, whatever their words turn out to be.
//!
//! Linear in the text; nesting and the number of parts are bounded.

mod word;

/// A longer line is not taken apart, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// More commands than this in a line are not taken apart.
const MAX_PARTS: usize = 256;
/// Substitutions inside of each other.
const MAX_DEPTH: usize = 12;

/// A word of a simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// What the command gets, to the letter.
    Known(String),
    /// A file pattern, a `~` or braces: other words take its place, and nothing runs for it.
    Open,
    /// An expansion or a substitution: anything may take its place.
    Hidden,
}

impl Word {
    pub(crate) fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Open | Self::Hidden => None,
        }
    }
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) words: Vec<Word>,
    /// Files that the shell itself reads for it.
    pub(crate) reads: Vec<Word>,
    /// Files that the shell itself writes for it.
    pub(crate) writes: Vec<Word>,
    /// Those of `writes` that lose what they hold.
    pub(crate) truncates: Vec<Word>,
}

/// A line taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    pub(crate) parts: Vec<Part>,
    /// The line is nothing but its parts: no expansion, redirection, assignment, group, loop or comment.
    pub(crate) plain: bool,
    /// Every simple command that may run is among the parts.
    pub(crate) whole: bool,
}

/// Takes a line apart.
pub(crate) fn take_apart(line: &str) -> Taken {
    let mut taken = Taken {
        parts: Vec::new(),
        plain: true,
        whole: true,
    };
    read(line, 0, &mut taken);
    taken
}

fn read(line: &str, depth: usize, taken: &mut Taken) {
    if line.len() > MAX_BYTES || depth > MAX_DEPTH {
        (taken.plain, taken.whole) = (false, false);
        return;
    }
    // Characters that a reader of the line does not see, or takes for others, leave nothing plain.
    if line.chars().any(is_odd) {
        taken.plain = false;
    }
    let mut reader = Reader {
        text: line,
        at: 0,
        depth,
        taken,
        documents: Vec::new(),
    };
    if reader.commands(false).is_err() {
        (taken.plain, taken.whole) = (false, false);
    }
}

fn is_odd(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t'))
        || (char.is_whitespace() && !char.is_ascii())
        || matches!(char, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E01EF}')
}

/// The line is not understood from here on.
struct Lost;

struct Reader<'a, 'b> {
    text: &'a str,
    at: usize,
    depth: usize,
    taken: &'b mut Taken,
    /// The ends of documents that begin at the next line, whether they are taken to the letter, and whether tabs before
    /// them count.
    documents: Vec<(String, bool, bool)>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn eat(&mut self, text: &str) -> bool {
        let is = self.rest().starts_with(text);
        if is {
            self.at += text.len();
        }
        is
    }

    fn not_plain(&mut self) {
        self.taken.plain = false;
    }

    fn end(&mut self, part: &mut Part) -> Result<(), Lost> {
        let part = std::mem::take(part);
        if part == Part::default() {
            return Ok(());
        }
        if self.taken.parts.len() >= MAX_PARTS {
            return Err(Lost);
        }
        if let Some("alias" | "[[" | "let") = part.words.first().and_then(Word::known) {
            // From here on a name may be another, or words run that are quoted.
            (self.taken.plain, self.taken.whole) = (false, false);
        }
        self.taken.parts.push(part);
        Ok(())
    }

    /// Reads to the end of the text or, `inside` a substitution, to its `)`.
    fn commands(&mut self, inside: bool) -> Result<(), Lost> {
        let mut part = Part::default();
        let mut groups = 0_usize;
        let mut loop_head = None;
        loop {
            let Some(char) = self.peek() else {
                self.end(&mut part)?;
                return if inside || groups > 0 {
                    Err(Lost)
                } else {
                    Ok(())
                };
            };
            match char {
                ' ' | '\t' => {
                    self.next();
                }
                '\n' => {
                    self.next();
                    self.finish(&mut part, &mut loop_head)?;
                    self.skip_documents()?;
                }
                '#' => {
                    self.not_plain();
                    let length = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.at += length;
                }
                ';' => {
                    if self.eat(";;") || self.eat(";&") {
                        return Err(Lost);
                    }
                    self.next();
                    self.finish(&mut part, &mut loop_head)?;
                }
                '|' => {
                    if self.eat("|&") {
                        self.not_plain();
                    } else if !self.eat("||") {
                        self.next();
                    }
                    self.finish(&mut part, &mut loop_head)?;
                }
                '&' => {
                    // One `sh` reads `&>` as a redirection, another as the end of the command.
                    if self.rest().starts_with("&>") {
                        return Err(Lost);
                    }
                    if !self.eat("&&") {
                        self.next();
                    }
                    self.finish(&mut part, &mut loop_head)?;
                }
                '(' => {
                    if part != Part::default() || self.rest().starts_with("((") {
                        return Err(Lost);
                    }
                    self.not_plain();
                    self.next();
                    groups += 1;
                    if groups > MAX_DEPTH {
                        return Err(Lost);
                    }
                }
                ')' => {
                    self.next();
                    self.finish(&mut part, &mut loop_head)?;
                    if groups > 0 {
                        groups -= 1;
                    } else if inside && self.documents.is_empty() {
                        return Ok(());
                    } else {
                        return Err(Lost);
                    }
                }
                '<' | '>' => self.redirect(&mut part)?,
                '\\' if self.rest().starts_with("\\\n") => {
                    self.not_plain();
                    self.at += 2;
                }
                _ => self.word(&mut part, &mut loop_head)?,
            }
        }
    }

    fn finish(&mut self, part: &mut Part, loop_head: &mut Option<u8>) -> Result<(), Lost> {
        *loop_head = None;
        self.end(part)
    }

    fn word(&mut self, part: &mut Part, loop_head: &mut Option<u8>) -> Result<(), Lost> {
        let begin = self.at;
        let read = self.read_word()?;
        let raw = self.text.get(begin..self.at).unwrap_or_default();
        // `2>file`: the number belongs to the redirection.
        if raw.bytes().all(|byte| byte.is_ascii_digit()) && matches!(self.peek(), Some('<' | '>')) {
            return self.redirect(part);
        }
        // `name()` and `name=(…)`.
        if self.peek() == Some('(') {
            return Err(Lost);
        }
        // The words of `for x in …` are no command.
        if let Some(count) = loop_head {
            *count = count.saturating_add(1);
            return if *count == 2 && raw != "in" {
                Err(Lost)
            } else {
                Ok(())
            };
        }
        if part.words.is_empty() {
            if read.assigns {
                self.not_plain();
                return Ok(());
            }
            match raw {
                "case" | "select" | "function" | "coproc" => return Err(Lost),
                "for" => {
                    self.not_plain();
                    *loop_head = Some(0);
                    return Ok(());
                }
                "if" | "then" | "else" | "elif" | "fi" | "while" | "until" | "do" | "done"
                | "!" | "{" | "}" => {
                    self.not_plain();
                    return Ok(());
                }
                _ => {}
            }
        }
        part.words.push(read.word);
        Ok(())
    }

    fn redirect(&mut self, part: &mut Part) -> Result<(), Lost> {
        let operator = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">|", ">&", "<", ">"]
            .into_iter()
            .find(|operator| self.rest().starts_with(operator))
            .ok_or(Lost)?;
        self.at += operator.len();
        // `<(…)` and `>(…)`.
        if self.peek() == Some('(') {
            return Err(Lost);
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
        if matches!(
            self.peek(),
            None | Some('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
        ) {
            return Err(Lost);
        }
        let begin = self.at;
        let read = self.read_word()?;
        let raw = self.text.get(begin..self.at).unwrap_or_default();
        match operator {
            "<<" | "<<-" => {
                self.not_plain();
                let Word::Known(end) = read.word else {
                    return Err(Lost);
                };
                self.documents.push((end, read.quoted, operator == "<<-"));
            }
            "<<<" => self.not_plain(),
            ">&" | "<&" if matches!(raw, "0" | "1" | "2") => {}
            ">" | ">>" | "<" if raw == "/dev/null" => {}
            "<" => {
                self.not_plain();
                part.reads.push(read.word);
            }
            _ => {
                self.not_plain();
                if matches!(operator, ">" | ">|" | ">&") {
                    part.truncates.push(read.word.clone());
                }
                part.writes.push(read.word);
            }
        }
        Ok(())
    }

    /// Leaps over the documents that begin at this line.
    fn skip_documents(&mut self) -> Result<(), Lost> {
        for (end, to_the_letter, indented) in std::mem::take(&mut self.documents) {
            loop {
                let rest = self.rest();
                if rest.is_empty() {
                    return Ok(());
                }
                let length = rest.find('\n').unwrap_or(rest.len());
                let line = &rest[..length];
                let skipped = (length + 1).min(rest.len());
                // What is not quoted may hold substitutions, and a `\` that joins lines.
                if !to_the_letter && line.contains(['$', '`', '\\']) {
                    return Err(Lost);
                }
                let bare = if indented {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                let is_end = bare == end;
                self.at += skipped;
                if is_end {
                    break;
                }
            }
        }
        Ok(())
    }
}
