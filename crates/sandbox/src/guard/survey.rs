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
pub(super) mod tests {
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
            let found = survey.look(&root, None, 0);
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
        let found = survey.look(&root, None, 0);
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
        assert_eq!(
            Survey::default().look(&root, None, 0).shared,
            Vec::<PathBuf>::new()
        );
    }

    #[test]
    fn a_folder_without_news_is_not_read_again() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        let mut survey = Survey::default();
        survey.look(&root, None, 0);
        let known = survey.folders.get_mut(&root).unwrap();
        let meta = root.metadata().unwrap();
        known.changed = Some((meta.ctime(), meta.ctime_nsec()));
        known.repository = Some(Identity {
            id: (1, 2),
            kind: meta.file_type(),
            made: None,
        });
        assert_eq!(
            survey.look(&root, None, 0).repositories.len(),
            1,
            "it was read again"
        );
        fs::create_dir(root.join("new")).unwrap();
        let changed = root.metadata().unwrap();
        if (changed.ctime(), changed.ctime_nsec()) != (meta.ctime(), meta.ctime_nsec()) {
            assert_eq!(survey.look(&root, None, 0).repositories.len(), 0);
        }
    }

    /// Withholds what its names end with, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Ends {
        end: &'static str,
        asked: std::sync::atomic::AtomicUsize,
    }

    impl Withhold for Ends {
        fn version(&self) -> Option<u64> {
            Some(self.end.bytes().map(u64::from).sum())
        }

        fn withholds(&self, path: &Path, _is_dir: bool) -> bool {
            self.asked
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            path.to_string_lossy().ends_with(self.end)
        }

        fn names(&self, _folder: &Path, name: &str) -> bool {
            name == "target"
        }

        fn places(&self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    /// What is withheld, by paths from the root, and how often somebody was asked.
    fn withheld(survey: &mut Survey, root: &Path, end: &'static str) -> (Vec<String>, usize) {
        let ends = Ends {
            end,
            ..Ends::default()
        };
        let mut found = survey.look(root, Some(&ends), 0).withheld;
        found.sort();
        let inside = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        (found.iter().map(inside).collect(), ends.asked.into_inner())
    }

    /// Waits until changes of now and changes to come have different times.
    pub(in crate::guard) fn settle(root: &Path) {
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let meta = folder.metadata().unwrap();
            while !is_settled((meta.ctime(), meta.ctime_nsec())) {
                std::thread::yield_now();
            }
            let entries = fs::read_dir(folder).unwrap().flatten();
            folders.extend(
                entries
                    .map(|entry| entry.path())
                    .filter(|path| path.is_dir()),
            );
        }
    }

    #[test]
    fn only_what_is_new_is_asked_about() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        for folder in ["a/b", "all", "target/deep", "node_modules/x", "c.key"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for number in 0..ALL {
            fs::write(root.join(format!("all/{number}.key")), "").unwrap();
        }
        let files = [
            "a/b/1.key",
            "a/2.pem",
            "target/deep/3.key",
            "node_modules/x/4.key",
            "c.key/5",
        ];
        for file in files {
            fs::write(root.join(file), "").unwrap();
        }
        symlink("a/2.pem", root.join("link.key")).unwrap();
        settle(&root);
        let mut survey = Survey::default();
        let keys = ["a/2.pem", "a/b/1.key", "all", "c.key", "target/deep/3.key"];
        let keys = keys.map(str::to_owned).to_vec();
        let (found, asked) = withheld(&mut survey, &root, ".key");
        assert_eq!(found, keys);
        assert!(asked > ALL);
        // A look in between that asks nothing forgets nothing.
        survey.look(&root, None, 0);
        assert_eq!(withheld(&mut survey, &root, ".key"), (keys.clone(), 0));
        // What is new in one folder is asked about with that folder alone.
        fs::write(root.join("a/b/new.key"), "").unwrap();
        survey.look(&root, None, 0);
        let (found, asked) = withheld(&mut survey, &root, ".key");
        assert!(found.contains(&"a/b/new.key".to_owned()), "{found:?}");
        assert_eq!(asked, 2);
        // Other rules ask about everything.
        let (found, asked) = withheld(&mut survey, &root, ".pem");
        assert_eq!(found, ["a/2.pem"]);
        assert!(asked > ALL);
    }

    #[test]
    fn below_a_rule_file_that_changed_everything_is_asked_about_anew() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        for folder in ["a/b/c", "a/target/deep", "d"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("a/.kerfignore"), "x").unwrap();
        settle(&root);
        let mut survey = Survey::default();
        withheld(&mut survey, &root, ".key");
        assert_eq!(withheld(&mut survey, &root, ".key").1, 0);
        // In its place: no folder changes.
        fs::write(root.join("a/.kerfignore"), "xy").unwrap();
        // `.kerfignore`, `b` and `target`, and `c` and `deep` below.
        assert_eq!(withheld(&mut survey, &root, ".key").1, 5);
        fs::remove_file(root.join("a/.kerfignore")).unwrap();
        assert_eq!(withheld(&mut survey, &root, ".key").1, 4);
    }

    /// A look after a command asks nobody, and goes into no folder of tools.
    #[test]
    fn a_rule_file_that_is_replaced_during_a_command_counts_below_it_for_the_next() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        for folder in ["a/b", "target/deep"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join(".kerfignore"), "x").unwrap();
        settle(&root);
        let mut survey = Survey::default();
        withheld(&mut survey, &root, ".key");
        assert_eq!(withheld(&mut survey, &root, ".key").1, 0);
        // As an editor saves it: the folder changes too.
        fs::write(root.join("new"), "xy").unwrap();
        fs::rename(root.join("new"), root.join(".kerfignore")).unwrap();
        survey.look(&root, None, 0);
        // `.kerfignore`, `a` and `target`, and `b` and `deep` below.
        assert_eq!(withheld(&mut survey, &root, ".key").1, 5);
        settle(&root);
        withheld(&mut survey, &root, ".key");
        fs::remove_file(root.join(".kerfignore")).unwrap();
        for _ in 0..2 {
            survey.look(&root, None, 0);
        }
        assert_eq!(withheld(&mut survey, &root, ".key").1, 4);
    }

    #[test]
    fn other_rules_elsewhere_ask_about_everything() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        settle(&root);
        let mut survey = Survey::default();
        let mut asked = |elsewhere| {
            let ends = Ends {
                end: ".key",
                ..Ends::default()
            };
            survey.look(&root, Some(&ends), elsewhere);
            ends.asked.into_inner()
        };
        assert_eq!([asked(1), asked(1), asked(2), asked(2)], [2, 0, 2, 0]);
    }
}
