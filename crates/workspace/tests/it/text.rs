//! Encodings: what is text, and that what was read is written back byte for byte.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use kerf_workspace::{
    LineEnding, TextFile,
    text::{Encoding, NotText},
};
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case::empty(b"", "", Encoding::Utf8, false)]
#[case::ascii(b"a\nb", "a\nb", Encoding::Utf8, false)]
#[case::utf8("é→\u{1F980}".as_bytes(), "é→\u{1F980}", Encoding::Utf8, false)]
#[case::utf8_bom(b"\xEF\xBB\xBFa", "a", Encoding::Utf8, true)]
#[case::only_a_bom(b"\xEF\xBB\xBF", "", Encoding::Utf8, true)]
#[case::two_boms(b"\xEF\xBB\xBF\xEF\xBB\xBFa", "\u{FEFF}a", Encoding::Utf8, true)]
#[case::escape_codes(b"\x1B[1mbold\x1B[0m", "\x1B[1mbold\x1B[0m", Encoding::Utf8, false)]
#[case::utf16le_bom(b"\xFF\xFEa\0\xAC\x20", "a\u{20AC}", Encoding::Utf16Le, true)]
#[case::utf16be_bom(b"\xFE\xFF\0a\x20\xAC", "a\u{20AC}", Encoding::Utf16Be, true)]
#[case::surrogate_pair(b"\xFF\xFE\x3E\xD8\x80\xDD", "\u{1F980}", Encoding::Utf16Le, true)]
#[case::utf16le(b"a\0b\0\r\0\n\0", "ab\r\n", Encoding::Utf16Le, false)]
#[case::utf16be(b"\0a\0b\0\n", "ab\n", Encoding::Utf16Be, false)]
#[case::latin1(b"caf\xE9", "café", Encoding::Windows1252, false)]
#[case::windows1252(
    b"\x93q\x94 \x80",
    "\u{201C}q\u{201D} \u{20AC}",
    Encoding::Windows1252,
    false
)]
fn decodes(
    #[case] bytes: &[u8],
    #[case] text: &str,
    #[case] encoding: Encoding,
    #[case] bom: bool,
) {
    let file = TextFile::decode(bytes).unwrap();
    assert_eq!(
        file,
        TextFile {
            text: text.to_owned(),
            encoding,
            bom
        }
    );
    assert_eq!(file.encode(&file.text).unwrap(), bytes);
}

#[rstest]
#[case::nul(b"a\0b", NotText::Binary { offset: 1 })]
#[case::elf(b"\x7FELF\x02\x01\x01\0\0\0", NotText::Binary { offset: 7 })]
#[case::png(b"\x89PNG\r\n\x1A\n\x01\x02\x03", NotText::Binary { offset: 6 })]
#[case::small_numbers(b"\x01\0\x02\0\x03\0\x04\0", NotText::Binary { offset: 1 })]
#[case::broken_utf8_with_bom(b"\xEF\xBB\xBF\xFFa", NotText::Invalid { encoding: Encoding::Utf8 })]
#[case::lone_high_surrogate(b"\xFF\xFE\x3E\xD8a\0", NotText::Invalid { encoding: Encoding::Utf16Le })]
#[case::lone_low_surrogate(b"\xFE\xFF\xDD\x80\0a", NotText::Invalid { encoding: Encoding::Utf16Be })]
#[case::odd_utf16(b"\xFF\xFEa", NotText::Invalid { encoding: Encoding::Utf16Le })]
#[case::utf32(b"\xFF\xFE\0\0a\0\0\0", NotText::Binary { offset: 2 })]
fn refuses(#[case] bytes: &[u8], #[case] error: NotText) {
    assert_eq!(TextFile::decode(bytes), Err(error));
}

#[rstest]
#[case::none("a", LineEnding::Lf)]
#[case::lf("a\nb\r\n", LineEnding::Lf)]
#[case::crlf("a\r\nb\n", LineEnding::CrLf)]
#[case::cr("a\rb\n", LineEnding::Cr)]
#[case::cr_at_the_end("a\r", LineEnding::Cr)]
fn line_endings(#[case] text: &str, #[case] ending: LineEnding) {
    assert_eq!(TextFile::new(text).line_ending(), ending);
}

#[test]
fn an_unknown_character_is_named() {
    let file = TextFile::decode(b"caf\xE9\r\nx").unwrap();
    let error = file.encode("café\r\nok\rx → y").unwrap_err();
    assert_eq!(
        (error.character, error.line, error.encoding),
        ('→', 3, Encoding::Windows1252)
    );
    assert!(
        error
            .to_string()
            .starts_with("`→` (U+2192) on line 3 cannot be written in Windows-1252"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_round_trip_or_are_not_text(
        mark in prop::sample::select(vec![&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"]),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop::sample::select(b"ab \t\r\n\xE9\x93\xC3\xA9\0\xD8\xDC".to_vec()), 0..40),
        ],
    ) {
        let bytes = [mark, &bytes].concat();
        if let Ok(file) = TextFile::decode(&bytes) {
            prop_assert_eq!(file.encode(&file.text).unwrap(), bytes);
        }
    }

    #[test]
    fn any_text_round_trips_in_unicode(text in "\\PC*", encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be])) {
        let file = TextFile { text: text.clone(), encoding, bom: true };
        prop_assert_eq!(TextFile::decode(&file.encode(&text).unwrap()).unwrap(), file);
    }
}
