use std::ffi::{OsStr, OsString};
use std::path::Path;

use kerf_workspace::{PathError, RelPath};
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("a/b.rs", "a/b.rs")]
#[case("./a//b/./c/", "a/b/c")]
#[case(" leading and trailing ", " leading and trailing ")]
#[case("-rf", "-rf")]
#[case("...", "...")]
#[case("a\\b", "a\\\\b")]
#[case("new\nline", "new\\nline")]
#[case("\u{1b}[31mred", "\\u{1b}[31mred")]
#[case("gpj.\u{202e}evil", "gpj.\\u{202e}evil")]
#[case("zero\u{200b}width", "zero\\u{200b}width")]
#[case("grün/日本", "grün/日本")]
#[cfg(unix)]
fn a_path_is_normalised_and_shown_escaped(#[case] path: &str, #[case] shown: &str) {
    let rel = RelPath::new(Path::new(path)).unwrap();
    assert_eq!(rel.to_string(), shown);
    assert_eq!(
        shown.parse::<RelPath>().unwrap(),
        rel,
        "the text form must lead back"
    );
}

#[rstest]
#[case("")]
#[case(".")]
#[case("./.")]
#[case("..")]
#[case("a/../b")]
#[case("a/..")]
#[case("/a")]
#[case("/")]
#[case("a\0b")]
fn what_is_no_path_inside_is_refused(#[case] path: &str) {
    assert!(RelPath::new(Path::new(path)).is_err(), "{path:?}");
}

#[rstest]
#[case("a\\")]
#[case("a\\q")]
#[case("a\\x4")]
#[case("a\\x41")]
#[case("a\\x+f")]
#[case("a\\u{}")]
#[case("a\\u{110000}")]
#[case("a\\u{0000041}")]
#[case("a\\u{d800}")]
#[case("a\\u{2f}b")]
#[case("\\u{0}")]
#[case("a\\u41")]
#[cfg(unix)]
fn a_broken_escape_is_named_with_its_place(#[case] text: &str) {
    let at = text.find('\\').unwrap();
    assert_eq!(
        text.parse::<RelPath>(),
        Err(PathError::Escape {
            text: text.to_owned(),
            at
        })
    );
}

#[test]
fn the_root_is_a_dot() {
    assert_eq!(RelPath::root().to_string(), ".");
    assert_eq!(".".parse::<RelPath>(), Ok(RelPath::root()));
    assert_eq!(RelPath::root().parent(), None);
    assert_eq!(RelPath::root().file_name(), None);
    let below = RelPath::root().join(OsStr::new("a"));
    assert_eq!(below.parent(), Some(RelPath::root()));
    assert!(below.starts_with(&RelPath::root()));
}

#[test]
fn beneath_means_by_names() {
    let path = |text: &str| text.parse::<RelPath>().unwrap();
    assert!(path("a/b").starts_with(&path("a")));
    assert!(!path("ab/c").starts_with(&path("a")));
}

#[test]
#[cfg(unix)]
fn serde_uses_the_text_form() {
    let path: RelPath = "a/\\xFF\\n".parse().unwrap();
    let text = serde_json::to_string(&path).unwrap();
    assert_eq!(text, r#""a/\\xFF\\n""#);
    assert_eq!(serde_json::from_str::<RelPath>(&text).unwrap(), path);
    assert!(serde_json::from_str::<RelPath>(r#""../x""#).is_err());
}

/// Any bytes; where they are no path inside, the constructor says so.
#[cfg(unix)]
fn any_path() -> impl Strategy<Value = OsString> {
    use std::os::unix::ffi::OsStringExt;
    let byte = prop_oneof![
        4 => any::<u8>(),
        3 => prop::sample::select(&b"/\\.ux{}nab\n\t~"[..]),
        1 => Just(0xe2u8),
    ];
    prop::collection::vec(byte, 0..40).prop_map(OsString::from_vec)
}

#[cfg(unix)]
proptest! {
    #[test]
    fn the_text_form_is_lossless(path in any_path()) {
        let Ok(rel) = RelPath::new(Path::new(&path)) else { return Ok(()) };
        let text = rel.to_string();
        prop_assert_eq!(text.parse::<RelPath>().unwrap(), rel);
        prop_assert!(!text.chars().any(|c| c.is_control()), "{:?} must be safe to print", text);
    }

    #[test]
    fn any_text_is_a_clean_path_or_an_error(text in "[a./\\\\ux{}0-9\\PC]{0,20}") {
        if let Ok(rel) = text.parse::<RelPath>() {
            prop_assert!(rel.names().all(|name| name != ".." && name != "."));
            prop_assert!(!rel.as_path().is_absolute());
            prop_assert_eq!(rel.to_string().parse::<RelPath>().unwrap(), rel);
        }
    }
}
