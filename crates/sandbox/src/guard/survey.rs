//! A bounded look through a writable folder for what matters to its safety: repositories, links, and files that have
//! another name elsewhere.
//!
//! A folder is read again only when its change time moved, which no program can set, so that a look before and after
//! every command costs one `stat` a folder. Reading changes nothing and follows no link.

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
}

#[derive(Debug, Default)]
struct Folder {
    /// The change time in seconds and nanoseconds; `None` when it says nothing.
    changed: Option<(i64, i64)>,
    folders: Vec<OsString>,
    repository: Option<Identity>,
    /// Whether something was left out.
    is_cut: bool,
    links: Vec<(OsString, PathBuf)>,
    shared: Vec<(OsString, Id, u64)>,
}

impl Survey {
    /// Looks through `root`.
    pub(crate) fn look(&mut self, root: &Path) -> Found {
        let mut old = std::mem::take(&mut self.folders);
        let mut queue = VecDeque::from([root.to_owned()]);
        let mut found = Found::default();
        let mut names: HashMap<Id, (u64, u64)> = HashMap::new();
        let mut shared = Vec::new();
        let mut budget = ENTRIES;
        let mut is_cut = false;
        while let Some(path) = queue.pop_front() {
            let Ok(meta) = path.symlink_metadata() else {
                continue;
            };
            if !meta.is_dir() {
                continue;
            }
            let changed = (meta.ctime(), meta.ctime_nsec());
            let folder = match old.remove(&path) {
                Some(known) if known.changed == Some(changed) => known,
                _ => read(&path, changed, &mut budget).unwrap_or_default(),
            };
            for name in &folder.folders {
                let below = path.join(name);
                if self.folders.len() + queue.len() + 1 < FOLDERS
                    && below.as_os_str().as_bytes().len() <= PATH_BYTES
                {
                    queue.push_back(below);
                } else {
                    is_cut = true;
                }
            }
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
            self.folders.insert(path, folder);
        }
        shared.retain(|(_, id)| names.get(id).is_some_and(|(seen, all)| seen < all));
        if !is_cut {
            found.shared = shared.into_iter().map(|(path, _)| path).collect();
        }
        found
    }
}

fn read(path: &Path, changed: (i64, i64), budget: &mut usize) -> io::Result<Folder> {
    let mut folder = Folder {
        changed: is_settled(changed).then_some(changed),
        ..Folder::default()
    };
    for entry in fs::read_dir(path)? {
        if *budget == 0 {
            folder.changed = None;
            folder.is_cut = true;
            break;
        }
        *budget -= 1;
        // What goes away meanwhile is not there.
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let name = entry.file_name();
        if name == ".git" {
            folder.repository = entry.metadata().ok().map(|meta| Identity {
                id: (meta.dev(), meta.ino()),
                kind,
                made: meta.created().ok(),
            });
        } else if kind.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
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
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn it_finds_what_matters_and_forgets_what_went() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap().join("ws");
        for folder in [
            ".git/hooks",
            "a/b/.git",
            "target/x/.git",
            "node_modules/y/.git",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("a/worktree"), "").unwrap();
        fs::create_dir(root.join("c")).unwrap();
        fs::write(root.join("c/.git"), "gitdir: ../x").unwrap();
        fs::write(base.path().join("key"), "secret").unwrap();
        fs::hard_link(base.path().join("key"), root.join("a/key")).unwrap();
        fs::write(root.join("one"), "").unwrap();
        fs::hard_link(root.join("one"), root.join("a/two")).unwrap();
        symlink("/etc", root.join("a/out")).unwrap();

        let mut survey = Survey::default();
        for _ in 0..2 {
            let found = survey.look(&root);
            assert_eq!(
                found.repositories.into_keys().collect::<Vec<_>>(),
                [".git", "a/b/.git", "c/.git"].map(|name| root.join(name))
            );
            assert_eq!(
                found.shared,
                [root.join("a/key")],
                "both names of `one` are inside"
            );
            assert_eq!(
                found.links,
                [(root.join("a/out"), "/etc".into())].into_iter().collect()
            );
        }
        fs::remove_dir_all(root.join("a")).unwrap();
        fs::create_dir_all(root.join("d/.git")).unwrap();
        let found = survey.look(&root);
        assert!(found.repositories.contains_key(&root.join("d/.git")));
        assert!(found.links.is_empty() && found.repositories.len() == 3);
        assert_eq!(found.shared, Vec::<PathBuf>::new());
    }

    /// Builds link files in great numbers, and none of them must be taken for one with a name outside.
    #[test]
    fn what_is_too_much_to_see_is_not_guessed() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        for folder in ["a", "b"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        for number in 0..=NOTED {
            let [one, two] = ["a", "b"].map(|folder| root.join(folder).join(number.to_string()));
            fs::write(&one, "").unwrap();
            fs::hard_link(one, two).unwrap();
        }
        assert_eq!(Survey::default().look(&root).shared, Vec::<PathBuf>::new());
    }

    #[test]
    fn a_folder_without_news_is_not_read_again() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        let mut survey = Survey::default();
        survey.look(&root);
        let known = survey.folders.get_mut(&root).unwrap();
        let meta = root.metadata().unwrap();
        known.changed = Some((meta.ctime(), meta.ctime_nsec()));
        known.repository = Some(Identity {
            id: (1, 2),
            kind: meta.file_type(),
            made: None,
        });
        assert_eq!(
            survey.look(&root).repositories.len(),
            1,
            "it was read again"
        );
        fs::create_dir(root.join("new")).unwrap();
        let changed = root.metadata().unwrap();
        if (changed.ctime(), changed.ctime_nsec()) != (meta.ctime(), meta.ctime_nsec()) {
            assert_eq!(survey.look(&root).repositories.len(), 0);
        }
    }
}
