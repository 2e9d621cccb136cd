//! The watches of one workspace, and what an event of the system means for it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use notify::event::{ModifyKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::batch::Batch;
use crate::folder::Workspace;
use crate::fs::{FsError, Kind, is_temp_name};
use crate::path::RelPath;
use crate::walk::{DOT_GIT, RULE_FILES, Rules, Walk, excludes_of, on_disk, users_excludes};

/// Where the system watches a folder with all that is in it by itself.
const RECURSIVE: bool = !cfg!(any(target_os = "linux", target_os = "android"));

/// How often new folders may turn up while their parents are being watched.
const MAX_ROUNDS: u32 = 20;

pub(super) struct Tree {
    workspace: Workspace,
    system: RecommendedWatcher,
    rules: Rules,
    /// The rule files of git that lie in no watched folder, there or not.
    excludes: HashSet<PathBuf>,
    /// Why a part of the folder is not watched, if it is so.
    unwatched: Option<String>,
}

impl Tree {
    /// Watches the root, or fails; then what lies below, as far as the system allows.
    pub(super) fn start(
        workspace: Workspace,
        mut system: RecommendedWatcher,
        batch: &mut Batch,
    ) -> Result<Self, notify::Error> {
        let mode = if RECURSIVE {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        system.watch(workspace.root(), mode)?;
        let rules = Rules::of(workspace.root());
        let mut tree = Self {
            workspace,
            system,
            rules,
            excludes: HashSet::new(),
            unwatched: None,
        };
        tree.watch_below(&RelPath::root(), batch, |_, _| {});
        tree.watch_excludes_elsewhere();
        Ok(tree)
    }

    /// Watches the rules of git that lie in no folder beneath this one.
    fn watch_excludes_elsewhere(&mut self) {
        let root = self.workspace.root().to_path_buf();
        // A part of a repository goes by the excludes of the whole.
        if !root.join(DOT_GIT).exists()
            && let Some(file) = root.ancestors().skip(1).find_map(excludes_of)
        {
            self.watch_excludes(file);
        }
        // Where a watch is for all that is below as well, one on the user's own folder would tell too much.
        if let Some(file) = users_excludes()
            && !RECURSIVE
            && file.parent().is_some_and(Path::is_dir)
        {
            self.watch_excludes(file);
        }
    }

    /// Watches the folder of a rule file of git's, or git's own folder until that one is made.
    fn watch_excludes(&mut self, file: PathBuf) {
        let is_told = RECURSIVE && file.starts_with(self.workspace.root());
        let folder = file
            .ancestors()
            .skip(1)
            .take(2)
            .find(|folder| folder.is_dir());
        if let Some(folder) = folder.filter(|_| !is_told) {
            // Without it these rules are seen with the next change of another rule file.
            drop(self.system.watch(folder, RecursiveMode::NonRecursive));
        }
        self.excludes.insert(file);
    }

    /// Whether files are ignored or not is to be found out anew, for all of the folder.
    fn rules_changed(&mut self, path: &Path, batch: &mut Batch) {
        self.rules = Rules::of(self.workspace.root());
        self.excludes.clear();
        self.watch_below(&RelPath::root(), batch, |_, _| {});
        self.watch_excludes_elsewhere();
        let path = path.strip_prefix(self.workspace.root()).unwrap_or(path);
        batch.rescan(format!("the ignore rules in `{}` changed", path.display()));
    }

    /// Why the system does not tell of every change, if it is so.
    pub(super) fn unwatched(&self) -> Option<&str> {
        self.unwatched.as_deref()
    }

    /// Something may have been missed, once or from now on.
    fn missed(&mut self, error: &notify::Error, batch: &mut Batch) {
        let reason = explain(error);
        if matches!(error.kind, ErrorKind::MaxFilesWatch) {
            self.unwatched.get_or_insert_with(|| reason.clone());
        }
        batch.rescan(reason);
    }

    /// Adds watches to the folders at and below `folder`, then tells the files that were already there.
    ///
    /// A folder's watch comes before the last look at it, so that nothing made in it falls between the two.
    fn watch_below(
        &mut self,
        folder: &RelPath,
        batch: &mut Batch,
        found: impl Fn(&mut Batch, RelPath),
    ) {
        let options = Walk {
            under: folder.clone(),
            ..Walk::default()
        };
        let mut scan = on_disk(&self.workspace, &options);
        let mut watched = HashSet::new();
        let mut has_rules = false;
        for round in 1.. {
            let folders = std::mem::take(&mut scan.folders);
            let new: Vec<_> = folders
                .into_iter()
                .filter(|folder| watched.insert(folder.clone()))
                .collect();
            let root = self.workspace.root();
            let excludes: Vec<_> = new
                .iter()
                .filter_map(|folder| excludes_of(&root.join(folder.as_path())))
                .collect();
            for file in excludes {
                has_rules = true;
                self.watch_excludes(file);
            }
            if RECURSIVE || new.is_empty() || !self.watch_all(&new, batch) {
                break;
            }
            if round == MAX_ROUNDS {
                batch.rescan("folders were made faster than they could be watched".to_owned());
                break;
            }
            scan = on_disk(&self.workspace, &options);
        }
        has_rules |= scan
            .walked
            .files
            .iter()
            .any(|(path, _)| path.file_name().is_some_and(is_rule_file));
        if has_rules && !folder.is_root() {
            self.rules = Rules::of(self.workspace.root());
        }
        for (path, _) in scan.walked.files {
            found(batch, path);
        }
    }

    /// Whether it is worth going on: not when the system's limit is reached.
    fn watch_all(&mut self, folders: &[RelPath], batch: &mut Batch) -> bool {
        for folder in folders {
            let path = self.workspace.root().join(folder.as_path());
            match self.system.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    self.missed(&error, batch);
                    if self.unwatched.is_some() {
                        return false;
                    }
                }
            }
        }
        true
    }

    pub(super) fn take(&mut self, event: notify::Result<Event>, batch: &mut Batch) {
        let event = match event {
            Ok(event) => event,
            Err(error) if is_gone(&error) => return,
            Err(error) => return self.missed(&error, batch),
        };
        if event.need_rescan() {
            return batch.rescan("the system lost events because too many came at once".to_owned());
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in &event.paths {
            self.take_path(event.kind, path, batch);
        }
    }

    fn take_path(&mut self, kind: EventKind, path: &Path, batch: &mut Batch) {
        let is_new = matches!(
            kind,
            EventKind::Any
                | EventKind::Other
                | EventKind::Create(_)
                | EventKind::Modify(ModifyKind::Any | ModifyKind::Name(_))
        );
        // The file, or the folder that it is to be in.
        if self.excludes.contains(path) || self.excludes.contains(&path.join("exclude")) && is_new {
            return self.rules_changed(path, batch);
        }
        let Ok(inside) = path.strip_prefix(self.workspace.root()) else {
            return;
        };
        if inside.as_os_str().is_empty() {
            let is_gone = matches!(
                kind,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            );
            if is_gone {
                batch.rescan("the folder was moved or removed".to_owned());
            }
            return;
        }
        let Ok(path) = RelPath::new(inside) else {
            return;
        };
        if path.is_protected() {
            let comes = is_new || matches!(kind, EventKind::Remove(_));
            return self.take_protected(&path, comes, batch);
        }
        if path.file_name().is_some_and(is_temp_name) {
            return;
        }
        let stat = match self.workspace.fs().stat(&path) {
            Ok(stat) => Some(stat.kind),
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => None,
            // It cannot be looked at, so the listener is to find out and show why.
            Err(_) => Some(Kind::File),
        };
        let is_dir = stat == Some(Kind::Dir);
        // It counts also where it is ignored itself.
        let folder = path.parent().unwrap_or_else(RelPath::root);
        if path.file_name().is_some_and(is_rule_file) && !self.is_ignored(&folder, true) {
            return self.rules_changed(path.as_path(), batch);
        }
        if self.is_ignored(&path, is_dir) {
            return;
        }
        let moved_away = matches!(kind, EventKind::Modify(ModifyKind::Name(RenameMode::From)));
        if is_dir {
            // What changes in a folder is told for its files; the folder itself matters only when it is new.
            if is_new && !moved_away {
                self.watch_below(&path, batch, Batch::add);
            }
        } else {
            batch.add(path);
        }
    }

    /// A path that no listener hears of. Where a repository begins or ends, other rules count.
    fn take_protected(&mut self, path: &RelPath, comes_or_goes: bool, batch: &mut Batch) {
        let above = std::iter::successors(Some(path.clone()), RelPath::parent);
        let is_git = |path: &RelPath| path.file_name().is_some_and(|name| name == DOT_GIT);
        let Some(git) = above.filter(is_git).last().filter(|_| comes_or_goes) else {
            return;
        };
        let folder = git.parent().unwrap_or_else(RelPath::root);
        if self.is_ignored(&folder, true) {
            return;
        }
        let at = self.workspace.root().join(git.as_path());
        let is_known = self.excludes.contains(&at.join("info/exclude"));
        if folder.is_root() && !is_known && *path == git {
            // Where there is no repository, an empty folder stands in the way of commands while they run. What comes
            // into it tells the one from the other.
            drop(self.system.watch(&at, RecursiveMode::NonRecursive));
            let is_empty = std::fs::read_dir(&at).is_ok_and(|mut all| all.next().is_none());
            if is_empty || !at.exists() {
                return;
            }
        }
        if *path == git || !is_known {
            self.rules_changed(git.as_path(), batch);
        }
    }

    fn is_ignored(&mut self, path: &RelPath, is_dir: bool) -> bool {
        self.rules.is_ignored(path, is_dir)
    }
}

