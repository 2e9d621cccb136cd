//! Patterns of commands, and whether a line is what they mean.
//!
//! `git status` is that command and no other; `cargo test:*` and `cargo test *` begin like that, with any arguments;
//! a `*` elsewhere stands for any text of a word. `\*` is a star.

use crate::{
    shell::{Part, Taken, Word, take_apart},
    wrapper::{self, Inside},
};

/// How far into the words of a wrapper a command is looked for.
const MAX_SUFFIXES: usize = 48;
/// Wrappers in wrappers.
const MAX_LAYERS: usize = 6;

/// Which commands a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandPattern {
    /// All.
    Any,
    /// Lines that are this text, or commands that are these words.
    Exact { text: String, words: Vec<Glob> },
    /// Commands that begin with such words.
    Words {
        words: Vec<Glob>,
        /// Whether any arguments may follow.
        tail: bool,
    },
}

/// A word with `*` in it, as the texts between the stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Vec<String>);

impl Glob {
    fn matches(&self, text: &str) -> bool {
        pieces_match(&self.0, text)
    }

    /// The same for names of programs: not every file system tells upper from lower case.
    fn matches_program(&self, program: &str) -> bool {
        match self.0.as_slice() {
            [only] => only.eq_ignore_ascii_case(program),
            pieces => {
                let pieces: Vec<String> = pieces
                    .iter()
                    .map(|piece| piece.to_ascii_lowercase())
                    .collect();
                pieces_match(&pieces, &program.to_ascii_lowercase())
            }
        }
    }

    fn ends_open(&self) -> bool {
        self.0.len() > 1 && self.0.last().is_some_and(String::is_empty)
    }

    pub(crate) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Each piece is found by a linear search behind the one before, so that no text takes quadratic time.
fn pieces_match(pieces: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in middle {
        let Some(at) = memchr::memmem::find(rest.as_bytes(), piece.as_bytes()) else {
            return false;
        };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last.as_str())
}

/// How sure it is that a rule means something in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hit {
    No,
    /// It cannot be told.
    Maybe,
    Yes,
}

/// A star in a rule's text; a real one is written `\*`.
const STAR: char = '\u{F8FF}';

