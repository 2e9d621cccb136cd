//! A bounded look through a folder for what matters to its safety: repositories, links, files that have another name
//! elsewhere, and what is withheld from commands.
//!
//! A folder is read again only when its change time moved, which no program can set, so that a look before and after
//! every command costs one `stat` a folder. Reading changes nothing and follows no link. What is withheld is asked about
//! each entry of a folder that is read, and of all below a `.kerfignore` that is another one than before.

use crate::Withhold;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Folders that are looked at, the nearest to the root first.
const FOLDERS: usize = 20_000;

/// Entries that are read anew in one look.
const ENTRIES: usize = 400_000;

/// Longer paths are not followed, in bytes.
const PATH_BYTES: usize = 1024;

/// Links and files with several names that are noted in one folder.
const NOTED: usize = 1_000;

/// Large, made by tools, and no place where people run git.
const SKIPPED: &[&str] = &["node_modules", "target"];

/// Says what is withheld of the folder that it lies in.
const RULE_FILE: &str = ".kerfignore";

/// A folder with so many entries that are all withheld is withheld whole, which costs one mount.
const ALL: usize = 8;

/// A clock's tick may be this long. A folder that changed within it may change again under the same time.
const TICK: Duration = Duration::from_millis(50);

/// A file's device and number, which another file may get later.
type Id = (u64, u64);

/// What tells a file from others that had its name or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    id: Id,
    kind: fs::FileType,
    /// `None` where the file system does not keep it.
    made: Option<SystemTime>,
}

/// What is known about one folder and all below it.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    folders: HashMap<PathBuf, Folder>,
    /// The rules by which the answers about what is withheld were given, and those that lie elsewhere.
    version: (Option<u64>, u64),
}

/// What a look found.
#[derive(Debug, Default, Clone)]
pub(crate) struct Found {
    /// Everything that is called `.git`, and which it is.
    pub(crate) repositories: BTreeMap<PathBuf, Identity>,
    /// Links and what they say.
    pub(crate) links: BTreeMap<PathBuf, PathBuf>,
    /// Files that have a further name which was not seen. Empty when not everything could be looked at, because then
    /// that name may well be inside.
    pub(crate) shared: Vec<PathBuf>,
    /// What commands must not read. Nothing in it lies below another of it, and none is a link.
    pub(crate) withheld: Vec<PathBuf>,
    /// The `.kerfignore` files, if it was asked what is withheld, and which they are.
    pub(crate) rule_files: Vec<(PathBuf, RuleStamp)>,
    /// Whether something may be withheld that was not seen.
    pub(crate) is_unseen: bool,
}

#[derive(Debug, Default)]
struct Folder {
    /// The change time in seconds and nanoseconds; `None` when it says nothing.
    changed: Option<(i64, i64)>,
    folders: Vec<OsString>,
    /// Folders that are looked through only for what is withheld in them.
    tools: Vec<OsString>,
    repository: Option<Identity>,
    /// Whether something was left out.
    is_cut: bool,
    /// Whether not all of its entries were read.
    is_unread: bool,
    links: Vec<(OsString, PathBuf)>,
    shared: Vec<(OsString, Id, u64)>,
    /// Which `.kerfignore` it has.
    rules: Option<RuleStamp>,
    /// What of it is withheld; `None` when that was not asked.
    withheld: Option<Held>,
    /// Whether it is, or lies in, a folder of tools.
    is_tools: bool,
}

/// Tells a `.kerfignore` from an earlier one: its number, its change time and its length.
pub(crate) type RuleStamp = (u64, i64, i64, u64);

#[derive(Debug, Default)]
struct Held {
    names: Vec<OsString>,
    /// Links whose names are withheld, and with them what they lead to.
    links: Vec<OsString>,
    /// Whether it is everything that the folder holds, and much.
    is_all: bool,
}

/// A folder that is to be looked at.
struct Next {
    path: PathBuf,
    /// Whether what is known of it was answered by other rules.
    is_stale: bool,
    /// Whether it lies in a withheld folder.
    is_withheld: bool,
    is_tools: bool,
}

