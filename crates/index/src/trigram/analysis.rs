//! From a pattern to its plan.
//!
//! After Russ Cox, "Regular Expression Matching with a Trigram Index" (2012): for each part of the expression, bottom up,
//! either all strings it matches or what its matches begin with, end with and must hold. All sets are bounded. Over a
//! bound something is forgotten, which makes the plan weaker and never wrong.

use super::{
    Plan, runs,
    strings::{self, MAX_STRINGS, Strings},
};
use crate::GrepQuery;
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Repetition},
};

/// Bytes of an expression that is planned. A longer one may match anything.
const MAX_EXPRESSION: usize = 64 << 10;

/// Bytes of a literal that are looked at. There are more trigrams in them than a plan may have.
const MAX_LITERAL: usize = 2 << 10;

/// How many classes an expression may have to be planned. One costs up to some milliseconds to write out with case
/// ignored.
const MAX_CLASSES: usize = 64;

/// Characters of a class that are told apart; a larger class may be anything.
const MAX_CHARACTERS: usize = 16;

/// How many strings two neighbours become that have several each. With case ignored each `k` and `s` stands for two, so
/// that a word soon has hundreds of spellings, and a plan for all of them is larger than it is worth.
const MAX_JOINED: usize = 4;

/// How many strings are told apart across the edge of two neighbours that were not joined.
const MAX_ACROSS: usize = 8;

/// How often a repeated part is written out. More would show no trigram that is new when the part is one byte or more.
const MAX_COPIES: u32 = 4;

/// How deep an expression is looked into.
const MAX_DEPTH: usize = 300;

/// How much is written down for a pattern, about in bytes and trigrams.
const FUEL: usize = 1 << 20;

/// What a text must hold for the matcher of `query` to match in it.
///
/// The pattern is read as the matcher reads it. One that cannot be read, which the matcher's own error tells, has the
/// plan [`Plan::Everything`]. Takes bounded time and memory, whatever the pattern is.
pub(crate) fn plan(query: &GrepQuery) -> Plan {
    plan_with(query, FUEL)
}

/// [`plan`] with as much `fuel` as given.
pub(super) fn plan_with(query: &GrepQuery, fuel: usize) -> Plan {
    let pattern = query.pattern.as_str();
    let hir = if query.literal {
        // A text that holds all of it holds its beginning.
        let start = &pattern[..pattern.floor_char_boundary(MAX_LITERAL)];
        match query.ignore_case {
            false => Some(Hir::literal(start.as_bytes())),
            true => parse(&regex_syntax::escape(start), true),
        }
    } else if pattern.len() > MAX_EXPRESSION || classes(pattern) > MAX_CLASSES {
        None
    } else {
        parse(pattern, query.ignore_case)
    };
    let Some(hir) = hir else {
        return Plan::Everything;
    };
    let mut analysis = Analysis {
        lines: !query.multi_line,
        fuel,
    };
    match analysis.part(&hir, 0).into_plan() {
        // Trigrams, where there are some, let through less.
        Plan::Everything => {
            let runs = runs::asked(&hir, !query.multi_line, MAX_DEPTH);
            Plan::all(runs.into_iter().map(Plan::Has))
        }
        plan => plan,
    }
}

/// Reads an expression with the flags that the matcher is built with.
fn parse(pattern: &str, ignore_case: bool) -> Option<Hir> {
    ParserBuilder::new()
        .utf8(false)
        .multi_line(true)
        .case_insensitive(ignore_case)
        .build()
        .parse(pattern)
        .ok()
}

/// About how many classes are in a pattern, never too few.
fn classes(pattern: &str) -> usize {
    let named = pattern
        .as_bytes()
        .array_windows()
        .filter(|[first, second]| *first == b'\\' && b"pPdDsSwW".contains(second));
    named.count() + pattern.bytes().filter(|&byte| byte == b'[').count()
}

/// What is known of the matches of a part of the expression.
#[derive(Debug, Clone)]
enum Matches {
    /// They are these strings and no other.
    Exact(Strings),
    /// Each begins with one of `starts`, ends with one of `ends`, and is in a text only where `plan` holds.
    Like {
        starts: Strings,
        ends: Strings,
        plan: Plan,
    },
}