impl CommandPattern {
    /// Reads what is between the brackets. None: it names no command.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let marked = mark_stars(text.trim_matches([' ', '\t', '\n']))?;
        if marked.is_empty() || marked == STAR.to_string() {
            return Some(Self::Any);
        }
        if !marked.contains(STAR) {
            let taken = take_apart(&marked);
            let words: Option<Vec<Glob>> = match taken.parts.as_slice() {
                [part] if taken.plain => {
                    let known = part.words.iter().map(Word::known);
                    known
                        .map(|word| Some(Glob(vec![word?.to_owned()])))
                        .collect()
                }
                _ => None,
            };
            return Some(Self::Exact {
                text: marked,
                words: words.unwrap_or_default(),
            });
        }
        let (begin, tail) = match marked.strip_suffix(STAR) {
            Some(begin) if begin.ends_with([':', ' ']) => (&begin[..begin.len() - 1], true),
            _ => (marked.as_str(), false),
        };
        let words: Vec<Glob> = begin
            .split_ascii_whitespace()
            .map(|word| {
                Glob(
                    word.split(STAR)
                        .map(|piece| piece.trim_matches(['"', '\'']).to_owned())
                        .collect(),
                )
            })
            .collect();
        (!words.is_empty()).then_some(Self::Words { words, tail })
    }

    /// Whether the rule allows all of the line.
    pub(crate) fn is_line(&self, line: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact { text, .. } => text == line.trim_matches([' ', '\t', '\n']),
            Self::Words { .. } => false,
        }
    }

    /// How many words the pattern says itself, if it covers the command to its end.
    fn covers(&self, words: &[Word]) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Exact { words: own, .. } => {
                let same = !own.is_empty()
                    && own.len() == words.len()
                    && own
                        .iter()
                        .zip(words)
                        .all(|(own, word)| word.known() == own.literal());
                same.then_some(usize::MAX)
            }
            Self::Words { words: own, tail } => {
                let fits = words.len() >= own.len()
                    && (*tail || words.len() == own.len())
                    && own
                        .iter()
                        .zip(words)
                        .all(|(own, word)| word.known().is_some_and(|word| own.matches(word)))
                    && !words.contains(&Word::Hidden);
                fits.then(|| own.iter().take_while(|own| own.literal().is_some()).count())
            }
        }
    }

    /// Whether this command is one that the rule means, by its own words.
    fn names(&self, words: &[Word]) -> Hit {
        let (own, tail) = match self {
            Self::Any => return Hit::Yes,
            Self::Exact { words, .. } => (words, false),
            Self::Words { words, tail } => {
                // `rm*` means `rm -r x` too.
                let open = words.last().is_some_and(Glob::ends_open);
                (words, *tail || open)
            }
        };
        let [own_program, own @ ..] = own.as_slice() else {
            return Hit::No;
        };
        let [program, arguments @ ..] = words else {
            return Hit::No;
        };
        let Some(program) = program.known() else {
            return Hit::Maybe;
        };
        let own_base = own_program.literal().map(wrapper::base);
        let same_program = own_program.matches_program(program)
            || own_program.matches_program(wrapper::base(program))
            || own_base.is_some_and(|own| own.eq_ignore_ascii_case(wrapper::base(program)));
        if !same_program {
            return Hit::No;
        }
        let straight = arguments.len() >= own.len()
            && (tail || arguments.len() == own.len())
            && own
                .iter()
                .zip(arguments)
                .all(|(own, word)| word.known().is_some_and(|word| own.matches(word)));
        if straight || self.names_as_text(own, tail, arguments) {
            return Hit::Yes;
        }
        if in_order(own, arguments) {
            Hit::Maybe
        } else {
            Hit::No
        }
    }

    /// A `*` may also stand for several words.
    fn names_as_text(&self, own: &[Glob], tail: bool, arguments: &[Word]) -> bool {
        if own.iter().all(|own| own.literal().is_some()) {
            return false;
        }
        let Some(known) = arguments
            .iter()
            .map(Word::known)
            .collect::<Option<Vec<&str>>>()
        else {
            return false;
        };
        let mut pieces = vec![String::new()];
        for (n, own) in own.iter().enumerate() {
            for (m, piece) in own.0.iter().enumerate() {
                if m > 0 {
                    pieces.push(String::new());
                }
                if let Some(last) = pieces.last_mut() {
                    if m == 0 && n > 0 {
                        last.push(' ');
                    }
                    last.push_str(piece);
                }
            }
        }
        if tail {
            pieces.push(String::new());
        }
        pieces_match(&pieces, &known.join(" "))
    }

    /// The program's name, where the rule says one.
    fn program(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Exact { words, .. } | Self::Words { words, .. } => {
                words.first()?.literal().map(wrapper::base)
            }
        }
    }

    /// Whether a command that the rule means runs with these words, or inside of them.
    pub(crate) fn found_in(&self, words: &[Word]) -> Hit {
        self.found(words, 0)
    }

    fn found(&self, words: &[Word], layer: usize) -> Hit {
        let mut best = self.names(words);
        let Some(program) = words.first().and_then(Word::known) else {
            return best;
        };
        if best == Hit::Yes {
            return best;
        }
        if layer >= MAX_LAYERS {
            return Hit::Maybe;
        }
        match wrapper::inside(program, words) {
            Inside::Nothing => {}
            Inside::Unseen => best = Hit::Maybe,
            Inside::Scripts(texts) => {
                for text in &texts {
                    best = best.max(self.found_in_line(text, layer + 1));
                }
                best = best.max(self.found_in_line(&texts.join(" "), layer + 1));
            }
            Inside::Words(at) => {
                best = best.max(self.found(words.get(at..).unwrap_or_default(), layer + 1));
                // Where its own arguments end is known only to the wrapper.
                let later = words.len().min(MAX_SUFFIXES);
                let guessed = (1..later).any(|at| self.names(&words[at..]) != Hit::No);
                if guessed || words.len() > MAX_SUFFIXES {
                    best = best.max(Hit::Maybe);
                }
            }
        }
        let called = self
            .program()
            .is_some_and(|name| wrapper::may_call(program, words, name));
        if called { best.max(Hit::Maybe) } else { best }
    }

    fn found_in_line(&self, line: &str, layer: usize) -> Hit {
        if layer >= MAX_LAYERS {
            return Hit::Maybe;
        }
        let taken = take_apart(line);
        let found = taken
            .parts
            .iter()
            .map(|part| self.found(&part.words, layer))
            .max();
        let found = found.unwrap_or(Hit::No);
        if taken.whole {
            found
        } else {
            found.max(Hit::Maybe)
        }
    }
}

