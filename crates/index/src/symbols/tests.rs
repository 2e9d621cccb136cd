//! What is read from a file of each language, and that no text does harm.

use super::{walk::Walk, *};
use proptest::prelude::*;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/symbols")
}

/// The fixture of each language that this build can read: its path, its language and its text.
fn fixtures() -> Vec<(PathBuf, Language, String)> {
    let mut fixtures: Vec<_> = fs::read_dir(folder())
        .expect("the fixtures are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension != "symbols")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a fixture is text");
            let language = Language::of(&path, &text).expect("a fixture has a language");
            (path, language, text)
        })
        .filter(|(_, language, _)| language.has_grammar())
        .collect();
    fixtures.sort();
    fixtures
}

/// All that was read, as the files beside the fixtures show it.
fn shown(parsed: &Parsed<'_>, text: &str) -> String {
    let mut shown = String::new();
    for definition in parsed.outline.definitions() {
        let path = parsed.outline.path(definition);
        let Definition {
            name,
            kind,
            line,
            column,
            first_line,
            last_line,
            ..
        } = definition;
        let inside: String = path.iter().map(|name| format!("{name} > ")).collect();
        writeln!(
            shown,
            "{kind} {inside}{name} {line}:{column} [{first_line}-{last_line}]"
        )
        .expect("a string takes all");
    }
    shown.push_str("\nreferences\n");
    let mut line = 0;
    for reference in &parsed.references {
        if line != reference.line {
            line = reference.line;
            write!(
                shown,
                "{}{line}:",
                if shown.ends_with("references\n") {
                    ""
                } else {
                    "\n"
                }
            )
            .expect("a string takes all");
        }
        let mark = match reference.role {
            Role::Call => "()",
            Role::Import => "^",
            Role::Type => "'",
            Role::Other => "",
        };
        write!(shown, " {}:{}{mark}", reference.column, reference.name)
            .expect("a string takes all");
    }
    shown.push_str("\n\ncomments\n");
    for comment in &parsed.comments {
        writeln!(shown, "{:?}", &text[comment.clone()]).expect("a string takes all");
    }
    shown
}