impl Matches {
    /// Nothing is known.
    fn anything() -> Self {
        Self::Like {
            starts: Strings::empty(),
            ends: Strings::empty(),
            plan: Plan::Everything,
        }
    }

    fn is_anything(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Like { starts, ends, plan } => {
                *plan == Plan::Everything
                    && *starts == Strings::empty()
                    && *ends == Strings::empty()
            }
        }
    }

    fn into_plan(self) -> Plan {
        match self {
            Self::Exact(strings) => strings.plan(),
            Self::Like { plan, .. } => plan,
        }
    }

    /// The plan, when the strings of the matches were not `said` already.
    fn unsaid(self, said: bool) -> Option<Plan> {
        match self {
            Self::Exact(_) if said => None,
            other => Some(other.into_plan()),
        }
    }

    /// The same without the strings themselves.
    fn open(self) -> (Strings, Strings, Plan) {
        match self {
            Self::Exact(strings) => (strings.starts(), strings.ends(), strings.plan()),
            Self::Like { starts, ends, plan } => (starts, ends, plan),
        }
    }

    /// What the matches begin with; all of them where they are known.
    fn head(&self) -> &Strings {
        match self {
            Self::Exact(strings) => strings,
            Self::Like { starts, .. } => starts,
        }
    }

    /// What the matches end with; all of them where they are known.
    fn tail(&self) -> &Strings {
        match self {
            Self::Exact(strings) => strings,
            Self::Like { ends, .. } => ends,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Exact(strings) => strings.size(),
            Self::Like { starts, ends, plan } => starts.size() + ends.size() + plan.len(),
        }
    }
}

struct Analysis {
    /// A match never holds a line end.
    lines: bool,
    /// How much may still be written down.
    fuel: usize,
}

