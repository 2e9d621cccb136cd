//! The options of attempts and worktrees.

use clap::{Args, Subcommand};
use std::str::FromStr;

/// A part of what an attempt may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BudgetPart {
    Tokens(u64),
    /// In hundredths of a cent.
    Cost(u64),
    Seconds(u64),
}

impl FromStr for BudgetPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is none of tokens=200k, cost=1.50, time=10m");
        let (what, limit) = text.split_once('=').ok_or_else(wrong)?;
        let scaled = |units: &[(&str, u64)]| {
            let (digits, unit) = units
                .iter()
                .find_map(|(unit, scale)| Some((limit.strip_suffix(unit)?, *scale)))?;
            let number: u64 = digits.parse().ok()?;
            number.checked_mul(unit).filter(|number| *number > 0)
        };
        match what {
            "tokens" => scaled(&[("k", 1_000), ("M", 1_000_000), ("", 1)]).map(Self::Tokens),
            "time" => scaled(&[("s", 1), ("m", 60), ("h", 3600), ("", 1)]).map(Self::Seconds),
            "cost" => {
                let (whole, parts) = limit.split_once('.').unwrap_or((limit, "0"));
                let fits = (1..=4).contains(&parts.len());
                format!("{whole}{parts:0<4}")
                    .parse()
                    .ok()
                    .filter(|cost| *cost > 0 && fits)
                    .map(Self::Cost)
            }
            _ => None,
        }
        .ok_or_else(wrong)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Attempts {
    /// The task or one of its sessions: an id, its beginning, or `last`
    pub(crate) task: Option<String>,
    /// Show the lines too
    #[arg(long)]
    pub(crate) lines: bool,
    #[command(subcommand)]
    pub(crate) command: Option<OfAttempts>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OfAttempts {
    /// Accept parts of attempts into the folder: all that is named, or nothing
    Take {
        /// The task or one of its sessions: an id, its beginning, or `last`
        task: String,
        /// An attempt by its number, a file of it, or a hunk of that
        #[arg(required = true, value_name = "ATTEMPT[:PATH[:HUNK]]")]
        parts: Vec<String>,
        /// Only show what it would make of the folder's files
        #[arg(long)]
        preview: bool,
        /// First run what the attempts ran as checks and saw pass, on what the folder would become, in a worktree that is
        /// there for that alone; take it only when all of them pass
        #[arg(long)]
        check: bool,
    },
    /// Run in the folder what the attempts ran as checks and saw pass, or one of their commands
    Check {
        /// The task or one of its sessions: an id, its beginning, or `last`
        task: String,
        /// A command that an attempt ran after its last change
        command: Option<String>,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Worktrees {
    /// List them, with what is in each and nowhere else
    List {
        /// Of all folders
        #[arg(long)]
        all: bool,
    },
    /// Remove one: all of it goes to the archive first
    Remove {
        /// The worktree's id, its beginning or end
        worktree: String,
        /// Also when there is work in it that is nowhere else
        #[arg(long)]
        force: bool,
    },
    /// Bring a removed one back
    Restore {
        /// The worktree's id, its beginning or end
        worktree: String,
    },
}

impl Default for Worktrees {
    fn default() -> Self {
        Self::List { all: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        for (text, is) in [
            ("tokens=200k", Some(BudgetPart::Tokens(200_000))),
            ("tokens=2M", Some(BudgetPart::Tokens(2_000_000))),
            ("tokens=17", Some(BudgetPart::Tokens(17))),
            ("time=90", Some(BudgetPart::Seconds(90))),
            ("time=10m", Some(BudgetPart::Seconds(600))),
            ("time=2h", Some(BudgetPart::Seconds(7200))),
            ("cost=1.50", Some(BudgetPart::Cost(15_000))),
            ("cost=3", Some(BudgetPart::Cost(30_000))),
            ("cost=0.0001", Some(BudgetPart::Cost(1))),
            ("cost=1.", None),
            ("cost=0.00001", None),
            ("cost=-1", None),
            ("tokens=0", None),
            ("tokens=", None),
            ("tokens=k", None),
            ("tokens=99999999999999999999", None),
            ("time=999999999999999999h", None),
            ("200k", None),
            ("money=1", None),
        ] {
            assert_eq!(text.parse().ok(), is, "{text}");
        }
    }
}
