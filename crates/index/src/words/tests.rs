use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn words(text: &str) -> Vec<String> {
    let mut tokenizer = WordTokenizer::default();
    let mut stream = tokenizer.token_stream(text);
    let mut words = Vec::new();
    stream.process(&mut |token| words.push(token.text.clone()));
    words
}

#[rstest]
#[case::word("parser", "parser")]
#[case::capital("Parser", "parser")]
#[case::camel(
    "parseHTTPResponse2",
    "=parsehttpresponse2 pars http response2 respons"
)]
#[case::acronym("HTTPServer", "=httpserver http server")]
#[case::acronym_last("serverHTTP", "=serverhttp server http")]
#[case::plural("userIDs URLs", "=userids user id url")]
#[case::snake("http_status_code", "=http_status_code http status code")]
#[case::loud("MAX_FILE_BYTES", "=max_file_bytes max file byte")]
#[case::kebab("max-file-bytes", "max file byte")]
#[case::outer("__init__ _private_name_", "init =private_name privat name")]
#[case::digits("utf8 sha256sum", "utf8 utf =sha256sum sha256 sha sum")]
#[case::digits_first("2d 3DView 100u64", "2d =3dview 3d view 100u64 100u")]
#[case::digits_inside("x86_64 i32 v8Engine", "=x86_64 x86 64 i32 =v8engine v8 engin")]
#[case::numbers("3.14 0xFF 1_000", "3 14 0xff 1_000")]
#[case::letters("i xAxis", "i =xaxis axi")]
#[case::signs("$scope @Override a$b foo@bar.com", "scope overrid a b foo bar com")]
#[case::path("std::fs::read_to_string", "std fs =read_to_string read to string")]
#[case::stem("rounded rounding rounds refunds", "round round round refund")]
#[case::prose("It's the user's “data”—really", "it s the user s data realli")]
#[case::accents("größeRechnen Ärger ÉCOLE", "=größerechnen größe rechnen ärger école")]
#[case::combining("cafe\u{301}", "cafe\u{301}")]
#[case::greek("ΣΟΦΟΣ λόγος", "σοφοσ λόγος")]
#[case::han("用户名name 中", "用户 户名 name 中")]
#[case::hash("d41d8cd98f00b204e9800998ecf8427e x", "x")]
#[case::base64("aGVsbG8gd29ybGQgMTIzNDU2Nzg5MGFiY2Rl y", "y")]
#[case::not_hash("deadbeef 0xdeadbeef", "deadbeef 0xdeadbeef")]
#[case::name_with_digits(
    "convertUtf16ToUtf8String",
    "=convertutf16toutf8string convert utf16 utf to utf8 utf string"
)]
fn of_a_text(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(words(text).join(" "), expected);
}

#[test]
fn long_names_give_their_parts_only() {
    let name = "the_first_by_path_are_kept_and_all_of_the_others_are_counted_too_and_told";
    assert_eq!(words(name).first().map(String::as_str), Some("the"));
    assert_eq!(words(name).len(), name.split('_').count());
    assert_eq!(words(&"ab_".repeat(100)), [""; 0]);
    assert_eq!(words(&"a".repeat(MAX_WORD)), ["a".repeat(MAX_WORD)]);
    assert_eq!(words(&"a".repeat(MAX_WORD + 1)), [""; 0]);
    // In lower case this letter takes three bytes rather than two.
    assert_eq!(words(&"Ⱥ".repeat(MAX_WORD / 2)), [""; 0]);
}

#[test]
fn offsets_are_those_of_the_identifier_and_positions_count_identifiers() {
    let mut tokenizer = WordTokenizer::default();
    let text = "let fooBar = 1;";
    let mut stream = tokenizer.token_stream(text);
    let mut seen = Vec::new();
    stream.process(&mut |token| {
        seen.push((&text[token.offset_from..token.offset_to], token.position));
    });
    assert_eq!(
        seen,
        [
            ("let", 0),
            ("fooBar", 1),
            ("fooBar", 1),
            ("fooBar", 1),
            ("1", 2)
        ]
    );
}

#[test]
fn a_remembered_stem_is_the_stem() {
    let mut kept = Stems::default();
    let mut stem = |word: &str| {
        let mut word = word.to_owned();
        kept.stem(&mut word);
        word
    };
    // More words than places, each twice.
    for round in 0..2 {
        for n in 0..9000_u32 {
            let letters: String = format!("{n:05}")
                .bytes()
                .map(|digit| char::from(digit - b'0' + b'a'))
                .collect();
            for ending in ["ing", "ies", "ational", "s"] {
                let word = format!("{letters}{ending}");
                let expected = frostem::Stemmer::new(frostem::Algorithm::English)
                    .stem(&word)
                    .into_owned();
                assert_eq!(stem(&word), expected, "round {round}");
            }
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9_ $.-]{0,300}",
        "([a-z]{1,6}|[A-Z]{1,4}|[0-9]{1,3}|_|ä|Ö|中|\u{301}|ß|İ| ){0,60}",
    ]
}

proptest! {
    #[test]
    fn parts_joined_give_the_whole_back(name in "([a-z]{1,4}|[A-Z]{1,4}|[0-9]{1,3}|_|ä|Ö){1,14}") {
        let ranges = parts::of_name(&name);
        let joined: String = ranges.iter().map(|at| &name[at.clone()]).collect();
        prop_assert_eq!(joined, name.replace('_', ""));
        prop_assert!(ranges.iter().all(|at| !at.is_empty()));
    }

    #[test]
    fn words_are_bounded_and_plain(text in text()) {
        let words = words(&text);
        prop_assert!(words.len() <= 3 * text.len());
        for word in words {
            let plain = word.strip_prefix(WHOLE).unwrap_or(&word);
            prop_assert!(!plain.is_empty() && plain.len() <= MAX_WORD, "{word:?}");
            prop_assert!(plain.chars().all(|char| of_char(char) != Class::Between), "{word:?}");
            prop_assert!(!plain.bytes().any(|byte| byte.is_ascii_uppercase()), "{word:?}");
        }
    }

    /// A whole says nothing of how its parts were told apart, so it comes back as one word.
    #[test]
    fn a_whole_in_lower_case_stays_itself(text in "[a-zA-Z_]{1,19}") {
        let first = words(&text);
        if let Some(whole) = first.first().and_then(|word| word.strip_prefix(WHOLE)) {
            let again = words(whole);
            let stays = again[0].strip_prefix(WHOLE) == Some(whole) || (again.len() == 1 && !whole.contains('_'));
            prop_assert!(stays, "{again:?}");
        }
    }

    #[test]
    fn a_text_gives_the_words_of_its_lines(lines in prop::collection::vec("[a-zA-Z0-9_äÖ中 .]{0,30}", 0..8)) {
        let apart: Vec<String> = lines.iter().flat_map(|line| words(line)).collect();
        prop_assert_eq!(words(&lines.join("\n")), apart);
    }
}
