//! Knows the folders that commands write to: looks at them before and after each command, and says what is hidden and
//! withheld in them. What is kept as it is stands in `kept.rs`.

use super::{
    Guard, kept, secrets,
    survey::{Found, Survey},
};
use crate::{Finding, SandboxError, Withheld};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsString,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Withheld files and folders that are hidden, and `.kerfignore` files that are kept, in all. Each costs a mount or two.
const WITHHELD: usize = 256;

/// Folders whose state is remembered between commands.
const REMEMBERED: usize = 16;

/// What is remembered of the folders that commands write to.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    /// What the user of this crate wants hidden as well.
    hidden: Vec<PathBuf>,
    surveys: Mutex<HashMap<PathBuf, Survey>>,
}

/// What folders held before a command.
#[derive(Debug, Default)]
pub(crate) struct Before {
    found: Vec<(PathBuf, Found)>,
    /// Folders of which not everything could be seen, so that rule files in them may not have been.
    unseen: Vec<PathBuf>,
}

impl Watchman {
    pub(crate) fn new(hidden: Vec<PathBuf>) -> Self {
        Self {
            hidden,
            ..Self::default()
        }
    }

    /// The rules for a command that works in `roots`, which are canonical, and may write there or not.
    ///
    /// # Errors
    /// When more is withheld than can be hidden.
    pub(crate) fn rules(
        &self,
        roots: &[PathBuf],
        writes: bool,
        withheld: &[Withheld],
    ) -> Result<(Guard, Before), SandboxError> {
        let mut guard = Guard {
            hidden: self.hidden_places(roots),
            ..Guard::default()
        };
        let written = if writes { roots } else { &[] };
        let mut asked: Vec<(PathBuf, Option<&Withheld>)> =
            written.iter().map(|root| (root.clone(), None)).collect();
        for one in withheld {
            let Ok(root) = one.root.canonicalize() else {
                continue;
            };
            match asked.iter_mut().find(|(known, _)| *known == root) {
                Some((_, by)) => *by = Some(one),
                None => asked.push((root, Some(one))),
            }
        }
        let mut before = Before::default();
        // With the folder that they were found in.
        let mut places = BTreeMap::new();
        let mut rule_files = BTreeMap::new();
        let all = self.look(&asked);
        let mut withholding = all
            .iter()
            .filter_map(|(_, by, found)| Some((by.as_ref()?, found)));
        let has_rules = withholding
            .any(|(by, found)| by.by.version().is_some() || !found.rule_files.is_empty());
        for (root, by, found) in all {
            if let Some(by) = by {
                if found.is_unseen && has_rules {
                    return Err(too_much(
                        &root,
                        "not all that is withheld can be found in the many folders of",
                    ));
                }
                if found.is_unseen {
                    before.unseen.push(root.clone());
                }
                let elsewhere = by.by.places();
                let elsewhere = elsewhere.iter().filter_map(|path| path.canonicalize().ok());
                let of_root = |path| (path, root.clone());
                places.extend(found.withheld.iter().cloned().chain(elsewhere).map(of_root));
                let files = found.rule_files.iter().map(|(path, _)| path.clone());
                rule_files.extend(files.map(of_root));
            }
            if written.contains(&root) {
                guard.keep(&root, &found, roots);
                before.found.push((root, found));
            }
        }
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        places.retain(|place, _| {
            let holds = |folder: &PathBuf| folder.starts_with(place);
            !asked.iter().any(|(root, _)| holds(root))
                && !roots.iter().any(holds)
                && home.as_ref().is_none_or(|home| !holds(home))
        });
        let count = places.len() + rule_files.len();
        if count > WITHHELD {
            let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
            for root in places.values().chain(rule_files.values()) {
                *counts.entry(root.as_path()).or_default() += 1;
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            let (root, most) = most.unwrap_or((Path::new(""), count));
            let most = if most == count { "" } else { ", most of them" };
            let what = format!("{count} files and folders are withheld one by one{most} in");
            return Err(too_much(root, &what));
        }
        // They say what is withheld, so a command must not write them.
        let mut kept = BTreeSet::new();
        for file in rule_files.keys() {
            kept::add(&mut kept, file, written);
        }
        guard
            .kept
            .extend(kept.into_iter().map(PathBuf::into_os_string));
        guard.withheld = places.into_keys().map(PathBuf::into_os_string).collect();
        Ok((guard, before))
    }

    /// What the command made that others should not follow unseen. Looks again.
    pub(crate) fn findings(&self, before: &Before) -> Vec<Finding> {
        let roots: Vec<PathBuf> = before.found.iter().map(|(root, _)| root.clone()).collect();
        let asked: Vec<_> = roots.iter().map(|root| (root.clone(), None)).collect();
        let after = self.look(&asked);
        let unseen = before.unseen.iter().cloned().map(Finding::Unseen);
        let mut findings: Vec<Finding> = unseen.collect();
        for ((_, before), (_, _, after)) in before.found.iter().zip(&after) {
            for (path, id) in &after.repositories {
                match before.repositories.get(path) {
                    None => findings.push(Finding::Repository(path.clone())),
                    Some(old) if old != id => findings.push(Finding::Replaced(path.clone())),
                    Some(_) => {}
                }
            }
            let gone = before.repositories.keys();
            findings.extend(
                gone.filter(|path| !after.repositories.contains_key(*path))
                    .map(|path| Finding::Replaced(path.clone())),
            );
            for (path, target) in &after.links {
                if before.links.get(path) != Some(target) && leads_out(path, target, &roots) {
                    findings.push(Finding::Link {
                        path: path.clone(),
                        target: target.clone(),
                    });
                }
            }
        }
        findings
    }

    /// Looks through folders, and at what is withheld in those that come with somebody to ask. The rule files of one may
    /// count in those before it.
    fn look<'a>(
        &self,
        folders: &[(PathBuf, Option<&'a Withheld>)],
    ) -> Vec<(PathBuf, Option<&'a Withheld>, Found)> {
        // A look that panicked leaves folders that are read again.
        let mut surveys = self.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        if surveys.len() > REMEMBERED {
            surveys.clear();
        }
        let mut elsewhere = DefaultHasher::new();
        let mut all: Vec<_> = folders
            .iter()
            .rev()
            .filter(|(root, _)| root.is_dir())
            .map(|(root, withheld)| {
                let survey = surveys.entry(root.clone()).or_default();
                let by = withheld.map(|withheld| &*withheld.by);
                let found = survey.look(root, by, elsewhere.finish());
                found.rule_files.hash(&mut elsewhere);
                (root.clone(), *withheld, found)
            })
            .collect();
        all.reverse();
        all
    }

    /// What exists of the secret places, without those that a writable folder is or that hold the whole home.
    fn hidden_places(&self, roots: &[PathBuf]) -> Vec<OsString> {
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let places = self.hidden.iter().cloned().chain(secrets::of_this_user());
        let places: BTreeSet<PathBuf> = places
            // Most are not there, and this costs less than to resolve each.
            .filter(|place| place.symlink_metadata().is_ok())
            .filter_map(|place| place.canonicalize().ok())
            .filter(|place| !roots.contains(place) && place.parent().is_some())
            .filter(|place| home.as_ref().is_none_or(|home| !home.starts_with(place)))
            .collect();
        places.into_iter().map(PathBuf::into_os_string).collect()
    }
}

fn too_much(root: &Path, what: &str) -> SandboxError {
    SandboxError::TooMuchWithheld {
        root: root.to_owned(),
        what: what.to_owned(),
        advice: "name whole folders (`keys/`) in `.kerfignore` and in rules on reading, or open a folder beneath",
    }
}

/// Whether the link at `path` leads out of `roots`. One that leads nowhere yet is judged by what it says.
fn leads_out(path: &Path, target: &Path, roots: &[PathBuf]) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| {
        let mut real = path.parent().unwrap_or(path).to_owned();
        for part in target.components() {
            match part {
                std::path::Component::ParentDir => {
                    real.pop();
                }
                std::path::Component::CurDir => {}
                other => real.push(other),
            }
        }
        real
    });
    !roots.iter().any(|root| real.starts_with(root))
}

#[cfg(test)]
mod tests;
