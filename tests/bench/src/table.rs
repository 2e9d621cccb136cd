//! The table: what was measured, the limit, and the best of comparable agents.

use std::fmt;

/// The unit of a figure, and with it how many digits matter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Millis,
    Seconds,
    CpuSeconds,
    Mib,
    /// Millions of bytes a second.
    Speed,
    Percent,
    /// From 0 to 1.
    Share,
    Count,
    /// How many times as much.
    Times,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Millis if value < 100.0 => format!("{value:.1} ms"),
            Self::Millis => format!("{value:.0} ms"),
            Self::Seconds => format!("{value:.2} s"),
            Self::CpuSeconds => format!("{value:.2} CPU-s"),
            Self::Mib => format!("{value:.1} MiB"),
            Self::Speed => format!("{value:.1} MB/s"),
            Self::Percent => format!("{value:.1} %"),
            Self::Share => format!("{value:.3}"),
            Self::Count => format!("{value:.0}"),
            Self::Times => format!("{value:.2}×"),
        }
    }
}

/// A figure on its way to the table.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// None where this machine cannot tell.
    pub(crate) value: Option<f64>,
    /// What it must not pass; none for a figure that is there to compare with.
    pub(crate) limit: Option<f64>,
    /// The best of comparable agents.
    pub(crate) best_other: Option<f64>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<[String; 5]>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn add(&mut self, figure: Figure) {
        let show = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| figure.unit.show(value))
        };
        let holds = match (figure.value, figure.limit) {
            (Some(value), Some(limit)) if value <= limit => "yes",
            (Some(_), Some(_)) => "**no**",
            _ => "",
        };
        let (value, limit, best_other) = (
            show(figure.value),
            show(figure.limit),
            show(figure.best_other),
        );
        self.lines
            .push([figure.what, value, limit, best_other, holds.to_owned()]);
    }

    /// A figure with a limit, for which no other agent has one.
    pub(crate) fn limited(&mut self, what: &str, unit: Unit, value: Option<f64>, limit: f64) {
        self.add(Figure {
            what: what.to_owned(),
            unit,
            value,
            limit: Some(limit),
            best_other: None,
        });
    }

    /// A line without a limit, to compare with.
    pub(crate) fn compare(&mut self, what: &str, unit: Unit, value: Option<f64>) {
        self.add(Figure {
            what: what.to_owned(),
            unit,
            value,
            limit: None,
            best_other: None,
        });
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub(crate) fn failed(&mut self, row: &str, why: &str) {
        let why = why.replace(['\n', '|'], " ");
        self.lines.push([
            row.to_owned(),
            format!("failed: {why}"),
            String::new(),
            String::new(),
            "**no**".to_owned(),
        ]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | Kerf | limit | best other | holds |\n|---|---:|---:|---:|---|"
        )?;
        for cells in &self.lines {
            writeln!(f, "| {} |", cells.join(" | "))?;
        }
        for note in &self.notes {
            write!(f, "\n- {note}")?;
        }
        Ok(())
    }
}
