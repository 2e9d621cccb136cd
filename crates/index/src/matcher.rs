//! Compares a pattern with texts line by line, as ripgrep does.
//!
//! ripgrep's own matcher would do, and finds the same. But it prepares for a long search and first builds an automaton
//! of the whole pattern; where that knows Unicode's letters it takes 5 ms, longer than to search the few files that an
//! index leaves. This one builds the states that the texts ask for, and the whole automaton only for a long search.
//!
//! Where words begin and end in all of Unicode no automaton can tell beyond ASCII. So lines are found by the expression
//! without that, and only those are looked at by the slow machine that can.

use grep_matcher::{ByteSet, LineMatchKind, LineTerminator, Match, Matcher, NoCaptures, NoError};
use regex_automata::{Input, meta::Regex};
use regex_syntax::{
    ParserBuilder,
    hir::{
        Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look,
        LookSet,
    },
};

/// The same bounds as ripgrep's for the size of a pattern that is built.
const MAX_BUILT: usize = 100 << 20;
/// What the states may take that a text asks for, in each thread, before those are dropped that it asked for first.
const MAX_STATES: usize = 32 << 20;
/// How large the whole automaton of an expression may be, in bytes, and the expression, in states.
const MAX_WHOLE: usize = 1 << 20;
const MAX_WHOLE_STATES: usize = 1_000;

/// An expression, ready to be compared with texts. Cheap to build and to clone.
#[derive(Debug, Clone)]
pub(crate) struct LineMatcher {
    hir: Hir,
    regex: Regex,
    /// Matches in each line in which the expression matches, and in others; none where it would be the same.
    hint: Option<Regex>,
    /// Whether a search may go through all lines at once. Where the ends of a text are asked for it may not, as each
    /// line is a text then.
    lines_at_once: bool,
    /// Bytes that are in no match: the line end, where that is sure. Lines can be looked at one by one then, whatever
    /// was asked for, which takes time as they are long; else it takes that for each match in a line.
    in_no_match: ByteSet,
}

impl LineMatcher {
    /// For an expression. No match of it reaches over a line end, except when `multi_line` allows it.
    ///
    /// # Errors
    /// When it is no expression, is too large, or can match nothing but a line end where none may be matched. The text
    /// is for people.
    pub(crate) fn new(pattern: &str, ignore_case: bool, multi_line: bool) -> Result<Self, String> {
        let mut parser = ParserBuilder::new()
            .utf8(false)
            .multi_line(true)
            .case_insensitive(ignore_case)
            .build();
        let mut hir = parser.parse(pattern).map_err(|error| error.to_string())?;
        if !multi_line {
            hir = within_lines(hir)?;
        }
        let mut in_no_match = ByteSet::empty();
        if !reaches_line_ends(&hir) {
            in_no_match.add(b'\n');
        }
        let anchored = hir.properties().look_set().contains_anchor_haystack();
        let mut matcher = Self {
            regex: build(&hir, false)?,
            hint: None,
            lines_at_once: !multi_line && !anchored,
            in_no_match,
            hir,
        };
        matcher.hint = matcher.hint(false)?;
        Ok(matcher)
    }

    /// The same, for a search through so much that a longer preparation is worth it.
    ///
    /// # Errors
    /// None that building it the first time did not have.
    pub(crate) fn for_much(&self) -> Result<Self, String> {
        Ok(Self {
            regex: build(&self.hir, true)?,
            hint: self.hint(true)?,
            ..self.clone()
        })
    }

    fn hint(&self, whole: bool) -> Result<Option<Regex>, String> {
        let looks = self.hir.properties().look_set();
        looks
            .contains_word_unicode()
            .then(|| build(&without_words(&self.hir), whole))
            .transpose()
    }

    /// For texts as they are, whichever comes first.
    pub(crate) fn any_of<'t>(
        texts: impl IntoIterator<Item = &'t str>,
        ignore_case: bool,
    ) -> Result<Self, String> {
        let escaped: Vec<String> = texts.into_iter().map(regex_syntax::escape).collect();
        Self::new(&escaped.join("|"), ignore_case, true)
    }
}