/// Whether the words of a rule are among the arguments in their order. An option may be written in other ways, and
/// anything may come of what is not known.
fn in_order(own: &[Glob], arguments: &[Word]) -> bool {
    let mut arguments = arguments.iter();
    for own in own {
        loop {
            let Some(word) = arguments.next() else {
                return false;
            };
            let Some(word) = word.known() else {
                return true;
            };
            let is_option = own.0.first().is_some_and(|own| own.starts_with('-'));
            if own.matches(word) || (is_option && word.starts_with('-')) {
                break;
            }
        }
    }
    true
}

/// Whether each command of a line is allowed by one of the rules, and which said so first.
pub(crate) fn allows<'a, T>(
    rules: &'a [(T, &'a CommandPattern)],
    line: &str,
    taken: &Taken,
) -> Option<&'a T> {
    if let Some((rule, _)) = rules.iter().find(|(_, pattern)| pattern.is_line(line)) {
        return Some(rule);
    }
    if !taken.plain || !taken.whole || taken.parts.is_empty() {
        return None;
    }
    let alone = taken.parts.len() == 1;
    let mut first = None;
    for part in &taken.parts {
        let (rule, _) = rules
            .iter()
            .find(|(_, pattern)| allows_part(pattern, part, alone))?;
        first.get_or_insert(rule);
    }
    first
}

fn allows_part(pattern: &CommandPattern, part: &Part, alone: bool) -> bool {
    let words = &part.words;
    let Some(program) = words.first().and_then(Word::known) else {
        return false;
    };
    let Some(said) = pattern.covers(words) else {
        return false;
    };
    if !alone && wrapper::steers(program) {
        return false;
    }
    if !wrapper::runs_others(program, words) {
        return true;
    }
    // The rule must name what runs inside, not leave it to its star.
    let named = match wrapper::inside(program, words) {
        Inside::Words(at) => at,
        _ => wrapper::risky_option(program, words).unwrap_or(usize::MAX),
    };
    said > named || said == usize::MAX
}

/// Puts [`STAR`] in the place of each star that is not escaped. None: the text holds that character.
fn mark_stars(text: &str) -> Option<String> {
    if text.contains(STAR) {
        return None;
    }
    let mut marked = String::with_capacity(text.len());
    let mut slashes = 0_usize;
    for char in text.chars() {
        match char {
            '\\' => slashes += 1,
            '*' => {
                marked.extend(std::iter::repeat_n('\\', slashes / 2));
                marked.push(if slashes.is_multiple_of(2) { STAR } else { '*' });
                slashes = 0;
            }
            char => {
                marked.extend(std::iter::repeat_n('\\', slashes));
                marked.push(char);
                slashes = 0;
            }
        }
    }
    marked.extend(std::iter::repeat_n('\\', slashes));
    Some(marked)
}

/// The text of a rule that means exactly this line.
pub(crate) fn exactly(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut slashes = 0_usize;
    for char in line.chars() {
        if char == '*' {
            text.extend(std::iter::repeat_n('\\', slashes + 1));
        }
        slashes = if char == '\\' { slashes + 1 } else { 0 };
        text.push(char);
    }
    text
}
