//! Takes files of the working tree away and puts others in their place, losing nothing.
//!
//! All or nothing: first the new files are written beside, under the git folder; then every place is compared with
//! what it is expected to hold, byte by byte; then the old files are moved aside, not deleted, and looked at once more;
//! then the new ones are linked into place, which fails where something came up meanwhile. If anything is not as
//! expected, all goes back. Only [`Exchange::finish`] deletes what was moved aside, which is then known to be an object
//! of the repository.

mod beside;

use crate::{
    GitError,
    attributes::Attributes,
    content::{Files, Kept, OnDisk, SUBMODULE, Stamp, tame},
    held::own_name,
    path_to_git,
};
use git2::Index;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Of how many files in the way a refusal tells.
const MAX_TOLD: usize = 1_000;

/// What becomes of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// What the place is expected to hold.
    pub(crate) from: Option<Kept>,
    /// What it gets.
    pub(crate) to: Option<Kept>,
}

/// Steps by their path as git writes it.
pub(crate) type Plan = BTreeMap<Vec<u8>, Step>;

/// A plan that is carried out and can still be taken back.
#[must_use = "an exchange that is not finished is undone"]
pub(crate) struct Exchange {
    workdir: PathBuf,
    aside: PathBuf,
    moved: Vec<Moved>,
    placed: Vec<(PathBuf, Stamp)>,
    made: Vec<PathBuf>,
    emptied: Vec<PathBuf>,
    finished: bool,
}

struct Moved {
    path: PathBuf,
    aside: PathBuf,
}

struct Due {
    path: PathBuf,
    stamp: Option<Stamp>,
    to: bool,
}

impl Exchange {
    /// Carries a plan out. `action` is what the user asked for, as a verb.
    ///
    /// Errors: [`GitError::InTheWay`] names the files that hold something else than expected, or that are where there
    /// should be nothing; [`GitError::Refused`] for submodules, filters and names that no file may have.
    pub(crate) fn run(
        files: &Files<'_>,
        index: &Index,
        action: &'static str,
        plan: &Plan,
    ) -> Result<Self, GitError> {
        let due = check(files, index, action, plan)?;
        let aside = files.repo.path().join(own_name("exchange"));
        let io = |action, path: &Path, source| GitError::Io {
            action,
            path: path.to_owned(),
            source,
        };
        fs::create_dir(&aside).map_err(|source| io("make", &aside, source))?;
        let mut exchange = Self {
            workdir: files.workdir.to_owned(),
            aside: aside.clone(),
            moved: Vec::new(),
            placed: Vec::new(),
            made: Vec::new(),
            emptied: Vec::new(),
            finished: false,
        };
        let (new, old) = (aside.join("new"), aside.join("old"));
        for folder in [&new, &old] {
            fs::create_dir(folder).map_err(|source| io("make", folder, source))?;
        }
        beside::write(files, plan, &due, &new)?;
        exchange.take(&due, &old, action)?;
        exchange.place(&due, &new, action)?;
        exchange.placed.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(exchange)
    }

    /// Moves the old files aside, each looked at once more where nobody finds it any longer.
    fn take(&mut self, due: &[Due], old: &Path, action: &'static str) -> Result<(), GitError> {
        for (number, one) in due.iter().enumerate() {
            let Some(stamp) = one.stamp else { continue };
            let (here, there) = (self.workdir.join(&one.path), old.join(number.to_string()));
            let moved = fs::rename(&here, &there);
            if let Err(source) = moved {
                return Err(GitError::Io {
                    action: "move aside",
                    path: here,
                    source,
                });
            }
            self.moved.push(Moved {
                path: one.path.clone(),
                aside: there.clone(),
            });
            let now = fs::symlink_metadata(&there).map(|metadata| Stamp::of(&metadata));
            if now.ok() != Some(stamp) {
                return Err(in_the_way(action, [one.path.clone()]));
            }
        }
        // Deepest first; a folder that holds anything else stays.
        let folders: BTreeSet<PathBuf> = due
            .iter()
            .filter(|one| one.stamp.is_some())
            .flat_map(|one| one.path.ancestors().skip(1).map(Path::to_owned))
            .filter(|folder| !folder.as_os_str().is_empty())
            .collect();
        for folder in folders.into_iter().rev() {
            if fs::remove_dir(self.workdir.join(&folder)).is_ok() {
                self.emptied.push(folder);
            }
        }
        Ok(())
    }