impl Survey {
    /// Looks through `root`. With `by` also for what is withheld; then `elsewhere` is another number when rule files that
    /// lie in other folders and count here too are others than before.
    pub(crate) fn look(&mut self, root: &Path, by: Option<&dyn Withhold>, elsewhere: u64) -> Found {
        let mut old = std::mem::take(&mut self.folders);
        let version = by.map(|by| (by.version(), elsewhere));
        let other_rules = version.is_some_and(|version| version != self.version);
        self.version = version.unwrap_or(self.version);
        let mut queue = VecDeque::from([Next {
            path: root.to_owned(),
            is_stale: other_rules,
            is_withheld: false,
            is_tools: false,
        }]);
        let mut found = Found::default();
        let mut names: HashMap<Id, (u64, u64)> = HashMap::new();
        let mut shared = Vec::new();
        let mut budget = ENTRIES;
        let mut is_cut = false;
        while let Some(next) = queue.pop_front() {
            let Next { path, .. } = &next;
            let Ok(meta) = path.symlink_metadata() else {
                continue;
            };
            if !meta.is_dir() {
                continue;
            }
            let known = old.remove(path);
            let rules_before = known.as_ref().and_then(|known| known.rules);
            let ask = by.filter(|_| !next.is_withheld);
            let known = known.filter(|known| known.is_as(&meta, path, &next, by));
            let mut folder = known.unwrap_or_else(|| {
                let changed = (meta.ctime(), meta.ctime_nsec());
                let mut read = read(path, changed, &mut budget, ask).unwrap_or_default();
                // Nothing is asked there, so nothing is open.
                if by.is_some() {
                    read.withheld.get_or_insert_default();
                }
                read
            });
            if by.is_none() {
                // Nobody was asked, so the answers below are still those of the rules before.
                folder.rules = rules_before;
            }
            folder.is_tools = next.is_tools;
            let is_all = path != root && folder.withheld.as_ref().is_some_and(|held| held.is_all);
            let below = |name: &OsString, is_tools: bool| Next {
                path: path.join(name),
                is_stale: next.is_stale || rules_before != folder.rules,
                is_withheld: next.is_withheld || is_all || folder.withholds(name),
                is_tools: next.is_tools || is_tools,
            };
            let tools = folder.tools.iter().filter(|name| {
                let name = name.to_string_lossy();
                by.is_some_and(|by| by.names(path, &name))
            });
            let tools = tools.map(|name| below(name, true));
            let folders = folder.folders.iter().map(|name| below(name, false));
            for below in folders.chain(tools) {
                if self.folders.len() + queue.len() + 1 < FOLDERS
                    && below.path.as_os_str().as_bytes().len() <= PATH_BYTES
                {
                    queue.push_back(below);
                } else {
                    is_cut |= !below.is_tools;
                    found.is_unseen |= !below.is_withheld;
                }
            }
            found.is_unseen |= !next.is_withheld && folder.is_unread;
            if ask.is_some() {
                found.take_withheld(path, &folder, is_all);
            }
            if !next.is_tools {
                is_cut |= folder.is_cut;
                if let Some(id) = folder.repository {
                    found.repositories.insert(path.join(".git"), id);
                }
                for (name, target) in &folder.links {
                    found.links.insert(path.join(name), target.clone());
                }
                for (name, id, links) in &folder.shared {
                    names.entry(*id).or_insert((0, *links)).0 += 1;
                    shared.push((path.join(name), *id));
                }
            }
            self.folders.insert(next.path, folder);
        }
        if by.is_none() {
            // They are not looked through now, and are as they were for who asks.
            self.folders
                .extend(old.into_iter().filter(|(_, folder)| folder.is_tools));
        }
        shared.retain(|(_, id)| names.get(id).is_some_and(|(seen, all)| seen < all));
        if !is_cut {
            found.shared = shared.into_iter().map(|(path, _)| path).collect();
        }
        found
    }
}

