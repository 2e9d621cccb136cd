//! Plain text from the bytes of a program that may think it writes to a terminal, or may want to deceive.

/// `bytes` as text without escape sequences and control characters; newline and tab stay, and a carriage return
/// alone becomes a newline.
pub(crate) fn text(bytes: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(lossy.len());
    let mut state = State::Text;
    let mut chars = lossy.chars().peekable();
    while let Some(char) = chars.next() {
        state = match (state, char) {
            // A line end ends everything: an unfinished sequence must not hide the rest.
            (_, '\n') => {
                plain.push('\n');
                State::Text
            }
            (_, '\u{1b}') => State::Escape,
            (State::Text, '\u{9b}') => State::Control,
            (State::Text, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => State::String,
            (State::Text, '\r') => {
                if chars.peek() != Some(&'\n') {
                    plain.push('\n');
                }
                State::Text
            }
            (State::Text, char) => {
                if char == '\t' || !char.is_control() {
                    plain.push(char);
                }
                State::Text
            }
            (State::Escape, '[') => State::Control,
            (State::Escape, 'P' | 'X' | ']' | '^' | '_') => State::String,
            // Intermediate bytes; the next one may be the last.
            (State::Escape, ' '..='/') => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Control, ' '..='?') => State::Control,
            (State::Control, _) => State::Text,
            (State::String, '\u{7}' | '\u{9c}') => State::Text,
            (State::String, _) => State::String,
        };
    }
    plain
}

/// Where in an escape sequence the reader is.
#[derive(Clone, Copy)]
enum State {
    /// In none.
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence such as a colour.
    Control,
    /// In a string such as a window title, which BEL or ST ends.
    String,
}

/// `bytes` without a character that was cut off at their end.
pub(crate) fn without_cut_end(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let start = bytes.len() - back;
        let Some(len) = char_len(bytes[start]) else {
            continue;
        };
        return if len > back { &bytes[..start] } else { bytes };
    }
    bytes
}

/// `bytes` without the rest of a character that was cut off at their start.
pub(crate) fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let rest = bytes
        .iter()
        .take(3)
        .take_while(|&&byte| char_len(byte).is_none())
        .count();
    &bytes[rest..]
}

/// How long the character that begins with `first` is; `None` when it begins none.
fn char_len(first: u8) -> Option<usize> {
    match first {
        0..=0x7f => Some(1),
        0xc0..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xff => Some(4),
        0x80..=0xbf => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain\ttext\n", "plain\ttext\n")]
    #[case("a\r\nb\rc", "a\nb\nc")]
    #[case("\x1b[1;31mred\x1b[0m", "red")]
    #[case("\x1b]0;title\x07x\x1b]8;;http://e\x1b\\link", "xlink")]
    #[case("\x1bPq#0\x1b\\six", "six")]
    #[case("\x1b(Bset\x1b7save", "setsave")]
    #[case("\u{9b}31mc1\u{9d}52;c;eA==\u{9c}x", "c1x")]
    #[case("never ended \x1b]2;hidden\nshown", "never ended \nshown")]
    #[case("bell\x07 back\x08 nul\0 del\x7f", "bell back nul del")]
    fn sequences_are_removed(#[case] raw: &str, #[case] plain: &str) {
        assert_eq!(text(raw.as_bytes()), plain);
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(text(&bytes).chars().all(|char| char == '\n' || char == '\t' || !char.is_control()));
        }

        /// Text cut in two anywhere yields no replacement character.
        #[test]
        fn cuts_fall_between_characters(whole in "\\PC{0,12}", at in 0_usize..40) {
            let at = at.min(whole.len());
            let (head, tail) = whole.as_bytes().split_at(at);
            prop_assert!(std::str::from_utf8(without_cut_end(head)).is_ok());
            prop_assert!(std::str::from_utf8(without_cut_start(tail)).is_ok());
        }
    }
}