/// With `KERF_WRITE_SYMBOLS` in the environment the expected files are written anew; read them before you commit them.
#[test]
fn every_language_gives_what_its_file_shows() {
    let mut reader = Reader::new();
    let mut wrong = Vec::new();
    for (path, language, text) in fixtures() {
        let shown = shown(
            &reader.read(language, &text).expect("a fixture is read"),
            &text,
        );
        let beside = path.with_added_extension("symbols");
        if std::env::var_os("KERF_WRITE_SYMBOLS").is_some() {
            fs::write(&beside, &shown).expect("the expected file is written");
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if shown != expected {
            let differs = shown
                .lines()
                .zip(expected.lines())
                .find(|(is, should)| is != should);
            wrong.push(format!("{}: {differs:?}", beside.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_language_has_a_fixture() {
    let fixtures = fixtures();
    for language in Language::all().filter(|language| language.has_grammar()) {
        assert!(
            fixtures.iter().any(|(_, of, _)| *of == language),
            "{language} has none"
        );
    }
}

/// Text of a language that was cut, doubled and changed: its parts still look like the language.
fn mutated() -> impl Strategy<Value = (Language, String)> {
    let fixtures = fixtures();
    let change = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..4_u8,
        "\\PC{0,3}|[\\[({<\"'`#/*\n\t ]{1,40}",
    );
    (
        0..fixtures.len(),
        0..fixtures.len(),
        prop::collection::vec(change, 1..8),
    )
        .prop_map(move |(of, text, changes)| {
            let mut text: Vec<char> = fixtures[text].2.chars().collect();
            for (from, to, how, new) in changes {
                let from = from.index(text.len() + 1);
                let to = from + to.index(text.len() + 1 - from);
                match how {
                    0 => drop(text.drain(from..to)),
                    1 => text.truncate(to),
                    2 if text.len() < 20_000 => text.extend_from_within(from..to),
                    _ => drop(text.splice(from..from, new.chars())),
                }
            }
            (fixtures[of].1, text.into_iter().collect())
        })
}

/// What holds for every text.
fn check(parsed: &Parsed<'_>, text: &str) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    let at = |line: u32, column: u32| {
        let line = lines.get(line as usize - 1)?;
        let (byte, _) = line.char_indices().nth(column as usize - 1)?;
        line.get(byte..)
    };
    for reference in &parsed.references {
        let found = at(reference.line, reference.column);
        prop_assert!(
            found.is_some_and(
                |found| found.starts_with(reference.name.lines().next().unwrap_or_default())
            ),
            "{reference:?} is at its place, but there is {found:?}"
        );
    }
    prop_assert!(
        parsed
            .references
            .is_sorted_by_key(|reference| (reference.line, reference.column))
    );
    for definition in parsed.outline.definitions() {
        prop_assert!(!definition.name.is_empty());
        prop_assert!(definition.first_line <= definition.last_line);
        prop_assert!(
            definition.last_line as usize <= lines.len(),
            "{definition:?}"
        );
        prop_assert!(
            definition.first_line <= definition.line && definition.line <= definition.last_line,
            "{definition:?}"
        );
        prop_assert!(
            at(definition.line, definition.column).is_some(),
            "{definition:?}"
        );
    }
    for comment in &parsed.comments {
        prop_assert!(text.get(comment.clone()).is_some());
    }
    prop_assert!(parsed.comments.is_sorted_by_key(|comment| comment.start));
    let stored = parsed.outline.encode();
    let decoded = Outline::decode(&stored);
    prop_assert_eq!(decoded.as_ref(), Ok(&parsed.outline));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_text_of_any_language_does_no_harm((language, text) in mutated()) {
        if let Ok(parsed) = Reader::new().read(language, &text) {
            check(&parsed, &text)?;
        }
    }

    #[test]
    fn random_text_does_no_harm(text in "(\\PC|[\\[\\](){}<>\"'`#/*:;=.,\\-\n\t ]|class|def|fn|if|--){0,120}") {
        let mut reader = Reader::new();
        for language in Language::all().filter(|language| language.has_grammar()) {
            check(&reader.read(language, &text).expect("a short text is read"), &text)?;
        }
    }
}

#[test]
fn text_cut_anywhere_does_no_harm() {
    let mut reader = Reader::new();
    for (path, language, text) in fixtures() {
        for (end, _) in text.char_indices() {
            let cut = &text[..end];
            let parsed = reader.read(language, cut).expect("a short text is read");
            check(&parsed, cut)
                .unwrap_or_else(|error| panic!("{} cut at {end}: {error}", path.display()));
        }
    }
}

/// As deep as a text of the allowed size can nest on lines of a usual length.
#[test]
fn deep_nesting_takes_no_stack() {
    let deep = |open: &str, close: &str| {
        let lines = |part: &str| format!("{}\n", part.repeat(40)).repeat(1_500);
        lines(open) + &lines(close)
    };
    let run = move || {
        let mut reader = Reader::new();
        for (language, text) in [
            (Language::Json, deep("[", "]")),
            (Language::C, format!("int x = {};", deep("(", ")"))),
            (Language::JavaScript, deep("x=>{", "}")),
            (Language::JavaScript, deep("class A{a(){", "}}")),
            (Language::Rust, format!("fn f() {{ {} }}", deep("{", "}"))),
            (Language::Python, deep("(lambda:", ")")),
            (Language::Html, deep("<div>", "</div>")),
        ] {
            // Reading may stop for time, on a slow machine.
            if let Ok(parsed) = reader.read(language, &text) {
                for definition in parsed.outline.definitions().iter().take(100) {
                    assert!(parsed.outline.path(definition).len() <= Outline::MAX_DEPTH as usize);
                }
            }
        }
    };
    let small = std::thread::Builder::new().stack_size(256 << 10);
    small
        .spawn(run)
        .expect("a thread starts")
        .join()
        .expect("the stack is enough");
}

#[test]
fn large_and_generated_and_slow_text_is_not_read() {
    let mut reader = Reader::new();
    assert_eq!(
        reader.read(Language::Css, &"a{}\n".repeat(MAX_BYTES / 4 + 1)),
        Err(NotRead::TooLarge)
    );
    assert_eq!(
        reader.read(Language::Css, &"a{}".repeat(LONG_LINES_FROM)),
        Err(NotRead::LongLines)
    );
    let text = "a { b: c }\n".repeat(10_000);
    assert_eq!(
        reader.read_within(Language::Css, &text, Duration::ZERO),
        Err(NotRead::TooSlow)
    );
    // The next text is not a part of the one before.
    let next = reader
        .read(Language::Css, ".next { b: c }")
        .expect("a short text is read");
    assert_eq!(next.outline.definitions()[0].name.as_ref(), "next");
    let error = NotRead::TooSlow.to_string();
    assert!(error.contains("3 seconds"), "{error}");
}

#[test]
fn what_is_too_much_is_left_out_and_said() {
    let mut reader = Reader::new();
    let text: String = (0..25_000)
        .map(|number| format!("#define N{number} 1\n"))
        .collect();
    let parsed = reader
        .read(Language::C, &text)
        .expect("it is not too large");
    assert!(parsed.truncated);
    assert_eq!(parsed.outline.definitions().len(), Walk::MAX_DEFINITIONS);
}

#[test]
fn columns_count_characters() {
    let text = "/* \u{e4}\u{1f980} */ int gr\u{f6}\u{df}e = \u{fc}ber; int b = c;\n";
    let parsed = Reader::new().read(Language::C, text).expect("it is read");
    let definitions: Vec<_> = parsed
        .outline
        .definitions()
        .iter()
        .map(|of| (&*of.name, of.column))
        .collect();
    assert_eq!(definitions, [("gr\u{f6}\u{df}e", 14), ("b", 32)]);
    let references: Vec<_> = parsed
        .references
        .iter()
        .map(|of| (of.name, of.column))
        .collect();
    assert_eq!(references, [("\u{fc}ber", 22), ("c", 36)]);
}

#[cfg(not(feature = "languages-extra"))]
#[test]
fn a_language_without_its_grammar_says_so() {
    assert!(!Language::Cpp.has_grammar());
    assert_eq!(
        Reader::new().read(Language::Cpp, "int a;"),
        Err(NotRead::NoGrammar(Language::Cpp))
    );
}
