//! Standard output and standard error: JSON lines for programs, text for people.
//!
//! Whatever a model, a file or a command wrote goes through [`visible`] before it reaches a terminal.

use kerf_protocol::Failure;
use serde::Serialize;
use std::{
    borrow::Cow,
    cell::RefCell,
    env,
    io::{BufWriter, IsTerminal, Stdout, Write, stderr, stdout},
    process,
};

/// Where everything is printed.
pub(crate) struct Output {
    json: bool,
    color: bool,
    out: RefCell<BufWriter<Stdout>>,
}

/// A meaning that has a colour on a terminal. It is never told by colour alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Strong,
    Faint,
    Good,
    Bad,
    Notice,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !json && !plain && stdout().is_terminal();
        Self {
            json,
            color,
            out: RefCell::new(BufWriter::new(stdout())),
        }
    }

    /// Whether programs read it.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether standard output is a terminal that shows colours.
    pub(crate) fn color(&self) -> bool {
        self.color
    }

    /// Prints an object as a line of JSON.
    pub(crate) fn object(&self, object: &impl Serialize) {
        let mut out = self.out.borrow_mut();
        let written = serde_json::to_writer(&mut *out, object)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"));
        closed(written);
    }

    /// Prints text for people.
    pub(crate) fn text(&self, text: &str) {
        closed(self.out.borrow_mut().write_all(text.as_bytes()));
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        closed(self.out.borrow_mut().write_all(bytes));
    }

    /// Prints a line for people.
    pub(crate) fn line(&self, text: &str) {
        closed(writeln!(self.out.borrow_mut(), "{text}"));
    }

    /// Everything printed so far can be seen.
    pub(crate) fn flush(&self) {
        closed(self.out.borrow_mut().flush());
    }

    pub(crate) fn styled<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        if !self.color {
            return Cow::Borrowed(text);
        }
        let code = match style {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Notice => "33",
        };
        Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m"))
    }

    /// Tells what went wrong, on standard error; for programs as an object on standard output too.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            self.object(&serde_json::json!({ "type": "error", "error": failure }));
        }
        self.flush();
        let mut text = format!("error: {}\n", visible(&failure.message));
        if !failure.hint.is_empty() {
            text.push_str(&format!("hint: {}\n", visible(&failure.hint)));
        }
        // Where standard error is closed there is nobody to tell.
        let _ = stderr().write_all(text.as_bytes());
    }
}

/// A reader that went away is no error: `kerf diff | head`.
fn closed(written: std::io::Result<()>) {
    if let Err(error) = written {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            process::exit(0);
        }
        let _ = writeln!(stderr(), "error: the output cannot be written: {error}");
        process::exit(1);
    }
}

/// Text that cannot steer a terminal or hide: control and bidirectional characters become visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let harmless =
        |char: char| matches!(char, '\n' | '\t') || !(char.is_control() || is_hidden(char));
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\r' => {}
            char if harmless(char) => shown.push(char),
            char => shown.push_str(&format!("<{:04X}>", u32::from(char))),
        }
    }
    Cow::Owned(shown)
}

/// Characters that change what others look like, or look like nothing.
fn is_hidden(char: char) -> bool {
    matches!(char,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, expected) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\u{1b}]0;title\u{7}", "<001B>]0;title<0007>"),
            ("a\u{202e}b", "a<202E>b"),
            ("zero\u{200b}width", "zero<200B>width"),
            ("line\r\n", "line\n"),
            ("\u{9b}31m", "<009B>31m"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }
}
