//! What a character is to the words of a text.

/// One bit each, so that a run can say which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Separates identifiers.
    Between = 0,
    /// A letter that is not a capital; also marks that stand on letters.
    Lower = 1,
    /// A capital.
    Upper = 2,
    /// A digit.
    Digit = 4,
    /// `_`
    Under = 8,
    /// A letter of a writing without spaces between words.
    Dense = 16,
    /// A byte of a character that is not ASCII; see [`of_char`].
    Other = 32,
}

/// The class of a byte of UTF-8.
pub(super) fn of_byte(byte: u8) -> Class {
    const CLASSES: [Class; 256] = classes();
    CLASSES[byte as usize]
}

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Between; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Under,
            0x80.. => Class::Other,
            _ => Class::Between,
        };
        byte += 1;
    }
    classes
}

/// The class of any character; never [`Class::Other`].
pub(super) fn of_char(char: char) -> Class {
    match char {
        _ if char.is_ascii() => of_byte(char as u8),
        '\u{300}'..='\u{36f}' => Class::Lower,
        // Thai, Lao, Myanmar, Khmer; kana and Han with their extensions; Hangul.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Dense,
        _ if char.is_uppercase() => Class::Upper,
        _ if char.is_alphabetic() => Class::Lower,
        _ if char.is_numeric() => Class::Digit,
        _ => Class::Between,
    }
}