impl Matcher for LineMatcher {
    type Captures = NoCaptures;
    type Error = NoError;

    fn find_at(&self, text: &[u8], at: usize) -> Result<Option<Match>, NoError> {
        let found = self.regex.find(Input::new(text).range(at..));
        Ok(found.map(|found| Match::new(found.start(), found.end())))
    }

    fn new_captures(&self) -> Result<NoCaptures, NoError> {
        Ok(NoCaptures::new())
    }

    fn shortest_match_at(&self, text: &[u8], at: usize) -> Result<Option<usize>, NoError> {
        let input = Input::new(text).range(at..).earliest(true);
        Ok(self.regex.search_half(&input).map(|found| found.offset()))
    }

    fn find_candidate_line(&self, text: &[u8]) -> Result<Option<LineMatchKind>, NoError> {
        let Some(hint) = &self.hint else {
            let found = self.shortest_match(text)?;
            return Ok(found.map(LineMatchKind::Confirmed));
        };
        let found = hint.search_half(&Input::new(text).earliest(true));
        Ok(found.map(|found| LineMatchKind::Candidate(found.offset())))
    }

    fn non_matching_bytes(&self) -> Option<&ByteSet> {
        Some(&self.in_no_match)
    }

    fn line_terminator(&self) -> Option<LineTerminator> {
        self.lines_at_once.then(|| LineTerminator::byte(b'\n'))
    }
}

fn build(hir: &Hir, whole: bool) -> Result<Regex, String> {
    let config = Regex::config()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_BUILT))
        .hybrid_cache_capacity(MAX_STATES)
        .dfa(whole)
        .dfa_size_limit(Some(MAX_WHOLE))
        .dfa_state_limit(Some(MAX_WHOLE_STATES));
    let built = Regex::builder().configure(config).build_from_hir(hir);
    built.map_err(|error| match error.size_limit() {
        Some(limit) => format!("it is too large: built, it takes more than {limit} bytes"),
        None => error.to_string(),
    })
}

/// The expression that does not ask where words begin and end.
fn without_words(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(without_words).collect();
    match hir.kind() {
        HirKind::Look(look) if LookSet::singleton(*look).contains_word() => Hir::empty(),
        HirKind::Repetition(repeated) => {
            Hir::repetition(repeated.with(without_words(&repeated.sub)))
        }
        HirKind::Capture(group) => without_words(&group.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

/// Whether a match may hold a line end, or asks where lines or the text end.
fn reaches_line_ends(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Look(look) => matches!(
            look,
            Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF
        ),
        HirKind::Repetition(repeated) => reaches_line_ends(&repeated.sub),
        HirKind::Capture(group) => reaches_line_ends(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(reaches_line_ends),
    }
}

/// The expression without the line ends in its classes.
fn within_lines(hir: Hir) -> Result<Hir, String> {
    let refused = || "a line never holds a line end; search with `multi_line`".to_owned();
    Ok(match hir.into_kind() {
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => return Err(refused()),
        HirKind::Class(Class::Unicode(mut class)) if !class.ranges().is_empty() => {
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            if class.ranges().is_empty() {
                return Err(refused());
            }
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(mut class)) if !class.ranges().is_empty() => {
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            if class.ranges().is_empty() {
                return Err(refused());
            }
            Hir::class(Class::Bytes(class))
        }
        HirKind::Repetition(mut repeated) => {
            *repeated.sub = within_lines(*repeated.sub)?;
            Hir::repetition(repeated)
        }
        HirKind::Capture(group) => within_lines(*group.sub)?,
        HirKind::Concat(parts) => Hir::concat(all_within_lines(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all_within_lines(parts)?),
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
    })
}

fn all_within_lines(parts: Vec<Hir>) -> Result<Vec<Hir>, String> {
    parts.into_iter().map(within_lines).collect()
}