impl Analysis {
    fn part(&mut self, hir: &Hir, depth: usize) -> Matches {
        if depth > MAX_DEPTH || self.fuel == 0 {
            return Matches::anything();
        }
        let matches = match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Matches::Exact(Strings::empty()),
            HirKind::Literal(literal) => literal_bytes(&literal.0),
            HirKind::Class(class) => {
                characters(class, self.lines).map_or_else(Matches::anything, Matches::Exact)
            }
            HirKind::Capture(capture) => self.part(&capture.sub, depth + 1),
            HirKind::Repetition(repetition) => self.repetition(repetition, depth),
            HirKind::Concat(parts) => {
                let parts = parts.iter().map(|part| self.part(part, depth + 1));
                let parts = parts.collect();
                self.sequence(parts)
            }
            HirKind::Alternation(ways) => self.alternation(ways, depth),
        };
        self.pay(matches.size());
        matches
    }

    fn pay(&mut self, price: usize) {
        self.fuel = self.fuel.saturating_sub(price);
    }

    fn repetition(&mut self, repetition: &Repetition, depth: usize) -> Matches {
        let Repetition { min, max, sub, .. } = repetition;
        if *max == Some(0) {
            return Matches::Exact(Strings::empty());
        }
        let once = self.part(sub, depth + 1);
        if *min == 0 {
            return match once {
                Matches::Exact(strings) if *max == Some(1) => {
                    Strings::union([&strings, &Strings::empty()])
                        .map_or_else(Matches::anything, Matches::Exact)
                }
                _ => Matches::anything(),
            };
        }
        let copies = (*min).min(MAX_COPIES);
        let written = self.sequence(vec![once; copies as usize]);
        if *max == Some(copies) {
            return written;
        }
        // What more there is stands between the first copies and the last ones.
        let (starts, ends, plan) = written.open();
        Matches::Like { starts, ends, plan }
    }

    fn alternation(&mut self, ways: &[Hir], depth: usize) -> Matches {
        let mut found = Vec::with_capacity(ways.len());
        for way in ways {
            let way = self.part(way, depth + 1);
            if way.is_anything() {
                return way;
            }
            found.push(way);
        }
        let exact = found.iter().map(|way| match way {
            Matches::Exact(strings) => Some(strings),
            Matches::Like { .. } => None,
        });
        if let Some(exact) = exact.collect::<Option<Vec<_>>>()
            && let Some(strings) = Strings::union(exact)
        {
            return Matches::Exact(strings);
        }
        let (mut starts, mut ends, mut plans) = (Vec::new(), Vec::new(), Vec::new());
        for way in found {
            let (start, end, plan) = way.open();
            starts.push(start);
            ends.push(end);
            plans.push(plan);
        }
        Matches::Like {
            starts: Strings::union(&starts).unwrap_or_else(Strings::empty),
            ends: Strings::union(&ends).unwrap_or_else(Strings::empty),
            plan: Plan::any(plans),
        }
    }

    /// One part after the other.
    fn sequence(&mut self, parts: Vec<Matches>) -> Matches {
        let mut groups = self.grouped(parts).into_iter();
        let Some(first) = groups.next() else {
            return Matches::Exact(Strings::empty());
        };
        let Some(second) = groups.as_slice().first() else {
            return first;
        };
        let starts = match &first {
            // Short strings go on in what follows.
            Matches::Exact(strings) => {
                match strings.starts().then(&second.head().starts(), MAX_STRINGS) {
                    Some(longer) => longer.starts(),
                    None => strings.starts(),
                }
            }
            Matches::Like { starts, .. } => starts.clone(),
        };
        let mut ends = first.tail().clone();
        let mut before = Some(first);
        let mut plans = Vec::new();
        for group in groups {
            if self.fuel == 0 {
                ends = Strings::empty();
                break;
            }
            let told = plans.len();
            // With all strings of both sides, where these are not too many; they need no plan of their own then.
            let whole = ends.then(group.head(), MAX_ACROSS);
            let said = whole.is_some();
            let across = whole.or_else(|| ends.ends().then(&group.head().starts(), MAX_STRINGS));
            plans.extend(across.map(|across| across.plan()));
            plans.extend(before.take().and_then(|before| before.unsaid(said)));
            ends = match &group {
                Matches::Exact(strings) => match ends.ends().then(strings, MAX_STRINGS) {
                    Some(longer) => longer.ends(),
                    None => strings.ends(),
                },
                Matches::Like { ends, .. } => ends.clone(),
            };
            plans.extend(group.unsaid(said));
            self.pay(ends.size() + plans[told..].iter().map(Plan::len).sum::<usize>());
        }
        // Still there when all was spent before the second group.
        plans.extend(before.map(Matches::into_plan));
        Matches::Like {
            starts,
            ends: ends.ends(),
            plan: Plan::all(plans),
        }
    }

    /// Neighbours whose strings are all known become one, as long as there are not too many strings.
    fn grouped(&mut self, parts: Vec<Matches>) -> Vec<Matches> {
        let mut groups: Vec<Matches> = Vec::new();
        for part in parts {
            if self.fuel > 0
                && let Some(Matches::Exact(before)) = groups.last_mut()
                && let Matches::Exact(strings) = &part
                && let Some(joined) = before.then(strings, MAX_JOINED)
            {
                self.pay(joined.size());
                *before = joined;
            } else {
                groups.push(part);
            }
        }
        groups
    }
}

fn literal_bytes(bytes: &[u8]) -> Matches {
    if let Some(strings) = Strings::new([bytes.to_vec()]) {
        return Matches::Exact(strings);
    }
    // Too long to be kept. What it holds is known all the same.
    let starts = Strings::new([bytes[..2].to_vec()]);
    let ends = Strings::new([bytes[bytes.len() - 2..].to_vec()]);
    Matches::Like {
        starts: starts.unwrap_or_else(Strings::empty),
        ends: ends.unwrap_or_else(Strings::empty),
        plan: strings::all_of(bytes),
    }
}

/// The characters of a class as strings, when they are few.
fn characters(class: &Class, lines: bool) -> Option<Strings> {
    let strings: Vec<Vec<u8>> = match class {
        Class::Unicode(class) => {
            let characters = class.iter().flat_map(|range| range.start()..=range.end());
            let few = characters.take(MAX_CHARACTERS + 1);
            few.map(|character| character.to_string().into_bytes())
                .collect()
        }
        Class::Bytes(class) => {
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            let few = bytes.take(MAX_CHARACTERS + 1);
            few.map(|byte| vec![byte]).collect()
        }
    };
    if strings.len() > MAX_CHARACTERS {
        return None;
    }
    Strings::new(
        strings
            .into_iter()
            .filter(|string| !(lines && string == b"\n")),
    )
}