impl Found {
    fn take_withheld(&mut self, path: &Path, folder: &Folder, is_all: bool) {
        if let Some(stamp) = folder.rules {
            self.rule_files.push((path.join(RULE_FILE), stamp));
        }
        let Some(held) = &folder.withheld else { return };
        if is_all {
            self.withheld.push(path.to_owned());
            return;
        }
        let names = held.names.iter().map(|name| path.join(name));
        self.withheld.extend(names);
        // A link that leads nowhere withholds nothing.
        let behind = held.links.iter();
        self.withheld
            .extend(behind.filter_map(|name| path.join(name).canonicalize().ok()));
    }
}

impl Folder {
    /// Whether it need not be read again for what is asked.
    fn is_as(
        &self,
        meta: &fs::Metadata,
        path: &Path,
        next: &Next,
        by: Option<&dyn Withhold>,
    ) -> bool {
        if self.changed != Some((meta.ctime(), meta.ctime_nsec())) {
            return false;
        }
        by.is_none()
            || !next.is_stale
                && self.withheld.is_some()
                // It can be written in its place, which does not change the folder.
                && self.rules.is_none_or(|stamp| stamp == rule_stamp(path))
    }

    fn withholds(&self, name: &OsString) -> bool {
        let held = self.withheld.as_ref();
        held.is_some_and(|held| held.names.contains(name))
    }
}

/// What a link leads to counts, also when there is nothing yet.
fn rule_stamp(folder: &Path) -> RuleStamp {
    let meta = folder.join(RULE_FILE).metadata();
    meta.map_or_else(
        |_| RuleStamp::default(),
        |meta| (meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.len()),
    )
}

/// Reads a folder, and asks `by` about each of its entries.
fn read(
    path: &Path,
    changed: (i64, i64),
    budget: &mut usize,
    by: Option<&dyn Withhold>,
) -> io::Result<Folder> {
    let mut folder = Folder {
        changed: is_settled(changed).then_some(changed),
        ..Folder::default()
    };
    let mut held = Held::default();
    let mut entries = 0;
    for entry in fs::read_dir(path)? {
        if *budget == 0 {
            folder.changed = None;
            folder.is_cut = true;
            folder.is_unread = true;
            break;
        }
        *budget -= 1;
        // What goes away meanwhile is not there.
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        entries += 1;
        let name = entry.file_name();
        if by.is_some_and(|by| by.withholds(&entry.path(), kind.is_dir())) {
            let names = if kind.is_symlink() {
                &mut held.links
            } else {
                &mut held.names
            };
            names.push(name.clone());
        }
        if name == RULE_FILE {
            folder.rules = Some(rule_stamp(path));
        }
        if name == ".git" {
            folder.repository = entry.metadata().ok().map(|meta| Identity {
                id: (meta.dev(), meta.ino()),
                kind,
                made: meta.created().ok(),
            });
        } else if kind.is_dir() {
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                folder.tools.push(name);
            } else {
                folder.folders.push(name);
            }
        } else if kind.is_symlink() {
            if folder.links.len() < NOTED
                && let Ok(target) = fs::read_link(entry.path())
            {
                folder.links.push((name, target));
            }
        } else if kind.is_file()
            && let Ok(meta) = entry.metadata()
            && meta.nlink() > 1
        {
            if folder.shared.len() < NOTED {
                let id = (meta.dev(), meta.ino());
                folder.shared.push((name, id, meta.nlink()));
            } else {
                folder.is_cut = true;
            }
        }
    }
    held.is_all = entries >= ALL && held.names.len() == entries && !folder.is_cut;
    folder.withheld = by.is_some().then_some(held);
    Ok(folder)
}

/// Whether a change that comes now would get another time.
fn is_settled((seconds, nanos): (i64, i64)) -> bool {
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
        return false;
    };
    let at = UNIX_EPOCH + Duration::new(seconds, nanos);
    SystemTime::now()
        .duration_since(at)
        .is_ok_and(|age| age > TICK)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::settle;
