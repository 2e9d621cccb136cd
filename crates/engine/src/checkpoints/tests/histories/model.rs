//! For the tests: what a folder and its checkpoints should hold after each step.

use super::folder::{Plain, Tree};
use kerf_protocol::checkpoint::RestoreChoice;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a checkpoint.
pub(super) struct Point {
    pub(super) id: i64,
    pub(super) files: Tree,
    /// See [`Model::written`], of all that was on the disk.
    pub(super) written: BTreeMap<String, u64>,
    /// What was on the disk, known or not.
    pub(super) there: BTreeSet<String>,
    pub(super) is_gone: bool,
}

/// What Kerf did to a file, behind so many checkpoints.
pub(super) struct Done {
    pub(super) points: usize,
    pub(super) path: String,
    pub(super) before: Option<Plain>,
    pub(super) after: Option<Plain>,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) disk: Tree,
    /// The number of the write that each file comes from.
    pub(super) written: BTreeMap<String, u64>,
    pub(super) writes: u64,
    /// What the last look found. None: nobody has looked since the engine was opened.
    pub(super) known: Option<Tree>,
    /// What tools, decisions and restores have written since.
    pub(super) touched: BTreeSet<String>,
    pub(super) points: Vec<Point>,
    pub(super) done: Vec<Done>,
}

impl Model {
    /// These files are of now.
    pub(super) fn wrote<'a>(&mut self, paths: impl IntoIterator<Item = &'a String>) {
        self.writes += 1;
        for path in paths {
            self.written.insert(path.clone(), self.writes);
        }
    }

    /// What a checkpoint held of a file. One that nobody had looked at, but that was there and was still the same when Kerf
    /// first changed it, is known from then; of a link nobody can tell since when it was there, and it stays.
    pub(super) fn then(&self, point: usize, path: &str) -> Option<&Plain> {
        let held = self.points[point].files.get(path);
        if held.is_some() {
            return held;
        }
        let mut since = self.done.iter();
        let first = since.find(|one| one.points > point && one.path == path)?;
        let later = first.points - 1;
        if first.before.is_none() || later == point {
            return None;
        }
        let (then, later) = (&self.points[point], &self.points[later]);
        let same = then.written.get(path)? == later.written.get(path)?;
        let known = same && then.there.contains(path);
        later
            .files
            .get(path)
            .filter(|plain| known && matches!(plain, Plain::File(..)))
    }

    pub(super) fn look(&mut self) {
        self.known = Some(self.disk.clone());
        self.touched.clear();
    }

    pub(super) fn look_at(&mut self, path: &str) {
        let Some(known) = &mut self.known else {
            return self.look();
        };
        for path in std::mem::take(&mut self.touched)
            .iter()
            .map(String::as_str)
            .chain([path])
        {
            match self.disk.get(path) {
                Some(plain) => known.insert(path.to_owned(), plain.clone()),
                None => known.remove(path),
            };
        }
    }

    /// Kerf finds the disk changed, and puts it down to itself.
    pub(super) fn kerf_did(&mut self, before: &Tree) {
        let paths: BTreeSet<&String> = before.keys().chain(self.disk.keys()).collect();
        let (mut done, mut changed) = (Vec::new(), Vec::new());
        for path in paths {
            if before.get(path) != self.disk.get(path) {
                self.touched.insert(path.clone());
                changed.push(path.clone());
                done.push(Done {
                    points: self.points.len(),
                    path: path.clone(),
                    before: before.get(path).cloned(),
                    after: self.disk.get(path).cloned(),
                });
            }
        }
        self.done.extend(done);
        self.wrote(&changed);
    }

    /// What a restore does to each file that is not as it was: whether it goes, goes if it is named, or stays.
    pub(super) fn expected(&self, point: usize) -> BTreeMap<String, RestoreChoice> {
        let then = &self.points[point].files;
        let done = self.done.iter().map(|one| &one.path);
        let paths: BTreeSet<&String> = then.keys().chain(self.disk.keys()).chain(done).collect();
        let mut expected = BTreeMap::new();
        for path in paths {
            let now = self.disk.get(path);
            let then = self.then(point, path);
            let mut left = then;
            if left == now {
                continue;
            }
            let (mut users, mut made_by_user, mut any) = (false, false, false);
            let since = self
                .done
                .iter()
                .filter(|one| one.points > point && one.path == *path);
            let found = since.map(|one| (one.before.as_ref(), one.after.as_ref()));
            for (place, (before, after)) in found.chain([(now, now)]).enumerate() {
                any = place > 0;
                if before != left {
                    users = true;
                    made_by_user = before.is_some() && (made_by_user || left.is_none());
                }
                left = after;
            }
            let is_deleted = now.is_some() && then.is_none();
            let choice = match (is_deleted && made_by_user, users || !any) {
                (true, _) => RestoreChoice::Stays,
                (_, true) => RestoreChoice::IfNamed,
                _ => RestoreChoice::Goes,
            };
            expected.insert(path.clone(), choice);
        }
        expected
    }
}
