//! How long answers take, beside ripgrep and codesearch, which must find the same lines.

use super::{
    indexed::Indexed,
    peers::{Codesearch, Found, Ripgrep},
    samples::{OPEN_PATTERNS, Samples},
    tree::{self, Tree},
};
use crate::{
    Asked, Done,
    numbers::{median, millis, percentile},
    table::{Figure, Table, Unit},
};
use kerf_index::Mode;
use std::{collections::BTreeSet, time::Instant};

/// Of ranked answers, in milliseconds: the median, and of 95 of 100.
const RANKED: (f64, f64) = (5.0, 20.0);
/// Of the names of files and definitions.
const LOOKUP: f64 = 5.0;
/// How much sooner than ripgrep a rare text is to be found.
const TIMES_RIPGREP: f64 = 50.0;
/// How much sooner than codesearch an expression with hits is to be found.
const TIMES_CODESEARCH: f64 = 2.0;
/// A text on more lines is not rare.
const RARE: usize = 20;
/// Asked of the peers, which take longer.
const COMPARED: usize = 20;
/// Hits that a front shows.
const SHOWN: usize = 20;

pub(crate) fn run(asked: &Asked, table: &mut Table) -> Done {
    for tree in tree::trees(asked)? {
        measure(&tree, table)?;
    }
    for (is_here, missing) in [
        (Ripgrep::find().is_some(), Ripgrep::MISSING),
        (Codesearch::find().is_some(), Codesearch::MISSING),
    ] {
        if !is_here {
            table.note(missing);
        }
    }
    Ok(())
}

fn measure(tree: &Tree, table: &mut Table) -> Done {
    let indexed = Indexed::of(tree)?;
    let files = indexed.files()?;
    let samples = Samples::of(&indexed, &files);
    let name = &tree.name;
    let ask = |mode, text: &String| indexed.ask(text, mode, SHOWN).map(drop);
    let times = timed(&samples.questions, |text| ask(Mode::Words, text))?;
    both(table, &format!("{name}: ranked words"), &times, RANKED);
    let times = timed(&samples.symbols, |text| ask(Mode::Symbol, text))?;
    both(
        table,
        &format!("{name}: definition by name"),
        &times,
        (LOOKUP, LOOKUP),
    );
    let times = timed(&samples.names, |text| ask(Mode::Path, text))?;
    both(
        table,
        &format!("{name}: file by name"),
        &times,
        (LOOKUP, LOOKUP),
    );
    let peers = Peers::of(tree)?;
    let mut rare = Vec::new();
    for literal in &samples.literals {
        if rare.len() < COMPARED && (1..=RARE).contains(&indexed.lines(literal)?.found.len()) {
            rare.push(literal.clone());
        }
    }
    let patterns: Vec<String> = samples.patterns.iter().take(COMPARED).cloned().collect();
    let open: Vec<String> = OPEN_PATTERNS.map(str::to_owned).to_vec();
    peers.compare(
        &indexed,
        "rare text",
        &rare,
        Limit::Ripgrep(TIMES_RIPGREP),
        table,
    )?;
    peers.compare(&indexed, "expression", &patterns, Limit::Codesearch, table)?;
    peers.compare(
        &indexed,
        "expression without three letters in a row",
        &open,
        Limit::Ripgrep(1.0),
        table,
    )
}

/// What a time is held against.
enum Limit {
    /// So many times sooner than ripgrep.
    Ripgrep(f64),
    Codesearch,
}

struct Peers<'t> {
    tree: &'t Tree,
    ripgrep: Option<Ripgrep>,
    codesearch: Option<Codesearch>,
}

impl<'t> Peers<'t> {
    fn of(tree: &'t Tree) -> Done<Self> {
        let codesearch = Codesearch::find();
        if let Some(codesearch) = &codesearch {
            codesearch.index(tree)?;
        }
        Ok(Self {
            tree,
            ripgrep: Ripgrep::find(),
            codesearch,
        })
    }

    fn compare(
        &self,
        indexed: &Indexed,
        what: &str,
        patterns: &[String],
        limit: Limit,
        table: &mut Table,
    ) -> Done {
        let mut own = Vec::new();
        let times = timed(patterns, |pattern| {
            let found = indexed.lines(pattern)?;
            let line = |found: &kerf_index::Found| format!("{}:{}", found.path, found.line);
            own.push(found.found.iter().map(line).collect());
            Ok(())
        })?;
        // Both passes; the second is the one that was timed.
        let own = own.split_off(patterns.len());
        let root = &self.tree.root;
        let ripgrep = asked(patterns, &own, self.ripgrep.as_ref(), |peer, pattern| {
            peer.lines(root, pattern)
        })?;
        let codesearch = asked(patterns, &own, self.codesearch.as_ref(), |peer, pattern| {
            peer.lines(self.tree, pattern)
        })?;
        let (beside, times_sooner) = match limit {
            Limit::Ripgrep(times) => (&ripgrep, times),
            Limit::Codesearch => (&codesearch, TIMES_CODESEARCH),
        };
        let what = format!("{}: {what}, {} of them", self.tree.name, patterns.len());
        table.add(Figure {
            what: format!("{what}, median"),
            unit: Unit::Millis,
            value: Some(median(&times)),
            limit: beside.as_ref().map(|(millis, _)| millis / times_sooner),
            best_other: beside.as_ref().map(|(millis, _)| *millis),
        });
        for (name, found) in [("ripgrep", &ripgrep), ("codesearch", &codesearch)] {
            let Some((millis, differ)) = found else {
                continue;
            };
            table.compare(&format!("– {name}"), Unit::Millis, Some(*millis));
            let what = format!("– lines that {name} finds and Kerf does not, or the other way");
            match name {
                "ripgrep" => table.limited(&what, Unit::Count, Some(*differ), 0.0),
                // It has rules of its own for what is a text, and reads what is ignored.
                _ => table.compare(&what, Unit::Count, Some(*differ)),
            }
        }
        Ok(())
    }
}

/// A peer's median, and how many lines it finds that Kerf does not, or the other way.
fn asked<P>(
    patterns: &[String],
    own: &[BTreeSet<String>],
    peer: Option<&P>,
    ask: impl Fn(&P, &str) -> Done<Found>,
) -> Done<Option<(f64, f64)>> {
    let Some(peer) = peer else {
        return Ok(None);
    };
    let mut times = Vec::new();
    let mut differ = 0;
    for (pattern, own) in patterns.iter().zip(own) {
        let found = ask(peer, pattern)?;
        times.push(found.millis);
        differ += found.lines.symmetric_difference(own).count();
    }
    #[expect(clippy::cast_precision_loss, reason = "lines are counted")]
    Ok(Some((median(&times), differ as f64)))
}

/// Asks all twice, so that what is read from the disk is in memory, and tells the times of the second round.
fn timed(questions: &[String], mut ask: impl FnMut(&String) -> Done) -> Done<Vec<f64>> {
    for question in questions {
        ask(question)?;
    }
    let mut times = Vec::new();
    for question in questions {
        let begun = Instant::now();
        ask(question)?;
        times.push(millis(begun.elapsed()));
    }
    Ok(times)
}

/// The median and the 95th of 100.
fn both(table: &mut Table, what: &str, times: &[f64], limits: (f64, f64)) {
    let value = |value| (!times.is_empty()).then_some(value);
    let what = format!("{what}, {} of them", times.len());
    table.limited(
        &format!("{what}, median"),
        Unit::Millis,
        value(median(times)),
        limits.0,
    );
    table.limited(
        &format!("{what}, p95"),
        Unit::Millis,
        value(percentile(times, 0.95)),
        limits.1,
    );
}
