//! ripgrep and codesearch, where they are installed.

use super::{command, tree::Tree};
use crate::{Done, numbers::millis};
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Instant,
};

/// What a peer found, and how long it took.
pub(super) struct Found {
    pub(super) millis: f64,
    /// `path:line` each.
    pub(super) lines: BTreeSet<String>,
}

/// ripgrep as it sees what Kerf sees: hidden files, and ignore rules in a folder that is no repository.
#[derive(Debug)]
pub(super) struct Ripgrep(PathBuf);

/// Russ Cox's trigram index; made by `cindex`, asked by `csearch`.
#[derive(Debug)]
pub(super) struct Codesearch {
    cindex: PathBuf,
    csearch: PathBuf,
}

/// Where a program is, on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).map(|folder| folder.join(name));
    places.into_iter().find(|place| place.is_file())
}

impl Ripgrep {
    pub(super) const MISSING: &str = "ripgrep is not installed, so nothing is compared with it";

    pub(super) fn find() -> Option<Self> {
        program("rg").map(Self)
    }

    fn command(&self, root: &Path) -> Command {
        let mut command = command(&self.0);
        command
            .current_dir(root)
            .args(["--no-config", "--hidden", "--no-require-git"])
            .args(["--glob", "!.git", "--no-messages", "--color=never"]);
        command
    }

    /// Reads all files, byte by byte. How long it takes, in seconds.
    pub(super) fn read_all(&self, root: &Path) -> Done<f64> {
        let mut command = self.command(root);
        command.args(["--count-matches", "."]);
        let begun = Instant::now();
        output(&mut command)?;
        Ok(begun.elapsed().as_secs_f64())
    }

    pub(super) fn lines(&self, root: &Path, pattern: &str) -> Done<Found> {
        let mut command = self.command(root);
        command.args(["--no-heading", "--line-number", "--regexp", pattern]);
        let begun = Instant::now();
        let output = output(&mut command)?;
        Ok(Found::new(begun, &output, Path::new(".")))
    }
}

impl Codesearch {
    pub(super) const MISSING: &str = "codesearch is not installed, so nothing is compared with it";

    pub(super) fn find() -> Option<Self> {
        let (cindex, csearch) = (program("cindex")?, program("csearch")?);
        Some(Self { cindex, csearch })
    }

    /// Makes its index of a folder.
    pub(super) fn index(&self, tree: &Tree) -> Done {
        let mut command = command(&self.cindex);
        command
            .env("CSEARCHINDEX", &tree.codesearch)
            .arg(&tree.root);
        output(&mut command).map(drop)
    }

    pub(super) fn lines(&self, tree: &Tree, pattern: &str) -> Done<Found> {
        let mut command = command(&self.csearch);
        command
            .env("CSEARCHINDEX", &tree.codesearch)
            .args(["-n", pattern]);
        let begun = Instant::now();
        let output = output(&mut command)?;
        Ok(Found::new(begun, &output, &tree.root))
    }
}

impl Found {
    fn new(begun: Instant, output: &Output, root: &Path) -> Self {
        let millis = millis(begun.elapsed());
        let root = format!("{}/", root.display());
        let line = |line: &str| {
            let mut parts = line.strip_prefix(&root).unwrap_or(line).splitn(3, ':');
            Some(format!("{}:{}", parts.next()?, parts.next()?))
        };
        let text = String::from_utf8_lossy(&output.stdout);
        Self {
            millis,
            lines: text.lines().filter_map(line).collect(),
        }
    }
}

/// Runs a program. That it finds nothing is no failure.
fn output(command: &mut Command) -> Done<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    match output.status.code() {
        Some(0 | 1) => Ok(output),
        // ripgrep's answer when a file could not be read, which the other lines do not suffer from.
        Some(2) if !output.stdout.is_empty() => Ok(output),
        _ => Err(format!(
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}