fn is_rule_file(name: &std::ffi::OsStr) -> bool {
    RULE_FILES.iter().any(|known| name == *known)
}

/// A folder that went away before it could be watched needs no watch; its removal is told by its parent.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn explain(error: &notify::Error) -> String {
    match error.kind {
        ErrorKind::MaxFilesWatch if cfg!(target_os = "linux") => {
            "the system allows no more watched folders; raise `fs.inotify.max_user_watches`"
                .to_owned()
        }
        ErrorKind::MaxFilesWatch => "the system allows no more watched folders".to_owned(),
        _ => format!("watching failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use notify::event::Flag;

    use super::*;
    use crate::watch::WatchEvent;

    fn tell(event: notify::Result<Event>) -> Option<WatchEvent> {
        let temp = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(temp.path()).unwrap();
        let system = RecommendedWatcher::new(|_| {}, notify::Config::default()).unwrap();
        let mut batch = Batch::new(Duration::from_secs(1));
        Tree::start(workspace, system, &mut batch)
            .unwrap()
            .take(event, &mut batch);
        batch.finish()
    }

    #[test]
    fn lost_events_and_errors_call_for_a_rescan() {
        let full = notify::Error::new(ErrorKind::MaxFilesWatch);
        for (event, reason) in [
            (
                Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)),
                "lost events",
            ),
            (Err(full), "no more watched folders"),
            (Err(notify::Error::generic("broken")), "broken"),
        ] {
            let told = tell(event);
            assert!(
                matches!(&told, Some(WatchEvent::Rescan { reason: why }) if why.contains(reason)),
                "{told:?}"
            );
        }
    }

    #[test]
    fn a_folder_that_is_gone_before_it_is_watched_is_no_error() {
        assert_eq!(tell(Err(notify::Error::path_not_found())), None);
    }
}
