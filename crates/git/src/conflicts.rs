//! Files that a merge, a rebase, a cherry-pick or a stash left in conflict: their versions, and ending the conflict.
//!
//! What is in conflict is told by the index, which keeps the versions; marks inside of files mean nothing here. What a
//! file held before it is resolved stays an object of the repository, and the conflict can be put back.

use crate::{
    GitError, Repo,
    content::{Files, Kept, LINK, SUBMODULE, is_tame},
    exchange::{Exchange, Plan, Step},
    held::Held,
    hunks::matching_lines,
    path_to_git,
    settle::settle,
};
use git2::{Index, ObjectType, Oid};
use std::{collections::BTreeSet, path::Path};

const ACTION: &str = "resolve";
/// A longer text is taken whole or not at all.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// So many lines of all versions are compared.
const MAX_LINES: usize = 60_000;

/// A version of a file, by its blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The blob's id in hex.
    pub oid: String,
    /// Its mode as git writes it, for example `0o100644`.
    pub mode: u32,
}

/// A file in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The version before both; none where there was none.
    pub base: Option<Version>,
    /// That of the branch that is checked out (in a rebase: of what is rebased onto); none: deleted there.
    pub ours: Option<Version>,
    /// That of the other side; none: deleted there.
    pub theirs: Option<Version>,
    /// The text in parts, from the top down; none where it is no text, too long, or deleted on a side.
    pub parts: Option<Vec<Part>>,
    /// Names all versions and the file as it is on disk.
    pub token: String,
    /// The file as it is on disk, as a blob; none: there is none.
    pub file: Option<Version>,
}

/// A part of a text that two sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Both sides agree, or one alone changed it.
    Merged(String),
    /// Both changed it.
    Open {
        /// As it was.
        base: String,
        /// As one side has it.
        ours: String,
        /// As the other has it.
        theirs: String,
    },
}

/// How a conflict ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// Our version, whole; where it is deleted there, the file goes.
    Ours,
    /// Their version, whole; where it is deleted there, the file goes.
    Theirs,
    /// The file as it is on disk.
    File,
    /// This text, with line ends as git keeps them.
    Text(&'a str),
}

