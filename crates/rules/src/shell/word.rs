//! The words of a line: quotes, escapes, file patterns, expansions and substitutions.

use super::{Lost, MAX_DEPTH, Reader, Word, read};

/// A word, with what of it matters to the place where it stands.
pub(super) struct Read {
    pub(super) word: Word,
    pub(super) quoted: bool,
    pub(super) assigns: bool,
}

impl Reader<'_, '_> {
    pub(super) fn read_word(&mut self) -> Result<Read, Lost> {
        let mut text = String::new();
        let (mut open, mut hidden, mut quoted) = (false, false, false);
        let (mut equals, mut assigns) = (false, false);
        let begin = self.at;
        while let Some(char) = self.peek() {
            match char {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\\' => {
                    self.next();
                    quoted = true;
                    match self.next() {
                        // A word that goes on in the next line may be one that steers the shell.
                        Some('\n') => (self.taken.plain, self.taken.whole) = (false, false),
                        Some(char) => text.push(char),
                        None => {
                            self.not_plain();
                            text.push('\\');
                        }
                    }
                }
                '\'' => {
                    self.next();
                    quoted = true;
                    let length = self.rest().find('\'').ok_or(Lost)?;
                    let inner = self.rest().get(..length).unwrap_or_default().to_owned();
                    self.no_document_across(&inner)?;
                    text.push_str(&inner);
                    self.at += length + 1;
                }
                '"' => {
                    self.next();
                    quoted = true;
                    hidden |= self.double_quoted(&mut text)?;
                }
                '$' => {
                    self.expansion()?;
                    hidden = true;
                }
                '`' => {
                    self.backticks()?;
                    hidden = true;
                }
                '*' | '?' | '[' => {
                    self.next();
                    open = true;
                }
                '~' if self.at == begin || assigns => {
                    self.next();
                    open = true;
                }
                '{' | '}' => {
                    self.next();
                    // `{}` alone is what `find` and `xargs` fill in, `{` and `}` group commands.
                    let word_ends = |at: usize| {
                        self.text.as_bytes().get(at).is_none_or(|byte| {
                            matches!(
                                byte,
                                b' ' | b'\t'
                                    | b'\n'
                                    | b';'
                                    | b'&'
                                    | b'|'
                                    | b'<'
                                    | b'>'
                                    | b'('
                                    | b')'
                            )
                        })
                    };
                    let alone = self.at == begin + 1
                        && (word_ends(self.at)
                            || (self.rest().starts_with('}') && word_ends(self.at + 1)));
                    let closes = text == "{" && word_ends(self.at);
                    open |= !(alone || closes);
                    text.push(char);
                }
                '=' => {
                    self.next();
                    let first = !std::mem::replace(&mut equals, true);
                    assigns |=
                        first && !quoted && !hidden && !open && is_name(text.trim_end_matches('+'));
                    text.push('=');
                }
                char => {
                    self.next();
                    text.push(char);
                }
            }
        }
        let word = if hidden {
            self.not_plain();
            Word::Hidden
        } else if open {
            Word::Open
        } else {
            Word::Known(text)
        };
        Ok(Read {
            word,
            quoted,
            assigns,
        })
    }

    /// The text of a document begins at the next line end, which must not be one within quotes.
    fn no_document_across(&self, quoted: &str) -> Result<(), Lost> {
        if quoted.contains('\n') && !self.documents.is_empty() {
            return Err(Lost);
        }
        Ok(())
    }

    /// After the opening quote. Returns whether there is an expansion in it.
    fn double_quoted(&mut self, text: &mut String) -> Result<bool, Lost> {
        let mut hidden = false;
        let begin = text.len();
        loop {
            match self.peek().ok_or(Lost)? {
                '"' => {
                    self.next();
                    let inner = text.get(begin..).unwrap_or_default().to_owned();
                    self.no_document_across(&inner)?;
                    return Ok(hidden);
                }
                '\\' => {
                    self.next();
                    match self.next().ok_or(Lost)? {
                        '\n' => self.not_plain(),
                        char @ ('$' | '`' | '"' | '\\') => text.push(char),
                        char => {
                            text.push('\\');
                            text.push(char);
                        }
                    }
                }
                '$' => {
                    self.expansion()?;
                    hidden = true;
                }
                '`' => {
                    self.backticks()?;
                    hidden = true;
                }
                char => {
                    self.next();
                    text.push(char);
                }
            }
        }
    }

    /// At a `$`. The commands of a substitution become parts.
    fn expansion(&mut self) -> Result<(), Lost> {
        self.not_plain();
        self.next();
        match self.peek() {
            Some('(') => {
                self.next();
                // Arithmetic, which may hold substitutions in its subscripts.
                if self.peek() == Some('(') || self.depth >= MAX_DEPTH {
                    return Err(Lost);
                }
                self.depth += 1;
                if !self.documents.is_empty() {
                    return Err(Lost);
                }
                self.commands(true)?;
                self.depth -= 1;
                Ok(())
            }
            Some('{') => {
                // Only `${NAME}`: all else can assign, run or look up something else.
                let inner = self.rest().strip_prefix('{').unwrap_or_default();
                let length = inner.find('}').ok_or(Lost)?;
                if !is_name(&inner[..length]) {
                    return Err(Lost);
                }
                self.at += length + 2;
                Ok(())
            }
            // `$'…'` and `$"…"` are not the same in every `sh`.
            Some('\'' | '"') => Err(Lost),
            Some(char) if char.is_ascii_alphabetic() || char == '_' => {
                while matches!(self.peek(), Some(char) if char.is_ascii_alphanumeric() || char == '_')
                {
                    self.next();
                }
                Ok(())
            }
            Some('0'..='9' | '?' | '$' | '!' | '#' | '@' | '*' | '-') => {
                self.next();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// At a backtick. Its commands become parts.
    fn backticks(&mut self) -> Result<(), Lost> {
        self.not_plain();
        self.next();
        let mut inner = String::new();
        loop {
            match self.next().ok_or(Lost)? {
                '`' => break,
                '\\' => match self.next().ok_or(Lost)? {
                    char @ ('$' | '`' | '\\') => inner.push(char),
                    // Within double quotes `\"` loses its `\` as well: two readings.
                    '"' => return Err(Lost),
                    char => {
                        inner.push('\\');
                        inner.push(char);
                    }
                },
                char => inner.push(char),
            }
        }
        if !self.documents.is_empty() {
            return Err(Lost);
        }
        read(&inner, self.depth + 1, self.taken);
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|char| char.is_ascii_alphabetic() || char == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}