    fn place(&mut self, due: &[Due], new: &Path, action: &'static str) -> Result<(), GitError> {
        for one in due.iter().filter(|one| one.to) {
            for folder in one
                .path
                .ancestors()
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
            {
                if folder.as_os_str().is_empty() {
                    continue;
                }
                let full = self.workdir.join(folder);
                match fs::symlink_metadata(&full) {
                    Ok(metadata) if metadata.is_dir() => {}
                    Ok(_) => return Err(in_the_way(action, [folder.to_owned()])),
                    Err(_) => {
                        fs::create_dir(&full).map_err(|source| GitError::Io {
                            action: "make",
                            path: full,
                            source,
                        })?;
                        self.made.push(folder.to_owned());
                    }
                }
            }
            let (from, to) = (new.join(&one.path), self.workdir.join(&one.path));
            // Of before it can be found: what is changed after has another.
            let stamp = fs::symlink_metadata(&from).map(|metadata| Stamp::of(&metadata));
            match stamp.and_then(|stamp| place(&from, &to).map(|()| stamp)) {
                Ok(stamp) => self.placed.push((one.path.clone(), stamp)),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory
                    ) =>
                {
                    return Err(in_the_way(action, [one.path.clone()]));
                }
                Err(source) => {
                    return Err(GitError::Io {
                        action: "write",
                        path: to,
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether `metadata` is of the very file that was put at `path`, unchanged.
    pub(crate) fn placed(&self, path: &Path, metadata: &fs::Metadata) -> bool {
        self.placed
            .binary_search_by(|(placed, _)| placed.as_path().cmp(path))
            .is_ok_and(|at| self.placed[at].1 == Stamp::of(metadata))
    }

    /// Keeps what was done, and deletes what was moved aside.
    pub(crate) fn finish(mut self) {
        self.finished = true;
        if let Err(error) = fs::remove_dir_all(&self.aside) {
            tracing::warn!(path = %self.aside.display(), %error, "what was moved aside stays");
        }
    }
}

impl Drop for Exchange {
    /// All goes back, in the reverse order. What cannot go back stays aside, in the git folder.
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let mut whole = true;
        for (path, stamp) in self.placed.iter().rev() {
            let there = self.aside.join(own_name("undone"));
            if let Err(error) = fs::rename(self.workdir.join(path), &there) {
                tracing::warn!(path = %path.display(), %error, "could not be taken back");
                continue;
            }
            let now = fs::symlink_metadata(&there).map(|metadata| Stamp::of(&metadata));
            if now.ok() != Some(*stamp) {
                // Somebody wrote it meanwhile: that stays aside.
                whole = false;
                tracing::error!(path = %path.display(), aside = %there.display(), "was changed meanwhile");
            }
        }
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(self.workdir.join(folder));
        }
        for folder in self.emptied.iter().rev() {
            let _ = fs::create_dir(self.workdir.join(folder));
        }
        for moved in self.moved.iter().rev() {
            if let Err(error) = place(&moved.aside, &self.workdir.join(&moved.path)) {
                whole = false;
                tracing::error!(path = %moved.path.display(), aside = %moved.aside.display(), %error, "could not be put back");
            }
        }
        if whole {
            let _ = fs::remove_dir_all(&self.aside);
        }
    }
}

/// Compares every place with what it is expected to hold, and says what is to be done.
fn check(
    files: &Files<'_>,
    index: &Index,
    action: &'static str,
    plan: &Plan,
) -> Result<Vec<Due>, GitError> {
    let refused = |path: &Path, why: &str| GitError::Refused {
        action,
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let attributes = Attributes::of(files.repo, files.workdir, index);
    let mut wrong = BTreeSet::new();
    let mut due = Vec::new();
    let mut leaving = BTreeSet::new();
    for (name, step) in plan {
        let shown = || PathBuf::from(String::from_utf8_lossy(name).into_owned());
        let path =
            tame(name).ok_or_else(|| refused(&shown(), "no file here may have this name"))?;
        let ends = [step.from, step.to];
        if ends.iter().flatten().any(|kept| kept.mode == SUBMODULE) {
            return Err(refused(&path, "a submodule changes; do it with git itself"));
        }
        if step.from == step.to {
            continue;
        }
        if attributes.change_content(name) {
            return Err(refused(
                &path,
                "git keeps it through a filter, as large files; do it with git itself",
            ));
        }
        if path
            .file_name()
            .is_some_and(|name| name == ".gitattributes")
        {
            return Err(refused(
                &path,
                "it says how files are kept, and differs; do it with git itself",
            ));
        }
        let is = match step.from {
            Some(from) => files.compare(&path, from)?,
            None => match files.look(&path)? {
                None => OnDisk::Absent,
                Some(_) => OnDisk::Other,
            },
        };
        // What is as it shall be already is nobody's loss.
        let is_new =
            |to: Kept| Ok::<_, GitError>(matches!(files.compare(&path, to)?, OnDisk::Same(_)));
        match (is, step.to) {
            (OnDisk::Same(stamp), to) => {
                leaving.insert(path.clone());
                due.push(Due {
                    path,
                    stamp: Some(stamp),
                    to: to.is_some(),
                });
            }
            (OnDisk::Absent, Some(_)) if step.from.is_none() => due.push(Due {
                path,
                stamp: None,
                to: true,
            }),
            // The user deleted it, and so it shall be.
            (OnDisk::Absent, None) => {}
            (OnDisk::Other, Some(to)) if is_new(to)? => {}
            (OnDisk::Absent | OnDisk::Other, _) => {
                wrong.insert(path);
            }
        }
    }
    // A folder in the place of a file may hold what nobody knows of; a file in the place of a folder is one.
    let mut blocked = BTreeSet::new();
    for one in due.iter().filter(|one| one.to && one.stamp.is_none()) {
        if let Some(part) = files.blocked(&one.path)?
            && !leaving.contains(&part)
        {
            blocked.insert(part);
        }
    }
    wrong.extend(blocked);
    let folders: Vec<PathBuf> = wrong
        .iter()
        .filter(|path| files.workdir.join(path).is_dir())
        .filter(|path| {
            plan_of(plan, path).is_some_and(|step| step.from.is_none() && step.to.is_some())
        })
        .cloned()
        .collect();
    for folder in folders {
        let others = others_in(files.workdir, &folder, &leaving);
        wrong.remove(&folder);
        if others.is_empty() {
            due.push(Due {
                path: folder,
                stamp: None,
                to: true,
            });
        } else {
            wrong.extend(others);
        }
    }
    if wrong.is_empty() {
        Ok(due)
    } else {
        Err(in_the_way(action, wrong))
    }
}

fn plan_of<'p>(plan: &'p Plan, path: &Path) -> Option<&'p Step> {
    plan.get(&path_to_git(path)?)
}

/// The files in a folder that are not `leaving`; of a folder that cannot be read, itself.
fn others_in(workdir: &Path, folder: &Path, leaving: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut others = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(workdir.join(&folder)) else {
            others.push(folder);
            continue;
        };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if !leaving.contains(&path) {
                others.push(path);
            }
            if others.len() >= MAX_TOLD {
                return others;
            }
        }
    }
    others
}

/// Moves a file to where nothing may be. A link is made first, because a rename would write over what is there.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without such links.
        Err(_) => fs::rename(from, to),
    }
}

fn in_the_way(action: &'static str, paths: impl IntoIterator<Item = PathBuf>) -> GitError {
    GitError::InTheWay {
        action,
        paths: paths.into_iter().take(MAX_TOLD).collect(),
    }
}