impl Repo {
    /// The versions of a file in conflict.
    ///
    /// Errors: [`GitError::Unknown`] when it is in none.
    pub fn conflict(&self, path: &Path) -> Result<Conflict, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("read the index of", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(true).map_err(failed)?;
        let stages = stages(&index, path).ok_or_else(|| unknown(path))?;
        let files = Files::of(&repo, &self.workdir);
        let file = files.keep(path, stages[1].or(stages[2]))?;
        let [base, ours, theirs] = stages;
        let parts = match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                let text = |kept: Option<Kept>| match kept {
                    Some(kept) => text_of(&files, kept),
                    None => Ok(Some(String::new())),
                };
                match (text(base)?, text(Some(ours))?, text(Some(theirs))?) {
                    (Some(was), Some(ours), Some(theirs)) => {
                        parts_of(base.map(|_| was.as_str()), &ours, &theirs).map_err(failed)?
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        Ok(Conflict {
            base: base.map(version),
            ours: ours.map(version),
            theirs: theirs.map(version),
            parts,
            token: token(stages, file),
            file: file.map(version),
        })
    }

    /// Ends a conflict: the file gets what was chosen, and that is staged. The file as it was stays an object of the
    /// repository: the conflict as [`Repo::conflict`] told it can be put back by [`Repo::unresolve`].
    ///
    /// Errors: [`GitError::Stale`] when versions or file are not as shown; [`GitError::Unknown`];
    /// [`GitError::Refused`] for submodules and for files that are kept through a filter; [`GitError::Locked`].
    pub fn resolve(
        &self,
        path: &Path,
        shown: &str,
        resolution: Resolution<'_>,
    ) -> Result<(), GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("resolve a conflict in", &self.workdir, error);
        let held = Held::take(&repo, &self.workdir)?;
        let stages = stages(&held.index, path).ok_or_else(|| unknown(path))?;
        let name = path_to_git(path).ok_or_else(|| unknown(path))?;
        let files = Files::of(&repo, &self.workdir);
        let [base, ours, theirs] = stages;
        let file = files.keep(path, ours.or(theirs))?;
        if token(stages, file) != shown {
            return Err(GitError::Stale {
                path: path.to_owned(),
            });
        }
        if stages.iter().flatten().any(|kept| kept.mode == SUBMODULE) {
            return Err(GitError::Refused {
                action: ACTION,
                path: path.to_owned(),
                why: "it is a submodule; do it with git itself".to_owned(),
            });
        }
        let to = match resolution {
            Resolution::Ours => ours,
            Resolution::Theirs => theirs,
            Resolution::File => file,
            Resolution::Text(text) => {
                let mode = match (base, ours, theirs) {
                    (Some(base), Some(ours), Some(theirs)) if ours.mode == base.mode => theirs.mode,
                    (_, Some(ours), _) => ours.mode,
                    (_, None, Some(theirs)) => theirs.mode,
                    _ => crate::content::PLAIN,
                };
                let id = repo.blob(text.as_bytes()).map_err(failed)?;
                Some(Kept { id, mode })
            }
        };
        let ids: BTreeSet<Oid> = [base, ours, theirs, file, to]
            .iter()
            .flatten()
            .map(|kept| kept.id)
            .collect();
        settle(&repo, &ids, &[])?;
        self.put(held, &files, name, file, to, |index, name| {
            remove_all(index, path)?;
            match to {
                Some(kept) => index.add(&kept.entry(name.to_vec())),
                None => Ok(()),
            }
        })
    }

    /// Puts a conflict back as it was told: its versions into the index, and the file as it was.
    ///
    /// Errors: [`GitError::Stale`] when the file is in conflict by now, or is not as it was staged when it was resolved;
    /// [`GitError::NoSuchObject`] when a version is gone.
    pub fn unresolve(&self, path: &Path, conflict: &Conflict) -> Result<(), GitError> {
        let repo = self.lock();
        let held = Held::take(&repo, &self.workdir)?;
        let stale = || GitError::Stale {
            path: path.to_owned(),
        };
        if stages(&held.index, path).is_some() {
            return Err(stale());
        }
        let name = path_to_git(path)
            .filter(|_| is_tame(path))
            .ok_or_else(|| unknown(path))?;
        let kept = |version: &Option<Version>| match version {
            None => Ok(None),
            Some(version) => {
                let id = Oid::from_str(&version.oid)
                    .ok()
                    .filter(|_| version.oid.len() == 40);
                let found = id.filter(|id| {
                    let kind = repo.odb().and_then(|odb| odb.read_header(*id));
                    kind.is_ok_and(|(_, kind)| kind == ObjectType::Blob)
                });
                let id = found.ok_or_else(|| GitError::NoSuchObject {
                    oid: version.oid.clone(),
                    repo: self.workdir.clone(),
                })?;
                let mode = match version.mode {
                    LINK => LINK,
                    crate::content::EXECUTABLE => crate::content::EXECUTABLE,
                    _ => crate::content::PLAIN,
                };
                Ok(Some(Kept { id, mode }))
            }
        };
        let sides = [
            kept(&conflict.base)?,
            kept(&conflict.ours)?,
            kept(&conflict.theirs)?,
        ];
        let before = kept(&conflict.file)?;
        if sides.iter().all(Option::is_none) {
            return Err(unknown(path));
        }
        let files = Files::of(&repo, &self.workdir);
        let staged = Kept::of_index(&held.index, path);
        let now = files.keep(path, staged)?;
        // What the user wrote since then is not to be lost.
        if now.map(|kept| kept.id) != staged.map(|kept| kept.id) {
            return Err(stale());
        }
        self.put(held, &files, name, now, before, |index, name| {
            set_stages(index, path, name, sides)
        })
    }

    /// Puts `to` in the place of the file `from`, and changes the index.
    fn put(
        &self,
        mut held: Held,
        files: &Files<'_>,
        name: Vec<u8>,
        from: Option<Kept>,
        to: Option<Kept>,
        change: impl FnOnce(&mut Index, &[u8]) -> Result<(), git2::Error>,
    ) -> Result<(), GitError> {
        let failed = |error| GitError::library("change the index of", &self.workdir, error);
        let plan = Plan::from([(name.clone(), Step { from, to })]);
        let exchange = Exchange::run(files, &held.index, ACTION, &plan)?;
        change(&mut held.index, &name).map_err(failed)?;
        held.write()?;
        exchange.finish();
        Ok(())
    }
}

/// The versions in the index: base, ours, theirs. None: not in conflict.
fn stages(index: &Index, path: &Path) -> Option<[Option<Kept>; 3]> {
    if !is_tame(path) {
        return None;
    }
    let of = |stage| {
        index.get_path(path, stage).map(|entry| Kept {
            id: entry.id,
            mode: crate::content::normal(entry.mode),
        })
    };
    let stages = [of(1), of(2), of(3)];
    stages.iter().any(Option::is_some).then_some(stages)
}

/// Puts a file in conflict: base, ours, theirs.
pub(crate) fn set_stages(
    index: &mut Index,
    path: &Path,
    name: &[u8],
    sides: [Option<Kept>; 3],
) -> Result<(), git2::Error> {
    remove_all(index, path)?;
    for (stage, kept) in (1_u16..).zip(sides) {
        let Some(kept) = kept else { continue };
        let mut entry = kept.entry(name.to_vec());
        entry.flags = stage << 12;
        index.add(&entry)?;
    }
    Ok(())
}

fn remove_all(index: &mut Index, path: &Path) -> Result<(), git2::Error> {
    for stage in 0..=3 {
        match index.remove(path, stage) {
            Err(error) if error.code() != git2::ErrorCode::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn version(kept: Kept) -> Version {
    Version {
        oid: kept.id.to_string(),
        mode: kept.mode,
    }
}

fn token(stages: [Option<Kept>; 3], file: Option<Kept>) -> String {
    let [base, ours, theirs] = stages;
    let parts = [base, ours, theirs, file].map(|kept| match kept {
        Some(kept) => format!("{:o} {}", kept.mode, kept.id),
        None => "none".to_owned(),
    });
    parts.join(", ")
}

fn unknown(path: &Path) -> GitError {
    GitError::Unknown {
        what: "conflict about",
        name: path.display().to_string(),
    }
}

fn text_of(files: &Files<'_>, kept: Kept) -> Result<Option<String>, GitError> {
    if kept.mode == LINK || kept.mode == SUBMODULE {
        return Ok(None);
    }
    let (len, _) = files
        .repo
        .odb()
        .and_then(|odb| odb.read_header(kept.id))
        .map_err(|error| GitError::library("read an object of", files.workdir, error))?;
    if len > MAX_TEXT_BYTES {
        return Ok(None);
    }
    let bytes = files.blob(kept.id)?;
    if bytes.contains(&0) {
        return Ok(None);
    }
    Ok(String::from_utf8(bytes).ok())
}

/// Both sides in parts. Without a base, what both have is agreed, and all else is open.
fn parts_of(
    base: Option<&str>,
    ours: &str,
    theirs: &str,
) -> Result<Option<Vec<Part>>, git2::Error> {
    let lines = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let (a, b) = (lines(ours), lines(theirs));
    let was = base.map(lines);
    if a.len() + b.len() + was.as_ref().map_or(0, Vec::len) > MAX_LINES {
        return Ok(None);
    }
    let mut made = Parts::default();
    let (mut at_base, mut at_a, mut at_b) = (0, 0, 0);
    match was {
        Some(was) => {
            let base = base.unwrap_or_default();
            let in_a = inverse(matching_lines(base.as_bytes(), ours.as_bytes())?, was.len());
            let in_b = inverse(
                matching_lines(base.as_bytes(), theirs.as_bytes())?,
                was.len(),
            );
            for (line, text) in was.iter().enumerate() {
                let (Some(Some(to_a)), Some(Some(to_b))) = (in_a.get(line), in_b.get(line)) else {
                    continue;
                };
                if *to_a < at_a || *to_b < at_b {
                    continue;
                }
                made.between(&was[at_base..line], &a[at_a..*to_a], &b[at_b..*to_b]);
                made.merged(text);
                (at_base, at_a, at_b) = (line + 1, to_a + 1, to_b + 1);
            }
            made.between(&was[at_base..], &a[at_a..], &b[at_b..]);
        }
        None => {
            let in_b = inverse(matching_lines(ours.as_bytes(), theirs.as_bytes())?, a.len());
            for (line, text) in a.iter().enumerate() {
                let Some(Some(to_b)) = in_b.get(line) else {
                    continue;
                };
                if *to_b < at_b {
                    continue;
                }
                made.between(&[], &a[at_a..line], &b[at_b..*to_b]);
                made.merged(text);
                (at_a, at_b) = (line + 1, to_b + 1);
            }
            made.between(&[], &a[at_a..], &b[at_b..]);
        }
    }
    Ok(Some(made.0))
}

/// From which old line each new one is, turned round: where each old line is now.
fn inverse(from: Vec<Option<usize>>, old: usize) -> Vec<Option<usize>> {
    let mut to = vec![None; old];
    for (new, line) in from.into_iter().enumerate() {
        if let Some(place) = line.and_then(|line| to.get_mut(line)) {
            *place = Some(new);
        }
    }
    to
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn merged(&mut self, text: &str) {
        if let Some(Part::Merged(last)) = self.0.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.0.push(Part::Merged(text.to_owned()));
        }
    }

    fn between(&mut self, base: &[&str], ours: &[&str], theirs: &[&str]) {
        if ours == theirs || theirs == base {
            self.merged(&ours.concat());
        } else if ours == base {
            self.merged(&theirs.concat());
        } else {
            self.0.push(Part::Open {
                base: base.concat(),
                ours: ours.concat(),
                theirs: theirs.concat(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(base: &str, ours: &str, theirs: &str) -> Part {
        Part::Open {
            base: base.to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
        }
    }

    fn merged(text: &str) -> Part {
        Part::Merged(text.to_owned())
    }

    #[test]
    fn what_one_side_changed_is_merged_and_what_both_changed_is_open() {
        let parts = |base, ours, theirs| parts_of(base, ours, theirs).unwrap().unwrap();
        assert_eq!(
            parts(Some("a\nb\nc\nd\n"), "A\nb\nc\nx\n", "a\nb\nC\ny\n"),
            [merged("A\nb\n"), open("c\nd\n", "c\nx\n", "C\ny\n")]
        );
        assert_eq!(
            parts(Some("a\nm\nb\n"), "1\nm\n2\n", "3\nm\n4\n"),
            [
                open("a\n", "1\n", "3\n"),
                merged("m\n"),
                open("b\n", "2\n", "4\n")
            ]
        );
        assert_eq!(parts(Some("a\n"), "b\n", "b\n"), [merged("b\n")]);
        assert_eq!(
            parts(None, "same\nours\n", "same\ntheirs\n"),
            [merged("same\n"), open("", "ours\n", "theirs\n")]
        );
        // Marks in the text are text.
        let marks = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n";
        assert_eq!(
            parts(Some("x\n"), marks, "y\n"),
            [open("x\n", marks, "y\n")]
        );
    }
}
