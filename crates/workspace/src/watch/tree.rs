//! The watches of one workspace, and what an event of the system means for it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::batch::Batch;
use super::changes::{Changes, Cookies, Log};
use super::place::{IN_ORDER, tells_all};
use super::slept::Sleeps;
use crate::folder::{Workspace, plain};
use crate::fs::{FsError, Kind, is_temp_name};
use crate::path::RelPath;
use crate::walk::{
    DOT_GIT, RULE_FILES, Rules, Walk, excludes_of, is_dot_git, on_disk, users_excludes,
};

/// Where the system watches a folder with all that is in it by itself.
const RECURSIVE: bool = !cfg!(any(target_os = "linux", target_os = "android"));

/// How often new folders may turn up while their parents are being watched.
const MAX_ROUNDS: u32 = 20;

pub(super) struct Tree {
    workspace: Workspace,
    system: RecommendedWatcher,
    rules: Rules,
    /// Whether `rules` may hold rules of a folder that is elsewhere by now.
    rules_moved: bool,
    /// The folders that are watched, or were until they were moved.
    folders: HashSet<RelPath>,
    /// The rule files of git that lie in no watched folder, there or not.
    excludes: HashSet<PathBuf>,
    /// Why a part of the folder is not watched, if it is so.
    unwatched: Option<String>,
    /// Whether the system tells of all that happens in the folders that are watched.
    tells_all: bool,
    log: Arc<Log>,
    cookies: Option<Arc<Cookies>>,
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
            rules_moved: false,
            folders: HashSet::new(),
            excludes: HashSet::new(),
            unwatched: None,
            tells_all: true,
            log: Arc::default(),
            cookies: None,
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
        let mut above = file.ancestors().skip(1).take(2);
        let Some((rest, folder)) = above.find_map(|folder| {
            let rest = file.strip_prefix(folder).ok()?;
            // Under another name the system would tell what is in a folder that is watched already by that name alone.
            Some((rest, plain(folder.canonicalize().ok()?)))
        }) else {
            self.excludes.insert(file);
            return;
        };
        if !RECURSIVE || !folder.starts_with(self.workspace.root()) {
            // Without it these rules are seen with the next change of another rule file.
            drop(self.system.watch(&folder, RecursiveMode::NonRecursive));
        }
        self.excludes.insert(folder.join(rest));
    }

    /// Keeps from now on what is told; see [`super::Watcher::changes`].
    pub(super) fn changes(&mut self, folder: &Path, sleeps: &Arc<Sleeps>) -> Option<Changes> {
        if !IN_ORDER || !self.tells_all || self.unwatched.is_some() {
            return None;
        }
        let cookies = match &self.cookies {
            Some(cookies) => cookies,
            None => {
                let folder = std::fs::create_dir_all(folder)
                    .and_then(|()| folder.canonicalize())
                    .map_err(notify::Error::io);
                let watched = folder.and_then(|folder| {
                    self.system.watch(&folder, RecursiveMode::NonRecursive)?;
                    Ok(folder)
                });
                match watched {
                    Ok(folder) => self.cookies.insert(Arc::new(Cookies::new(folder))),
                    Err(error) => {
                        tracing::warn!(%error, "changes can only be told late");
                        return None;
                    }
                }
            }
        };
        Some(self.log.keep(Arc::clone(cookies), Arc::clone(sleeps)))
    }

    pub(super) fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// Whether files are ignored or not is to be found out anew, for all of the folder.
    fn rules_changed(&mut self, path: &Path, batch: &mut Batch) {
        let path = path.strip_prefix(self.workspace.root()).unwrap_or(path);
        let reason = format!("the ignore rules in `{}` changed", path.display());
        self.begin_anew(reason, batch);
    }

    /// The computer was asleep. New folders may be among what was not told, and rules.
    pub(super) fn slept(&mut self, batch: &mut Batch) {
        let reason = "the computer slept, and may not have been told of every change";
        self.begin_anew(reason.to_owned(), batch);
    }

    fn begin_anew(&mut self, reason: String, batch: &mut Batch) {
        self.read_rules();
        self.excludes.clear();
        self.watch_below(&RelPath::root(), batch, |_, _| {});
        self.watch_excludes_elsewhere();
        batch.rescan(reason);
        self.log.doubt();
    }

    fn read_rules(&mut self) {
        self.rules = Rules::of(self.workspace.root());
        self.rules_moved = false;
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
            self.log.end();
        }
        batch.rescan(reason);
        self.log.doubt();
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
                self.log.end();
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
            self.read_rules();
        }
        for (path, _) in scan.walked.files {
            found(batch, path);
        }
    }

    /// Whether it is worth going on: not when the system's limit is reached.
    fn watch_all(&mut self, folders: &[RelPath], batch: &mut Batch) -> bool {
        for folder in folders {
            let path = self.workspace.root().join(folder.as_path());
            if self.tells_all && !tells_all(&path) && path.exists() {
                self.tells_all = false;
                self.log.end();
            }
            match self.system.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.folders.insert(folder.clone());
                }
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
            // New folders may be among what was lost, and rules.
            let reason = "the system lost events because too many came at once";
            return self.begin_anew(reason.to_owned(), batch);
        }
        // What was written through a mapping is told only when the file is closed, after the mapping is gone.
        let is_closed = event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write));
        if matches!(event.kind, EventKind::Access(_)) && !is_closed {
            return;
        }
        for path in &event.paths {
            if let Some(number) = self.cookies.as_ref().and_then(|ours| ours.number(path)) {
                if let (Some(number), EventKind::Create(_)) = (number, event.kind) {
                    self.log.cookie(number);
                }
            } else if is_closed {
                self.take_closed(path);
            } else {
                self.take_path(event.kind, path, batch);
            }
        }
    }

    /// A file that was open for writing was closed. What was written by the usual calls has been told.
    fn take_closed(&mut self, path: &Path) {
        let Some(path) = self.inside(path) else {
            return;
        };
        if self.is_ignored(&path, false) {
            return;
        }
        if path.file_name().is_some_and(is_rule_file) {
            self.rules_moved = true;
            self.log.doubt();
        } else {
            self.log.add(&path);
        }
    }

    /// The path beneath the root; none where it is nobody's business.
    fn inside(&self, path: &Path) -> Option<RelPath> {
        let inside = path.strip_prefix(self.workspace.root()).ok()?;
        let path = RelPath::new(inside).ok()?;
        let is_ours = path.file_name().is_some_and(is_temp_name);
        (!path.is_protected() && !is_ours).then_some(path)
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
            return self.log.doubt();
        }
        let Some(path) = self.inside(path) else {
            let comes = is_new || matches!(kind, EventKind::Remove(_));
            return self.take_protected(inside, comes, batch);
        };
        if matches!(kind, EventKind::Modify(ModifyKind::Name(_))) {
            let was_watched = self.folders.contains(&path);
            // A folder takes the rules in it along.
            self.rules_moved |= was_watched || RECURSIVE;
            if was_watched {
                // What is in it goes on being told by its old name.
                self.log.doubt();
            }
        }
        if matches!(kind, EventKind::Remove(_)) {
            self.folders.remove(&path);
        }
        if path.file_name().is_some_and(is_rule_file)
            && path
                .parent()
                .is_none_or(|folder| folder.is_root() || !self.is_ignored(&folder, true))
        {
            // Also where it is ignored itself, as by a `*` in it.
            return self.rules_changed(path.as_path(), batch);
        }
        let stat = match self.workspace.fs().stat(&path) {
            Ok(stat) => Some(stat.kind),
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => None,
            // It cannot be looked at, so the listener is to find out and show why.
            Err(_) => Some(Kind::File),
        };
        let is_dir = stat == Some(Kind::Dir);
        if self.is_ignored(&path, is_dir) {
            // What was there before may have been of the other kind, and not ignored.
            if !self.is_ignored(&path, !is_dir) {
                match stat {
                    None => self.log.add(&path),
                    Some(_) => self.log.doubt(),
                }
            }
            return;
        }
        let moved_away = matches!(kind, EventKind::Modify(ModifyKind::Name(RenameMode::From)));
        if !is_dir {
            batch.add(path.clone());
        } else if is_new && !moved_away {
            // What changes in a folder is told for its files; the folder itself matters only when it is new.
            self.watch_below(&path, batch, Batch::add);
        } else if matches!(kind, EventKind::Modify(ModifyKind::Metadata(_))) {
            // It may not have been open to us before.
            self.watch_below(&path, batch, |_, _| {});
        }
        self.log.add(&path);
    }

    /// A path that no listener hears of. Where a repository begins or ends, other rules count.
    fn take_protected(&mut self, inside: &Path, comes_or_goes: bool, batch: &mut Batch) {
        let Some(at) = inside.iter().position(is_dot_git) else {
            if !inside.file_name().is_some_and(is_temp_name) {
                // A twin of `.git` by its name, which walks list all the same.
                self.log.doubt();
            }
            return;
        };
        if !comes_or_goes {
            return;
        }
        let is_itself = inside.iter().nth(at + 1).is_none();
        let git: PathBuf = inside.iter().take(at + 1).collect();
        let folder = git.parent().filter(|_| at > 0);
        let is_ignored = folder.is_some_and(|folder| {
            RelPath::new(folder).map_or(true, |folder| self.is_ignored(&folder, true))
        });
        if is_ignored {
            return;
        }
        let place = self.workspace.root().join(&git);
        let is_known = self.excludes.contains(&place.join("info/exclude"));
        if at == 0 && is_itself && !is_known {
            // Where there is no repository, an empty folder stands in the way of commands while they run. What comes
            // into it tells the one from the other.
            drop(self.system.watch(&place, RecursiveMode::NonRecursive));
            let is_empty = std::fs::read_dir(&place).is_ok_and(|mut all| all.next().is_none());
            if is_empty || !place.exists() {
                return self.log.doubt();
            }
        }
        if is_itself || !is_known {
            self.rules_changed(&git, batch);
        }
    }

    fn is_ignored(&mut self, path: &RelPath, is_dir: bool) -> bool {
        if self.rules_moved {
            self.read_rules();
        }
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
