//! The forms of request that the practice endpoint understands.

use super::identifier::is_identifier;

/// What the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Rename {
        from: String,
        to: String,
    },
    Where {
        name: String,
    },
    RunTests,
    Replace {
        old: String,
        new: String,
        path: String,
    },
}

/// The form of `text`. The agent may put context around the user's words, so paragraphs are tried from the last.
pub(super) fn read(text: &str) -> Option<Form> {
    let text = text.replace("\r\n", "\n");
    text.rsplit("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with('<'))
        .find_map(paragraph)
}

fn paragraph(text: &str) -> Option<Form> {
    let words = words(text);
    replace(&words)
        .or_else(|| rename(&words))
        .or_else(|| definition(&words))
        .or_else(|| tests(&words))
}

/// A word, or what stands between quotes.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: bool,
    /// Where it begins and ends in the text, the marks around it included.
    start: usize,
    end: usize,
}

impl Word {
    fn is(&self, words: &[&str]) -> bool {
        !self.quoted && words.contains(&self.text.to_lowercase().as_str())
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return words;
        };
        let close = match first {
            '`' | '"' | '\'' => Some(first),
            '“' => Some('”'),
            '‘' => Some('’'),
            '«' => Some('»'),
            _ => None,
        };
        let inside = &rest[first.len_utf8()..];
        let quoted = close.and_then(|close| {
            let end = inside.find(close)?;
            Some((&inside[..end], &inside[end + close.len_utf8()..]))
        });
        if let Some((inside, after)) = quoted.filter(|(inside, _)| !inside.is_empty()) {
            rest = after;
            words.push(Word {
                text: inside.to_owned(),
                quoted: true,
                start,
                end: text.len() - rest.len(),
            });
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let bare = rest[..end]
            .trim_start_matches(['(', '"', '\'', '`'])
            .trim_end_matches(['.', ',', ';', ':', '?', '!', ')', '(', '"', '\'', '`']);
        rest = &rest[end..];
        if !bare.is_empty() {
            words.push(Word {
                text: bare.to_owned(),
                quoted: false,
                start,
                end: start + end,
            });
        }
    }
}

fn position(words: &[Word], from: usize, wanted: &[&str]) -> Option<usize> {
    (from..words.len()).find(|n| words[*n].is(wanted))
}

fn identifier(word: &Word) -> Option<String> {
    // `name()` is how people write functions.
    let name = word.text.strip_suffix("()").unwrap_or(&word.text);
    is_identifier(name).then(|| name.to_owned())
}

/// "rename [the function] X to Y [everywhere]"
fn rename(words: &[Word]) -> Option<Form> {
    let verb = position(words, 0, &["rename"])?;
    let to = position(words, verb + 2, &["to", "into", "as", "->", "→"])?;
    let from = words[verb + 1..to].iter().rev().find_map(identifier)?;
    let to = words.get(to + 1).and_then(identifier)?;
    Some(Form::Rename { from, to })
}

/// "where is [the struct] X defined", "where is X", "find the definition of X"
fn definition(words: &[Word]) -> Option<Form> {
    let defined = [
        "defined",
        "declared",
        "implemented",
        "definition",
        "declaration",
    ];
    let at = position(words, 0, &defined);
    if let Some(asks) = position(words, 0, &["where", "where's"]) {
        let end = at.filter(|at| *at > asks).unwrap_or(words.len());
        let name = words[asks + 1..end]
            .iter()
            .rev()
            .filter(|word| !word.is(&["is", "are", "the", "it", "this", "that"]))
            .find_map(identifier)?;
        return (at.is_some() || end - asks <= 4).then_some(Form::Where { name });
    }
    let at = at.filter(|at| words.get(at + 1).is_some_and(|word| word.is(&["of"])))?;
    let name = words[at + 2..]
        .iter()
        .filter(|word| !word.is(&["the", "a", "function", "type", "struct", "class"]))
        .find_map(identifier)?;
    Some(Form::Where { name })
}

/// "run the tests"
fn tests(words: &[Word]) -> Option<Form> {
    let verb = position(words, 0, &["run", "execute", "start"])?;
    let object = position(words, verb + 1, &["test", "tests", "testsuite"])?;
    (object - verb <= 4).then_some(Form::RunTests)
}

/// "replace A with B in F"
fn replace(words: &[Word]) -> Option<Form> {
    let verb = position(words, 0, &["replace"])?;
    let with = position(words, verb + 2, &["with", "by"])?;
    let inside = (with + 2..words.len())
        .rev()
        .find(|n| words[*n].is(&["in"]) && n + 1 < words.len())?;
    let path = words[inside + 1..]
        .iter()
        .find(|word| !word.is(&["the", "file"]))?;
    Some(Form::Replace {
        old: phrase(&words[verb + 1..with])?,
        new: phrase(&words[with + 1..inside])?,
        path: path.text.clone(),
    })
}

/// One quoted text as it is; words without quotes with a space between.
fn phrase(words: &[Word]) -> Option<String> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(from: &str, to: &str) -> Option<Form> {
        Some(Form::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }

    fn place(name: &str) -> Option<Form> {
        Some(Form::Where {
            name: name.to_owned(),
        })
    }

    fn replaced(old: &str, new: &str, path: &str) -> Option<Form> {
        Some(Form::Replace {
            old: old.to_owned(),
            new: new.to_owned(),
            path: path.to_owned(),
        })
    }

    #[rstest::rstest]
    #[case("rename foo to bar", rename("foo", "bar"))]
    #[case(
        "Please RENAME the function `foo()` to `bar()` everywhere.",
        rename("foo", "bar")
    )]
    #[case("rename \"Old_Name\" into 'NewName'!", rename("Old_Name", "NewName"))]
    #[case(
        "<context>\nx\n</context>\n\nrename a to b\n\n<more>where is x defined</more>",
        rename("a", "b")
    )]
    #[case("rename größe to size", rename("größe", "size"))]
    #[case("rename a.b to c-d", None)]
    #[case("rename", None)]
    #[case("where is Config defined?", place("Config"))]
    #[case("Where is the struct `Config` declared", place("Config"))]
    #[case("where is Config?", place("Config"))]
    #[case("find the definition of parse_args", place("parse_args"))]
    #[case("where", None)]
    #[case("run the tests", Some(Form::RunTests))]
    #[case("Can you run all the unit tests, please?", Some(Form::RunTests))]
    #[case(
        "replace foo with bar in src/main.rs",
        replaced("foo", "bar", "src/main.rs")
    )]
    #[case(
        "Replace `let a = 1;` by \"let a = 2;\" in the file `src/lib.rs`.",
        replaced("let a = 1;", "let a = 2;", "src/lib.rs")
    )]
    #[case(
        "replace two words with three new words in notes.txt",
        replaced("two words", "three new words", "notes.txt")
    )]
    #[case("replace foo with bar", None)]
    #[case("hello", None)]
    #[case("", None)]
    #[case("'", None)]
    #[case("`` \"\" ‘", None)]
    fn forms(#[case] text: &str, #[case] expected: Option<Form>) {
        assert_eq!(read(text), expected);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(rename|replace|where|run|in|with|to|[`'\"“”]| |\n|a|é|漢){0,30}") {
            read(&text);
        }
    }
}
